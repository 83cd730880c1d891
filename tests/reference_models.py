"""The four library models written out by hand from the papers, in NumPy, apart from hhfast: what it is checked against.

`coefficients(X, i_app, p)` gives (A, B) of x' = a - b x for states X (n_states, ...) and a dict of parameters p.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from scipy.integrate import solve_ivp

Params = dict[str, Any]


class Reference(NamedTuple):
    """A model: state names, default parameters, V_init, and the coefficients of its equations.

    curved : groups of states (V, pools) whose own a or b depends on themselves.
    """

    states: tuple[str, ...]
    p: Params
    V_init: float
    coefficients: Callable[[np.ndarray, Any, Params], tuple[np.ndarray, np.ndarray]]
    curved: tuple[str, ...] = ()

    def slope(self, X, i_app, p):
        """dX/dt."""
        A, B = self.coefficients(X, i_app, p)
        return A - B * X


def linoid(u):
    """u / (1 - exp(-u)), 1 at u = 0."""
    u = np.asarray(u, float)
    safe = np.where(np.abs(u) < 1e-8, 1.0, u)
    return np.where(np.abs(u) < 1e-8, 1.0 + 0.5 * u, safe / -np.expm1(-safe))


def boltzmann(V, V_half, k):
    """1 / (1 + exp((V - V_half) / k))."""
    return 1.0 / (1.0 + np.exp((V - V_half) / k))


def _stack(V, p, i_app, conductances, gates):
    """(A, B): the membrane from (g, E) pairs, then gates given as (a, b)."""
    a = (i_app + sum(g * E for g, E in conductances)) / p["C_m"]
    b = sum(g for g, _ in conductances) / p["C_m"]
    A, B = zip((a, b), *gates, strict=True)
    return np.array(np.broadcast_arrays(*A, V)[:-1]), np.array(np.broadcast_arrays(*B, V)[:-1])


def hodgkin_huxley_rates(V):
    """alpha and beta of the squid axon's m, h, n at 6.3 degC."""
    return {
        "m": (linoid((V + 40) / 10), 4 * np.exp(-(V + 65) / 18)),
        "h": (0.07 * np.exp(-(V + 65) / 20), 1 / (1 + np.exp(-(V + 35) / 10))),
        "n": (0.1 * linoid((V + 55) / 10), 0.125 * np.exp(-(V + 65) / 80)),
    }


def _hodgkin_huxley(X, i_app, p):
    V, m, h, n = X
    q = 3 ** ((p["celsius"] - 6.3) / 10)
    currents = [(p["g_Na"] * m**3 * h, p["E_Na"]), (p["g_K"] * n**4, p["E_K"]), (p["g_L"], p["E_L"])]
    return _stack(V, p, i_app, currents, [(q * a, q * (a + b)) for a, b in hodgkin_huxley_rates(V).values()])


def _connor_stevens(X, i_app, p):
    V, m, h, n, a, b = X
    rates = [
        (3.8 * linoid((V + 29.7) / 10), 15.2 * np.exp(-0.0556 * (V + 54.7))),
        (0.266 * np.exp(-0.05 * (V + 48)), 3.8 / (1 + np.exp(-0.1 * (V + 18)))),
        (0.2 * linoid((V + 45.7) / 10), 0.25 * np.exp(-0.0125 * (V + 55.7))),
    ]
    a_inf = np.cbrt(0.0761 * np.exp(0.0314 * (V + 94.22)) / (1 + np.exp(0.0346 * (V + 1.17))))
    tau_a = 0.3632 + 1.158 / (1 + np.exp(0.0497 * (V + 55.96)))
    b_inf = (1 / (1 + np.exp(0.0688 * (V + 53.3)))) ** 4
    tau_b = 1.24 + 2.678 / (1 + np.exp(0.0624 * (V + 50)))
    currents = [
        (p["g_Na"] * m**3 * h, p["E_Na"]),
        (p["g_K"] * n**4, p["E_K"]),
        (p["g_A"] * a**3 * b, p["E_A"]),
        (p["g_L"], p["E_L"]),
    ]
    gates = [(x, x + y) for x, y in rates] + [(a_inf / tau_a, 1 / tau_a), (b_inf / tau_b, 1 / tau_b)]
    return _stack(V, p, i_app, currents, gates)


def _wang_buzsaki(X, i_app, p):
    V, h, n = X
    alpha_m, beta_m = linoid((V + 35) / 10), 4 * np.exp(-(V + 60) / 18)
    m = alpha_m / (alpha_m + beta_m)
    rates = [
        (0.07 * np.exp(-(V + 58) / 20), 1 / (1 + np.exp(-(V + 28) / 10))),
        (0.1 * linoid((V + 34) / 10), 0.125 * np.exp(-(V + 44) / 80)),
    ]
    currents = [(p["g_Na"] * m**3 * h, p["E_Na"]), (p["g_K"] * n**4, p["E_K"]), (p["g_L"], p["E_L"])]
    return _stack(V, p, i_app, currents, [(p["phi"] * x, p["phi"] * (x + y)) for x, y in rates])


def _prinz_stg(X, i_app, p):
    V, m_Na, h_Na, m_CaT, h_CaT, m_CaS, h_CaS, m_A, h_A, m_KCa, m_Kd, m_H, Ca = X
    E_Ca = 8314.51 * (p["celsius"] + 273.15) / (2 * 96485.3415) * np.log(p["Ca_out"] / Ca)
    g_CaT, g_CaS = p["g_CaT"] * m_CaT**3 * h_CaT, p["g_CaS"] * m_CaS**3 * h_CaS
    currents = [
        (p["g_Na"] * m_Na**3 * h_Na, p["E_Na"]),
        (g_CaT, E_Ca),
        (g_CaS, E_Ca),
        (p["g_A"] * m_A**3 * h_A, p["E_A"]),
        (p["g_KCa"] * m_KCa**4, p["E_KCa"]),
        (p["g_Kd"] * m_Kd**4, p["E_Kd"]),
        (p["g_H"] * m_H, p["E_H"]),
        (p["g_leak"], p["E_leak"]),
    ]
    inf_tau = [
        (boltzmann(V, -25.5, -5.29), 2.64 - 2.52 * boltzmann(V, -120, -25)),
        (boltzmann(V, -48.9, 5.18), 1.34 * boltzmann(V, -62.9, -10) * (1.5 + boltzmann(V, -34.9, 3.6))),
        (boltzmann(V, -27.1, -7.2), 43.4 - 42.6 * boltzmann(V, -68.1, -20.5)),
        (boltzmann(V, -32.1, 5.5), 210 - 179.6 * boltzmann(V, -55, -16.9)),
        (boltzmann(V, -33, -8.1), 2.8 + 14 / (np.exp((V + 27) / 10) + np.exp(-(V + 70) / 13))),
        (boltzmann(V, -60, 6.2), 120 + 300 / (np.exp((V + 55) / 9) + np.exp(-(V + 65) / 16))),
        (boltzmann(V, -27.2, -8.7), 23.2 - 20.8 * boltzmann(V, -32.9, -15.2)),
        (boltzmann(V, -56.9, 4.9), 77.2 - 58.4 * boltzmann(V, -38.9, -26.5)),
        (Ca / (Ca + 3) * boltzmann(V, -28.3, -12.6), 180.6 - 150.2 * boltzmann(V, -46, -22.7)),
        (boltzmann(V, -12.3, -11.8), 14.4 - 12.8 * boltzmann(V, -28.3, -19.2)),
        (boltzmann(V, -75, 5.5), 2 / (np.exp(-(V + 169.7) / 11.6) + np.exp((V - 26.7) / 14.3))),
    ]
    entering = p["Ca_0"] - p["f_Ca"] * 1e3 * p["area"] * (g_CaT + g_CaS) * (V - E_Ca)
    gates = [(inf / tau, 1 / tau) for inf, tau in inf_tau]
    return _stack(V, p, i_app, currents, [*gates, (entering / p["tau_Ca"], 1 / p["tau_Ca"])])


MODELS: dict[str, Reference] = {
    "hodgkin_huxley": Reference(
        ("V", "m", "h", "n"),
        {
            "C_m": 1.0,
            "celsius": 6.3,
            "g_Na": 120.0,
            "E_Na": 50.0,
            "g_K": 36.0,
            "E_K": -77.0,
            "g_L": 0.3,
            "E_L": -54.387,
        },
        -65.0,
        _hodgkin_huxley,
    ),
    "connor_stevens": Reference(
        ("V", "m", "h", "n", "a", "b"),
        {
            "C_m": 1.0,
            "g_Na": 120.0,
            "E_Na": 55.0,
            "g_K": 20.0,
            "E_K": -72.0,
            "g_A": 47.7,
            "E_A": -75.0,
            "g_L": 0.3,
            "E_L": -17.0,
        },
        -68.0,
        _connor_stevens,
    ),
    "wang_buzsaki": Reference(
        ("V", "h", "n"),
        {"C_m": 1.0, "phi": 5.0, "g_Na": 35.0, "E_Na": 55.0, "g_K": 9.0, "E_K": -90.0, "g_L": 0.1, "E_L": -65.0},
        -65.0,
        _wang_buzsaki,
        ("V",),
    ),
    "prinz_stg": Reference(
        ("V", "m_Na", "h_Na", "m_CaT", "h_CaT", "m_CaS", "h_CaS", "m_A", "h_A", "m_KCa", "m_Kd", "m_H", "Ca"),
        {
            "C_m": 1.0,
            "celsius": 9.85,
            "g_Na": 100.0,
            "E_Na": 50.0,
            "g_CaT": 0.0,
            "g_CaS": 4.0,
            "g_A": 0.0,
            "E_A": -80.0,
            "g_KCa": 15.0,
            "E_KCa": -80.0,
            "g_Kd": 50.0,
            "E_Kd": -80.0,
            "g_H": 0.02,
            "E_H": -20.0,
            "g_leak": 0.03,
            "E_leak": -50.0,
            "Ca_0": 0.05,
            "Ca_out": 3000.0,
            "f_Ca": 14.96,
            "area": 0.628e-3,
            "tau_Ca": 200.0,
        },
        -50.0,
        _prinz_stg,
        ("pools",),
    ),
}


def initial(name: str, p: Params | None = None) -> np.ndarray:
    """The states at V_init with the gates at steady state (and calcium at 0.05 uM)."""
    model = MODELS[name]
    X = np.zeros(len(model.states))
    X[0] = model.V_init
    gates = slice(1, None)
    if name == "prinz_stg":
        X[-1], gates = 0.05, slice(1, -1)
    A, B = model.coefficients(X, 0.0, p or model.p)
    X[gates] = A[gates] / B[gates]
    return X


def solve(name: str, t_stop: float, current, X0=None, p: Params | None = None, jumps=(), level=None):
    """(state at t_stop, times of upward crossings of `level`), by DOP853 restarted at every jump of `current(t)`."""
    model, p = MODELS[name], p or MODELS[name].p
    X = initial(name, p) if X0 is None else np.asarray(X0, float)
    events = []
    if level is not None:

        def crossing(t, X):
            return X[0] - level

        crossing.direction = 1.0
        events = [crossing]
    found = [np.empty(0)]
    nodes = [0.0, *sorted(j for j in jumps if 0 < j < t_stop), t_stop]
    for begin, end in pairwise(nodes):
        # The current just inside the piece: at a jump itself the piece that follows it counts.
        def slope(t, X, begin=begin, end=end):
            return model.slope(X, current(min(max(t, begin + 1e-12), end - 1e-12)), p)

        run = solve_ivp(slope, (begin, end), X, method="DOP853", rtol=1e-12, atol=1e-13, max_step=0.25, events=events)
        X = run.y[:, -1]
        found += run.t_events or []
    return X, np.concatenate(found)

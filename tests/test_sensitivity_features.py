"""Derivatives of features, and by stimuli and initial values, against complex steps through NumPy and differences."""

import numpy as np
import pytest
from commands import hhfast
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicHermiteSpline, CubicSpline
from scipy.optimize import brentq

import hhfast as hh
from hhfast.batch.constant_current import constant_current_by
from hhfast.parts.sensitivity import moved_edges

T_STOP, START = 30.0, 2.0
BASE = {"g_Na": 120.0, "E_L": -54.387, "C_m": 1.0, "celsius": 6.3, "amplitude": 12.0, "V_initial": -62.0,
        "h_initial": 0.5, "start": START, "width": 20.0}  # fmt: skip
BY_COMPLEX_STEPS = ("g_Na", "E_L", "C_m", "celsius", "amplitude", "V_initial", "h_initial")
FEATURES = ("latency", "isi_mean", "isi_cv", "V_max", "V_min", "V_mean")


def simulated(values, by=(), integrator="tsit5", **method):
    """A run of the squid axon, and its derivatives."""
    return hh.simulate(
        "hodgkin_huxley",
        {name: values[name] for name in ("g_Na", "E_L", "C_m", "celsius")},
        stimulus=hh.Pulse(amplitude=values["amplitude"], start=values["start"], width=values["width"]),
        initial={"V": values["V_initial"], "m": 0.08, "h": values["h_initial"], "n": 0.35},
        t_stop=T_STOP,
        record=[hh.Features(FEATURES), hh.Spikes(), hh.Trace("V", *(f"dV_d{p}" for p in by), every=0.37), hh.Final()],
        sensitivity=list(by),
        integrator=integrator,
        **method,
    )


@pytest.fixture(scope="module")
def derived():
    return simulated(BASE, tuple(BASE), rtol=1e-11)


# --- an independent program -------------------------------------------------------------------------------------------
def by_complex_steps(dt=0.005, h=1e-30):
    """(t, V, dV/dp by every parameter) of Hodgkin & Huxley's equations by RK4 in complex numbers, p + i h for each."""
    p = {name: np.full(len(BY_COMPLEX_STEPS), BASE[name], complex) for name in BASE}
    for k, name in enumerate(BY_COMPLEX_STEPS):
        p[name][k] += 1j * h
    n_p = len(BY_COMPLEX_STEPS)
    y = np.array([p["V_initial"], np.full(n_p, 0.08), p["h_initial"], np.full(n_p, 0.35)], complex)
    t, V, slope = [0.0], [y[0]], []
    for k in range(round(T_STOP / dt)):
        on = START <= (k + 0.5) * dt < START + BASE["width"]
        current = p["amplitude"] if on else 0.0
        k1 = hodgkin_huxley(y, p, current)
        k2 = hodgkin_huxley(y + 0.5 * dt * k1, p, current)
        k3 = hodgkin_huxley(y + 0.5 * dt * k2, p, current)
        k4 = hodgkin_huxley(y + dt * k3, p, current)
        slope.append(k1[0].real[0])
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t.append((k + 1) * dt)
        V.append(y[0])
    V = np.array(V)
    return np.array(t), V[:, 0].real, V.imag / h, np.array([*slope, slope[-1]])


def test_complex_steps_agree(derived):
    """To 1e-5 of the largest: V at the samples, the times of spikes, and the features, by every kind of parameter."""
    t, V, by, slope = by_complex_steps()
    up = np.flatnonzero((V[:-1] < -20) & (V[1:] >= -20))
    curve = CubicHermiteSpline(t, V, slope)
    times = np.array([brentq(lambda x: curve(x) + 20, t[i], t[i + 1], xtol=1e-13) for i in up])
    np.testing.assert_allclose(derived.spike_time, times, atol=1e-6)
    at = np.rint(derived.time / (t[1] - t[0])).astype(int)
    for k, name in enumerate(BY_COMPLEX_STEPS):
        s, largest = CubicSpline(t, by[:, k]), np.abs(by[:, k]).max()
        np.testing.assert_allclose(derived[f"dV_d{name}"][0], by[at, k], atol=1e-5 * largest)
        shifts = -s(times) / CubicSpline(t, slope)(times)
        np.testing.assert_allclose(derived[f"spike_time_d{name}"], shifts, rtol=1e-5)
        np.testing.assert_allclose(derived[f"latency_d{name}"][0], shifts[0], rtol=1e-5)
        np.testing.assert_allclose(derived[f"isi_mean_d{name}"][0], np.diff(shifts).mean(), rtol=1e-5)
        for feature, i in (("V_max", V.argmax()), ("V_min", V.argmin())):
            turn = brentq(CubicSpline(t, slope), t[i - 1], t[i + 1], xtol=1e-13)
            np.testing.assert_allclose(derived[f"{feature}_d{name}"][0], s(turn), rtol=1e-5, atol=1e-5 * largest)
        mean = (t[1] - t[0]) * 0.5 * (by[1:, k] + by[:-1, k]).sum() / T_STOP
        np.testing.assert_allclose(derived[f"V_mean_d{name}"][0], mean, rtol=1e-5, atol=1e-6 * largest)


def extrema_by_scipy(values):
    """(largest, smallest) V, by DOP853 with events where V turns; or at the edges of the pulse."""
    p = {name: values[name] for name in ("g_Na", "E_L", "C_m", "celsius")}
    y, t, found = np.array([values["V_initial"], 0.08, values["h_initial"], 0.35]), 0.0, []
    on = values["start"]
    for end, current in ((on, 0.0), (on + values["width"], values["amplitude"]), (T_STOP, 0.0)):

        def slopes(_, y, current=current):
            return hodgkin_huxley(y, p, current)

        run = solve_ivp(slopes, (t, end), y, "DOP853", rtol=1e-13, atol=1e-13, events=lambda t, y, f=slopes: f(t, y)[0])
        found += [y[0], *(state[0] for state in run.y_events[0])]
        y, t = run.y[:, -1], end
    return np.array([max(found), min(found)])


def hodgkin_huxley(y, p, current):
    """Slopes of Hodgkin & Huxley's equations, written out."""
    V, m, h, n = y
    phi = 3.0 ** ((p["celsius"] - 6.3) / 10)
    alpha_m, alpha_n = 0.1 * (V + 40) / (1 - np.exp(-(V + 40) / 10)), 0.01 * (V + 55) / (1 - np.exp(-(V + 55) / 10))
    alpha_h, beta_h = 0.07 * np.exp(-(V + 65) / 20), 1 / (1 + np.exp(-(V + 35) / 10))
    ionic = p["g_Na"] * m**3 * h * (V - 50) + 36 * n**4 * (V + 77) + 0.3 * (V - p["E_L"])
    return np.array([
        (current - ionic) / p["C_m"],
        phi * (alpha_m * (1 - m) - 4 * np.exp(-(V + 65) / 18) * m),
        phi * (alpha_h * (1 - h) - beta_h * h),
        phi * (alpha_n * (1 - n) - 0.125 * np.exp(-(V + 65) / 80) * n),
    ])  # fmt: skip


def test_extrema_agree_with_differences_of_scipy():
    """Those of V_max and V_min at rtol 1e-10, to 1e-5 each, by what moves the curve in time too."""
    names = ("E_L", "amplitude", "start", "width")
    derived = simulated(BASE, names, rtol=1e-10)
    for name in names:
        h = 1e-4 * BASE[name]
        ends = {k: extrema_by_scipy(BASE | {name: BASE[name] + k * h}) for k in (-2, -1, 1, 2)}
        expected = (ends[-2] - 8 * ends[-1] + 8 * ends[1] - ends[2]) / (12 * h)
        found = [derived[f"{feature}_d{name}"][0] for feature in ("V_max", "V_min")]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-12, err_msg=name)


def test_differences_agree(derived):
    """Central differences of fourth order, of every feature and spike time, by edges of the stimulus as well."""
    for name, value in BASE.items():
        h = 1e-4 * max(abs(value), 0.1)
        ends = {k: simulated(BASE | {name: value + k * h}, rtol=1e-11) for k in (-2, -1, 1, 2)}

        def difference(of, ends=ends, h=h):
            return (of(ends[-2]) - 8 * of(ends[-1]) + 8 * of(ends[1]) - of(ends[2])) / (12 * h)

        for x in ("V", "h"):
            expected = difference(lambda r, x=x: r[f"{x}_final"][0])
            np.testing.assert_allclose(derived[f"d{x}_d{name}_final"][0], expected, rtol=1e-5, atol=1e-7)
        expected = difference(lambda r: r.spike_time)
        np.testing.assert_allclose(derived[f"spike_time_d{name}"], expected, rtol=1e-5, atol=1e-8)
        for feature in FEATURES:
            expected = difference(lambda r, feature=feature: r[feature][0])
            np.testing.assert_allclose(derived[f"{feature}_d{name}"][0], expected, rtol=1e-5, atol=1e-6)
    assert derived.variables["V_max_damplitude"].unit == "mV/(uA cm-2)"
    assert not [v for v in derived if v.startswith(("spike_count_d", "rate_d"))]


def test_of_fixed_steps_those_of_spike_times():
    """By rk4 as by tsit5, to its error; extrema have none; edges of the stimulus are refused."""
    by = ("g_Na", "amplitude", "V_initial")
    fixed, own = simulated(BASE, by, "rk4", dt=0.01), simulated(BASE, by, rtol=1e-9)
    for name in by:
        for feature in ("latency", "isi_mean", "isi_cv"):
            np.testing.assert_allclose(fixed[f"{feature}_d{name}"], own[f"{feature}_d{name}"], rtol=1e-4)
        assert f"V_max_d{name}" not in fixed
    with pytest.raises(hh.InputError, match="'start' moves edges, which fixed steps see only as they pass"):
        simulated(BASE, ("start",), "rk4", dt=0.01)


@pytest.mark.parametrize(
    ("stimulus", "name", "said"),
    [
        (hh.Sine(amplitude=1.0, frequency=50.0), "frequency", "not linear in 'frequency'"),
        (hh.Sine(amplitude=1.0, frequency=50.0), "start", "not linear in 'start'"),
        (hh.Train(amplitude=1.0, period=5.0), "period", "not linear in 'period'"),
        (hh.Step(amplitude=1.0) + hh.Step(amplitude=2.0), "amplitude", "several stimuli have a parameter 'amplitude'"),
        (hh.AlphaSynapse(g=0.1, tau=2.0), "g", "it must be a current"),
        (hh.Step(amplitude=1.0), "amplitud", "did you mean 'amplitude'"),
        (hh.Step(amplitude=1.0), "Q_initial", "unknown parameter 'Q_initial'"),
    ],
)
def test_what_has_no_derivative_is_refused(stimulus, name, said):
    with pytest.raises(hh.InputError, match=said) as caught:
        hh.simulate("hodgkin_huxley", stimulus=stimulus, t_stop=1.0, sensitivity=[name])
    assert "\n" not in str(caught.value)


def test_stimuli_of_a_sum_that_have_a_parameter_of_the_same_name():
    """By its place in the sum, against differences of runs; the name alone is refused, with both."""
    base = {"amplitude_0": 3.0, "amplitude_1": 25.0, "start_1": 12.0, "g_Na": 120.0}

    def run(values, by=()):
        pulses = hh.Pulse(values["amplitude_0"], 1.0, 2.0) + hh.Pulse(values["amplitude_1"], values["start_1"], 1.0)
        return hh.simulate("hodgkin_huxley", {"g_Na": values["g_Na"]}, stimulus=pulses, t_stop=20.0, rtol=1e-11,
                           record=[hh.Spikes(), hh.Final(), hh.Trace("dV_damplitude_1", every=1.0) if by else
                                   hh.Trace("V", every=1.0)], sensitivity=by)  # fmt: skip

    derived = run(base, list(base))
    assert len(derived.spike_time) == 1
    for name, value in base.items():
        h = 1e-4 * value
        low, high = (run(base | {name: value + by}) for by in (-h, h))
        expected = (high.spike_time - low.spike_time) / (2 * h)
        np.testing.assert_allclose(derived[f"spike_time_d{name}"], expected, rtol=1e-5)
        expected = (high["V_final"] - low["V_final"]) / (2 * h)
        np.testing.assert_allclose(derived[f"dV_d{name}_final"], expected, rtol=1e-5)
        if name == "amplitude_1":
            np.testing.assert_allclose(
                derived["dV_damplitude_1"], (high["V"] - low["V"]) / (2 * h), rtol=1e-4, atol=1e-5
            )
    assert derived.variables["spike_time_damplitude_1"].unit == "ms/(uA cm-2)"
    for name, said in (
        ("amplitude", "give amplitude_0 or amplitude_1"),
        ("amplitude_2", "unknown parameter 'amplitude_2'"),
    ):
        with pytest.raises(hh.InputError, match=said):
            run(base, [name])


def test_the_current_under_which_cells_settle():
    """Of a sum, whatever each cell's numbers: 1 by an amplitude that stays, 0 by one that is over and by edges."""
    n = 1000
    on, over = hh.Step(np.linspace(1.0, 20.0, n), start=np.linspace(0.0, 9.0, n)), hh.Pulse(np.full(n, 3.0), 2.0, 5.0)
    last = hh.Sine(amplitude=2.0, frequency=40.0, offset=np.linspace(0.0, 1.0, n), stop=50.0)
    three = on + over + last + hh.Train(1.0, period=8.0, count=2.0)
    for name, expected in (("amplitude_0", 1.0), ("amplitude_1", 0.0), ("amplitude_2", 0.0), ("offset", 0.0),
                           ("amplitude_3", 0.0), ("start_0", 0.0)):  # fmt: skip
        np.testing.assert_array_equal(constant_current_by(three, name, 500.0, n), np.full(n, expected))


def test_where_a_parameter_is_in_a_current():
    """In edges alone, or in the current."""
    kind = (
        hh.stimuli["paired_pulse"].kind if hasattr(hh.stimuli["paired_pulse"], "kind") else hh.stimuli["paired_pulse"]
    )
    assert moved_edges(kind, "interval") == ("start + interval", "start + interval + width")
    assert moved_edges(kind, "second_amplitude") == ()


def test_files_and_commands(tmp_path):
    """A sweep that records features alone has their derivatives; the command prints those of spike times."""
    path = tmp_path / "scan.toml"
    path.write_text("""
model = "hodgkin_huxley"
t_stop = 20.0
sensitivity = ["g_K", "amplitude", "start"]
[stimulus]
kind = "step"
amplitude = 12.0
start = 2.0
[axes]
g_Na = { values = [100, 120, 140] }
[record]
features = ["latency", "V_max"]
""")
    hh.Sweep.from_toml(path).run(tmp_path / "scan.h5", progress=False)
    with hh.open_results(tmp_path / "scan.h5") as found:
        by_hand = hh.simulate(
            "hodgkin_huxley", {"g_Na": [100.0, 120.0, 140.0]}, stimulus=hh.Step(amplitude=12.0, start=2.0), t_stop=20.0,
            record=[hh.Features(["latency", "V_max"])], sensitivity=["g_K", "amplitude", "start"],
        )  # fmt: skip
        for name in ("latency_dg_K", "latency_damplitude", "V_max_dstart"):
            assert np.array_equal(np.ravel(found[name]), by_hand[name])
    result = hhfast(
        "simulate", "hodgkin_huxley", "--current", 10, "--sensitivity", "amplitude,V_initial", "--t-stop", 20
    )
    assert result.exit_code == 0, result.output

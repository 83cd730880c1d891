"""hhfast itself, through its public call."""

from __future__ import annotations

from workload import C_M, E_K, E_L, E_NA, REARM, THRESHOLD, Workload

from rivals import Entry, Run, timed


def prepare(integrator: str, dt: float | None = None):
    """A contestant with this integrator, and a step of its own if given (ms)."""

    def build(work: Workload, dtype: str, threads: int) -> Run:
        import hhfast as hh

        parameters = {
            "g_Na": work.g_Na,
            "g_K": work.g_K,
            "g_L": work.g_L,
            "C_m": C_M,
            "E_Na": E_NA,
            "E_K": E_K,
            "E_L": E_L,
        }
        record = [hh.recorders["spike_count"](threshold=THRESHOLD, rearm=REARM)]
        return timed(
            lambda: hh.simulate(
                "hodgkin_huxley",
                parameters,
                stimulus=hh.Step(amplitude=work.i_app),
                t_stop=work.duration,
                dt=dt or work.dt,
                integrator=integrator,
                record=record,
                dtype=dtype,
                threads=threads,
            )["spike_count"]
        )

    return build


ENTRIES = (
    Entry(
        "hhfast",
        "**hhfast**",
        "exponential Euler, V first",
        "`simulate(...)` as documented, everything included: parameter arrays in, spike counts out.",
        prepare("exp_euler"),
        order=0,
        library="hhfast",
        dtypes=("float64", "float32"),
    ),
    Entry(
        "hhfast-rk4",
        "**hhfast**, RK4",
        "RK4",
        'The same call with `integrator="rk4"`: four evaluations of all rates in each step.',
        prepare("rk4"),
        order=1,
        library="hhfast",
        dtypes=("float64", "float32"),
    ),
)

"""One standard run that several test files share, so that each of its kernels is compiled once.

A smooth current (so that nothing but the method limits the order), spike times and the final state.
"""

from typing import NamedTuple

import numpy as np

import hhfast as hh
from hhfast.model import Channel, Gate, Model, Parameter


class Drive(NamedTuple):
    """offset + amplitude sin(2 pi 100 Hz t + 0.5), uA/cm2, for t_stop ms: long enough for a spike and its end."""

    offset: float
    t_stop: float

    @property
    def amplitude(self) -> float:
        return 0.3 * self.offset

    def current(self, t):
        return self.offset + self.amplitude * np.sin(2 * np.pi * 0.1 * t + 0.5)

    @property
    def stimulus(self) -> hh.Result:
        return hh.Sine(amplitude=self.amplitude, frequency=100.0, phase=0.5, offset=self.offset)


DRIVES = {
    "hodgkin_huxley": Drive(10.0, 6.0),
    "connor_stevens": Drive(20.0, 12.0),
    "wang_buzsaki": Drive(3.0, 8.0),
    "prinz_stg": Drive(3.0, 10.0),
}
FIXED = {"euler": 1, "exp_euler": 1, "exp_midpoint": 2, "strang": 2, "rk4": 4}  # name -> order
ADAPTIVE = {"bs32": 3, "tsit5": 5, "rodas4": 4}
INTEGRATORS = FIXED | ADAPTIVE
# Most kernels compile in seconds; these take longer, and run when all tests do.
LATER = {
    "connor_stevens": ("bs32", "rodas4"),
    "wang_buzsaki": ("bs32",),
    "prinz_stg": INTEGRATORS.keys() - {"exp_euler", "rk4", "tsit5"},
}
ALWAYS = [(m, i) for m in DRIVES for i in INTEGRATORS if i not in LATER.get(m, ())]
SLOW = [(m, i) for m in DRIVES for i in INTEGRATORS if (m, i) not in ALWAYS]


def standard_run(model: str, integrator: str, params=None, **options) -> hh.Result:
    """Simulate a model under its drive; options go to `simulate`."""
    drive = DRIVES[model]
    options = {"t_stop": drive.t_stop, "record": [hh.Spikes(), hh.Final()]} | options
    return hh.simulate(model, params, stimulus=drive.stimulus, integrator=integrator, **options)


def steps_of(dt: float, integrator: str) -> dict:
    """Options of `simulate` that let any integrator take steps of dt: an adaptive one may err as much as it likes."""
    return {"dt": dt} | ({"dt_max": dt, "atol": 1e9} if integrator in ADAPTIVE else {})


def final_state(result: hh.Result, states) -> np.ndarray:
    """(n_states, n_cells) at t_stop."""
    return np.array([result[f"{x}_final"] for x in states])


def random_states(model, n, rng):
    """(n_states, n): V from -120 to 80 mV, gates from 0 to 1, pools a few times their initial value."""
    X = rng.uniform(0, 1, (len(model.states), n))
    X[0] = rng.uniform(-120, 80, n)
    for pool in model.pools:
        X[model.states.index(pool.name)] = pool.initial * rng.uniform(0.5, 20, n)
    return X


def random_params(model, n, rng):
    """Every parameter within a fifth of its value (zero conductances: up to 1)."""
    scale = {name: p.value or 1.0 for name, p in model.parameters.items()}
    return {name: s * rng.uniform(0.8, 1.2, n) for name, s in scale.items()}


def one_gate(name, **formulas):
    """A model with a leak and one gated channel."""
    channels = (Channel("L", g=0.1, E=-65.0), Channel("C", g=0.5, E=-80.0, gates=(Gate("x", **formulas),)))
    shared = (Parameter("C_m", 1.0, "uF cm-2"), Parameter("k", 2.0, "1"))
    return Model(name, -65.0, channels, shared)

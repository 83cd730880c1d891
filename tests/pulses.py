"""Squid axons under trains of pulses with everything recorded: one kernel per integrator that many tests share."""

from itertools import pairwise

import numpy as np
import reference_models
from reference_models import MODELS
from scipy.integrate import solve_ivp

import hhfast as hh

FEATURES = ("rate", "latency", "V_max", "V_min", "V_mean")
PULSES = {"amplitude": 30.0, "start": 2.0, "width": 1.5, "period": 9.0, "count": 3.0}


def pulsed(integrator="tsit5", params=None, pulses=None, *, window=None, every=0.7, **options):
    """Squid axons under a train of pulses, with everything recorded."""
    record = [
        hh.Spikes(),
        hh.Features(FEATURES, window=window),
        hh.Trace("V", "m", "i_Na", "i_app", every=every),
        hh.Final(),
    ]
    stimulus = hh.Train(**PULSES | (pulses or {}))
    options = {"t_stop": 30.0, "record": record} | options
    return hh.simulate("hodgkin_huxley", params, stimulus=stimulus, integrator=integrator, **options)


def edges(p):
    """On and off times of a train, ms."""
    k = np.arange(p["count"])
    on = p["start"] + p["period"] * k
    return on, on + p["width"]


def train(p):
    """The current of a train at t."""
    on, off = edges(p)
    return lambda t: p["amplitude"] * ((on <= t) & (t < off)).any()


class Dense:
    """The states of a squid axon under a train, by SciPy, restarted at every edge."""

    def __init__(self, p, t_stop, params=None, method="DOP853", rtol=1e-11):
        stops = np.unique(np.clip(np.concatenate([*edges(p), [0.0, t_stop]]), 0.0, t_stop))
        model = MODELS["hodgkin_huxley"]
        params = model.p | (params or {})
        X = reference_models.initial("hodgkin_huxley", params)
        self.pieces = []
        for begin, end in pairwise(stops):
            current = train(p)(0.5 * (begin + end))
            piece = solve_ivp(
                lambda t, X, i=current: model.slope(X, i, params),
                (begin, end),
                X,
                method=method,
                rtol=rtol,
                atol=rtol / 10,
                dense_output=True,
                max_step=0.5,
            )
            X = piece.y[:, -1]
            self.pieces.append((begin, end, piece.sol))
        self.end = X

    def states(self, t):
        """(4, len(t)) at ascending times."""
        pieces = [(t[(t >= begin) & (t < end)], sol) for begin, end, sol in self.pieces]
        last = [self.end] if t[-1:] >= self.pieces[-1][1] else []
        return np.column_stack([*(sol(inside) for inside, sol in pieces if len(inside)), *last])

"""The small sweep on which runs are disturbed, and how their results are compared."""

import h5py
import numpy as np

from hhfast.sweep import Grid, Record, Sweep

STEP = {"kind": "step", "start": 5.0}
EVERYTHING = Record(features=("spike_count", "latency"), spikes=True, trace=("V",), every=0.5)


FEATURES = Record(features=("spike_count", "latency"))  # such shards are merged while others are computed


def small(record=EVERYTHING, **changes):
    """A sweep of 30 rows in batches of 8."""
    space = Grid.of({"g_Na": np.linspace(80, 160, 6), "stimulus.amplitude": [0.0, 3.0, 6.0, 10.0, 20.0]})
    settings = {"model": "hodgkin_huxley", "t_stop": 40.0, "integrator": "exp_euler", "rows_per_batch": 8}
    return Sweep(**(settings | {"space": space, "stimulus": STEP, "record": record} | changes))


def contents(path):
    """The data of a result, byte for byte."""
    with h5py.File(path) as file:
        return {name: (dataset.dtype.str, dataset.shape, dataset[...].tobytes()) for name, dataset in file.items()}

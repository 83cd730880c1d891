"""Results and sweeps in the hands of other tools."""

import csv

import numpy as np
import pandas as pd
import pytest

from hhfast.errors import InputError
from hhfast.sweep import BatchedSimulator, Distribution, Grid, Record, Sample, Sweep, to_csv, to_pandas
from hhfast.sweep.store import ResultFile

STEP = {"kind": "step", "start": 5.0}
FEATURES = Record(features=("spike_count", "latency"))


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    space = Grid.of({"g_Na": [80.0, 120.0, 1.0 / 3.0], "stimulus.amplitude": [0.0, 10.0]})
    sweep = Sweep("hodgkin_huxley", space, 30.0, integrator="exp_euler", stimulus=STEP, record=FEATURES)
    return sweep.run(tmp_path_factory.mktemp("scan") / "out.h5", progress=False)


def test_a_result_as_a_data_frame(scan):
    frame = to_pandas(scan)
    assert list(frame.columns) == ["g_Na", "stimulus.amplitude", "status", "spike_count", "latency"]
    assert frame.index.tolist() == [0, 1, 2, 3, 4, 5]
    assert frame.attrs["units"]["latency"] == "ms"
    assert frame.loc[3, "spike_count"] > 0
    pd.testing.assert_frame_equal(to_pandas(scan, 2, 4), frame.iloc[2:4])


def test_csv_holds_every_bit(scan, tmp_path):
    with to_csv(scan, tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    frame = to_pandas(scan).reset_index()
    assert list(rows[0]) == list(frame.columns)
    for name in frame.columns:
        assert np.array_equal([float(row[name]) for row in rows], frame[name], equal_nan=True)
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def simulator(**changes):
    prior = {"g_Na": Distribution("uniform", (80, 160)), "C_m": Distribution("uniform", (0.5, 2))}
    settings = {"stimulus": STEP | {"amplitude": 10.0}, "record": FEATURES, "integrator": "exp_euler"}
    return BatchedSimulator(Sweep("hodgkin_huxley", Sample("random", 100, prior), 30.0, **(settings | changes)))


def test_a_sweep_is_a_function_of_its_parameters(tmp_path):
    function = simulator()
    rows = function.sweep.space.columns(0, 20)
    with ResultFile(function.sweep.run(tmp_path / "out.h5", progress=False)) as result:
        stored = np.column_stack([result.read(name, 0, 20) for name in function.features])
    assert np.array_equal(function(np.column_stack(list(rows.values()))), stored, equal_nan=True)
    assert function(np.array([120.0, 1.0])).shape == (1, 2)


def test_rows_that_cannot_be_simulated_are_nan():
    theta = [[120, 1], [120, -1], [np.nan, 1], [-1e300, 1], [80, 1]]
    found = simulator(constraints=("g_Na > 100 * C_m",))(theta)
    assert np.isnan(found).all(axis=1).tolist() == [False, True, True, True, True]
    assert np.isnan(simulator()([[120, 0]])).all()


def test_a_wrong_shape_is_named():
    with pytest.raises(InputError, match=r"must be \(n, 2\): g_Na, C_m"):
        simulator()(np.zeros((3, 5)))

"""Results and sweeps in the hands of other tools."""

import csv
import json
import sys

import numpy as np
import pandas as pd
import pytest

from hhfast.errors import InputError
from hhfast.sweep import (
    BatchedSimulator,
    Distribution,
    Grid,
    Record,
    Sample,
    Sweep,
    to_csv,
    to_nwb,
    to_pandas,
    to_parquet,
)  # fmt: skip
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
    assert list(frame.columns) == ["g_Na", "stimulus.amplitude", "status", "spike_count", "latency", "reason"]
    assert frame.index.tolist() == [0, 1, 2, 3, 4, 5]
    assert frame.attrs["units"]["latency"] == "ms"
    assert frame.loc[3, "spike_count"] > 0
    pd.testing.assert_frame_equal(to_pandas(scan, 2, 4), frame.iloc[2:4])


@pytest.mark.core
def test_csv_holds_every_bit(scan, tmp_path):
    with to_csv(scan, tmp_path / "rows.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    frame = to_pandas(scan).reset_index()
    assert list(rows[0]) == list(frame.columns)
    for name in frame.columns:
        assert np.array_equal([float(row[name]) for row in rows], frame[name], equal_nan=True)
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_csv_of_chosen_rows(scan, tmp_path):
    lines = to_csv(scan, tmp_path / "rows.csv", [3, 0]).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["run", "3", "0"]
    for rows, message in (([6], "has no row 6; the last is 5"), ([], "no rows are chosen")):
        with pytest.raises(InputError, match=message):
            to_csv(scan, tmp_path / "other.csv", rows)
    assert [p.name for p in tmp_path.iterdir()] == ["rows.csv"]


def test_parquet_holds_every_bit_with_units_and_spec(scan, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(to_parquet(scan, tmp_path / "rows.parquet"))
    pd.testing.assert_frame_equal(table.to_pandas().set_index("run"), to_pandas(scan), check_index_type=False)
    assert table.schema.field("latency").metadata == {b"units": b"ms"}
    assert json.loads(table.schema.metadata[b"hhfast_spec"])["t_stop"] == 30.0
    assert parquet.read_table(to_parquet(scan, tmp_path / "some.parquet", [4, 1]))["run"].to_pylist() == [4, 1]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["rows.parquet", "some.parquet"]


def test_blocks_do_not_show(scan, tmp_path, monkeypatch):
    from hhfast.sweep import export

    whole = to_csv(scan, tmp_path / "whole.csv").read_bytes()
    monkeypatch.setattr(export, "_BLOCK", 4)
    assert to_csv(scan, tmp_path / "blocks.csv").read_bytes() == whole


@pytest.mark.filterwarnings("ignore")  # pynwb's own
def test_nwb_holds_potential_current_spikes_and_parameters(scan, tmp_path):
    pynwb = pytest.importorskip("pynwb")
    path = to_nwb(scan, tmp_path / "rows.nwb", [3, 0, 3])
    assert pynwb.validate(path=str(path)) == []
    frame = to_pandas(scan)
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        file = io.read()
        potential, current = file.acquisition["V_row_3"], file.stimulus["i_app_row_3"]
        assert (potential.unit, potential.rate, current.unit) == ("volts", pytest.approx(20_000.0), "uA cm-2")
        volts = potential.data[:] * potential.conversion
        assert volts.max() * 1000 == pytest.approx(40, abs=10)
        assert sorted(set(current.data[:])) == [0.0, 10.0]
        recordings = file.intracellular_recordings
        assert recordings.id[:].tolist() == [3, 0]
        assert recordings["g_Na"][:].tolist() == [120.0, 80.0]
        assert recordings["stimulus_amplitude"][:].tolist() == [10.0, 0.0]
        assert file.units["row"][:].tolist() == [3, 0]
        times = file.units.get_unit_spike_times(0)
        assert len(times) == frame.loc[3, "spike_count"]
        assert times[0] * 1000 == pytest.approx(5.0 + frame.loc[3, "latency"])
        assert len(file.units.get_unit_spike_times(1)) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["rows.nwb"]


@pytest.mark.filterwarnings("ignore")  # pynwb's own
def test_a_total_current_is_in_amperes(tmp_path):
    pynwb = pytest.importorskip("pynwb")
    from hhfast.model import parse_model

    cell = """
name = "cell"
units = "total"
citation = "Lapicque 1907"
V_init = -65.0
[parameters]
C_m = { value = 100.0, unit = "pF" }
[channels.L]
g = 10.0
E = -65.0
"""
    space = Grid.of({"stimulus.amplitude": [20.0]})
    sweep = Sweep(parse_model(cell), space, 10.0, stimulus=STEP, record=FEATURES, integrator="exp_euler")
    path = to_nwb(sweep.run(tmp_path / "out.h5", progress=False), tmp_path / "rows.nwb", [0])
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        current = io.read().stimulus["i_app_row_0"]
        assert (current.unit, current.data[-1] * current.conversion) == ("amperes", pytest.approx(20e-12))


@pytest.mark.parametrize(
    ("library", "extra", "write"),
    [("pyarrow", "export", to_parquet), ("pynwb", "nwb", lambda path, out: to_nwb(path, out, [0]))],
)
def test_a_missing_library_is_named_with_its_extra(scan, tmp_path, monkeypatch, library, extra, write):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf"needs {library}; install it with: pip install 'hhfast\[{extra}\]'"):
        write(scan, tmp_path / "rows")
    assert list(tmp_path.iterdir()) == []


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


class Tensor:
    """What a PyTorch tensor is to NumPy: it can be made an array, and nothing else is asked of it."""

    def __init__(self, values):
        self.values = np.array(values, dtype=np.float32)

    def __array__(self, dtype=None):
        return self.values if dtype is None else self.values.astype(dtype)


@pytest.mark.parametrize("theta", [[110, 1.1], [[110, 1.1]], [[110, 1.1], [90, 1], [110, -1], [np.nan, 1]]])
def test_tensors_are_taken_as_sbi_gives_them(theta):
    """float32, one row or many; the answer is an array of floats, a row for each, NaN where it cannot be simulated."""
    found = simulator()(Tensor(theta))
    assert type(found) is np.ndarray
    assert found.dtype == np.float64
    assert np.isfinite(found).all(axis=1).tolist() == [True, True, False, False][: len(np.atleast_2d(theta))]
    assert np.array_equal(found, simulator()(np.array(theta, np.float32)), equal_nan=True)


def test_rows_that_cannot_be_simulated_are_nan():
    theta = [[120, 1], [120, -1], [np.nan, 1], [-1e300, 1], [80, 1]]
    found = simulator(constraints=("g_Na > 100 * C_m",))(theta)
    assert np.isnan(found).all(axis=1).tolist() == [False, True, True, True, True]
    assert np.isnan(simulator()([[120, 0]])).all()


def test_a_wrong_shape_is_named():
    with pytest.raises(InputError, match=r"must be \(n, 2\): g_Na, C_m"):
        simulator()(np.zeros((3, 5)))

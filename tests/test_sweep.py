"""Running sweeps: every row is right and independent of its batch, and no interruption loses or repeats work."""

import contextlib
import json
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray
from sweeps import FEATURES, contents, small

import hhfast as hh
from hhfast.batch.simulate import simulate
from hhfast.errors import InputError
from hhfast.sweep import Rows, executor, open_results, run
from hhfast.sweep.durable_files import temporary_name
from hhfast.sweep.lock import lock
from hhfast.sweep.run import run_sweep
from hhfast.sweep.run_directory import RunDirectory


@pytest.mark.core
def test_a_sweep_gives_what_simulate_gives(tmp_path):
    sweep = small()
    path = sweep.run(tmp_path / "out.h5", progress=False)
    columns = sweep.space.columns(0, 30)
    expected = simulate(
        "hodgkin_huxley",
        {"g_Na": columns["g_Na"]},
        stimulus=hh.Step(amplitude=columns["stimulus.amplitude"], start=5.0),
        t_stop=40.0,
        integrator="exp_euler",
        record=[hh.Features(["spike_count", "latency"]), hh.Spikes(), hh.Trace("V", every=0.5)],
    )
    with xarray.open_dataset(path) as data:
        assert np.array_equal(data["spike_count"], expected.spike_count)
        assert np.array_equal(data["latency"], expected["latency"], equal_nan=True)
        assert np.array_equal(data["spike_time"], expected.spike_time)
        assert np.array_equal(data["V"], expected["V"].astype(np.float32))
        assert expected.spike_count.max() > 1
    assert [p.name for p in tmp_path.iterdir()] == ["out.h5"]


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
def test_the_file_says_where_it_comes_from(tmp_path, engine):
    sweep = small()
    with xarray.open_dataset(sweep.run(tmp_path / "out.h5", progress=False), engine=engine) as data:
        assert data.attrs["Conventions"].startswith("CF-1.")
        assert data.attrs["hhfast_spec_sha256"] == sweep.sha256
        assert json.loads(data.attrs["hhfast_spec"]) == sweep.canonical
        assert data.attrs["hhfast_model"] == sweep.model.text
        assert data["stimulus.amplitude"].attrs["units"] == "uA cm-2"
        assert "stimulus.amplitude" in data["latency"].coords


def test_open_results_gives_the_grid_its_shape(tmp_path):
    sweep = small()
    path = sweep.run(tmp_path / "out.h5", progress=False)
    with open_results(path) as grid, xarray.open_dataset(path) as flat:
        assert grid["latency"].dims == ("g_Na", "stimulus.amplitude")
        assert grid["V"].sizes == {"g_Na": 6, "stimulus.amplitude": 5, "time": 81}
        assert np.array_equal(grid["g_Na"], np.linspace(80, 160, 6))
        for part in [np.s_[:, :], np.s_[2], np.s_[-1, 3], np.s_[::-2, 1:4], np.s_[[4, 1], :], np.s_[3:3]]:
            whole = flat["V"].values.reshape(6, 5, 81)
            assert np.array_equal(grid["V"][part], whole[part])
        assert grid["V"].sel({"g_Na": 80, "stimulus.amplitude": 20}).max() > 0


def test_an_opened_result_gives_the_spike_times_of_a_row(tmp_path):
    """Those of the row simulated alone; by number, and by place in the grid."""
    path = small().run(tmp_path / "out.h5", progress=False)
    with open_results(path) as data:
        for row in (0, 3, 14, 29):
            g_Na, amplitude = np.linspace(80, 160, 6)[row // 5], [0.0, 3.0, 6.0, 10.0, 20.0][row % 5]
            alone = hh.simulate("hodgkin_huxley", {"g_Na": g_Na}, stimulus=hh.Step(amplitude, start=5.0), t_stop=40.0,
                                integrator="exp_euler", record=[hh.Spikes()]).spike_times[0]  # fmt: skip
            np.testing.assert_allclose(data.hhfast.spikes(row), alone, rtol=1e-12)
            place = {"g_Na": g_Na, "stimulus.amplitude": amplitude}
            assert np.array_equal(data.hhfast.spikes(**place), data.hhfast.spikes(row))
            assert np.array_equal(data.isel(g_Na=0).hhfast.spikes(row), data.hhfast.spikes(row))
        assert len(data.hhfast.spikes(29)) > len(data.hhfast.spikes(0)) == 0
        for wrong, message in [
            (lambda: data.hhfast.spikes(30), "has no row 30; the last is 29"),
            (lambda: data.hhfast.spikes(-1), "has no row -1"),
            (data.hhfast.spikes, "give the number of a row, or a value of every axis"),
            (lambda: data.hhfast.spikes(g_Na=80), "give a value of stimulus.amplitude, too"),
            (lambda: data.hhfast.spikes(g_Na=81, **{"stimulus.amplitude": 3}), "no row has g_Na = 81; the nearest value is 80"),
            (lambda: data.hhfast.spikes(g_na=80), "did you mean 'g_Na'"),
            (lambda: xarray.Dataset().hhfast.spikes(0), "does not come from open_results"),
        ]:  # fmt: skip
            with pytest.raises(InputError, match=message):
                wrong()


@pytest.mark.parametrize("decode", [True, "all"])
def test_rows_that_failed_can_be_left_out(tmp_path, decode):
    """Their count of spikes is that until they were given up; each variable names the status, by which one knows."""
    space = hh.Grid.of({"C_m": [1.0, 1e-3], "stimulus.amplitude": [0.0, 10.0]})
    path = small(space=space, integrator="tsit5", max_steps=4000).run(tmp_path / "out.h5", progress=False)
    with open_results(path) as data:
        assert data["status"].values.tolist() == [[0, 0], [3, 3]]
        assert data["spike_count"].dtype.kind == "i"
        assert (data["spike_count"].values[1] >= 0).all()
        ok = data.hhfast.ok()
        np.testing.assert_array_equal(ok["spike_count"].values, [[0.0, 3.0], [np.nan, np.nan]])
        assert np.isnan(ok["V"].values[1]).all()
        assert np.isfinite(ok["V"].values[0]).all()
        assert ok["spike_time"].identical(data["spike_time"])
        assert ok["status"].identical(data["status"])
        for name in ("spike_count", "latency", "V"):
            assert ok[name].attrs["units"] == data[name].attrs["units"]
    with xarray.open_dataset(path, decode_coords=decode) as flat:
        for name in ("spike_count", "latency", "V"):
            told = {**flat[name].attrs, **flat[name].encoding}
            assert told["ancillary_variables"] == "status"
            assert "status" in flat


def test_an_opened_result_without_spike_times_says_so(tmp_path):
    path = small(FEATURES).run(tmp_path / "out.h5", progress=False)
    with open_results(path) as data, pytest.raises(InputError, match="has no spike times; record them"):
        data.hhfast.spikes(0)


def test_open_results_chunks_on_request(tmp_path):
    pytest.importorskip("dask")
    path = small().run(tmp_path / "out.h5", progress=False)
    with open_results(path, chunks={"g_Na": 2}) as data:
        assert data["latency"].chunks == ((2, 2, 2), (5,))
        assert int(data["spike_count"].sum().compute()) == int(open_results(path)["spike_count"].sum())


@pytest.mark.parametrize("batch", [1, 7, 30, 64])
def test_the_batch_size_does_not_change_a_bit(tmp_path, undisturbed, batch):
    changed = contents(small(rows_per_batch=batch).run(tmp_path / "out.h5", progress=False))
    assert changed == undisturbed


def test_an_executor_gives_the_same_bits(tmp_path, undisturbed):
    with ThreadPoolExecutor(2) as executor:
        assert contents(small().run(tmp_path / "out.h5", executor, progress=False)) == undisturbed


@pytest.mark.slow
def test_processes_give_the_same_bits(tmp_path, undisturbed):
    from multiprocessing import get_context

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        assert contents(small().run(tmp_path / "out.h5", executor, progress=False)) == undisturbed


def test_a_row_that_diverges_is_flagged_and_harmless(tmp_path, undisturbed):
    space = Rows({"g_Na": np.array([120.0, -1e300, 120.0]), "stimulus.amplitude": np.array([10.0, 10.0, 10.0])})
    with open_results(small(space=space, rows_per_batch=None).run(tmp_path / "out.h5", progress=False)) as data:
        assert data["status"].values.tolist() == [0, 1, 0]
        assert np.isnan(data["V"][1]).all()
        assert data["V"][0].identical(data["V"][2].assign_coords(data["V"][0].coords))


class Stopped(Exception):
    pass


def stop_after(monkeypatch, n_batches):
    """Let a run fail at its batch number `n_batches`."""
    original, calls = executor.simulate_batch, []

    def simulate_batch(batch):
        calls.append(batch.number)
        if len(calls) > n_batches:
            raise Stopped
        return original(batch)

    monkeypatch.setattr(executor, "simulate_batch", simulate_batch)
    return calls


def interrupted(monkeypatch, tmp_path, n_batches=2):
    """A run that stopped after some batches; its parts."""
    tmp_path.mkdir(exist_ok=True)
    with monkeypatch.context() as patch:
        stop_after(patch, n_batches)
        with pytest.raises(Stopped):
            run_sweep(small(), tmp_path / "out.h5", progress=False)
    return RunDirectory.open(tmp_path / "out.h5.parts")


@pytest.mark.parametrize("pool", [None, ThreadPoolExecutor, ProcessPoolExecutor])
@pytest.mark.parametrize("first", [0, 2])
def test_shards_are_merged_while_others_are_computed(tmp_path, monkeypatch, first, pool):
    """Those of a run before as well; when the last batch is done, most of the result is there."""
    whole = contents(small(FEATURES).run(tmp_path / "whole.h5", progress=False))
    with monkeypatch.context() as patch:
        stop_after(patch, first)
        with pytest.raises(Stopped):
            small(FEATURES).run(tmp_path / "out.h5", progress=False)

    sizes, original = [], run.complete_merge

    def complete_merge(*arguments):
        sizes.extend(path.stat().st_size for path in (tmp_path / "out.h5.parts").glob(".out.h5*"))
        original(*arguments)

    monkeypatch.setattr(run, "complete_merge", complete_merge)
    with pool(2) if pool else contextlib.nullcontext() as pool_or_none:
        small(FEATURES).run(tmp_path / "out.h5", pool_or_none, progress=False)
    assert contents(tmp_path / "out.h5") == whole
    assert [size > 0.5 * (tmp_path / "out.h5").stat().st_size for size in sizes] == [True]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.h5", "whole.h5"]


@pytest.mark.core
def test_a_resumed_run_repeats_nothing_and_is_identical(tmp_path, monkeypatch, undisturbed):
    assert interrupted(monkeypatch, tmp_path).finished() == [0, 1]
    calls = stop_after(monkeypatch, 100)
    assert contents(run_sweep(small(), tmp_path / "out.h5", progress=False)) == undisturbed
    assert calls == [2, 3]
    assert [p.name for p in tmp_path.iterdir()] == ["out.h5"]


def test_a_finished_sweep_is_left_alone(tmp_path, monkeypatch):
    small().run(tmp_path / "out.h5", progress=False)
    before = (tmp_path / "out.h5").stat().st_mtime_ns
    calls = stop_after(monkeypatch, 0)
    small().run(tmp_path / "out.h5", progress=False)
    assert calls == []
    assert (tmp_path / "out.h5").stat().st_mtime_ns == before


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign", "empty"])
def test_a_damaged_shard_is_refused_or_repaired(tmp_path, monkeypatch, undisturbed, caplog, damage):
    path = interrupted(monkeypatch, tmp_path).path(1)
    data = path.read_bytes()
    flipped = data[:-9] + bytes([data[-9] ^ 1]) + data[-8:]
    broken = {"truncated": data[:3000], "flipped": flipped, "foreign": b"hello", "empty": b""}[damage]
    path.write_bytes(broken)
    before = {p.name: p.read_bytes() for p in path.parent.iterdir()}
    with pytest.raises(InputError, match=r"batch-00000001.*damaged shard.*--repair"):
        run_sweep(small(), tmp_path / "out.h5", progress=False)
    assert {p.name: p.read_bytes() for p in path.parent.iterdir()} == before
    assert contents(run_sweep(small(), tmp_path / "out.h5", repair=True, progress=False)) == undisturbed
    assert "batch 1: its shard is damaged" in caplog.text
    assert path.with_name(path.name + ".damaged").read_bytes() == broken


def test_another_spec_is_refused_and_nothing_is_touched(tmp_path, monkeypatch):
    parts = interrupted(monkeypatch, tmp_path)
    before = {p.name: p.read_bytes() for p in parts.folder.iterdir()}
    with pytest.raises(InputError, match=r"another sweep \(t_stop differ"):
        run_sweep(small(t_stop=41.0), tmp_path / "out.h5", progress=False)
    assert {p.name: p.read_bytes() for p in parts.folder.iterdir()} == before
    run_sweep(small(), tmp_path / "out.h5", progress=False)
    finished = (tmp_path / "out.h5").read_bytes()
    with pytest.raises(InputError, match=r"another sweep.*--fresh"):
        run_sweep(small(t_stop=41.0), tmp_path / "out.h5", progress=False)
    assert (tmp_path / "out.h5").read_bytes() == finished


@pytest.mark.parametrize("moment", ["complete_merge", "remove_run"])
def test_a_run_killed_at_its_end_tidies_up_when_resumed(tmp_path, monkeypatch, undisturbed, moment):
    """Between the last shard and the removal of all shards."""

    def stop(*arguments):
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(run, moment, stop)
        with pytest.raises(Stopped):
            run_sweep(small(), tmp_path / "out.h5", progress=False)
    temporary_name(tmp_path / "out.h5.parts" / "out.h5").write_bytes(b"half a merged file")
    assert (tmp_path / "out.h5").exists() == (moment == "remove_run")
    assert contents(run_sweep(small(), tmp_path / "out.h5", progress=False)) == undisturbed
    assert [p.name for p in tmp_path.iterdir()] == ["out.h5"]


def test_fresh_starts_again(tmp_path, monkeypatch):
    interrupted(monkeypatch, tmp_path)
    path = run_sweep(small(t_stop=41.0), tmp_path / "out.h5", fresh=True, progress=False)
    with open_results(path) as data:
        assert data["time"][-1] == 41.0
    with open_results(run_sweep(small(), path, fresh=True, progress=False)) as data:
        assert data["time"][-1] == 40.0


def test_fresh_does_not_discard_what_another_process_is_at(tmp_path, monkeypatch):
    """Nothing is touched: neither the result nor the parts."""
    finished = small().run(tmp_path / "out.h5", progress=False).read_bytes()
    parts = interrupted(monkeypatch, tmp_path / "other")
    parts.folder.rename(tmp_path / "out.h5.parts")
    parts = RunDirectory.open(tmp_path / "out.h5.parts")
    with lock(parts.folder / "lock", "x"), pytest.raises(InputError, match="in use by process"):
        run_sweep(small(), tmp_path / "out.h5", fresh=True, progress=False)
    assert (tmp_path / "out.h5").read_bytes() == finished
    assert parts.finished() == [0, 1]


def test_other_code_does_not_finish_a_run(tmp_path, monkeypatch):
    interrupted(monkeypatch, tmp_path)
    from hhfast.sweep import provenance

    now = provenance.versions(small()) | {"numba": "9"}
    monkeypatch.setattr(provenance, "versions", lambda sweep: now)
    with pytest.raises(InputError, match=r"numba .* -> 9"):
        run_sweep(small(), tmp_path / "out.h5", progress=False)


@pytest.mark.parametrize("fresh", [False, True])
def test_a_foreign_output_is_never_overwritten(tmp_path, fresh):
    (tmp_path / "out.h5").write_text("precious")
    with pytest.raises(InputError, match="not overwritten"):
        run_sweep(small(), tmp_path / "out.h5", fresh=fresh, progress=False)
    assert (tmp_path / "out.h5").read_text() == "precious"


@pytest.mark.parametrize("fresh", [False, True])
def test_a_foreign_parts_directory_is_never_touched(tmp_path, fresh):
    (tmp_path / "out.h5.parts").mkdir()
    (tmp_path / "out.h5.parts" / "notes.txt").write_text("precious")
    with pytest.raises(InputError, match="holds other files"):
        run_sweep(small(), tmp_path / "out.h5", fresh=fresh, progress=False)
    assert (tmp_path / "out.h5.parts" / "notes.txt").read_text() == "precious"


def test_an_output_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for place in ("no/out.h5", "file/out.h5"):
        with pytest.raises(InputError, match="there is no directory"):
            run_sweep(small(), tmp_path / place, progress=False)
    with pytest.raises(InputError, match="is a directory"):
        run_sweep(small(), tmp_path, progress=False)


def test_two_runs_of_one_output_are_refused(tmp_path, monkeypatch):
    parts = interrupted(monkeypatch, tmp_path)
    with lock(parts.folder / "lock", "x"), pytest.raises(InputError, match="in use by process"):
        run_sweep(small(), tmp_path / "out.h5", progress=False)


def test_a_mistake_found_by_the_first_simulation_leaves_nothing(tmp_path, monkeypatch):
    def refuse(batch):
        raise InputError("no such thing")

    monkeypatch.setattr(executor, "simulate_batch", refuse)
    with pytest.raises(InputError, match="no such thing"):
        run_sweep(small(), tmp_path / "out.h5", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_a_resumed_run_keeps_its_batches(tmp_path, monkeypatch, undisturbed):
    """Also when a later version, or the user, would cut the sweep otherwise."""
    interrupted(monkeypatch, tmp_path)
    calls = stop_after(monkeypatch, 100)
    assert contents(run_sweep(small(rows_per_batch=3), tmp_path / "out.h5", progress=False)) == undisturbed
    assert calls == [2, 3]


def test_rows_outside_the_constraints_are_flagged_and_not_simulated(tmp_path):
    constraints = ("g_Na > 100", "stimulus.amplitude < g_K / 3")
    sweep = small(constraints=constraints)
    path = sweep.run(tmp_path / "out.h5", progress=False)
    with open_results(path) as data, open_results(small().run(tmp_path / "all.h5", progress=False)) as everything:
        allowed = (everything["g_Na"] > 100) & (everything["stimulus.amplitude"] < 12)
        assert np.array_equal(data["status"] == 4, ~allowed)
        assert np.array_equal(data["V"].where(allowed), everything["V"].where(allowed), equal_nan=True)
        assert data["latency"].where(~allowed).isnull().all()
        assert np.array_equal(data["spike_count"], everything["spike_count"].where(allowed, 0))
        assert data.sizes["spike"] == int(data["spike_count"].sum())


def test_a_batch_without_an_allowed_row_is_harmless(tmp_path):
    path = small(constraints=("g_Na > 1000",)).run(tmp_path / "out.h5", progress=False)
    with open_results(path) as data:
        assert (data["status"] == 4).all()
        assert data.sizes["spike"] == 0


def test_a_run_imports_only_what_it_needs(tmp_path, undisturbed):
    """Once its kernel is in the cache (see `undisturbed`), the first batch waits for nothing heavy."""
    code = "import sys; from sweeps import small; small().run('out.h5', progress=False); print(*sys.modules)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "llvmlite" in loaded
    heavy = {"numba", "sympy", "scipy", "matplotlib", "pandas", "xarray", "distributed", "pyarrow"}
    assert sorted(loaded & heavy) == []
    assert contents(tmp_path / "out.h5") == undisturbed


def test_a_sweep_shows_itself_in_a_line():
    space = hh.Grid.of({"g_Na": [100.0, 120.0], "g_K": [30.0, 36.0, 42.0]})
    assert repr(hh.Sweep("hodgkin_huxley", space, 30.0)) == (
        "<Sweep of hodgkin_huxley, 30 ms, tsit5: Grid of 6 rows over g_Na, g_K>"
    )
    asked = hh.Sweep("hodgkin_huxley", space, 30.0, analysis={"kind": "rheobase", "width": 1.0})
    assert repr(asked) == "<Sweep of hodgkin_huxley, rheobase: Grid of 6 rows over g_Na, g_K>"

"""Damaged and hostile files of every kind, by seeds: each is read rightly or refused in one line, and nothing acts."""

import contextlib
import csv
import io
import math
import sys
from pathlib import Path

import fuzzing
import h5py
import mod_files
import numpy as np
import pytest
from commands import SCAN
from fuzzing import NASTY, WrongRows, damaged, mutated, run_cases
from made_up_run import make_run
from sweeps import small
from test_seal import HOSTILE

import hhfast as hh
from hhfast.cli.text import result_text, status_text
from hhfast.errors import InputError, understood
from hhfast.kernel.jit import cache
from hhfast.model import load_model
from hhfast.sweep import Grid, Record, Table, to_csv
from hhfast.sweep.batch_size import rows_per_batch
from hhfast.sweep.run_directory import RunDirectory
from hhfast.sweep.shards import DamagedShard
from hhfast.sweep.status import run_status
from hhfast.sweep.store import HDF5Table, ResultFile
from hhfast.sweep.store.seal import add_seal
from hhfast.sweep.sweep_file import read_sweep
from hhfast.sweep.verify import verify_output

CLEAN = dict.fromkeys(("executions", "tracebacks", "hangs", "leaks", "wrong rows", "bad messages", "memory"), 0)
FULL = (
    SCAN
    + """\
trace = { variables = ["V"], every = 0.5 }
window = [5.0, 30.0]
[parameters]
celsius = 6.3
"""
)
SAMPLED = """\
model = "cell.toml"
t_stop = 30.0
integrator = "tsit5"
rtol = 1e-6
constraints = ["g_Na > 2 * g_K", "1000 ** g_K < 1e300"]
[[stimulus]]
kind = "step"
amplitude = 3.0
[[stimulus]]
kind = "noise"
sigma = 1.0
tau = 2.0
[sample]
method = "sobol"
n = 1000
seed = 3
g_Na = { uniform = [90, 150] }
g_K = { loguniform = [1, 50] }
[record]
spikes = true
"""
ANALYSIS = """\
model = "hodgkin_huxley"
[table]
file = "rows.csv"
[analysis]
kind = "rheobase"
width = 1.0
tol = 1e-3
"""
CLAMP = """\
model = "hodgkin_huxley"
t_stop = 30.0
[stimulus]
kind = "voltage_clamp"
holding = -70.0
levels = [-60.0, 0.0, -50.0]
durations = [5.0, 10.0, 5.0]
[axes]
g_Na = { linspace = [80, 160, 3] }
[record]
trace = { variables = ["i_clamp"], every = 0.5 }
"""
WHERE = ("spike_count > 2 and g_Na < 120", "status == 'ok' and 1 < rate < 20", "spike_count in (1, 2) or rate > 3")
RANGES = 'where = "spike_count > 1"\n[ranges]\nrate = [0, 100]\nstimulus.amplitude = [1, 15]\n'
ROWS = "g_Na,g_K\n" + "".join(f"{100 + k / 7},{30 + k / 3}\n" for k in range(40))


@pytest.fixture(scope="module")
def models():
    names = ["hodgkin_huxley", *[name for k, name in enumerate(hh.models) if k % 9 == 0]]
    return [hh.models[name].to_toml() for name in names]


def fuzz_models(cases, seed, models):
    def one(chance, case):
        path = Path("cell.toml")
        path.write_text(mutated(chance.choice(models), chance, models), encoding="utf-8", errors="replace")

        def action():
            model = load_model(path)
            model.to_toml()
            assert all(math.isfinite(parameter.value) for parameter in model.parameters.values())

        return action

    return run_cases("model", cases, seed, one)


def fuzz_sweeps(cases, seed, models):
    Path("rows.csv").write_text(ROWS)
    Path("cell.toml").write_text(models[0])
    texts = (FULL, SAMPLED, ANALYSIS, SCAN, CLAMP)
    for text in texts:
        Path("scan.toml").write_text(text)
        read_sweep(Path("scan.toml"))

    def one(chance, case):
        path = Path("scan.toml")
        path.write_text(mutated(chance.choice(texts), chance, texts), encoding="utf-8", errors="replace")

        def action():
            sweep = read_sweep(path)
            columns = sweep.space.columns(0, min(3, sweep.space.n_rows))
            if not all(np.isfinite(values).all() for values in columns.values()):
                raise WrongRows(f"{path} gives a value that is not finite")
            assert rows_per_batch(sweep) >= 1
            assert len(sweep.allowed(columns)) == min(3, sweep.space.n_rows)

        return action

    return run_cases("sweep", cases, seed, one)


def fuzz_tables(cases, seed, models):
    with h5py.File("good.h5", "w") as file:
        for name in ("g_Na", "g_K"):
            file.create_dataset(name, data=np.arange(50.0), chunks=(16,))

    def one(chance, case):
        if case % 4 == 0:
            path = Path("rows.h5")
            path.write_bytes(Path("good.h5").read_bytes())
            with h5py.File(path, "r+") as file:
                chance.choice(TABLE_ATTACKS)(file)
            return lambda: HDF5Table.open(path).columns(0, 5)
        path = Path("rows.csv")
        text = mutated(ROWS, chance, (ROWS,)) if case % 2 else damaged(ROWS.encode(), chance).decode("latin-1")
        path.write_text(text, encoding="utf-8", errors="replace", newline="")

        def action():
            table = Table.open(path)
            found = table.columns(0, table.n_rows)
            rows = [row for row in csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="\n")) if row][
                1:
            ]
            wanted = np.array([[float(field) for field in row] for row in rows])
            if not np.array_equal(np.column_stack(list(found.values())), wanted):
                raise WrongRows(f"{path} is read otherwise by the csv module")

        return action

    return run_cases("table", cases, seed, one)


def external(file):
    file.create_dataset("leak", (50,), "u1", external=[("/etc/passwd", 0, 50)])


def linked(file):
    file["leak"] = h5py.ExternalLink("/etc/passwd", "/x")


def long(file):
    for name in list(file):
        del file[name]
        file.create_dataset(name, (10**12,), "f8", chunks=(1024,), compression="gzip")


def texts(file):
    file["more"] = ["x"] * 50


def empty(file):
    file["more"] = h5py.Empty("f8")


TABLE_ATTACKS = (external, linked, long, texts, empty)


def fuzz_results(cases, seed, models):
    space = Grid.of({"g_Na": np.linspace(80, 160, 5), "stimulus.amplitude": [0.0, 3.0, 6.0, 10.0, 20.0]})
    record = Record(features=("spike_count", "rate"))
    sound = small(record, space=space).run("out.h5", progress=False, threads=1).read_bytes()
    attributes = ("title", "history", "source", "references", "hhfast_spec", "hhfast_model", "hhfast_parameters",
                  "hhfast_grid_dims", "hhfast_grid_shape", "hhfast_spec_sha256")  # fmt: skip

    def hostile(chance):
        with h5py.File("out.h5", "r+") as file:
            for _ in range(chance.choice((1, 2))):
                if chance.random() < 0.5:
                    change = chance.choice(HOSTILE)
                    with contextlib.suppress(KeyError, ValueError, OSError, RuntimeError, AttributeError):
                        change(file)  # two may not go together
                else:
                    name = chance.choice(attributes)
                    text = file.attrs[name] if isinstance(file.attrs.get(name), str) else "[1]"
                    value = chance.choice(
                        (chance.choice(NASTY), mutated(text, chance), 7, [1, 2], [1.5], 10**18, np.nan)
                    )
                    file.attrs[name] = value[:30_000].replace("\0", "") if isinstance(value, str) else value
        with Path("out.h5").open("r+b", buffering=0) as raw:
            add_seal(raw)

    def one(chance, case):
        path = Path("out.h5")
        path.write_bytes(sound if case % 2 else damaged(sound, chance))
        if case % 2:
            hostile(chance)
        changed = path.read_bytes() != sound

        def action():
            check = verify_output(path)
            if case % 2 == 0 and changed and not check.problems:
                raise WrongRows("a changed result passed")
            if "\n  " in check.text and not check.problems:
                raise WrongRows("problems without problems")
            status_text(run_status(path))
            with ResultFile(path) as result, understood("info"):
                result_text(result)
            to_csv(path, "rows.csv")
            if "root:" in Path("rows.csv").read_text():
                raise WrongRows("the lines of another file")

        return action

    return run_cases("result", cases, seed, one)


def fuzz_criteria(cases, seed, models):
    record = Record(features=("spike_count", "rate"))
    out = small(record).run("out.h5", progress=False, threads=1)

    def one(chance, case):
        where, ranges = None, Path("ranges.toml")
        if case % 2:
            ranges.write_text(mutated(RANGES, chance, (RANGES,)), encoding="utf-8", errors="replace")
        else:
            where = mutated(chance.choice(WHERE), chance, WHERE)
        return lambda: hh.select(out, where, ranges=None if where is not None else ranges).save("chosen.csv")

    return run_cases("criteria", cases, seed, one)


def import_cases(kind, file, texts, imported, cases, seed):
    """Mutated files of another program, each imported and written down as a model."""

    def one(chance, case):
        path = Path(file)
        path.write_text(mutated(chance.choice(texts), chance, texts), encoding="utf-8", errors="replace")

        def action():
            imported(path).model.to_toml()

        return action

    return run_cases(kind, cases, seed, one)


def fuzz_neuroml(cases, seed, models):
    names = ("hodgkin_huxley", "golomb_2007_fast_spiking", "hodgkin_huxley_1952_markov")
    texts = [hh.models[name].to_neuroml((10.0, 5.0, 50.0)) for name in names]
    return import_cases("neuroml", "cell.nml", texts, hh.import_neuroml, cases, seed)


def fuzz_nmodl(cases, seed, models):
    texts = [mod_files.SQUID, mod_files.KINETIC, mod_files.CALCIUM, mod_files.POOL, mod_files.BY_HAND]
    return import_cases("nmodl", "channel.mod", texts, hh.import_nmodl, cases, seed)


def fuzz_shards(cases, seed, models):
    run = make_run(Path.cwd())
    shard = run.path(0).read_bytes()
    plan = (run.folder / "spec.json").read_bytes()

    def one(chance, case):
        def action():
            target, sound = (run.path(0), shard) if case % 2 else (run.folder / "spec.json", plan)
            changed = damaged(sound, chance)
            target.write_bytes(changed)
            try:
                found = RunDirectory.open(run.folder)
                if found.plan != run.plan:
                    raise WrongRows("a changed plan passed")
                found.read(0)
                if case % 2 and changed[1024:] != shard[1024:]:
                    raise WrongRows("a changed shard passed")
            except DamagedShard as damage:
                raise InputError(damage) from None
            finally:
                target.write_bytes(sound)

        return action

    return run_cases("shard", cases, seed, one)


def fuzz_cache(cases, seed, models):
    code = cache.ObjectCode("kernel", (100, 200), bytes(range(256)) * 8)

    def one(chance, case):
        name = f"k{chance.randrange(4)}"

        def action():
            cache.save(name, code)
            path = cache.cache_folder() / f"{name}.kernel"
            sound = path.read_bytes()
            other = cache.ObjectCode("other", (1,), b"x" * 200).packed("k9")
            path.write_bytes(other if case % 5 == 0 else damaged(sound, chance))
            found = cache.load(name)
            if found is not None and (found != code or path.read_bytes() != sound):
                raise WrongRows("a changed kernel was taken")
            path.unlink()

        return action

    return run_cases("cache", cases, seed, one)


KINDS = {
    fuzz_models: 300, fuzz_sweeps: 600, fuzz_tables: 300, fuzz_results: 300, fuzz_criteria: 200, fuzz_neuroml: 100, fuzz_nmodl: 100, fuzz_shards: 250, fuzz_cache: 250,
}  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_case_that_takes_much_memory_is_counted(monkeypatch):
    """At its peak, though it is given back; and the case after it is not blamed for that."""
    monkeypatch.setattr(fuzzing, "MEMORY", 50e6)
    taken = iter([8_000_000, 1_000, 1_000])
    found = run_cases("memory", 3, 0, lambda chance, case: lambda: np.ones(next(taken)).sum())
    assert found == CLEAN | {"memory": 1}


@pytest.mark.parametrize(("fuzz", "cases"), KINDS.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_no_file_acts(fuzz, cases, models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HHFAST_CACHE_DIR", str(tmp_path / "cache"))
    assert fuzz(cases, 1, models) == CLEAN


@pytest.mark.slow
@pytest.mark.parametrize(("fuzz", "cases"), KINDS.items(), ids=lambda x: getattr(x, "__name__", ""))
def test_no_file_acts_in_many_cases(fuzz, cases, models, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HHFAST_CACHE_DIR", str(tmp_path / "cache"))
    assert fuzz(10 * cases, 2, models) == CLEAN

"""Each door answers hostile input with one clear line, at once, and without much memory."""

import os
import sys
import tracemalloc
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import SCAN, hhfast, refused

import hhfast as hh
from hhfast.errors import InputError, one_line, understood
from hhfast.sweep import Grid, Sweep, Table, Values
from hhfast.sweep.store import HDF5Table
from hhfast.sweep.sweep_file import read_sweep

AXIS = "g_Na = { linspace = [80, 160, 3] }"
HOSTILE_SWEEPS = [
    (AXIS, "g_Na = { linspace = [0, 1, 1e15] }", "at most 10,000,000"),
    (AXIS, "g_Na = { linspace = [0, 1, 1e308] }", "at most 10,000,000"),
    (AXIS, "g_Na = { linspace = [0, 1, 9223372036854775808] }", "at most 10,000,000"),
    (AXIS, "g_Na = { linspace = [-1.7e308, 1.7e308, 3] }", "too far"),
    (AXIS, "g_Na = { arange = [1, 1e15, 15] }", "at most 10,000,000"),
    (AXIS, "g_Na = { arange = [0, 1, 1e-320] }", "at most 10,000,000"),
    (AXIS, "g_Na = { logspace = [0, 1, 1e8] }", "at most 100,000"),
    (AXIS, "g_Na = { values = [" + "9" * 400 + "] }", "beyond 1e308"),
    (AXIS, "\n".join(f"p{k} = {{ linspace = [0, 1, 9999999] }}" for k in range(3)), "together"),
    (AXIS, "\n".join(f"p{k} = {{ linspace = [0, 1, 9999] }}" for k in range(30)), "rows"),
    ("t_stop = 30.0", "t_stop = 1e9\ndt = 1e-9", "steps"),
    ("t_stop = 30.0", "t_stop = " + "9" * 400, "t_stop"),
    ("t_stop = 30.0", "t_stop = " + "9" * 5000, "holds a number of more than 4,300 digits"),
    ("g_Na =", '"g_N\u0430" =', "did you mean 'g_Na'? (yours has a CYRILLIC SMALL LETTER A)"),
    ("t_stop = 30.0", "t_st\u043ep = 30.0", "not valid TOML"),
    (AXIS, "g_Na = { values = [0x" + "f" * 5000 + "] }", "beyond 1e308"),
    ("t_stop = 30.0", "t_stop = 30.0\na = " + "[" * 1200, "nested too deeply"),
    ("t_stop = 30.0", "t_stop = 30.0\n" + "a." * 100_000 + "a = 1", "100 parts"),
    ("t_stop = 30.0", 't_stop = 30.0\nconstraints = ["' + "g_Na + " * 10_000 + 'g_Na > 1"]', "characters"),
    ("rows_per_batch = 4", "rows_per_batch = " + "9" * 30, "rows_per_batch"),
    ("start = 5.0", "start = " + "9" * 400, "stimulus.start"),
    ("start = 5.0", "start = 1979-05-27", "stimulus.start"),
    ('"step"', "1e9", "stimulus"),
    ('"step"', "[]", "stimulus"),
    ('"step"', "{}", "stimulus"),
    ('"hodgkin_huxley"', '"/dev/zero/x.toml"', "model"),
    ('"hodgkin_huxley"', '"/dev/zero.toml"', "model"),
    ('"hodgkin_huxley"', '"a\\u0000b.toml"', "model"),
    ('"hodgkin_huxley"', '"\\u001b[31m"', r"\x1b[31m"),
    ('"hodgkin_huxley"', '"' + "x" * 1_000_000 + '"', "unknown model"),
    ("features", "trace = { variables = ['V'], every = 1e-12 }\nfeatures", "samples"),
    ("features", "recorders = [{ kind = 'trace', variables = ['V'], every = 'x' }]\nfeatures", ""),
    ("[axes]", "[table]\nfile = 'a\\u0000b'\n[axes]", "keep one"),
]  # fmt: skip


def read(folder, text):
    path = folder / "scan.toml"
    path.write_text(text, encoding="utf-8")
    return read_sweep(path)


@contextmanager
def counted_calls():
    """A counter of the calls of functions, of Python and of C, inside the block: what work is, whatever the machine."""
    calls = count()
    sys.setprofile(lambda frame, event, argument: next(calls))
    try:
        yield calls
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize(("old", "new", "message"), HOSTILE_SWEEPS, ids=range(len(HOSTILE_SWEEPS)))
def test_a_hostile_sweep_file_is_refused(tmp_path, old, new, message):
    assert old in SCAN
    tracemalloc.start()
    with pytest.raises(InputError) as caught, counted_calls() as calls:
        read(tmp_path, SCAN.replace(old, new, 1))
    line, (_, peak) = str(caught.value), tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert message in line
    assert len(line) <= 300
    assert line.isprintable()
    assert next(calls) < 1_000_000
    assert peak < 5e8


@pytest.mark.parametrize(
    ("analysis", "message"),
    [("tol = inf", "analysis"), ("tol = 1979-05-27", "analysis"), ("second = 1979-05-27", "analysis"), ("width = []", "width")],
)  # fmt: skip
def test_a_hostile_analysis_is_refused_before_it_begins(tmp_path, analysis, message):
    text = f'model = "hodgkin_huxley"\n[axes]\n{AXIS}\n[analysis]\nkind = "refractory_period"\n{analysis}\n'
    with pytest.raises(InputError, match=message):
        read(tmp_path, text)


def test_what_is_no_file_is_refused_at_every_door(tmp_path, monkeypatch):
    """A pipe would be waited for, a device read, for ever."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.toml")
    os.mkfifo("pipe.csv")
    os.mkfifo("pipe.h5")
    table = SCAN[: SCAN.index("[axes]")] + '[table]\nfile = "{}"\n'
    for name in ("pipe.csv", "/dev/zero", "/dev/zero.h5", "pipe.h5", "a\\u0000b", "."):
        Path("scan.toml").write_text(table.format(name))
        assert "scan.toml" in refused("run", "scan.toml", "--dry-run")
    Path("scan.toml").write_text(SCAN.replace('"step"', '"waveform"\nfile = "pipe.csv"'))
    refused("run", "scan.toml", "--dry-run")
    for words in (["run", "pipe.toml"], ["run", "/dev/zero"], ["models", "/dev/zero/x.toml"], ["models", "./pipe.toml"],
                  ["info", "pipe.h5"], ["status", "pipe.h5"], ["info", "/dev/zero"],
                  ["trace", "pipe.h5", "--row", "0"], ["export", "pipe.h5", "x.csv"], ["plot", "pipe.h5"]):  # fmt: skip
        assert len(refused(*words)) <= 300
    assert hhfast("verify", "pipe.h5").exit_code == 2
    assert {path.name for path in Path().iterdir()} == {"pipe.toml", "pipe.csv", "pipe.h5", "scan.toml"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (",".join(f"p{k}" for k in range(20_000)) + "\n", "20,000 columns"),
        ("x" * 3_000_000, "line of more than"),
        ("a,b\n" + "1" * 3_000_000, "line of more than"),
        ("a,b\n1,١٢٣\n", "is not a finite number"),
        ("a,b\n1,1_0\n", "is not a finite number"),
        ("a,b\n1," + "9" * 500 + "\n", "is not a finite number"),
        ("a,b\n1,\x00\n", "line 2"),
        ("a,b\n1,\x1b[2J\n", r"\\x1b"),
    ],
    ids=range(8),
)
def test_a_hostile_table_is_refused(tmp_path, content, message):
    path = tmp_path / "rows.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Table.open(path)
    line = str(caught.value)
    assert message.replace("\\\\", "\\") in line
    assert len(line) <= 300


@pytest.mark.parametrize("suffix", ["csv", "h5"])
def test_a_table_that_changes_during_a_run_is_noticed(tmp_path, suffix):
    """At the same size, one digit in one row of it; the rows of other strides are still right."""
    path = tmp_path / f"rows.{suffix}"
    values = np.arange(10_000) + 0.5
    if suffix == "csv":
        path.write_text("g_Na\n" + "".join(f"{x}\n" for x in values))
        table = Table.open(path)
        path.write_text(path.read_text().replace("5000.5", "5001.5"))
    else:
        with h5py.File(path, "w") as file:
            file["g_Na"] = values
        table = HDF5Table.open(path)
        with h5py.File(path, "r+") as file:
            file["g_Na"][5000] += 1
    for start, stop in ((4096, 8192), (4900, 5100), (0, 10_000), (5000, 5001)):
        with pytest.raises(InputError, match="has changed since the sweep began"):
            table.columns(start, stop)
    assert np.array_equal(table.columns(100, 4096)["g_Na"], values[100:4096])
    assert np.array_equal(table.columns(8192, 10_000)["g_Na"], values[8192:])


def test_wrong_types_in_python_are_input_errors():
    """Of the interface in Python: never a TypeError or an OverflowError from within."""
    space = Grid.of({"g_Na": [100.0, 120.0]})
    for wrong in ({"t_stop": None}, {"t_stop": "x"}, {"t_stop": 10**400}, {"dt": []}, {"rows_per_batch": "x"},
                  {"integrator": 3}, {"dtype": []}, {"initial": {}}, {"parameters": {"celsius": 10**400}},
                  {"stimulus": {"kind": []}}, {"stimulus": {"kind": "step", "amplitude": 10**400}},
                  {"constraints": (3,)}, {"analysis": {"kind": []}}, {"certify": "x"}):  # fmt: skip
        with pytest.raises(InputError):
            Sweep(**({"model": "hodgkin_huxley", "space": space, "t_stop": 10.0} | wrong))
    with pytest.raises(InputError):
        Values("linspace", (0.0, 1.0, 1e15))


def test_durations_that_never_end_are_refused(here):
    """By the interface in Python, adaptive or not, and by the command line, before anything runs."""
    for options in ({}, {"integrator": "rk4"}, {"integrator": "rk4", "t_stop": 1e10, "dt": 1e-3}):
        with pytest.raises(InputError, match="are possible"):
            hh.simulate("hodgkin_huxley", **({"t_stop": 1e300} | options))
    for words in (("fi", "--currents", "1"), ("simulate",)):
        assert "are possible" in refused(words[0], "hodgkin_huxley", *words[1:], "--t-stop", "1e300")


def test_more_threads_than_there_is_work_for():
    """No more of them are started than there are blocks of cells."""
    many, one = (hh.simulate("hodgkin_huxley", t_stop=5.0, threads=n, record=[hh.Final()]) for n in (10**12, 1))
    assert many["V_final"].tobytes() == one["V_final"].tobytes()


def test_a_mark_of_byte_order_is_no_text(tmp_path):
    """Which some editors write at the beginning of a file."""
    assert read(tmp_path, "\ufeff" + SCAN).text == read(tmp_path, SCAN).text
    model = hh.models["hodgkin_huxley"].to_toml()
    (tmp_path / "model.toml").write_text("\ufeff" + model, encoding="utf-8")
    assert hh.load_model(tmp_path / "model.toml").to_toml() == model


def test_a_dry_run_looks_at_its_output(here):
    (here / "folder.h5").mkdir()
    for out, told in (
        ("nowhere/x.h5", "there is no directory"),
        ("folder.h5", "is a directory"),
        ("x" * 240, "too long"),
    ):
        assert told in refused("run", "scan.toml", "--dry-run", "-o", out)
    assert hhfast("run", "scan.toml", "--dry-run", "-o", "new.h5").exit_code == 0
    assert {path.name for path in here.iterdir()} == {"scan.toml", "folder.h5"}


def test_files_without_anything_are_empty(here):
    for name in ("a.toml", "a.h5", "a.csv"):
        Path(name).touch()
    Path("scan.toml").write_text(SCAN[: SCAN.index("[axes]")] + '[table]\nfile = "a.csv"\n')
    for words in (["run", "a.toml"], ["models", "./a.toml"], ["info", "a.h5"], ["run", "scan.toml"]):
        assert refused(*words).endswith("is empty")


def test_initial_states_that_are_none():
    for wrong in (["rest", None], [None], ["rest", 3], [["rest"]]):
        for start in (lambda w: hh.simulate("hodgkin_huxley", t_stop=5.0, initial=w),
                      lambda w: Sweep("hodgkin_huxley", Grid.of({"g_Na": [100.0]}), 5.0, initial=w)):  # fmt: skip
            with pytest.raises(InputError, match=r"initial\.[01]: is "):
                start(wrong)


def test_a_line_is_one_line():
    assert one_line("a\x1b[31m\nb\u202e\x00") == r"a\x1b[31m b\u202e\x00"
    long = one_line("x" * 10_000_000)
    assert len(long) == 300
    with pytest.raises(InputError, match=r"file: cannot be understood \(ZeroDivisionError"), understood("file"):
        1 / 0  # noqa: B018

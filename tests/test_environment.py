"""What surrounds a command (encodings, streams, settings of libraries) changes neither its result nor its one line."""

import os
import subprocess
import sys

import pytest
from commands import SCAN

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="streams of POSIX")


def run(words, folder, redirect="", options="", **variables):
    """A command in a shell: its exit code and what it printed."""
    line = f"{sys.executable} {options} -m hhfast {words} {redirect}"
    given = {name: value for name, value in {**os.environ, **variables}.items() if value is not None}
    done = subprocess.run(["sh", "-c", line], cwd=folder, env=given, capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.mark.parametrize(
    ("words", "variables", "told"),
    [
        ("run scan.toml", {"HDF5_DRIVER": "nonsense"}, "HDF5_DRIVER"),
        ("run scan.toml", {"HDF5_VOL_CONNECTOR": "nonsense"}, "HDF5_VOL_CONNECTOR"),
        ("simulate hodgkin_huxley --t-stop 5 -o x.png", {"MPLBACKEND": "nonsense"}, "matplotlib does not start"),
    ],
)
def test_settings_of_libraries_that_cannot_work(tmp_path, words, variables, told):
    """HDF5 would end the process by a signal, matplotlib with a traceback."""
    (tmp_path / "scan.toml").write_text(SCAN)
    code, out, error = run(words, tmp_path, **variables)
    assert (code, out, error.count("\n")) == (2, "", 1)
    assert told in error


@pytest.mark.parametrize(
    "variables", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_a_terminal_without_our_letters(tmp_path, variables):
    code, out, error = run("models hodgkin_huxley", tmp_path, **variables)
    assert (code, error) == (0, "")
    assert "mS/cm\\xb2" in out


def test_a_terminal_without_width(tmp_path):
    assert run("info nope.h5", tmp_path, COLUMNS="0")[2] == "error: nope.h5: does not exist\n"


@pytest.mark.parametrize(
    ("words", "redirect", "wanted", "lines"),
    [
        ("models", ">&-", 0, 0),
        ("models nope", ">&- 2>&-", 2, 0),
        ("models", "| head -1", 0, 0),
        ("models", "> /dev/full", 2, 1),
        ("models nope", "2> /dev/full", 2, 0),
        ("--help", "> /dev/full", 2, 1),
    ],
)
def test_streams_that_are_closed_or_full(tmp_path, words, redirect, wanted, lines):
    if "/dev/full" in redirect and not os.path.exists("/dev/full"):  # noqa: PTH110
        pytest.skip("this system has no /dev/full")
    code, _, error = run(words, tmp_path, redirect)
    assert (code, error.count("\n")) == (wanted, lines)


@pytest.mark.parametrize("options", ["-OO", "-W error", "-X dev"])
def test_other_ways_of_python(tmp_path, options):
    """Without assertions and docstrings; with warnings as errors; with its own checks."""
    (tmp_path / "scan.toml").write_text(SCAN)
    code, out, error = run("run scan.toml", tmp_path, options=options, HOME=None, TZ="Nowhere/Land")
    assert (code, out, error) == (0, "scan.h5: finished, 12 rows\n", "")

"""The command line as a whole: help, usage, start."""

import subprocess
import sys
from typing import get_type_hints

import pytest
from commands import hhfast, refused

import hhfast as hh
from hhfast.cli.app import COMMANDS
from hhfast.errors import Incomplete


@pytest.mark.core
def test_help_lists_all_commands_and_imports_nothing_heavy():
    """Which is what makes it immediate: 0.2 s on a quiet machine."""
    command = [sys.executable, "-X", "importtime", "-m", "hhfast", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Run a sweep into an HDF5 file" in done.stdout
    for command in COMMANDS:
        assert f" {command.__name__} " in done.stdout
        assert command.__doc__.count("\n") == 0
    for name in ("numba", "numpy", "scipy", "sympy", "h5py", "matplotlib", "pydantic"):
        assert f" {name}\n" not in done.stderr


@pytest.mark.parametrize("words", [["frobnicate"], ["run"], ["run", "scan.toml", "--threads", "0"], ["status"]])
def test_wrong_usage_has_exit_code_2(here, words):
    assert hhfast(*words).exit_code == 2


def test_the_version_is_that_of_the_package():
    assert hhfast("--version").stdout == f"hhfast {hh.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.__name__)
@pytest.mark.core
def test_every_argument_of_every_command_is_explained(command):
    shown = hhfast(command.__name__, "--help")
    assert shown.exit_code == 0
    for hint in get_type_hints(command, include_extras=True).values():
        assert hint is type(None) or hint.__metadata__[0].help


def test_our_own_mistakes_keep_their_traceback(monkeypatch):
    """Only what a user can mend is one line."""
    monkeypatch.setattr("hhfast.cli.text.model_list_text", lambda *given: 1 / 0)
    assert isinstance(hhfast("models").exception, ZeroDivisionError)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (hh.InputError("a\nb"), 2, "error: a b"), (OSError("no disk"), 2, "error: no disk"),
        (Incomplete("x.h5: half"), 3, "incomplete: x.h5: half"), (KeyboardInterrupt(), 130, "interrupted"),
    ],
)  # fmt: skip
@pytest.mark.core
def test_what_a_user_can_answer_is_one_line(monkeypatch, error, code, line):
    def models(*given):
        raise error

    monkeypatch.setattr("hhfast.cli.text.model_list_text", models)
    result = hhfast("models")
    assert (result.exit_code, result.stdout, result.stderr) == (code, "", f"{line}\n")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("prc", "hodgkin_huxley", "--current", "abc"), "see hhfast prc --help"),
        (("run", "scan.toml", "--threads", 0), "see hhfast run --help"),
        (("cache", "--bogus"), "see hhfast cache --help"),
        (("fi",), "MODEL"),
        (("nosuch",), "nosuch"),
        (("clamp", "hodgkin_huxley", "--levels", "a:b"), "error: --levels a:b: give numbers"),
        (("simulate", "hodgkin_huxley", "--start", 10, "--stop", 5), "--stop 5: the current begins at 10 ms"),
        (("simulate", "hodgkin_huxley", "-p", "count_Na=-5"), "-p count_Na=-5: a number of channels must be positive"),
        (("rheobase", "hodgkin_huxley", "--tol", 2), "tol = 2.0: must be below 1"),
        (("models", "hodgkin_huxley", "--neuroml", "-o", "nowhere/x.nml"), "there is no directory nowhere"),
        (("import", "x.mod", "-o", "nowhere/x.toml"), "there is no directory nowhere"),
    ],
)
def test_what_is_typed_wrongly_is_one_line(words, line):
    """Usage, too, and as it was typed: no box around it, no emoji for `:b:`."""
    assert line in refused(*words)

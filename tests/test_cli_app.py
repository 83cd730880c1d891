"""The command line as a whole: help, usage, start."""

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import get_type_hints

import pytest
import typer
from commands import hhfast, refused
from typer.testing import CliRunner

import hhfast as hh
from hhfast.cli.app import COMMANDS, app
from hhfast.cli.console import Exit
from hhfast.cli.guide import GUIDES
from hhfast.errors import Incomplete


def command_name(command):
    """As it is typed."""
    return command.__name__.replace("_", "-")


def options():
    """Command -> its options, without the hyphens of their values."""
    commands = typer.main.get_command(app).commands
    return {name: {o for p in command.params for o in p.opts + p.secondary_opts} for name, command in commands.items()}


def test_exit_codes_are_in_the_help():
    """Each of them, by its number."""
    told = " ".join(hhfast("--help").stdout.split("Exit codes:")[1].split())
    for code in Exit:
        assert f" {code.value} " in f" {told} "


def test_completion_proposes_commands_and_options(monkeypatch):
    """What a shell asks for: the words so far, and which of them is typed now."""
    for words, proposed in (("hhfast phase", "phase-plane"), ("hhfast fit --fr", "--free")):
        environment = {"_HHFAST_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
        shown = CliRunner().invoke(app, [], env=environment, prog_name="hhfast")
        assert proposed in shown.output.split()


@pytest.mark.core
def test_help_lists_all_commands_and_imports_nothing_heavy():
    """Which is what makes it immediate: 0.2 s on a quiet machine."""
    command = [sys.executable, "-X", "importtime", "-m", "hhfast", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Run a sweep into an HDF5 file" in done.stdout
    for command in COMMANDS:
        assert f" {command_name(command)} " in done.stdout
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
    shown = hhfast(command_name(command), "--help")
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
        (("nosuch",), "error: unknown command 'nosuch'; known: "),
        (("phaseplane",), "error: unknown command 'phaseplane'; did you mean 'phase-plane'?; see hhfast --help"),
        (
            ("fi", "--curents", "1"),
            "error: unknown option '--curents'; did you mean '--currents'?; see hhfast fi --help",
        ),
        (("phase-plane", "hodgkin_huxley"), "with -o FIG.png"),
        (("phase-plane", "hodgkin_huxley", "-p", "g_Na=1,2", "-o", "x.png"), "-p g_Na: has several values"),
        (("phase-plane", "hodgkin_huxley", "--held", "h", "-o", "x.png"), "--held h: give STATE=NUMBER"),
        (("models", "--with", "g_nap"), "no library model has parameter 'g_nap'; did you mean 'g_Nap'?"),
        (("models", "--cell", "pyramdal"), "no library model has cell 'pyramdal'; did you mean 'pyramidal'?"),
        (("models", "--current", "XYZ"), "no library model has current 'XYZ'; known: "),
        (("models", "--species", "squid", "--current", "CaT"), "'CaT' and species 'squid'; each of these some have"),
        (("models", "wang_buzsaki", "--with", "celsius"), "--with: lists models; leave out the name"),
        (("simulate", "wang_buzsaki", "-p", "celsius=20"), "'hhfast models --with celsius' lists those that have it"),
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


def test_every_option_that_a_text_names_exists():
    """Messages and help of the command line, and the commands that results, errors and pages propose."""
    known = set().union(*options().values()) | {"--help", "--version"}
    known |= {"--install-completion", "--show-completion"}
    for path in Path(hh.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for option in re.findall(r"(?<![-\w])--[a-z][a-z-]*", node.value):
                    assert option in known, f"{path}:{node.lineno}: {option}"


def test_phase_plane_draws_the_crossing_of_the_nullclines(here, pictures):
    """Morris-Lecar, class I, at 45 uA/cm2 has one equilibrium, unstable (Rinzel & Ermentrout 1989)."""
    done = hhfast("phase-plane", "morris_lecar_1981_class_1", "--current", 45, "-o", "plane.png")
    assert (done.exit_code, done.stderr) == (0, "wrote plane.png\n")
    labels = [text.get_text() for text in pictures[0].axes[0].get_legend().get_texts()]
    assert "unstable equilibrium" in labels
    assert "stable equilibrium" not in labels


def test_models_with_a_parameter():
    listed = hhfast("models", "--with", "celsius").stdout
    assert "prinz_stg" in listed
    assert "wang_buzsaki" not in listed


@pytest.mark.parametrize("name", typer.main.get_command(app).commands)
def test_the_help_of_every_command_ends_with_examples_that_are_usage(name):
    """In the list it has a line; its examples are words that the command takes."""
    guide = next(group[name] for group in GUIDES.values() if name in group)
    assert len(guide.line) <= 60
    command = typer.main.get_command(app).commands[name]
    for example in guide.examples:
        program, typed, *words = shlex.split(example)
        assert (program, typed) == ("hhfast", name)
        command.make_context(name, words)

"""Analyses from the command line: arguments, tables, pictures, errors."""

import numpy as np
import pytest
from typer.testing import CliRunner

import hhfast as hh
from hhfast.cli import options as ask
from hhfast.cli.app import app


def run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    return result.exit_code, result.output


def test_numbers():
    """Lists and ranges, both ends included."""
    assert ask.numbers("1,2.5").tolist() == [1.0, 2.5]
    np.testing.assert_allclose(ask.numbers("0:1:0.1"), np.linspace(0, 1, 11))
    for bad in ("a", "1:2", "2:1:1", "0:1:0", "1,,2", ""):
        with pytest.raises(hh.InputError, match="start:stop:step"):
            ask.numbers(bad)


def test_parameters():
    """A single value goes to all cells."""
    found = ask.parameters(["g_Na=100,120", "g_L=0.3"])
    assert {k: v.tolist() for k, v in found.items()} == {"g_Na": [100.0, 120.0], "g_L": [0.3, 0.3]}
    with pytest.raises(hh.InputError, match="NAME=VALUE"):
        ask.parameters(["g_Na"])


def test_rheobase(tmp_path):
    """A line for each cell, with its status; a picture of the curve."""
    code, output = run("rheobase", "hodgkin_huxley", "--width", "1", "-p", "g_Na=120,0")
    assert code == 0
    assert output.splitlines()[1].split() == ["120", "6.91895", "ok"]
    assert output.splitlines()[2].split() == ["0", "-", "never"]
    figure = tmp_path / "curve.png"
    assert run("rheobase", "hodgkin_huxley", "--width", "0.5,5", "--tol", "1e-3", "-o", figure)[0] == 0
    assert figure.stat().st_size > 5000


def test_fi(tmp_path):
    """Rates, onset and class."""
    figure = tmp_path / "curve.png"
    code, output = run("fi", "hodgkin_huxley", "--currents", "5,10", "--t-stop", "400", "-o", figure)
    assert code == 0
    assert output.split()[-2:] == ["II", "ok"]
    assert figure.stat().st_size > 5000


def test_refractory(tmp_path):
    """Periods; the recovery curve as a picture."""
    figure = tmp_path / "curve.png"
    code, output = run("refractory", "hodgkin_huxley", "-o", figure)
    assert code == 0
    assert output.splitlines()[1].split()[1] == "12.4698"
    assert figure.stat().st_size > 5000


def test_mistakes_are_answered():
    """Exit code 2 and one line."""
    mistakes = ["fi nothing", "rheobase hodgkin_huxley -p g_na=1", "fi hodgkin_huxley --currents x"]
    for arguments in (text.split() for text in mistakes):
        code, output = run(*arguments)
        assert code == 2
        assert len(output.strip().splitlines()) == 1

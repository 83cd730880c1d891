"""Analyses from the command line: tables, pictures, errors."""

import csv
import io

import numpy as np
import pytest
from commands import hhfast, refused

import hhfast as hh


def lines_of(axes):
    """label -> (x, y) of the lines in a picture."""
    return {line.get_label(): line.get_data() for line in axes.lines}


@pytest.mark.core
def test_rheobase(here, pictures):
    """A line for each cell, with its status; a picture of the curve."""
    result = hhfast("rheobase", "hodgkin_huxley", "--width", "1", "-p", "g_Na=120,0")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split("  ")[1] == "threshold (µA/cm²)"
    assert [line.split() for line in result.stdout.splitlines()[1:]] == [["120", "6.91895", "ok"], ["0", "-", "never"]]
    assert hhfast("rheobase", "hodgkin_huxley", "--width", "0.5,5", "--tol", "1e-3", "-o", "curve.png").exit_code == 0
    (axes,) = pictures[0].axes
    assert pictures[0].get_suptitle() == "Squid giant axon"
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    width, threshold = lines_of(axes)["threshold"]
    assert width.tolist() == [0.5, 5.0]
    expected = hh.strength_duration("hodgkin_huxley", [0.5, 5.0], tol=1e-3).amplitude[0]
    np.testing.assert_array_equal(threshold, expected)


def test_csv_has_all_digits(here):
    """And nothing where there is no number."""
    printed = hhfast("rheobase", "hodgkin_huxley", "--width", "1", "-p", "g_Na=120,0", "--csv").stdout
    found = hh.find_rheobase("hodgkin_huxley", {"g_Na": [120.0, 0.0]}, width=1.0)
    assert list(csv.reader(io.StringIO(printed))) == [
        ["g_Na", "threshold (uA cm-2)", "status"],
        ["120.0", repr(float(found.amplitude[0])), "ok"],
        ["0.0", "", "never"],
    ]


def test_fi(here, pictures):
    """Rates, onset and class; a picture of both branches."""
    result = hhfast("fi", "hodgkin_huxley", "--currents", "5,10", "--t-stop", "400", "-o", "curve.png")
    assert result.exit_code == 0
    assert result.stdout.split()[-2:] == ["II", "ok"]
    (axes,) = pictures[0].axes
    drawn = lines_of(axes)
    assert {label.split(" (")[0] for label in drawn if "class" in label} == {"current rising", "current falling"}
    for label, (current, rate) in drawn.items():
        if "class" in label:
            assert current.tolist() == [5.0, 10.0]
            assert rate[0] == 0
            assert 60 < rate[1] < 80


def test_refractory(here, pictures):
    """Periods; the recovery curve as a picture."""
    result = hhfast("refractory", "hodgkin_huxley", "-o", "curve.png")
    assert result.exit_code == 0
    _, row = result.stdout.splitlines()
    assert row.split()[1] == "12.4696"
    (axes,) = pictures[0].axes
    interval, ratio = axes.lines[0].get_data()
    absolute, relative = map(float, row.split()[2:4])
    assert np.isnan(ratio[interval < absolute]).all()  # no second spike
    assert (ratio[(interval > absolute + 0.1) & (interval < relative - 0.1)] > 1).all()
    assert (ratio[np.isfinite(ratio)] < 1).any()  # supernormal, later


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("fi nothing", "unknown model 'nothing'"),
        ("rheobase hodgkin_huxley -p g_na=1", "did you mean 'g_Na'"),
        ("fi hodgkin_huxley --currents x", "start:stop:step"),
        ("fi hodgkin_huxley -o curve.xyz", "ends in one of"),
        ("refractory hodgkin_huxley -p g_Na=0 -o curve.png", "no refractory period to draw (never)"),
    ],
)
def test_mistakes_are_one_line(here, words, message):
    assert message in refused(*words.split())
    assert [file.name for file in here.iterdir()] == ["scan.toml"]

"""`hhfast simulate`: one neuron or a few, as a table, as CSV and as a picture."""

import csv
import io

import numpy as np
import pytest
from commands import hhfast, names, refused

import hhfast as hh

SHORT = ("--t-stop", "30", "--every", "0.05")


@pytest.mark.core
def test_one_spike(here, pictures):
    """Spike times as by `simulate`; potential, current, conductances, currents and gates in the picture."""
    result = hhfast("simulate", "hodgkin_huxley", "--current", "10", *SHORT, "-o", "spike.png")
    assert result.exit_code == 0, result.output
    step = hh.Step(amplitude=10.0, start=5.0)
    expected = hh.simulate("hodgkin_huxley", stimulus=step, t_stop=30.0, integrator="tsit5").spike_times[0]
    *_, last = result.stdout.splitlines()
    np.testing.assert_allclose([float(t) for t in last.partition(": ")[2].split(",")], expected, atol=6e-4)
    (figure,) = pictures
    assert figure.get_suptitle().startswith("Squid giant axon, ")
    drawn = {axes.get_ylabel().split(" ")[0].split("\n")[0]: axes for axes in figure.axes}
    assert list(drawn) == ["$V$", "applied", "conductance", "current", "gates"]
    g_Na, V = (drawn[name].lines[0].get_ydata() for name in ("conductance", "$V$"))
    m, h = (line.get_ydata() for line in drawn["gates"].lines[:2])
    np.testing.assert_allclose(g_Na, 120 * m**3 * h, rtol=1e-12)
    np.testing.assert_allclose(drawn["current"].lines[0].get_ydata(), g_Na * (V - 50), rtol=1e-9, atol=1e-9)


def test_several_cells_are_all_drawn_and_labelled(here, pictures):
    words = ("simulate", "hodgkin_huxley", "--current", "10", *SHORT, "-o", "cells.pdf", "-p")
    assert hhfast(*words, "g_Na=90,120").exit_code == 0
    titles = [axes.get_title() for axes in pictures[0].axes if axes.get_title()]
    assert [title.split(" = ")[1] for title in titles] == ["90 mS/cm²: 1 spike", "120 mS/cm²: 2 spikes"]
    assert hhfast(*words, "g_Na=90,100,110,120").exit_code == 0
    assert len(pictures[1].axes) == 5  # a potential each, and the current
    assert len({tuple(axes.lines[0].get_ydata()) for axes in pictures[1].axes[:4]}) == 4


def test_csv(here):
    """A line for each sample of each cell."""
    printed = hhfast("simulate", "hodgkin_huxley", "--current", "0,10", "--t-stop", "2", "--every", "1", "--csv").stdout
    heading, *rows = csv.reader(io.StringIO(printed))
    assert " ".join(heading) == "cell time V m h n i_Na i_K i_L i_app g_Na g_K g_L"
    assert [row[:2] for row in rows] == [[cell, time] for cell in "01" for time in ("0.0", "1.0", "2.0")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("hodgkin_huxley -p g_Na=abc", "-p g_Na='abc': give numbers"),
        ("hodgkin_huxley -p g_Na=1,2 --current 1,2,3", "lists of different lengths"),
        ("hodgkin_huxley -p C_m=-1", "the capacitance must be positive"),
        ("hodgkin_huxley -p g_na=1", "did you mean 'g_Na'"),
        ("hodgkin_huxley --current 1:5000:1", "write a sweep file"),
        ("hodgkin_huxley --title x", "say where to draw it"),
        ("hodgkin_huxley -o missing/x.png", "no directory"),
        ("hodgkin_huxley --t-stop -1", "t_stop"),
    ],
)
def test_mistakes_are_one_line(here, words, message):
    assert message in refused("simulate", *words.split())
    assert names(here) == ["scan.toml"]


def test_a_certificate_of_each_cell():
    """exp_euler is late by 0.03 ms after 100 ms: within what counts by default, not within 0.01 ms."""
    arguments = ["simulate", "hodgkin_huxley", "--current", "0,10", "-i", "exp_euler"]
    for options, outcome in ((["--certify"], "agrees"), (["--certify-tolerance", "time=0.01"], "differs")):
        head, silent, firing = hhfast(*arguments, *options).stdout.splitlines()
        assert "spikes shift (ms)  certified" in head
        assert silent.split()[-2] == "agrees"
        assert firing.split()[-2] == outcome
    assert "certified" not in hhfast(*arguments).stdout
    wrong = hhfast(*arguments, "--certify-tolerance", "time=much")
    assert wrong.exit_code == 2
    assert "--certify-tolerance time=much: give SHARE, or NAME=VALUE" in wrong.stderr


@pytest.mark.parametrize("option", [("--csv",), ("-o", "fig.png"), ("--certify",), ("--every", "0.1")])
def test_features_of_a_settled_cell_have_no_trace(here, option):
    """What could only be said of traces is refused, not passed over in silence."""
    line = refused("simulate", "hodgkin_huxley", "--sensitivity", "g_Na", "--settled", *option)
    assert line.endswith(f"leave out {option[0]}")
    assert names(here) == ["scan.toml"]


def test_several_options_of_traces_are_named_together(here):
    line = refused("simulate", "hodgkin_huxley", "--settled", "--sensitivity", "g_Na", "--csv", "-o", "fig.png")
    assert line.endswith("leave out --csv, -o")


# --- any stimulus -----------------------------------------------------------------------------------------------------
def csv_of(*words):
    """Heading -> values of the traces that the command prints."""
    lines = hhfast("simulate", "hodgkin_huxley", "--csv", "--every", 1, *words).stdout.splitlines()
    table = np.array([[float(value) for value in line.split(",")] for line in lines[1:]])
    return dict(zip(lines[0].split(","), table.T, strict=True))


def test_conductances_and_clamps_in_words(here):
    """Synapses; a step and a ramp, then current clamp; a recorded spike as the command: as `simulate` has them."""
    (here / "spike.csv").write_text("time,V\n0,-65\n2,-65\n3,30\n6,-75\n20,-65\n")
    clamp = hh.VoltageClamp(-70.0, [-100.0, (-80.0, 40.0)], [5.0, 10.0], start=2.0, stop=18.0)
    command = hh.WaveformClamp([0.0, 2.0, 3.0, 6.0, 20.0], [-65.0, -65.0, 30.0, -75.0, -65.0])
    for text, more, stimulus in (
        ("alpha_synapse g=0.3 tau=1 start=5", (), hh.AlphaSynapse(g=0.3, tau=1.0, start=5.0)),
        ("voltage_clamp holding=-70 levels=-100,-80:40 durations=5,10 start=2 stop=18",
         ("--current", 10, "--start", 20), clamp + hh.Step(amplitude=np.array([10.0]), start=20.0)),
        ("waveform_clamp file=spike.csv", (), command),
    ):  # fmt: skip
        found = csv_of("--t-stop", 30, "--stimulus", text, *more)
        r = hh.simulate("hodgkin_huxley", stimulus=stimulus, t_stop=30.0, record=[hh.Trace("V", "i_Na", every=1.0)])
        for name in ("V", "i_Na"):
            np.testing.assert_allclose(found[name], r[name][0], rtol=1e-9, atol=1e-9)
        assert ("i_clamp" in found) == ("clamp" in text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("alpha_synaps g=1", "did you mean 'alpha_synapse'"),
        ("alpha_synapse g=1", "missing a required argument: 'tau'"),
        ("alpha_synapse g=x tau=1", "g=x: 'x' is no number"),
        ("alpha_synapse g = 1", "without spaces around ="),
        ("step amplitud=2", "did you mean 'amplitude'"),
        ("step amplitude=1 amplitude=2", "amplitude is given twice"),
        ("step file=spike.csv", "file: step has no points"),
        ("waveform_clamp", "give file=NAME.csv"),
        ("waveform_clamp file=missing.csv", "missing.csv: cannot be read"),
        ("voltage_clamp holding=-70 levels=1,2 durations=5", "give one for each step"),
        ("voltage_clamp holding=-70 levels=nan", "level_1 = nan"),
        ("voltage_clamp holding=-70 levels=1:2:3", "'2:3' is no number"),
        ("", "give KIND NAME=VALUE"),
    ],
)
def test_a_stimulus_that_is_none_is_one_line(text, message):
    line = refused("simulate", "hodgkin_huxley", "--stimulus", text)
    assert line.startswith(f"error: --stimulus '{text}': ")
    assert message in line

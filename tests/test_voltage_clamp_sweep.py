"""Voltage clamps in sweep files and on the command line: the rows of a sweep are those of `simulate`."""

import numpy as np
import pytest
from commands import hhfast

import hhfast as hh
from hhfast.errors import InputError

CLAMP = """\
model = "hodgkin_huxley"
t_stop = 20.0
integrator = "{integrator}"

[stimulus]
kind = "voltage_clamp"
holding = -70
levels = [-100, [-80, 40]]
durations = [5, 10]
start = 2

[axes]
g_K = {{ values = [20, 36] }}
"stimulus.{axis}" = {{ values = [0.5, 1.5] }}

[record]
features = []
trace = {{ variables = ["V", "i_clamp", "g_Na"], every = 0.5 }}
"""
ANALYSIS = """\
model = "hodgkin_huxley"

[axes]
g_K = { values = [20, 36] }
E_K = { values = [-77, -70] }

[analysis]
kind = "voltage_clamp"
channel = "K"
levels = [-60, -40, -20, 0, 20]
"""


def swept(folder, text):
    path = folder / "sweep.toml"
    path.write_text(text)
    return hh.Sweep.from_toml(path)


def test_rows_of_a_sweep_are_those_of_simulate(tmp_path):
    """A prepulse and a ramp through two series resistances, lists as in the file; traces are float32 in it."""
    sweep = swept(tmp_path, CLAMP.format(integrator="tsit5", axis="series_resistance"))
    with hh.open_results(sweep.run(tmp_path / "out.h5", progress=False)) as found:
        for row, (g_K, R) in enumerate([(20.0, 0.5), (20.0, 1.5), (36.0, 0.5), (36.0, 1.5)]):
            stimulus = hh.VoltageClamp(-70.0, [-100.0, (-80.0, 40.0)], [5.0, 10.0], start=2.0, series_resistance=R)
            r = hh.simulate("hodgkin_huxley", {"g_K": g_K}, stimulus=stimulus, t_stop=20.0, integrator="tsit5",
                            record=[hh.Trace("V", "i_clamp", "g_Na", every=0.5)])  # fmt: skip
            for name in ("V", "i_clamp", "g_Na"):
                values = np.asarray(found[name]).reshape(4, -1)[row]
                np.testing.assert_allclose(values, r[name][0], rtol=1e-5, atol=1e-4)
    again = hhfast("trace", str(tmp_path / "out.h5"), "--row", "1", "-o", str(tmp_path / "row.png"))
    assert again.exit_code == 0, again.output
    assert "identical" in again.output


def test_a_stimulus_object_is_the_same_sweep_as_its_table(tmp_path):
    table = swept(tmp_path, CLAMP.format(integrator="tsit5", axis="series_resistance"))
    clamp = hh.VoltageClamp(-70.0, [-100.0, (-80.0, 40.0)], [5.0, 10.0], start=2.0)
    given = hh.Sweep(model="hodgkin_huxley", space=table.space, t_stop=20.0, integrator="tsit5", stimulus=clamp,
                     record=table.record)  # fmt: skip
    assert given.canonical == table.canonical


def test_an_analysis_per_row(tmp_path):
    """Potassium current and time constants of each row, as the function gives them."""
    with hh.open_results(swept(tmp_path, ANALYSIS).run(tmp_path / "out.h5", progress=False)) as found:
        r = hh.voltage_clamp("hodgkin_huxley", [-60, -40, -20, 0, 20], {"g_K": [20.0, 20.0, 36.0, 36.0],
                             "E_K": [-77.0, -70.0, -77.0, -70.0]}, channel="K", conditioning=0.0)  # fmt: skip
        np.testing.assert_allclose(np.ravel(found["steady_at_0"]), r.steady[:, 3], rtol=1e-6)
        np.testing.assert_allclose(np.ravel(found["activation_V_half"]), r.activation.V_half, rtol=1e-4)
        np.testing.assert_allclose(np.ravel(found["tau_at_-40"]), r.tau[:, 1], rtol=1e-4)


VALUES = """\
conditioning = { duration = 20, levels = [-90, -70, -50], test = -20 }
recording = { every = 0.1, leak_subtraction = 4 }
"""


def test_values_of_an_analysis_are_tables(tmp_path):
    """The same as in Python, where they are `Conditioning` and `ClampRecording`; wrong ones say where."""
    text = ANALYSIS.replace('channel = "K"\n', VALUES)
    with hh.open_results(swept(tmp_path, text).run(tmp_path / "out.h5", progress=False)) as found:
        r = hh.voltage_clamp("hodgkin_huxley", [-60, -40, -20, 0, 20], {"g_K": [20.0, 20.0, 36.0, 36.0],
                             "E_K": [-77.0, -70.0, -77.0, -70.0]}, conditioning=hh.Conditioning(20.0, (-90, -70, -50), -20.0),
                             recording=hh.ClampRecording(every=0.1, leak_subtraction=4))  # fmt: skip
        np.testing.assert_allclose(np.ravel(found["steady_at_0"]), r.steady[:, 3], rtol=1e-6)
        np.testing.assert_allclose(np.ravel(found["peak_at_20"]), r.peak[:, 4], rtol=1e-6)
    for old, new, message in (("duration = 20", "duration = -1", "analysis.conditioning.duration = -1: must not be"),
                              ("every", "evry", "analysis.recording: unknown key 'evry'; did you mean 'every'"),
                              ("[-90, -70, -50]", "['x']", "analysis.conditioning.levels")):  # fmt: skip
        with pytest.raises(InputError, match=message):
            swept(tmp_path, text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("durations = [5, 10]", "durations = [5]", "stimulus.durations: has 1 values and levels 2"),
        ("[-80, 40]", "[-80, 40, 1]", r"is no ramp; give \[from, to\]"),
        ("levels = [-100, [-80, 40]]", "levels = 3", "stimulus.levels: is 3; it must be a list"),
        ("durations = [5, 10]", "durations = [5, -1]", "duration_2 = -1: steps would overlap"),
        ("start = 2", "start = 2\nlevel_1 = 3", "stimulus.level_1: is given, and so are levels"),
        ("stimulus.stop", "stimulus.level_3", "level_3"),
        ("tsit5", "rk4", "stimulus.stop: varies, and rk4 takes the same steps"),
        ("start = 2", "series_resistance = -1", "series_resistance = -1: must not be negative"),
    ],
)
def test_mistakes_in_a_file_give_one_line(tmp_path, old, new, message):
    text = CLAMP.format(integrator="tsit5", axis="stop")
    assert old in text
    with pytest.raises(InputError, match=message) as error:
        swept(tmp_path, text.replace(old, new))
    assert "\n" not in str(error.value)


def test_the_command_prints_levels_and_fits_and_draws(tmp_path, pictures):
    """One cell: a line for each level, then the fits; several: the fits alone; --csv: every level of every cell."""
    one = hhfast("clamp", "hodgkin_huxley", "--holding", "-65", "--levels", "-60:60:20", "--channel", "Na",
                 "-o", str(tmp_path / "family.png"))  # fmt: skip
    assert one.exit_code == 0, one.output
    reversal = float(one.output.split("reversal (mV): ")[1].split()[0])
    assert abs(reversal - 50.0) < 3.0
    assert "inactivation V half (mV): -62." in one.output
    assert len(pictures[0].axes) == 5
    lines = pictures[0].axes[0].lines
    assert len(lines) == 7
    several = hhfast("clamp", "hodgkin_huxley", "--levels", "-60:60:20", "--channel", "K", "-p", "g_K=20,36",
                     "-o", str(tmp_path / "cells.png"), "--title", "Two cells")  # fmt: skip
    assert several.exit_code == 0, several.output
    told = [text.get_text() for text in pictures[1].axes[1].get_legend().get_texts()]
    assert [text.split("=")[1].split()[0] for text in told] == ["20", "36"]
    assert all("mS" in text for text in told)
    assert pictures[1].get_suptitle() == "Two cells"
    assert len(several.stdout.splitlines()) == 3
    table = hhfast("clamp", "hodgkin_huxley", "--levels", "-60:60:20", "-p", "g_K=20,36", "--csv")
    assert len(table.output.splitlines()) == 15
    assert table.output.startswith("g_K,level (mV),peak (uA cm-2)")
    wrong = hhfast("clamp", "hodgkin_huxley", "--prepulse", "3")
    assert wrong.exit_code == 2
    assert "prepulse: give a level, mV, and a duration, ms" in wrong.output

"""Clamps, counts and sensitivities that cannot be: one line by Python, by the command line and by a sweep file."""

import numpy as np
import pytest
from commands import refused

import hhfast as hh
from hhfast.errors import InputError

FILE = """\
model = "hodgkin_huxley"
t_stop = 20.0
{top}
[axes]
g_Na = {{ values = [100, 120] }}
{rest}
"""
NAN, OVERLAP, LARGE = "= nan: must be a number, not NaN", "steps would overlap", "must be from -1000 to 1000 mV"
TWO = "two voltage clamps overlap"
COUNT = "above 0"
UNKNOWN = "did you mean 'g_Na'"
NONE = "nothing that is recorded here has derivatives"


def clamped(**values):
    return lambda: hh.VoltageClamp(-70.0, **values)


def run(**given):
    return lambda: hh.simulate("hodgkin_huxley", given.pop("params", None), t_stop=5.0, **given)


CASES = {
    "levels that are NaN": [
        (clamped(levels=[np.nan]), NAN),
        (clamped(levels=[np.array([0.0, np.nan])]), "= nan: levels of a clamp must be"),
        (lambda: hh.voltage_clamp("hodgkin_huxley", [0.0, np.nan]), "levels = 0, nan: give finite numbers"),
        (("clamp", "hodgkin_huxley", "--levels", "0,nan"), "--levels 0,nan: give finite numbers"),
        (("simulate", "hodgkin_huxley", "--stimulus", "voltage_clamp holding=-70 levels=nan durations=5"), "level_1 = nan"),
        (("", '[stimulus]\nkind = "voltage_clamp"\nholding = -70\nlevels = [nan]'), "stimulus.level_1: is nan"),
        (("", '[analysis]\nkind = "voltage_clamp"\nlevels = [0, nan]'), "analysis.levels = 0, nan: give finite numbers"),
    ],
    "levels that no cell can have": [
        (clamped(levels=[1e9]), f"level_1 = 1e+09: levels of a clamp {LARGE}"),
        (clamped(levels=[(0.0, 3000.0)]), LARGE),
        (lambda: hh.WaveformClamp([0.0, 1.0], [0.0, 2000.0]), LARGE),
        (lambda: hh.voltage_clamp("hodgkin_huxley", [0.0], holding=1e9), f"holding = 1e+09: levels of a clamp {LARGE}"),
        (("clamp", "hodgkin_huxley", "--holding", "1e9"), f"holding = 1e+09: levels of a clamp {LARGE}"),
        (("clamp", "hodgkin_huxley", "--levels", "0,2000"), f"levels = 2000: levels of a clamp {LARGE}"),
        (("clamp", "hodgkin_huxley", "--prepulse", "2000,5"), f"prepulse = 2000: levels of a clamp {LARGE}"),
        (("", '[stimulus]\nkind = "voltage_clamp"\nholding = 1e9\nlevels = [0]'), f"stimulus.holding = 1e+09: levels of a clamp {LARGE}"),
        (("", '[analysis]\nkind = "voltage_clamp"\nlevels = [1e9]'), f"analysis.levels = 1e+09: levels of a clamp {LARGE}"),
    ],
    "overlapping steps": [
        (clamped(levels=[0.0, 10.0], durations=[5.0, -1.0]), OVERLAP),
        (lambda: hh.VoltageClamp(-70.0) + hh.VoltageClamp(-60.0), TWO),
        (("simulate", "hodgkin_huxley", "--stimulus", "voltage_clamp holding=-70 levels=0,10 durations=5,-1"), OVERLAP),
        (("simulate", "hodgkin_huxley", *2 * ("--stimulus", "voltage_clamp holding=-70 levels=0 durations=5")), TWO),
        (("", '[stimulus]\nkind = "voltage_clamp"\nholding = -70\nlevels = [0, 10]\ndurations = [5, -1]'), OVERLAP),
        (("", 2 * '[[stimulus]]\nkind = "voltage_clamp"\nholding = -70\nlevels = [0]\ndurations = [5]\n'), TWO),
    ],
    "counts of 0 or below": [
        (run(params={"count_Na": 0.0}, channel_noise="diffusion"), COUNT),
        (run(params={"count_Na": -5.0}, channel_noise="markov"), COUNT),
        (lambda: hh.repeated_trials("hodgkin_huxley", {"count_Na": 0.0}), COUNT),
        (("trials", "hodgkin_huxley", "-p", "count_Na=0"), "-p count_Na=0: a number of channels must be positive"),
        (("simulate", "hodgkin_huxley", "--channel-noise", "diffusion", "-p", "count_Na=100,-5"), "-p count_Na=100,-5: a number of channels must be positive"),
        (('channel_noise = "diffusion"', "[parameters]\ncount_Na = 0"), "parameters.count_Na: is 0; it must be positive"),
        (('channel_noise = "markov"', "count_Na = { values = [-5, 10] }"), "axes.count_Na: reaches -5; it must stay positive"),
    ],
    "a sensitivity to no parameter": [
        (run(sensitivity=["g_Nab"]), UNKNOWN),
        (("simulate", "hodgkin_huxley", "--sensitivity", "g_Nab"), UNKNOWN),
        (("simulate", "hodgkin_huxley", "--settled", "--sensitivity", "g_Nab"), UNKNOWN),
        (('sensitivity = ["g_Nab"]', "[record]\nspikes = true"), UNKNOWN),
    ],
    "a sensitivity of a recorder that has none": [
        (run(sensitivity=["g_Na"], record=[hh.SpikeCount()]), NONE),
        (run(sensitivity=["g_Na"], record=[hh.Features(["rate"])]), NONE),
        (("simulate", "hodgkin_huxley", "--sensitivity", "g_Na", "-i", "strang"), "choose tsit5 or bs32"),
        (('sensitivity = ["g_Na"]', '[record]\nfeatures = ["rate"]'), NONE),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "message"),
    [pytest.param(*case, id=f"{what} {k}") for what, of in CASES.items() for k, case in enumerate(of)],
)
def test_one_line(tmp_path, given, message):
    if callable(given):
        with pytest.raises(InputError) as caught:
            given()
        assert "\n" not in str(caught.value)
        assert message in str(caught.value)
    elif len(given) == 2:
        path = tmp_path / "scan.toml"
        text = FILE.format(top=given[0], rest=given[1])
        path.write_text(text.replace("t_stop = 20.0\n", "") if "[analysis]" in text else text)
        assert message in refused("run", path, "-o", tmp_path / "out.h5")
        assert not (tmp_path / "out.h5.parts").exists(), "it was refused before the work"
    else:
        assert message in refused(*given)

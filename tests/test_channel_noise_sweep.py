"""Channel noise in sweeps, files and on the command line; replicates as an axis, and what is averaged over it."""

import numpy as np
import pytest
from commands import hhfast, refused

import hhfast as hh
from hhfast.errors import InputError

SCAN = """\
model = "hodgkin_huxley"
t_stop = 15.0
dt = 0.02
integrator = "exp_euler"
replicates = 6
rows_per_batch = 5
[channel_noise]
kind = "diffusion"
seed = 3
[stimulus]
kind = "step"
start = 2.0
[parameters]
count_K = 900
[axes]
count_Na = { values = [300, 3000] }
"stimulus.amplitude" = { values = [4, 8, 12] }
[record]
features = ["spike_count", "latency", "V_max"]
"""


@pytest.fixture(scope="module")
def scanned(tmp_path_factory):
    """A finished scan."""
    folder = tmp_path_factory.mktemp("noise")
    (folder / "scan.toml").write_text(SCAN)
    return hh.Sweep.from_toml(folder / "scan.toml").run(folder / "scan.h5", progress=False)


def test_rows_are_those_of_simulate_whatever_the_batches(scanned):
    """Row k of the file is cell k; replicates are the last axis."""
    data = hh.open_results(scanned)
    assert dict(data["V_max"].sizes) == {"count_Na": 2, "stimulus.amplitude": 3, "replicate": 6}
    count, amplitude, _ = np.meshgrid([300.0, 3000.0], [4.0, 8.0, 12.0], range(6), indexing="ij")
    result = hh.simulate(
        "hodgkin_huxley",
        {"count_Na": count.ravel(), "count_K": 900.0},
        stimulus=hh.Step(amplitude=amplitude.ravel(), start=2.0),
        channel_noise=hh.ChannelNoise("diffusion", seed=3),
        t_stop=15.0,
        dt=0.02,
        integrator="exp_euler",
        record=[hh.Features(["V_max"])],
    )
    assert np.array_equal(data["V_max"].values.ravel(), result["V_max"])
    assert len(np.unique(result["V_max"])) == 36, "every row has random numbers of its own"


def test_means_and_spreads_over_replicates(scanned):
    """By NumPy, in `open_results` and in the picture."""
    data = hh.open_results(scanned)
    over = data.hhfast.over("replicate")
    V = data["V_max"].values
    np.testing.assert_allclose(over["V_max_mean"], V.mean(axis=2))
    np.testing.assert_allclose(over["V_max_sd"], V.std(axis=2, ddof=1))
    assert (over["n_ok"] == 6).all()
    lines = hh.plot_result(scanned, value="V_max").axes[0].get_lines()
    drawn = np.array([line.get_ydata() for line in lines])
    np.testing.assert_allclose(drawn, V.mean(axis=2))
    spread = hh.plot_result(scanned, value="V_max", over="replicate", spread=True).axes[0].get_lines()
    np.testing.assert_allclose([line.get_ydata() for line in spread], V.std(axis=2, ddof=1))
    with pytest.raises(InputError, match="over: unknown axis 'trial'; known: count_Na, replicate"):
        data.hhfast.over("trial")
    with pytest.raises(InputError, match="over: unknown axis 'trial'"):
        hh.plot_result(scanned, over="trial")


def test_a_noisy_row_is_simulated_again_to_the_bit(scanned, tmp_path, pictures):
    """From the file alone; and the file says that its channels are noisy."""
    told = hhfast("trace", scanned, "--row", 17, "-o", tmp_path / "row.png").stdout
    assert "identical to the file" in told
    V = pictures[0].axes[0].lines[0].get_ydata()
    assert V.max() == pytest.approx(hh.open_results(scanned)["V_max"].values.ravel()[17], abs=0.5)
    assert "of channels, diffusion, seed 3" in hhfast("info", scanned).stdout
    assert hhfast("plot", scanned, "--over", "replicate", "-o", tmp_path / "row.png").exit_code == 0


def test_replicates_alone_are_a_space(tmp_path):
    """A file without axes, by the Markov chain."""
    text = SCAN[: SCAN.index("[axes]")].replace('"diffusion"', '"markov"').replace("count_K = 900", "count_K = 300")
    (tmp_path / "scan.toml").write_text(
        text.replace("start = 2.0", "amplitude = 0.0") + '[record]\nfeatures = ["V_max"]'
    )
    sweep = hh.Sweep.from_toml(tmp_path / "scan.toml")
    assert sweep.space.names == ("replicate",)
    data = hh.open_results(sweep.run(tmp_path / "scan.h5", progress=False))
    assert len(np.unique(data["V_max"])) == 6


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"diffusion"', '"difusion"', "channel_noise: unknown kind 'difusion'; did you mean 'diffusion'?"),
        ("seed = 3", "sed = 3", "channel_noise: unknown key 'sed'; did you mean 'seed'?"),
        ("seed = 3", "seed = -1", "channel_noise: seed must be a whole number"),
        ("replicates = 6", "replicates = 0", "replicates = 0: must be a whole number from 1"),
        ("values = [300, 3000]", "values = [0, 3000]", "axes.count_Na: reaches 0; it must stay positive"),
        ("count_K = 900", "count_K = -1", "parameters.count_K: is -1; it must be positive"),
        ('[channel_noise]\nkind = "diffusion"\nseed = 3', "", "unknown parameter 'count_K'"),
        ("t_stop = 15.0", 't_stop = 15.0\nuntil = "settled"', "until: does not go with channel_noise"),
        ("t_stop = 15.0", "t_stop = 15.0\ncertify = 0.5", "certify: does not go with channel_noise"),
    ],
)
def test_mistakes_in_files_are_one_line(tmp_path, old, new, said):
    """Before work begins."""
    path = tmp_path / "scan.toml"
    path.write_text(SCAN.replace(old, new))
    assert said in refused("run", path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[300, 3000]", "[0.3, 3000]", "axes.count_Na: 0.3 is no whole channel"),
        ("[300, 3000]", "[300, 1e9]", "axes.count_Na: at most 1e+07 channels"),
        ("count_K = 900", "count_K = 2e7", "parameters.count_K: at most 1e+07 channels"),
    ],
)
def test_numbers_that_cannot_be_followed_one_by_one(tmp_path, old, new, said):
    """Before work begins, wherever in the space they are."""
    path = tmp_path / "scan.toml"
    path.write_text(SCAN.replace('"diffusion"', '"markov"').replace(old, new))
    assert said in refused("run", path)


def test_the_command_line_shows_one_noisy_neuron(tmp_path):
    """With steps of its own choice unless others are given; other seeds, other spikes."""
    words = ("simulate", "hodgkin_huxley", "--t-stop", 60, "-p", "count_Na=600", "-p", "count_K=180")
    one = hhfast(*words, "--channel-noise", "diffusion", "-o", tmp_path / "one.png")
    assert one.exit_code == 0, one.output
    assert "spike times" in one.stdout
    assert one.stdout != hhfast(*words, "--channel-noise", "diffusion", "--seed", 1).stdout
    assert "give channel_noise, too" in refused(*words)
    assert "did you mean 'markov'" in refused(*words, "--channel-noise", "markof")

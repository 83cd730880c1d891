"""Statistics over trials, against what is plain for trains made by hand, and theory for random ones."""

import numpy as np
import pytest
from commands import hhfast, refused

import hhfast as hh
from hhfast.errors import InputError


def test_equal_trials_are_reliable():
    """No jitter, correlation 1, no variance of counts."""
    found = hh.trial_statistics([np.array([10.0, 20.0, 40.0])] * 5, window=(5.0, 105.0))
    assert (found.n_trials[0], found.efficiency[0], found.latency[0], found.jitter[0]) == (5, 1.0, 5.0, 0.0)
    assert found.rate[0] == pytest.approx(30.0)
    assert (found.fano[0], found.reliability[0]) == (0.0, pytest.approx(1.0))
    assert found.isi_cv[0] == pytest.approx(np.std([10.0, 20.0], ddof=1) / 15.0)


def test_two_neurons_of_three_trials():
    """Trials that do not fire count for efficiency and reliability, not for jitter."""
    trains = [np.array([10.0]), np.array([12.0]), np.array([]), np.array([50.0]), np.array([]), np.array([])]
    found = hh.trial_statistics(trains, 3, sigma=1.0)
    assert found.efficiency == pytest.approx([2 / 3, 1 / 3])
    assert found.jitter[0] == pytest.approx(np.sqrt(2.0))
    assert np.isnan(found.jitter[1])
    # Two Gaussians of sigma 1 at a distance of 2 have the cosine exp(-1); it is that of one pair of three.
    assert found.reliability[0] == pytest.approx(np.exp(-1.0) / 3, rel=0.02)
    assert found.reliability[1] == 0.0


def test_poisson_trains_have_fano_1_and_cv_1():
    """To 5 standard errors."""
    rng = np.random.default_rng(1)
    trains = [np.sort(rng.uniform(0.0, 2000.0, rng.poisson(100))) for _ in range(400)]
    found = hh.trial_statistics(trains, window=(0.0, 2000.0))
    assert found.rate[0] == pytest.approx(50.0, abs=5 * 0.25)
    assert found.fano[0] == pytest.approx(1.0, abs=5 * np.sqrt(2 / 400))
    assert found.isi_cv[0] == pytest.approx(1.0, abs=0.03)


def test_channel_noise_makes_timing_uncertain():
    """Fewer channels, more jitter; a threshold pulse fires in part of the trials, and spikes far above it in all."""
    trials = 60
    area = np.repeat([100.0, 1000.0], trials)  # um2
    result = hh.simulate(
        "hodgkin_huxley",
        {"count_Na": 60 * area, "count_K": 18 * area},
        stimulus=hh.Pulse(amplitude=25.0, start=2.0, width=1.0),
        channel_noise="diffusion",
        initial="rest",
        t_stop=12.0,
        dt=0.01,
        integrator="exp_euler",
    )
    found = hh.trial_statistics(result, trials, window=(2.0, 12.0))
    assert found.efficiency.tolist() == [1.0, 1.0]
    # In the linear regime jitter goes with 1 / sqrt(area): sqrt(10) = 3.2.
    assert found.jitter[0] / found.jitter[1] == pytest.approx(np.sqrt(10.0), rel=0.4)


SWEEP = """
model = "hodgkin_huxley"
integrator = "exp_euler"
dt = 0.02
rows_per_batch = {rows}
[parameters]
count_K = 900
[axes]
count_Na = {{ values = [300, 3000, 30000] }}
[analysis]
kind = "repeated_trials"
trials = 30
amplitude = 7.0
start = 1.0
width = 1.0
t_stop = 10.0
"""


def misspelt(folder, text):
    path = folder / "misspelt.toml"
    path.write_text(text.replace('"diffusion"', '"difusion"'))
    return path


def test_a_sweep_runs_trials_of_its_rows(tmp_path):
    """The same as by hand from `simulate`, whatever the batches; a NaN row is flagged."""
    found = []
    for rows in (1, 3):
        path = tmp_path / f"{rows}.toml"
        path.write_text(SWEEP.format(rows=rows))
        hh.Sweep.from_toml(path).run(tmp_path / f"{rows}.h5", progress=False)
        with hh.open_results(tmp_path / f"{rows}.h5") as result:
            found.append({name: np.array(result[name]) for name in ("efficiency", "jitter", "rate")})
    for name in found[0]:
        assert np.array_equal(found[0][name], found[1][name], equal_nan=True)
    counts = {"count_Na": np.repeat([300.0, 3000.0, 30000.0], 30), "count_K": 900.0}
    by_hand = hh.simulate(
        "hodgkin_huxley",
        counts,
        stimulus=hh.Pulse(amplitude=7.0, start=1.0, width=1.0),
        channel_noise="diffusion",
        initial="rest",
        t_stop=10.0,
        dt=0.02,
        integrator="exp_euler",
    )
    expected = hh.trial_statistics(by_hand, 30, window=(1.0, 10.0))
    assert np.array_equal(found[0]["efficiency"].ravel(), expected.efficiency)
    assert np.array_equal(found[0]["jitter"].ravel(), expected.jitter, equal_nan=True)
    assert 0.0 < expected.efficiency[1] < 1.0
    assert hhfast_lines("trials", "hodgkin_huxley", "-p", "count_Na=300,3000", "--trials", "5", "--t-stop", "5")[2:]
    again = SWEEP.format(rows=3) + 'channel_noise = { kind = "diffusion", seed = 1 }\n'
    (tmp_path / "seed.toml").write_text(again)
    hh.Sweep.from_toml(tmp_path / "seed.toml").run(tmp_path / "seed.h5", progress=False)
    own = {"channel_noise": hh.ChannelNoise(seed=1), "integrator": "exp_euler", "dt": 0.02}
    trials = hh.repeated_trials(
        "hodgkin_huxley", {"count_Na": [300.0, 3000.0, 30000.0], "count_K": 900.0}, trials=30, amplitude=7.0, start=1.0,
        width=1.0, t_stop=10.0, **own,
    )  # fmt: skip
    with hh.open_results(tmp_path / "seed.h5") as result:
        assert np.array_equal(result["jitter"], trials.jitter, equal_nan=True)
        assert not np.array_equal(result["jitter"], found[0]["jitter"], equal_nan=True)
    with pytest.raises(InputError, match=r"analysis.channel_noise: unknown kind 'difusion'; did you mean 'diffusion'"):
        hh.Sweep.from_toml(misspelt(tmp_path, again))
    flagged = hh.repeated_trials("hodgkin_huxley", {"count_Na": [300.0, np.nan]}, trials=3, t_stop=5.0)
    assert flagged.status.tolist() == [hh.AnalysisStatus.OK, hh.AnalysisStatus.DIVERGED]


def test_the_picture_has_a_row_for_each_trial_and_the_rate_below(tmp_path, pictures):
    """Spikes where they were put; the area below the rate is the number of spikes per trial."""
    trains = [np.array([10.0, 40.0]), np.array([]), np.array([12.0]), np.array([50.0]), np.array([51.0]), np.array([])]
    found = hh.trial_statistics(trains, 3, window=(0.0, 100.0), sigma=2.0)
    raster = hh.plot_trials(found, params={"g_Na": [100.0, 120.0]})
    first, second = (line.get_xydata().tolist() for line in raster.lines if line.get_marker() == "|")
    assert first == [[10.0, 0.5], [40.0, 0.5], [12.0, 2.5]]
    assert second == [[50.0, 3.5], [51.0, 4.5]]
    below = raster.figure.axes[1]
    assert [np.trapezoid(line.get_ydata(), line.get_xdata()) / 1000 for line in below.lines] == pytest.approx(
        [1.0, 2 / 3], rel=0.01
    )
    assert "efficiency 0.67, jitter 1.41 ms" in below.lines[0].get_label()
    words = ("trials", "hodgkin_huxley", "-p", "count_Na=300", "--trials", 7, "--t-stop", 30, "-o", tmp_path / "t.png")
    assert hhfast(*words).exit_code == 0
    assert pictures[-1].axes[0].get_ylim() == (7, 0)
    assert "no channel is counted" in refused("trials", "hodgkin_huxley")
    with pytest.raises(InputError, match="there is no cell 2; the last is 1"):
        hh.plot_trials(found, 2)
    with pytest.raises(InputError, match="none ran through"):
        hh.plot_trials(hh.repeated_trials("hodgkin_huxley", {"count_Na": [300.0, np.nan]}, trials=2, t_stop=5.0), 1)
    with pytest.raises(InputError, match="give what hhfast"):
        hh.plot_trials(trains)


def hhfast_lines(*words):
    """The lines that a command prints."""
    result = hhfast(*words)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


@pytest.mark.parametrize(
    ("trains", "options", "said"),
    [
        ([np.array([1.0])] * 5, {"trials": 2}, "there are 5 spike trains"),
        ([], {}, "there are 0 spike trains"),
        ([np.array([1.0])], {"sigma": 0.0}, "must be a positive number"),
        ([np.array([1.0])], {"window": (5.0, 5.0)}, "the smaller one first"),
    ],
)
def test_bad_input_gives_one_line(trains, options, said):
    """What is wrong, and what to do."""
    with pytest.raises(InputError, match=said):
        hh.trial_statistics(trains, **options)

"""Firing efficiency of the squid axon: diffusion, every transition, a chain by hand and a published program agree."""

import json
from pathlib import Path

import numpy as np
import pytest
from markov_by_hand import spikes_by_hand
from scipy import stats

import hhfast as hh

# Trials with a spike, of 3,000 each, of the program of ModelDB 144499 (Goldwyn & Shea-Brown 2011), with both starts.
PUBLISHED = json.loads((Path(__file__).parent / "data" / "channel_noise.json").read_text())["efficiency"]
AMPLITUDES = PUBLISHED["amplitude"]  # uA/cm2
PATCH = {"E_Na": 55.0, "E_L": -54.4}  # of that program


def fired(kind, area, amplitudes, n, params=None):
    """Trials with a spike, of n for each amplitude of a pulse from 1 to 2 ms, within 8 ms."""
    result = hh.simulate(
        "hodgkin_huxley",
        {"count_Na": 60 * area, "count_K": 18 * area} | (params or {}),
        stimulus=hh.Pulse(amplitude=np.repeat(amplitudes, n), start=1.0, width=1.0),
        channel_noise=hh.ChannelNoise(kind, seed=4),
        t_stop=8.0,
        dt=0.01,
        integrator="exp_euler",
        record=[hh.SpikeCount()],
    )
    return (result.spike_count.reshape(-1, n) > 0).sum(axis=1)


def by_hand(n, amplitude, rounded_down):
    """The same by NumPy, in patches as in the published program."""
    rng = np.random.default_rng(6)
    pulse = {"amplitude": amplitude, "rounded_down": rounded_down}
    return int((spikes_by_hand(n, PUBLISHED["area"], 8.0, 0.01, rng, **pulse, **PATCH) > 0).sum())


def agree(k, n, other, m):
    """Whether two shares are those of one probability, at 4 standard errors (Fisher's exact test)."""
    return stats.fisher_exact([[k, n - k], [other, m - other]]).pvalue > 6e-5


def interval(k, n):
    """Wilson's, 95 %."""
    return stats.binomtest(int(k), n).proportion_ci(method="wilson")


@pytest.mark.parametrize(("kind", "n"), [("diffusion", 3000), ("markov", 250)])
def test_it_is_that_of_the_published_program_from_the_same_start(kind, n):
    """Channels in the stationary distribution, 50 um2, at three amplitudes."""
    for k, published in zip(fired(kind, PUBLISHED["area"], AMPLITUDES, n, PATCH), PUBLISHED["stationary"], strict=True):
        assert agree(k, n, published, PUBLISHED["trials"]), (interval(k, n), published / PUBLISHED["trials"])


@pytest.mark.slow
def test_a_chain_by_hand_has_both_starts_of_the_published_program():
    """Its numbers as it is come from its start: three Na channels open, where 0.27 are expected, and two more of K."""
    n = 1500
    for rounded_down, name in ((False, "stationary"), (True, "as_published")):
        for amplitude, published in zip(AMPLITUDES, PUBLISHED[name], strict=True):
            k = by_hand(n, amplitude, rounded_down)
            assert agree(k, n, published, PUBLISHED["trials"]), (name, amplitude, interval(k, n))
    assert not agree(by_hand(n, 3.0, rounded_down=True), n, PUBLISHED["stationary"][0], PUBLISHED["trials"])


def test_diffusion_fires_as_every_transition():
    """Of pulses near threshold, on 100 um2, by their default reversal potentials."""
    n, m = 500, 150
    for few, many in zip(fired("markov", 100.0, [5.0, 7.5], m), fired("diffusion", 100.0, [5.0, 7.5], n), strict=True):
        assert agree(few, m, many, n), (interval(few, m), interval(many, n))
        assert 0.02 < few / m < 0.98


def test_fluctuations_make_spike_times_reliable():
    """What Schneidman, Freedman & Segev 1998 state of a patch of 200 um2; their curves are in print alone.

    Under a direct current spike times are unreliable, under a fluctuating one they are not; below threshold there are
    spikes that the deterministic axon has not.
    """
    below, above = hh.Step(amplitude=5.0), hh.Step(amplitude=7.0)
    fluctuating = above + hh.Noise(sigma=10.0, tau=3.0, seed=1, cell=0.0)  # the same in all trials
    run = {"t_stop": 400.0, "dt": 0.01, "integrator": "exp_euler", "initial": "rest", "record": [hh.Spikes()]}
    counts = {"count_Na": np.full(20, 60 * 200.0), "count_K": 18 * 200.0}
    found = [
        hh.trial_statistics(
            hh.simulate("hodgkin_huxley", counts, stimulus=stimulus, channel_noise="diffusion", **run), 20,
            window=(100.0, 400.0),
        )
        for stimulus in (below, above, fluctuating)
    ]  # fmt: skip
    assert found[1].reliability[0] < 0.5
    assert found[2].reliability[0] > 0.8
    assert not (hh.simulate("hodgkin_huxley", stimulus=below, **run).spike_time > 100.0).any()
    assert found[0].rate[0] > 20.0

"""Channel noise where every cell chooses its steps: the noise is that of its grid, and V is solved to tolerance."""

from itertools import pairwise

import numpy as np
import pytest
from markov_by_hand import GATES, rates
from scipy.integrate import solve_ivp
from test_channel_noise import SCHEME, theory

import hhfast as hh
from hhfast.model.load import parse_model

RUN = {"t_stop": 20.0, "dt": 0.05, "stimulus": hh.Step(amplitude=10.0, start=2.01)}
COUNTS = {"count_Na": 3000.0, "count_K": 900.0}


@pytest.mark.parametrize("integrator", ["tsit5", "rodas4"])
def test_v_is_that_of_an_independent_solver_under_the_same_fluctuations(integrator):
    """DOP853 with the fluctuations of every interval of the grid, as they were recorded."""
    every, noise = RUN["dt"], hh.ChannelNoise("diffusion", seed=3)
    record = [hh.Trace("V", "g_Na", "g_K", "m", "h", "n", every=every)]
    run = RUN | {"integrator": integrator, "rtol": 1e-9, "record": record, "channel_noise": noise}
    r = hh.simulate("hodgkin_huxley", COUNTS, **run)
    m, h, n = (r[x][0] for x in "mhn")
    delta_Na, delta_K = r["g_Na"][0] / 120 - m**3 * h, r["g_K"][0] / 36 - n**4
    assert np.std(delta_Na) > 1e-3, "there is noise"

    def slopes(t, y, k):
        V, m, h, n = y
        at = rates(V)
        i = 120 * (m**3 * h + delta_Na[k]) * (V - 50) + 36 * (n**4 + delta_K[k]) * (V + 77) + 0.3 * (V + 54.387)
        gates = [at[g][0] * (1 - x) - at[g][1] * x for g, x in (("m", m), ("h", h), ("n", n))]
        return [(10.0 if t >= 2.01 else 0.0) - i, *gates]

    y, V = np.array([r["V"][0, 0], m[0], h[0], n[0]]), [r["V"][0, 0]]
    for k in range(len(r.time) - 1):
        edges = [r.time[k], *([2.01] if r.time[k] < 2.01 < r.time[k + 1] else []), r.time[k + 1]]
        for a, b in pairwise(edges):
            y = solve_ivp(slopes, (a, b - 1e-13), y, "DOP853", rtol=1e-10, atol=1e-11, args=(k,)).y[:, -1]
        V.append(y[0])
    np.testing.assert_allclose(r["V"][0], V, atol=2e-5)


def test_a_realisation_depends_on_seed_cell_and_time_alone():
    """Not on the tolerance, up to the error of integration, nor on the batch, its order or the threads."""
    many = COUNTS | {"C_m": np.ones(70)}
    options = RUN | {"channel_noise": hh.ChannelNoise("diffusion", seed=5), "record": [hh.Trace("V", every=0.5)]}
    whole = hh.simulate("hodgkin_huxley", many, threads=2, **options)["V"]
    tight = hh.simulate("hodgkin_huxley", many, rtol=1e-9, **options)["V"]
    assert np.abs(whole - tight).max() < 0.02
    assert np.ptp(whole, axis=0).max() > 20.0
    rows = np.array([69, 3, 64])
    for kind in ("diffusion", "markov"):
        options |= {"channel_noise": hh.ChannelNoise(kind, seed=5)}
        whole = hh.simulate("hodgkin_huxley", many, threads=2, **options)["V"]
        options |= {"channel_noise": hh.ChannelNoise(kind, seed=5, cell=rows)}
        part = hh.simulate("hodgkin_huxley", many | {"C_m": np.ones(3)}, threads=1, **options)["V"]
        assert np.array_equal(part, whole[rows])


@pytest.mark.parametrize(
    ("model", "counted", "integrator"),
    [("hodgkin_huxley", "count_Na", "tsit5"), ("hodgkin_huxley", "count_K", "rodas4"),
     ("destexhe_1994_reticular", "count_Ts", "rodas4")],
)  # fmt: skip
def test_infinite_counts_leave_the_deterministic_bits(model, counted, integrator):
    """Beside a noisy neighbour, and where a pool takes up the noisy current, too."""
    run = RUN | {"integrator": integrator, "record": [hh.Trace("V", every=0.5)]}
    plain = hh.simulate(model, {"C_m": np.ones(3)}, **run)
    count = {"C_m": np.ones(3), counted: np.array([np.inf, 50.0, np.inf])}
    noisy = hh.simulate(model, count, channel_noise="diffusion", **run)
    assert (plain["V"] == noisy["V"]).all(axis=1).tolist() == [True, False, True]
    assert plain["n_steps"][0] == noisy["n_steps"][0]
    assert not noisy.status.any()


@pytest.mark.parametrize("kind", ["diffusion", "markov"])
def test_a_scheme_has_the_moments_of_its_chain(kind):
    """Potassium channels as a scheme, at clamp, whose V jumps between points of the grid."""
    n = 2000
    result = hh.simulate(
        parse_model(SCHEME),
        stimulus=hh.VoltageClamp(holding=-65.0, levels=-20.0, start=0.503),
        channel_noise=hh.ChannelNoise(kind, seed=np.arange(n)),
        t_stop=3.0,
        dt=0.01,
        integrator="rodas4",
        rtol=1e-4,
        record=[hh.Trace("g_K", every=0.25)],
    )
    x = result["g_K"][:, :-1] / 36.0
    p, _ = theory(GATES["K"], np.maximum(result.time[:-1] - 0.503, 0.0), 0.0)
    variance = p * (1 - p) / 120
    assert np.abs((x.mean(axis=0) - p) / np.sqrt(variance / n)).max() < 4.5
    assert np.abs(x.var(axis=0) / variance - 1).max() < 4.5 * np.sqrt(2.5 / n) + 0.02


@pytest.mark.parametrize("kind", ["diffusion", "markov"])
def test_it_fires_as_with_fixed_steps(kind):
    """Spontaneous spikes of 50 um2, and firing efficiency of a pulse, to 4.5 standard errors."""
    n = {"diffusion": 400, "markov": 60}[kind]
    spikes, share = [], []
    for integrator, seed in (("tsit5", 1), ("exp_euler", 2)):
        run = {"dt": 0.02, "integrator": integrator, "record": [hh.SpikeCount()]}
        run |= {"channel_noise": hh.ChannelNoise(kind, seed=seed)}
        spontaneous = hh.simulate("hodgkin_huxley", COUNTS | {"C_m": np.ones(n)}, t_stop=100.0, **run)
        spikes.append(spontaneous.spike_count.astype(float))
        pulse = hh.Pulse(amplitude=6.0, start=1.0, width=1.0)
        evoked = hh.simulate("hodgkin_huxley", COUNTS | {"C_m": np.ones(n)}, stimulus=pulse, t_stop=8.0, **run)
        share.append(np.mean(evoked.spike_count > 0))
    error = np.sqrt(sum(x.var() / n for x in spikes))
    assert abs(spikes[0].mean() - spikes[1].mean()) < 4.5 * error
    assert min(x.mean() for x in spikes) > 0.5
    assert abs(share[0] - share[1]) < 4.5 * np.sqrt(2 * 0.25 / n)

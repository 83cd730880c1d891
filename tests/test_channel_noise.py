"""Channel noise: moments at clamp are those of the Markov chain by matrix exponentials, and infinity leaves all bits."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from markov_by_hand import GATES, chain, spikes_by_hand, stationary
from scipy import stats
from scipy.linalg import expm

import hhfast as hh
from hhfast.errors import InputError
from hhfast.model.load import parse_model
from hhfast.sweep.batch_size import rows_per_batch

N_CELLS, N_NA, N_K = 3000, 400, 120
HOLDING, LEVEL, EVERY = -65.0, -20.0, 0.25
SCHEME = """
name = "two_schemes"
V_init = -65.0
[parameters]
C_m = { value = 1.0, unit = "uF cm-2" }
[channels.L]
g = 0.3
E = -54.3
[channels.K]
g = 36.0
E = -77.0
count = "density * area"
[channels.K.parameters]
density = { value = 3.0, unit = "um-2" }
area = { value = 40.0, unit = "um2" }
[channels.K.scheme]
states = ["C0", "C1", "C2", "C3", "O"]
transitions = [
  ["C0", "C1", "4 * 0.01 * (V + 55) / (1 - exp(-(V + 55) / 10))", "0.125 * exp(-(V + 65) / 80)"],
  ["C1", "C2", "3 * 0.01 * (V + 55) / (1 - exp(-(V + 55) / 10))", "2 * 0.125 * exp(-(V + 65) / 80)"],
  ["C2", "C3", "2 * 0.01 * (V + 55) / (1 - exp(-(V + 55) / 10))", "3 * 0.125 * exp(-(V + 65) / 80)"],
  ["C3", "O", "0.01 * (V + 55) / (1 - exp(-(V + 55) / 10))", "4 * 0.125 * exp(-(V + 65) / 80)"],
]
open = "O"
[pools.Q]
unit = "1"
initial = 0.0
a = "-i_K"
b = "0"
"""


# --- theory ------------------------------------------------------------------------------------------------------------
def theory(gates, times, lag):
    """Mean open probability at times after the step, and its covariance with that a lag later, of one channel."""
    _, Q = chain(LEVEL, gates)
    start = stationary(HOLDING, gates)
    occupied = np.array([start @ expm(Q * t) for t in times])
    later = np.array([start @ expm(Q * (t + lag)) for t in times])
    both = occupied[:, -1] * expm(Q * lag)[-1, -1]
    return occupied[:, -1], both - occupied[:, -1] * later[:, -1]


# --- at clamp ---------------------------------------------------------------------------------------------------------
G = {"Na": 120.0, "K": 36.0}
COUNTS = {"Na": N_NA, "K": N_K}


@pytest.fixture(scope="module", params=[(k, i) for k in ("diffusion", "markov") for i in ("exp_euler", "tsit5")])
def clamped(request):
    """Open fractions of many cells that step from -65 to -20 mV, by kind of noise and integrator."""
    kind, integrator = request.param
    result = hh.simulate(
        "hodgkin_huxley",
        {"count_Na": N_NA, "count_K": N_K},
        stimulus=hh.VoltageClamp(holding=HOLDING, levels=LEVEL),
        channel_noise=hh.ChannelNoise(kind, seed=np.arange(N_CELLS), cell=3),
        t_stop=4.0,
        dt=0.05,
        integrator=integrator,
        record=[hh.Trace("g_Na", "g_K", every=EVERY)],
    )
    return kind, result.time, {name: result[f"g_{name}"] / G[name] for name in G}


@pytest.mark.parametrize("channel", ["Na", "K"])
def test_open_fractions_have_the_moments_of_the_markov_chain(clamped, channel):
    """Mean, variance p (1 - p) / N and autocovariance, from the step on, to 4.5 standard errors; dt = 0.05 ms."""
    _, time, open_fraction = clamped
    x, lag = open_fraction[channel], 2
    p, _ = theory(GATES[channel], time, 0.0)
    variance = p * (1 - p) / COUNTS[channel]
    error = (x.mean(axis=0) - p) / np.sqrt(variance / N_CELLS)
    assert np.abs(error).max() < 4.5
    fourth = 3.0 + np.where(variance > 0, (1 - 6 * p * (1 - p)) / (COUNTS[channel] * p * (1 - p)), 0.0)
    ratio = x.var(axis=0) / variance
    assert np.abs((ratio - 1) / np.sqrt((fourth - 1) / N_CELLS)).max() < 4.5
    _, covariance = theory(GATES[channel], time[:-lag], lag * EVERY)
    d = x - p
    found = (d[:, :-lag] * d[:, lag:]).mean(axis=0)
    spread = (d[:, :-lag] * d[:, lag:]).std(axis=0) / np.sqrt(N_CELLS)
    assert np.abs((found - covariance / COUNTS[channel]) / spread).max() < 4.5
    assert (covariance / COUNTS[channel] > 3 * spread).any(), "the lag is short enough to see a covariance"


def test_markov_channels_are_whole_and_binomial(clamped):
    """The number of open channels is whole (up to the error of their mean); near the end it has the binomial distribution (chi square)."""
    kind, _, open_fraction = clamped
    n = open_fraction["K"][:, -2] * N_K
    whole = np.rint(n)
    if kind == "diffusion":
        assert np.abs(n - whole).max() > 0.2
        return
    assert np.abs(n - whole).max() < 1e-4
    p, _ = theory(GATES["K"], [4.0 - EVERY], 0.0)
    edges = stats.binom.ppf(np.linspace(0.1, 0.9, 9), N_K, p[0])
    observed = np.bincount(np.searchsorted(edges, whole), minlength=10)
    expected = np.diff(np.concatenate([[0.0], stats.binom.cdf(edges, N_K, p[0]), [1.0]])) * N_CELLS
    assert stats.chisquare(observed, expected).pvalue > 1e-3


@pytest.mark.parametrize("kind", ["diffusion", "markov"])
def test_a_scheme_has_the_moments_of_its_chain(kind):
    """The potassium channel as a scheme, counted by density and area; the pool takes up its noisy current."""
    model = parse_model(SCHEME)
    result = hh.simulate(
        model,
        stimulus=hh.VoltageClamp(holding=HOLDING, levels=LEVEL),
        channel_noise=hh.ChannelNoise(kind, seed=np.arange(N_CELLS)),
        t_stop=3.0,
        dt=0.01,
        integrator="exp_euler",
        record=[hh.Trace("g_K", "i_K", "Q", every=0.01)],
    )
    x = result["g_K"][:, ::25] / 36.0
    p, _ = theory(GATES["K"], result.time[::25], 0.0)
    variance = p * (1 - p) / 120
    assert np.abs((x.mean(axis=0) - p) / np.sqrt(variance / N_CELLS)).max() < 4.5
    # Pairs of reactions are advanced one after another: an error of order dt beside the statistical one.
    assert np.abs(x.var(axis=0) / variance - 1).max() < 4.5 * np.sqrt(2.5 / N_CELLS) + 0.02
    i = result["i_K"]
    taken_up = -np.cumsum(0.5 * (i[:, 1:] + i[:, :-1]), axis=1) * 0.01
    assert np.std(taken_up[:, -1]) > 1.0
    np.testing.assert_allclose(result["Q"][:, -1], taken_up[:, -1], atol=0.03 * np.std(taken_up[:, -1]) + 0.3)


# --- bits -------------------------------------------------------------------------------------------------------------
RUN = {
    "t_stop": 30.0, "dt": 0.02, "stimulus": hh.Step(amplitude=10.0), "integrator": "strang",
    "record": [hh.Spikes(), hh.Trace("V", "h", "i_Na", "g_K", every=0.5)],
}  # fmt: skip


@pytest.mark.parametrize("integrator", ["exp_euler", "strang", "rk4"])
def test_infinite_counts_leave_the_deterministic_bits(integrator):
    """Even where a neighbour is noisy."""
    run = RUN | {"integrator": integrator, "t_stop": 12.0}
    g = np.linspace(100.0, 140.0, 5)
    plain = hh.simulate("hodgkin_huxley", {"g_Na": g}, **run)
    count = np.array([np.inf, np.inf, 300.0, np.inf, np.inf])
    noisy = hh.simulate("hodgkin_huxley", {"g_Na": g, "count_Na": count}, channel_noise="diffusion", **run)
    for name in ("V", "h", "i_Na", "g_K"):
        same = (plain[name] == noisy[name]).all(axis=1)
        assert same.tolist() == [True, True, name == "h" and same[2], True, True]
    assert np.array_equal(np.delete(plain.spike_count, 2), np.delete(noisy.spike_count, 2))


def test_infinite_counts_leave_the_bits_of_float32_and_of_pools():
    """Where a pool is not linear in the noisy current, too: calcium that only enters (Destexhe et al. 1994)."""
    for name, counted, run in (
        ("hodgkin_huxley", "count_K", RUN | {"dtype": "float32"}),
        ("destexhe_1994_reticular", "count_Ts", RUN | {"record": [hh.Trace("V", "Ca", every=0.5)]}),
    ):
        plain = hh.simulate(name, {"C_m": np.ones(3)}, **run)
        count = {"C_m": np.ones(3), counted: np.array([np.inf, 50.0, np.inf])}
        noisy = hh.simulate(name, count, channel_noise="diffusion", **run)
        for variable in ("V", "Ca") if "Ca" in plain else ("V",):
            same = (plain[variable] == noisy[variable]).all(axis=1)
            assert same.tolist() == [True, False, True]
        assert not noisy.status.any()


@pytest.mark.parametrize("kind", ["diffusion", "markov"])
def test_a_realisation_depends_on_seed_cell_and_step_alone(kind):
    """Not on the batch, its order or the threads; another seed or cell gives another one."""
    counts = {"count_Na": 300.0, "count_K": 90.0, "C_m": np.ones(70)}
    whole = hh.simulate("hodgkin_huxley", counts, channel_noise=hh.ChannelNoise(kind, seed=5), threads=2, **RUN)
    rows = np.array([69, 3, 64])
    some = hh.ChannelNoise(kind, seed=5, cell=rows)
    part = hh.simulate("hodgkin_huxley", counts | {"C_m": np.ones(3)}, channel_noise=some, threads=1, **RUN)
    assert np.array_equal(part["V"], whole["V"][rows])
    other = hh.ChannelNoise(kind, seed=[5, 6, 5], cell=[3, 3, 3])
    again = hh.simulate("hodgkin_huxley", counts | {"C_m": np.ones(3)}, channel_noise=other, **RUN)["V"]
    assert np.array_equal(again[0], again[2])
    assert not np.array_equal(again[0], again[1])
    assert not np.array_equal(whole["V"][3], whole["V"][4])


def test_diffusion_as_plain_python_is_what_is_compiled(monkeypatch):
    """The printed kernel runs as it is, with the same numbers to rounding."""
    run = {"t_stop": 0.1, "dt": 0.02, "integrator": "exp_euler", "record": [hh.Trace("V", "i_Na", every=0.1)]}
    noise = hh.ChannelNoise("diffusion", seed=2)
    params = {"count_Na": 100.0, "count_K": 30.0}
    compiled = hh.simulate("hodgkin_huxley", params, channel_noise=noise, **run)
    monkeypatch.setenv("HHFAST_DEBUG", "1")
    plain = hh.simulate("hodgkin_huxley", params, channel_noise=noise, **run)
    np.testing.assert_allclose(plain["i_Na"], compiled["i_Na"], rtol=1e-9)


# --- spikes -----------------------------------------------------------------------------------------------------------
def test_diffusion_fires_as_the_markov_chain_does():
    """Squid axon of 50 um2 (60 Na and 18 K channels per um2): spontaneous spikes, to 4.5 standard errors."""
    found = {}
    for kind, n in (("diffusion", 400), ("markov", 30)):
        result = hh.simulate(
            "hodgkin_huxley",
            {"count_Na": 3000.0, "count_K": 900.0, "C_m": np.ones(n)},
            channel_noise=hh.ChannelNoise(kind, seed=11),
            t_stop=200.0,
            dt=0.02,
            integrator="exp_euler",
            record=[hh.SpikeCount()],
        )
        found[kind] = result.spike_count.astype(float)
    means = {k: x.mean() for k, x in found.items()}
    error = np.sqrt(sum(x.var() / len(x) for x in found.values()))
    assert abs(means["diffusion"] - means["markov"]) < 4.5 * error
    assert means["markov"] > 1.0, "it fires without any current"


@pytest.mark.slow
def test_both_fire_as_a_chain_by_hand():
    """Spontaneous spikes of 20 um2 within 100 ms, against a NumPy program that shares nothing, to 4.5 standard errors."""
    n, area = 400, 20.0
    counts = {"hand": spikes_by_hand(n, area, 100.0, 0.01, np.random.default_rng(3))}
    for kind in ("diffusion", "markov"):
        result = hh.simulate(
            "hodgkin_huxley",
            {"count_Na": 60 * area, "count_K": 18 * area, "C_m": np.ones(n)},
            channel_noise=hh.ChannelNoise(kind, seed=7),
            t_stop=100.0,
            dt=0.01,
            integrator="exp_euler",
            record=[hh.SpikeCount()],
        )
        counts[kind] = result.spike_count.astype(float)
    for kind in ("diffusion", "markov"):
        error = np.sqrt((counts[kind].var() + counts["hand"].var()) / n)
        assert abs(counts[kind].mean() - counts["hand"].mean()) < 4.5 * error, counts[kind].mean()
    assert counts["hand"].mean() > 2.0


def test_spontaneous_rates_are_those_of_a_published_program():
    """From 2 to 100 um2, by diffusion and by every transition, to 4 standard errors."""
    reference = json.loads((Path(__file__).parent / "data" / "channel_noise.json").read_text())
    areas = np.array(list(reference["counts"]), float)
    for kind, n, wanted in (("diffusion", 100, areas), ("markov", 24, areas[areas <= 20])):
        area = np.repeat(wanted, n)
        result = hh.simulate(
            "hodgkin_huxley",
            {"count_Na": 60 * area, "count_K": 18 * area, "E_Na": 55.0, "E_L": -54.4},
            channel_noise=hh.ChannelNoise(kind, seed=3),
            t_stop=reference["t_stop"],
            dt=0.01,
            integrator="exp_euler",
            record=[hh.SpikeCount()],
        )
        for found, expected in zip(result.spike_count.reshape(-1, n), reference["counts"].values(), strict=False):
            error = np.sqrt(np.var(found) / n + np.var(expected) / len(expected))
            assert abs(found.mean() - np.mean(expected)) < 4.0 * error


# --- what is refused --------------------------------------------------------------------------------------------------
FIXED = {"t_stop": 1.0, "integrator": "exp_euler"}


@pytest.mark.parametrize(
    ("params", "options", "said"),
    [
        ({"count_Na": 0.0}, FIXED, "count_Na = 0: the number of channels must be above 0"),
        ({"count_Na": -5.0}, FIXED, "count_Na = -5"),
        ({"count_Na": float("nan")}, FIXED, "count_Na"),
        ({"count_na": 5.0}, FIXED, "did you mean 'count_Na'"),
        ({}, FIXED | {"channel_noise": "difusion"}, "did you mean 'diffusion'"),
        ({}, FIXED | {"channel_noise": 3}, "give 'diffusion'"),
        ({}, FIXED | {"until": "settled"}, "never settles"),
        ({}, FIXED | {"certify": True}, "leave certify out"),
        ({}, FIXED | {"sensitivity": ["g_Na"]}, "leave one of them out"),
        ({"count_Na": 1e9}, FIXED | {"channel_noise": "markov"}, "diffusion"),
        ({"count_Na": [300.0, 0.3]}, FIXED | {"channel_noise": "markov"}, "count_Na: 0.3 is no whole channel"),
    ],
)
def test_bad_input_gives_one_line(params, options, said):
    """What is wrong, and what to do."""
    with pytest.raises(InputError) as caught:
        hh.simulate("hodgkin_huxley", params, **{"channel_noise": "diffusion"} | options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_channel_that_cannot_be_counted_says_why():
    """No gates, or an open fraction that is a formula of them: in Python and in sweeps."""
    for model, name, said in (
        ("hodgkin_huxley", "count_L", "neither gates"),
        ("noble_1962_purkinje", "count_Na", "open ="),
    ):
        with pytest.raises(InputError, match=said):
            hh.simulate(model, {name: 5.0}, channel_noise="diffusion", **FIXED)
        grid = hh.Grid.of({name: [5.0, 6.0]})
        with pytest.raises(InputError, match=said):
            hh.Sweep(model=model, space=grid, t_stop=1.0, channel_noise="diffusion")


def test_single_channels_given_by_a_formula_are_limited_too():
    """What is too many to be followed one by one is refused, whatever says how many."""
    with pytest.raises(InputError, match="count of channel K: at most 1e"):
        hh.simulate(parse_model(SCHEME), {"area": 1e9}, channel_noise="markov", **FIXED)


def test_many_single_channels_make_small_batches():
    """Of work that a sweep knows before it begins: a row of 8,000 channels is hundreds of plain ones."""

    def rows(kind):
        grid = hh.Grid.of({"count_Na": np.full(3, 6000.0), "g_Na": np.linspace(90.0, 120.0, 100_000)})
        fixed = {"count_K": 2000.0}
        sweep = hh.Sweep(
            model="hodgkin_huxley", space=grid, parameters=fixed, t_stop=100.0, dt=0.01, integrator="exp_euler",
            channel_noise=kind, record=hh.Record(features=("spike_count",)),
        )  # fmt: skip
        return rows_per_batch(sweep)

    assert rows("markov") * 50 <= rows("diffusion")


def test_a_bad_count_among_many_flags_its_row():
    """As any parameter that no cell can have."""
    result = hh.simulate(
        "hodgkin_huxley", {"count_Na": [100.0, 0.0, np.nan, np.inf]}, channel_noise="diffusion", **FIXED
    )
    assert result.status.tolist() == [0, 1, 1, 0]


def test_models_with_counts_are_written_and_read_back():
    """`count` is a number, which may be infinite, or a formula of parameters; what has no gates has none."""
    model = hh.models["hodgkin_huxley"].with_counts()
    assert parse_model(model.to_toml()) == model
    assert [name for name in model.parameters if name.startswith("count")] == ["count_Na", "count_K"]
    assert parse_model(SCHEME).channels[1].count == "density * area"
    for bad, said in (("count = 0", "must be above 0"), ("count = 'dense'", "dense"), ("count = true", "count")):
        with pytest.raises(InputError, match=said):
            parse_model(SCHEME.replace('count = "density * area"', bad.replace("'", '"')))
    with pytest.raises(InputError, match="neither gates"):
        parse_model(SCHEME.replace("g = 0.3\n", "g = 0.3\ncount = 5\n"))


def test_fluctuations_of_one_name_are_refused():
    """Of the state O of K, and of a channel K_O: one would stand for the other."""
    gate = hh.Gate("x", inf="1 / (1 + exp(-(V + 50) / 8))", tau="2")
    channel = hh.Channel("K_O", gates=(gate,), g=0.5, E=-77.0, count="100")
    model = parse_model(SCHEME, "two_schemes").with_channel(channel)
    with pytest.raises(InputError, match="K and K_O: the name of one is another's with a state's"):
        hh.simulate(model, t_stop=1.0, record=[hh.Final()], channel_noise="diffusion")


def test_a_parameter_that_is_only_called_like_a_count_is_one_of_many():
    """It may be negative, and must be finite; `counts` names those that are numbers of channels."""
    model = hh.models["hodgkin_huxley"].with_counts()
    pumps = replace(model, shared=(*model.shared, hh.Parameter("count_pumps", 1.0, "1")), text="", trusted=False)
    assert pumps.counts == {"count_Na", "count_K"}
    assert hh.simulate(pumps, {"count_pumps": -1.0}, **FIXED).status.tolist() == [0]
    with pytest.raises(InputError, match="count_pumps' is inf; it must be finite"):
        replace(pumps, shared=(*model.shared, hh.Parameter("count_pumps", math.inf, "1")))

"""simulate: every row is the same wherever it runs, a bad row harms nobody, and mistakes are named."""

import os
import threading

import numpy as np
import pytest
from interrupting import check_ctrl_c
from reference_models import hodgkin_huxley_rates

import hhfast as hh
from hhfast.errors import InputError

N = 200  # cells: more than three blocks
RECORD = [hh.Spikes(), hh.Features(("V_mean", "latency")), hh.Trace("V", every=1.0), hh.Final()]


def rows(which=None, n=N, **options):
    """The same n random cells, or some of them; everything recorded."""
    rng = np.random.default_rng(10)
    params = {"g_Na": rng.uniform(100, 140, n), "g_K": rng.uniform(30, 40, n), "C_m": rng.uniform(0.8, 1.2, n)}
    amplitude = rng.uniform(0, 20, n)
    which = np.arange(n) if which is None else np.asarray(which)
    given = {name: values[which] for name, values in params.items()}
    given |= options.pop("params", {})
    options = {"t_stop": 20.0, "dt": 0.025, "integrator": "exp_euler", "record": RECORD} | options
    return hh.simulate("hodgkin_huxley", given, stimulus=hh.Step(amplitude[which], start=1.0), **options)


def assert_same_rows(some, whole, which, but=()):
    """Rows of `some` equal rows `which` of `whole`, bit for bit."""
    for name, variable in some.variables.items():
        if variable.dims[0] != "cell":
            continue
        for k, row in enumerate(which):
            if k not in but:
                np.testing.assert_array_equal(variable.values[k], whole[name][row], err_msg=f"{name} of row {row}")
    for k, row in enumerate(which):
        if k not in but:
            np.testing.assert_array_equal(some.spike_times[k], whole.spike_times[row])
            assert some.status[k] == whole.status[row]


@pytest.fixture(scope="module")
def whole():
    return rows(threads=1)


def test_the_rows_differ(whole):
    """So that the comparisons below can fail: every cell has a voltage of its own, and many spike."""
    assert len(np.unique(whole["V_final"])) == N
    assert (whole.spike_count > 0).sum() > N / 4
    assert (whole.status == 0).all()


@pytest.mark.parametrize("threads", [2, 3, 7, None])
@pytest.mark.core
def test_rows_do_not_depend_on_the_number_of_threads(whole, threads):
    """Bit-identical for any number of threads."""
    assert_same_rows(rows(threads=threads), whole, range(N))


def test_short_work_starts_no_thread(monkeypatch):
    """What is over before a thread has woken runs where it is asked for; what takes long does not, nor would Ctrl-C end
    it."""
    started = []
    thread = threading.Thread
    monkeypatch.setattr(threading, "Thread", lambda *a, **options: (started.append(options), thread(*a, **options))[1])
    for options in ({"n": 1}, {"t_stop": 0.1}, {"n": 1, "integrator": "tsit5"}):
        assert len(rows(**options).status)
    assert not started
    for options in ({"t_stop": 20.0}, {"n": 1, "integrator": "tsit5", "t_stop": 400.0}):
        rows(**options)
        assert started
        started.clear()


@pytest.mark.parametrize(
    "which",
    [[0], [199], range(63), range(64), range(65), range(100, 170), [5] * 70, np.random.default_rng(11).permutation(N)],
)
def test_rows_do_not_depend_on_their_place_or_company(whole, which):
    """Bit-identical alone, in any subset, order, or place in a block."""
    assert_same_rows(rows(which), whole, which)


def test_rows_do_not_depend_on_whether_a_parameter_is_swept(whole):
    """A number for all cells and an array of that number give the same bits."""
    alone = rows([17], params={"celsius": np.array([6.3])})
    assert_same_rows(alone, whole, [17])


@pytest.mark.parametrize("bad", [np.nan, -1.0, 0.0, -np.inf, np.inf])
def test_a_bad_row_is_flagged_and_harms_nobody(whole, bad):
    """NaN, zero, negative or absurd capacitance in one cell: status 1 and NaN there, every other row bit-identical."""
    C_m = np.random.default_rng(10)
    for _ in range(2):
        C_m.uniform(0, 1, N)
    values = C_m.uniform(0.8, 1.2, N)
    values[[3, 70]] = bad
    r = rows(params={"C_m": values})
    assert_same_rows(r, whole, range(N), but=(3, 70))
    if bad != np.inf:  # an infinite capacitance just holds V
        assert r.status[[3, 70]].tolist() == [1, 1]
        assert np.isnan(r["V_final"][[3, 70]]).all()
        assert np.isnan(r["V"][[3, 70]]).all()
    assert (np.delete(r.status, [3, 70]) == 0).all()


@pytest.mark.filterwarnings("ignore::hhfast.errors.StepWarning")
def test_a_row_that_diverges_late_keeps_its_spikes_and_harms_nobody():
    """An explicit method with too large a step blows up: flagged, and its neighbours as if alone."""
    C_m = np.array([1.0, 0.05, 1.0])
    run = {
        "stimulus": hh.Step(10.0),
        "t_stop": 20.0,
        "dt": 0.05,
        "integrator": "euler",
        "record": [hh.Spikes(), hh.Final()],
    }
    r = hh.simulate("hodgkin_huxley", {"C_m": C_m}, **run)
    alone = hh.simulate("hodgkin_huxley", {"C_m": C_m[:1]}, **run)
    assert r.status.tolist() == [0, 1, 0]
    assert np.isnan(r["V_final"][1])
    assert r["V_final"][0] == r["V_final"][2] == alone["V_final"][0]
    np.testing.assert_array_equal(r.spike_times[2], alone.spike_times[0])


@pytest.mark.filterwarnings("ignore::hhfast.errors.StepWarning")
@pytest.mark.parametrize("integrator", ["exp_euler", "exp_midpoint", "strang"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_steps_out_of_the_polynomials_reach_harm_nobody(integrator, dtype):
    """Where a step is long against a rate, phi is found another way: right, and for that lane alone."""
    g_Na = np.array([120.0, 3000.0, 90.0, 120.0, 20000.0])
    g_K = np.array([36.0, 36.0, 20.0, 5000.0, 36.0])

    def run(rows):
        return hh.simulate(
            "hodgkin_huxley",
            {"g_Na": g_Na[rows], "g_K": g_K[rows]},
            stimulus=hh.Step(20.0),
            t_stop=20.0,
            dt=0.1,
            integrator=integrator,
            dtype=dtype,
            record=[hh.Trace("V", "m", every=1.0)],
        )

    together = run(slice(None))
    assert (together.status == 0).all()
    assert np.abs(together["V"]).max() < 200.0
    for k in range(len(g_Na)):
        alone = run(slice(k, k + 1))
        for name in ("V", "m"):
            np.testing.assert_array_equal(alone[name][0], together[name][k])


def test_nan_in_any_parameter_or_initial_state_shows(whole):
    """Not only the capacitance: whatever is NaN makes its own row diverge."""
    g_Na = np.full(3, 120.0)
    g_Na[1] = np.nan
    r = rows([0, 1, 2], params={"g_Na": g_Na})
    assert r.status.tolist() == [0, 1, 0]
    r = rows([0, 1, 2], initial={"V": np.array([-65.0, np.nan, -65.0])})
    assert r.status.tolist() == [0, 1, 0]
    assert_same_rows(r, whole, [0, 1, 2], but=(1,))


# --- initial states ---------------------------------------------------------------------------------------------------
@pytest.mark.core
def test_initial_rest_stays_at_rest():
    """From the true equilibrium nothing moves, for every cell at its own."""
    r = hh.simulate(
        "hodgkin_huxley",
        {"E_L": np.array([-60.0, -54.387, -50.0])},
        t_stop=50.0,
        initial="rest",
        integrator="rk4",
        record=[hh.Trace("V", every=5.0)],
    )
    np.testing.assert_allclose(r["V"], np.broadcast_to(r["V"][:, :1], r["V"].shape), rtol=0, atol=1e-7)
    assert len(np.unique(r["V"][:, 0].round(3))) == 3


@pytest.mark.filterwarnings("ignore::hhfast.errors.StepWarning")
def test_initial_states_by_name():
    """Numbers or arrays; gates that are not named are at steady state at the V given."""
    r = hh.simulate(
        "hodgkin_huxley",
        initial={"V": np.array([-65.0, -40.0]), "n": 0.4},
        t_stop=1.0,
        dt=0.5,
        record=[hh.Trace("V", "m", "n", every=1.0)],
        integrator="exp_euler",
    )
    np.testing.assert_allclose(r["V"][:, 0], [-65.0, -40.0])
    np.testing.assert_allclose(r["n"][:, 0], 0.4)
    alpha, beta = 1.0, 4 * np.exp(-25 / 18)
    np.testing.assert_allclose(r["m"][1, 0], alpha / (alpha + beta), rtol=1e-12)


@pytest.mark.filterwarnings("ignore::hhfast.errors.StepWarning")
def test_a_gates_own_initial_value_is_used():
    """`initial` of a gate in the model file wins over its steady state."""
    model = hh.models["hodgkin_huxley"].with_channel(
        hh.Channel(
            "M", g=0.0, E=-90.0, gates=(hh.Gate("w", inf="1 / (1 + exp(-(V + 35) / 10))", tau="100", initial=0.25),)
        )
    )
    r = hh.simulate(model, t_stop=0.5, dt=0.5, record=[hh.Trace("w", every=0.5)], integrator="exp_euler")
    np.testing.assert_allclose(r["w"][0, 0], 0.25)


# --- what comes in, what goes out -------------------------------------------------------------------------------------
def test_models_by_name_path_and_object(passive, tmp_path):
    """All three are the same cell."""
    path = tmp_path / "cell.toml"
    path.write_text(passive.to_toml(), encoding="utf-8")
    run = {"stimulus": hh.Step(1.0), "t_stop": 1.0, "record": [hh.Final()]}
    found = [hh.simulate(m, **run)["V_final"][0] for m in (passive, path, str(path))]
    assert found[0] == found[1] == found[2]


def test_one_cell_is_the_default(passive):
    """No arrays: one row."""
    r = hh.simulate(passive, t_stop=1.0, record=[hh.Final()])
    assert r.n_cells == 1
    assert r["V_final"].shape == (1,)


def test_duration_is_exact_when_dt_does_not_divide_it(passive):
    """The steps are shortened evenly: the passive membrane is right at t_stop."""
    r = hh.simulate(passive, stimulus=hh.Step(1.0), t_stop=1.0, dt=0.3, integrator="exp_euler", record=[hh.Final()])
    np.testing.assert_allclose(r["V_final"], -65 + 10 * (1 - np.exp(-1 / 20)), rtol=1e-14)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "hodgkin_huxly"}, "did you mean 'hodgkin_huxley'"),
        ({"model": "no/such/file.toml"}, "cannot read"),
        ({"params": {"g_na": 1.0}}, "did you mean 'g_Na'"),
        ({"params": {"g_Na": "much"}}, "g_Na"),
        ({"params": {"g_Na": np.nan}}, "g_Na"),
        ({"params": {"g_Na": np.ones((2, 2))}}, "2 dimensions"),
        ({"params": {"g_Na": np.ones(2), "g_K": np.ones(3)}}, "different lengths"),
        ({"params": {"g_Na": np.ones(0)}}, "empty"),
        ({"params": {"C_m": -1.0}}, "C_m"),
        ({"params": {"C_m": 0.0}}, "C_m"),
        ({"integrator": "rk45"}, "did you mean 'rk4'"),
        ({"dtype": "float16"}, "float32"),
        ({"t_stop": 0.0}, "t_stop"),
        ({"t_stop": -1.0}, "t_stop"),
        ({"t_stop": np.nan}, "t_stop"),
        ({"t_stop": np.inf}, "t_stop"),
        ({"dt": 0.0}, "dt"),
        ({"dt": 1e-20}, "dt"),
        ({"threads": 0}, "threads"),
        ({"threads": -2}, "threads"),
        ({"initial": "resting"}, "rest"),
        ({"initial": {"v": -65.0}}, "did you mean 'V'"),
        ({"initial": {"V": np.ones(3)}, "params": {"g_Na": np.ones(2)}}, "different lengths"),
    ],
)
def test_mistakes_are_named_before_anything_runs(options, message):
    """One clear line each."""
    options = {
        "model": "hodgkin_huxley",
        "params": None,
        "t_stop": 1.0,
        "integrator": "exp_euler",
        "record": [hh.Final()],
    } | options
    with pytest.raises(InputError, match=message) as error:
        hh.simulate(options.pop("model"), options.pop("params"), **options)
    assert "\n" not in str(error.value)


@pytest.mark.core
def test_to_xarray_is_labelled(whole):
    """Dimensions, units, coordinates and the meaning of the status codes."""
    ds = whole.to_xarray()
    assert ds["V"].dims == ("cell", "time")
    assert ds["V"].attrs["units"] == "mV"
    assert ds["time"].attrs["units"] == "ms"
    assert "time" in ds.coords
    meanings = ["ok", "diverged", "spike_buffer_full", "step_limit_reached"]
    assert ds["status"].attrs["flag_meanings"].split()[:4] == meanings
    assert ds.sizes["spike"] == whole.spike_count.sum()
    assert ds.attrs["model"] == "hodgkin_huxley"
    np.testing.assert_array_equal(ds["V"].values, whole["V"])


def test_a_result_names_what_it_has(whole):
    """An unknown variable is a KeyError with a suggestion."""
    assert "V_mean" in whole
    with pytest.raises(KeyError, match="did you mean 'V_mean'"):
        whole["V_maen"]


@pytest.mark.core
def test_float32_is_close_to_float64(whole):
    """Single precision: the same counts for nearly all cells, traces within a millivolt where the spikes agree."""
    single = rows(dtype="float32", record=[hh.Spikes(), hh.Trace("V", every=1.0), hh.Final()])
    assert single["V"].dtype == np.float32
    assert (single.status == 0).all()
    same = single.spike_count == whole.spike_count
    assert same.mean() > 0.98
    assert np.abs(single["V"] - whole["V"])[same].mean() < 0.05
    for a, b in zip(np.array(single.spike_times, object)[same], np.array(whole.spike_times, object)[same], strict=True):
        np.testing.assert_allclose(a, b, atol=0.02)
    assert not np.array_equal(single["V"], whole["V"])


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process on Windows")
def test_ctrl_c_stops_a_run_promptly():
    """A run that would take days ends on Ctrl-C with KeyboardInterrupt (here within seconds, on a busy machine)."""
    check_ctrl_c('stimulus=hh.Step(10.0), integrator="exp_euler", record=[hh.SpikeCount()]', 1e8)


@pytest.mark.filterwarnings("ignore::hhfast.errors.PrecisionWarning")
@pytest.mark.parametrize("V", [-500.0, 160.0, 400.0])
def test_gates_are_steady_far_from_any_potential_of_a_cell(V):
    """Exact where compiled rates are held: cells may start anywhere; one such cell changes no other by a bit."""
    initial = {"V": np.array([-65.0, V])}
    run = hh.simulate("hodgkin_huxley", t_stop=1e-9, dt=1e-9, initial=initial, record=hh.Final())
    for gate, (alpha, beta) in hodgkin_huxley_rates(np.array([-65.0, V])).items():
        np.testing.assert_allclose(run[f"{gate}_final"], alpha / (alpha + beta), rtol=1e-9, atol=1e-10)
    alone = hh.simulate("hodgkin_huxley", t_stop=1e-9, dt=1e-9, record=hh.Final())
    assert [run[f"{x}_final"][0] for x in "mhn"] == [alone[f"{x}_final"][0] for x in "mhn"]
    states = hh.simulate("hodgkin_huxley_1952_markov", t_stop=1e-9, dt=1e-9, initial={"V": V}, record=hh.Final())
    alpha, beta = hodgkin_huxley_rates(V)["n"]
    np.testing.assert_allclose(states["n4_final"], (alpha / (alpha + beta)) ** 4, rtol=1e-6, atol=1e-9)

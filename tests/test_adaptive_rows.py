"""Adaptive integrators: rows depend on nothing but themselves, and what fails is said, for its own row alone."""

import os

import numpy as np
import pytest
from interrupting import check_ctrl_c
from pulses import PULSES, Dense, pulsed
from reference_models import MODELS
from standard import final_state

import hhfast as hh
from hhfast.errors import InputError

N = 600  # cells: calls hold more than one block, so that lanes take a second cell
BAD, OVER = (3, 70), (10, 300)  # rows that diverge, and that spend their steps


def rows(which, integrator="tsit5", **options):
    """Some of the same N random cells: trains of their own, some that fail."""
    rng = np.random.default_rng(12)
    params = {"g_Na": rng.uniform(100, 140, N), "g_K": rng.uniform(30, 40, N), "C_m": rng.uniform(0.8, 1.2, N)}
    params["C_m"][list(BAD)] = np.nan, -1.0
    params["C_m"][list(OVER)] = 0.005
    pulses = {
        "amplitude": rng.uniform(0, 40, N),
        "start": rng.uniform(0, 5, N),
        "width": rng.uniform(0.1, 3, N),
        "count": rng.integers(0, 4, N).astype(float),
    }
    params, pulses = ({name: values[which] for name, values in each.items()} for each in (params, pulses))
    return pulsed(integrator, params, pulses, t_stop=20.0, max_steps=1500, **options)


def assert_same_rows(some, whole, which):
    """Rows of `some` equal rows `which` of `whole`, bit for bit."""
    for name, variable in some.variables.items():
        if variable.dims[0] == "cell":
            np.testing.assert_array_equal(variable.values, whole[name][which], err_msg=name)
    np.testing.assert_array_equal(some.status, whole.status[which])
    expected = [whole.spike_times[row] for row in which]
    np.testing.assert_array_equal(some.spike_time, np.concatenate(expected))


@pytest.fixture(
    scope="module", params=[("tsit5", "float64"), ("rodas4", "float64"), ("tsit5", "float32")], ids="-".join
)
def whole(request):
    """(all rows in one call on one thread, the options of that run)."""
    options = dict(zip(("integrator", "dtype"), request.param, strict=True))
    return rows(np.arange(N), threads=1, **options), options


def test_the_rows_differ(whole):
    """So that the comparisons below can fail: rows of their own, spikes, and all kinds of status."""
    r, options = whole
    assert set(np.flatnonzero(r.status == 1)) == set(BAD)
    if options["integrator"] == "tsit5":
        assert set(np.flatnonzero(r.status == 3)) == set(OVER)
    good = r.status == 0
    assert len(np.unique(r["V_final"][good])) == good.sum()
    assert (r.spike_count > 0).sum() > N / 4
    assert len(np.unique(r["n_steps"])) > 50


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    "which",
    [
        *([row] for row in (0, 3, 8, 599)),
        range(63),
        range(64),
        range(65),
        range(100),
        range(200),
        range(100, 370),
        [5] * 70,
        [*BAD, *OVER, 5],
        np.random.default_rng(13).permutation(N),
    ],
    ids=len,
)
def test_rows_do_not_depend_on_place_company_or_threads(whole, which, threads):
    """Bit-identical alone, in any subset, order and number; whether neighbours fail, end early, or come later."""
    r, options = whole
    assert_same_rows(rows(np.asarray(which), threads=threads, **options), r, np.asarray(which))


# --- failures -------------------------------------------------------------------------------------------------------
def test_cells_that_spend_their_steps():
    """Status 3 after exactly max_steps attempts: counts and spike times up to there are kept, numbers are NaN."""
    free = pulsed(pulses={"amplitude": np.array([30.0, 40.0])})
    attempts = free["n_steps"] + free["n_rejected"]
    assert free["n_rejected"].min() > 0
    enough = pulsed(pulses={"amplitude": np.array([30.0, 40.0])}, max_steps=int(attempts.max()))
    assert enough.status.tolist() == [0, 0]
    r = pulsed(pulses={"amplitude": np.array([30.0, 40.0])}, max_steps=int(attempts.min()) - 1)
    assert r.status.tolist() == [3, 3]
    assert (r["n_steps"] + r["n_rejected"]).tolist() == [attempts.min() - 1] * 2
    assert 0 < r.spike_count[0] <= free.spike_count[0]
    np.testing.assert_array_equal(r.spike_times[0], free.spike_times[0][: r.spike_count[0]])
    for name in ("V_final", "V_max", "latency", "rate", "V"):
        assert np.isnan(r[name]).all()


def test_cells_whose_steps_become_too_small():
    """Status 3 where a step of dt_min is still not accurate enough."""
    r = pulsed(rtol=1e-12, dt=0.2, dt_min=0.1)
    assert r.status.tolist() == [3]
    assert r["n_steps"][0] < 300
    assert pulsed(rtol=1e-4, dt_min=1e-4).status.tolist() == [0]


@pytest.mark.parametrize("bad", [{"g_Na": np.nan}, {"C_m": -1.0}, {"C_m": 0.0}, {"E_K": np.inf}, {"g_L": -1e4}])
def test_cells_that_diverge_do_so_quickly(bad):
    """NaN, no capacitance, or a leak that drives V away: status 1 before long; neighbours unharmed."""
    ((name, value),) = bad.items()
    usual = hh.models["hodgkin_huxley"].parameters[name].value
    r = pulsed(params={name: np.array([usual, value, usual])})
    assert r.status.tolist() == [0, 1, 0]
    assert np.isnan(r["V_final"][1])
    assert r["n_steps"][1] + r["n_rejected"][1] < 2000
    alone = pulsed(params={name: np.array([usual])})
    for k in (0, 2):
        np.testing.assert_array_equal(r.spike_times[k], alone.spike_times[0])
        assert r["V_final"][k] == alone["V_final"][0]


def test_a_full_buffer_of_spikes():
    """Status 2: the first spikes are kept, and the run goes on."""
    record = [hh.Spikes(max_per_cell=1)]
    r, free = (pulsed(pulses={"amplitude": np.array([30.0, 0.0])}, record=rec) for rec in (record, [hh.Spikes()]))
    assert r.status.tolist() == [2, 0]
    assert r.spike_count.tolist() == [1, 0]
    np.testing.assert_array_equal(r.spike_time, free.spike_time[:1])
    np.testing.assert_array_equal(r["n_steps"], free["n_steps"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rtol": 0}, "rtol = 0"),
        ({"rtol": 1.0}, "rtol = 1"),
        ({"rtol": np.nan}, "rtol"),
        ({"rtol": "tight"}, "rtol = 'tight'"),
        ({"rtol": np.array([1e-3, 1e-4])}, "rtol: is an array"),
        ({"atol": -1e-3}, "atol = -0.001"),
        ({"atol": np.inf}, "atol = inf"),
        ({"atol": {"v": 1e-3}}, "did you mean 'V'"),
        ({"atol": {"V": 0.0}}, "atol of V"),
        ({"dt_min": 1.0, "dt_max": 0.5}, "dt_min = 1.0, dt_max = 0.5"),
        ({"dt_min": 0.0}, "dt_min = 0"),
        ({"dt_max": np.nan}, "dt_max"),
        ({"max_steps": 0}, "max_steps = 0"),
        ({"max_steps": np.inf}, "max_steps = inf"),
        ({"integrator": "rk4", "rtol": 1e-3}, "rtol: only for adaptive integrators"),
        ({"integrator": "tsit"}, "did you mean 'tsit5'"),
    ],
)
def test_mistakes_are_named(options, message):
    """One clear line each."""
    with pytest.raises(InputError, match=message) as error:
        pulsed(**options)
    assert "\n" not in str(error.value)


def test_tolerances_of_any_type_of_number():
    """NumPy's numbers count as Python's; a number for all states is the same as one for each."""
    states = MODELS["hodgkin_huxley"].states
    tolerances = (1e-2, np.float32(1e-2), np.array(1e-2), dict.fromkeys(states, 1e-2))
    found = [pulsed(rtol=np.float64(1e-4), atol=atol, max_steps=1e6)["n_steps"][0] for atol in tolerances]
    assert len(set(found)) == 1
    assert found[0] < pulsed(rtol=1e-4)["n_steps"][0]


# --- stiffness, and stopping ------------------------------------------------------------------------------------------
def test_a_stiff_membrane():
    """With time constants of 1e-4 ms rodas4 takes few steps and agrees with Radau; tsit5 has too few."""
    stiff = {"C_m": 1e-3}
    expected = Dense(PULSES, 15.0, stiff, "Radau", 1e-9)
    r = pulsed("rodas4", stiff, t_stop=15.0)
    assert r.status.tolist() == [0]
    assert r["n_steps"][0] < 2000
    assert r.spike_count.tolist() == [2]
    np.testing.assert_allclose(expected.states(r.spike_time)[0], -20.0, atol=0.1)  # dV/dt is above 10,000 mV/ms
    np.testing.assert_allclose(final_state(r, MODELS["hodgkin_huxley"].states)[:, 0], expected.end, rtol=1e-6)
    assert pulsed("tsit5", stiff, t_stop=15.0, max_steps=10_000).status.tolist() == [3]


@pytest.mark.skipif(os.name == "nt", reason="SIGINT cannot be sent to one process on Windows")
def test_ctrl_c_stops_a_run_promptly():
    """A run that would take days ends on Ctrl-C (here within seconds, on a busy machine)."""
    check_ctrl_c('stimulus=hh.Train(30.0, width=1.0, period=9.0), integrator="tsit5", record=[hh.Spikes()]', 1e6)

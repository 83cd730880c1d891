"""Voltage clamp: V is the command, gates are exact, currents are those of the equations, and bad input is refused."""

import pickle
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import hhfast as hh
from hhfast.errors import InputError

HH = hh.models["hodgkin_huxley"]
HOLDING, START, WIDTH, T_STOP = -65.0, 5.0, 20.0, 40.0
LEVELS = np.arange(-110.0, 61.0, 17.0)
EXPONENTIAL = ("exp_euler", "exp_midpoint", "strang")


def exact_gate(name, t):
    """(n_levels, n_times) of a gate at HOLDING, each level, HOLDING: x_inf + (x_0 - x_inf) exp(-t / tau)."""
    (rest,), (tau_rest,) = HH.gate_curves(np.array([HOLDING]))[name]
    inf, tau = (values[:, None] for values in HH.gate_curves(LEVELS)[name])
    step = inf + (rest - inf) * np.exp(-np.clip(t - START, 0.0, WIDTH) / tau)
    after = rest + (step - rest) * np.exp(-np.maximum(t - START - WIDTH, 0.0) / tau_rest)
    return np.where(t < START, rest, after)


@pytest.mark.parametrize("integrator", hh.integrators)
def test_gates_are_exact_and_V_is_the_command(integrator):
    """Exponential methods solve gates at constant V to rounding, whatever the step; the others to their accuracy."""
    stimulus = hh.VoltageClamp(HOLDING, LEVELS, WIDTH, start=START)
    dt = 0.5 if integrator in EXPONENTIAL else 0.01
    r = hh.simulate(HH, stimulus=stimulus, t_stop=T_STOP, dt=dt, integrator=integrator,
                    record=[hh.Trace("V", "m", "h", "n", "i_clamp", "i_Na", "i_K", "i_L", "i_app", every=0.5)])  # fmt: skip
    inside = (r.time >= START) & (r.time < START + WIDTH)
    np.testing.assert_array_equal(r["V"], np.where(inside, LEVELS[:, None], HOLDING))
    tolerance = 2e-12 if integrator in EXPONENTIAL else 0.01 if integrator == "euler" else 1e-5
    for name in ("m", "h", "n"):
        np.testing.assert_allclose(r[name], exact_gate(name, r.time), atol=tolerance)
    np.testing.assert_allclose(r["i_clamp"], r["i_Na"] + r["i_K"] + r["i_L"], rtol=1e-10, atol=1e-10)
    assert not r["i_app"].any()
    assert not r.status.any()


def test_float32_holds_V_exactly_too():
    levels = np.array([-100.0, -20.0, 40.0])
    r = hh.simulate(HH, stimulus=hh.VoltageClamp(HOLDING, levels, WIDTH, start=START), t_stop=30.0, dtype="float32",
                    integrator="exp_euler", record=[hh.Trace("V", every=0.5)])  # fmt: skip
    inside = (r.time >= START) & (r.time < START + WIDTH)
    np.testing.assert_array_equal(r["V"], np.where(inside, levels[:, None], HOLDING))


# --- commands of all forms, against SciPy ----------------------------------------------------------------------------
def command(t, segments):
    """The command at t from the right: (begin, end, from, to) of each segment, HOLDING elsewhere."""
    for begin, end, low, high in segments:
        if begin <= t < end:
            return low + (high - low) * (t - begin) / (end - begin)
    return HOLDING


@cache
def on_paper(segments, on, stop, R, i_app, every, t_stop):
    """(n_states, n_times) by SciPy: V given (R = 0) or driven through R from `on` to `stop`, free outside."""
    first = {"V": HOLDING} if on <= 0 else "model"
    begin = hh.simulate(HH, t_stop=0.01, initial=first, record=[hh.Trace(*HH.states, every=0.01)])
    x, times = np.array([begin[name][0, 0] for name in HH.states]), every * np.arange(round(t_stop / every) + 1)
    edges = sorted({0.0, t_stop, *(t for s in segments for t in s[:2]), *(t for t in (on, stop) if 0 < t < t_stop)})
    found = np.empty((len(x), len(times)))
    for t0, t1 in pairwise(edges):
        held = on <= t0 < stop

        def target(t, t0=t0, t1=t1):
            return command(min(max(t, t0), np.nextafter(t1, 0.0)), segments)

        def slope(t, x, held=held, target=target):
            if not held:
                return HH.derivatives(x, None, i_app)
            if R > 0.0:
                return HH.derivatives(x, None, i_app + (target(t) - x[0]) / R)
            return np.array([0.0, *HH.derivatives(np.array([target(t), *x[1:]]), None, 0.0)[1:]])

        run = solve_ivp(slope, (t0, t1), x, method="DOP853", rtol=1e-10, atol=1e-11, dense_output=True)
        inside = (times >= t0) & ((times < t1) | (t1 == t_stop))
        found[:, inside], x = run.sol(times[inside]), run.y[:, -1]
        if held and R == 0.0:
            found[0, inside] = [target(t) for t in times[inside]]
            x[0] = target(t1)
    return found


PROTOCOL = ((3.0, 13.0, -100.0, -100.0), (13.0, 28.0, -80.0, 40.0), (28.0, 33.0, -40.0, -40.0))


@pytest.mark.parametrize("integrator", ["tsit5", "rodas4", "rk4", "strang"])
@pytest.mark.parametrize("R", [0.0, 0.5])
def test_steps_and_ramps_then_current_clamp(integrator, R):
    """A prepulse, a ramp and a tail, perfect or through a series resistance; from 40 ms on V is free, with a current."""
    stimulus = hh.VoltageClamp(
        HOLDING, [-100.0, (-80.0, 40.0), -40.0], [10.0, 15.0, 5.0], start=3.0, stop=40.0, series_resistance=R
    ) + hh.Step(amplitude=8.0)
    options = {"rtol": 1e-9} if integrator in ("tsit5", "rodas4") else {"dt": 0.005}
    r = hh.simulate(HH, stimulus=stimulus, t_stop=60.0, integrator=integrator, **options,
                    record=[hh.Trace(*HH.states, "i_clamp", "i_app", every=0.25)])  # fmt: skip
    known = on_paper(PROTOCOL, 0.0, 40.0, R, 8.0, 0.25, 60.0)
    tolerance = {"strang": 0.05, "rk4": 1e-4}.get(integrator, 1e-5)
    np.testing.assert_allclose(r["V"][0], known[0], atol=tolerance if R else tolerance * 10)
    for k, name in enumerate(HH.states[1:], 1):
        np.testing.assert_allclose(r[name][0], known[k], atol=tolerance / 10)
    np.testing.assert_allclose(r["i_app"], 8.0, atol=1e-9)
    free = r.time >= 40.0
    assert not r["i_clamp"][0, free].any()
    if R:
        driven = np.array([command(t, PROTOCOL) for t in r.time])
        np.testing.assert_allclose(r["i_clamp"][0, ~free], ((driven - r["V"][0]) / R)[~free], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("integrator", ["tsit5", "rodas4"])
def test_cells_have_their_own_protocols(integrator):
    """Levels, times and ramps of each cell; the clamp is switched on at 1 ms, V is free before."""
    level, width, start, stop = [-100.0, -20.0, 0.0], [3.0, 4.0, 15.0], [2.0, 3.3, 5.17], [20.0, 30.0, 40.0]
    stimulus = hh.VoltageClamp(HOLDING, [np.array(level), (-80.0, 40.0)], [10.0, np.array(width)], on=1.0,
                               start=np.array(start), stop=np.array(stop))  # fmt: skip
    r = hh.simulate(HH, stimulus=stimulus, t_stop=45.0, integrator=integrator, rtol=1e-9,
                    record=[hh.Trace(*HH.states, every=0.5)])  # fmt: skip
    for c in range(3):
        at = (start[c], start[c] + 10.0, start[c] + 10.0 + width[c])
        segments = ((at[0], at[1], level[c], level[c]), (at[1], at[2], -80.0, 40.0))
        known = on_paper(segments, 1.0, stop[c], 0.0, 0.0, 0.5, 45.0)
        for k, name in enumerate(HH.states):
            np.testing.assert_allclose(r[name][c], known[k], atol=1e-4 if k == 0 else 1e-6)


@pytest.mark.parametrize("integrator", ["tsit5", "exp_midpoint", "rk4"])
def test_a_recorded_action_potential_as_the_command(integrator):
    """Action-potential clamp: gates and ionic currents are those of the free cell, i_clamp gives these and C_m V'."""
    currents = ("i_Na", "i_K", "i_L")
    record = [hh.Trace(*HH.states, *currents, every=0.01)]
    free = hh.simulate(HH, stimulus=hh.Pulse(amplitude=40.0, start=1.0, width=0.5), t_stop=12.0, rtol=1e-9,
                       integrator="tsit5", record=record)  # fmt: skip
    r = hh.simulate(HH, stimulus=hh.WaveformClamp(free.time, free["V"][0]), t_stop=12.0, dt=0.01, integrator=integrator,
                    initial={name: free[name][0, 0] for name in HH.states},
                    record=[hh.Trace(*HH.states, *currents, "i_clamp", every=0.01)])  # fmt: skip
    np.testing.assert_allclose(r["V"][0], free["V"][0], atol=1e-9)
    for name in HH.states[1:]:
        np.testing.assert_allclose(r[name][0], free[name][0], atol=2e-4)
    ionic = sum(free[name][0] for name in currents)
    np.testing.assert_allclose(sum(r[name][0] for name in currents), ionic, atol=0.5)
    capacitive = np.diff(free["V"][0]) / np.diff(free.time)
    np.testing.assert_allclose(r["i_clamp"][0, :-1], ionic[:-1] + capacitive, atol=0.5)


@pytest.mark.parametrize("integrator", ["tsit5", "exp_euler", "rodas4"])
def test_a_ramp_of_the_command_is_no_spike(integrator):
    """Nor is a waveform; once the clamp is off the cell fires, from below the threshold again, as one that was free."""
    ramps = hh.VoltageClamp(-65.0, [(-65.0, 40.0), (40.0, -65.0), (-65.0, 30.0)], [3.0, 3.0, 4.0])
    times, values = [0.0, 5.0, 10.0, 20.0], [-65.0, 30.0, -70.0, -70.0]
    for clamp in (ramps, hh.WaveformClamp(times, values)):
        held = hh.simulate(HH, stimulus=clamp, t_stop=30.0, integrator=integrator,
                           record=[hh.Spikes(), hh.Features(["V_max"])])  # fmt: skip
        assert held["V_max"][0] >= 29.9
        assert held.spike_count[0] == 0
    then = hh.WaveformClamp(times, values, stop=20.0) + hh.Step(amplitude=15.0, start=20.0)
    freed = hh.simulate(HH, stimulus=then, t_stop=60.0, integrator=integrator, dt=0.01, record=[hh.Spikes()])
    assert freed.spike_count[0] >= 2
    assert (freed.spike_time > 20.0).all()
    through = hh.VoltageClamp(-65.0, [(-65.0, 40.0)], 3.0, series_resistance=0.01)
    assert hh.simulate(HH, stimulus=through, t_stop=5.0, integrator=integrator, dt=0.001,
                       record=[hh.Spikes()]).spike_count[0] == 1  # fmt: skip


def test_a_jump_of_the_command_is_no_spike():
    r = hh.simulate(HH, stimulus=hh.VoltageClamp(HOLDING, [0.0, HOLDING, 0.0], [5.0, 5.0, 5.0], stop=15.0), t_stop=15.0)
    assert r.spike_count[0] == 0


def test_initial_states_are_those_of_the_holding_potential():
    """Gates are steady at the potential at which a clamp holds each cell, unless it is switched on later."""
    holding = np.array([-90.0, -40.0])
    r = hh.simulate(HH, stimulus=hh.VoltageClamp(holding), t_stop=1.0, record=[hh.Trace("V", "h", every=1.0)])
    np.testing.assert_allclose(r["h"][:, 0], HH.gate_curves(holding)["h"][0], rtol=1e-9)
    np.testing.assert_array_equal(r["V"], holding[:, None] * np.ones(2))
    later = hh.simulate(HH, stimulus=hh.VoltageClamp(-90.0, on=0.5), t_stop=1.0, record=[hh.Trace("V", every=1.0)])
    np.testing.assert_array_equal(later["V"][0], [HH.V_init, -90.0])


def test_a_cell_whose_times_are_no_numbers_is_flagged_alone():
    start = np.array([1.0, np.nan, 1.0])
    r = hh.simulate(HH, stimulus=hh.VoltageClamp(HOLDING, 0.0, 2.0, start=start), t_stop=5.0, integrator="tsit5",
                    record=[hh.Trace("i_clamp", every=1.0)])  # fmt: skip
    np.testing.assert_array_equal(r.status != 0, [False, True, False])
    np.testing.assert_array_equal(r["i_clamp"][0], r["i_clamp"][2])


def test_protocols_can_be_pickled():
    for stimulus in (hh.VoltageClamp(HOLDING, [-100.0, 0.0], 5.0), hh.WaveformClamp([0.0, 1.0], [-65.0, 0.0])):
        assert pickle.loads(pickle.dumps(stimulus)).kinds == stimulus.kinds


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: hh.VoltageClamp(HOLDING, np.array([0.0, np.nan])),
            "level_1 = nan: levels of a clamp must be from -1000 to 1000 mV",
        ),
        (lambda: hh.VoltageClamp(HOLDING, [0.0, float("nan")], 5.0), "level_2 = nan"),
        (lambda: hh.VoltageClamp(float("inf")), "holding = inf"),
        (lambda: hh.VoltageClamp(HOLDING, [0.0, 10.0], [5.0, -1.0]), "duration_2 = -1: steps would overlap"),
        (lambda: hh.VoltageClamp(HOLDING, [0.0, 10.0], [5.0]), "durations: has 1 and levels 2"),
        (lambda: hh.VoltageClamp(HOLDING, series_resistance=-0.1), "series_resistance = -0.1: must not be negative"),
        (lambda: hh.VoltageClamp(HOLDING, on=5.0, stop=2.0), "stop = 2: the clamp is switched on"),
        (lambda: hh.VoltageClamp(HOLDING, [(1.0, 2.0, 3.0)], 5.0), "is no ramp"),
        (lambda: hh.VoltageClamp(HOLDING) + hh.VoltageClamp(0.0), "two voltage clamps overlap"),
        (lambda: hh.WaveformClamp([0.0, 2.0, 1.0], [0.0, 1.0, 2.0]), "they must ascend"),
        (lambda: hh.WaveformClamp([0.0, 1.0], [0.0, np.nan]), r"values\[1\] = nan"),
    ],
)
def test_bad_input_gives_one_line(make, message):
    with pytest.raises(InputError, match=message) as error:
        make()
    assert "\n" not in str(error.value)


def test_what_cannot_be_run_is_refused():
    """Times that differ between cells under fixed steps; the current of a clamp that is not there."""
    own_times = hh.VoltageClamp(HOLDING, 0.0, 2.0, start=np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="choose tsit5 or rodas4"):
        hh.simulate(HH, stimulus=own_times, t_stop=5.0, integrator="rk4")
    with pytest.raises(InputError, match=r"there is no clamp; add hhfast\.VoltageClamp"):
        hh.simulate(HH, t_stop=5.0, record=[hh.Trace("i_clamp")])

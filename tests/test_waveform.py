"""Waveforms: the current is linear between the points given, and kinks and jumps cost no integrator its order."""

from itertools import pairwise

import numpy as np
import pytest
import reference_models
from scipy.integrate import trapezoid
from standard import steps_of

import hhfast as hh
from hhfast.errors import InputError

TIMES = np.array([0.7, 1.9137, 1.95, 4.2, 4.2, 6.61])  # two at one time: a jump; and one at either end
VALUES = np.array([2.0, 5.0, 4.0, -3.0, 6.0, 1.5])
T_STOP = 9.0


def on_paper(t, times=TIMES, values=VALUES, start=0.0, scale=1.0):
    """The current at t, from the right at a jump: linear between points, 0 outside."""
    k = np.searchsorted(times, np.asarray(t) - start, side="right") - 1
    j = np.clip(k, 0, len(times) - 2)
    width = np.where(times[j + 1] > times[j], times[j + 1] - times[j], 1.0)
    inside = (k >= 0) & (k < len(times) - 1)
    return scale * inside * (values[j] + (values[j + 1] - values[j]) / width * (np.asarray(t) - start - times[j]))


def charge(t, **waveform):
    """The integral of the current from 0 to t, by the midpoint of each piece."""
    start, times = waveform.get("start", 0.0), waveform.get("times", TIMES)
    nodes = np.unique(np.clip([0.0, *(times + start), t], 0.0, t))
    return np.sum(np.diff(nodes) * on_paper(0.5 * (nodes[1:] + nodes[:-1]), **waveform))


def run(model, stimulus, integrator="euler", params=None, dt=0.05, record=None, t_stop=T_STOP, **options):
    return hh.simulate(
        model,
        params,
        stimulus=stimulus,
        t_stop=t_stop,
        dt=dt,
        integrator=integrator,
        record=record or [hh.Trace("i_app", every=0.1), hh.Final()],
        **options,
    )


@pytest.mark.parametrize("integrator", ["euler", "tsit5"])
def test_the_current_is_the_one_on_paper(integrator, passive):
    """Before, between, at and after the points; a jump shows the value after it."""
    r = run(passive, hh.Waveform(TIMES, VALUES, 0.3, 2.0), integrator)
    np.testing.assert_allclose(r["i_app"][0], on_paper(r.time, start=0.3, scale=2.0), rtol=1e-9, atol=1e-9)


def test_the_last_point_may_be_the_end_of_the_run(passive):
    """A record that lasts as long as the run shows its last value, not what follows it."""
    r = run(passive, hh.Waveform([0.0, T_STOP], [1.0, 10.0]))
    np.testing.assert_allclose(r["i_app"][0], 1.0 + r.time, rtol=1e-12)


def test_starts_and_scales_may_differ_between_cells(passive):
    """Adaptive steps stop at each cell's own points; a fixed step that holds some sees the mean."""
    start, scale = np.array([0.0, 0.013, 1.1, -2.0]), np.array([1.0, 2.0, -1.0, 0.5])
    stimulus = hh.Waveform(TIMES, VALUES, start, scale)
    expected = np.array([on_paper(np.arange(91) * 0.1, start=a, scale=b) for a, b in zip(start, scale, strict=True)])
    np.testing.assert_allclose(run(passive, stimulus, "tsit5")["i_app"], expected, atol=1e-9)
    r = run(passive, stimulus)
    clear = np.abs(r.time[:, None, None] - TIMES - start[:, None]).min(axis=2).T > 0.05
    np.testing.assert_allclose(r["i_app"][clear], expected[clear], atol=1e-9)


@pytest.mark.parametrize("dt", [0.05, 0.9])
def test_charge_is_exact(dt, passive):
    """Without a leak the membrane integrates the current: also where several points of a cell are in one step."""
    start = np.array([0.0, 0.003, 0.017, 1.049])
    expected = [charge(T_STOP, start=a) / 2.0 for a in start]
    r = run(passive, hh.Waveform(TIMES, VALUES, start), "exp_euler", {"g_L": 0.0}, dt)
    np.testing.assert_allclose(r["V_final"] + 65.0, expected, rtol=1e-9)


def test_more_points_than_steps_are_steps(passive):
    """A record sampled more densely than dt: every point is seen."""
    times = np.linspace(0.0, T_STOP, 2000)
    values = np.random.default_rng(1).normal(size=2000)
    r = run(passive, hh.Waveform(times, values), params={"g_L": 0.0}, dt=0.5, integrator="exp_euler")
    assert r["V_final"][0] + 65.0 == pytest.approx(trapezoid(values, times) / 2.0, rel=1e-9)


def test_kinks_and_jumps_keep_order_4():
    """RK4 against DOP853 that restarts at every point; the points are off the grid of steps."""
    t_stop = 6.0
    exact, _ = reference_models.solve("hodgkin_huxley", t_stop, on_paper, jumps=TIMES)
    errors = []
    for dt in (0.08, 0.02):
        r = hh.simulate(
            "hodgkin_huxley",
            stimulus=hh.Waveform(TIMES, VALUES),
            t_stop=t_stop,
            dt=dt,
            integrator="rk4",
            record=[hh.Final()],
        )
        errors.append(abs(r["V_final"][0] - exact[0]))
    assert np.log(errors[0] / errors[1]) / np.log(4) > 3.7
    assert errors[1] < 1e-6


def response(g, C, t_stop):
    """V of a passive membrane (E = -65) at t_stop, by its solution on each piece of the current."""
    tau, u = C / g, 0.0
    nodes = np.array([*TIMES, t_stop])
    for begin, end in pairwise(nodes):
        low, high = on_paper(begin), on_paper(0.5 * (begin + end))
        slope = (high - low) / (0.5 * (end - begin)) if end > begin else 0.0
        steady = (low - slope * tau) / g
        u = steady + slope * (end - begin) / g + (u - steady) * np.exp(-(end - begin) / tau)
    return -65.0 + u


@pytest.mark.parametrize("start", [0.0, np.zeros(2)])
def test_kinks_and_jumps_keep_order_5(start, passive):
    """Tsit5 against the solution on paper, with points of all cells or of each; it is of order 5."""
    errors = []
    for dt in (0.4, 0.1):
        r = run(passive, hh.Waveform(TIMES, VALUES, start), "tsit5", {"g_L": 2.0}, **steps_of(dt, "tsit5"))
        errors.append(abs(r["V_final"][0] - response(2.0, 2.0, T_STOP)))
    assert np.log(errors[0] / errors[1]) / np.log(4) > 4.5
    assert errors[1] < 1e-6


def test_points_of_single_cells_keep_order_2():
    """A fixed step sees the mean of what it holds: the error falls by 4 where dt is halved, in the mean of places."""
    t_stop = 6.0
    exact, _ = reference_models.solve("hodgkin_huxley", t_stop, on_paper, jumps=TIMES)
    errors = []
    for dt in (0.04, 0.01):
        r = [
            hh.simulate(
                "hodgkin_huxley",
                stimulus=hh.Waveform(TIMES, VALUES, np.zeros(2)),
                t_stop=t_stop,
                dt=dt * (1 + 0.03 * k),
                integrator="rk4",
                record=[hh.Final()],
            )
            for k in range(8)
        ]
        errors.append(np.mean([abs(one["V_final"][0] - exact[0]) for one in r]))
    assert np.log(errors[0] / errors[1]) / np.log(4) > 1.6


def test_adaptive_steps_do_not_start_anew_at_kinks(passive):
    """Where a step grows from 1e-6 ms, to begin so at each of 18 kinks would take more than 9 steps each."""
    times = np.arange(0.0, 9.0, 0.5)
    r = run(passive, hh.Waveform(times, np.sin(times)), "tsit5", dt=1e-6)
    assert r["n_steps"][0] < 100


@pytest.mark.parametrize("integrator", ["euler", "tsit5"])
def test_starts_that_are_no_time(integrator, passive):
    """Never, or for ever ago: no current. NaN marks its own cell."""
    r = run(passive, hh.Waveform(TIMES, VALUES, np.array([np.inf, np.nan, -np.inf, -1e301, 0.0])), integrator)
    assert r.status.tolist() == [0, 1, 0, 0, 0]
    assert (r["i_app"][[0, 2, 3]] == 0).all()
    np.testing.assert_allclose(r["V_final"][[0, 2, 3]], -65.0, rtol=1e-12)


def test_another_waveform_needs_no_other_kernel(passive):
    """Points are arguments: kernels are the same for any number of them."""
    from hhfast.kernel.print.source import kernel_source

    short, long = (hh.Waveform(np.arange(n), np.ones(n)) for n in (2, 1000))
    assert kernel_source(passive, "euler", short) == kernel_source(passive, "euler", long)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hh.Waveform([0, 1]), "missing a required argument: 'values'"),
        (lambda: hh.Waveform([0.0, 1.0], [1.0]), "values: has 1 numbers and times 2"),
        (lambda: hh.Waveform([0.0], [1.0]), "times: has 1 points; give 2 to"),
        (lambda: hh.Waveform([0.0, 2.0, 1.0], [1.0] * 3), r"times\[2\] = 1 ms is before times\[1\] = 2 ms"),
        (lambda: hh.Waveform([0.0, np.nan], [1.0] * 2), r"times\[1\] = nan: must be finite"),
        (lambda: hh.Waveform([0.0, 1.0], [1.0, np.inf]), r"values\[1\] = inf: must be finite"),
        (lambda: hh.Waveform(1.0, 2.0), "times: must be a list"),
        (lambda: hh.Waveform(["a", "b"], [1.0, 2.0]), "not a number or an array"),
        (lambda: hh.Waveform([0.0, 1.0], [1.0, 2.0], strat=3.0), "did you mean 'start'"),
    ],
)
def test_mistakes_are_named(make, message):
    """Where they are, and what is needed."""
    with pytest.raises(InputError, match=message):
        make()

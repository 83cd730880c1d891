"""Stimuli: the current that a cell sees is the one on paper, and its jumps cost no accuracy."""

import ast
import re
from dataclasses import replace

import numpy as np
import pytest
import reference_models

import hhfast as hh
from hhfast.errors import InputError

INF = np.inf
EVERY = 0.3
T_STOP = 30.0


def by_hand(t, kind, p):
    """The current at t, from the definition."""
    p = {"start": 0.0, "width": 1.0, "stop": INF, "phase": 0.0, "offset": 0.0, "count": INF} | p
    inside = (t >= p["start"]) & (t < p["stop"])
    since = t - p["start"]
    match kind:
        case "Step":
            return p["amplitude"] * inside
        case "Pulse":
            return p["amplitude"] * ((since >= 0) & (since < p["width"]))
        case "PairedPulse":
            first, second = ((since >= d) & (since < d + p["width"]) for d in (0.0, p["interval"]))
            return p["amplitude"] * first + p["second_amplitude"] * second
        case "Train":
            k = np.minimum(np.floor(since / p["period"]), p["count"] - 1)
            return p["amplitude"] * ((k >= 0) & (since - k * p["period"] < p["width"]))
        case "Ramp":
            return p["amplitude"] * since / (p["stop"] - p["start"]) * inside
        case "Sine":
            return (p["offset"] + p["amplitude"] * np.sin(2e-3 * np.pi * p["frequency"] * since + p["phase"])) * inside
        case "Chirp":
            slope = (p["frequency_end"] - p["frequency"]) / (p["stop"] - p["start"])
            phase = 2e-3 * np.pi * (p["frequency"] * since + 0.5 * slope * since**2)
            return (p["offset"] + p["amplitude"] * np.sin(phase)) * inside
    raise AssertionError(kind)


CASES = [
    ("Step", {"amplitude": 3.0}),
    ("Step", {"amplitude": 3.0, "start": 5.05, "stop": 21.234}),
    ("Pulse", {"amplitude": -2.0, "start": 4.01, "width": 2.5}),
    ("PairedPulse", {"amplitude": 2.0, "second_amplitude": 5.0, "start": 1.03, "width": 2.0, "interval": 10.07}),
    ("Train", {"amplitude": 1.5, "start": 2.03, "width": 1.0, "period": 5.01, "count": 3}),
    ("Train", {"amplitude": 1.5, "start": 2.03, "width": 1.0, "period": 5.01}),
    ("Train", {"amplitude": 1.5, "start": 2.03, "width": 8.02, "period": 3.01, "count": 4}),  # on from 2.03 to 19.08
    ("Ramp", {"amplitude": 4.0, "start": 5.02, "stop": 25.01}),
    ("Sine", {"amplitude": 2.0, "frequency": 80.0, "phase": 0.3, "offset": 1.0, "start": 2.02, "stop": 20.03}),
    (
        "Chirp",
        {"amplitude": 2.0, "frequency": 10.0, "frequency_end": 200.0, "offset": 0.5, "start": 1.01, "stop": 25.02},
    ),
]


def current_trace(model, stimulus, integrator="euler", **options):
    r = hh.simulate(
        model,
        stimulus=stimulus,
        t_stop=T_STOP,
        dt=0.05,
        integrator=integrator,
        record=[hh.Trace("i_app", every=EVERY)],
        **options,
    )
    return r.time, r["i_app"]


@pytest.mark.parametrize(("kind", "p"), CASES)
def test_current_is_the_one_on_paper(kind, p, passive):
    """Trace("i_app") shows the formula, from before the start to after the end."""
    t, i_app = current_trace(passive, getattr(hh, kind)(**p))
    np.testing.assert_allclose(i_app[0, :-1], by_hand(t, kind, p)[:-1], rtol=1e-9, atol=1e-9)


def test_pulses_longer_than_a_period_do_not_add_up(passive):
    """Where the edges differ between cells and lie in steps, too: the charge is that of one long pulse."""
    train = hh.Train(1.5, start=np.array([2.03, 2.047]), width=np.array([8.02, 8.011]), period=3.01, count=4)
    _, i_app = current_trace(passive, train)
    assert i_app.max() <= 1.5
    pulse = hh.Pulse(1.5, start=np.array([2.03, 2.047]), width=np.array([17.05, 17.041]))
    both = [hh.simulate(passive, stimulus=s, t_stop=T_STOP, integrator="rk4", dt=0.05, record=[hh.Final()])["V_final"]
            for s in (train, pulse)]  # fmt: skip
    np.testing.assert_allclose(*both, rtol=1e-12)


@pytest.mark.parametrize("integrator", ["euler", "exp_euler", "exp_midpoint", "strang", "rk4"])
def test_current_trace_does_not_depend_on_the_integrator(integrator, passive):
    """A sample at t is the current at t, the last one included, wherever in the step a method looks at it."""
    p = {"amplitude": 2.0, "frequency": 80.0, "phase": 0.3, "offset": 1.0}
    t, i_app = current_trace(passive, hh.Sine(**p), integrator)
    np.testing.assert_allclose(i_app[0], by_hand(t, "Sine", p), rtol=1e-9)


@pytest.mark.core
def test_parameters_may_differ_between_cells(passive):
    """Amplitudes, starts and widths as arrays: every cell has its own current."""
    amplitude, start, width = np.array([1.0, 2.0, 3.0]), np.array([3.01, 4.02, 8.03]), np.array([1.0, 2.2, 5.0])
    t, i_app = current_trace(passive, hh.Pulse(amplitude, start, width))
    expected = [
        by_hand(t, "Pulse", {"amplitude": a, "start": s, "width": w})
        for a, s, w in zip(amplitude, start, width, strict=True)
    ]
    # The step that holds an edge shows the mean over the step.
    edges = np.concatenate([start, start + width])
    clear = np.abs(t[:, None] - edges).min(axis=1) > 0.05
    np.testing.assert_allclose(i_app[:, clear], np.array(expected)[:, clear], atol=1e-9)


def test_stimuli_add_up(passive):
    """a + b is both, each with its own parameters."""
    a, b = {"amplitude": 1.0, "start": 2.01}, {"amplitude": 2.0, "start": 7.02, "width": 3.0}
    t, i_app = current_trace(passive, hh.Step(**a) + hh.Pulse(**b) + hh.Step(amplitude=0.5))
    expected = by_hand(t, "Step", a) + by_hand(t, "Pulse", b) + 0.5
    np.testing.assert_allclose(i_app[0, :-1], expected[:-1], atol=1e-9)


def test_charge_of_edges_per_cell_is_exact(passive):
    """Edges given per cell fall inside steps: the step sees the exact mean, so the charge delivered is right."""
    start, width = np.array([1.003, 1.017, 1.049]), np.array([0.011, 1.0, 3.333])
    # Without a leak the membrane integrates the current: V - V0 = amplitude width / C.
    r = hh.simulate(
        passive,
        {"g_L": 0.0},
        stimulus=hh.Pulse(4.0, start, width),
        t_stop=6.0,
        dt=0.05,
        integrator="euler",
        record=[hh.Final()],
    )
    np.testing.assert_allclose(r["V_final"] + 65.0, 4.0 * width / 2.0, rtol=1e-7)


def response(t, amplitude, start, stop):
    """V of the passive membrane (C = 2, g = 0.1, E = -65) after a rectangular current, solved on paper."""
    rise = amplitude / 0.1 * (1 - np.exp(-(np.minimum(t, stop) - start) * 0.1 / 2))
    return -65 + np.where(t < start, 0, rise * np.where(t > stop, np.exp(-(t - stop) * 0.1 / 2), 1))


def test_edges_as_numbers_are_exact_with_an_exact_integrator(passive):
    """Exponential Euler solves a passive membrane exactly; an edge off the grid of steps changes nothing."""
    r = hh.simulate(
        passive,
        stimulus=hh.Pulse(3.0, 1.2345, 4.321),
        t_stop=20.0,
        dt=0.1,
        integrator="exp_euler",
        record=[hh.Trace("V", every=0.5)],
    )
    np.testing.assert_allclose(r["V"][0], response(r.time, 3.0, 1.2345, 1.2345 + 4.321), rtol=1e-12)


@pytest.mark.parametrize("swept", [False, True])
def test_edges_as_numbers_keep_order_4(swept):
    """RK4 converges at order 4 with pulse edges off the grid of steps, also when the amplitude is swept."""
    amplitude, start, width, t_stop = 30.0, 0.5137, 1.2345, 4.0
    jumps = (start, start + width)
    exact, _ = reference_models.solve(
        "hodgkin_huxley", t_stop, lambda t: amplitude if start <= t < start + width else 0.0, jumps=jumps
    )
    given = np.array([amplitude, 0.0]) if swept else amplitude
    errors = []
    for dt in (0.02, 0.005):
        r = hh.simulate(
            "hodgkin_huxley", stimulus=hh.Pulse(given, start, width), t_stop=t_stop, dt=dt, integrator="rk4",
            record=[hh.Final()],
        )  # fmt: skip
        errors.append(abs(r["V_final"][0] - exact[0]))
    assert np.log(errors[0] / errors[1]) / np.log(4) > 3.7
    assert errors[1] < 1e-6


def test_edges_stay_on_step_boundaries_when_something_else_is_swept():
    """A swept frequency or phase does not move the start and stop, so they cost no order either."""
    frequency, start, t_stop = np.array([80.0, 120.0]), 0.5137, 4.0

    def current(t):
        return 20.0 * (1 + np.sin(2e-3 * np.pi * 80.0 * (t - start) + 1.0)) * (t >= start)

    exact, _ = reference_models.solve("hodgkin_huxley", t_stop, current, jumps=(start,))
    errors = []
    for dt in (0.02, 0.005):
        stimulus = hh.Sine(20.0, frequency, phase=1.0, offset=20.0, start=start)
        r = hh.simulate("hodgkin_huxley", stimulus=stimulus, t_stop=t_stop, dt=dt, integrator="rk4",
                        record=[hh.Final()])  # fmt: skip
        errors.append(abs(r["V_final"][0] - exact[0]))
    assert np.log(errors[0] / errors[1]) / np.log(4) > 3.5


def test_edges_per_cell_keep_order_2():
    """The exact mean over a step is right to second order (as good as the second-order integrators)."""
    start, width, t_stop = 0.5137, 1.2345, 4.0
    exact, _ = reference_models.solve(
        "hodgkin_huxley", t_stop, lambda t: 30.0 if start <= t < start + width else 0.0, jumps=(start, start + width)
    )
    errors = []
    for dt in (0.02, 0.0025):
        # Several positions of the edge in its step, and their mean error.
        found = []
        for k in range(8):
            r = hh.simulate(
                "hodgkin_huxley",
                stimulus=hh.Pulse(30.0, np.full(2, start), width),
                t_stop=t_stop,
                dt=dt * (1 + 0.03 * k),
                integrator="rk4",
                record=[hh.Final()],
            )
            found.append(abs(r["V_final"][0] - exact[0]))
        errors.append(np.mean(found))
    assert np.log(errors[0] / errors[1]) / np.log(8) > 1.6


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (hh.Step, "amplitude"),
        (lambda: hh.Step(amplitde=1.0), "did you mean 'amplitude'"),
        (lambda: hh.Step("ten"), "amplitude = 'ten'"),
        (lambda: hh.Step(np.ones((2, 2))), "2 dimensions"),
        (lambda: hh.Step(np.nan), "NaN"),
        (lambda: hh.Step(1.0, 2.0, 3.0, 4.0), "too many"),
        (lambda: hh.stimuli["stpe"], "did you mean 'step'"),
    ],
)
def test_mistakes_are_named(make, message):
    """A missing or misspelt parameter, text, matrices and NaN."""
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("stimulus", "message"),
    [
        (lambda: hh.Train(1.0, period=0.0, count=5), "period"),
        (lambda: hh.Train(1.0, period=-1.0), "period"),
        (lambda: hh.Step(np.ones(2)) + hh.Step(np.ones(3)), "different lengths"),
        (lambda: hh.Step(np.ones(0)), "empty"),
    ],
)
def test_impossible_stimuli_are_refused(stimulus, message, passive):
    """What cannot be laid out in time or over cells is an InputError before anything runs."""
    with pytest.raises(InputError, match=message):
        hh.simulate(passive, stimulus=stimulus(), t_stop=1.0, record=[hh.Final()])


def test_an_infinite_amplitude_marks_only_its_own_cell(passive):
    """A bad value in one cell shows there and nowhere else."""
    r = hh.simulate(passive, stimulus=hh.Step(np.array([1.0, np.inf, 2.0])), t_stop=1.0, record=[hh.Final()])
    assert r.status.tolist() == [0, 1, 0]
    assert np.isnan(r["V_final"]).tolist() == [False, True, False]


@pytest.mark.parametrize("integrator", ["rk4", "tsit5"])
def test_a_time_that_is_nan_shows(integrator):
    """A cell whose pulse begins at NaN is flagged, not simulated without a current or with one from 0."""
    start, period = np.array([5.0, np.nan, 5.0]), np.array([10.0, 0.0, 10.0])
    for stimulus in (
        hh.Pulse(10.0, start=start, width=1.0),
        hh.Train(10.0, start=start, width=1.0, period=10.0),
        hh.Train(10.0, start=5.0, width=1.0, period=period),
    ):
        r = hh.simulate("hodgkin_huxley", stimulus=stimulus, t_stop=20.0, integrator=integrator)
        assert r.status.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("name", "given"), [(name, given) for name, kind in hh.stimuli.items() for given in kind.texts]
)
def test_whether_a_stimulus_varies_between_its_edges_is_no_matter_of_spelling(name, given):
    """Only the free name `t` decides: neither blanks nor parentheses, nor other names in which there is a t."""
    kind = replace(hh.stimuli[name], text=given, conductances=())
    tree = ast.parse(given, mode="eval")
    varies = any(isinstance(node, ast.Name) and node.id == "t" for node in ast.walk(tree))
    assert kind.smooth == varies
    for text in (
        ast.unparse(tree),
        re.sub(r"\bt\b", "(t)", given),
        f"( {given} )",
        given.replace("*", " *\\\n "),
    ):
        assert replace(kind, text=text).smooth == varies
        assert replace(kind, text="", conductances=((text, "E"),)).smooth == varies
        assert replace(kind, text="", conductances=(("g", text),)).smooth == varies
    assert not replace(kind, text="amplitude * train(t0, t1, start)").smooth

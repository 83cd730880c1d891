"""Families of a voltage clamp: currents, I-V curves, Boltzmann fits and time constants, against theory and SciPy."""

import numpy as np
import pytest
from scipy.optimize import curve_fit

import hhfast as hh
from hhfast.analysis.curve_fits import fit_boltzmann, fit_exponential
from hhfast.errors import InputError

HH = hh.models["hodgkin_huxley"]
LEVELS = np.arange(-60.0, 61.0, 10.0)
CHANNEL = hh.Channel(  # made so that its Boltzmann curves and time constants are known
    "X",
    g=2.0,
    E=0.0,
    gates=(
        hh.Gate("a", inf="1 / (1 + exp(-(V + 30) / 6))", tau="0.5"),
        hh.Gate("b", inf="1 / (1 + exp((V + 60) / 7))", tau="20"),
    ),
)
ONE_GATE = hh.Channel("Y", g=3.0, E=-90.0, gates=(hh.Gate("y", power=3, inf="1 / (1 + exp(-(V + 20) / 9))", tau="4"),))


def gates_of_axon(names, start, level, t):
    """Gates of the squid axon t ms after a step from `start` to `level`, by the formula of Hodgkin and Huxley."""
    found = []
    for name in names:
        (x0, inf), (_, tau) = HH.gate_curves(np.array([start, level]))[name]
        found.append(inf + (x0 - inf) * np.exp(-t / tau))
    return found


def test_currents_of_the_squid_axon_are_those_of_hodgkin_and_huxley():
    """All levels of two axons: Na and K currents by their formulas, peaks, the end, and where the peak changes sign."""
    g_Na = np.array([100.0, 120.0])
    sodium = hh.voltage_clamp(HH, LEVELS, {"g_Na": g_Na}, holding=-65.0, channel="Na")
    potassium = hh.voltage_clamp(HH, LEVELS, {"g_Na": g_Na}, holding=-65.0, channel="K", conditioning=0.0)
    whole = hh.voltage_clamp(HH, LEVELS, {"g_Na": g_Na}, holding=-65.0, conditioning=0.0)
    t = sodium.time[(sodium.time >= 0) & (sodium.time < 20.0 - 1e-9)]
    inside = slice(*np.searchsorted(sodium.time, [-1e-9, 20.0 - 1e-9]))
    for k, level in enumerate(LEVELS):
        m, h = gates_of_axon(("m", "h"), -65.0, level, t)
        (n,) = gates_of_axon(("n",), -65.0, level, t)
        i_Na, i_K = np.outer(g_Na, m**3 * h * (level - 50.0)), 36.0 * n**4 * (level + 77.0)
        np.testing.assert_allclose(sodium.current[:, k, inside], i_Na, atol=0.05)
        np.testing.assert_allclose(potassium.current[:, k, inside], np.tile(i_K, (2, 1)), atol=0.05)
        np.testing.assert_allclose(whole.current[:, k, inside], i_Na + i_K + 0.3 * (level + 54.387), atol=0.1)
        if level not in (-60.0, 50.0):
            extreme = i_Na[np.arange(2), np.argmax(np.abs(i_Na), axis=1)]
            np.testing.assert_allclose(sodium.peak[:, k], extreme, atol=0.05)
        np.testing.assert_allclose(potassium.steady[:, k], i_K[-1], atol=0.05)
    np.testing.assert_allclose(sodium.reversal, 50.0, atol=1e-6)
    assert sodium.current.shape == (2, len(LEVELS), len(sodium.time))
    assert not sodium.status.any()


def test_inactivation_of_the_squid_axon_is_that_of_1952():
    """h_inf is half at 2.5 mV above rest, with a slope of 7 mV (Hodgkin & Huxley 1952, J Physiol 116:497-506)."""
    found = hh.voltage_clamp(HH, LEVELS, holding=-65.0, channel="Na").inactivation
    assert abs(found.V_half[0] + 62.5) < 1.0
    assert abs(found.slope[0] - 7.0) < 0.5
    assert found.residual[0] < 0.01


def test_boltzmann_curves_of_a_made_channel_are_found():
    """Activation where the other gate stands still (open), inactivation after long conditioning, and its decay."""
    model = HH.with_channel(CHANNEL)
    levels = np.arange(-90.0, 41.0, 5.0)
    r = hh.voltage_clamp(
        model,
        levels,
        holding=-120.0,
        duration=40.0,
        channel="X",
        conditioning=hh.Conditioning(400.0, levels=np.arange(-110.0, -9.0, 5.0)),
        recording=hh.ClampRecording(every=0.05),
    )
    assert abs(r.inactivation.V_half[0] + 60.0) < 0.01
    assert abs(r.inactivation.slope[0] - 7.0) < 0.01
    assert r.inactivation.residual[0] < 1e-3
    assert abs(r.activation.V_half[0] + 30.0) < 0.2
    assert abs(r.activation.slope[0] - 6.0) < 0.2
    np.testing.assert_allclose(r.tau[0, levels >= 0.0], 20.0, rtol=0.02)
    assert np.isnan(r.reversal[0]) or abs(r.reversal[0]) < 1e-6


def test_time_constant_of_a_channel_with_one_gate_is_that_of_the_gate():
    r = hh.voltage_clamp(HH.with_channel(ONE_GATE), LEVELS, channel="Y", conditioning=0.0)
    np.testing.assert_allclose(r.tau[0], 4.0, rtol=1e-3)
    potassium = hh.voltage_clamp(HH, LEVELS, channel="K", conditioning=0.0)
    np.testing.assert_allclose(potassium.tau[0], HH.gate_curves(LEVELS)["n"][1], rtol=1e-3)
    assert np.isnan(r.inactivation.V_half).all()


def test_fits_are_those_of_scipy():
    """Noisy curves of many rows: the same least squares as by SciPy, one row at a time; and points that are missing."""
    rng = np.random.default_rng(1)
    V, rows = np.arange(-100.0, 41.0, 7.0), 12
    half, slope = rng.uniform(-60.0, 0.0, rows), rng.uniform(4.0, 12.0, rows)
    for rising in (True, False):
        sign = -1.0 if rising else 1.0
        y = 5.0 / (1.0 + np.exp(sign * (V - half[:, None]) / slope[:, None])) + 0.1 * rng.standard_normal(
            (rows, len(V))
        )
        y[:, 3] = np.nan
        found = fit_boltzmann(V, y, rising=rising)
        known = np.isfinite(y[0])
        for k in range(rows):

            def curve(V, top, half, slope, sign=sign):
                return top / (1.0 + np.exp(sign * (V - half) / slope))

            p, _ = curve_fit(curve, V[known], y[k, known], [5.0, half[k], slope[k]], xtol=1e-12, ftol=1e-12)
            np.testing.assert_allclose([found.maximum[k], found.V_half[k], found.slope[k]], p, rtol=1e-4)
            rms = np.sqrt(np.mean((curve(V[known], *p) - y[k, known]) ** 2)) / p[0]
            np.testing.assert_allclose(found.residual[k], rms, rtol=1e-4)
    t = np.linspace(0.0, 30.0, 200)
    tau = rng.uniform(0.5, 20.0, rows)
    y = 2.0 - 3.0 * np.exp(-t / tau[:, None]) + 0.01 * rng.standard_normal((rows, 200))
    found = fit_exponential(t, y, t >= rng.uniform(0.0, 1.0, (rows, 1)))
    for k in range(rows):
        p, _ = curve_fit(lambda t, a, b, tau: a + b * np.exp(-t / tau), t, y[k], [2.0, -3.0, tau[k]])
        np.testing.assert_allclose(found[k], p[2], rtol=0.1)
    exact = fit_exponential(t, 2.0 - 3.0 * np.exp(-t / tau[:, None]), np.ones((rows, 200), bool))
    np.testing.assert_allclose(exact, tau, rtol=1e-5)


def test_leak_subtraction_leaves_what_is_not_linear():
    """Of a leak nothing is left; of an axon with a large leak the current that it has without one, from holding."""
    levels, holding = np.array([-40.0, 0.0, 40.0]), -100.0
    passive = {"g_Na": 0.0, "g_K": 0.0, "g_L": 5.0}
    alone = hh.voltage_clamp(HH, levels, passive, holding=holding, recording={"leak_subtraction": 4}, conditioning=0.0)
    np.testing.assert_allclose(alone.current, 0.0, atol=1e-9)
    leaky = hh.voltage_clamp(
        HH, levels, {"g_L": 5.0}, holding=holding, recording={"leak_subtraction": -4}, conditioning=0.0
    )
    tight = hh.voltage_clamp(HH, levels, {"g_L": 0.0}, holding=holding, conditioning=0.0)
    np.testing.assert_allclose(leaky.current, tight.current, atol=0.5)
    assert np.abs(tight.current).max() > 1000.0


def test_prepulse_and_tail_are_steps_of_their_own():
    """A prepulse that inactivates leaves little current; a tail begins with the open conductance at its potential."""
    r = hh.voltage_clamp(HH, [0.0], holding=-80.0, duration=1.0, prepulse=(-40.0, 30.0), tail=(-100.0, 5.0), recording={"every": 0.01},
                         channel="Na", conditioning=0.0)  # fmt: skip
    m, h = gates_of_axon(("m", "h"), -80.0, -40.0, 30.0)
    curves = HH.gate_curves(np.array([0.0]))
    at_end = [
        curves[x][0][0] + (x0 - curves[x][0][0]) * np.exp(-1.0 / curves[x][1][0]) for x, x0 in (("m", m), ("h", h))
    ]
    k = np.searchsorted(r.time, 1.0 - 1e-9)
    np.testing.assert_allclose(r.current[0, 0, k], 120.0 * at_end[0] ** 3 * at_end[1] * (-100.0 - 50.0), rtol=1e-5)
    fresh = hh.voltage_clamp(HH, [0.0], holding=-80.0, duration=1.0, channel="Na", conditioning=0.0)
    assert abs(r.peak[0, 0]) < 0.2 * abs(fresh.peak[0, 0])


def test_a_series_resistance_slows_and_shrinks_the_peak():
    perfect = hh.voltage_clamp(HH, LEVELS, holding=-65.0, conditioning=0.0)
    poor = hh.voltage_clamp(HH, LEVELS, holding=-65.0, conditioning=0.0, recording={"series_resistance": 0.02})
    assert abs(poor.peak[0]).min() < abs(perfect.peak[0]).max()
    assert not np.allclose(poor.current, perfect.current, atol=50.0)


def test_exponential_integrators_and_other_methods_agree():
    runs = [hh.voltage_clamp(HH, LEVELS, integrator=name, channel="K", conditioning=0.0) for name in
            ("exp_midpoint", "tsit5", "rodas4")]  # fmt: skip
    for other in runs[1:]:
        np.testing.assert_allclose(other.current, runs[0].current, atol=0.05)


def test_a_cell_that_diverges_is_flagged_alone():
    r = hh.voltage_clamp(HH, LEVELS, {"C_m": np.array([1.0, -1.0])})
    np.testing.assert_array_equal(r.status, [hh.AnalysisStatus.OK, hh.AnalysisStatus.DIVERGED])
    assert np.isnan(r.peak[1]).all()
    assert np.isfinite(r.peak[0]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"levels": [0.0, float("nan")]}, "levels"),
        ({"duration": -1.0}, "duration"),
        ({"recording": {"series_resistance": -1.0}}, "recording.series_resistance = -1.0: must not be negative"),
        ({"prepulse": (-100.0, -5.0)}, "prepulse: give a level, mV, and a duration"),
        ({"channel": "Ca"}, "unknown channel 'Ca'"),
        ({"recording": {"leak_subtraction": 2.5}}, "^recording.leak_subtraction = 2.5: must be a whole number"),
        ({"channel": "Na", "recording": {"leak_subtraction": 4}}, "has no leak"),
        ({"recording": {"evry": 1e-9}}, "unknown key .evry.; did you mean .every."),
        ({"recording": 4}, "recording = 4: give a table, as"),
        ({"conditioning": {"test": "x"}}, "^conditioning.test"),
        ({"conditioning": -1.0}, "conditioning.duration = -1.0: must not be negative"),
        ({"recording": {"every": 1e-9}}, "make it longer"),
    ],
)
def test_bad_input_gives_one_line(options, message):
    with pytest.raises(InputError, match=message) as error:
        hh.voltage_clamp(HH, **{"levels": LEVELS, **options})
    assert "\n" not in str(error.value)

"""Recorders: what they report is what a dense trace shows, and recording never changes a trajectory."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import trapezoid

import hhfast as hh
from hhfast.errors import InputError

DT = 0.025
AMPLITUDE = np.array([0.0, 3.0, 7.0, 10.0, 20.0, 200.0])  # silent, one spike, trains, depolarisation block
T_STOP = 100.0
WINDOW = (20.0, 90.0)
ALL = tuple(hh.Features.known)


@pytest.fixture(scope="module")
def dense():
    """Six squid axons with everything recorded, V at every step included."""
    record = [hh.Spikes(), hh.Features(ALL), hh.Trace("V", "m", "i_Na", "i_L", "i_app", every=DT), hh.Final()]
    return hh.simulate(
        "hodgkin_huxley",
        stimulus=hh.Step(AMPLITUDE, start=5.0),
        t_stop=T_STOP,
        dt=DT,
        integrator="exp_euler",
        record=record,
    )


def crossings(V, threshold=-20.0, rearm=-30.0):
    """Steps (k: between samples k and k+1) of upward crossings while armed, as the spike contract has it."""
    armed, found = V[0] < threshold, []
    for k in range(len(V) - 1):
        if armed and V[k + 1] >= threshold:
            found.append(k)
            armed = False
        if V[k + 1] < rearm:
            armed = True
    return found


def highest(t, V, edge):
    """The largest V, of the samples and of the parabolas through three around a maximum that is no edge."""
    found = [V.max()]
    for k in range(1, len(V) - 1):
        if V[k] > max(V[k - 1], V[k + 1]) and abs(t[k] - edge) > 1e-9:
            a, b, c = np.polyfit([-1.0, 0.0, 1.0], V[k - 1 : k + 2] - V[k], 2)
            found.append(V[k] + c - b * b / (4.0 * a))
    return max(found)


def peaks(times, t, V):
    """When V is largest after each spike and before the next: the vertex of the parabola through three samples."""
    found = []
    for begin, end in pairwise([*times, np.inf]):
        k = np.flatnonzero((t > begin) & (t < end))
        if not len(k):
            continue
        k = k[V[k].argmax()]
        if k + 1 < len(V):  # else V still rises at the end
            found.append(t[k] - 0.5 * DT * (V[k + 1] - V[k - 1]) / (V[k + 1] + V[k - 1] - 2.0 * V[k]))
    return np.array(found)


def features(times, t, V, onset, window):
    """The features by NumPy, from spike times and a trace."""
    times = times[(times > window[0]) & (times <= window[1])]
    inside = (t >= window[0] - 1e-9) & (t <= window[1] + 1e-9)
    isi = np.diff(times)
    tops = peaks(times, t[inside], V[inside])
    between = np.diff(tops)
    later = between[1:]
    return {
        "Spikecount": len(times),
        "time_to_first_spike": tops[0] - onset if len(tops) else np.nan,
        "time_to_last_spike": tops[-1] - onset if len(tops) else np.nan,
        "mean_frequency": 1000 * len(tops) / (tops[-1] - onset) if len(tops) else np.nan,
        "doublet_ISI": between[0] if len(between) else np.nan,
        "inv_first_ISI": 1000 / between[0] if len(between) else np.nan,
        "ISI_values": later.mean() if len(later) else np.nan,
        "ISI_CV": later.std(ddof=1) / later.mean() if len(later) > 1 else np.nan,
        "spike_count": len(times),
        "rate": 1000 * len(times) / (window[1] - window[0]),
        "latency": times[0] - onset if len(times) else np.nan,
        "isi_mean": isi.mean() if len(isi) else np.nan,
        "isi_cv": isi.std(ddof=1) / isi.mean() if len(isi) > 1 else np.nan,
        "V_max": highest(t[inside], V[inside], onset),
        "V_min": -highest(t[inside], -V[inside], onset),
        "maximum_voltage": highest(t[inside], V[inside], onset),
        "minimum_voltage": -highest(t[inside], -V[inside], onset),
        "V_mean": trapezoid(V[inside], t[inside]) / (window[1] - window[0]),
    }


def check_features(result, dense, window):
    for cell in range(len(AMPLITUDE)):
        expected = features(dense.spike_times[cell], dense.time, dense["V"][cell], 5.0, window)
        for name, value in expected.items():
            np.testing.assert_allclose(result[name][cell], value, rtol=1e-9, atol=1e-9, err_msg=f"{name}, cell {cell}")


@pytest.mark.core
def test_spikes_are_the_crossings_of_the_trace(dense):
    """Each spike lies in the step in which V crosses the threshold, near the straight line between the samples."""
    assert dense.spike_count.tolist()[0] == 0
    assert dense.spike_count.max() > 5
    for times, V in zip(dense.spike_times, dense["V"], strict=True):
        steps = np.array(crossings(V), int)
        assert len(times) == len(steps)
        straight = DT * (steps + (-20.0 - V[steps]) / (V[steps + 1] - V[steps]))
        np.testing.assert_allclose(times, straight, rtol=0, atol=0.05 * DT)


@pytest.mark.core
def test_features_equal_numpy_on_the_trace(dense):
    """Count, rate, latency, intervals and extremes, computed in the kernel, for silent to blocked cells."""
    check_features(dense, dense, (0.0, T_STOP))
    assert set(ALL) == set(features(np.empty(0), dense.time, dense["V"][0], 0.0, WINDOW))


def test_features_of_a_window(dense):
    """Only the spikes and voltages inside the window count; latency is from the stimulus start."""
    r = hh.simulate(
        "hodgkin_huxley",
        stimulus=hh.Step(AMPLITUDE, start=5.0),
        t_stop=T_STOP,
        dt=DT,
        integrator="exp_euler",
        record=[hh.Features(ALL, window=WINDOW)],
    )
    check_features(r, dense, WINDOW)


def test_spikes_of_a_window(dense):
    """Spikes outside the window are not stored; the cell is armed by what went before it."""
    r = hh.simulate(
        "hodgkin_huxley",
        stimulus=hh.Step(AMPLITUDE, start=5.0),
        t_stop=T_STOP,
        dt=DT,
        integrator="exp_euler",
        record=[hh.Spikes(window=WINDOW)],
    )
    for found, whole in zip(r.spike_times, dense.spike_times, strict=True):
        np.testing.assert_allclose(found, whole[(whole > WINDOW[0]) & (whole <= WINDOW[1])], atol=1e-9)


def test_recording_never_changes_a_trajectory(dense):
    """Whatever is recorded, the final state is the same bit for bit."""
    records = [
        [hh.Final()],
        [hh.SpikeCount(), hh.Final()],
        [hh.Spikes(), hh.Final()],
        [hh.Features(("V_mean", "V_max")), hh.Trace("V", "i_K", every=1.0), hh.Final()],
        [hh.Spikes(threshold=0.0, rearm=-40.0), hh.Features(("latency",)), hh.Trace("n", every=0.5), hh.Final()],
    ]
    for record in records:
        r = hh.simulate(
            "hodgkin_huxley",
            stimulus=hh.Step(AMPLITUDE, start=5.0),
            t_stop=T_STOP,
            dt=DT,
            integrator="exp_euler",
            record=record,
        )
        for x in ("V", "m", "h", "n"):
            np.testing.assert_array_equal(r[f"{x}_final"], dense[f"{x}_final"])


def test_traces_of_states_gates_and_currents(dense):
    """A sample holds the values of one moment: i = g m^3 h (V - E) among them, and V at the end is the final V."""
    V, m = dense["V"], dense["m"]
    np.testing.assert_array_equal(V[:, -1], dense["V_final"])
    np.testing.assert_allclose(V[:, 0], -65.0)
    np.testing.assert_allclose(dense["i_L"], 0.3 * (V + 54.387), rtol=1e-12, atol=1e-13)
    h = dense["i_Na"] / (120 * m**3 * (V - 50))
    assert ((h > 0) & (h < 1)).all()
    assert dense["V"].shape == (len(AMPLITUDE), round(T_STOP / DT) + 1)


def test_a_full_buffer_is_flagged_and_never_silent(dense):
    """Status 2, the first spikes kept, and the neighbours unharmed."""
    r = hh.simulate(
        "hodgkin_huxley",
        stimulus=hh.Step(AMPLITUDE, start=5.0),
        t_stop=T_STOP,
        dt=DT,
        integrator="exp_euler",
        record=[hh.Spikes(max_per_cell=3)],
    )
    many = dense.spike_count > 3
    assert many.any()
    assert not many.all()
    assert r.status.tolist() == (2 * many).tolist()
    assert r.spike_count.tolist() == np.minimum(dense.spike_count, 3).tolist()
    for found, whole in zip(r.spike_times, dense.spike_times, strict=True):
        np.testing.assert_allclose(found, whole[:3], atol=1e-9)


def test_two_traces_with_their_own_times(passive):
    """Each keeps its own time axis, `time` and `time_2`."""
    r = hh.simulate(
        passive,
        stimulus=hh.Step(1.0),
        t_stop=3.0,
        dt=0.1,
        integrator="exp_euler",
        record=[hh.Trace("V", every=0.5), hh.Trace("i_L", "i_app", every=0.2)],
    )
    assert r["V"].shape == (1, 7)
    assert r["i_L"].shape == r["i_app"].shape == (1, 16)
    np.testing.assert_allclose(r.time, 0.5 * np.arange(7))
    np.testing.assert_allclose(r["time_2"], 0.2 * np.arange(16))
    np.testing.assert_allclose(r["i_L"][0, ::5], 0.1 * (r["V"][0, ::2] + 65.0), atol=1e-12)


def test_samples_off_the_grid_of_steps(passive):
    """Samples fall between steps of any length: the passive membrane is right at each, to rounding."""
    r = hh.simulate(
        passive, stimulus=hh.Step(1.0), t_stop=3.0, dt=0.1, integrator="exp_euler", record=[hh.Trace("V", every=0.37)]
    )
    np.testing.assert_allclose(r.time, 0.37 * np.arange(9))
    np.testing.assert_allclose(r["V"][0], -65 + 10 * (1 - np.exp(-r.time / 20)), rtol=1e-13)


def test_instantaneous_gates_can_be_traced():
    """A gate that is no state has values, too."""
    r = hh.simulate(
        "wang_buzsaki",
        stimulus=hh.Step(1.0),
        t_stop=5.0,
        dt=0.05,
        integrator="exp_euler",
        record=[hh.Trace("V", "m", "i_app", every=0.5)],
    )
    V = r["V"][0]
    alpha, beta = 0.1 * (V + 35) / -np.expm1(-(V + 35) / 10), 4 * np.exp(-(V + 60) / 18)
    np.testing.assert_allclose(r["m"][0], alpha / (alpha + beta), rtol=1e-9)
    np.testing.assert_allclose(r["i_app"], 1.0)


def test_results_that_would_overwrite_each_other_are_refused(passive):
    """Two recorders may not deliver different things under one name."""
    for record in (
        [hh.Trace("V", every=0.5), hh.Trace("V", every=0.2)],
        [hh.Features(["V_max"]), hh.Features(["V_max"], window=(1.0, 2.0))],
        [hh.Spikes(), hh.SpikeCount(threshold=0.0)],
    ):
        with pytest.raises(InputError):
            hh.simulate(passive, t_stop=3.0, record=record)


# --- the spike contract, on a membrane that does what the test wants -------------------------------------------------
def driven(passive, segments, V0=-65.0, dt=0.01, **levels):
    """A membrane without leak integrates the current: V goes straight from each value to the next, 1 ms each."""
    stimulus = None
    for k, (a, b) in enumerate(zip([V0, *segments], segments, strict=False)):
        pulse = hh.Pulse(2.0 * (b - a), float(k), 1.0)
        stimulus = pulse if stimulus is None else stimulus + pulse
    return hh.simulate(
        passive,
        {"g_L": 0.0},
        stimulus=stimulus,
        t_stop=float(len(segments)),
        dt=dt,
        integrator="euler",
        initial={"V": V0},
        record=[hh.Spikes(**levels)],
    )


def test_a_spike_needs_rearming(passive):
    """After a spike V must fall below `rearm` before it can spike again: a notch above it does not count twice."""
    r = driven(passive, [0.0, -25.0, 0.0, -35.0])
    np.testing.assert_allclose(r.spike_time, [45 / 65], atol=1e-6)
    r = driven(passive, [0.0, -35.0, 0.0, -35.0])
    np.testing.assert_allclose(r.spike_time, [45 / 65, 2 + 15 / 35], atol=1e-6)


def test_a_cell_that_starts_above_threshold_starts_disarmed(passive):
    """No spike at t = 0; the first is the first real crossing."""
    assert driven(passive, [10.0, -25.0, 10.0, -25.0], V0=0.0).spike_count.tolist() == [0]
    r = driven(passive, [10.0, -35.0, 10.0, -35.0], V0=0.0)
    np.testing.assert_allclose(r.spike_time, [2 + 15 / 45], atol=1e-6)


def test_there_is_no_lockout(passive):
    """Two crossings 0.2 ms apart are two spikes."""
    up_and_down = hh.Train(amplitude=2 * 2 * 400.0, width=0.1, period=0.2) + hh.Step(-2 * 400.0)
    r = hh.simulate(
        passive,
        {"g_L": 0.0},
        stimulus=up_and_down,
        t_stop=2.0,
        dt=0.01,
        integrator="euler",
        initial={"V": -40.0},
        record=[hh.Spikes()],
    )
    np.testing.assert_allclose(r.spike_time, 0.05 + 0.2 * np.arange(10), atol=1e-6)


def test_equal_threshold_and_rearm(passive):
    """rearm = threshold: every upward crossing counts."""
    r = driven(passive, [0.0, -25.0, 0.0, -25.0], threshold=-20.0, rearm=-20.0)
    np.testing.assert_allclose(r.spike_time, [45 / 65, 2 + 5 / 25], atol=1e-6)


@pytest.mark.parametrize("integrator", ["exp_euler", "rk4"])
def test_halving_dt_does_not_change_the_count(integrator):
    """A resolved spike train has the same spikes at half the step."""
    stimulus = hh.Step(np.array([0.0, 7.0, 10.0, 20.0, 40.0, 80.0]))
    counts = [
        hh.simulate(
            "hodgkin_huxley", stimulus=stimulus, t_stop=100.0, dt=dt, integrator=integrator, record=[hh.Spikes()]
        ).spike_count.tolist()
        for dt in (0.02, 0.01)
    ]
    assert counts[0] == counts[1]
    assert max(counts[0]) > 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hh.Spikes(threshold=-20, rearm=-10), "rearm <= threshold"),
        (lambda: hh.Spikes(threshold=np.nan), "not NaN"),
        (lambda: hh.Spikes(max_per_cell=0), "max_per_cell"),
        (lambda: hh.Features(["spike_cuont"]), "did you mean 'spike_count'"),
        (hh.Trace, "at least one variable"),
        (lambda: hh.Trace("V", every=0.0), "every"),
        (lambda: hh.recorders["trce"], "did you mean 'trace'"),
    ],
)
def test_mistakes_are_named(make, message):
    """Levels the wrong way round, unknown features, nothing to trace."""
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (lambda: hh.Trace("v"), "did you mean 'V'"),
        (lambda: hh.Trace("i_Na"), "unknown trace variable 'i_Na'"),
        (lambda: hh.Spikes(window=(1.0, 5.0)), "window"),
        (lambda: hh.Features(["rate"], window=(2.0, 1.0)), "window"),
        (lambda: hh.Trace("V", every=1e-12), "samples"),
    ],
)
def test_what_a_run_cannot_record_is_refused(record, message, passive):
    """Variables that the model has not, windows outside the run."""
    with pytest.raises(InputError, match=message):
        hh.simulate(passive, t_stop=3.0, record=[record()])


def test_extrema_between_fixed_steps():
    """V_max of rk4 at 0.02 ms to 0.003 mV of a tight adaptive run; at an edge, whether shared or a cell's own, V's own."""
    record = [hh.Features(("V_max", "V_min"))]
    run = {"stimulus": hh.Step(amplitude=10.0, start=5.0), "t_stop": 40.0, "record": record}
    params = {"g_Na": np.linspace(100.0, 140.0, 9)}
    tight = hh.simulate("hodgkin_huxley", params, rtol=1e-10, atol=1e-10, **run)
    fixed = hh.simulate("hodgkin_huxley", params, integrator="rk4", dt=0.02, **run)
    for name in ("V_max", "V_min"):
        np.testing.assert_allclose(fixed[name], tight[name], rtol=0, atol=0.003)
    for width in (0.1, np.array([0.1, 0.1])):
        run["stimulus"] = hh.Pulse(amplitude=np.array([50.0, 100.0]), start=5.0, width=width)
        passive = [hh.simulate("hodgkin_huxley", {"g_Na": np.zeros(2)}, **run, **options)["V_max"]
                   for options in ({"integrator": "rk4", "dt": 0.025}, {"rtol": 1e-11})]  # fmt: skip
        np.testing.assert_allclose(*passive, rtol=0, atol=1e-6)

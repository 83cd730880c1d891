"""Until settled: each cell ends at its rest or on its cycle, and says which; the truth is from proofs and theory."""

import subprocess
import sys

import numpy as np
import pytest
from commands import hhfast
from reference_models import MODELS
from scipy.integrate import solve_ivp

import hhfast as hh
from hhfast.errors import InputError
from hhfast.figures.intervals import plot_intervals
from hhfast.figures.sweeps import plot_result, plot_stack
from hhfast.pages.result_page import result_page
from hhfast.parts.activity import ACTIVITIES
from hhfast.sweep.resimulate import resimulate
from hhfast.sweep.store import ResultFile

# Squid axon at 8 uA/cm2: a computer-assisted proof (doi:10.5281/zenodo.23047046), and mpmath in 30 digits.
PERIOD, REST = 16.0077128038376, -60.353375983126025
SQUID = {"stimulus": hh.Step(amplitude=8.0), "t_stop": 1000.0, "until": "settled", "integrator": "tsit5"}


def crossing(t, X):
    """Zero where V crosses the threshold of spikes, for SciPy."""
    return X[0] + 20.0


crossing.direction = 1.0  # type: ignore[attr-defined]


def activity(result):
    return [ACTIVITIES[k] for k in result["activity"]]


@pytest.mark.parametrize(("rtol", "error"), [(1e-6, 1e-4), (1e-9, 1e-7)])
def test_the_period_of_the_squid_axon_is_the_proved_one(rtol, error):
    r = hh.simulate("hodgkin_huxley", **SQUID, rtol=rtol)
    assert activity(r) == ["tonic"]
    assert abs(r["period"][0] - PERIOD) < error
    assert r["spikes_per_period"][0] == 1
    assert r["settled_at"][0] < 150
    assert r.status[0] == 0


def test_the_same_cell_rests_where_it_is_proved_to_from_another_state():
    r = hh.simulate("hodgkin_huxley", **SQUID, initial={"V": -60.0})
    assert activity(r) == ["silent"]
    assert abs(r["V_rest"][0] - REST) < 1e-11
    assert r["V_peak"][0] == r["V_trough"][0] == r["V_rest"][0]
    assert np.isnan(r["period"][0])


@pytest.mark.parametrize(
    ("integrator", "error"), [("rk4", 1e-5), ("rodas4", 1e-4), ("strang", 1e-2), ("exp_euler", 0.2), ("euler", 0.2)]
)
def test_every_integrator_settles(integrator, error):
    r = hh.simulate("hodgkin_huxley", {"g_Na": [120.0, 100.0]}, **{**SQUID, "integrator": integrator})
    assert activity(r) == ["tonic", "silent"]
    assert abs(r["period"][0] - PERIOD) < error
    assert r.status.tolist() == [0, 0]


@pytest.mark.parametrize("integrator", ["tsit5", "rk4"])
def test_a_row_is_the_same_whatever_its_neighbours(integrator):
    params = {"g_Na": np.linspace(60.0, 200.0, 97), "g_L": np.linspace(0.5, 0.05, 97)}
    record = [hh.Spikes(), hh.Features(["rate", "isi_mean", "V_max", "activity", "period", "settled_at", "V_trough"])]
    how = {**SQUID, "integrator": integrator, "record": record}
    together = hh.simulate("hodgkin_huxley", params, threads=2, **how)
    assert len(set(activity(together))) > 1
    order = np.random.default_rng(1).permutation(97)
    shuffled = hh.simulate("hodgkin_huxley", {n: v[order] for n, v in params.items()}, threads=1, **how)
    for name in ("rate", "isi_mean", "V_max", "activity", "period", "settled_at", "V_trough", "spike_count"):
        np.testing.assert_array_equal(shuffled[name], together[name][order], strict=True)
    for k in (0, 50, 96):
        alone = hh.simulate("hodgkin_huxley", {n: v[k : k + 1] for n, v in params.items()}, **how)
        assert alone["period"].tobytes() == together["period"][k : k + 1].tobytes()
        assert alone.spike_time.tobytes() == together.spike_times[k].tobytes()


def test_a_rest_is_proved_without_algebra():
    """A process whose kernels, the Jacobian's among them, are in the cache does not wait for SymPy."""
    code = """
import sys, hhfast as hh
r = hh.simulate("hodgkin_huxley", stimulus=hh.Step(amplitude=1.0), t_stop=1000.0, until="settled", integrator="tsit5")
print(ACTIVITY[r["activity"][0]], *{"sympy", "numba"} & set(sys.modules))
""".replace("ACTIVITY", repr(ACTIVITIES))
    hh.simulate("hodgkin_huxley", **{**SQUID, "stimulus": hh.Step(amplitude=1.0)})
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["silent"]


def test_it_goes_with_a_certificate_and_recorders_end_with_the_cell():
    record = [hh.Spikes(), hh.Trace("V", every=1.0), hh.Final()]
    r = hh.simulate("hodgkin_huxley", {"g_Na": [120.0, 100.0]}, **SQUID, record=record, certify=True)
    assert r["certified"].tolist() == [1, 1]
    assert r["settled_at_error"].shape == (2,)
    ended = r["settled_at"]
    for k in range(2):
        sampled = np.isfinite(r["V"][k])
        assert sampled[r.time < ended[k] - 1].all()
        assert not sampled[r.time > ended[k] + 5].any()
        assert r.spike_times[k].max(initial=0.0) <= ended[k]
    assert abs(r["V_final"][1] - r["V_rest"][1]) < 0.1


def test_cells_at_the_cap_say_so():
    r = hh.simulate("hodgkin_huxley", **{**SQUID, "t_stop": 40.0})
    assert activity(r) == ["unsettled"]
    assert r.status[0] == 6
    assert np.isnan(r["settled_at"][0])


@pytest.mark.parametrize(
    "stimulus",
    [hh.Sine(amplitude=5.0, frequency=50.0), hh.Noise(sigma=1.0, tau=2.0), hh.Train(8.0, period=20.0)],
)
def test_a_current_that_never_becomes_constant_is_refused(stimulus):
    with pytest.raises(InputError, match="never becomes a constant current"):
        hh.simulate("hodgkin_huxley", **{**SQUID, "stimulus": stimulus})


def test_a_current_that_ends_is_allowed():
    ended = hh.Sine(amplitude=5.0, frequency=50.0, stop=100.0) + hh.Ramp(amplitude=3.0, stop=60.0)
    r = hh.simulate("hodgkin_huxley", **{**SQUID, "stimulus": ended})
    assert activity(r) == ["silent"]
    assert abs(r["V_rest"][0] - hh.resting_state("hodgkin_huxley").V[0]) < 1e-9
    assert r["settled_at"][0] > 100


def test_a_pulse_that_outlasts_the_run_never_ends():
    for until in (1e15, 1001.0):
        r = hh.simulate("hodgkin_huxley", **{**SQUID, "t_stop": 1000.0, "stimulus": hh.Pulse(20.0, width=until)})
        assert activity(r) == ["tonic"]
        assert r["settled_at"][0] < 1000


def test_features_of_settled_cells_are_refused_without_it():
    with pytest.raises(InputError, match="'activity' needs until"):
        hh.simulate("hodgkin_huxley", t_stop=10.0, record=[hh.Features(["activity"])])
    with pytest.raises(InputError, match="window"):
        hh.simulate("hodgkin_huxley", **SQUID, record=[hh.Features(["rate"], window=(1.0, 10.0))])
    with pytest.raises(InputError, match="settle_tol"):
        hh.simulate("hodgkin_huxley", **{**SQUID, "until": hh.Settled(settle_tol=0.5)})


def test_initial_states_are_an_axis_that_shows_coexisting_regimes(tmp_path):
    path = tmp_path / "scan.toml"
    path.write_text("""
model = "hodgkin_huxley"
t_stop = 1000.0
until = "settled"
integrator = "tsit5"
initial = ["model", "depolarised", { V = -60.0 }]
[stimulus]
kind = "step"
[axes]
"stimulus.amplitude" = { values = [8.0, 20.0] }
[record]
features = ["activity", "period", "V_rest", "rate"]
spikes = true
""")
    sweep = hh.Sweep.from_toml(path)
    assert sweep.space.shape == (2, 3)
    out = sweep.run(tmp_path / "scan.h5", progress=False)
    ds = hh.open_results(out)
    names = [ds["activity"].attrs["flag_meanings"].split()[k] for k in ds["activity"].values.ravel()]
    assert names == ["tonic", "tonic", "silent", "tonic", "tonic", "tonic"]
    assert ds["initial"].values.tolist() == ["model", "depolarised", "V = -60"]
    assert abs(ds["period"].values[0, 0] - PERIOD) < 1e-4
    resting = ds.sel(initial="V = -60").isel({"stimulus.amplitude": 0})
    assert abs(float(resting["V_rest"]) - REST) < 1e-11
    assert resting["rate"] == 0
    np.testing.assert_allclose(ds["rate"].values[0, 0], 1e3 / PERIOD, rtol=1e-5)
    check_names_of_initial_states(out, ds)


def check_names_of_initial_states(out, ds):
    """In what the commands print, in criteria, in pictures, and by which spikes are found."""
    told = hhfast("info", out).stdout
    assert "model, depolarised, V = -60" in told
    assert "83.3 % tonic, 16.7 % silent" in told
    assert "burst_ratio = 3, looseness = 0.08, plateau_level = -20, plateau_min = 50" in told
    assert "activity: 83.3 % tonic, 16.7 % silent" in hhfast("status", out).stdout
    np.testing.assert_array_equal(hh.select(out, "initial == 'depolarised'").rows, [1, 4])
    assert not hh.select(out, "initial == 'depolarised'").parameters  # a state is no parameter of a next protocol
    with pytest.raises(InputError, match="did you mean 'depolarised'"):
        hh.select(out, "initial == 'depolarized'")
    fired = ds.hhfast.spikes(**{"initial": "depolarised", "stimulus.amplitude": 8.0})
    np.testing.assert_array_equal(fired, ds.hhfast.spikes(1))
    with pytest.raises(InputError, match="did you mean 'model'"):
        ds.hhfast.spikes(**{"initial": "modell", "stimulus.amplitude": 8.0})
    with ResultFile(out) as result:
        for figure, axis in ((plot_result(result, value="activity"), "x"), (plot_stack(result, value="rate"), "y"),
                             (plot_result(result, value="rate", x="initial", y="stimulus.amplitude"), "x"),
                             (plot_intervals(result, x="initial"), "x")):  # fmt: skip
            figure.draw_without_rendering()
            ticks = getattr(figure.axes[0], f"{axis}axis").get_ticklabels()
            assert [tick.get_text() for tick in ticks] == ["model", "depolarised", "V = -60"]
    assert "row 2 (stimulus.amplitude = 8, initial: V = -60): " in resimulate(out, 2).text
    assert resimulate(out, 0).traces.time[-1] < 200  # it has settled by then: samples lie close to each other
    assert '"names":["model","depolarised","V = -60"]' in result_page(out)


def test_a_list_of_initial_states_is_checked():
    space = hh.Grid.of({"g_Na": [100.0]})
    with pytest.raises(InputError, match=r"initial.1: .*'rset'"):
        hh.Sweep("hodgkin_huxley", space, t_stop=10.0, initial=["model", "rset"])
    with pytest.raises(InputError, match=r"initial.0: .*'U'"):
        hh.Sweep("hodgkin_huxley", space, t_stop=10.0, initial=[{"U": 1.0}])


def test_activities_of_the_published_points_of_the_stomatogastric_neuron():
    """Prinz, Billimoria & Marder 2003: Na CaT CaS A KCa Kd H leak, mS/cm2, as labelled there; but for the irregular
    burster, whose regularity the paper judged by the eye.
    """
    points = {
        "silent": [(500, 0, 0, 40, 0, 75, 0.01, 0)],
        "tonic": [(100, 0, 10, 40, 5, 75, 0.02, 0.03), (200, 0, 4, 10, 10, 125, 0.05, 0.04)],
        "bursting": [
            (100, 0, 4, 0, 15, 50, 0.02, 0.03), (100, 0, 6, 10, 10, 50, 0.03, 0.05), (500, 2.5, 8, 0, 15, 75, 0.05, 0),
            (200, 2.5, 4, 50, 5, 100, 0.01, 0.01),
        ],
        "irregular": [(300, 0, 10, 20, 20, 125, 0.05, 0.01)],
    }  # fmt: skip
    names = [f"g_{name}" for name in ("Na", "CaT", "CaS", "A", "KCa", "Kd", "H", "leak")]
    values = np.array([p for group in points.values() for p in group], float).T
    expected = [label for label, group in points.items() for _ in group]
    r = hh.simulate(
        "prinz_stg", dict(zip(names, values, strict=True)), t_stop=20000.0, until="settled", integrator="tsit5"
    )
    assert activity(r) == expected
    assert r["spikes_per_period"][5] == 32  # bursts of 17 and 15 spikes in turn
    assert (r["period"][3:7] > 500).all()
    assert (r["duty_cycle"][3:7] < 0.6).all()


def test_oscillation_without_spikes_and_depolarisation_block():
    """Squid axon just below its upper Hopf point (154.5224, proved); Morris & Lecar in block."""
    r = hh.simulate("hodgkin_huxley", **{**SQUID, "stimulus": hh.Step(154.0), "t_stop": 5000.0})
    assert activity(r) == ["subthreshold"]
    np.testing.assert_allclose(r["period"][0], 2 * np.pi / 1.06292180676034, rtol=2e-3)
    assert r["V_peak"][0] - r["V_trough"][0] > 1
    r = hh.simulate("morris_lecar_1981_class_1", **{**SQUID, "stimulus": hh.Step([41.0, 150.0]), "t_stop": 5000.0})
    assert activity(r) == ["tonic", "blocked"]


def test_an_fi_curve_until_settled_is_exact():
    """The proved period at 8 uA/cm2, on the upward branch from above; silent at rest below the fold of cycles."""
    curve = hh.fi_curve(
        "hodgkin_huxley", [4.0, 8.0, 20.0], direction="down", until="settled", integrator="tsit5", rtol=1e-9, tol=0.1
    )
    np.testing.assert_allclose(curve.rate[0, 1], 1e3 / PERIOD, rtol=1e-7)
    assert curve.rate[0, 0] == 0
    assert curve.rate[0, 2] > curve.rate[0, 1]


def test_fi_curves_until_settled_are_those_of_scipy():
    """At the default tolerance, to 1e-5; LSODA at rtol 1e-10, equations written apart from hhfast."""
    model, currents = MODELS["hodgkin_huxley"], [15.0, 60.0]
    params = {"g_Na": np.array([110.0, 130.0]), "g_K": np.array([34.0, 37.0])}
    curve = hh.fi_curve("hodgkin_huxley", currents, params, until="settled")
    for k in range(2):
        p = model.p | {name: values[k] for name, values in params.items()}
        for j, current in enumerate(currents):
            run = solve_ivp(
                lambda t, X, p=p, current=current: model.slope(X, current, p), (0.0, 250.0),
                [-30.0, 0.1, 0.4, 0.4], method="LSODA", rtol=1e-10, atol=1e-12, events=crossing,
            )  # fmt: skip
            np.testing.assert_allclose(curve.rate[k, j], 1e3 / np.diff(run.t_events[0])[-1], rtol=1e-5)


@pytest.mark.slow
def test_rates_are_those_of_long_runs():
    """Of 200 random cells, within 1e-6 of the last fifty intervals of 10 s; the same cells fire."""
    rng = np.random.default_rng(5)
    params = {"g_Na": rng.uniform(80, 180, 200), "g_K": rng.uniform(25, 50, 200)}
    how = {"stimulus": hh.Step(rng.uniform(7, 60, 200)), "t_stop": 10000.0, "integrator": "tsit5", "rtol": 1e-9}
    settled = hh.simulate("hodgkin_huxley", params, until="settled", record=[hh.Features(["rate", "activity"])], **how)
    fixed = hh.simulate("hodgkin_huxley", params, **how)
    rates = [50e3 / (t[-1] - t[-51]) if len(t) > 60 and t[-1] > 9900 else 0.0 for t in fixed.spike_times]
    assert (settled.status == 0).all()
    np.testing.assert_allclose(settled["rate"], rates, rtol=1e-6)


@pytest.mark.parametrize("integrator", ["rk4", "exp_euler", "tsit5"])
def test_a_row_that_is_not_a_number_is_flagged_alone(integrator):
    """NaN stands still, but is no rest."""
    run = {"stimulus": hh.Step(10.0), "t_stop": 500.0, "until": "settled", "integrator": integrator}
    r = hh.simulate("hodgkin_huxley", {"g_Na": [120.0, np.nan, 0.0]}, record=[hh.Features(("V_rest", "period"))], **run)
    assert r.status.tolist() == [0, 1, 0]
    assert np.isfinite(r["period"]).tolist() == [True, False, False]
    assert np.isfinite(r["V_rest"]).tolist() == [False, False, True]

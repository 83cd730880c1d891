"""Fits to features: known parameters are found again; errors are those of the measurement; ask and tell by a sweep."""

import numpy as np
import pytest
from commands import hhfast, refused

import hhfast as hh

FREE = {"g_Na": (60, 200), "g_K": (20, 60)}
TRUE = {"g_Na": np.array([110.0, 130.0]), "g_K": np.array([33.0, 38.0])}
STEP = hh.Step(amplitude=15.0)
ERRORS = {"rate": 0.5, "V_peak": 0.5, "V_trough": 0.2}


def measured(target, params, **run):
    """The features of cells, as a target with any numbers reads them."""
    found = hh.simulate(
        "hodgkin_huxley", params, stimulus=STEP, t_stop=target.t_stop, record=target.recorder, until=target.until, **run
    )
    return dict(zip(target.values, target.measured(found).T, strict=True))


def test_features_of_settled_cells_are_met():
    """Two targets; the standard errors are those of the plain theory, with differences of settled runs for J."""
    any_values = hh.FeatureTarget(dict.fromkeys(ERRORS, 0.0), ERRORS, t_stop=2000.0)
    values = measured(any_values, TRUE, rtol=1e-9)
    target = hh.FeatureTarget(values, ERRORS, t_stop=2000.0)
    found = hh.fit("hodgkin_huxley", target, FREE, stimulus=STEP, starts=4)
    for name, expected in TRUE.items():
        np.testing.assert_allclose(found.parameters[name], expected, rtol=1e-5)
    ends = [measured(any_values, {n: np.array([v[0] + s * 1e-2 * (n == p) for s in (-1, 1)]) for n, v in TRUE.items()},
                     rtol=1e-9) for p in TRUE]  # fmt: skip
    J = np.array([[(end[f][1] - end[f][0]) / 2e-2 / ERRORS[f] for end in ends] for f in ERRORS])
    expected = np.sqrt(np.diag(np.linalg.inv(J.T @ J)))
    np.testing.assert_allclose([found.error[name][0] for name in TRUE], expected, rtol=1e-3)


def test_features_of_a_run_are_met_by_their_derivatives(monkeypatch):
    """Without any run that differs a little; the standard errors are those of differences of tight runs."""
    errors = {"latency": 0.02, "isi_mean": 0.05, "V_max": 0.2, "minimum_voltage": 0.2}
    any_values = hh.FeatureTarget(dict.fromkeys(errors, 0.0), errors, t_stop=60.0, until="t_stop")
    true = {"g_Na": 118.0, "g_K": 34.0}

    def features(params):
        return {name: v[0] for name, v in measured(any_values, params, rtol=1e-11, dtype="float64").items()}

    target = hh.FeatureTarget(features(true), errors, t_stop=60.0, until="t_stop")
    monkeypatch.setattr("hhfast.analysis.fit._FitProblem._differences", None)  # not called
    found = hh.fit("hodgkin_huxley", target, FREE, stimulus=STEP, starts=2, rtol=1e-8)
    columns = []
    for name, expected in true.items():
        assert found.parameters[name][0] == pytest.approx(expected, rel=1e-5)
        low, high = (features(true | {name: expected + by}) for by in (-0.01, 0.01))
        columns.append([(high[f] - low[f]) / 0.02 / error for f, error in errors.items()])
    J = np.array(columns).T
    expected = np.sqrt(np.diag(np.linalg.inv(J.T @ J)))
    np.testing.assert_allclose([found.error[name][0] for name in true], expected, rtol=1e-3)


def test_shapes_of_spikes_by_differences():
    """From latency, half-width and after-hyperpolarisation of a run the parameters that made it are found again."""
    errors = {"latency": 0.02, "AP_duration_half_width": 0.01, "AHP_depth_abs": 0.2}
    any_values = hh.FeatureTarget(dict.fromkeys(errors, 0.0), errors, t_stop=25.0, until="t_stop")
    true = {"g_Na": 118.0, "g_K": 34.0}
    values = {name: v[0] for name, v in measured(any_values, true, rtol=1e-9).items()}
    target = hh.FeatureTarget(values, errors, t_stop=25.0, until="t_stop")
    found = hh.fit("hodgkin_huxley", target, FREE, stimulus=STEP, starts=2, rtol=1e-8)
    assert found.rms[0] < 1e-3
    for name, expected in true.items():
        assert found.parameters[name][0] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": {"rat": 1.0}}, "did you mean 'rate'"),
        ({"values": {"rate": 1.0}, "until": "t_stop"}, "a count jumps"),
        ({"errors": {}}, "errors has no 'rate'"),
        ({"errors": {"rate": 1.0, "V_rest": 1.0}}, "is no value"),
        ({"errors": {"rate": 0.0}}, "positive"),
        ({"values": {"rate": np.nan}}, "NaN"),
        ({"values": {"rate": np.inf}}, "finite"),
        ({"values": {}}, "names no feature"),
        ({"values": {"rate": [1.0, 2.0]}, "errors": {"rate": [1.0] * 3}}, "different lengths"),
        ({"until": "rest"}, "until = 'rest': known: settled, t_stop"),
    ],
)
def test_what_is_no_target_is_refused(change, message):
    given = {"values": {"rate": 60.0}, "errors": {"rate": 1.0}} | change
    with pytest.raises(hh.InputError, match=message):
        hh.FeatureTarget(**given)


def test_the_command(tmp_path, monkeypatch, pictures):
    monkeypatch.chdir(tmp_path)
    given = ("--feature", "rate=80:0.5", "--feature", "V_trough=-74:0.3", "--free", "g_K=20:60", "--current", 15)
    result = hhfast("fit", "hodgkin_huxley", *given, "--starts", 2, "-o", "fit.png")
    assert result.exit_code == 0, result.output
    assert "standard errors rms" in result.output
    assert "fitted less measured" in pictures[0].axes[0].get_xlabel()
    assert "NAME=VALUE:ERROR" in refused("fit", "hodgkin_huxley", "--free", "g_K=20:60", "--feature", "rate=80")
    assert "nothing to fit to" in refused("fit", "hodgkin_huxley", "--free", "g_K=20:60")


def test_a_simulator_for_ask_and_tell():
    """The loop of nevergrad and cma, here a plain evolution strategy: ask for points, simulate all, tell their loss."""
    space = hh.Sample(
        "random", 1, {"g_Na": hh.Distribution("uniform", (60, 200)), "g_K": hh.Distribution("uniform", (20, 60))}
    )
    simulator = hh.BatchedSimulator(hh.Sweep(
        "hodgkin_huxley", space, 1000.0, stimulus={"kind": "step", "amplitude": 15.0}, until="settled",
        record=hh.Record(features=("rate", "V_trough")),
    ))  # fmt: skip
    wanted, rng = simulator([[110.0, 33.0]])[0], np.random.default_rng(3)
    mean, covariance, losses = np.array([150.0, 45.0]), np.diag([30.0, 8.0]) ** 2, []
    for _ in range(25):
        points = rng.multivariate_normal(mean, covariance, 40)  # ask
        loss = (((simulator(points) - wanted) / [0.5, 0.2]) ** 2).sum(axis=1)
        best = points[np.argsort(np.nan_to_num(loss, nan=np.inf))[:12]]  # tell
        losses.append(np.nanmin(loss))
        mean, covariance = best.mean(axis=0), 1.6 * np.cov(best.T) + np.diag([1e-6, 1e-6])
    assert losses[-1] < 1e-3 < losses[0]
    np.testing.assert_allclose(mean, [110.0, 33.0], rtol=0.01)

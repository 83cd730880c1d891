"""Derivatives of settled cells: those of finite differences of settled runs, and of the equilibrium by SciPy."""

import numpy as np
import pytest
from scipy.optimize import fsolve

import hhfast as hh

TONIC = ["period", "rate", "isi_mean", "V_peak", "V_trough"]
BURSTS = [*TONIC, "isi_cv", "duty_cycle", "burst_duration", "intraburst_rate"]
STG = {"g_Na": 100.0, "g_CaT": 0.0, "g_CaS": 4.0, "g_A": 0.0, "g_KCa": 15.0, "g_Kd": 50.0, "g_H": 0.02, "g_leak": 0.03}
TIGHT = {"until": hh.Settled(settle_tol=1e-9), "rtol": 1e-11}


def differences(model, params, name, features, relative=1e-4, **run):
    """Derivatives of features of settled runs at tight tolerances, by central differences of fourth order."""
    value = params.get(name, hh.models[model].parameters[name].value)
    h = relative * abs(value)
    moved = params | {name: value + h * np.array([-2, -1, 1, 2])}
    found = hh.simulate(model, moved, record=[hh.Features(features)], **run, **TIGHT)
    return {f: (found[f][0] - 8 * found[f][1] + 8 * found[f][2] - found[f][3]) / (12 * h) for f in features}


@pytest.mark.parametrize(
    ("model", "params", "current", "by", "features"),
    [
        ("hodgkin_huxley", {}, 10.0, ("g_Na", "E_K", "celsius"), TONIC),
        ("morris_lecar_1981_class_1", {}, 45.0, ("g_Ca",), ["period", "V_peak", "V_trough"]),
        ("hodgkin_huxley_1952_markov", {}, 10.0, ("g_K",), TONIC),
        ("butera_1999_prebotzinger_nap", {}, 0.0, ("g_K",), BURSTS),
        pytest.param("prinz_stg", STG, 0.0, ("g_CaS",), BURSTS, marks=pytest.mark.slow),
    ],
)
def test_derivatives_of_cycles_are_those_of_finite_differences(model, params, current, by, features):
    """To 1e-5; the run itself is of the default tolerances, and its derivatives are of the cycle beside it."""
    run = {"stimulus": hh.Step(amplitude=current), "t_stop": 20_000.0}
    found = hh.simulate(
        model,
        params,
        record=[hh.Features(["activity", "spikes_per_period", *features])],
        until="settled",
        sensitivity=by,
        **run,
    )
    assert found["activity"][0] == (3 if features is BURSTS else 2)
    assert "spikes_per_period_d" + by[0] not in found  # an integer stays one
    for name in by:
        expected = differences(model, params, name, features, **run)
        for feature in features:
            np.testing.assert_allclose(found[f"{feature}_d{name}"][0], expected[feature], rtol=1e-5, err_msg=feature)


def test_derivatives_of_bursts_of_many_spikes():
    """71 spikes in a burst; these move fast with the parameter, and differences over less are needed."""
    model, params, name = "butera_1999_prebotzinger_nap", {"tau_h": 45_000.0}, "g_K"
    run = {"stimulus": hh.Step(amplitude=0.0), "t_stop": 100_000.0}
    record = [hh.Features(["activity", "spikes_per_period", *BURSTS])]
    found = hh.simulate(model, params, record=record, until="settled", sensitivity=[name], **run)
    assert found["spikes_per_period"][0] > 64
    expected = differences(model, params, name, BURSTS, relative=1e-5, **run)
    for feature in ("period", "burst_duration", "isi_cv", "intraburst_rate"):
        np.testing.assert_allclose(found[f"{feature}_d{name}"][0], expected[feature], rtol=1e-5, err_msg=feature)


def test_derivatives_at_rest():
    """Those of the equilibrium, which SciPy finds on the plain equations; a rate of 0 does not change."""
    model = hh.models["hodgkin_huxley"]

    def rest(g_K):
        def slopes(X):
            state = dict(zip(model.states, X, strict=True))
            return [float(v) for v in model.derivatives(state, {"g_K": g_K}, 3.0).values()]

        return fsolve(slopes, [-63.0, 0.07, 0.55, 0.35], xtol=1e-12)[0]

    h = 1e-3
    expected = (rest(36 - 2 * h) - 8 * rest(36 - h) + 8 * rest(36 + h) - rest(36 + 2 * h)) / (12 * h)
    found = hh.simulate(
        model, stimulus=hh.Step(amplitude=3.0), t_stop=2_000.0, until="settled", sensitivity=["g_K"],
        record=[hh.Features(["V_rest", "V_peak", "rate", "period"])],
    )  # fmt: skip
    assert found["V_rest_dg_K"][0] == pytest.approx(expected, rel=1e-6)
    assert found["V_peak_dg_K"][0] == found["V_rest_dg_K"][0]
    assert found["rate_dg_K"][0] == 0.0
    assert np.isnan(found["period_dg_K"][0])


def test_derivatives_by_the_current_are_those_of_finite_differences():
    """At rest and on cycles; by a pulse that is over, by when it begins, and by initial values there are none."""
    current, h = np.array([3.0, 10.0, 12.0]), 1e-3
    features = ["period", "rate", "V_peak", "V_trough", "V_rest"]
    step = {"t_stop": 5000.0, "record": [hh.Features(features)]}
    found = hh.simulate("hodgkin_huxley", stimulus=hh.Step(amplitude=current, start=5.0), until="settled",
                        sensitivity=["amplitude", "start", "V_initial", "g_K"], **step)  # fmt: skip
    ends = [hh.simulate("hodgkin_huxley", stimulus=hh.Step(amplitude=current + k * h, start=5.0), **step, **TIGHT)
            for k in (-2, -1, 1, 2)]  # fmt: skip
    for feature in features:
        expected = (ends[0][feature] - 8 * ends[1][feature] + 8 * ends[2][feature] - ends[3][feature]) / (12 * h)
        rtol = 1e-4 if feature.startswith("V_") else 1e-5
        np.testing.assert_allclose(found[f"{feature}_damplitude"], expected, rtol=rtol, err_msg=feature)
        none = np.where(np.isnan(expected), np.nan, 0.0)
        for name in ("start", "V_initial"):
            np.testing.assert_array_equal(found[f"{feature}_d{name}"], none)
    alone = hh.simulate("hodgkin_huxley", stimulus=hh.Step(amplitude=current, start=5.0), until="settled",
                        sensitivity=["g_K"], **step)  # fmt: skip
    np.testing.assert_allclose(found["period_dg_K"], alone["period_dg_K"], rtol=1e-9)
    assert found.variables["V_peak_damplitude"].unit == "mV/(uA cm-2)"
    over = hh.simulate("hodgkin_huxley", stimulus=hh.Pulse(amplitude=3.0, width=2.0), until="settled",
                       sensitivity=["amplitude", "width"], **step)  # fmt: skip
    assert (over["V_rest_damplitude"], over["V_rest_dwidth"]) == (0.0, 0.0)


def test_rows_stand_alone_and_the_run_stays_as_it_is():
    """With and without derivatives the same bits; cells that do not settle have none; any integrator leads there."""
    run = {"stimulus": hh.Step(amplitude=np.array([2.0, 8.0, 10.0, 12.0])), "until": "settled"}
    record = [hh.Features(["period", "V_peak", "V_rest"])]
    alone = hh.simulate("hodgkin_huxley", record=record, t_stop=2_000.0, **run)
    beside = hh.simulate("hodgkin_huxley", record=record, t_stop=2_000.0, sensitivity=["g_Na"], **run)
    for name in alone:
        np.testing.assert_array_equal(alone[name], beside[name])
    assert set(beside) - set(alone) == {f"{name}_dg_Na" for name in ("period", "V_peak", "V_rest")}
    assert beside.variables["period_dg_Na"].unit == "ms/(mS cm-2)"
    one = hh.simulate(
        "hodgkin_huxley", record=record, t_stop=2_000.0, sensitivity=["g_Na"], until="settled",
        stimulus=hh.Step(amplitude=10.0),
    )  # fmt: skip
    np.testing.assert_allclose(one["period_dg_Na"], beside["period_dg_Na"][2:3], rtol=1e-9)
    stiff = hh.simulate(
        "hodgkin_huxley", record=record, t_stop=2_000.0, sensitivity=["g_Na"], integrator="rodas4", **run
    )
    np.testing.assert_allclose(stiff["period_dg_Na"], beside["period_dg_Na"], rtol=1e-8)
    short = hh.simulate("hodgkin_huxley", record=record, t_stop=20.0, sensitivity=["g_Na"], **run)
    assert np.isnan(short["period_dg_Na"]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sensitivity": ["g_Nab"]}, "did you mean 'g_Na'"),
        ({"sensitivity": ["m_initia"]}, "did you mean 'm_initial'"),
        ({"sensitivity": ["stop"], "stimulus": hh.Ramp(amplitude=1.0, stop=5.0)}, "is not linear in 'stop'"),
        ({"record": [hh.Features(["latency"])]}, "'latency' of a settled cell has no derivative"),
        ({"record": [hh.Trace("dV_dg_Na")]}, "unknown trace variable"),
    ],
)
def test_what_has_no_derivative_is_refused(change, message):
    given = {"sensitivity": ["g_Na"], "until": "settled", "t_stop": 100.0} | change
    with pytest.raises(hh.InputError, match=message):
        hh.simulate("hodgkin_huxley", **given)

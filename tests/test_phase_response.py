"""Phase response curves: those of direct perturbation, of theory, and of the period's change with the current."""

import numpy as np
import pytest
from typer.testing import CliRunner

import hhfast as hh

CASES = {  # model -> current, parameters; a tonic cell, a cell of type I, a burster
    "hodgkin_huxley": (10.0, {}),
    "morris_lecar_1981_class_1": (45.0, {}),
    "butera_1999_prebotzinger_nap": (0.0, {}),
    "connor_stevens": (10.0, {}),
    "mcintyre_2002_motor_node": (20.0, {}),  # eleven spikes of a burst
    "doiron_2002_ell_pyramidal": (6.0, {}),  # two compartments
}
SLOW = [*CASES][3:]  # all of the library once: benchmarks/phase_response.py


def shifted(model, found, k, by):
    """By how much later spikes come earlier when V is displaced at a phase, by central differences of two runs."""
    current, params = CASES[model]
    late = []
    for sign in (1, -1):
        start = states_at(model, found, k)
        start["V"] += sign * by
        run = hh.simulate(
            model, params, stimulus=hh.Step(amplitude=current), t_stop=6.3 * found.period[0], initial=start,
            rtol=1e-10, record=[hh.Spikes()],
        )  # fmt: skip
        late.append(run.spike_time[-1])
    return (late[1] - late[0]) / (2 * by)


def states_at(model, found, k):
    """The state of the cycle at a phase: from a spike on, which is where a settled run crosses the threshold."""
    return {name: float(values[0, k]) for name, values in found.states.items()}


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in CASES]
)
def case(request):
    current, params = CASES[request.param]
    return request.param, hh.phase_response(request.param, params, i_app=current, phases=128)


def test_the_response_is_that_of_a_direct_displacement(case):
    """V displaced by 1e-4 mV at some phases: six periods later the spikes are shifted by as much."""
    model, found = case
    for k in (13, 64, 90, 115):
        assert found.response[0, k] == pytest.approx(shifted(model, found, k, 1e-4), rel=2e-3, abs=1e-4)


def test_normalisation(case):
    """The adjoint times the slopes dx/dt is 1, ms per ms, at every phase; the curve closes."""
    model, found = case
    current, params = CASES[model]
    states = np.array([found.states[x][0] for x in hh.models[model].states])
    slopes = hh.models[model].derivatives(states, params, current)
    adjoint = np.array([found.adjoint[x][0] for x in hh.models[model].states])
    np.testing.assert_allclose((adjoint * slopes).sum(axis=0), 1.0, rtol=1e-5)
    assert found.response[0, 0] == pytest.approx(found.response[0, -1], rel=1e-6)


def test_its_integral_is_the_change_of_the_period_with_the_current():
    """dT/dI = -integral of the response over C_m; here against settled runs at two currents."""
    found = hh.phase_response("hodgkin_huxley", i_app=10.0, phases=1024)
    periods = hh.simulate(
        "hodgkin_huxley", stimulus=hh.Step(amplitude=np.array([9.999, 10.001])), t_stop=5_000.0, rtol=1e-10,
        until=hh.Settled(settle_tol=1e-8), record=[hh.Features(["period"])],
    )["period"]  # fmt: skip
    expected = (periods[1] - periods[0]) / 0.002
    assert -found.period[0] * found.response[0, :-1].mean() == pytest.approx(expected, rel=1e-4)


def test_cells_of_a_batch_each_on_its_own():
    """Cells that rest, and cells without meaning, are told apart; one row is as if alone."""
    currents = np.array([2.0, 8.0, 10.0, 12.0])
    found = hh.phase_response("hodgkin_huxley", i_app=currents, phases=32)
    assert [hh.AnalysisStatus(code).name for code in found.status[[0, 2, 3]]] == ["NOT_PERIODIC", "OK", "OK"]
    assert np.isnan(found.response[0]).all()
    alone = hh.phase_response("hodgkin_huxley", i_app=10.0, phases=32)
    np.testing.assert_allclose(found.response[2], alone.response[0], rtol=1e-6, atol=1e-9)
    assert found.floquet[2] == pytest.approx(0.0740603, rel=1e-4)
    bad = hh.phase_response("hodgkin_huxley", {"g_Na": [120.0, np.nan]}, i_app=10.0, phases=32)
    assert list(bad.status) == [hh.AnalysisStatus.OK, hh.AnalysisStatus.DIVERGED]


def test_the_period_that_is_proved():
    """Of the squid axon at 8 uA/cm2, by computer-assisted proof: 16.0077128038376 +- 4.4e-14 ms."""
    found = hh.phase_response("hodgkin_huxley", {"E_L": -54.387}, i_app=8.0, phases=32)
    assert found.period[0] == pytest.approx(16.0077128038376, rel=1e-9)


def test_formulas_that_bend_and_jump():
    """The CA3 cell has min() and an `if` whose sides differ by 2e-4: right to 1e-4, and told to be so.

    Of its bursts at another current the error is larger than 1e-4, and told, too.
    """
    model, params = "pinsky_rinzel_1994_ca3", {}
    found = hh.phase_response(model, params, i_app=np.array([2.5, 0.5]), threshold=20.0)
    assert 1e-6 < found.error[0] < 1e-4 < found.error[1]
    largest = np.abs(found.response[0]).max()
    for k in (47, 90, 176):
        start = {name: np.full(2, values[0, k]) for name, values in found.states.items()}
        start["V"] = start["V"] + [-0.01, 0.01]
        run = hh.simulate(
            model, params, stimulus=hh.Step(amplitude=2.5), t_stop=(4.5 - k / 200) * found.period[0], initial=start,
            rtol=1e-12, record=[hh.Spikes(threshold=20.0, rearm=10.0)],
        )  # fmt: skip
        early, late = (times[-1] for times in run.spike_times)
        assert found.response[0, k] == pytest.approx((early - late) / 0.02, abs=1e-4 * largest)


def test_a_cycle_that_newton_does_not_find(monkeypatch):
    monkeypatch.setattr("hhfast.batch.cycles._ACCEPTED", 0.0)
    found = hh.phase_response("hodgkin_huxley", i_app=10.0, phases=32)
    assert list(found.status) == [hh.AnalysisStatus.NOT_PERIODIC]
    assert np.isnan(found.response).all()


def test_types_of_excitability():
    """Of type I, near a saddle-node on a circle, displacements only advance; of type II they also delay."""
    assert hh.phase_response("morris_lecar_1981_class_1", i_app=41.0, phases=64).delayed[0] < 0.02
    assert hh.phase_response("hodgkin_huxley", i_app=10.0, phases=64).delayed[0] > 0.2


def test_command_and_sweep(tmp_path, pictures):
    from hhfast.cli.app import app

    picture = tmp_path / "prc.png"
    run = CliRunner().invoke(app, ["prc", "hodgkin_huxley", "--current", "10", "--phases", "32", "-o", str(picture)])
    assert run.exit_code == 0
    assert "14.636" in run.output
    upper, lower = pictures[0].axes
    assert [len(axes.lines[0].get_xdata()) for axes in (upper, lower)] == [33, 33]
    assert upper.get_title() == "period 14.636 ms"
    lines = CliRunner().invoke(app, ["prc", "hodgkin_huxley", "--current", "10", "--phases", "32", "--csv"])
    assert len(lines.output.splitlines()) == 34
    none = CliRunner().invoke(app, ["prc", "hodgkin_huxley", "-o", str(tmp_path / "none.png")])
    assert none.exit_code == 2
    assert "none of the cells is periodic" in none.output
    (tmp_path / "prc.toml").write_text(
        'model = "hodgkin_huxley"\n[analysis]\nkind = "phase_response"\ni_app = 10.0\nphases = 32\n'
        "[axes]\ng_Na = { values = [110, 130] }\n"
    )
    hh.Sweep.from_toml(tmp_path / "prc.toml").run(tmp_path / "prc.h5", progress=False)
    assert hh.open_results(tmp_path / "prc.h5")["period"].values == pytest.approx([15.59037, 14.1], rel=0.05)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phases": 3}, "whole number from 8"),
        ({"initial": "there"}, "initial"),
        ({"i_app": np.zeros(3), "params": {"g_Na": [1.0, 2.0]}}, "give one for each"),
        ({"params": {"g_Nab": 1.0}}, "did you mean 'g_Na'"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(hh.InputError, match=message):
        hh.phase_response("hodgkin_huxley", **change)

"""What every registered part must do, over the registries themselves: a new part is tested by being added."""

import numpy as np
import pytest
from reference_models import MODELS
from standard import DRIVES

import hhfast as hh
from hhfast.errors import UnknownName

REGISTRIES = {"models": hh.models, "integrators": hh.integrators, "stimuli": hh.stimuli, "recorders": hh.recorders}
# Values that make a current of a few uA/cm2 within 5 ms; a new stimulus with other parameters needs an entry.
VALUES = {
    "amplitude": 5.0,
    "second_amplitude": 8.0,
    "start": 0.5,
    "stop": 4.0,
    "width": 0.7,
    "interval": 2.0,
    "period": 1.5,
    "count": 3,
    "frequency": 100.0,
    "frequency_end": 300.0,
    "phase": 0.1,
    "offset": 1.0,
    "times": [0.2, 1.0, 3.0],
    "values": [0.0, 5.0, 1.0],
    "scale": 1.5,
    "sigma": 2.0,
    "tau": 3.0,
    "mean": 1.0,
    "every": 0.1,
    "seed": 1,
    "cell": 7,
    "g": 0.3,
    "rate": 4000.0,
    "E": 10.0,
    "tau_rise": 0.3,
    "tau_decay": 2.0,
    "g_e": 0.3,
    "g_i": 0.2,
    "sigma_e": 0.1,
    "sigma_i": 0.1,
    "tau_e": 2.0,
    "tau_i": 5.0,
    "E_e": 5.0,
    "E_i": -80.0,
    "holding": -70.0,
    "level_1": -50.0,
    "rise_1": 20.0,
    "duration_1": 2.0,
    "on": 0.2,
    "series_resistance": 0.5,
}
RECORDERS = {"features": (tuple(hh.Features.known),), "trace": ("V",)}  # those that need to be told something


@pytest.mark.parametrize("registry", REGISTRIES)
@pytest.mark.core
def test_registries_are_mappings_with_suggestions(registry):
    """Iteration, length, membership, and a KeyError that names the nearest entry."""
    entries = REGISTRIES[registry]
    names = list(entries)
    assert len(entries) == len(names) == len(set(names)) > 0
    for name in names:
        assert name in entries
        with pytest.raises(UnknownName, match=rf"did you mean '{name}'\?"):
            entries[f"{name}x"]
        with pytest.raises(KeyError, match=f"did you mean '{name}'"):
            entries[name.upper()]
    assert "nothing like it" not in entries


@pytest.mark.parametrize("name", MODELS)
def test_models_are_complete_and_run(name):
    """Citation and title, units on every parameter, a finite rest, and 5 finite milliseconds."""
    model = hh.models[name]
    assert model.name == name
    assert any(c.isdigit() for c in model.citation)
    assert model.title
    assert all(p.unit for p in model.parameters.values())
    offset = DRIVES[name].offset if name in DRIVES else 1.0
    stimulus = hh.Sine(amplitude=0.3 * offset, frequency=100.0, phase=0.5, offset=offset)
    r = hh.simulate(
        name, stimulus=stimulus, t_stop=5.0, integrator="exp_euler", initial="rest", record=[hh.Spikes(), hh.Final()]
    )
    assert r.status.tolist() == [0]
    for x in model.states:
        assert np.isfinite(r[f"{x}_final"]).all()
    for gate in model.gates:
        assert 0 <= r[f"{gate.name}_final"][0] <= 1


@pytest.mark.parametrize("name", hh.integrators)
@pytest.mark.core
def test_every_integrator_is_described_and_runs(name):
    """Citation, stability note, order; a squid axon spikes once within 5 ms at a small step."""
    entry = hh.integrators[name]
    assert entry.name == name
    assert any(c.isdigit() for c in entry.citation)
    assert entry.stability
    assert entry.order >= 1
    assert isinstance(entry.adaptive, bool)
    assert isinstance(entry.stiff, bool)
    r = hh.simulate(
        "hodgkin_huxley",
        stimulus=hh.Sine(3.0, 100.0, 0.5, 10.0),
        t_stop=5.0,
        dt=0.01,
        integrator=name,
        record=[hh.Spikes(), hh.Final()],
    )
    assert r.status.tolist() == [0]
    assert r.spike_count.tolist() == [1]
    assert np.isfinite(r["V_final"]).all()


@pytest.mark.parametrize("name", hh.stimuli)
@pytest.mark.core
def test_every_stimulus_is_described_and_drives_a_cell(name, passive):
    """A sentence, units, parameters as numbers and as arrays; the membrane moves and stays finite."""
    kind = hh.stimuli[name]
    assert kind.name == name
    assert kind.doc
    assert all(unit for _, unit in kind.parameters.values())
    given = {p: VALUES[p] for p in (*kind.tables, *kind.parameters)}
    applied, integrator = ("i_clamp", "tsit5") if kind.clamp else ("i_app", "euler")
    run = {"t_stop": 5.0, "integrator": integrator, "record": [hh.Trace(applied, every=0.3)]}
    one = hh.simulate(passive, stimulus=kind(**given), **run)
    assert one.status.tolist() == [0]
    assert np.isfinite(one[applied]).all()
    assert np.ptp(one[applied]) > 0.5
    for parameter in kind.parameters.keys() - set(kind.single):
        many = hh.simulate(passive, stimulus=kind(**given | {parameter: np.array([given[parameter]] * 2)}), **run)
        np.testing.assert_allclose(many[applied][1, :-1], one[applied][0, :-1], atol=5.0 * 0.1)


@pytest.mark.parametrize("name", hh.recorders)
@pytest.mark.core
def test_every_recorder_delivers_finite_labelled_values(name):
    """One row per cell, units and a long name on everything, under the name it promises."""
    recorder = hh.recorders[name](*RECORDERS.get(name, ()))
    r = hh.simulate(
        "hodgkin_huxley",
        {"g_K": np.array([35.0, 36.0])},
        stimulus=hh.Step(10.0),
        t_stop=60.0,
        integrator="exp_euler",
        record=[recorder],
    )
    assert r.status.tolist() == [0, 0]
    assert r.variables
    for variable in r.variables.values():
        assert variable.unit
        assert np.isfinite(variable.values).all()
        assert variable.values.ndim == len(variable.dims)
        if variable.dims[0] == "cell":
            assert len(variable.values) == 2


@pytest.mark.parametrize("name", hh.recorders)
def test_a_recorder_may_share_names_with_a_stimulus_and_a_model(name):
    """Names are symbols: the `mean` of a noise is not that of a recorder, and a gate may be called as either."""
    noise = hh.Noise(sigma=2.0, tau=3.0, mean=1.0, seed=1)
    recorder = hh.recorders[name](*RECORDERS.get(name, ()))
    r = hh.simulate(
        "hodgkin_huxley", stimulus=noise + hh.Train(8.0, 1.0, 0.5, period=9.0), t_stop=30.0, record=[recorder]
    )
    alone = hh.simulate(
        "hodgkin_huxley",
        stimulus=noise + hh.Train(8.0, 1.0, 0.5, period=9.0),
        t_stop=30.0,
        record=[hh.Final(), hh.Spikes()],
    )
    assert r.status.tolist() == alone.status.tolist() == [0]
    if "spike_count" in r:
        assert r.spike_count.tolist() == alone.spike_count.tolist()

"""A model written as NeuroML2 says the same: to our own importer, and to PyLEMS, which runs it."""

import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from commands import hhfast, refused
from lems_runs import potential, spike_times

import hhfast as hh
from hhfast.model.exporters.initial_states import initial_states

_SPACE = "{http://www.neuroml.org/schema/neuroml2}"


@pytest.fixture
def there_and_back(tmp_path):
    def read(name, pulse=None):
        (tmp_path / "cell.nml").write_text(hh.models[name].to_neuroml(pulse))
        return hh.import_neuroml(tmp_path / "cell.nml")

    return read


@pytest.mark.parametrize("name", hh.models)
def test_every_model_of_the_library_reads_back(name, there_and_back, tmp_path):
    """All slopes to 1e-12 at random states and a current; and the file agrees with the model read from it.

    Its lines are short enough for NMODL, which takes 511 characters, of which jNeuroML adds up to 60 to a formula.
    """
    model, found = hh.models[name], there_and_back(name)
    assert max(map(len, re.findall(r'value="([^"]*)"', (tmp_path / "cell.nml").read_text()))) <= 450
    assert found.verification.difference < 1e-9
    assert found.model.V_init == model.V_init
    rng = np.random.default_rng(1)
    state = {s.name: rng.uniform(-100, 50, 40) if s.unit == "mV" else rng.uniform(0.05, 0.95, 40) for s in model.rows}
    density = 2.0 * found.model.parameters["C_m"].value / model.parameters["C_m"].value
    known, mine = model.derivatives(state, {}, 2.0), found.model.derivatives(state, {}, density)
    for x in model.states:
        assert mine[x] == pytest.approx(known[x], rel=1e-12, abs=1e-12 * np.abs(known[x]).max()), x


@pytest.mark.parametrize("name", ["hodgkin_huxley", "chay_1985_burster"])
def test_it_fires_at_the_same_times(name, there_and_back):
    found = there_and_back(name, (10.0, 5.0, 60.0))
    known = hh.simulate(name, stimulus=hh.Step(amplitude=10.0, start=5.0, stop=60.0), t_stop=60.0)
    stimulus = dict(found.stimulus)
    assert stimulus.pop("kind") == "step"
    mine = hh.simulate(found.model, stimulus=hh.Step(**stimulus), t_stop=60.0)
    assert known.spike_count[0] > 0
    assert mine.spike_times[0] == pytest.approx(known.spike_times[0], abs=1e-6)


# Of totals, with pools, with open fractions, with gates that do not start steady.
KINDS = ["hill_2001_leech_heart", "prinz_stg", "braun_1998_cold_receptor", "rinzel_1985_squid_axon", "golomb_2006_ca1",
         "rubin_terman_2004_thalamic_relay", "luo_rudy_1991_ventricle"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_every_kind_fires_at_the_same_times(name, there_and_back):
    """The first run of its checks, or its first 200 ms."""
    model = hh.models[name]
    check = model.checks[0]
    t_stop = min(check.t_stop, check.start + 200.0)
    stop = t_stop if check.stop is None else check.stop
    found = there_and_back(name, (check.i_app, check.start, stop))
    stimulus = {k: v for k, v in found.stimulus.items() if k != "kind"}
    record = [hh.Spikes(threshold=check.threshold, rearm=check.rearm)]
    step = hh.Step(amplitude=check.i_app, start=check.start, stop=stop)
    known = hh.simulate(model, stimulus=step, t_stop=t_stop, record=record, rtol=1e-8)
    mine = hh.simulate(found.model, stimulus=hh.Step(**stimulus), t_stop=t_stop, record=record, rtol=1e-8)
    assert mine.spike_times[0] == pytest.approx(known.spike_times[0], abs=1e-4)


@pytest.mark.parametrize(("name", "amplitude"), [("hodgkin_huxley", 10.0), ("connor_stevens", 15.0)])
@pytest.mark.filterwarnings("ignore")  # PyLEMS'
def test_pylems_fires_at_the_same_times(name, amplitude, tmp_path):
    """By Euler's method with 0.01 ms there; ours with the same steps, and by tsit5 to its error."""
    text = hh.models[name].to_neuroml((amplitude, 2.0, 30.0))
    found = spike_times(text, tmp_path, 30.0, 0.01)
    step = hh.Step(amplitude=amplitude, start=2.0)
    euler = hh.simulate(name, stimulus=step, t_stop=30.0, integrator="euler", dt=0.01)
    exact = hh.simulate(name, stimulus=step, t_stop=30.0)
    assert len(found) >= 2
    assert found == pytest.approx(euler.spike_times[0], abs=1e-3)
    assert found == pytest.approx(exact.spike_times[0], abs=0.1)


@pytest.mark.parametrize(
    ("name", "amplitude", "spikes"),
    [
        ("hodgkin_huxley_1952_markov", 10.0, 2),
        ("doiron_2002_ell_pyramidal", 20.0, 7),
        ("purvis_butera_2005_hypoglossal", 2000.0, 1),
    ],
)
@pytest.mark.filterwarnings("ignore")  # PyLEMS'
def test_pylems_runs_a_cell_of_one_type(name, amplitude, spikes, tmp_path):
    """A scheme, two compartments, a pool: by Euler's method there and here."""
    found = spike_times(hh.models[name].to_neuroml((amplitude, 2.0, 30.0)), tmp_path, 30.0, 0.01)
    step = hh.Step(amplitude=amplitude, start=2.0)
    euler = hh.simulate(name, stimulus=step, t_stop=30.0, integrator="euler", dt=0.01)
    assert len(found) == spikes
    assert found == pytest.approx(euler.spike_times[0], abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(hh.models)[::3])
@pytest.mark.filterwarnings("ignore")  # PyLEMS'
def test_pylems_takes_the_same_steps(name, tmp_path):
    """Of Euler's method, from where the file starts; `benchmarks/exports.py` runs all models, and for longer."""
    model = hh.models[name]
    _, V = potential(model.to_neuroml(), tmp_path, 0.2, 0.002)
    state, known = initial_states(model), []
    for _ in V:
        slopes = model.derivatives({x: np.array([value]) for x, value in state.items()}, {}, 0.0)
        state = {x: value + 0.002 * float(np.ravel(slopes[x])[0]) for x, value in state.items()}
        known.append(state["V"])
    assert np.ptp(known) > 0
    assert pytest.approx(known, abs=1e-9) == V


def test_standard_rates_are_used_where_they_fit():
    """The squid axon needs no type of its own; its numbers are the paper's."""
    text = hh.models["hodgkin_huxley"].to_neuroml()
    assert "ComponentType" not in text
    assert '<forwardRate type="HHExpLinearRate" rate="1per_ms" midpoint="-40mV" scale="10mV" />' in text
    assert '<reverseRate type="HHSigmoidRate" rate="1per_ms" midpoint="-35mV" scale="10mV" />' in text
    assert text.count('<q10Settings type="q10ExpTemp" q10Factor="3" experimentalTemp="6.3degC" />') == 3


@pytest.mark.parametrize("name", ["prinz_stg", "doiron_2002_ell_pyramidal", "wilson_1999_regular_spiking"])
def test_for_eden_the_sum_of_inputs_is_left_out(name, there_and_back, tmp_path):
    """It has iSyn built in and refuses one that is said; such a file reads back as the same model, too."""
    text = hh.models[name].to_neuroml((1.0, 2.0, 30.0), eden=True)
    assert "i_app" in text
    assert "Attachments" not in text
    assert "select=" not in text
    known = there_and_back(name)
    (tmp_path / "cell.nml").write_text(text)
    assert hh.import_neuroml(tmp_path / "cell.nml").model.to_toml() == known.model.to_toml()


def test_a_cell_of_channels_is_one_file_for_all():
    model = hh.models["connor_stevens"]
    assert model.to_neuroml(eden=True) == model.to_neuroml()


@pytest.mark.parametrize(
    "name", ["wang_buzsaki", "migliore_1999_ca1", "hill_2001_leech_heart", "verma_2020_nociceptor"]
)
def test_elements_stand_as_the_schema_has_them(name):
    """By `jnml -validate` with NeuroML_v2.3.1.xsd, which all 24 cells of channels pass: in other orders it refuses."""
    root = ET.fromstring(hh.models[name].to_neuroml((10.0, 5.0, 100.0)))
    tags = [e.tag.rpartition("}")[2] for e in root]
    kinds = ["notes", "ionChannelHH", "cell", "pulseGenerator", "network", "ComponentType"]
    assert [kinds.index(tag) for tag in tags] == sorted(kinds.index(tag) for tag in tags)
    for channel in root.iter(f"{_SPACE}ionChannelHH"):
        assert len({gate.tag for gate in channel}) <= 1
    order = ["DerivedVariable", "ConditionalDerivedVariable"]
    for dynamics in root.iter(f"{_SPACE}Dynamics"):
        places = [order.index(e.tag.removeprefix(_SPACE)) for e in dynamics]
        assert places == sorted(places)


def test_names_of_terms_are_none_of_the_models(tmp_path):
    """A parameter is called as a long term would be."""
    text = hh.models["ten_tusscher_2006_ventricle"].to_toml().replace("k_NaCa", "part_6").replace("P_CaL", "part_1")
    (tmp_path / "renamed.toml").write_text(text)
    model = hh.load_model(tmp_path / "renamed.toml")
    (tmp_path / "cell.nml").write_text(model.to_neuroml())
    assert hh.import_neuroml(tmp_path / "cell.nml").verification.difference < 1e-9


def test_names_that_neuron_uses_itself():
    """jNeuroML makes variables of NEURON of the file's names: channels L and H, a parameter `area`, the temperature."""
    assert '<ionChannelHH id="L_channel"' in hh.models["hodgkin_huxley"].to_neuroml()
    assert '<ionChannelHH id="H_channel"' in hh.models["hill_2001_leech_heart"].to_neuroml()
    text = hh.models["prinz_stg"].to_neuroml()
    assert '<Parameter name="area_" dimension="none" />' in text
    assert 'name="celsius"' not in text


def test_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = hhfast("models", "hodgkin_huxley", "--neuroml")
    assert printed.exit_code == 0
    assert printed.stdout == hh.models["hodgkin_huxley"].to_neuroml()
    written = hhfast("models", "hodgkin_huxley", "--neuroml", "--pulse", "10,5,100", "-o", "axon.nml")
    assert written.stdout == "wrote axon.nml\n"
    assert 'amplitude="0.1 nA"' in (tmp_path / "axon.nml").read_text()
    assert hhfast("import", "axon.nml", "-o", "axon.toml").exit_code == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--neuroml"], "name one model"),
        (["hodgkin_huxley", "--neuroml", "--toml"], "without --toml"),
        (["hodgkin_huxley", "--neuroml", "-o", "axon.png"], "ends in .nml"),
        (["hodgkin_huxley", "--neuroml", "--pulse", "10,5"], "give amplitude, start and stop"),
        (["hodgkin_huxley", "--neuroml", "--pulse", "10,50,5"], "give a start of 0 or more, and a later stop"),
        (["hodgkin_huxley", "--pulse", "10,5,50"], "give --neuroml, too"),
        (["hodgkin_huxley", "--eden"], "give --neuroml, too"),
    ],
)
def test_a_mistake_is_told_in_one_line(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused("models", *words)

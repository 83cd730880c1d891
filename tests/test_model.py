"""Models: what a file means, and that nothing is lost on the way to Python and back."""

import pickle
from dataclasses import FrozenInstanceError, fields, replace

import numpy as np
import pytest
from model_texts import BASE

import hhfast as hh
from hhfast.batch.cells import Cells
from hhfast.errors import InputError, PrecisionWarning
from hhfast.model import Channel, Gate, Model, Parameter, Pool, models, parse_model

COMPARTMENT = """
[compartments.dend]
coupling = { to = "soma", g = "g_c" }
[compartments.dend.parameters]
g_c = { value = 1.0, unit = "mS cm-2" }
[compartments.dend.channels.leak]
g = 0.1
E = -65.0
"""


@pytest.fixture(scope="module")
def cell():
    return parse_model(BASE)


def test_parameters_states_and_variables(cell):
    """The names and units that everything else is written with."""
    values = {name: (p.value, p.unit) for name, p in cell.parameters.items()}
    assert values == {
        "C_m": (1.0, "uF cm-2"),
        "celsius": (6.3, "degC"),
        "g_Na": (120.0, "mS cm-2"),
        "E_Na": (50.0, "mV"),
        "g_CaL": (0.5, "mS cm-2"),
        "K_d": (1.0, "uM"),
        "g_L": (0.3, "mS cm-2"),
        "E_L": (-54.4, "mV"),
        "f_Ca": (5.0, "uM cm2 uA-1"),
        "tau_Ca": (100.0, "ms"),
        "Ca_out": (3000.0, "uM"),
    }
    assert cell.states == ("V", "m", "h", "Ca")
    assert cell.variables == {
        "V": "mV",
        "m": "1",
        "h": "1",
        "s": "1",
        "Ca": "uM",
        "i_Na": "uA cm-2",
        "i_CaL": "uA cm-2",
        "i_L": "uA cm-2",
        "i_app": "uA cm-2",
    }


def test_every_variable_says_what_it_is(cell):
    """Whatever it is called: V_store is a concentration here, and V_dend a potential."""
    named = BASE.replace("[pools.Ca", "[pools.V_store").replace("Ca /", "V_store /").replace("/ Ca)", "/ V_store)")
    named = named.replace("(Ca + K_d)", "(V_store + K_d)") + COMPARTMENT
    assert parse_model(named).quantities == {
        "V": "potential", "m": "gate", "h": "gate", "s": "gate", "V_store": "pool", "V_dend": "potential",
        "i_Na": "current", "i_CaL": "current", "i_L": "current", "i_leak": "current", "i_app": "applied current",
        "i_clamp": "current", "g_Na": "conductance", "g_CaL": "conductance", "g_L": "conductance",
        "g_leak": "conductance",
    }  # fmt: skip
    for model in models.values():
        assert model.quantities.keys() == model.recordable.keys()


def test_gate_curves(cell):
    """inf and tau of each gate over V: those of the formulas, at a pole as beside it, and by parameters given."""
    V = np.array([-70.0, -40.0, 10.0])
    curves = cell.gate_curves(V, {"celsius": 16.3})
    beta = 4 * np.exp(-(V + 65) / 18)
    alpha = np.array([-3.0 / -np.expm1(3.0), 1.0, 5.0 / -np.expm1(-5.0)])
    np.testing.assert_allclose(curves["m"][0], alpha / (alpha + beta), rtol=1e-6)
    np.testing.assert_allclose(curves["m"][1], 1 / (3 * (alpha + beta)), rtol=1e-6)
    np.testing.assert_allclose(curves["h"][1], (1 + 7 / np.cosh((V + 60) / 15)) / 3, rtol=1e-12)
    np.testing.assert_allclose(curves["s"][0], 0.1 / 1.1 / (1 + np.exp(-(V + 20) / 6)), rtol=1e-12)
    assert (curves["s"][1] == 0).all()
    with pytest.raises(InputError, match="'celsius'"):
        cell.gate_curves(V, {"celcius": 16.3})


def test_derivatives_of_mappings_and_arrays(cell):
    """Both forms of the states, broadcast; wrong ones are refused by name."""
    state = {"V": -50.0, "m": 0.1, "h": np.array([0.2, 0.4]), "Ca": 0.1}
    by_name = cell.derivatives(state, {"g_L": 1.0}, 2.0)
    by_row = cell.derivatives(np.array([[-50.0, -50.0], [0.1, 0.1], [0.2, 0.4], [0.1, 0.1]]), {"g_L": 1.0}, 2.0)
    np.testing.assert_array_equal(np.array(list(by_name.values())), by_row)
    with pytest.raises(InputError, match="'h' is missing"):
        cell.derivatives({"V": -50.0, "m": 0.1, "Ca": 0.1})
    with pytest.raises(InputError, match="3 rows"):
        cell.derivatives(np.zeros(3))
    with pytest.raises(InputError, match="'g_L'"):
        cell.derivatives(state, {"g_l": 1.0})


def test_what_a_model_looks_like(cell):
    """A short repr that differs between models, equations as text, a page of HTML."""
    assert len(repr(cell)) < 80
    assert repr(cell) != repr(cell.without_channel("L"))
    assert "d[" not in cell.equations()
    for part in ("C_m dV/dt = i_app - i_Na - i_CaL - i_L", "s = Ca / (Ca + K_d)", "pool Ca (µM), initially 0.1"):
        assert part in cell.equations()
    html = cell._repr_html_()
    assert html.startswith("<div>")
    assert "&lt;" not in cell.equations()
    assert "<details>" in html


@pytest.mark.core
def test_models_are_frozen_hashable_and_picklable(cell):
    """A model is data: equal ones are equal, and survive a trip to another process with their text."""
    again = parse_model(BASE + "\n")
    assert again == cell
    assert hash(again) == hash(cell)
    copy = pickle.loads(pickle.dumps(cell))
    assert copy == cell
    assert copy.to_toml() == cell.to_toml() == BASE
    with pytest.raises(FrozenInstanceError):
        cell.V_init = 0.0


@pytest.mark.parametrize(
    "name",
    [
        "hodgkin_huxley",
        "prinz_stg",
        "wang_1998_pyramidal",
        "destexhe_1996_thalamic_relay",
        "mccormick_huguenard_1992_thalamic_relay",
        "cell",
    ],
)
@pytest.mark.core
def test_toml_round_trip(name, cell):
    """The canonical text of a model that was changed reads back as an equal model."""
    model = cell if name == "cell" else models[name]
    changed = model.with_channel(Channel("extra", g=0.01, E=-70.0))
    assert changed != model
    assert parse_model(changed.to_toml()) == changed
    assert parse_model(model.to_toml()) == model


def test_models_built_in_python_equal_those_from_a_file():
    """The dataclasses are the same thing as the file."""
    built = Model(
        "small",
        -60.0,
        (
            Channel("K", g=5.0, E=-90.0, gates=(Gate("n", 4, alpha="0.1", beta="0.2 * exp(-V / 20)", initial=0.3),)),
            Channel("P", current="I_max * x", parameters=(Parameter("I_max", 0.5, "uA cm-2"),)),
        ),
        (Parameter("C_m", 1.0, "uF cm-2"),),
        pools=(Pool("x", "mM", 1.0, a="0.1", b="0.1"),),
    )
    text = """
    name = "small"
    V_init = -60.0
    parameters.C_m = { value = 1.0, unit = "uF cm-2" }
    pools.x = { unit = "mM", initial = 1.0, a = "0.1", b = "0.1" }
    [channels.K]
    g = 5.0
    E = -90.0
    gates.n = { power = 4, alpha = "0.1", beta = "0.2 * exp(-V / 20)", initial = 0.3 }
    [channels.P]
    current = "I_max * x"
    parameters.I_max = { value = 0.5, unit = "uA cm-2" }
    """
    assert parse_model(text) == built


def test_with_and_without_channel(cell):
    """Adding a channel of a known name replaces it; removing one that a pool needs is refused with advice."""
    stronger = cell.with_channel(Channel("L", g=1.0, E=-60.0))
    assert stronger.parameters["g_L"].value == 1.0
    assert {c.name for c in stronger.channels} == {"Na", "CaL", "L"}
    assert cell.parameters["g_L"].value == 0.3
    without = cell.without_channel("Na")
    assert without.states == ("V", "Ca")
    assert "g_Na" not in without.parameters
    with pytest.raises(InputError, match="pool 'Ca' uses i_CaL"):
        cell.without_channel("CaL")
    with pytest.raises(InputError, match="did you mean 'Na'"):
        cell.without_channel("NA")
    with pytest.raises(InputError, match="already"):
        cell.with_channel(Channel("M", g=1.0, E=-90.0, gates=(Gate("m", inf="1 / (1 + exp(-V / 9))", tau="10"),)))


def test_the_unit_systems(cell):
    """A model is in densities or in totals throughout, and its variables follow."""
    text = BASE.replace("V_init = -65.0", 'V_init = -65.0\nunits = "total"').replace('"uF cm-2"', '"pF"')
    total = parse_model(text)
    assert total.parameters["g_L"].unit == "nS"
    assert total.variables["i_L"] == total.variables["i_app"] == "pA"
    with pytest.raises(InputError, match="C_m: unit 'uF cm-2' must be 'pF'"):
        parse_model(BASE.replace("V_init = -65.0", 'V_init = -65.0\nunits = "total"'))


def test_total_units_give_the_same_equations():
    """nS, pF and pA: C V' = I - g (V - E) in mV and ms, as with densities."""
    model = Model("total", -70.0, (Channel("L", g=10.0, E=-70.0),), (Parameter("C_m", 200.0, "pF"),), units="total")
    A, B = Cells.of(model, {}).rates(np.array([[-50.0]]), 30.0)
    np.testing.assert_allclose([A[0, 0], B[0, 0]], [(30 - 10 * 70) / 200, 10 / 200])


def test_the_library_is_a_mapping():
    """Models by name; a misspelt name is a KeyError that suggests the right one."""
    assert {"hodgkin_huxley", "connor_stevens", "wang_buzsaki", "prinz_stg"} <= set(models)
    assert len(models) == len(list(models))
    assert hh.models["hodgkin_huxley"].name == "hodgkin_huxley"
    with pytest.raises(KeyError, match="did you mean 'hodgkin_huxley'"):
        models["hodgkin_huxly"]


def test_models_that_need_double_precision(tmp_path):
    """A model file says why float32 is not for it; who asks for it is told."""
    with pytest.warns(PrecisionWarning, match="prinz_stg is not for it: its rounding ends slow plateaus early"):
        hh.simulate("prinz_stg", t_stop=1.0, dtype="float32")
    told = {name for name in ("braun_1998_cold_receptor", "prinz_stg", "wang_buzsaki") if hh.models[name].float32}
    assert told == {"braun_1998_cold_receptor", "prinz_stg"}
    (tmp_path / "own.toml").write_text(
        hh.models["wang_buzsaki"].to_toml().replace("V_init", 'float32 = "why"\nV_init', 1)
    )
    assert hh.load_model(tmp_path / "own.toml").float32 == "why"


def test_a_changed_library_model_is_written_as_people_write_them():
    """Defaults are left out, parameters stand before channels, long lists fill their lines."""
    text = models["hodgkin_huxley"].with_channel(Channel("M", g=0.5, E=-77.0)).to_toml()
    assert not {line.partition(" = ")[0] for line in text.splitlines()} & {"instantaneous", "main", "units", "rearm"}
    places = [text.index(f"[{table}]") for table in ("parameters", "channels.Na", "channels.M", "[checks]")]
    assert places == sorted(places)
    assert text.count("\n") < 70
    assert max(map(len, text.splitlines())) < 115


@pytest.mark.parametrize("name", ["pinsky_rinzel_1994_ca3", "hodgkin_huxley_1952_markov", "golomb_2006_ca1"])
def test_library_models_are_written_and_read_back(name):
    """Compartments, schemes, pools, functions, checks: equal in all, tags and notes included."""
    model = replace(models[name], text="")
    again = parse_model(model.to_toml())
    assert all(getattr(again, f.name) == getattr(model, f.name) for f in fields(model) if f.compare)

"""Models: what a file may say, what is refused and how, and that nothing is lost on the way."""

import json
import os
import pickle
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import numpy as np
import pytest

import hhfast as hh
from hhfast.batch.cells import Cells
from hhfast.errors import InputError, PrecisionWarning
from hhfast.model import Channel, Gate, Model, Parameter, Pool, load_model, models, parse_model

BASE = """
name = "cell"
title = "A test cell"
citation = "none"
V_init = -65.0

[parameters]
C_m = { value = 1.0, unit = "uF cm-2" }
celsius = { value = 6.3, unit = "degC" }

[channels.Na]
g = 120.0
E = 50.0
rate_scale = "3 ** ((celsius - 6.3) / 10)"
[channels.Na.gates.m]
power = 3
alpha = "0.1 * (V + 40) / (1 - exp(-(V + 40) / 10))"
beta = "4 * exp(-(V + 65) / 18)"
[channels.Na.gates.h]
inf = "1 / (1 + exp((V + 60) / 7))"
tau = "1 + 7 / cosh((V + 60) / 15)"

[channels.CaL]
g = 0.5
E = "12.5 * log(Ca_out / Ca)"
[channels.CaL.gates.s]
inf = "Ca / (Ca + K_d) / (1 + exp(-(V + 20) / 6))"
[channels.CaL.parameters]
K_d = { value = 1.0, unit = "uM" }

[channels.L]
g = 0.3
E = -54.4

[pools.Ca]
unit = "uM"
initial = 0.1
a = "(0.1 - f_Ca * i_CaL) / tau_Ca"
b = "1 / tau_Ca"
[pools.Ca.parameters]
f_Ca = { value = 5.0, unit = "uM cm2 uA-1" }
tau_Ca = { value = 100.0, unit = "ms" }
Ca_out = { value = 3000.0, unit = "uM" }
"""

BAD = {  # what is changed: old text, new text, what the message must contain
    "not TOML": ("V_init = -65.0", "V_init = = 3", ["not valid TOML", "line 5"]),
    "duplicate key": ("g = 0.3", "g = 0.3\ng = 0.4", ["not valid TOML"]),
    "no name": ('name = "cell"\n', "", ["name", "missing"]),
    "no V_init": ("V_init = -65.0", "", ["V_init", "missing"]),
    "unknown key": ("V_init = -65.0", "V_init = -65.0\ncitatoin = 'x'", ["citatoin", "'citation'"]),
    "unknown key of a channel": ("g = 0.3", "g = 0.3\nEE = 1.0", ["channels.L.EE"]),
    "unknown key of a gate": ("power = 3", "powr = 3", ["channels.Na.gates.m.powr", "'power'"]),
    "unknown key of a pool": ("initial = 0.1", "initial = 0.1\ninitail = 0.2", ["pools.Ca.initail", "'initial'"]),
    "unknown key of a parameter": ("value = 6.3,", "value = 6.3, units = 'K',", ["parameters.celsius.units", "'unit'"]),
    "text for a number": ("g = 0.3", "g = '0.3'", ["channels.L.g"]),
    "boolean for a number": ("g = 0.3", "g = true", ["channels.L.g"]),
    "number for a formula": ('beta = "4 * exp(-(V + 65) / 18)"', "beta = 4", ["channels.Na.gates.m.beta"]),
    "nan": ("g = 0.3", "g = nan", ["channels.L.g"]),
    "infinite V_init": ("V_init = -65.0", "V_init = inf", ["V_init"]),
    "infinite reversal": ("E = -54.4", "E = inf", ["L", "E"]),
    "fractional power": ("power = 3", "power = 2.5", ["channels.Na.gates.m.power"]),
    "power 0": ("power = 3", "power = 0", ["channels.Na.gates.m", "power 0"]),
    "unknown name": (
        "4 * exp(-(V + 65) / 18)",
        "4 * exp(-(V + V_halff) / 18)",
        ["channels.Na.gates.m.beta", "V_halff", "known"],
    ),
    "misspelt name": (
        "3 ** ((celsius - 6.3) / 10)",
        "3 ** ((celcius - 6.3) / 10)",
        ["channels.Na.rate_scale", "celcius", "'celsius'"],
    ),
    "misspelt current in a pool": ("f_Ca * i_CaL", "f_Ca * i_Cal", ["pools.Ca.a", "i_Cal", "'i_CaL'"]),
    "voltage in a rate scale": ("3 ** ((celsius - 6.3) / 10)", "V / 10", ["channels.Na.rate_scale", "'V'"]),
    "gate that depends on itself": ("Ca / (Ca + K_d)", "s / (Ca + K_d)", ["'s' depends on itself"]),
    "current that depends on itself": ("12.5 * log(Ca_out / Ca)", "i_CaL", ["channels.CaL.E", "i_CaL"]),
    "parameter twice": ("f_Ca = {", "K_d = { value = 1.0, unit = '1' }\nf_Ca = {", ["K_d", "already"]),
    "gate named as another": ("[channels.CaL.gates.s]", "[channels.CaL.gates.h]", ["'h'", "already"]),
    "pool named as a gate": ("[channels.CaL.gates.s]", "[channels.CaL.gates.Ca]", ["'Ca'", "already"]),
    "parameter named as a channel's": (
        "celsius = {",
        "g_L = { value = 1.0, unit = '1' }\ncelsius = {",
        ["g_L", "already"],
    ),
    "reserved name": ("K_d = {", "exp = {", ["exp", "reserved"]),
    "python's name": ("K_d = {", "lambda = {", ["lambda", "reserved"]),
    "name of a current": ("K_d = {", "i_CaL = {", ["i_CaL", "reserved"]),
    "gate named V": ("[channels.CaL.gates.s]", "[channels.CaL.gates.V]", ["V", "reserved"]),
    "name with a hyphen": ("K_d = {", "K-d = {", ["K-d", "letters"]),
    "name that is kept for kernels": ("K_d = {", "K_d_ = {", ["K_d_", "underscore"]),
    "name in other letters": ("K_d = {", "'Kβ' = {", ["letters"]),
    "no capacitance": ('C_m = { value = 1.0, unit = "uF cm-2" }', "", ["C_m", "missing", "uF cm-2"]),
    "negative capacitance": ("C_m = { value = 1.0", "C_m = { value = -1.0", ["C_m", "positive"]),
    "capacitance in the wrong unit": ('unit = "uF cm-2"', 'unit = "pF"', ["C_m", "pF", "uF cm-2"]),
    "kelvin": ('unit = "degC"', 'unit = "K"', ["K", "degC"]),
    "seconds": ('unit = "ms"', 'unit = "s"', ["tau_Ca", "ms"]),
    "volts": ('K_d = { value = 1.0, unit = "uM" }', 'K_d = { value = 1.0, unit = "V" }', ["K_d", "mV"]),
    "parameter without unit": (', unit = "degC"', "", ["parameters.celsius.unit", "missing"]),
    "parameter as a bare number": (
        'celsius = { value = 6.3, unit = "degC" }',
        "celsius = 6.3",
        ["parameters.celsius", "value"],
    ),
    "unknown units": ("V_init = -65.0", "V_init = -65.0\nunits = 'densty'", ["densty", "'density'"]),
    "channel without E": ("E = -54.4", "", ["L", "g and E"]),
    "channel with E and current": ("E = -54.4", 'E = -54.4\ncurrent = "0.1 * V"', ["L", "current"]),
    "alpha without beta": ('beta = "4 * exp(-(V + 65) / 18)"', "", ["m", "alpha and beta"]),
    "tau without inf": ('inf = "1 / (1 + exp((V + 60) / 7))"', "", ["h", "inf and tau"]),
    "alpha and tau": ('beta = "4 * exp(-(V + 65) / 18)"', 'tau = "1"', ["m", "alpha and beta"]),
    "initial of an instantaneous gate": (
        "[channels.CaL.gates.s]",
        "[channels.CaL.gates.s]\ninitial = 0.5",
        ["s", "instantaneous"],
    ),
    "pool without decay": ('b = "1 / tau_Ca"', "", ["pools.Ca.b", "missing"]),
    "code": (
        "4 * exp(-(V + 65) / 18)",
        "__import__('os').system('touch PWNED')",
        ["channels.Na.gates.m.beta", "not allowed"],
    ),
    "attribute": ("4 * exp(-(V + 65) / 18)", "().__class__", ["channels.Na.gates.m.beta", "not allowed"]),
    "huge power": ("4 * exp(-(V + 65) / 18)", "9 ** 9 ** 9", ["channels.Na.gates.m.beta"]),
    "unclosed": ("4 * exp(-(V + 65) / 18)", "4 * exp(-(V + 65) / 18", ["channels.Na.gates.m.beta", "not a formula"]),
    "condition for a number": ("4 * exp(-(V + 65) / 18)", "V < 1", ["channels.Na.gates.m.beta", "condition"]),
    "condition for a number without a scale": ("12.5 * log(Ca_out / Ca)", "Ca < 1", ["channels.CaL.E", "condition"]),
    "empty formula": ("4 * exp(-(V + 65) / 18)", "", ["channels.Na.gates.m.beta"]),
    "pole": ("4 * exp(-(V + 65) / 18)", "1 / (V + 20)", ["channels.Na.gates.m.beta", "pole at V = -20 mV"]),
    "pole of an exponential": (
        "4 * exp(-(V + 65) / 18)",
        "1 / (1 - exp(-(V + 30) / 5))",
        ["channels.Na.gates.m.beta", "pole at V = -30 mV"],
    ),
    "pole beside the numerator's zero": (
        "0.1 * (V + 40)",
        "0.1 * (V + 41)",
        ["channels.Na.gates.m.alpha", "pole at V = -40 mV"],
    ),
    "pole of second order": ("4 * exp(-(V + 65) / 18)", "1 / (V + 20) ** 2", ["channels.Na.gates.m.beta", "pole"]),
    "tau that is zero": ("1 + 7 / cosh((V + 60) / 15)", "0.1 * (V + 20)", ["channels.Na.gates.h.tau", "pole"]),
    "removable pole of a strange form": (
        "4 * exp(-(V + 65) / 18)",
        "(V + 20) / (tanh((V + 20) / 5))",
        ["channels.Na.gates.m.beta", "0/0 at V = -20"],
    ),
    "key of the program": ("V_init = -65.0", "V_init = -65.0\ntrusted = true", ["trusted"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_with_file_key_and_reason(case, tmp_path, monkeypatch):
    """One line that names the file, the key and what to do; nothing is executed."""
    monkeypatch.chdir(tmp_path)
    old, new, expected = BAD[case]
    assert old in BASE
    path = tmp_path / "cell.toml"
    path.write_text(BASE.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_model(path)
    message = str(error.value)
    assert "\n" not in message
    assert str(path) in message
    for part in expected:
        assert part in message
    assert [p.name for p in tmp_path.iterdir()] == ["cell.toml"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name = 'x'",
        "[channels]\n",
        "channels = 3\nname = 'x'\nV_init = 0.0",
        "parameters = [1, 2]\nname = 'x'\nV_init = 0.0",
        "channels = ['Na']\nname='x'\nV_init=0.0",
        BASE.replace("[channels.L]", "[[channels.L]]"),
        BASE.replace('name = "cell"', "name = 7"),
        BASE.replace("[pools.Ca]", "[pools.Ca.Mg]"),
    ],
)
def test_files_that_are_no_models(text):
    """Tables in place of lists, lists in place of tables, nothing at all: an InputError each, of one line."""
    with pytest.raises(InputError) as error:
        parse_model(text, "x.toml")
    assert str(error.value).startswith("x.toml: ")
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    """A missing file, a folder and binary data are refused with the path and the reason."""
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for name in ("absent.toml", ".", "binary.toml"):
        with pytest.raises(InputError, match="cannot read"):
            load_model(tmp_path / name)


@pytest.mark.parametrize(
    "text",
    [
        "V_init = " + "9" * 5000,
        "a = " + "[" * 1200,
        "a." * 100_000 + "a = 1",
        "float = 1",
        "int = 1",
        "str = 'x'",
        "x = '" + "y" * 1_000_001 + "'",
        BASE.replace("0.1 * (V + 40)", "9" * 400 + " * (V + 40)"),
        BASE.replace("4 * exp(-(V + 65) / 18)", "V ** (1 / 0)"),
        BASE.replace("V_init = -65.0", "V_init = 1e400"),
        BASE.replace("g = 0.3", "g = 1979-05-27"),
        BASE.replace('"cell"', '"' + "c" * 500_000 + '"'),
        BASE.replace('name = "cell"', '"\\u001b[31m" = 1'),
        BASE + "".join(f"[channels.X{k}]\ng = 1.0\nE = 0.0\n" for k in range(200)),
        "checks = 3",
        "checks = [3]",
        BASE + "[[checks]]\nt_stop = 1.0\nspikes = [2.0]",
        "formulas = 3",
        "compartments = 3",
        BASE + "[channels.X.scheme]\ninitial = 3",
    ],
)
def test_hostile_files_end_in_one_short_line(text):
    """Huge numbers, deep nesting, dotted keys without end, names of types, control characters, too many things."""
    with pytest.raises(InputError) as error:
        parse_model(text, "x.toml")
    message = str(error.value)
    assert message.isprintable()
    assert len(message) < 600


def test_what_is_no_file_is_not_read(tmp_path):
    """A pipe would be waited for, and a device read without end."""
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "large.toml").write_bytes(b"#" * 2_000_000)
    for path, message in (
        (tmp_path / "pipe.toml", "not a file"),
        ("/dev/zero", "not a file"),
        (tmp_path / "large.toml", "no model file"),
        ("a\0b", "not the path"),
    ):
        with pytest.raises(InputError, match=message):
            load_model(path)


# --- what a file means ------------------------------------------------------------------------------------------------
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


# --- poles, custom currents, pools: the numbers ---------------------------------------------------------------------
def gated(**formulas):
    gate = Gate("x", **formulas)
    return Model("one gate", -60.0, (Channel("C", g=1.0, E=0.0, gates=(gate,)),), (Parameter("C_m", 1.0, "uF cm-2"),))


def alpha_of(text, V):
    """alpha, as the compiled rates have it."""
    X = np.array([V, np.zeros(len(V))])
    return Cells.of(gated(alpha=text, beta="1"), {"g_C": np.ones(len(V))}).rates(X)[0][1]


OFFSETS = np.array([0.0, 1e-13, -1e-11, 1e-9, -1e-7, 1e-5, -1e-3, 0.1, -5.0, 30.0])


@pytest.mark.parametrize(
    "text",
    [
        "0.1 * (V + 40) / (1 - exp(-(V + 40) / 10))",
        "0.1 * (-40 - V) / (exp((-40 - V) / 10) - 1)",
        "(0.1 * V + 4) / (1 - exp(-0.1 * V - 4))",
        "-0.1 * (40 + V) * (exp(-(V + 40) / 10) - 1) ** -1",
    ],
)
def test_removable_poles_have_the_right_value(text):
    """At the pole, next to it and away from it, to 1e-9 relative, however the formula is spelt."""
    u = OFFSETS / 10
    expected = np.ones_like(u)
    expected[1:] = u[1:] / -np.expm1(-u[1:])
    np.testing.assert_allclose(alpha_of(text, OFFSETS - 40.0), expected, rtol=1e-9)


def test_a_removable_pole_moves_with_a_parameter():
    """Where the pole lies may depend on a swept parameter."""
    shared = (Parameter("C_m", 1.0, "uF cm-2"), Parameter("V_half", -40.0, "mV"))
    gate = Gate("x", alpha="0.1 * (V - V_half) / (1 - exp(-(V - V_half) / 10))", beta="1")
    model = Model("moving", -60.0, (Channel("C", g=1.0, E=0.0, gates=(gate,)),), shared)
    V_half = np.array([-60.0, -40.0, -20.5])
    A, _ = Cells.of(model, {"V_half": V_half}).rates(np.array([V_half, np.zeros(3)]))
    np.testing.assert_allclose(A[1], 1.0, rtol=1e-9)


def test_poles_outside_the_range_of_voltages_are_allowed():
    """A pole at +200 mV is never met."""
    np.testing.assert_allclose(alpha_of("10 / (200 - V)", np.array([-60.0])), 10 / 260, rtol=1e-12)


def test_a_removable_pole_under_a_square_root_or_in_inf_is_accepted():
    """Poles are recognised inside larger formulas, as in the instantaneous m of Wang & Buzsaki."""
    linoid = "(0.1 * (V + 35) / (1 - exp(-(V + 35) / 10)))"
    model = gated(inf=f"{linoid} / ({linoid} + 4 * exp(-(V + 60) / 18))", tau="1")
    A, B = Cells.of(model, {}).rates(np.array([[-35.0], [0.0]]))
    np.testing.assert_allclose(A[1] / B[1], 1 / (1 + 4 * np.exp(-25 / 18)), rtol=1e-9)


def test_a_ghk_current_is_right_at_its_pole():
    """A channel may give any current; the Goldman-Hodgkin-Katz equation is 0/0 at V = 0 and right there."""
    ghk = "permeability * V * (Ca_in - Ca_out * exp(-V / 12.5)) / (1 - exp(-V / 12.5))"
    parameters = (Parameter("permeability", 0.3, "1"), Parameter("Ca_in", 0.1, "mM"), Parameter("Ca_out", 2.0, "mM"))
    channel = Channel("Ca", current=ghk, parameters=parameters)
    model = Model("ghk", -60.0, (channel,), (Parameter("C_m", 2.0, "uF cm-2"),))
    V = OFFSETS.copy()
    A, B = Cells.of(model, {"permeability": np.full(len(V), 0.3)}).rates(V[None])
    u = V / 12.5
    with np.errstate(invalid="ignore"):
        linoid = np.where(u == 0, 1.0, u / -np.expm1(-u))
    expected = -0.3 * 12.5 * linoid * (0.1 - 2.0 * np.exp(-u)) / 2.0
    np.testing.assert_allclose((A - B * V)[0], expected, rtol=1e-9)


def test_the_part_of_a_current_that_is_linear_in_V_becomes_a_conductance():
    """So exponential integrators lose nothing on a channel given as a current."""
    shared = (Parameter("C_m", 2.0, "uF cm-2"),)
    model = Model("c", -60.0, (Channel("L", current="0.3 * (V + 54) + 0.1 * V ** 2"),), shared)
    V = np.array([[-60.0]])
    A, B = Cells.of(model, {}).rates(V)
    np.testing.assert_allclose(B, 0.3 / 2)
    np.testing.assert_allclose(A - B * V, -(0.3 * -6 + 0.1 * 3600) / 2)


def test_a_channel_with_g_and_a_current_of_its_own():
    """With `current`, g is a parameter that the formula may use."""
    model = Model(
        "c", -60.0, (Channel("X", g=2.0, current="g_X * (V + 70) ** 3 / 1000"),), (Parameter("C_m", 1.0, "uF cm-2"),)
    )
    A, B = Cells.of(model, {"g_X": 3.0}).rates(np.array([[-60.0]]))
    np.testing.assert_allclose(A - B * -60.0, -3.0)


def test_pools_follow_their_equation(cell):
    """dCa/dt = a - b Ca with the current of a channel that depends on Ca itself, through E and a gate."""
    V, _, _, Ca = X = np.array([[-20.0], [0.4], [0.3], [0.7]])
    A, B = Cells.of(cell, {}).rates(X)
    s = Ca / (Ca + 1.0) / (1 + np.exp(-(V + 20) / 6))
    current = 0.5 * s * (V - 12.5 * np.log(3000 / Ca))
    np.testing.assert_allclose(A[3] - B[3] * Ca, (0.1 - 5.0 * current) / 100 - Ca / 100, rtol=1e-12)


def test_any_name_may_be_used():
    """No name of a model collides with what a kernel calls its own things, nor with Python's."""
    names = (
        "P",
        "X",
        "A",
        "B",
        "p0",
        "col",
        "first",
        "last",
        "status",
        "stop",
        "current",
        "levels",
        "moving",
        "kernel",
        "action",
        "W",
        "s",
        "q",
        "k1",
        "u1",
        "w1",
        "c0",
        "e1",
        "phi",
        "exprelr",
        "window",
        "train",
        "crossing",
        "V_held",
        "V_was",
        "numpy",
    )
    shared = (Parameter("C_m", 1.0, "uF cm-2"), *(Parameter(name, 1e-8 * 2.0**k, "1") for k, name in enumerate(names)))
    model = Model("names", -60.0, (Channel("L", current=" + ".join(names)),), shared)
    A, B = Cells.of(model, {"P": np.array([1e-8])}).rates(np.array([[-60.0]]))
    np.testing.assert_allclose(A - B * -60.0, -1e-8 * (2.0 ** len(names) - 1), rtol=1e-11)
    r = hh.simulate(model, t_stop=0.5, dt=0.25, integrator="euler", record=[hh.Final()])
    np.testing.assert_allclose(r["V_final"], -60 - 0.5e-8 * (2.0 ** len(names) - 1), rtol=1e-11)


def test_rates_do_not_overflow():
    """Exponentials are clamped: at any voltage a rate is finite."""
    text = "0.01 * exp((V + 60) / 0.5)"
    assert np.isfinite(alpha_of(text, np.array([-1e4, 1e4]))).all()


HOSTILE = 'x"""\nopen("OWNED", "w")\n_ = """'


@pytest.mark.parametrize(
    "name",
    [
        HOSTILE,
        "C:\\new\\u12",
        "\\N{x}",
        "nul\0",
        '"""',
        "two\nlines",
        "",
        "é",
        "1a",
        "a" * 81,
        "'",
        "{x}",
    ],
)
def test_model_name_is_one_plain_line(name):
    """A name with quotes, backslashes or line breaks once ran as code; it is refused, in one line."""
    with pytest.raises(InputError) as error:
        replace(models["hodgkin_huxley"], name=name)
    assert "model name" in str(error.value)
    assert "\n" not in str(error.value)


def test_name_in_a_file_never_runs(tmp_path, monkeypatch):
    """Reading and simulating a hostile model file does nothing that its name says."""
    monkeypatch.chdir(tmp_path)
    text = models["hodgkin_huxley"].to_toml().replace('name = "hodgkin_huxley"', f"name = {json.dumps(HOSTILE)}", 1)
    Path("hostile.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="model name"):
        hh.simulate("hostile.toml", t_stop=1.0)
    assert [path.name for path in tmp_path.iterdir()] == ["hostile.toml"]


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

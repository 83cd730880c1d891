"""Model files: what is refused, with file, key and reason; what is no file; and names that do nothing."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from model_texts import BASE

import hhfast as hh
from hhfast.errors import InputError
from hhfast.model import load_model, models, parse_model

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

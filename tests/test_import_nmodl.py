"""NMODL files become models that say the same, or are refused by construct, line and reason."""

import re
import subprocess
import sys

import numpy as np
import pytest
from commands import hhfast, refused
from mod_files import ALPHA_BETA, BY_HAND, CALCIUM, KINETIC, POOL, SQUID
from scipy.integrate import solve_ivp

import hhfast as hh
from hhfast.model.importers import mod_parser, nmodl

V = np.linspace(-110.0, 50.0, 81) + 0.01


@pytest.fixture
def imported(tmp_path):
    """A function from texts of files to what is imported."""

    def read(*texts):
        paths = [tmp_path / f"{k}.mod" for k in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text)
        return hh.import_nmodl(*paths)

    return read


@pytest.mark.parametrize("text", [SQUID, BY_HAND], ids=["cnexp", "by hand"])
def test_the_squid_axon_is_that_of_the_library(text, imported):
    """Slopes of all states at many states, at two temperatures."""
    found = imported(text)
    library = hh.models["hodgkin_huxley"]
    assert found.verification.passed
    assert found.verification.difference < 1e-6
    rng = np.random.default_rng(1)
    state = {"V": V} | {x: rng.uniform(size=V.shape) for x in "mhn"}
    for celsius in (6.3, 18.5):
        mine = found.model.derivatives(state, {"celsius": celsius})
        known = library.derivatives(state, {"celsius": celsius})
        for x in state:
            assert mine[x] == pytest.approx(known[x], rel=1e-9, abs=1e-12)
    assert [s.initial for s in found.model.rows[1:]] == ["steady"] * 3


def test_the_file_is_readable_and_reads_back(imported, tmp_path):
    """Formulas as written, conductances in mS/cm2, gates with their powers; all names of the file."""
    text = imported(SQUID).text
    for line in (
        'title = "Squid axon : of 1952"',
        "g = 120.0", "E = -54.387", "power = 3", "power = 4",
        'q10 = "3 ** ((celsius - 6.3) / 10)"',
        'vtrap = { args = ["x", "y"], is = "y * (1 - x / y / 2) if abs(x / y) < 1e-06 else x / (exp(x / y) - 1)" }',
    ):  # fmt: skip
        assert f"{line}\n" in text
    assert "4 * exp(-(V + 65) / 18)" in text
    (tmp_path / "again.toml").write_text(text)
    assert hh.load_model(tmp_path / "again.toml") == imported(SQUID).model


def test_alpha_and_beta_constants_and_defines(imported):
    model = imported(ALPHA_BETA).model
    (gate,) = model.channels[0].gates
    assert (gate.power, model.parameters["g_kd"].value) == (4, 36.0)
    inf, tau = model.gate_curves(V)["n"]
    alpha = 0.01 * (V + 55) / (1 - np.exp(-(V + 55) / 10))
    beta = 0.125 * np.exp(-(V + 65) / 80)
    assert inf == pytest.approx(alpha / (alpha + beta))
    assert tau == pytest.approx(1 / (alpha + beta))


def test_a_kinetic_block_is_a_scheme(imported):
    """Its occupancies settle to the binomial distribution of four gates."""
    model = imported(KINETIC).model
    assert model.channels[0].scheme.open == "n4"
    alpha = 0.01 * (V + 55) / (1 - np.exp(-(V + 55) / 10))
    n = alpha / (alpha + 0.125 * np.exp(-(V + 65) / 80))
    shares = {f"n{k}": c * n**k * (1 - n) ** (4 - k) for k, c in ((1, 4), (2, 6), (3, 4), (4, 1))}
    slopes = model.derivatives({"V": V, **shares})
    for name in shares:
        assert slopes[name] == pytest.approx(0.0, abs=1e-12)
    assert -slopes["V"] == pytest.approx(36.0 * n**4 * (V + 77.0))


def test_calcium_by_ghk_and_its_pool(imported):
    """Arrays, loops, IF and a concentration that one file sets and another reads; against the same by SciPy."""
    found = imported(CALCIUM, POOL)
    model = found.model
    assert found.verification.passed
    assert model.parameters["cao"].value == 2.0
    assert model.parameters["pbar"].unit == "cm/s"

    def slopes(_, y):
        v, m, ca = y
        inf, tau = 1 / (1 + np.exp(-(v + 20) / 6)), 1 + 4 / np.cosh((v + 30) / 20)
        tau = 2 * tau if v < -40 else 3 * tau if 0 < v < 20 else tau
        z = 2 * v / (1000 * 8.314462618 * 293.15 / 96485.33212)
        i = 1e-4 * m**2 * 2e-3 * 96485.33212 * z * (ca - 2.0 * np.exp(-z)) / (1 - np.exp(-z))  # mA/cm2
        return [-1e3 * i, (inf - m) / tau, max(0.0, -1e4 * i / (2 * 96485.33 * 0.1)) + (5e-5 - ca) / 80]

    known = solve_ivp(slopes, (0, 20), [-30.0, 0.3, 5e-5], method="LSODA", rtol=1e-9, atol=1e-12).y[:, -1]
    start = {"V": [-30.0], "m": [0.3], "cai": [5e-5]}
    r = hh.simulate(model, t_stop=20.0, initial=start, record=[hh.Final()], integrator="tsit5", rtol=1e-9)
    assert [r[f"{x}_final"][0] for x in ("V", "m", "cai")] == pytest.approx(known, rel=1e-5)


def test_several_files_have_names_of_their_own(imported):
    """Two gates n, two conductances, one temperature."""
    model = imported(SQUID, ALPHA_BETA).model
    assert {"g_squid_k", "g_kd", "celsius"} <= model.parameters.keys()
    assert {"n", "n_kd"} <= set(model.states)


def test_spikes_of_an_imported_axon(imported):
    """At the library's reference times, from another program."""
    r = hh.simulate(imported(SQUID).model, stimulus=hh.Step(amplitude=10.0), t_stop=60.0, record=[hh.Spikes()])
    check = next(c for c in hh.models["hodgkin_huxley"].checks if c.i_app == 10.0 and c.start == 0.0)
    known = [t for t in check.spikes if t < 60.0]
    assert len(known) > 2
    assert r.spike_times[0] == pytest.approx(known, abs=0.02)


def test_the_verification_finds_a_wrong_translation(imported, monkeypatch):
    """A constant changed on the way is seen, and where."""
    parse = nmodl.parse_model
    monkeypatch.setattr(nmodl, "parse_model", lambda text, where: parse(text.replace("4 * exp", "4.01 * exp"), where))
    verification = imported(SQUID).verification
    assert not verification.passed
    assert {c.name for c in verification.comparisons if c.difference > 1e-4} == {"m"}


def test_a_misplaced_guard_is_told(imported):
    """Its branch has a pole, so it is left out; at 45 mV below 0 the file then has a value apart from its curve."""
    text = ALPHA_BETA.replace(
        "rates() n' = a*(1-n) - b*n", "rates() if (v == -45) { b = 7/(v+45.5) } n' = a*(1-n) - b*n"
    )
    found = imported(text)
    assert found.verification.isolated == [-45.0]
    assert found.verification.passed
    assert "at -45 mV the file has a value apart from its curve" in found.report()
    assert "if" not in found.model.channels[0].gates[0].beta


def test_a_condition_on_one_potential_is_kept(imported):
    text = ALPHA_BETA.replace("rates() n' = a*(1-n) - b*n", "rates() if (v == -45) { b = 7 } n' = a*(1-n) - b*n")
    found = imported(text)
    assert (found.verification.isolated, found.verification.passed) == ([], True)
    assert found.model.channels[0].gates[0].beta.startswith("7 if V == -45 else ")


def test_a_loop_of_as_many_rounds_as_a_parameter_says(imported):
    """n to the power of a parameter, multiplied in a loop; a loop of no rounds."""
    text = ALPHA_BETA.replace("ek = -77 (mV) }", "ek = -77 (mV) p = 4 none = 0 }").replace(
        "ASSIGNED { v", "ASSIGNED { x v"
    )
    loop = "x = 1 FROM k = 1 TO p { x = x*n } FROM k = 1 TO none { x = 0 } ik = (0.001)*gbar*x*(v - ek)"
    found = imported(text.replace("ik = (0.001)*gbar*n^FOUR*(v - ek)", loop))
    known = imported(ALPHA_BETA).model.derivatives({"V": V, "n": 0.3 + 0 * V})
    assert found.model.derivatives({"V": V, "n": 0.3 + 0 * V})["V"] == pytest.approx(known["V"], rel=1e-12)
    assert "p decides the form of the equations: as in the file, it is 4." in found.model.notes


# --- the command ---
def test_command(tmp_path, monkeypatch, pictures):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "squid.mod").write_text(SQUID)
    result = hhfast("import", "squid.mod", "-o", "axon.toml", "--name", "axon", "--report", "axon.png")
    assert result.exit_code == 0, result.output
    assert re.search(r"agrees with the file: worst \d\.\de-\d+ \(allowed 1e-04\)\nwrote axon.toml\n", result.stdout)
    assert hh.load_model("axon.toml").name == "axon"
    assert len([axes for axes in pictures[0].axes if axes.lines]) == 9
    to_screen = hhfast("import", "squid.mod")
    assert to_screen.stdout.startswith('name = "squid"\n')


PLAIN = "NEURON { SUFFIX x NONSPECIFIC_CURRENT i }\nASSIGNED { v i }\nPARAMETER { g = 1e-3 (S/cm2) }\n"
REFUSED = {
    "VERBATIM": (PLAIN + 'BREAKPOINT { i = g*v }\nVERBATIM\nsystem("rm -rf /");\nENDVERBATIM\n', ":5: VERBATIM: .* C code"),
    "INCLUDE": (PLAIN + 'INCLUDE "../../etc/passwd"\n', ":4: INCLUDE: .* not in the folder"),
    "INCLUDE of nothing": (PLAIN + 'INCLUDE "units.inc"\n', ":4: INCLUDE: there is no 'units.inc'"),
    "INCLUDE of itself": (PLAIN + 'INCLUDE "x.mod"\n', "INCLUDE: more than 20 files"),
    "POINT_PROCESS": ("NEURON { POINT_PROCESS x }\n", "POINT_PROCESS: only density mechanisms"),
    "POINTER": ("NEURON { SUFFIX x POINTER p }\n", "POINTER: "),
    "FUNCTION_TABLE": (PLAIN + "FUNCTION_TABLE f(v)\n", ":4: FUNCTION_TABLE"),
    "unknown function": (PLAIN + "BREAKPOINT { i = g*sin(v) }\n", r":4: function: sin\(\)"),
    "time": (PLAIN + "BREAKPOINT { i = g*v*exp(-t) }\n", "t: 'i' depends on it"),
    "no current": ("NEURON { SUFFIX x }\n", "makes no current"),
    "no value": (PLAIN + "BREAKPOINT { }\n", "BREAKPOINT: 'i' is given no value"),
    "not NMODL": ("NEURON { SUFFIX x", "x.mod:1: not NMODL"),
    "nothing": ("", "NEURON: the block is missing"),
    "binary": ("\0\1\2\x7f", "not NMODL|the block is missing"),
    "recursion": (PLAIN + "FUNCTION f(x) { f = f(x) }\nBREAKPOINT { i = g*f(v) }\n", "FUNCTION: the call of 'f'"),
    "mutual recursion": (PLAIN + "PROCEDURE a() { b() }\nPROCEDURE b() { a() }\nBREAKPOINT { a() i = g*v }\n", "PROCEDURE|size"),
    "brackets": (PLAIN + f"BREAKPOINT {{ i = {'(' * 5000}v{')' * 5000} }}\n", "nested more than 100 deep"),
    "a string": (PLAIN + 'BREAKPOINT { i = "v }\n', "a string has no end"),
    "a unit": (PLAIN.replace("(S/cm2)", "(S/cm2"), ":3: not NMODL: a unit has no closing bracket"),
    "a unit of a number": (PLAIN + "BREAKPOINT {\n i = 2 (S/cm2\n)*v }\n", ":5: not NMODL: a unit has no closing bracket"),
    "a unit in a heading": (PLAIN + "FUNCTION f(x (mV\n)) { f = x }\n", ":4: not NMODL: a unit has no closing bracket"),
    "signs": (PLAIN + f"BREAKPOINT {{ i = {'-' * 5000}v }}\n", "nested more than 100 deep"),
    "a long sum": (PLAIN + f"BREAKPOINT {{ i = {'+'.join(['v'] * 9000)} }}\n", "a formula of more than"),
    "10 MB": (PLAIN + "BREAKPOINT { i = " + "(" * 5_000_000 + ")" * 5_000_000 + "}", "above 400,000 bytes"),
    "growth": (PLAIN + "".join(f"FUNCTION f{k}(x) {{ f{k} = f{k + 1}(x)*f{k + 1}(x+1) }}\n" for k in range(30))
               + "FUNCTION f30(x) { f30 = x }\nBREAKPOINT { i = g*f0(v) }\n", "x.mod: "),
    "endless loop": (PLAIN + "BREAKPOINT { FROM k = 0 TO 1000000000 { i = g*v } }\n", ":4: FROM: "),
    "while": (PLAIN + "BREAKPOINT { WHILE (1 > 0) { i = g*v } }\n", ":4: WHILE"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_imported_is_refused_in_one_line(case, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    text, message = REFUSED[case]
    (tmp_path / "x.mod").write_text(text)
    line = refused("import", "x.mod")
    assert re.search(message, line), line
    assert len(line) < 500
    assert capfd.readouterr() == ("", "")  # the parser, which is C++, writes nothing itself


def test_bad_paths_are_refused(tmp_path):
    (tmp_path / "x.txt").write_text(SQUID)
    (tmp_path / "folder.mod").mkdir()
    assert "no such file" in refused("import", tmp_path / "none.mod")
    assert "give .mod files, or .nml" in refused("import", tmp_path / "x.txt")
    assert "not a file" in refused("import", tmp_path / "folder.mod")
    assert "ends in .toml" in refused("import", tmp_path / "x.mod", "-o", "y.txt")


def test_an_include_of_the_same_folder_is_read(imported, tmp_path):
    (tmp_path / "rates.inc").write_text(ALPHA_BETA.partition("PROCEDURE")[2].join(["PROCEDURE", ""]))
    found = imported(ALPHA_BETA.partition("PROCEDURE")[0] + 'INCLUDE "rates.inc"\n')
    assert found.model.gate_curves(V)["n"][0] == pytest.approx(imported(ALPHA_BETA).model.gate_curves(V)["n"][0])


def test_a_missing_parser_is_told_in_one_line(monkeypatch, imported):
    mod_parser._parser.cache_clear()
    monkeypatch.setattr(mod_parser.importlib.util, "find_spec", lambda name: None)
    try:
        with pytest.raises(hh.InputError, match=r"pip install 'hhfast\[import\]'"):
            imported(SQUID)
    finally:
        mod_parser._parser.cache_clear()


def test_neuron_itself_is_not_started(tmp_path):
    """It would load a compiled libnrnmech of the working folder."""
    (tmp_path / "x.mod").write_text(ALPHA_BETA)
    code = "import hhfast, sys; hhfast.import_nmodl('x.mod'); print('neuron' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path,
                          env={"PYTHONPATH": str(nmodl.__file__).partition("/hhfast/model")[0]})  # fmt: skip
    assert done.stdout == "False\n"

"""What people write in .mod files that works by what NEURON does around it: read as NEURON does, or refused."""

import numpy as np
import pytest

import hhfast as hh

V = np.linspace(-110.0, 50.0, 33) + 0.01
CHANNEL = """\
NEURON { SUFFIX kd USEION k READ ek WRITE ik RANGE largest }
PARAMETER { gbar = .036 (S/cm2) ek = -77 (mV) on = 1 drug = 0 }
STATE { n }
ASSIGNED { v (mV) ik (mA/cm2) g ninf ntau largest }
INITIAL { rates() n = ninf }
BREAKPOINT {
    SOLVE states METHOD cnexp
    g = gbar*n^4
    ik = g*(v - ek)
}
DERIVATIVE states { rates() n' = (ninf - n)/ntau }
PROCEDURE rates() {
    ntau = 1 + 4/cosh((v + 30)/20)
    ninf = 1/(1 + exp(-(v + 20)/6))
}
"""
POOL = """\
NEURON { SUFFIX cal USEION ca READ eca WRITE ica }
PARAMETER { gbar = 1e-4 (S/cm2) tau = 20 (ms) rest = 1e-4 (mM) }
STATE { m cai (mM) }
ASSIGNED { v (mV) ica (mA/cm2) eca (mV) inflow }
INITIAL { m = 1/(1 + exp(-(v + 20)/6)) cai = rest }
BREAKPOINT { SOLVE states METHOD cnexp ica = gbar*m*(v - eca) }
DERIVATIVE states {
    m' = (1/(1 + exp(-(v + 20)/6)) - m)/2
    inflow = -0.5*ica
    if (inflow <= 0) { inflow = 0 }
    cai' = inflow + (rest - cai)/tau
}
"""


@pytest.fixture
def imported(tmp_path):
    def read(text):
        (tmp_path / "x.mod").write_text(text)
        found = hh.import_nmodl(tmp_path / "x.mod")
        assert found.verification.difference < 1e-9
        return found.model

    return read


def changed(text, old, new):
    assert old in text
    return text.replace(old, new)


def same_slopes(mine, known):
    state = {"V": V, "n": 0.1 + 0.004 * np.arange(33)}
    for x, slope in known.derivatives(state).items():
        assert mine.derivatives(state)[x] == pytest.approx(slope, rel=1e-12), x


def test_the_same_value_in_both_branches(imported):
    """It is set all the same, by whichever is taken."""
    rates = "if (v < -50) { ninf = 0.1 ntau = 42 } else { ninf = 1/(1 + exp(-(v + 20)/6)) ntau = 42 }"
    model = imported(CHANNEL[: CHANNEL.index("    ntau = 1")] + rates + "\n}\n")
    inf, tau = model.gate_curves(V)["n"]
    assert (tau == 42).all()
    assert inf == pytest.approx(np.where(V < -50, 0.1, 1 / (1 + np.exp(-(V + 20) / 6))))


def test_a_current_of_the_step_before(imported):
    """DERIVATIVE reads ica before BREAKPOINT sets it; and a state cai that is no ion's leaves NEURON's own alone."""
    model = imported(POOL)
    state = {"V": V, "m": 0.3 + 0 * V, "cai": 2e-3 + 0 * V}
    E_Ca = 1e3 * 8.31446 * (6.3 + 273.15) / (2 * 96485.33) * np.log(2 / 5e-5)
    inflow = np.maximum(0, -0.5 * 1e-4 * 0.3 * (V - E_Ca))
    assert model.derivatives(state)["cai"] == pytest.approx(inflow + (1e-4 - 2e-3) / 20, rel=1e-5)


def test_a_variable_with_the_name_of_a_concentration(imported):
    """cai is no ion's without READ: 0 where nothing sets it. eca is that of NEURON's own calcium all the same."""
    text = changed(POOL, "STATE { m cai (mM) }", "STATE { m }").replace("ASSIGNED { v", "ASSIGNED { cai v")
    text = changed(text, "cai' = inflow + (rest - cai)/tau", "").replace("cai = rest ", "")
    model = imported(changed(text, "ica = gbar*m*(v - eca)", "ica = gbar*m/(1 + cai)*(v - eca)"))
    assert sorted(p.value for n, p in model.parameters.items() if n.startswith("cai")) == [0.0, 5e-5]


def test_a_record_that_nothing_reads_is_left_out(imported):
    """The largest conductance so far; where the current depends on it, there is no equation for it."""
    record = "g = gbar*n^4\n    if (g > largest) { largest = g }"
    same_slopes(imported(changed(CHANNEL, "g = gbar*n^4", record)), imported(CHANNEL))
    with pytest.raises(hh.InputError, match="memory: 'largest' depends on its value of the step before"):
        imported(changed(CHANNEL, "g = gbar*n^4", record).replace("ik = g", "ik = largest"))


def test_a_variable_that_keeps_what_initial_gives_it(imported):
    """Rates that DERIVATIVE does not compute anew (a call that became a comment) are those of the start: no equation."""
    with pytest.raises(
        hh.InputError, match="memory: 'ninf' keeps what INITIAL gives it, at the potential of the start"
    ):
        imported(changed(CHANNEL, "DERIVATIVE states { rates() ", "DERIVATIVE states { "))


def test_a_variable_of_one_branch(imported):
    """Of the gate where the potential decides: its value of before; 0 where a parameter turns it off for good."""
    late = "ninf = 1/(1 + exp(-(v + 20)/6))"
    with pytest.raises(hh.InputError, match="memory: 'ninf'"):
        imported(changed(CHANNEL, late, f"if (v > -40) {{ {late} }}"))
    model = imported(changed(CHANNEL, "ik = g*(v - ek)", "if (drug > 0) { ik = g*(v - ek) }"))
    slopes = [model.derivatives({"V": V, "n": 0.3 + 0 * V}, {"drug": drug})["V"] for drug in (0.0, 1.0)]
    assert (slopes[0] == 0).all()
    assert slopes[1] == pytest.approx(-36 * 0.3**4 * (V + 77))


def test_code_that_does_nothing(imported):
    """VERBATIM in a comment, the name for version control, the copy of an ion's concentration."""
    idle = ':VERBATIM\n:return 0;\n:ENDVERBATIM\nVERBATIM\nstatic const char rcsid[]="$Id: x.mod$";\nENDVERBATIM\n'
    copy = "rates()\nVERBATIM\n  cai = _ion_cai; /* once needed */\nENDVERBATIM\n"
    text = changed(idle + CHANNEL, "WRITE ik", "WRITE ik USEION ca READ cai")
    same_slopes(imported(changed(text, "rates() n'", f"{copy} n'")), imported(CHANNEL))
    with pytest.raises(hh.InputError, match="VERBATIM: it holds C code"):
        imported(changed(text, "rates() n'", copy.replace("cai = ", "cao = ") + " n'"))


def test_initial_before_rates(imported):
    """INITIAL takes a steady state that is only computed later: 0, as at NEURON's first start, and said."""
    model = imported(changed(CHANNEL, "INITIAL { rates() n", "INITIAL { n"))
    assert "INITIAL takes ninf before it has a value: 0, as NEURON at its first start." in model.notes
    assert float(model.channels[0].gates[0].initial) == 0.0


def test_a_switch_before_a_step_by_hand(imported):
    """With a factor that is not 1 it would be no step in time, so it is the file's 1."""
    by_hand = changed(CHANNEL, "DERIVATIVE states", "PROCEDURE states()").replace("METHOD cnexp", "")
    step = "n = on*(n + (1 - exp(-dt/ntau))*(ninf - n))"
    model = imported(changed(by_hand, "n' = (ninf - n)/ntau", step))
    same_slopes(model, imported(CHANNEL))
    assert "on decides the form of the equations: as in the file, it is 1." in model.notes


def test_a_state_that_nothing_changes(imported):
    """It stays where INITIAL puts it."""
    text = changed(CHANNEL, "STATE { n }", "STATE { n share }").replace("n = ninf }", "n = ninf share = 0.85 }")
    model = imported(changed(text, "g = gbar*n^4", "g = gbar*(share*n^2 + (1 - share)*n)"))
    assert model.derivatives({"V": V, "n": 0.3 + 0 * V, "share": 0.5 + 0 * V})["share"] == pytest.approx(0)
    assert [r.initial for r in model.rows if r.name == "share"] == [0.85]


def test_a_reversal_potential_that_is_not_read(imported):
    """ek is then a parameter of the file's own, 0 unless it says otherwise; not the ion's."""
    text = changed(CHANNEL, "READ ek WRITE ik", "WRITE ik").replace("ek = -77 (mV)", "ek (mV)")
    assert imported(text).parameters["E_kd"].value == 0.0


def test_a_constant_in_multiples_of_a_unit(imported):
    """(faraday) (10000 coulomb) is a ten thousandth of the number in coulomb."""
    text = changed(CHANNEL, "PARAMETER", "UNITS { F = (faraday) (10000 coulomb) }\nPARAMETER")
    model = imported(changed(text, "ik = g*(v - ek)", "ik = F*g*(v - ek)"))
    ratio = [m.derivatives({"V": V, "n": 0.3 + 0 * V})["V"] for m in (model, imported(CHANNEL))]
    assert ratio[0] == pytest.approx(9.648533212 * ratio[1], rel=1e-9)

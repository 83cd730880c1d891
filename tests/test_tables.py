"""Tables as text, and results on one line."""

import numpy as np

import hhfast as hh
from hhfast.tables import number_text, table, unit_text


def test_columns_are_aligned():
    """Two spaces between, no spaces at ends of lines, headings of several lines; the last letter goes on."""
    assert table([("rk4", "0.05", "12"), ("euler", "0.1", "3")], ["", "dt\n(ms)", "n"], "lr").split("\n") == [
        "         dt",
        "       (ms)   n",
        "rk4    0.05  12",
        "euler   0.1   3",
    ]


def test_text_is_printed_as_it_is():
    """Nothing is taken for markup, cut or wrapped, however long."""
    long = "[red]" + 300 * "x "
    assert table([(long, "1"), ("b", "2")], indent="  ").split("\n") == [
        f"  {long}  1", f"  b{' ' * (len(long) - 1)}  2"
    ]  # fmt: skip


def test_numbers():
    """Six digits, a dash for what is not known."""
    assert [number_text(v) for v in (1 / 3, np.nan, "III", np.True_, 1e9)] == ["0.333333", "-", "III", "yes", "1e+09"]


def test_results_are_short():
    """However many cells they have."""
    n = 10_000
    found = hh.Rheobase(np.ones(n), np.zeros(n, np.uint8), 1.0, "uA cm-2")
    target = hh.SpikeTarget([1.0, 2.0, 3.0, 4.0], 10.0)
    assert repr(target) == "SpikeTarget(times=list of 4, t_stop=10.0, threshold=-20.0, rearm=-30.0)"
    assert repr(hh.Rows({"g_Na": np.linspace(100.0, 140.0, 2000)})) == "Rows(values={g_Na})"
    assert repr(found) == "Rheobase(amplitude=float64[10000], status=uint8[10000], width=1.0, unit='uA cm-2')"
    points = hh.Bifurcations(*[[np.empty(0)] * n] * 7, np.zeros(n, np.uint8), "uA cm-2")
    assert len(repr(points)) < 300
    result = hh.simulate("hodgkin_huxley", {"g_Na": np.full(300, 120.0)}, t_stop=0.1, record=[hh.Final()])
    assert len(repr(result)) < 200


def test_units_as_people_write_them():
    """Of UDUNITS' spelling; what has a negative power stands below the line, a number stays."""
    written = {
        "1": "", "": "", "mV": "mV", "uA cm-2": "µA/cm²", "mS cm-2": "mS/cm²", "degC": "°C", "ms-1": "1/ms", "um": "µm",
        "cm2 uA-1": "cm²/µA", "kOhm cm2": "kOhm cm²", "1e-3 mm3 s-1": "1e-3 mm³/s", "Hz cm2 mS-1": "Hz cm²/mS",
        "ms/(mS cm-2)": "ms per mS/cm²", "1/(mV)": "1 per mV",
    }  # fmt: skip
    assert {unit: unit_text(unit) for unit in written} == written
    r = hh.simulate("hodgkin_huxley", t_stop=1.0, record=[hh.Trace("V", "i_Na", every=1.0)])
    for shown in (r, hh.models["hodgkin_huxley"], hh.Step(amplitude=1.0)):
        page = shown._repr_html_()
        assert "/cm²" in page
        assert "cm-2" not in page

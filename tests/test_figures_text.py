"""Names, units and lines of text in pictures."""

import io

import numpy as np
import pytest

from hhfast.figures.canvas import new_figure, save
from hhfast.figures.quantity import Quantity
from hhfast.figures.text import cell_labels, plain, shown_number, symbol, value_text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("V", "$V$"),
        ("g_Na", r"$g_{\mathrm{Na}}$"),
        ("tau_m", r"$\tau_{\mathrm{m}}$"),
        ("m_inf", r"$m_{\infty}$"),
        ("g_Na_d", r"$g_{\mathrm{Na},\mathrm{d}}$"),
        ("celsius", "celsius"),
        ("Ca", "Ca"),
        ("phi", r"$\phi$"),
        ("stimulus.amplitude", "stimulus amplitude"),
        ("_", "_"),
    ],
)
def test_symbols(name, shown):
    assert symbol(name) == shown


@pytest.mark.parametrize("name", ["g_", "_x", "a__b", "x_1_2_3", "Q10_m", "g_Na2p", "lambda_", "V_1"])
def test_every_symbol_can_be_drawn(name, tmp_path):
    """Whatever a model calls its parameters; and what is no name stays text."""
    figure = new_figure(4, 3)
    figure.suptitle(symbol(name))
    figure.supxlabel(plain("100 $ x_ $"))
    save(figure, tmp_path / "name.svg")
    assert "100 $ x_ $" in (tmp_path / "name.svg").read_text()


def test_values_and_cells():
    assert value_text("g_Na", 120.0, "mS cm-2") == r"$g_{\mathrm{Na}}$ = 120 mS/cm²"
    shown = {30_000.0: "30000", 1_234_567.0: "1235000", 0.0002: "0.0002", -65.0: "-65", 3e8: "3e+08", 2e-7: "2e-07"}
    assert {value: shown_number(value) for value in shown} == shown
    labels = cell_labels({"V": np.array([1.0, 2.0]), "E": np.array([3.0, 3.0])}, {})
    assert labels == ["$V$ = 1", "$V$ = 2"]  # the one that differs


def test_long_lines_are_broken_where_they_would_be_cut():
    """Titles and labels of every panel end up inside the figure."""
    figure = new_figure(3, 2.5)
    axes = figure.subplots(2, 1)
    figure.suptitle("a title that is much too long for a picture of three inches " * 2)
    axes[0].set_ylabel("a label that is too long")
    axes[1].set_xlabel("another label that is far too long for such a small picture, too")
    figure.savefig(io.BytesIO())
    for text in (figure._suptitle, axes[0].yaxis.label, axes[1].xaxis.label):
        box = text.get_window_extent()
        assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
        assert 0 <= box.y0 < box.y1 <= figure.bbox.y1


def test_text_stays_text(tmp_path):
    """Words can be selected and edited: TrueType fonts in PDF, text in SVG."""
    figure = new_figure(3, 2)
    figure.subplots().set_xlabel("a selectable label")
    save(figure, tmp_path / "picture.svg")
    save(figure, tmp_path / "picture.pdf")
    assert ">a selectable label</text>" in (tmp_path / "picture.svg").read_text()
    assert b"/FontFile2" in (tmp_path / "picture.pdf").read_bytes()  # what PDF calls a TrueType font


def test_titles_at_the_left_are_broken_too():
    figure = new_figure(4, 2.5)
    axes = figure.add_subplot()
    axes.set_title("a title at the left that is far too long for such a small picture, with all parameters", loc="left")
    figure.savefig(io.BytesIO())
    assert axes.get_title(loc="left").count("\n") >= 1
    assert axes._left_title.get_window_extent().x1 <= figure.bbox.x1


def test_a_value_stays_with_its_name_and_unit():
    """The title of a row is broken between parameters, where that is possible."""
    figure = new_figure(4, 2.5)
    axes = figure.add_subplot()
    values = {"g_Na": 60.0, "g_K": 5.0, "stimulus.amplitude": 15.0, "g_L": 0.3}
    told = [value_text(name, value, "mS cm-2") for name, value in values.items()]
    axes.set_title(f"row 3 ({', '.join(told)}): 4 spikes")
    figure.savefig(io.BytesIO())
    lines = axes.get_title().split("\n")
    assert len(lines) > 1
    for text in told:
        assert sum(text in line for line in lines) == 1


def test_each_of_many_classes_that_occur_has_a_colour_of_its_own():
    """Of twenty classes as of five; those that do not occur take none away."""
    for codes in (range(5), range(20), (0, 3, 11, 19)):
        shown = Quantity("class", np.array([*codes], float), tuple(f"class_{k}" for k in range(20)))
        colours = [shown.colour_map(shown.norm(code)) for code in codes]
        assert len(set(colours)) == len(colours)


def test_a_short_logarithmic_scale_has_plain_numbers():
    figure = new_figure(4, 3)
    axes = figure.add_subplot()
    shown = Quantity("period (ms)", np.array([[5.0, 20.0], [10.0, 8.0]]), logarithmic=True)
    shown.explain(figure, axes.pcolormesh(shown.values, norm=shown.norm), [axes], missing=False)
    figure.savefig(io.BytesIO())
    texts = [tick.get_text() for tick in figure.axes[-1].get_yticklabels()]
    assert {"5", "10", "20"} <= set(texts)
    assert not any("^" in text for text in texts)

"""Pictures of analyses: what is drawn, with which labels."""

import numpy as np
import pytest

import hhfast as hh
from hhfast.figures.analyses import plot_fi, plot_recovery, plot_strength_duration
from hhfast.figures.appearance import Appearance
from hhfast.figures.parameter_map import plot_map


@pytest.fixture
def cells():
    """A grid of two by three thresholds; no simulation."""
    x, y = np.meshgrid([1.0, 2.0, 3.0], [10.0, 20.0])
    return x.ravel(), y.ravel()


def labels(axes):
    """The labels of axes that can be drawn."""
    axes.figure.canvas.draw()
    return axes.get_xlabel(), axes.get_ylabel()


def test_both_branches():
    """Two f-I curves in one picture, their onsets marked."""
    both = [hh.fi_curve("hodgkin_huxley", [5.0, 8.0, 12.0], direction=d, t_stop=300.0) for d in ("up", "down")]
    axes = plot_fi(both)
    assert labels(axes) == ("applied current (µA/cm²)", "firing rate (Hz)")
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "current rising (class II)", "current falling (class II)"
    ]  # fmt: skip
    for curve, line in zip(both, [line for line in axes.lines if len(line.get_xdata()) == 3], strict=True):
        np.testing.assert_array_equal(line.get_data(), (curve.current, curve.rate[0]))
    onsets = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    assert onsets == [curve.onset[0] for curve in both]


def test_the_key_of_branches_stays_under_a_title_of_ones_own():
    """With several cells both branches are in the legend, whatever the title."""
    params = {"g_K": np.array([30.0, 36.0])}
    both = [hh.fi_curve("hodgkin_huxley", [5.0, 12.0], params, direction=d, t_stop=300.0) for d in ("up", "down")]
    axes = hh.plot_fi(both, params=params)
    Appearance(title="mine").apply(axes.figure)
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[-2:] == ["current rising", "current falling"]
    assert axes.figure.get_suptitle() == "mine"


def test_strength_duration():
    """Thresholds, both fits, rheobase and chronaxie."""
    found = hh.strength_duration("hodgkin_huxley", [0.2, 1.0, 5.0, 25.0], tol=1e-3)
    axes = plot_strength_duration(found)
    assert labels(axes) == ("pulse width (ms)", "threshold (µA/cm²)")
    lines = {line.get_label().split()[0].rstrip(":"): line.get_data() for line in axes.lines}
    assert set(lines) == {"threshold", "Weiss", "Lapicque", "rheobase", "chronaxie"}
    np.testing.assert_array_equal(lines["threshold"], (found.width, found.amplitude[0]))
    assert set(lines["rheobase"][1]) == {found.rheobase[0]}
    assert (lines["chronaxie"][0][0], lines["chronaxie"][1][0]) == (found.chronaxie[0], 2 * found.rheobase[0])
    for law in ("Weiss", "Lapicque"):  # at the chronaxie of a law its threshold is twice its rheobase
        fit, (width, amplitude) = getattr(found, law.lower()), lines[law]
        assert np.interp(fit.chronaxie[0], width, amplitude) == pytest.approx(2 * fit.rheobase[0], rel=1e-3)


def test_recovery():
    """Refractory, then supernormal."""
    found = hh.recovery_curve("hodgkin_huxley", [5.0, 10.0, 15.0, 19.0, 25.0], tol=1e-3)
    axes = plot_recovery(found)
    assert labels(axes) == ("interval, onset to onset (ms)", "threshold / resting threshold")
    np.testing.assert_array_equal(axes.lines[0].get_data(), (found.interval, found.ratio[0]))
    assert np.isnan(found.ratio[0, 0])
    grey = axes.patches[0].get_bbox()
    assert (grey.x0, grey.x1) == (5.0, 10.0)  # where there is no second spike
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"no second spike", "supernormal"}


@pytest.mark.core
def test_map(cells):
    """A grid in any order of its cells; anything else is refused."""
    x, y = cells
    order = np.random.default_rng(0).permutation(6)
    axes = plot_map(("g_Na", x[order]), ("g_K", y[order]), ("rheobase", (10 * x + y)[order]))
    assert labels(axes) == ("g_Na", "g_K")
    assert axes.figure.axes[1].get_ylabel() == "rheobase"
    np.testing.assert_array_equal(axes.collections[0].get_array(), [[20, 30, 40], [30, 40, 50]])
    with pytest.raises(hh.InputError, match="grid"):
        plot_map(("g_Na", x[1:]), ("g_K", y[1:]), ("rheobase", x[1:]))

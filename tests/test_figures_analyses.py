"""Pictures of analyses: what is drawn, with which labels."""

import numpy as np
import pytest

import hhfast as hh
from hhfast.figures import analyses as curves


@pytest.fixture
def cells():
    """A grid of two by three thresholds; no simulation."""
    x, y = np.meshgrid([1.0, 2.0, 3.0], [10.0, 20.0])
    return x.ravel(), y.ravel()


def drawn(axes, tmp_path):
    """The labels of an axes that can be saved."""
    path = tmp_path / "figure.png"
    axes.figure.savefig(path)
    assert path.stat().st_size > 5000
    return axes.get_xlabel(), axes.get_ylabel()


def test_both_branches(tmp_path):
    """Two f-I curves in one picture."""
    both = [hh.fi_curve("hodgkin_huxley", [5.0, 8.0, 12.0], direction=d, t_stop=300.0) for d in ("up", "down")]
    axes = curves.plot_fi(both)
    assert drawn(axes, tmp_path) == ("applied current (µA/cm²)", "firing rate (Hz)")
    assert len(axes.get_legend().get_texts()) == 2


def test_strength_duration(tmp_path):
    """Thresholds, both fits, rheobase and chronaxie."""
    axes = curves.plot_strength_duration(hh.strength_duration("hodgkin_huxley", [0.2, 1.0, 5.0], tol=1e-3))
    assert drawn(axes, tmp_path) == ("pulse width (ms)", "threshold (µA/cm²)")
    assert len(axes.get_legend().get_texts()) == 5


def test_recovery(tmp_path):
    """Refractory, then supernormal."""
    axes = curves.plot_recovery(hh.recovery_curve("hodgkin_huxley", [5.0, 10.0, 15.0, 19.0, 25.0], tol=1e-3))
    assert drawn(axes, tmp_path) == ("interval, onset to onset (ms)", "threshold / resting threshold")


def test_map(cells, tmp_path):
    """A grid in any order of its cells; anything else is refused."""
    x, y = cells
    order = np.random.default_rng(0).permutation(6)
    axes = curves.plot_map(("g_Na", x[order]), ("g_K", y[order]), ("rheobase", (10 * x + y)[order]))
    assert drawn(axes, tmp_path) == ("g_Na", "g_K")
    np.testing.assert_array_equal(axes.collections[0].get_array(), [[20, 30, 40], [30, 40, 50]])
    with pytest.raises(hh.InputError, match="grid"):
        curves.plot_map(("g_Na", x[1:]), ("g_K", y[1:]), ("rheobase", x[1:]))

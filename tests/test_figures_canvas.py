"""Labels, and saving pictures."""

import numpy as np
import pytest
from matplotlib.image import imread

import hhfast as hh
from hhfast.figures.canvas import check_picture, figure_of, new_axes, new_figure, save
from hhfast.figures.text import label_of


def test_labels_have_units():
    assert label_of("applied current", "uA cm-2") == "applied current (µA/cm²)"
    assert label_of("number of spikes", "1") == "number of spikes"
    assert label_of("time", "ms") == "time (ms)"


@pytest.mark.core
def test_a_saved_picture_shows_what_was_drawn(tmp_path):
    """Another line makes other pixels, and only where it is."""
    axes = new_axes()
    axes.plot([0, 1], [0, 0], color="red")
    axes.set(xlim=(0, 1), ylim=(-1, 1))
    save(figure_of(axes), tmp_path / "one.png")
    axes.plot([0, 1], [0.5, 0.5], color="blue")
    save(figure_of(axes), tmp_path / "two.png")
    one, two = (imread(tmp_path / f"{name}.png") for name in ("one", "two"))
    assert one.shape == two.shape == (630, 960, 4)
    rows, columns = np.nonzero((one != two).any(axis=2))
    assert 0 < np.ptp(rows) < 10
    assert np.ptp(columns) > 800


def test_the_figure_of_a_subfigure_is_the_whole():
    figure = new_figure(4, 3)
    assert figure_of(figure.subfigures(1, 2)[0].add_subplot()) is figure


def test_impossible_pictures_are_refused(tmp_path):
    check_picture(tmp_path / "figure.PNG")
    with pytest.raises(hh.InputError, match="ends in one of"):
        check_picture(tmp_path / "figure.xyz")
    with pytest.raises(hh.InputError, match="no directory"):
        save(new_figure(4, 3), tmp_path / "missing" / "figure.png")

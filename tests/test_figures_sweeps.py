"""Figures of results: the right kind for the space, with labels and units."""

import numpy as np
import pytest
from matplotlib.colors import LogNorm

from hhfast.errors import InputError
from hhfast.figures.points import MAX_POINTS, Coordinate, points
from hhfast.figures.quantity import Quantity
from hhfast.figures.sweeps import MAX_PANELS, plot_result
from hhfast.sweep import Axis, Grid, Record, Rows, Sweep, Values
from hhfast.sweep.store import ResultFile

AMPLITUDE = "stimulus.amplitude"
G_K = r"$g_{\mathrm{K}}$"
G_NA = r"$g_{\mathrm{Na}}$ (mS/cm²)"


def draw(tmp_path, space, certify=False, **options):
    """The figure of a small sweep, which can be saved."""
    stimulus = {"kind": "step", "start": 5.0} | ({} if AMPLITUDE in space.names else {"amplitude": 10.0})
    sweep = Sweep("hodgkin_huxley", space, 30.0, integrator="exp_euler", stimulus=stimulus, certify=certify,
                  record=Record(features=("spike_count", "latency")))  # fmt: skip
    with ResultFile(sweep.run(tmp_path / "out.h5", progress=False)) as result:
        figure = plot_result(result, **options)
    figure.canvas.draw()
    return figure


def drawn(figure):
    """The values of each heat map of a figure."""
    maps = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
    return [axes.collections[0].get_array() for axes in maps]


def test_one_axis_is_a_line(tmp_path):
    figure = draw(tmp_path, Grid.of({"g_Na": [120.0], AMPLITUDE: [0.0, 5.0, 10.0]}))
    (axes,) = figure.axes
    assert axes.get_xlabel() == "stimulus amplitude (µA/cm²)"
    assert axes.get_ylabel() == "number of spikes"
    assert axes.lines[0].get_xdata().tolist() == [0, 5, 10]


def test_a_result_without_a_rate_shows_what_cells_do(tmp_path):
    """Not why rows diverged; and a row that did not settle is no row without a value."""
    space = Grid.of({"g_K": [20.0, 36.0, 60.0], AMPLITUDE: [0.0, 10.0, 160.0]})
    stimulus = {"kind": "step"}
    sweep = Sweep("hodgkin_huxley", space, 60.0, stimulus=stimulus, until="settled", record=Record(features=("period", "activity")))  # fmt: skip
    with ResultFile(sweep.run(tmp_path / "out.h5", progress=False)) as result:
        figure, activity, status = plot_result(result), result.read("activity"), result.read("status")
    figure.canvas.draw()
    assert 6 in status
    assert sorted(drawn(figure)[0].filled(-1).ravel()) == sorted(activity)


def test_two_axes_are_a_heat_map_of_the_right_way_round(tmp_path):
    space = Grid.of({AMPLITUDE: [10.0, 0.0], "g_Na": [100.0, 120.0, 140.0]})
    figure = draw(tmp_path, space, value="spike_count")
    axes = figure.axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (G_NA, "stimulus amplitude (µA/cm²)")
    (values,) = drawn(figure)
    assert values.shape == (2, 3)
    assert (values[0] == 0).all()  # the smallest amplitude is at the bottom, whatever the order in the sweep
    assert (values[1] > 0).all()


def test_the_axes_can_be_chosen(tmp_path):
    space = Grid.of({AMPLITUDE: [10.0, 0.0], "g_Na": [100.0, 120.0, 140.0]})
    figure = draw(tmp_path, space, x=AMPLITUDE, y="g_Na")
    assert drawn(figure)[0].shape == (3, 2)


def test_more_axes_are_panels_with_titles(tmp_path):
    space = Grid.of({"g_K": [30.0, 36.0], AMPLITUDE: [0.0, 10.0, 20.0], "g_Na": [100.0, 120.0, 140.0, 160.0]})
    figure = draw(tmp_path, space, value="latency")
    assert len({mesh.get_clim() for axes in figure.axes for mesh in axes.collections[:1] if axes.get_title()}) == 1
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles == [f"{G_K} = 30 mS/cm²", f"{G_K} = 36 mS/cm²"]
    assert [values.shape for values in drawn(figure)] == [(3, 4), (3, 4)]


def test_many_panels_are_a_labelled_selection(tmp_path):
    sizes = {"g_K": (20, 40, 11), AMPLITUDE: (0, 20, 12), "g_Na": (80, 160, 13)}
    space = Grid.of({name: np.linspace(*size) for name, size in sizes.items()})
    titles = [axes.get_title() for axes in draw(tmp_path, space, x=AMPLITUDE, y="g_Na").axes]
    assert [t for t in titles if t][:: MAX_PANELS - 1] == [f"{G_K} = 20 mS/cm²", f"{G_K} = 40 mS/cm²"]


def test_the_lowest_panel_of_each_column_has_numbers_below(tmp_path):
    """Five panels stand in two rows; nothing is below the last of the upper ones."""
    space = Grid.of(
        {"g_K": [30.0, 32.0, 34.0, 36.0, 38.0], AMPLITUDE: np.arange(6.0), "g_Na": np.linspace(100, 160, 7)}
    )
    figure = draw(tmp_path, space, value="spike_count")
    panels = [axes for axes in figure.axes if axes.get_title()]
    numbered = [any(tick.label1.get_visible() for tick in axes.xaxis.get_major_ticks()) for axes in panels]
    assert numbered == [False, False, True, True, True]


def test_what_became_of_a_row_is_shown_of_every_row(tmp_path):
    """Also of those that failed, which it explains."""
    space = Grid.of({"g_K": [-5.0, 20.0, 36.0], AMPLITUDE: [0.0, 10.0]})
    figure = draw(tmp_path, space, value="status")
    assert sorted(drawn(figure)[0].filled(-1).ravel()) == [0, 0, 0, 0, 1, 1]
    reasons = [text.get_text() for text in figure.legends[0].get_texts()]
    assert reasons == ["ok", "diverged"]


def test_a_parameter_over_magnitudes_has_a_logarithmic_axis(tmp_path):
    rng = np.random.default_rng(1)
    space = Rows({"g_L": 10 ** rng.uniform(-2, 1, 60), "g_Na": rng.uniform(90, 150, 60)})
    axes = draw(tmp_path, space, x="g_L", y="g_Na").axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")


def test_a_zipped_axis_is_drawn_over_either_parameter(tmp_path):
    pair = Axis("pair", (("g_Na", Values("linspace", (100, 140, 3))), ("g_K", Values("linspace", (30, 42, 3)))))
    space = Grid((pair, *Grid.of({AMPLITUDE: [5.0, 10.0]}).axes))
    assert draw(tmp_path, space, x="g_K").axes[0].get_xlabel() == f"{G_K} (mS/cm²)"


def test_rows_are_a_scatter(tmp_path):
    rng = np.random.default_rng(1)
    space = Rows({"g_Na": rng.uniform(90, 150, 50), AMPLITUDE: rng.uniform(0, 20, 50)})
    axes = draw(tmp_path, space, value="latency").axes[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == (G_NA, "stimulus amplitude (µA/cm²)")
    assert sum(len(points.get_offsets()) for points in axes.collections) == 50


def test_codes_are_named(tmp_path):
    space = Grid.of({"g_Na": [100.0, 120.0], AMPLITUDE: [0.0, 10.0]})
    figure = draw(tmp_path, space, certify=True, value="certified")
    assert (drawn(figure)[0] == 1).all()
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["agrees"]  # of four codes the one that occurs


@pytest.mark.parametrize(("values", "shown"), [([1e-4, np.nan, 0.1], True), ([0.1, 0.2], False), ([0.0, 5.0], False)])
def test_errors_are_shown_by_their_order_of_magnitude(values, shown):
    """If they have several; a zero, as of spike counts, has none."""
    norm = Quantity("error", np.array(values), is_error=True).norm
    assert (norm.vmin, norm.vmax) == (np.nanmin(values), np.nanmax(values))
    assert isinstance(norm, LogNorm) == shown
    assert not isinstance(Quantity("rate", np.array(values)).norm, LogNorm)


BAD_AXES = [({"x": "g_Na", "y": "g_Na"}, "both the axis"), ({"y": "g_K"}, "unknown axis")]


@pytest.mark.parametrize(("options", "message"), BAD_AXES)
def test_impossible_axes_are_refused(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        draw(tmp_path, Grid.of({"g_Na": [100.0, 120.0], AMPLITUDE: [5.0, 10.0]}), **options)


def test_curves_over_a_current_are_lines(tmp_path):
    """One for each value of the other axis, in the legend; of many a colour bar."""
    space = Grid.of({AMPLITUDE: [10.0, 0.0, 20.0], "g_Na": [100.0, 120.0]})
    figure = draw(tmp_path, space)
    axes = figure.axes[0]
    assert [line.get_xdata().tolist() for line in axes.lines] == [[0.0, 10.0, 20.0]] * 2
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        f"{G_NA[:-9]} = {g} mS/cm²" for g in (100, 120)
    ]
    many = Grid.of({AMPLITUDE: [0.0, 20.0], "g_Na": np.linspace(80, 160, 12)})
    (tmp_path / "out.h5").unlink()
    figure = draw(tmp_path, many, x=AMPLITUDE)
    assert (len(figure.axes[0].lines), figure.axes[0].get_legend()) == (12, None)
    assert figure.axes[1].get_ylabel() == G_NA


def test_many_rows_are_means_in_bins():
    """Where points would hide each other; the mean of a bin by NumPy's own count."""
    rng = np.random.default_rng(2)
    x, y, value = rng.uniform(0, 1, (3, MAX_POINTS + 1000))
    value[x < 0.1] = np.nan
    figure = points(Coordinate("x", x, log=False), Coordinate("y", y, log=False), Quantity("value", value))
    mesh = figure.axes[0].collections[-1]
    n = mesh.get_array().shape[0]
    known = np.isfinite(value)
    edges = [np.linspace(v.min(), v.max(), n + 1) for v in (y, x)]
    total = np.histogram2d(y[known], x[known], edges, weights=value[known])[0]
    count = np.histogram2d(y[known], x[known], edges)[0]
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(mesh.get_array().filled(np.nan), total / count)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no value"]


def test_the_rate_is_that_of_the_intervals(tmp_path):
    """A count in a short window makes stripes; silent cells and those of one spike have rate 0."""
    sweep = Sweep("hodgkin_huxley", Grid.of({AMPLITUDE: [0.0, 3.0, 10.0]}), 60.0, integrator="exp_euler",
                  stimulus={"kind": "step", "start": 5.0}, record=Record(features=("rate", "isi_mean")))  # fmt: skip
    with ResultFile(sweep.run(tmp_path / "out.h5", progress=False)) as result:
        line = plot_result(result).axes[0].lines[0].get_ydata()
        assert line.tolist() == [0.0, 0.0, 1000.0 / result.read("isi_mean")[2]]
        assert plot_result(result, value="rate").axes[0].lines[0].get_ydata()[1] > 0

"""Pictures of populations: every pixel, point and share is where the numbers say."""

import numpy as np
import pytest
from commands import hhfast, refused

import hhfast as hh
from hhfast.figures.stacking import main_effects

SCAN = """
model = "hodgkin_huxley"
t_stop = 80.0
[stimulus]
kind = "step"
[axes]
g_Na = { values = [100, 120] }
g_L = { values = [0.2, 0.3, 0.4] }
"stimulus.amplitude" = { values = [0.0, 10.0, 30.0] }
[record]
features = ["rate"]
spikes = true
"""


def test_bins_and_ticks_are_those_of_the_values_of_a_grid(tmp_path):
    """Of 41 values two are in each bin, so that what is accepted everywhere is level; three values are the ticks."""
    space = hh.Grid.of({"g_Na": np.linspace(90, 130, 41), "g_L": [0.2, 0.3, 0.4]})
    record = hh.Record(features=("V_max",))
    out = hh.Sweep("hodgkin_huxley", space, 2.0, record=record).run(tmp_path / "scan.h5", progress=False)
    accepted = hh.plot_population(hh.select(out, "V_max < 100")).axes[0].patches[-1].get_data()
    assert len(accepted.values) == 21
    np.testing.assert_allclose(accepted.values, 1 / 41)
    assert hh.plot_result(out).axes[0].get_yticks().tolist() == [0.2, 0.3, 0.4]


def test_stacking_puts_axes_within_axes():
    """The coarsest axis along x, the next along y, the third within the first."""
    values = np.arange(24.0).reshape(2, 3, 4)
    figure = hh.plot_stacking(values, {"a": [1, 2], "b": [1, 2, 3], "c": [1, 2, 3, 4]}, order=["a", "b", "c"])
    image = figure.axes[0].images[0].get_array()
    assert image.shape == (3, 8)
    for i, j, k in np.ndindex(2, 3, 4):
        assert image[j, 4 * i + k] == values[i, j, k]


def test_stacking_begins_with_the_largest_effect():
    a, b, c = np.meshgrid([0.0, 1.0], [0.0, 1.0], [0.0, 1.0], indexing="ij")
    values = a + 10 * b + 3 * c
    effects = main_effects(values, "abc")
    assert effects == pytest.approx({"a": 1, "b": 10, "c": 3})
    image = hh.plot_stacking(values, {name: [0, 1] for name in "abc"}).axes[0].images[0].get_array()
    np.testing.assert_array_equal(image, [[0, 1, 10, 11], [3, 4, 13, 14]])  # b along x with a in it, c along y


@pytest.mark.parametrize(
    ("values", "names", "message"),
    [
        (np.zeros((2, 3)), {"a": [1, 2], "b": [1, 2]}, "grid of"),
        (np.zeros((1, 1)), {"a": [1], "b": [1]}, "none varies"),
        (np.zeros((2, 2)), {"a": [1, 2], "b": [1, 2]}, "order: unknown axis 'x'"),
    ],
)
def test_stacking_refuses_what_fits_no_grid(values, names, message):
    order = ["x", "b"] if "order" in message else None
    with pytest.raises(hh.InputError, match=message):
        hh.plot_stacking(values, names, order=order)


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "scan.toml").write_text(SCAN)
    hh.Sweep.from_toml(folder / "scan.toml").run(folder / "scan.h5", progress=False)
    return folder / "scan.h5"


def test_a_result_is_stacked_by_the_command(scan, tmp_path, pictures):
    assert hhfast("plot", scan, "--kind", "stack", "-o", tmp_path / "stack.png").exit_code == 0
    (figure,) = pictures
    image = np.asarray(figure.axes[0].images[0].get_array())
    with hh.open_results(scan) as dataset:
        assert sorted(image.ravel()) == pytest.approx(sorted(dataset.rate.values.ravel()))
        assert image.shape in ((3, 6), (6, 3), (2, 9))


def test_what_a_sweep_drew_by_ratio_has_a_logarithmic_axis(tmp_path, pictures):
    """In the corner plot and among points, though it spans one decade only; bins are of equal ratio there."""
    ranges = {"g_L": hh.Distribution("loguniform", (0.1, 1.0)), "g_Na": hh.Distribution("uniform", (60, 180))}
    record = hh.Record(features=("V_max",))
    result = hh.Sweep("hodgkin_huxley", hh.Sample("sobol", 64, ranges), 1.0, record=record).run(
        tmp_path / "scan.h5", progress=False
    )
    corner = hh.plot_population(hh.select(result, "V_max > -100"))
    assert [axes.get_xscale() for axes in corner.axes] == ["log", "linear"] * 2
    edges = corner.axes[0].patches[0].get_data().edges
    np.testing.assert_allclose(np.diff(np.log(edges)), np.log(edges[-1] / edges[0]) / 24)
    assert hhfast("plot", result, "--value", "V_max", "-o", tmp_path / "points.png").exit_code == 0
    assert (pictures[-1].axes[0].get_xscale(), pictures[-1].axes[0].get_yscale()) == ("log", "linear")


def test_intervals_are_those_of_the_file(scan, tmp_path, pictures):
    command = ("plot", scan, "--kind", "intervals", "--x", "stimulus.amplitude", "--transient", "10")
    assert hhfast(*command, "-o", tmp_path / "intervals.png").exit_code == 0
    (line,) = pictures[0].axes[0].lines
    with hh.open_results(scan) as dataset:
        counts, times = dataset.spike_count.values.ravel(), dataset.spike_time.values
    expected = np.concatenate([np.diff(t[t >= 10]) for t in np.split(times, np.cumsum(counts)[:-1])])
    np.testing.assert_allclose(line.get_ydata(), expected)
    assert set(line.get_xdata()) <= {10.0, 30.0}
    assert "no row has two spikes" in refused("plot", scan, "--kind", "intervals", "--transient", "79")


def test_a_currentscape_shows_shares_of_the_currents(scan, tmp_path, pictures):
    """At every moment inward and outward shares fill 100 % each, and are those of the model's own currents."""
    command = ("trace", scan, "--row", "10", "--currentscape", "-o", tmp_path / "shares.png")
    assert hhfast(*command).exit_code == 0
    shares = pictures[0].axes[2].collections
    labels = [c.get_label() for c in shares if not c.get_label().startswith("_")]
    assert labels == [rf"$i_{{\mathrm{{{channel.name}}}}}$" for channel in hh.models["hodgkin_huxley"].channels]
    for sign, stack in ((1, shares[: len(labels)]), (-1, shares[len(labels) :])):
        top = np.max([sign * path.vertices[:, 1] for c in stack for path in c.get_paths()])
        assert top == pytest.approx(100)
    r = hh.simulate("hodgkin_huxley", t_stop=2.0, record=[hh.Trace("V", "i_Na", "i_K", "i_L", every=0.1)])
    figure = hh.plot_currentscape(r)
    last = np.array([r[f"i_{name}"][0, -1] for name in ("Na", "K", "L")])
    outward = np.cumsum(np.clip(last, 0, None) / np.clip(last, 0, None).sum() * 100)
    stack = figure.axes[2].collections[:3]
    at = [max(y for x, y in c.get_paths()[0].vertices if x == r.time[-1]) for c in stack]
    assert at == pytest.approx(outward.tolist())
    with pytest.raises(hh.InputError, match="record Trace"):
        hh.plot_currentscape(hh.simulate("hodgkin_huxley", t_stop=1.0, record=[hh.Final()]))


def test_a_currentscape_of_a_settled_cell_ends_with_it():
    """Its trace has no numbers after that."""
    record = [hh.Trace("V", "i_Na", "i_K", "i_L", every=0.5), hh.Features(["settled_at"])]
    r = hh.simulate("hodgkin_huxley", stimulus=hh.Step(8.0), t_stop=1000.0, until="settled", record=record)
    assert np.isnan(r["V"][0, -1])
    ends = hh.plot_currentscape(r).axes[-1].get_xlim()[1]
    assert abs(ends - r["settled_at"][0]) < 20.0

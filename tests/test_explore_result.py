"""The page of a result: bins, rows simulated in the page, brushes, keyboard, link; and text that stays text."""

import base64
import json
import re
import shlex
import zlib

import numpy as np
import pytest
from browser import Visitor
from commands import hhfast, refused

import hhfast as hh
from hhfast.batch.simulate import simulate
from hhfast.pages import binning
from hhfast.pages.page import LARGEST, part
from hhfast.pages.result_page import colour_range
from hhfast.sweep.store import ResultFile

READY = "document.body.dataset.ready === 'yes'"
GRID = """\
model = "hodgkin_huxley"
t_stop = 40.0
integrator = "tsit5"
[stimulus]
kind = "step"
start = 5.0
[parameters]
celsius = 8.0
[axes]
g_Na = { linspace = [90, 150, 4] }
g_K = { logspace = [1, 2, 3] }
"stimulus.amplitude" = { values = [0, 6, 20] }
[record]
features = ["spike_count", "latency"]
"""
SAMPLE = """\
model = "hodgkin_huxley"
t_stop = 40.0
dtype = "float32"
integrator = "rk4"
[[stimulus]]
kind = "noise"
sigma = 4.0
tau = 2.0
[[stimulus]]
kind = "ramp"
amplitude = 30.0
start = 5.0
stop = 35.0
[sample]
method = "random"
n = 60
seed = 3
g_L = { loguniform = [0.02, 2.0] }
"stimulus.0.mean" = { uniform = [0, 15] }
[record]
features = ["spike_count", "V_max"]
"""


def page_of(folder, text, name="scan"):
    (folder / f"{name}.toml").write_text(text)
    hh.Sweep.from_toml(folder / f"{name}.toml").run(folder / f"{name}.h5", progress=False)
    return hh.explore(folder / f"{name}.h5")


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """The page of a small grid, beside its result."""
    return page_of(tmp_path_factory.mktemp("grid"), GRID)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """The page of a small sample with noise, beside its result."""
    return page_of(tmp_path_factory.mktemp("sample"), SAMPLE)


@pytest.fixture(scope="module")
def blank(chromium):
    return chromium.new_page()


# --- bins -------------------------------------------------------------------------------------------------------------
def unpacked(array):
    return np.frombuffer(zlib.decompress(base64.b64decode(array["data"])), array["dtype"])


def test_bins_hold_means_and_the_most_frequent_class():
    """Against sums by hand; a row without a number counts for none, a bin without one is missing."""
    rng = np.random.default_rng(5)
    n = 4000
    x, y = rng.uniform(0.0, 1.0, n), rng.normal(size=n)
    numbers = np.where(x < 0.2, np.nan, 3.0 * x + y)
    classes = np.where(x < 0.5, 0.0, 2.0)
    features = [binning.BinnedFeature("f", numbers, "mV"), binning.BinnedFeature("c", classes, "1", ("a", "b", "c"))]
    axes = [binning.axis_of_sample("x", x, 10, log=False), binning.axis_of_sample("y", y, 8, log=False)]
    table = binning.table(axes, features)
    assert (table["axes"], table["shape"]) == (["x", "y"], (10, 8))
    count = unpacked(table["count"]).reshape(10, 8)
    assert count.sum() == n
    packed = table["values"]["f"]
    steps = unpacked(packed).reshape(10, 8)
    found = packed["low"] + steps * (packed["high"] - packed["low"]) / (binning.MISSING - 1)
    x_of, y_of = np.floor((x - x.min()) / np.ptp(x) * 10), np.floor((y - y.min()) / np.ptp(y) * 8)
    here = (x_of == 6) & (y_of == 3)
    assert count[6, 3] == here.sum() > 10
    np.testing.assert_allclose(found[6, 3], numbers[here].mean(), atol=1e-3)
    assert steps[0, 3] == binning.MISSING
    assert unpacked(table["values"]["c"]).reshape(10, 8)[2, 3] == 0
    assert unpacked(table["values"]["c"]).reshape(10, 8)[8, 3] == 2


@pytest.mark.parametrize(
    ("lengths", "most"), [((100, 100, 100), 200_000), ((1000, 1000), 50_000), ((3, 4), 100), ((7,), 3)]
)
def test_grids_are_joined_until_they_fit(lengths, most):
    strides = binning.strides_within(lengths, most)
    assert np.prod([-(-n // s) for n, s in zip(lengths, strides, strict=True)]) <= most
    assert max(strides) == 1 or np.prod(lengths) > most


def test_neighbours_of_a_grid_are_joined_evenly():
    values = np.array([1.0, 2.0, 3.0, 4.0, 10.0])
    axis = binning.axis_of_grid("g", values, np.array([0, 4, 3, 2, 1, 0]), 2)
    np.testing.assert_allclose(axis.centres, [1.5, 3.5, 10.0])
    assert axis.bins.tolist() == [0, 2, 1, 1, 0, 0]


# --- the page ---------------------------------------------------------------------------------------------------------
SETTLED = """\
model = "hodgkin_huxley"
t_stop = 400.0
until = "settled"
stimulus = { kind = "step" }
[axes]
g_K = { linspace = [5, 60, 6] }
"stimulus.amplitude" = { linspace = [0, 160, 9] }
[record]
features = ["activity", "period", "V_rest"]
"""


def spikes_by_simulate(path, row):
    """The spike times of a row by the compiled kernel, in double precision, from the file's own parameters."""
    from hhfast.batch.method import Method
    from hhfast.model import parse_model
    from hhfast.parts.recorders import Spikes
    from hhfast.sweep.read_spec import sweep_from_canonical
    from hhfast.sweep.simulate_rows import cells_of
    from hhfast.sweep.space import Rows

    with ResultFile(path) as result:
        values = {name: result.read(name, row, row + 1) for name in result.parameters}
        model = parse_model(result.attributes["hhfast_model"], str(path))
        sweep = sweep_from_canonical(result.attributes["hhfast_spec"], model, Rows(values))
        count = int(result.read("spike_count", row, row + 1)[0])
    parameters, stimulus = cells_of(sweep, values, np.array([row]))
    found = simulate(model, parameters, stimulus=stimulus, t_stop=sweep.t_stop, record=[Spikes()],
                     method=Method(sweep.integrator, sweep.dt))  # fmt: skip
    return found.spike_times[0], count


@pytest.mark.parametrize("name", ["grid", "sample"])
def test_any_row_is_simulated_as_it_was(chromium, request, name):
    """On a click on the map: the row's own parameters, current and noise; spikes as by the compiled kernel."""
    path = request.getfixturevalue(name)
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < LARGEST
    assert not re.search(r"https?://|//cdn|@import|src=", text.replace("http://www.w3.org/2000/svg", ""))
    with Visitor(chromium, path) as visitor:
        visitor.wait(READY)
        fired = 0
        for x, y in ((90, 40), (250, 200), (330, 320)):
            visitor.page.locator("#plot-map").click(position={"x": x, "y": y})
            visitor.wait("run !== null")
            row, spikes = visitor.page.evaluate("[state.row, Array.from(run.spikes)]")
            expected, count = spikes_by_simulate(path.with_suffix(".h5"), row)
            assert len(spikes) == len(expected) == count
            np.testing.assert_allclose(spikes, expected, atol=2e-4 if name == "grid" else 1e-9)
            fired += count
        visitor.assert_quiet()
    assert fired > 3


def test_the_map_shows_the_grid(chromium, grid):
    """The plane of the page is the slice of the result that its sliders hold."""
    with ResultFile(grid.with_suffix(".h5")) as result:
        counts = result.read("spike_count").reshape(4, 3, 3)
    with Visitor(chromium, grid) as visitor:
        visitor.wait(READY)
        for k in range(3):
            visitor.page.evaluate(f"state['o.stimulus.amplitude'] = {k}; drawMap()")
            found = visitor.page.evaluate("Array.from(plane.values)")
            np.testing.assert_allclose(np.reshape(found, (3, 4)).T, counts[:, :, k], atol=1e-3)
        visitor.page.get_by_label("Across").select_option("g_K")
        visitor.wait("state.x === 'g_K' && state.y === 'g_Na' && plane.n === 3")
        visitor.page.evaluate("state['o.stimulus.amplitude'] = -1; drawMap()")
        found = visitor.page.evaluate("Array.from(plane.values)")
        np.testing.assert_allclose(np.reshape(found, (4, 3)), counts.mean(axis=2), atol=1e-3)
        visitor.assert_quiet()


def test_the_map_of_a_sample_stays_filled_where_a_slider_holds(chromium, tmp_path):
    """Each of its values is a mean of rows near the slider, and where there are rows there is a value."""
    text = (
        SAMPLE.replace("t_stop = 40.0", "t_stop = 1.0")
        .replace("n = 60", "n = 3000")
        .replace("stop = 35.0", "stop = 6.0")
    )
    text = text.replace(
        "g_L = { loguniform = [0.02, 2.0] }", "g_L = { uniform = [0.1, 1.0] }\ng_K = { uniform = [20, 50] }"
    )
    page = page_of(tmp_path, text)
    with ResultFile(page.with_suffix(".h5")) as result, Visitor(chromium, page, "#x=g_L&y=g_K&value=V_max") as visitor:
        visitor.wait(READY)
        name = "stimulus.0.mean"
        visitor.page.evaluate(f"state['o.{name}'] = 2, drawMap()")
        n, m, values = visitor.page.evaluate(
            "[plane.n, plane.m, Array.from(plane.values, (v) => (Number.isNaN(v) ? null : v))]"
        )
        low, high = visitor.page.evaluate(f"heldBetween(axisOf('{name}'), 2)")
        inside = (result.read(name) >= low) & (result.read(name) <= high)
        V, known = result.read("V_max"), np.array([v for v in values if v is not None])
        assert len(known) > 0.9 * n * m
        assert inside.sum() < 0.5 * n * m  # fewer rows than bins, of which most were empty
        assert len(set(known)) > 10
        assert V[inside].min() - 1e-3 <= known.min() < known.max() <= V[inside].max() + 1e-3
        assert f"from {low:.4g}"[:8] in visitor.page.locator("#joined").text_content()
        visitor.assert_quiet()


def test_keys_brushes_and_the_link(chromium, sample):
    """Arrow keys choose rows; brushes, dragged or typed, select; the link brings all of it back."""
    with Visitor(chromium, sample) as visitor:
        page = visitor.wait(READY) or visitor.page
        page.locator("#plot-map").focus()
        page.keyboard.press("ArrowRight")
        visitor.wait("state.row >= 0")
        first = page.evaluate("state.row")
        for _ in range(6):
            page.keyboard.press("ArrowUp")
        visitor.wait(f"state.row !== {first}")
        page.get_by_text("Brushes as numbers").click()
        page.get_by_label("spike_count, from").fill("3")
        visitor.wait("byId('selection').textContent !== ''")
        selected = page.evaluate("parallel.selected")
        box = page.locator("#plot-parallel").bounding_box()
        page.mouse.move(box["x"] + 34, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(box["x"] + 34, box["y"] + 150, steps=4)
        page.mouse.up()
        visitor.wait("location.hash.includes('b.g_L')")
        both = page.evaluate("parallel.selected")
        link, state = page.evaluate("[location.hash, state]")
        visitor.assert_quiet()
    with ResultFile(sample.with_suffix(".h5")) as result:
        assert selected == np.sum(result.read("spike_count") >= 3)
    assert both < selected
    with Visitor(chromium, sample, link) as again:
        again.wait(READY)
        assert again.page.evaluate("state") == state
        assert again.page.evaluate("parallel.selected") == both
        assert again.page.evaluate("run !== null")
        again.assert_quiet()


def test_what_is_selected_is_taken_away(chromium, sample, monkeypatch):
    """The command that the page writes selects the rows that its brushes do; the CSV holds them."""
    monkeypatch.chdir(sample.parent)
    with Visitor(chromium, sample, "#b.spike_count=3,Infinity&b.g_L=0.05,1") as visitor:
        visitor.wait(READY)
        selected = visitor.page.evaluate("parallel.selected")
        command = visitor.page.locator("#code").text_content().splitlines()[-1]
        panel = visitor.page.locator("section.wide")
        panel.locator(".save > summary").click()
        with visitor.page.expect_download() as download:
            panel.locator(".save").get_by_text("CSV", exact=True).click()
        download.value.save_as("page.csv")
        visitor.assert_quiet()
    assert hhfast(*shlex.split(command)[1:]).exit_code == 0
    rows = (sample.parent / "scan-selected.csv").read_text().splitlines()[1:]
    with ResultFile(sample.with_suffix(".h5")) as result:
        counts, g_L = result.read("spike_count"), result.read("g_L")
    expected = np.flatnonzero((counts >= 3) & (g_L >= 0.05) & (g_L <= 1))
    assert len(rows) == len(expected) == selected > 3
    heading, *lines = (sample.parent / "page.csv").read_text().splitlines()
    assert heading == "row,g_L (mS/cm²),stimulus.0.mean (µA/cm²),spike_count,V_max (mV)"
    assert sorted(int(line.split(",")[0]) for line in lines) == expected.tolist()


def test_every_class_that_occurs_has_a_colour_of_its_own(blank):
    """Of twenty classes, as of five."""
    for n in (5, 20):
        feature = {"codes": [f"class_{k}" for k in range(n)], "present": list(range(n))}
        found = blank.evaluate(
            f"""(feature) => {{ {part("scripts/colours.js")}
            return feature.present.map((k) => classColour(feature, k)); }}""",
            feature,
        )
        assert len(set(found)) == n


def test_colours_are_not_spent_on_a_few_values_far_out():
    """From the 1st to the 99th percentile then, and the key says so; over all values else."""
    rng = np.random.default_rng(1)
    plain = colour_range(binning.BinnedFeature("f", rng.uniform(0.0, 10.0, 1000), "mV"))
    assert plain["low"] < 0.1
    assert plain["high"] > 9.9
    assert not plain["above"]
    far = colour_range(binning.BinnedFeature("f", np.append(rng.uniform(0.0, 10.0, 1000), 900.0), "mV"))
    assert 9.5 < far["high"] < 10.0
    assert (far["below"], far["above"]) == (False, True)


@pytest.mark.parametrize(
    "link", ["#row=9999&x=nothing&o.g_Na=77", "#value=__proto__&b.g_Na=a,b&y=g_Na&x=g_Na", "#row=1.5&b.g_K=1"]
)
def test_a_broken_link_is_no_error(chromium, grid, link):
    with Visitor(chromium, grid, link) as visitor:
        visitor.wait(READY)
        assert visitor.page.evaluate("state.row") == -1
        visitor.assert_quiet()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(chromium, grid, scheme):
    with Visitor(chromium, grid, viewport={"width": 390, "height": 844}, color_scheme=scheme) as visitor:
        visitor.wait(READY)
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
        visitor.assert_quiet()


def test_text_of_a_result_is_never_markup(chromium, tmp_path):
    """A model's title and the name of the file are shown as they are."""
    hostile = "</script><img src=x onerror='window.owned = 1'>"
    title = json.dumps(hostile)
    text = re.sub(r"(?m)^title = .*$", lambda _: f"title = {title}", hh.models["hodgkin_huxley"].text)
    (tmp_path / "model.toml").write_text(text)
    page = page_of(tmp_path, GRID.replace('"hodgkin_huxley"', '"model.toml"'), "<img src=x>")
    with Visitor(chromium, page) as visitor:
        visitor.wait(READY)
        assert visitor.page.evaluate("window.owned") is None
        assert hostile in visitor.page.locator("#title").text_content()
        assert "<img src=x>.h5" in visitor.page.locator("#subtitle").text_content()
        assert visitor.page.locator("img").count() == 0
        visitor.assert_quiet()


def test_one_axis_and_an_analysis(chromium, tmp_path):
    """A single axis is a line; rows of an analysis have no trace, and the page says so."""
    axes = GRID.index("[axes]")
    line = (
        GRID[:axes] + '[axes]\n"stimulus.amplitude" = { linspace = [0, 20, 5] }\n[record]\nfeatures = ["spike_count"]\n'
    )
    with Visitor(chromium, page_of(tmp_path, line, "line")) as visitor:
        visitor.wait(READY)
        visitor.page.locator("#plot-map").click(position={"x": 300, "y": 100})
        assert visitor.page.evaluate("run.spikes.length") >= 2
        visitor.assert_quiet()
    analysis = 'model = "hodgkin_huxley"\n[analysis]\nkind = "rheobase"\nwidth = 1.0\n'
    analysis += "[axes]\ng_Na = { linspace = [90, 150, 3] }\ng_K = { linspace = [30, 40, 2] }\n"
    with Visitor(chromium, page_of(tmp_path, analysis, "rheobase")) as visitor:
        visitor.wait(READY)
        visitor.page.locator("#plot-map").click(position={"x": 200, "y": 150})
        assert "has no single trace" in visitor.page.locator("#how").text_content()
        assert visitor.page.evaluate("run") is None
        visitor.assert_quiet()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:dt = 0.05 ms:hhfast.errors.StepWarning")  # rough steps: it is the page that counts
def test_a_million_rows_stay_small(chromium, tmp_path):
    """Below 2 MB, all rows in the bins, nothing on the console."""
    text = GRID.replace('"tsit5"', '"exp_euler"\ndtype = "float32"\ndt = 0.05').replace(
        "t_stop = 40.0", "t_stop = 10.0"
    )
    text = text.replace("[90, 150, 4]", "[90, 150, 100]").replace("[1, 2, 3]", "[1, 2, 100]")
    page = page_of(tmp_path, text.replace("{ values = [0, 6, 20] }", "{ linspace = [0, 20, 100] }"))
    assert page.stat().st_size < LARGEST
    with Visitor(chromium, page) as visitor:
        visitor.wait(READY)
        assert visitor.page.evaluate("page.tables[0].count.reduce((a, b) => a + b, 0)") == 1_000_000
        visitor.page.locator("#plot-map").click(position={"x": 200, "y": 150})
        assert visitor.page.evaluate("run !== null")
        visitor.assert_quiet()


def test_a_result_until_settled(chromium, tmp_path):
    """Classes as colours, those that occur in the key; a row with its last periods, spikes as the file has them."""
    page = page_of(tmp_path, SETTLED)
    with ResultFile(page.with_suffix(".h5")) as result:
        activity, period = result.read("activity"), result.read("period")
        codes = result.attributes_of("activity")["flag_meanings"].split()
    occurring = [codes[k].replace("_", " ") for k in np.unique(activity)]
    assert {"silent", "tonic", "subthreshold"} <= set(occurring)
    with Visitor(chromium, page) as visitor:
        visitor.wait(READY)
        assert visitor.page.locator("#map-title").text_content() == "activity"
        np.testing.assert_array_equal(
            visitor.page.evaluate("Array.from(plane.values)"), activity.reshape(6, 9).T.ravel()
        )
        assert visitor.page.locator("#key span").all_text_contents() == occurring
        for name in ("silent", "tonic"):
            row = int(np.flatnonzero(activity == codes.index(name))[0])
            visitor.page.evaluate(f"choose({row})")
            assert f"activity{name}" in visitor.page.locator("#numbers").text_content()
            assert visitor.page.locator("#periods").is_visible() == (name == "tonic")
        intervals = np.diff(visitor.page.evaluate("Array.from(run.spikes)"))
        np.testing.assert_allclose(intervals[-5:], period[row], rtol=1e-3)
        visitor.assert_quiet()


@pytest.mark.parametrize(
    "stimulus",
    [
        'kind = "conductance_step"\ng = 0.3\nstart = 5.0\nstop = 30.0',
        'kind = "alpha_synapse"\ng = 0.4\ntau = 1.0\nperiod = 9.0\ncount = 3.0',
        'kind = "double_exponential"\ng = 0.4\ntau_rise = 0.3\ntau_decay = 2.0\nperiod = 9.0\ncount = 3.0',
        'kind = "point_conductance"\ng_e = 0.1\ng_i = 0.05\nsigma_e = 0.05\nsigma_i = 0.02',
        'kind = "poisson_alpha"\ng = 0.2\nrate = 100.0\ntau = 2.0',
    ],
)
def test_rows_with_conductances_are_simulated(chromium, tmp_path, stimulus):
    text = GRID[: GRID.index("[stimulus]")] + f"[stimulus]\n{stimulus}\n"
    text += '[axes]\ng_K = { linspace = [20, 40, 3] }\n[record]\nfeatures = ["spike_count"]\n'
    page = page_of(tmp_path, text)
    with Visitor(chromium, page) as visitor:
        visitor.wait(READY)
        visitor.page.evaluate("choose(1)")
        spikes = visitor.page.evaluate("Array.from(run.spikes)")
        visitor.assert_quiet()
    expected, count = spikes_by_simulate(page.with_suffix(".h5"), 1)
    assert len(spikes) == count > 0
    np.testing.assert_allclose(spikes, expected, atol=1e-6)


def test_a_clamp_is_not_simulated_in_the_page(chromium, tmp_path):
    text = 'model = "hodgkin_huxley"\nt_stop = 20.0\n[axes]\ng_K = { linspace = [20, 40, 3] }\n'
    text += '[record]\nfeatures = ["V_mean"]\n[stimulus]\nkind = "voltage_clamp"\nholding = -65.0\nlevel_1 = -10.0\nduration_1 = 5.0\n'
    with Visitor(chromium, page_of(tmp_path, text)) as visitor:
        visitor.wait(READY)
        visitor.page.evaluate("choose(1)")
        assert "hhfast trace" in visitor.page.locator("#how").text_content()
        visitor.assert_quiet()


# --- command line -----------------------------------------------------------------------------------------------------
def test_commands(here):
    assert hhfast("run", "scan.toml", "-o", "out.h5").exit_code == 0
    shown = hhfast("explore", "out.h5")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.strip() == "out.html"
    assert "does not exist" in refused("explore", "nothing.h5")
    (here / "bad.h5").write_bytes(b"no result")
    assert "bad.h5" in refused("explore", "bad.h5")
    with pytest.raises(hh.InputError, match="leave the method out"):
        hh.explore("out.h5", integrator="rk4")

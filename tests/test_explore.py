"""Pages: they open from disk without a network, their kernels give what compiled ones give, and text stays text."""

import csv
import json
import re
import shlex
from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from browser import Visitor
from commands import hhfast, refused

import hhfast as hh
from hhfast.pages.page import LARGEST
from hhfast.pages.protocols import protocols
from hhfast.sweep.store import ResultFile

SVG = "http://www.w3.org/2000/svg"  # the name of the language, which nobody fetches


@pytest.fixture(scope="module")
def squid(tmp_path_factory):
    """The page of the squid axon."""
    return hh.explore("hodgkin_huxley", tmp_path_factory.mktemp("pages") / "squid.html")


# --- the page of a model ---------------------------------------------------------------------------------------------
def test_the_page_opens_from_disk(chromium, squid):
    """No error, no network, below 2 MB; its first run is the compiled kernel's."""
    text = squid.read_text(encoding="utf-8")
    assert len(text.encode()) < LARGEST
    assert not re.search(r"https?://|//cdn|@import|src=", text.replace(SVG, ""))
    with Visitor(chromium, squid) as visitor:
        visitor.wait("fi.complete")
        found = visitor.page.evaluate("[Array.from(run.spikes), stimulusNow(), state.t]")
        rates = visitor.page.evaluate("fi.sorted().map(([, rate]) => rate)")
        visitor.assert_quiet()
    spikes, values, t_stop = found
    rest = hh.simulate("hodgkin_huxley", t_stop=1000.0, record=[hh.Final()], integrator="tsit5", rtol=1e-8)
    initial = {x: rest[f"{x}_final"][0] for x in hh.models["hodgkin_huxley"].states}
    stimulus = hh.Step(values["0.amplitude"], values["0.start"], values["0.stop"])
    here = hh.simulate(
        "hodgkin_huxley", t_stop=t_stop, stimulus=stimulus, initial=initial, integrator="tsit5", rtol=1e-8
    )
    np.testing.assert_allclose(spikes, here.spike_times[0], atol=1e-5)
    assert len(spikes) >= 5
    assert rates[0] == 0.0
    assert max(rates) > 60.0


@pytest.mark.slow
@pytest.mark.parametrize("name", hh.models)
def test_the_page_of_every_model_opens(chromium, tmp_path, name):
    """As it comes, and under each of its presets, which do what they say: no error on the console, a run that succeeds."""
    path = hh.explore(name, tmp_path / "page.html")
    assert path.stat().st_size < LARGEST
    with Visitor(chromium, path) as visitor:
        for preset in [None, *visitor.page.evaluate("page.presets.map((preset) => preset.name)")]:
            if preset is not None:
                assert_promise(preset, *seen_under(visitor, preset))
            visitor.wait("run !== null")
            assert visitor.page.evaluate("run.status") == 0
            assert visitor.page.evaluate("run.traces.V.every(Number.isFinite)")
        visitor.assert_quiet()


def test_what_is_on_the_screen_can_be_computed_again(chromium, squid, here):
    """The Python text, run as it is, prints the page's spike times; so do the command and the sweep file."""
    with Visitor(chromium, squid, "#p.g_K=30&s.0.amplitude=12") as visitor:
        page = visitor.page
        visitor.wait("run !== null")
        page.get_by_text("Take it away").click()
        spikes = page.evaluate("Array.from(run.spikes)")
        texts = {}
        for language in ("python", "command", "sweep"):
            page.locator("#language").select_option(language)
            texts[language] = page.locator("#code").text_content()
        visitor.assert_quiet()
    space = {}
    exec(texts["python"], space)  # it is what a reader does with it
    np.testing.assert_allclose(space["run"].spike_times[0], spikes, atol=1e-5)
    command, *arguments = shlex.split(texts["command"])
    assert command == "hhfast"
    shown = hhfast(*arguments)
    assert shown.exit_code == 0, shown.output
    assert f" {len(spikes)} " in shown.output
    (here / "again.toml").write_text(texts["sweep"])
    assert hhfast("run", "again.toml", "-o", "again.h5").exit_code == 0
    with ResultFile(here / "again.h5") as result:
        again = result.read("spike_time")
    np.testing.assert_allclose(again, spikes, atol=1e-4)


def test_pulses_need_a_sweep_file(chromium, squid, here):
    """A command takes a step alone: it says so; the sweep file has the pulses."""
    with Visitor(chromium, squid, "#preset=threshold") as visitor:
        visitor.wait("run !== null")
        visitor.page.get_by_text("Take it away").click()
        visitor.page.locator("#language").select_option("command")
        assert "takes a step alone" in visitor.page.locator("#code").text_content()
        visitor.page.locator("#language").select_option("sweep")
        (here / "again.toml").write_text(visitor.page.locator("#code").text_content())
        spikes = visitor.page.evaluate("Array.from(run.spikes)")
    assert hhfast("run", "again.toml", "-o", "again.h5").exit_code == 0
    with ResultFile(here / "again.h5") as result:
        np.testing.assert_allclose(result.read("spike_time"), spikes, atol=1e-3)


def saved(visitor, panel, kind, path):
    """The file that the button `kind` of a panel saves."""
    visitor.page.locator(f"{panel} .save > summary").click()
    with visitor.page.expect_download() as download:
        visitor.page.locator(f"{panel} .save").get_by_text(kind, exact=True).click()
    download.value.save_as(path)
    return path


def test_a_plot_is_saved_as_picture_and_numbers(chromium, squid, tmp_path):
    """The numbers are those of the run; the SVG is XML with its texts; the PNG is one. A held trace is in them."""
    with Visitor(chromium, squid) as visitor:
        page = visitor.page
        visitor.wait("run !== null")
        page.get_by_role("button", name="Hold to compare").click()
        page.get_by_label("g_K, exact value").fill("30")
        visitor.wait("run.parameters[4] === 30 && !run.coarse")
        assert page.locator("#legend-V").text_content() == "Vheld: g_K = 36"
        V, before = page.evaluate("[Array.from(run.traces.V), Array.from(held.run.traces.V)]")
        with saved(visitor, ".follow", "CSV", tmp_path / "V.csv").open(encoding="utf-8", newline="") as file:
            heading, *lines = csv.reader(file)
        svg = ET.parse(saved(visitor, ".follow", "SVG", tmp_path / "V.svg"))
        png = saved(visitor, ".follow", "PNG", tmp_path / "V.png").read_bytes()
        visitor.assert_quiet()
    assert heading[:4] == ["time held (ms)", "V (mV) held", "time (ms)", "V (mV)"]
    np.testing.assert_array_equal(np.array(lines)[:, [1, 3]].astype(float), np.stack([before, V], axis=1))
    texts = [text.text for text in svg.iter(f"{{{SVG}}}text")]
    assert {"Membrane potential and applied current", "time (ms)", "V (mV)", "held: g_K = 36"} <= set(texts)
    assert png.startswith(b"\x89PNG")


def test_a_slow_model_is_computed_beside_the_page(chromium, tmp_path):
    """What a slider moves is computed in a worker, accurately in the end: the same run as in the page itself."""
    with Visitor(chromium, hh.explore("hodgkin_huxley", tmp_path / "page.html")) as visitor:
        page = visitor.page
        visitor.wait("run !== null")
        page.evaluate("cost = 1000")
        page.get_by_label("g_K, exact value").fill("30")
        visitor.wait("run.parameters[4] === 30 && !run.coarse")
        beside = page.evaluate("Array.from(run.traces.V)")
        page.evaluate("rest = { key: '', states: null }; recompute()")
        assert beside == page.evaluate("Array.from(run.traces.V)")
        visitor.assert_quiet()


def test_a_page_answers_while_its_first_run_is_computed(chromium, squid):
    """One that takes long is computed in a worker; what needs a run waits for it."""
    with Visitor(chromium, squid, "#t=50000&start=model&s.0.stop=1e9") as visitor:
        page = visitor.page
        page.get_by_role("button", name="Hold to compare").click()
        assert page.evaluate("[run, cost, byId('status').textContent]") == [None, 0, "Computing …"]
        visitor.wait("run !== null")
        assert page.evaluate("run.t_stop === 50000 && !run.coarse && run.took > PATIENCE")
        assert page.locator("#panel-V").get_attribute("class").split() == ["panel", "wide", "follow"]
        visitor.assert_quiet()


def test_a_value_that_cannot_be_is_said_beside_its_slider(chromium, squid):
    with Visitor(chromium, squid) as visitor:
        visitor.wait("run !== null")
        box = visitor.page.get_by_label("g_Na, exact value")
        box.fill("-5")
        visitor.wait("run.failure !== ''")
        assert box.get_attribute("aria-invalid") == "true"
        assert visitor.page.locator("#status").text_content() == "g_Na: a conductance cannot be negative."
        box.fill("100")
        visitor.wait("run.failure === ''")
        assert box.get_attribute("aria-invalid") == "false"
        visitor.assert_quiet()


def test_a_slider_by_keyboard_changes_the_run_and_the_link(chromium, squid):
    """The link of the page, opened again, has the same state and the same spikes."""
    with Visitor(chromium, squid) as visitor:
        page = visitor.page
        visitor.wait("run !== null")
        before = page.evaluate("run.spikes.length")
        page.locator("[id='s-p.g_K']").focus()
        for _ in range(5):
            page.keyboard.press("PageDown")
        page.get_by_label("duration, exact value").fill("80")
        page.get_by_label("V against").select_option("h")
        visitor.wait("run.t_stop === 80 && run.parameters[4] < 20 && !run.coarse")
        link = page.evaluate("location.hash")
        state, spikes = page.evaluate("[state, Array.from(run.spikes)]")
        visitor.assert_quiet()
    assert len(spikes) != before
    assert state["p.g_K"] < 20.0
    assert (state["t"], state["y"]) == (80, "h")
    with Visitor(chromium, squid, link) as again:
        assert again.page.evaluate("state") == state
        again.wait("run !== null")
        assert again.page.evaluate("Array.from(run.spikes)") == spikes
        again.assert_quiet()


@pytest.mark.parametrize(
    "link", ["#p.g_Na=abc&p.nothing=1&__proto__=2", "#%E0%A4%A&t=", "#start=elsewhere&y=nope&at=7", "#t=-5"]
)
def test_a_broken_link_is_no_error(chromium, squid, link):
    with Visitor(chromium, squid, link) as visitor:
        visitor.wait("run !== null")
        assert visitor.page.evaluate("run.status") == 0
        visitor.assert_quiet()


def test_a_link_may_name_a_preset(chromium, squid):
    """With its sentence, and what was moved since; once a slider has moved, it is no preset any more."""
    with Visitor(chromium, squid, "#preset=anode%20break&y=h") as visitor:
        page = visitor.page
        assert page.get_by_role("button", name="anode break").get_attribute("aria-pressed") == "true"
        assert page.locator("#sentence").text_content().startswith("An outward current ends")
        visitor.wait("run !== null")
        assert page.evaluate("[run.spikes.length, state['s.0.amplitude'] < 0, state.y]") == [1, True, "h"]
        assert page.evaluate("location.hash") == "#preset=anode%20break&y=h"
        page.get_by_label("g_Na, exact value").fill("110")
        visitor.wait("state['p.g_Na'] === 110 && location.hash.includes('110')")
        assert page.locator("#sentence").text_content().startswith("Each sets the current")
        link, state = page.evaluate("[location.hash, state]")
        assert "preset" not in link
        visitor.assert_quiet()
    with Visitor(chromium, squid, link) as again:
        assert again.page.evaluate("state") == state
        again.assert_quiet()
    with Visitor(chromium, squid, "#preset=nothing") as unknown:
        assert unknown.page.evaluate("state.preset") == ""
        unknown.assert_quiet()


def late(spikes, t_stop, part=0.7):
    return spikes[spikes > part * t_stop]


def assert_promise(name, spikes, values, t_stop):
    """What the sentence of a preset says is what its run shows."""
    start, stop, amplitude = (values[f"0.{key}"] for key in ("start", "stop", "amplitude"))
    first, second = values["1.start"], values["1.start"] + values["1.interval"]
    if name == "firing":  # again and again, to the end
        assert len(spikes) >= 3
        assert amplitude != 0.0
        assert late(spikes, t_stop).size
    elif name == "threshold":  # the weaker pulse fails, the stronger one does not
        assert 0.0 < values["1.amplitude"] < values["1.second_amplitude"] < 1.25 * values["1.amplitude"]
        assert len(spikes) == 1
        assert spikes[0] > second
    elif name == "refractory period":  # the second of two equal pulses fails
        assert values["1.amplitude"] == values["1.second_amplitude"]
        assert len(spikes) == 1
        assert spikes[0] < second
    elif name in ("anode break", "rebound"):  # nothing but an outward current, and a spike after it
        assert amplitude < 0.0 == values["1.amplitude"] == values["1.second_amplitude"]
        assert spikes[0] > stop
    elif name == "two stable states":  # one pulse ends the firing, another begins it
        period = np.median(np.diff(spikes[spikes < first]))
        assert np.sum(spikes < first) >= 3
        assert not np.any((spikes > first + 2.5 * period) & (spikes < second))
        assert np.sum(spikes > second) >= 3
    elif name == "silenced":
        assert np.any(spikes < start)
        assert not np.any((spikes > start + 0.3 * (stop - start)) & (spikes < stop))
        assert np.any(spikes > stop)
    else:  # by itself
        assert amplitude == values["1.amplitude"] == values["1.second_amplitude"] == 0.0
        assert len(spikes) >= 2
        if name == "bursting":
            gaps = np.diff(spikes)
            assert np.max(gaps) > 3.0 * np.median(gaps)


def seen_under(visitor, name):
    """(spike times, current, duration) of the run that a preset's button makes."""
    visitor.page.get_by_role("button", name=name, exact=True).click()
    visitor.page.evaluate("recompute()")
    spikes, values, t_stop = visitor.page.evaluate("[Array.from(run.spikes), stimulusNow(), state.t]")
    return np.array(spikes), values, t_stop


def test_presets_do_what_they_say(chromium, squid):
    """All or nothing; a second pulse too early; a spike on release; firing that stops and begins at one current."""
    with Visitor(chromium, squid) as visitor:
        names = visitor.page.evaluate("page.presets.map((preset) => preset.name)")
        for name in names:
            assert_promise(name, *seen_under(visitor, name))
            assert visitor.page.locator("#sentence").text_content()
        visitor.assert_quiet()
    assert names == ["firing", "threshold", "refractory period", "anode break", "two stable states"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(chromium, squid, scheme):
    """390 pixels wide, nothing sticks out; touch targets of sliders are high enough."""
    with Visitor(chromium, squid, viewport={"width": 390, "height": 844}, color_scheme=scheme) as visitor:
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert visitor.page.evaluate("document.querySelector('input[type=range]').offsetHeight") >= 30
        back = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (back == "rgb(255, 255, 255)") == (scheme == "light")
        visitor.assert_quiet()


HOSTILE = "</script><script>window.owned = 1</script><img src=x onerror='window.owned = 2'><!-- \u2028 @@DATA@@"


def test_text_of_a_model_is_never_markup(chromium, tmp_path):
    """A title and citation full of markup are shown as they are, and nothing of them runs."""
    model = hh.models["fitzhugh_1961_oscillator"]
    title = json.dumps(HOSTILE)
    text = re.sub(r"(?m)^(title|citation) = .*$", lambda found: f"{found[1]} = {title}", model.text)
    path = tmp_path / "hostile.toml"
    path.write_text(text)
    page = hh.explore(path, tmp_path / "page.html")
    assert page.read_text(encoding="utf-8").count("</script>") == 4
    with Visitor(chromium, page) as visitor:
        assert visitor.page.evaluate("window.owned") is None
        assert visitor.page.locator("#title").text_content() == HOSTILE
        assert visitor.page.locator("img").count() == 0
        visitor.assert_quiet()


# --- what a model does by itself ---------------------------------------------------------------------------------------
def test_a_pacemaker_needs_no_current():
    found = protocols(hh.models["prinz_stg"])
    assert found.is_pacemaker
    assert [preset.name for preset in found.presets] == ["bursting", "silenced"]


def test_a_slow_burster_is_given_the_time_it_needs():
    """The first burst comes after four seconds, in which its calcium rises (the model's own check has the times)."""
    model = hh.models["chay_1985_burster"]
    assert model.checks[0].spikes[0] > 4000.0
    assert [preset.name for preset in protocols(model).presets] == ["bursting", "silenced"]


def test_a_model_too_slow_to_come_to_rest_has_a_page():
    """A pool that jumps to and fro across a threshold stops every method: what it does is not known, and nothing fails."""
    pool = hh.Pool("x", a="1 if x < 0.5 else -1", b="0", initial=0.4, unit="1")
    found = protocols(replace(hh.models["hodgkin_huxley"], pools=(pool,)))
    assert not found.is_pacemaker
    assert "firing" not in [preset.name for preset in found.presets]


def test_what_was_looked_for_and_not_found_is_said(chromium, tmp_path):
    """A cell of class III answers a step with one spike at most: no firing, at any current."""
    with Visitor(chromium, hh.explore("rothman_manis_2003_type2", tmp_path / "page.html")) as visitor:
        said = visitor.page.locator("#absent").text_content()
        assert said == "Looked for and not found in this model: firing, two stable states."
        visitor.wait("fi.complete")
        assert "No repetitive firing" in visitor.page.locator("#note-fi").text_content()
        assert visitor.page.evaluate("fi.sorted().every(([, rate]) => rate === 0)")
        visitor.assert_quiet()


# --- command line -----------------------------------------------------------------------------------------------------
def test_the_command_writes_the_file_it_names(here):
    shown = hhfast("explore", "fitzhugh_1961_oscillator")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.strip() == "fitzhugh_1961_oscillator.html"
    assert (here / "fitzhugh_1961_oscillator.html").stat().st_size < LARGEST


def test_what_cannot_be_done_is_said_before_the_work(here):
    assert "did you mean 'hodgkin_huxley'" in refused("explore", "hodgkin_huxly")
    assert "ends in .html" in refused("explore", "hodgkin_huxley", "-o", "page.png")
    assert "there is no directory nowhere" in refused("explore", "hodgkin_huxley", "-o", "nowhere/page.html")
    (here / "folder.html").mkdir()
    assert "is a directory" in refused("explore", "hodgkin_huxley", "-o", "folder.html")
    with pytest.raises(hh.InputError, match="a page computes in float64"):
        hh.explore("hodgkin_huxley", dtype="float32")

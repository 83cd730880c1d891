"""The one progress report of long work: a bar on a terminal, lines elsewhere, from any thread."""

import io
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from rich.console import Console

from hhfast import progress
from hhfast.errors import harmless
from hhfast.progress import Reporter


@pytest.fixture
def screen(monkeypatch):
    """A terminal to print on; its text."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100)
    monkeypatch.setattr(progress, "_console", lambda: console)
    return text


def test_a_terminal_shows_a_bar(screen):
    with Reporter("simulating", 100, "cells") as reporter:
        reporter.advance(60)
        reporter.say("a batch has failed")
    shown = screen.getvalue()
    assert "simulating" in shown
    assert "60/100" in shown
    assert "a batch has failed" in shown


@pytest.mark.parametrize("name", ["a{b}.h5", "{0}.h5", "[red]a[/nope].h5", "a\x1b[2J.h5", "\u202ea.h5"])
def test_a_name_is_neither_a_format_nor_markup_nor_a_command_to_the_terminal(screen, name):
    with Reporter(name, 10, "rows") as reporter:
        reporter.say(f"resuming {name}")
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())  # but for those of the bar
    assert "\u202e" not in shown
    assert "\x1b[2J" not in screen.getvalue()
    assert shown.count(harmless(name)) >= 2


def test_elsewhere_there_are_lines(monkeypatch):
    text = io.StringIO()
    monkeypatch.setattr(progress, "_console", lambda: Console(file=text, width=100))
    monkeypatch.setattr(progress, "LINE_EVERY", 0.01)
    with Reporter("out.h5", 2000, "rows") as reporter:
        reporter.advance(500)
        while "rows" not in text.getvalue():
            pass
    assert "out.h5: 500 of 2,000 rows (25.0%), " in text.getvalue()
    assert " left" in text.getvalue()


def test_nothing_is_shown_without_being_wanted(screen, caplog):
    with Reporter("simulating", 100, "cells", show=False) as reporter:
        reporter.advance(60)
        reporter.say("resuming")
    assert screen.getvalue() == ""
    assert caplog.messages == ["resuming"]


def test_threads_count_together():
    with Reporter("simulating", 80_000, "cells", show=False) as reporter, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: [reporter.advance(1) for _ in range(10_000)], range(8)))
    assert reporter.done == 80_000


def test_what_shows_nothing_does_not_wait_for_rich():
    code = "import sys; from hhfast.progress import Reporter\n"
    code += "with Reporter('x', 1, 'y', show=False): print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_simulate_shows_cells(capsys, monkeypatch):
    import hhfast as hh

    text = io.StringIO()
    monkeypatch.setattr(progress, "_console", lambda: Console(file=text, force_terminal=True, width=100))
    hh.simulate("hodgkin_huxley", t_stop=1.0, progress=True)
    assert "1/1" in text.getvalue()
    assert "cells" in text.getvalue()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (12, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (3600, "1 h"), (273_600, "3 d 4 h")],
)
def test_durations_are_said_as_people_say_them(seconds, text):
    assert progress.duration(seconds) == text

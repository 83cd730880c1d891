"""A browser without a window, for the tests of pages: Chromium, found where it is installed, started once."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def chromium():
    """The path of a Chromium, or None."""
    named = os.environ.get("HHFAST_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is not None:
        return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        own = play.chromium.executable_path
    return own if Path(own).exists() else None


@contextmanager
def browser():
    """A started browser; the test is skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="pages are tested with playwright")
    path = chromium()
    if path is None:
        pytest.skip("no Chromium: install one, or `playwright install chromium`, or set HHFAST_CHROMIUM")
    with sync_api.sync_playwright() as play:
        started = play.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-quic"])
        yield started
        started.close()


class Visitor:
    """A page that was opened from disk: what it said on its console, and what it asked of the network."""

    def __init__(self, chromium, path, link="", **context):
        self.context = chromium.new_context(**context)
        self.page = self.context.new_page()
        self.errors, self.requests = [], []
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(f"{path.absolute().as_uri()}{link}")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.context.close()

    def wait(self, condition):
        """Wait until the page finds a condition true; from outside, as its policy lets no text become code."""
        for _ in range(3000):
            if self.page.evaluate(condition):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"never true: {condition}")

    def assert_quiet(self):
        """No error on the console, and nothing asked but the file itself and workers made of it."""
        assert self.errors == [], self.errors
        assert all(url.startswith(("file:", "blob:", "data:")) for url in self.requests)

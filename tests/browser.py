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

"""Shared by all tests: small models, the reference figures, and settings that make every run the same.

Kernels are cached on disk as in any use of hhfast, so a second run of the tests compiles nothing.
"""

import json
import signal
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import settings

# Compiling takes seconds, and a failure in CI must be the one that is seen at home.
settings.register_profile("hhfast", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("hhfast")

# NEURON, whose parser reads .mod files, has no package for Windows.
collect_ignore_glob = ["test_import_nmodl*.py"] if sys.platform == "win32" else []

# A shell's background jobs ignore Ctrl-C, and so would the processes that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

PASSIVE = """
name = "passive"
citation = "Lapicque 1907"
V_init = -65.0
[parameters]
C_m = { value = 2.0, unit = "uF cm-2" }
[channels.L]
g = 0.1
E = -65.0
"""


@pytest.fixture(scope="session")
def passive():
    """A membrane with a leak only: C V' = I - g (V - E), solved on paper, compiled in a second."""
    from hhfast.model import parse_model

    return parse_model(PASSIVE)


@pytest.fixture(scope="session")
def reference():
    """Figures of published models, computed apart from hhfast (see `about` in the file)."""
    return json.loads((Path(__file__).parent / "data" / "reference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def analysis_reference():
    """Thresholds, intervals, rates and bifurcations, computed apart from hhfast (see `about` in the file)."""
    return json.loads((Path(__file__).parent / "data" / "analysis.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    """The data of `sweeps.small()` from a run that nothing disturbed."""
    from sweeps import contents, small

    return contents(small().run(tmp_path_factory.mktemp("undisturbed") / "out.h5", progress=False))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with the sweep file scan.toml, in which commands run."""
    from commands import SCAN

    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.toml").write_text(SCAN)
    return tmp_path


@pytest.fixture
def pictures(monkeypatch):
    """The figures that a test saves, in their order: what is drawn can be read from them."""
    from matplotlib.figure import Figure

    saved = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda figure, *a, **k: (saved.append(figure), save(figure, *a, **k))[1])
    return saved


@pytest.fixture(scope="session")
def chromium():
    """A browser, started once; tests that need it are skipped where there is none."""
    from browser import browser

    with browser() as started:
        yield started

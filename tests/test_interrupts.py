"""Interrupts wherever Python lets them in: nothing hangs, nothing is lost, and the next call works."""

import os
import re
import signal
import sys

import pytest
from interrupting import child

from hhfast.interrupts import interruptible, safe_point, undisturbed

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are another matter on Windows")

SIMULATION = """
import numpy as np, hhfast as hh
from interrupting import interrupt_everywhere
run = dict(stimulus=hh.Step(10.0), integrator="exp_euler", record=[hh.SpikeCount()], threads=2, t_stop=1.0)
simulate = lambda n=3200: hh.simulate("hodgkin_huxley", {"g_Na": np.full(n, 120.0)}, **run)
simulate()  # compiled
print(*interrupt_everywhere(simulate, lambda: simulate(1), ("threading.py", "concurrent/futures", "hhfast/"), times=5))
"""
SWEEP = """
import contextlib, shutil, tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from interrupting import interrupt_everywhere
from sweeps import FEATURES, contents, small

folder = Path(tempfile.mkdtemp())
sweep, out = small(FEATURES), folder / "out.h5"
sweep.run(folder / "whole.h5", progress=False)
whole = contents(folder / "whole.h5")

def begin():
    with {executor} as executor:
        sweep.run(out, executor=executor, progress=False)

def resume():
    sweep.run(out, progress=False)
    assert contents(out) == whole
    out.unlink()
    assert [p.name for p in folder.iterdir()] == ["whole.h5"], list(folder.iterdir())

try:
    print(*interrupt_everywhere(begin, resume, {where}, every=7))
finally:
    shutil.rmtree(folder)
"""


def check(code, at_least):
    """The child reports more interruptions than that, and no mishap."""
    with child(code) as process:
        out, _ = process.communicate()
    counts = re.search(r"^(\d+) (\d+)$", out, re.MULTILINE)
    assert counts, out[-8000:]
    assert int(counts[2]) > at_least, out


def test_a_simulation_interrupted_everywhere():
    """Threads that wait for a lock that nobody releases would hang here."""
    check(SIMULATION, 300 if sys.version_info[:2] != (3, 12) else 150)  # 3.12 tells a tracer of fewer places


@pytest.mark.slow
@pytest.mark.parametrize(("executor", "where"), [
    ("contextlib.nullcontext()", ("threading.py", "concurrent/futures", "contextlib.py", "hhfast/")),
    ("ThreadPoolExecutor(2)", ("hhfast/",)),
])  # fmt: skip
def test_a_sweep_interrupted_everywhere(executor, where):
    """Whatever moment Ctrl-C comes, the run can be resumed at once, and nothing is left of it at the end.

    At every seventh place: each takes a run.
    """
    check(SWEEP.format(executor=executor, where=where), 100)


# --- by hand ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def interrupt():
    """Sends SIGINT; the handler notes it."""
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    yield lambda: (signal.raise_signal(signal.SIGINT), len(seen))[1]
    signal.signal(signal.SIGINT, before)


def test_interrupts_wait_for_the_next_safe_point(interrupt):
    """And for the end of the outermost block; what comes twice meanwhile counts as often."""
    assert interrupt() == 1
    with undisturbed():
        assert interrupt() == 1
        with undisturbed():
            assert interrupt() == 1
        safe_point()
        assert interrupt() == 3
        assert interruptible(interrupt) == 5
        assert interrupt() == 5
    assert interrupt() == 7


def test_an_interrupt_put_off_is_raised_once(interrupt):
    """KeyboardInterrupt comes at the end of the block, with the exception that ended it as its context."""
    signal.signal(signal.SIGINT, signal.default_int_handler)

    @undisturbed()
    def disturbed():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        raise ValueError

    with pytest.raises(KeyboardInterrupt) as raised:
        disturbed()
    assert isinstance(raised.value.__context__, ValueError)
    with undisturbed():
        safe_point()
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

"""Ctrl-C: on a run that would take days, and wherever the main thread can be interrupted."""

import dis
import faulthandler
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path

import hhfast as hh

ENDLESS = """
import numpy as np, hhfast as hh
run = dict({run}, threads=2)
hh.simulate("hodgkin_huxley", {{"g_Na": np.full(64, 120.0)}}, t_stop=1.0, **run)  # compiled
print("ready", flush=True)
try:
    hh.simulate("hodgkin_huxley", {{"g_Na": np.full(6400, 120.0)}}, t_stop={t_stop}, **run)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
PATH = os.pathsep.join([str(Path(hh.__file__).parent.parent), str(Path(__file__).parent)])
HANGS = 60.0  # seconds


def child(code):
    """A Python process that runs the code and finds hhfast and the modules beside this one."""
    env = os.environ | {"PYTHONPATH": PATH}
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            env=env)  # fmt: skip


def check_ctrl_c(run, t_stop):
    """A simulation with these options (text) ends on SIGINT with KeyboardInterrupt, within seconds."""
    with child(ENDLESS.format(run=run, t_stop=t_stop)) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=10)
        finally:
            process.kill()
    assert out == "interrupted\n"


def interrupt_everywhere(call, after, where, times=1, every=1):
    """Call again and again, with SIGINT at the first `times` passages through each (or every so many) place where Python looks for it.

    Python looks for signals on entering a function and after a call. where : parts of the names of the files that are
    meant. after : what is done after each interruption, to see whether all is well. Returns the numbers of places and
    of interruptions. A process that hangs ends with a traceback.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    places = _traced(call, where, None)
    interrupted = 0
    for place in list(places)[::every]:
        for passage in range(1, min(times, places[place]) + 1):
            faulthandler.dump_traceback_later(HANGS, exit=True)
            try:
                _traced(call, where, (place, passage))
            except KeyboardInterrupt:
                interrupted += 1
            try:
                after()
            except BaseException as error:
                error.add_note(f"after an interruption at {place}")
                raise
            faulthandler.cancel_dump_traceback_later()
    return len(places), interrupted


@cache
def _operations(code):
    return {instruction.offset: instruction.opname for instruction in dis.get_instructions(code)}


def _traced(call, where, target):
    """The places that the main thread passes in a call, counted; at the target's passage, SIGINT is raised."""
    passed = Counter()
    previous = {}

    def pass_by(frame):
        place = (frame.f_code, frame.f_lineno, frame.f_lasti)
        passed[place] += 1
        if target is not None and (place, passed[place]) == target:
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)

    def inside(frame, event, _):
        if event == "opcode":
            if previous.get(frame, "").startswith("CALL"):
                pass_by(frame)
            previous[frame] = _operations(frame.f_code)[frame.f_lasti]
        elif event == "return":
            previous.pop(frame, None)
        return inside

    def entered(frame, _, __):
        if not any(part in frame.f_code.co_filename for part in where):
            return None
        if target is not None and frame.f_code != target[0][0]:
            return None  # to follow the one function that is meant takes a fraction of the time
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        pass_by(frame)
        return inside

    sys.settrace(entered)
    try:
        call()
    finally:
        sys.settrace(None)
    return passed

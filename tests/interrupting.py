"""A run that would take days, ended by Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
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


def check_ctrl_c(run, t_stop):
    """A simulation with these options (text) ends on SIGINT with KeyboardInterrupt, within seconds."""
    env = os.environ | {"PYTHONPATH": str(Path(hh.__file__).parent.parent)}
    command = [sys.executable, "-c", ENDLESS.format(run=run, t_stop=t_stop)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout.readline() == "ready\n"
            time.sleep(0.5)
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=10)
        finally:
            process.kill()
    assert out == "interrupted\n"

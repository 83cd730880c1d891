"""Python in processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

import hhfast as hh

ROOT = Path(hh.__file__).parent.parent


def run_python(code, *arguments, **env):
    """Run code in a fresh interpreter; its standard output."""
    return finished(start_python(code, *arguments, **env))


def start_python(code, *arguments, **env):
    """The process of a fresh interpreter that runs code."""
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(Path(__file__).parent)])} | env
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)


def finished(process):
    """The standard output of a process that must end well."""
    out, error = process.communicate()
    assert process.returncode == 0, error
    return out

"""Locks: held by one, and taken over from the dead."""

import os
import subprocess
import sys

import pytest

from hhfast.errors import InputError
from hhfast.sweep.lock import live_holder, lock


def test_a_lock_is_held_by_one(tmp_path):
    with lock(tmp_path / "lock", "out.h5"):
        assert live_holder(tmp_path / "lock").pid == os.getpid()
        with pytest.raises(InputError, match=f"x is in use by process {os.getpid()}"), lock(tmp_path / "lock", "x"):
            pass
    assert not (tmp_path / "lock").exists()


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path):
    body = "import os\nfrom pathlib import Path\nfrom hhfast.sweep.lock import lock\n"
    body += "with lock(Path('lock'), 'out.h5'): os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", body], cwd=tmp_path, timeout=60, check=False)
    assert (tmp_path / "lock").exists()
    with lock(tmp_path / "lock", "out.h5"):
        pass


def test_the_lock_of_another_machine_holds_while_its_heart_beats(tmp_path):
    path = tmp_path / "lock"
    path.write_text('{"pid": 1, "host": "elsewhere", "started": 0, "birth": null}')
    assert str(live_holder(path)) == "process 1 on elsewhere"
    os.utime(path, (0, 0))
    assert live_holder(path) is None

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
    path.write_text('{"pid": 1, "host": "elsewhere", "started": 0, "boot": "x"}')
    assert str(live_holder(path)) == "process 1 on elsewhere"
    os.utime(path, (0, 0))
    assert live_holder(path) is None


def test_the_lock_of_this_machine_is_the_systems_alone(tmp_path):
    """An entry without a lock holds nobody, whatever it says: neither process numbers nor names are believed."""
    path = tmp_path / "lock"
    with lock(path, "out.h5"):
        text = path.read_text()
    path.write_text(text)  # as a killed process leaves it; its number may be another's now, or 1 in a container
    assert live_holder(path) is None
    with lock(path, "out.h5"):
        assert live_holder(path) is not None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"pid": "x"}', "[" * 4000, "\0" * 9000])
def test_a_damaged_lock_file_locks_nobody_out(tmp_path, text):
    path = tmp_path / "lock"
    path.write_text(text)
    assert live_holder(path) is None
    with lock(path, "out.h5"), pytest.raises(InputError), lock(path, "out.h5"):
        pass


def test_a_forked_process_does_not_keep_the_lock(tmp_path):
    body = """
import os, time
from pathlib import Path
from hhfast.sweep.lock import lock
with lock(Path("lock"), "out.h5"):
    if os.fork() == 0:
        time.sleep(30)
    print("forked", flush=True)
    os.kill(os.getpid(), 9)
"""
    with subprocess.Popen([sys.executable, "-c", body], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"forked\n"
        process.wait(timeout=30)
    with lock(tmp_path / "lock", "out.h5"):
        pass


STRESS = """
import os, random, sys, time
from pathlib import Path
from hhfast.errors import InputError
from hhfast.sweep import lock as module
module._TRIES, module._PAUSE = 1, 0
chance, held, both, end = random.Random(int(sys.argv[1])), 0, 0, time.time() + float(sys.argv[2])
while time.time() < end or held < 15:
    try:
        with module.lock(Path("lock"), "x"):
            try:
                os.close(os.open("inside", os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                both += 1
            else:
                time.sleep(chance.random() * 1e-3)
                os.unlink("inside")
            held += 1
    except InputError:
        pass
print(held, both)
"""


@pytest.mark.parametrize("seconds", [3, pytest.param(20, marks=pytest.mark.slow)])
def test_two_never_hold_a_lock_at_once(tmp_path, seconds):
    """Four processes take it as often as they can, and each gets it, however busy the machine is."""
    processes = [
        subprocess.Popen([sys.executable, "-c", STRESS, str(k), str(seconds)], cwd=tmp_path, stdout=subprocess.PIPE)
        for k in range(4)
    ]
    counts = [tuple(map(int, process.communicate(timeout=300)[0].split())) for process in processes]
    held, both = map(sum, zip(*counts, strict=True))
    print(f"{held} holdings, {both} by two at once")  # noqa: T201
    assert both == 0
    assert held >= 4 * 15

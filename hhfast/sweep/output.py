"""The output of a run, before the work: whether it is there already, and whether a result can be written there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hhfast.errors import InputError
from hhfast.progress import size
from hhfast.sweep.batch_size import least_row_bytes
from hhfast.sweep.run_directory import remove_merged_run, run_directory
from hhfast.sweep.sweep import Sweep

_MOST_NAME = 220  # bytes of the output's name; systems have 255, and ours are made of it


def check_name(out: Path) -> None:
    """Refuse a name to which nothing can be added, or a place without one."""
    if len(os.fsencode(out.name)) > _MOST_NAME:
        raise InputError(f"the output's name, {out.name}, is too long; at most {_MOST_NAME} bytes")


def check_room(sweep: Sweep, out: Path, parts: int = 1) -> None:
    """Raise `InputError` where even the least that a result takes is more than the disk has free: before the work.

    What a run that is to be resumed has stored already counts as room.
    """
    folder = run_directory(out)
    stored = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) if folder.is_dir() else 0
    least = least_row_bytes(sweep) * sweep.space.n_rows / parts
    free = shutil.disk_usage(out.absolute().parent).free
    if least > free + stored:
        raise InputError(
            f"{out}: the result takes at least {size(least)}, and the disk has {size(free)} free; record less (traces "
            "with larger steps), vary fewer rows, or choose another disk with -o"
        )


def is_finished(sweep: Sweep, out: Path, fresh: bool = False) -> bool:
    """Whether `out` already holds this sweep; with `fresh` it does not count, and a result that is ours may make way.

    Raises `InputError` if `out` is anything else: it is never overwritten.
    """
    if not out.exists():
        return False
    from hhfast.sweep.store import ResultFile

    if out.is_dir():
        raise InputError(f"{out}: is a directory; give a file name with -o")
    try:
        with ResultFile(out) as result:
            sha256 = result.attributes["hhfast_spec_sha256"]
    except InputError as error:
        raise InputError(f"{error}, and is not overwritten; choose another output with -o") from None
    if fresh:
        return False
    if sha256 != sweep.sha256:
        remedy = "choose another output with -o, or replace it with --fresh"
        raise InputError(f"{out}: holds the result of another sweep; {remedy}")
    remove_merged_run(out, sha256)
    return True

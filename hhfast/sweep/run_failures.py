"""What stops a run, said so that a user knows what is safe and how to go on."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from pathlib import Path

from hhfast.errors import Incomplete, one_line
from hhfast.sweep.durable_files import AlreadyThereError
from hhfast.sweep.executor import FailingRows
from hhfast.sweep.shards import DamagedShard

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextlib.contextmanager
def explained(out: Path) -> Iterator[None]:
    """Turn what stops a run into `Incomplete`, which says what is safe and how to go on."""
    safe = "what is finished is safe; run the same command again to resume"
    try:
        yield
    except AlreadyThereError as error:
        remedy = "move it away, and run the same command again: the rows are kept"
        raise Incomplete(f"{error.filename}: has appeared during the run, and is not overwritten; {remedy}") from None
    except OSError as error:
        raise Incomplete(f"{out}: {_reason(error)}; {safe}") from error
    except DamagedShard as damage:
        raise Incomplete(f"{out}: a shard was damaged after it was checked ({damage}); {safe}") from None
    except BrokenExecutor as error:
        raise Incomplete(f"{out}: the executor has lost its workers ({error}); {safe}") from error
    except FailingRows as error:
        raise Incomplete(f"{out}: {error}; {safe}") from error
    except Incomplete:
        raise
    except (RuntimeError, MemoryError) as error:  # HDF5 turns some errors of the disk into these; no thread, no memory
        raise Incomplete(f"{out}: {one_line(str(error), 120) or 'memory is used up'}; {safe}") from error


def _reason(error: OSError) -> str:
    if error.errno in _FULL:
        return "the disk is full"
    if error.errno in _READ_ONLY and error.filename is not None:
        return f"{Path(error.filename2 or error.filename).parent} cannot be written any more ({error.strerror})"
    return str(error)

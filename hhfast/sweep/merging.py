"""Merging: when the shards of a run are joined, so that nothing is lost, and little time.

HDF5 is imported when the first shard is added, which is while others are computed.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from hhfast.sweep.durable import publish, temporary_name
from hhfast.sweep.parts import Parts

if TYPE_CHECKING:
    from hhfast.sweep.store import Draft


_AT_ONCE = 16  # shards


class Merging:
    """A result file in the making: shards of a parts directory are added in their order, while others are computed.

    A context at whose end nothing is left of a file that was not finished. It is written in the parts directory, where
    a run that was killed tidies up when it is resumed.

    early : whether shards may be added before all are there. there : the batches whose shards are.
    """

    def __init__(self, parts: Parts, early: bool = True) -> None:
        self.parts = parts
        self.there: set[int] = set()
        self._early = early
        self._draft: Draft | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    def follow(self, batch: int) -> None:
        """Go on, now that the shard of this batch is there: add those that are next, but few, for someone waits.

        Not if they hold spikes, of which the number must be known first. No room for the file is no failure yet: then
        it is left to `finish`. Raises `DamagedShard`.
        """
        self.there.add(batch)
        try:
            for _ in range(_AT_ONCE):
                if self._early and self._added in self.there:
                    self._add(self._added)
        except OSError:
            self._drop()
            self._early = False

    def finish(self, attributes: Mapping[str, Any], progress: Callable[[int], None] = lambda batch: None) -> Path:
        """Add the other shards, and give the file its name, durably, once it has been read back.

        Raises `DamagedShard` (nothing is changed), OSError (nothing but the shards is left behind), or
        `VerificationError` (of the storage, an OSError) if what was written does not read back.
        """
        parts, n_bytes, n_spikes = self.parts, 0, 0
        for header in map(parts.header, range(self._added, parts.plan.n_batches)):
            n_bytes += header.length
            n_spikes += header.ragged
        _check_space(parts.out.parent, n_bytes)
        for batch in range(parts.plan.n_batches):
            if batch >= self._added:
                self._add(batch, n_spikes)
            progress(batch)
        assert self._draft is not None  # there is no sweep without rows
        self._draft.complete(attributes)
        publish(self._draft.path, parts.out)
        return parts.out

    @property
    def _added(self) -> int:
        return 0 if self._draft is None else self._draft.n_batches

    def _add(self, batch: int, n_spikes: int | None = None) -> None:
        from hhfast.sweep.store import Draft, holds_spikes

        _, image = self.parts.read(batch)
        if n_spikes is None and self._draft is None and holds_spikes(image):
            self._early = False
            return
        if self._draft is None:
            self._draft = Draft(temporary_name(self.parts.folder / self.parts.out.name))
        self._draft.add(image, self.parts.path(batch), self.parts.plan.n_rows, n_spikes or 0)

    def _drop(self) -> None:
        if self._draft is not None:
            self._draft.remove()
        self._draft = None


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(errno.ENOSPC, f"merging needs {needed:,} bytes and {free:,} are free", str(folder))

"""One result file from many shards by copying chunks, and checking that it reads back."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hhfast.errors import BROKEN, InputError, one_line
from hhfast.sweep.shards import DamagedShard
from hhfast.sweep.store.layout import RUN, SPIKE, attach_dimensions, dims_of, is_dimension_only
from hhfast.sweep.store.seal import SEALED, add_seal, check_seal
from hhfast.sweep.store.structure import check_dimensions, plain_datasets

_SPIKE_CHUNK = 1 << 16  # spike times per chunk
_BLOCK = 1 << 20  # values read at once when a file is checked
_MAX_CHUNKS = 256  # likewise: HDF5 keeps some kB for each of them
_HIDDEN = ("CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST")  # attributes that make the dimension scales


class VerificationError(OSError):
    """A file that was just written reads back differently: the storage cannot be trusted."""


@dataclass
class _Copy:
    """One variable on its way into the merged file."""

    dataset: h5py.Dataset
    dims: tuple[str, ...]
    filled: int = 0
    digest: Any = field(default_factory=hashlib.sha256)


class MergedFile:
    """A result file to which shards are added; it has them all when it is complete."""

    def __init__(self, path: Path) -> None:
        self.path, self.n_shards = path, 0
        self._raw = path.open("w+b", buffering=0)
        self._safe = _SafeFile(self._raw)
        try:
            self._file = h5py.File(self._safe, "w", track_order=True)
        except BaseException:
            self._raw.close()
            path.unlink(missing_ok=True)
            raise
        self._copies: dict[str, _Copy] = {}

    def add(self, image: bytes, path: Path, n_rows: int, n_spikes: int) -> None:
        """Add a shard, from `path`, to a file that will have so many rows and spikes; `DamagedShard` if it is none."""
        with _shard(image, path) as variables:
            if not self._copies:
                self._copies = _create_like(self._file, variables, {RUN: n_rows, SPIKE: n_spikes})
            _check_alike(self._copies, variables, path)
            for name, copy in self._copies.items():
                _append(copy, variables[name], path)
        self._safe.check()
        self.n_shards += 1

    def complete(self, attributes: Mapping[str, Any]) -> None:
        """Add what is known at the end, see all of it on the disk, and read it back.

        Raises OSError; `VerificationError` if it is not what was written.
        """
        for copy in self._copies.values():
            copy.dataset.attrs["hhfast_sha256"] = copy.digest.hexdigest()
        self._file.attrs.update({**attributes, SEALED: 1})
        attach_dimensions(self._file, {name: copy.dims for name, copy in self._copies.items()})
        self._file.close()
        self._safe.check()
        add_seal(self._raw)
        os.fsync(self._raw.fileno())
        self._raw.close()
        if problems := _problems(self.path):
            raise VerificationError(f"the merged file does not read back as written ({problems[0]})")

    def remove(self) -> None:
        """Leave nothing, unless the file has got another name."""
        self._file.close()
        self._raw.close()
        self.path.unlink(missing_ok=True)


def holds_spikes(image: bytes, path: Path) -> bool:
    """Whether a shard has variables of which the size is not known from the number of rows."""
    with _shard(image, path) as variables:
        return any(SPIKE in dims_of(variable) for variable in variables.values())


@contextlib.contextmanager
def _shard(image: bytes, path: Path) -> Iterator[dict[str, h5py.Dataset]]:
    """The variables of a shard, of which the structure is checked: any sender can take a checksum."""
    try:
        with h5py.File(io.BytesIO(image), "r") as file:
            datasets = plain_datasets(file, len(image))
            check_dimensions(datasets)
            yield {name: dataset for name, dataset in datasets.items() if not is_dimension_only(dataset)}
    except OSError as error:
        if error.errno is None:  # of HDF5, which reads no file here; others are those of the merged file
            raise DamagedShard(f"{path}: {one_line(str(error), 120)}") from None
        raise
    except BROKEN as error:
        raise DamagedShard(f"{path}: {one_line(str(error), 160)}") from None


def _check_alike(copies: Mapping[str, _Copy], variables: Mapping[str, h5py.Dataset], path: Path) -> None:
    """Refuse a shard of other variables, types or chunks than those of the first."""
    if copies.keys() != variables.keys():
        raise DamagedShard(f"{path}: its variables are not those of the other shards")
    for name, copy in copies.items():
        source, target = variables[name], copy.dataset
        alike = source.dtype == target.dtype and dims_of(source) == copy.dims and source.shape[1:] == target.shape[1:]
        if copy.dims[0] == RUN:
            alike &= source.chunks == target.chunks and source.compression == target.compression
        if not alike or (copy.dims[0] in (RUN, SPIKE) and copy.filled + len(source) > len(target)):
            raise DamagedShard(f"{path}: its {name} is not like that of the other shards")


def _create_like(file: h5py.File, variables: Mapping[str, h5py.Dataset], sizes: Mapping[str, int]) -> dict[str, _Copy]:
    """The variables of a shard, empty and in the sizes of the whole."""
    copies = {}
    for name, source in variables.items():
        dims = dims_of(source)
        shape = tuple(sizes.get(dim, n) for dim, n in zip(dims, source.shape, strict=True))
        kept = ("chunks", "compression", "compression_opts", "shuffle")
        options = {key: getattr(source, key) for key in kept}
        if dims[0] == RUN and source.chunks[0] > shape[0]:
            options["maxshape"] = (None, *shape[1:])
        if dims[0] == SPIKE and shape[0]:
            options["chunks"] = (min(_SPIKE_CHUNK, shape[0]),)
        dataset = file.create_dataset(name, shape=shape, dtype=source.dtype, **options)
        dataset.attrs.update({k: v for k, v in source.attrs.items() if k not in _HIDDEN})
        copies[name] = _Copy(dataset, dims)
    return copies


def _append(copy: _Copy, source: h5py.Dataset, path: Path) -> None:
    """Add one shard's rows: chunks as they are, spikes by value; what has no rows must be the same in every shard."""
    target, start = copy.dataset, copy.filled
    values = source[...]
    if copy.dims[0] not in (RUN, SPIKE):
        if start == 0:
            target[...] = values
            copy.digest.update(values.tobytes())
        elif not np.array_equal(target[...], values):
            raise ValueError(f"{path}: its {source.name} differs from that of the other shards")
        copy.filled = 1
        return
    copy.digest.update(values.tobytes())
    copy.filled = start + len(values)
    if copy.dims[0] == SPIKE:
        target[start : copy.filled] = values
        return
    for k in range(source.id.get_num_chunks()):
        offset = source.id.get_chunk_info(k).chunk_offset
        mask, raw = source.id.read_direct_chunk(offset)
        target.id.write_direct_chunk((start + offset[0], *offset[1:]), raw, mask)


class _SafeFile(io.RawIOBase):
    """A file that hides failed writes from HDF5, which would crash the process.

    After the first failure nothing more is written, and `check` raises its error.
    """

    def __init__(self, raw: io.FileIO) -> None:
        self._raw = raw
        self._error: OSError | None = None

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        view = memoryview(data).cast("B")
        try:
            while self._error is None and len(view):  # a raw write may be partial
                view = view[self._raw.write(view) :]
        except OSError as error:
            self._error = error
        return size

    def readinto(self, buffer: Any) -> int:
        size = self._raw.readinto(buffer) or 0
        memoryview(buffer).cast("B")[size:] = bytes(len(buffer) - size)
        return len(buffer)

    def truncate(self, size: int | None = None) -> int:
        try:
            return self._raw.truncate(size)
        except OSError as error:
            self._error = self._error or error
            return size or 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def flush(self) -> None:
        pass  # the raw file is not buffered


def _problems(path: Path) -> list[str]:
    try:
        check_seal(path)
    except InputError as error:
        return [str(error)]
    return check_digests(path)


def check_digests(path: Path, progress: Callable[[int], None] = lambda n: None) -> list[str]:
    """Read every variable of a result and compare with the checksum it was written with; the problems found."""
    problems = []
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            for name, dataset in file.items():
                if "hhfast_sha256" in dataset.attrs:
                    digest = hashlib.sha256()
                    for block in _blocks(dataset):
                        digest.update(block.tobytes())
                        progress(block.nbytes)
                    if digest.hexdigest() != dataset.attrs["hhfast_sha256"]:
                        problems.append(f"variable '{name}' does not match its checksum")
    except OSError as error:
        problems.append(f"cannot be read: {error}")
    return problems


def _blocks(dataset: h5py.Dataset) -> Iterator[np.ndarray]:
    """A dataset in pieces of bounded size that begin and end with its chunks."""
    per_row = max(1, int(np.prod(dataset.shape[1:])))
    chunk, most = (dataset.chunks[0], _MAX_CHUNKS) if dataset.chunks else (1, _BLOCK)
    rows = min(max(1, _BLOCK // per_row // chunk), most) * chunk
    for start in range(0, dataset.shape[0], rows):
        yield dataset[start : start + rows]

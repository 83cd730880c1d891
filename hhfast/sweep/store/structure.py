"""What an HDF5 file of ours may hold: refused before anything of it is read or followed.

A link can lead to another file, a dataset's values can be those of any file of this computer ("external storage"), a
shape can promise more rows than any disk holds, and a filter can be a plugin: a result of ours has none of these.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import h5py
import numpy as np

from hhfast.errors import InputError
from hhfast.sweep.store.layout import RUN, SPIKE, dims_of, is_dimension_only

_MOST_VARIABLES = 10_000
_MOST_DIMENSIONS = 3
_MOST_NAME = 200  # characters
_MOST_CHUNK = 1 << 30  # bytes, once decompressed
_MOST_ATTRIBUTE = 1 << 26  # bytes; the longest is the model's text
_COMPRESSION = 1100  # gzip makes nothing smaller than by 1,032
_FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF)


def plain_datasets(file: h5py.File, n_bytes: int) -> dict[str, h5py.Dataset]:
    """The datasets of a file of `n_bytes`, each with its values inside of it, all of them there, and plain numbers.

    Raises `InputError` for anything else.
    """
    if len(file) > _MOST_VARIABLES:
        raise InputError(f"holds {len(file):,} variables; at most {_MOST_VARIABLES:,} are read")
    found = {}
    for name in file:
        if not (isinstance(name, str) and name.isprintable() and len(name) <= _MOST_NAME):
            raise InputError(f"holds a variable of the name {name!r}")
        if not isinstance(file.get(name, getlink=True), h5py.HardLink):
            raise InputError(f"variable '{name}' is a link to another place, which is not followed")
        dataset = file[name]
        if not isinstance(dataset, h5py.Dataset):
            raise InputError(f"'{name}' is not a variable")
        _check_storage(dataset, n_bytes)
        found[name] = dataset
    return found


def _check_storage(dataset: h5py.Dataset, n_bytes: int) -> None:
    """Refuse values that are elsewhere, no numbers, or packed by a filter that is not ours."""
    name = dataset.name.lstrip("/")
    if dataset.external is not None or dataset.is_virtual:
        raise InputError(f"variable '{name}' has its values in another file, which is not read")
    if dataset.dtype.kind not in "iuf" or dataset.dtype.itemsize > 8:
        raise InputError(f"variable '{name}' holds {dataset.dtype}, not numbers")
    if dataset.shape is None or not 1 <= dataset.ndim <= _MOST_DIMENSIONS:
        raise InputError(f"variable '{name}' needs 1 to {_MOST_DIMENSIONS} dimensions")
    creation = dataset.id.get_create_plist()
    if any(creation.get_filter(k)[0] not in _FILTERS for k in range(creation.get_nfilters())):
        raise InputError(f"variable '{name}' is compressed by a method that hhfast does not use")
    if not is_dimension_only(dataset):  # which has a length, and no values
        _check_presence(dataset, name, n_bytes)


def _check_presence(dataset: h5py.Dataset, name: str, n_bytes: int) -> None:
    """Refuse a variable with fewer values in the file than its shape promises, or more than fit there."""
    size = math.prod(dataset.shape) * dataset.dtype.itemsize
    if size > _COMPRESSION * n_bytes:
        raise InputError(f"variable '{name}' promises {size:,} bytes, more than the file can hold")
    if not dataset.chunks:
        stored, needed = dataset.id.get_storage_size(), size
    else:
        if math.prod(dataset.chunks) * dataset.dtype.itemsize > _MOST_CHUNK:
            raise InputError(f"variable '{name}' has chunks beyond {_MOST_CHUNK:,} bytes")
        stored = dataset.id.get_num_chunks()
        needed = math.prod(-(-n // chunk) for n, chunk in zip(dataset.shape, dataset.chunks, strict=True))
    if stored < needed:
        raise InputError(f"variable '{name}' promises {size:,} bytes that are not in the file")


def check_dimensions(datasets: Mapping[str, h5py.Dataset]) -> int:
    """The number of rows of a result's datasets; `InputError` unless each is over rows, spikes or itself."""
    runs = datasets.get(RUN)
    if runs is None or runs.ndim != 1:
        raise InputError(f"has no variable '{RUN}'")
    n_rows = int(runs.shape[0])
    sizes: dict[str, int] = {RUN: n_rows}
    for name, dataset in datasets.items():
        dims = (name,) if is_dimension_only(dataset) else dims_of(dataset)
        if len(dims) > 1 and dims[0] != RUN:
            raise InputError(f"variable '{name}' has the dimensions {', '.join(dims)}; the first must be '{RUN}'")
        for dim, size in zip(dims, dataset.shape, strict=True):
            if dim not in datasets or sizes.setdefault(dim, size) != size:
                raise InputError(f"variable '{name}' has {size:,} values along '{dim}', unlike others")
    for name, kind in ((RUN, "iu"), ("status", "u")):
        if name not in datasets or datasets[name].dtype.kind not in kind or dims_of(datasets[name]) != (RUN,):
            raise InputError(f"needs a variable '{name}' of whole numbers over '{RUN}'")
    if SPIKE in sizes and ("spike_time" in datasets) != ("spike_count" in datasets):
        raise InputError("has spike times without counts, or counts without times")
    return n_rows


def plain_attributes(file: h5py.File) -> dict[str, str | np.ndarray]:
    """The global attributes that are texts, and those that are lists of whole numbers."""
    found: dict[str, str | np.ndarray] = {}
    for name in file.attrs:
        attribute = file.attrs.get_id(name)
        if attribute.get_storage_size() > _MOST_ATTRIBUTE:
            raise InputError(f"attribute '{name}' has {attribute.get_storage_size():,} bytes")
        if isinstance(value := file.attrs[name], str):
            found[name] = value
        elif getattr(value, "dtype", np.dtype(object)).kind in "iu":
            found[name] = np.atleast_1d(value)
    return found

"""Result files: the only package that knows HDF5."""

from hhfast.sweep.store.layout import batch_columns, shard_image
from hhfast.sweep.store.merge import Draft, VerificationError, check_digests, holds_spikes
from hhfast.sweep.store.read import ResultFile
from hhfast.sweep.store.table import HDF5Table

__all__ = [
    "Draft", "HDF5Table", "ResultFile", "VerificationError", "batch_columns", "check_digests", "holds_spikes",
    "shard_image",
]  # fmt: skip

"""Result files: the only package that knows HDF5."""

from hhfast.sweep.store import environment as environment  # first: before HDF5 is loaded
from hhfast.sweep.store.hdf5_table import HDF5Table, write_table
from hhfast.sweep.store.layout import batch_columns, shard_image
from hhfast.sweep.store.merged_file import MergedFile, VerificationError, check_digests, holds_spikes
from hhfast.sweep.store.result_file import ResultFile

__all__ = [
    "HDF5Table", "MergedFile", "ResultFile", "VerificationError", "batch_columns", "check_digests", "holds_spikes",
    "shard_image", "write_table",
]  # fmt: skip

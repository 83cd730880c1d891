"""Result files: the only package that knows HDF5."""

from hhfast.sweep.store.layout import batch_columns, shard_image
from hhfast.sweep.store.merge import VerificationError, check_digests, merge
from hhfast.sweep.store.read import ResultFile
from hhfast.sweep.store.table import HDF5Table

__all__ = ["HDF5Table", "ResultFile", "VerificationError", "batch_columns", "check_digests", "merge", "shard_image"]

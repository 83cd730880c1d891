"""Sweeps: many parameter sets, from a sweep file to a result file, in batches that no crash can lose."""

from hhfast.sampling.distributions import Distribution
from hhfast.sampling.sample import Sample
from hhfast.sweep.axis import Axis, Values
from hhfast.sweep.batched_simulator import BatchedSimulator
from hhfast.sweep.export import to_csv, to_pandas, to_parquet
from hhfast.sweep.nwb import to_nwb
from hhfast.sweep.record import Record
from hhfast.sweep.results import open_results
from hhfast.sweep.select import Selection, select
from hhfast.sweep.space import Grid, Rows
from hhfast.sweep.sweep import Sweep
from hhfast.sweep.table import Table

__all__ = [
    "Axis", "BatchedSimulator", "Distribution", "Grid", "Record", "Rows", "Sample",
    "Selection", "Sweep", "Table", "Values", "open_results", "select", "to_csv", "to_nwb", "to_pandas", "to_parquet",
]  # fmt: skip

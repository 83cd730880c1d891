"""Sweeps: many parameter sets, from a sweep file to a result file, in batches that no crash can lose."""

from hhfast.sweep.results import open_results
from hhfast.sweep.space import Axis, Grid, Rows, Values
from hhfast.sweep.spec import Record, Sweep
from hhfast.sweep.table import Table

__all__ = ["Axis", "Grid", "Record", "Rows", "Sweep", "Table", "Values", "open_results"]

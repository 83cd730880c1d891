"""Tables of cells in the terminal: a line for each cell with its status, aligned or as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hhfast.cli.console import say

if TYPE_CHECKING:
    import numpy as np


_ACROSS = 12  # columns of one cell; more are lines


def say_cells(table: dict[str, np.ndarray], status: np.ndarray, csv: bool) -> None:
    """Print a table, as CSV or aligned."""
    say(_csv(table, status) if csv else _aligned(table, status))


def _aligned(columns: Mapping[str, np.ndarray], status: np.ndarray) -> str:
    """A heading, one line per cell, its status at the end; six digits, and units as people write them."""
    from hhfast.tables import heading_text, number_text, table

    cells = [[number_text(value) for value in values] for values in columns.values()]
    headings = (*map(heading_text, columns), "status")
    if len(status) == 1 and len(headings) > _ACROSS:
        return table(zip(headings, [*(cell for (cell,) in cells), *_outcomes(status)], strict=True), align="lr")
    return table(zip(*cells, _outcomes(status), strict=True), headings=headings, align="r")


def _csv(columns: Mapping[str, np.ndarray], status: np.ndarray) -> str:
    """The same with all digits, as text that a spreadsheet reads; empty where there is no number."""
    import csv
    import io

    cells = [["" if value != value else value for value in values.tolist()] for values in columns.values()]  # noqa: PLR0124  # NaN
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([(*columns, "status"), *zip(*cells, _outcomes(status), strict=True)])
    return file.getvalue().rstrip("\n")


def _outcomes(status: np.ndarray) -> list[str]:
    from hhfast.batch.analysis_status import AnalysisStatus

    return [AnalysisStatus(code).name.lower().replace("_", " ") for code in status]

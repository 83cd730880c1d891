"""What `hhfast simulate` prints of cells: a table, traces as CSV, features of settled cells."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hhfast.batch.certify import CERTIFIED_MEANINGS
from hhfast.batch.membrane import FEATURES
from hhfast.batch.result import STATUS_MEANINGS, Result
from hhfast.parts.sensitivity import derivative_name
from hhfast.tables import number_text, table, unit_text

SETTLED = ("rate", "period", "V_peak", "V_trough", "burst_duration", "duty_cycle", "V_rest")


def cells_text(result: Result, given: Mapping[str, np.ndarray], derived: Sequence[str]) -> str:
    """A line for each cell; of a single one its spike times, too."""
    columns: dict[str, Any] = {**given, "spikes": result.spike_count}
    columns |= {f"{name} ({unit_text(result.variables[name].unit)})": result[name] for name in FEATURES}
    if "certified" in result:
        columns |= {"spikes shift (ms)": result["spike_time_error"]}
        columns["certified"] = [CERTIFIED_MEANINGS[code].replace("_", " ") for code in result["certified"]]
    columns["status"] = [STATUS_MEANINGS[code] for code in result.status]
    rows = zip(*([number_text(v) for v in values] for values in columns.values()), strict=True)
    text = table(rows, headings=tuple(columns), align="r")
    if result.n_cells == 1 and result.spike_count[0]:
        text += "\nspike times (ms): " + ", ".join(f"{t:.3f}" for t in result.spike_times[0])
        for name in (derivative_name("spike_time", p) for p in derived):
            values = ", ".join(f"{v:.4g}" for v in result[name])
            text += f"\n{name} ({unit_text(result.variables[name].unit)}): {values}"
    return text


def settled_text(found: Result, given: Mapping[str, np.ndarray], derived: Sequence[str], t_stop: float) -> str:
    """A line for each cell and feature: its value once the cell has settled, and its derivatives."""
    rows = [
        [*(number_text(np.broadcast_to(v, found.n_cells)[k]) for v in given.values()),
         f"{feature} ({unit_text(found.variables[feature].unit)})",
         *(number_text(found[name][k]) for name in (feature, *(derivative_name(feature, p) for p in derived)))]
        for k in range(found.n_cells) for feature in SETTLED if np.isfinite(found[feature][k])
    ]  # fmt: skip
    if not rows:
        return f"no cell has settled by {t_stop:g} ms; give a longer --t-stop"
    return table(rows, headings=(*given, "feature", "value", *(f"by {p}" for p in derived)), align="r")


def traces_csv(result: Result) -> str:
    """cell, time and every trace, as a spreadsheet reads it."""
    names = [name for name, v in result.variables.items() if v.dims == ("cell", "time")]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["cell", "time", *names])
    for cell in range(result.n_cells):
        columns = [result[name][cell].tolist() for name in names]
        writer.writerows([cell, *row] for row in zip(result.time.tolist(), *columns, strict=True))
    return file.getvalue().rstrip("\n")

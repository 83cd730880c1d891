"""A benchmark as text: the cells, the reference, a table, the limits of each integrator, what to use."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from hhfast.analysis.work_precision.result import Benchmark, BenchmarkRow
from hhfast.analysis.work_precision.thresholds import RESOLUTION
from hhfast.tables import number_text, table

_ACCURACIES = (1.0, 0.1, 0.01, 0.001)  # ms

_HEADINGS = (
    "integrator", "dt (ms)\nor rtol", "spike times (ms)\n95 %", "rms", "max", "wrong\ncounts", "rate\n(Hz)",
    "V\n(mV)", "rheobase\n(rel.)", "evaluations\nper ms", "ns per\nneuron-ms",
)  # fmt: skip


def report(found: Benchmark, accuracies: Iterable[float] = _ACCURACIES) -> str:
    """All of it."""
    parts = [_cells(found), _reference(found), "", _table(found), "", _limits(found), "", *advice(found, accuracies)]
    return "\n".join(parts)


def advice(found: Benchmark, accuracies: Iterable[float]) -> list[str]:
    """One recommendation for each accuracy, ms."""
    return [_advice(found, accuracy) for accuracy in accuracies]


def _advice(found: Benchmark, accuracy: float) -> str:
    best = found.recommend(accuracy)
    begin = f"for {accuracy:g} ms spike-time error on this model "
    if best is None:
        return f"{begin}none of these settings is enough; try a smaller dt or rtol"
    longest = next(limit.longest_step for limit in found.limits if limit.integrator == best.integrator)
    limit = "" if np.isnan(longest) else f"; its longest stable step is {longest:.2g} ms"
    error = _error(best.spike_p95, found.floor)
    return f"{begin}use {best.integrator}, {best.setting} ({error} ms, {best.cost:.3g} ns per neuron-ms{limit})"


def _cells(found: Benchmark) -> str:
    s = found.sample
    kinds = ((s.silent, "silent"), (s.single, "with one spike"), (s.tonic, "tonic"), (s.bursting, "bursting"))
    what = ", ".join(f"{n} {kind}" for n, kind in kinds if n)
    left_out = s.drawn - s.cells
    note = f"; {left_out} more left out, whose spike count depends on the step" if left_out else ""
    return f"{found.model}: {s.cells} cells for {found.t_stop:g} ms ({what}; {s.spikes:,} spikes){note}"


def _reference(found: Benchmark) -> str:
    own, check = found.reference_errors, found.verification
    scipy = "finds other spikes" if np.isnan(check.spike_max) else f"differs by {check.spike_max:.1e} ms"
    return (
        f"reference: rk4 at {found.reference_dt:g} ms; at twice that step it differs by {own.spike_max:.1e} ms; "
        f"SciPy's DOP853 at 1e-12 {scipy} (V: {check.V_max:.1e} mV), {check.cells} cells, {check.spikes} spikes"
    )


def _table(found: Benchmark) -> str:
    return table((_cells_of(row, found.floor) for row in found.rows), _HEADINGS, "lr")


def _cells_of(row: BenchmarkRow, floor: float) -> tuple[str, ...]:
    wrong = str(row.wrong_counts) + (f" ({row.diverged} diverged)" if row.diverged else "")
    shifts = (_error(v, floor) for v in (row.spike_p95, row.spike_rms, row.spike_max))
    others = (_number(row.rate_rms), _number(row.V_rms), _error(row.rheobase, RESOLUTION))
    step = f"{row.dt:g}" if np.isnan(row.rtol) else f"{row.rtol:.0e}"
    return row.integrator, step, *shifts, wrong, *others, f"{row.evaluations:.4g}", f"{row.cost:.4g}"


def _limits(found: Benchmark) -> str:
    headings = ("integrator", "order", "measured", "longest stable step (ms)")
    rows = [(x.integrator, str(x.order), _fixed(x.measured_order), _number(x.longest_step)) for x in found.limits]
    return table(rows, headings, "lr")


def _error(value: float, floor: float) -> str:
    """Nothing is known of an error below that of the reference."""
    return f"< {floor:.0e}" if value <= floor else _number(value)


def _number(value: float) -> str:
    return number_text(value, digits=2)


def _fixed(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"

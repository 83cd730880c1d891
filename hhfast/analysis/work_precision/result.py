"""Benchmark: what was measured, as rows of numbers, and the recommendation that follows from them."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import numpy as np

from hhfast.analysis.spikes import bursts
from hhfast.analysis.work_precision.agreement import Errors, Trains
from hhfast.analysis.work_precision.problem import Setting
from hhfast.analysis.work_precision.reference import Verification
from hhfast.inputs import check_positive


@dataclass(frozen=True)
class BenchmarkRow:
    """One integrator at one step (dt, ms) or tolerance (rtol); the other of the two is NaN.

    spike_p95, spike_rms, spike_max : ms; wrong_counts, diverged : cells; rate_rms : Hz; V_rms : mV (see `Errors`).
    rheobase : largest relative error (20-ms pulse, 4 cells). evaluations : of all rates, per neuron and ms, those of
    rejected steps included; the Jacobians of a stiff method are not among them. cost : ns per neuron and ms, measured.
    """

    integrator: str
    dt: float
    rtol: float
    spike_p95: float
    spike_rms: float
    spike_max: float
    wrong_counts: int
    diverged: int
    rate_rms: float
    V_rms: float
    rheobase: float
    evaluations: float
    cost: float

    @classmethod
    def of(cls, setting: Setting, errors: Errors, rheobase: float, steps: float, cost: float) -> BenchmarkRow:
        """`steps` per ms."""
        integrator = setting.integrator
        return cls(integrator.name, setting.dt, setting.rtol, **asdict(errors), rheobase=rheobase,
                   evaluations=integrator.evaluations * steps, cost=float(cost))  # fmt: skip

    @property
    def sound(self) -> bool:
        """Every cell is finite and has the right number of spikes."""
        return self.diverged == 0 and self.wrong_counts == 0

    @property
    def setting(self) -> str:
        """As one says it: "dt = 0.05 ms" or "rtol = 1e-06"."""
        return f"dt = {self.dt:g} ms" if np.isnan(self.rtol) else f"rtol = {self.rtol:g}"


@dataclass(frozen=True)
class IntegratorLimits:
    """Of one integrator: its stated and its measured order (all states, the first 10 ms of the stimulus), and the
    longest step, ms, with which all cells stay finite and 95 % of the spike counts are right.
    """

    integrator: str
    order: int
    measured_order: float
    longest_step: float


@dataclass(frozen=True)
class Activity:
    """The cells: `cells` of `drawn` (of the others even the reference is uncertain), by what they do."""

    cells: int
    drawn: int
    silent: int
    single: int
    tonic: int
    bursting: int
    spikes: int


def activity_of(trains: Trains, drawn: int) -> Activity:
    """What cells do, from their spike trains: no spike, one, several, or bursts of them."""
    counts = np.array([len(t) for t in trains])
    bursting = sum(bool(bursts(t)) for t in trains)
    repeated = int(np.sum(counts > 1)) - bursting
    return Activity(len(trains), drawn, int(np.sum(counts == 0)), int(np.sum(counts == 1)), repeated, bursting,
                   int(counts.sum()))  # fmt: skip


@dataclass(frozen=True)
class Benchmark:
    """Error against cost of integrators on one model.

    model : its name. t_stop : ms, of each run. rows : one for each integrator and step or tolerance, the coarsest
    first. limits : one for each integrator. sample : the cells. reference_dt : ms, of RK4. reference_errors : how RK4
    at twice that step differs. verification : how SciPy does.
    """

    model: str
    t_stop: float
    sample: Activity
    rows: tuple[BenchmarkRow, ...]
    limits: tuple[IntegratorLimits, ...]
    reference_dt: float
    reference_errors: Errors
    verification: Verification

    def __getitem__(self, name: str) -> np.ndarray:
        """(n_rows,): one column, e.g. `benchmark["spike_p95"]`."""
        return np.array([getattr(row, name) for row in self.rows])

    @property
    def floor(self) -> float:
        """ms: spike-time errors below this are those of the reference itself."""
        return float(np.nanmax([self.reference_errors.spike_p95, self.verification.spike_max, 0.0]))

    def recommend(self, accuracy: float) -> BenchmarkRow | None:
        """The cheapest setting with every count right and 95 % of the spikes within `accuracy` ms; None: none has."""
        check_positive(accuracy=accuracy)
        good = [row for row in self.rows if row.sound and row.spike_p95 <= accuracy]
        return min(good, key=lambda row: row.cost, default=None)

    def to_csv(self, path: str | Path | None = None) -> str:
        """The rows as CSV, units as in `BenchmarkRow`; written to `path` if given."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([field.name for field in fields(BenchmarkRow)])
        writer.writerows([["" if v != v else v for v in astuple(row)] for row in self.rows])  # noqa: PLR0124  # NaN
        if path is not None:
            Path(path).write_text(text.getvalue(), encoding="utf-8")
        return text.getvalue()

    def __repr__(self) -> str:
        names = ", ".join(limit.integrator for limit in self.limits)
        return f"Benchmark({self.model!r}, {self.sample.cells} cells, {self.t_stop:g} ms; {names})"

    def __str__(self) -> str:
        from hhfast.analysis.work_precision.report import report

        return report(self)

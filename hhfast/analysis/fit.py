"""Fitting parameters to recorded traces, spike times or features, many targets and many starts at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.fit_checks import check_free, check_lengths, check_starts, check_target
from hhfast.analysis.fit_targets import Target
from hhfast.analysis.least_squares import NOT_FINITE, STATUS_MEANINGS, Minima, Normal, minimise
from hhfast.analysis.search_box import SearchBox
from hhfast.batch.arguments import as_stimulus, as_table
from hhfast.batch.method import Method, MethodOptions
from hhfast.batch.result import OK, Result
from hhfast.batch.simulate import simulate
from hhfast.inputs import tolerance, whole_number
from hhfast.model import Model
from hhfast.model.resolve import find_model
from hhfast.parts.recorder import Recorder
from hhfast.parts.stimuli import Stimulus
from hhfast.sampling.distributions import Distribution
from hhfast.sampling.sample import Sample
from hhfast.tables import counts_text, html_table, one_line, short_text, unit_text

_DIFFERENCE = 1e-3  # of a range, where derivatives are finite differences
_TRIED = 16  # points for each start: those that fit best become starts
_VALUES = 20_000_000  # numbers of a Jacobian held at once


@dataclass(frozen=True, repr=False)
class Fit:
    """What a fit found, one row per target.

    parameters : name -> (n,) best values. error : name -> (n,) their standard errors, from the curvature at the minimum
    and the residuals; NaN where the data say nothing of it. rms : (n,) root mean square of the residuals, in the
    target's unit.
    starts : name -> (n, n_starts) where each start ended, the best first. start_rms : (n, n_starts). status : (n,
    n_starts) uint8, 0 converged, 1 iteration limit, 2 no finite run. target, model, params, stimulus : as given.
    `run(k)` : the parameters and the stimulus of the best run for target k, as `simulate` takes them.
    """

    parameters: Mapping[str, np.ndarray]
    error: Mapping[str, np.ndarray]
    rms: np.ndarray
    starts: Mapping[str, np.ndarray]
    start_rms: np.ndarray
    status: np.ndarray
    target: Target
    model: Model
    params: Mapping[str, Any]
    stimulus: Stimulus | None

    status_meanings = STATUS_MEANINGS

    def run(self, target: int) -> tuple[dict[str, Any], Stimulus | None]:
        """The parameters and the stimulus of the best run for a target, as `simulate` takes them."""
        given, stimulus = _of_targets(self.params, self.stimulus, np.array([target]))
        return {**given, **{name: values[target] for name, values in self.parameters.items()}}, stimulus

    def __repr__(self) -> str:
        return one_line(self)

    def _repr_html_(self) -> str:
        rows = [(name, short_text(best), short_text(self.error[name])) for name, best in self.parameters.items()]
        rows.append((f"rms ({unit_text(self.target.unit)})", short_text(self.rms), ""))
        starts = counts_text(self.status, self.status_meanings)
        return html_table(f"Fit of {self.model.name}; starts: {starts}", rows, ("", "best", "standard error"))


def fit(
    model: str | Path | Model,
    target: Target,
    free: Mapping[str, tuple[float, float]],
    params: Mapping[str, Any] | None = None,
    *,
    stimulus: Stimulus | None = None,
    starts: int = 16,
    seed: int = 0,
    max_iterations: int = 60,
    tol: float = 1e-7,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> Fit:
    """Fit parameters of a model to recorded traces, spike times or features.

    target : a `TraceTarget`, `SpikeTarget` or `FeatureTarget`.

    free : parameter -> (lowest, highest) value. params : the others, as in `simulate`: numbers, or one for each target.
    stimulus : of the recording; its parameters likewise. starts : minimisations for each target, from those of 16 times
    as many points (Sobol, by seed) that fit best; all targets and starts run as one batch, with exact derivatives
    (`simulate(sensitivity=...)`), by the method of Levenberg and Marquardt within the bounds. A start ends when no
    parameter moves by more than tol of its range, or after max_iterations. method, options : as in `simulate`, with
    tsit5 (the default here) or bs32.

    Spikes that are shifted by more than their width make local minima: few spikes, or a stimulus of several steps below
    and above threshold, say most.

    Returns a `Fit`. Raises `InputError` for unknown names, ranges that are none, and targets that do not fit together.
    """
    found = find_model(model)
    check_target(target)
    params, stimulus = as_table("params", params), as_stimulus(stimulus)
    check_free(found, free, params)
    check_lengths(params, stimulus, target.n)
    starts, names = check_starts("starts", starts), tuple(free)
    rounds, tol = whole_number("max_iterations", max_iterations, 1, 100_000), tolerance("tol", tol)
    method = Method.of(Method(integrator="tsit5") if method is None else method, options)
    problem = _FitProblem(found, target, names, SearchBox.of(free), params, stimulus, starts, method)
    return problem.summary(minimise(problem.normal, problem.promising(seed), max_iterations=rounds, tol=tol))


def _of_targets(
    params: Mapping[str, Any], stimulus: Stimulus | None, target: np.ndarray
) -> tuple[dict[str, Any], Stimulus | None]:
    """Parameters and stimulus of cells that belong to these targets."""
    own = {name: np.asarray(value)[target] if np.ndim(value) else value for name, value in params.items()}
    return own, stimulus and stimulus.take(target)


@dataclass(frozen=True)
class _FitProblem:
    """All targets and starts as rows; row k belongs to target k // starts."""

    model: Model
    target: Target
    names: tuple[str, ...]
    box: SearchBox
    params: Mapping[str, Any]
    stimulus: Stimulus | None
    starts: int
    method: Method

    def promising(self, seed: int) -> np.ndarray:
        """(n * starts, k): for each target the points of the unit box that fit best."""
        sample = Sample("sobol", _TRIED * self.starts, dict.fromkeys(self.names, Distribution("uniform", (0, 1))), seed)
        points = np.column_stack(list(sample.columns(0, sample.n).values()))
        alike = not (self.stimulus and self.stimulus.varies) and not any(np.ndim(v) for v in self.params.values())
        chosen = []
        for k in range(self.target.n):
            if k == 0 or not alike:  # else one run is that of all targets
                found = self._run(points, np.full(len(points), k), self.target.recorder)
            r, _ = self.target.residuals(found, np.full(len(points), k), ())
            cost = np.where(found.status == OK, np.nan_to_num((r**2).sum(axis=1), nan=np.inf), np.inf)
            chosen.append(points[np.argsort(cost, kind="stable")[: self.starts]])
        return np.concatenate(chosen)

    def normal(self, u: np.ndarray, rows: np.ndarray) -> Normal:
        """The normal equations of some rows, in pieces that fit into memory."""
        k = len(self.names)
        n_cells = max(1, _VALUES // (self.target.size * (k + 1)))
        pieces = [self._normal(u[s : s + n_cells], rows[s : s + n_cells]) for s in range(0, len(rows), n_cells)]
        return Normal(*(np.concatenate([getattr(p, f) for p in pieces]) for f in ("cost", "gradient", "hessian")))

    def _normal(self, u: np.ndarray, rows: np.ndarray) -> Normal:
        values = self.box.values(u)
        differenced = self.target.differenced(self.method.scheme)
        names = () if differenced.all() else self.names
        found = self._run(u, rows // self.starts, self.target.traced(names), names)
        r, J = self.target.residuals(found, rows // self.starts, names)
        J = J * self.box.slopes(values)[:, None, :] if names else np.zeros((1, 1, 1))
        if differenced.any():
            J = np.where(differenced[:, None], self._differences(u, rows), J)
        cost = np.where(found.status == 0, (r**2).sum(axis=1), np.inf)
        across = np.ascontiguousarray(J.transpose(0, 2, 1))  # of products of matrices, none depends on other rows
        gradient, hessian = (across @ r[:, :, None])[:, :, 0], across @ J
        return Normal(np.nan_to_num(cost, nan=np.inf, posinf=np.inf), np.nan_to_num(gradient), np.nan_to_num(hessian))

    def _differences(self, u: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(n, m, k) the derivatives of the residuals by u, from runs to both sides that stay within the box."""
        columns = []
        for k in range(len(self.names)):
            ends = [u.copy(), u.copy()]
            for end, sign in zip(ends, (-1.0, 1.0), strict=True):
                end[:, k] = np.clip(end[:, k] + sign * _DIFFERENCE, 0.0, 1.0)
            target = np.tile(rows // self.starts, 2)
            r, _ = self.target.residuals(self._run(np.concatenate(ends), target, self.target.recorder), target, ())
            low, high = np.split(r, 2)
            columns.append((high - low) / (ends[1][:, k] - ends[0][:, k])[:, None])
        return np.stack(columns, axis=-1)

    def _run(
        self, u: np.ndarray, target: np.ndarray, record: tuple[Recorder, ...], sensitivity: tuple[str, ...] = ()
    ) -> Result:
        """A run at points of the unit box, each for its target."""
        params, stimulus = _of_targets(self.params, self.stimulus, target)
        columns = np.ascontiguousarray(self.box.values(u).T)
        return simulate(
            self.model, params | dict(zip(self.names, columns, strict=True)), t_stop=self.target.t_stop,
            stimulus=stimulus, record=record, until=self.target.until, sensitivity=sensitivity, method=self.method,
        )  # fmt: skip

    def summary(self, found: Minima) -> Fit:
        """The starts of each target, the best first."""
        n, k, starts = self.target.n, len(self.names), self.starts
        normal, status, values = found.normal, found.status, self.box.values(found.u)
        cost = np.where(status == NOT_FINITE, np.inf, normal.cost).reshape(n, starts)
        order = np.argsort(cost, axis=1, kind="stable")
        rows = order + starts * np.arange(n)[:, None]
        best = rows[:, 0]
        counts = self.target.counts
        rms = np.sqrt(normal.cost[rows] / counts[:, None])
        slopes = self.box.slopes(values[best])
        hessian = normal.hessian[best] / (slopes[:, :, None] * slopes[:, None, :])
        variance = np.ones(n) if self.target.absolute else normal.cost[best] / np.maximum(counts - k, 1)
        errors = np.sqrt(np.abs(_inverse_diagonals(hessian)) * variance[:, None])
        return Fit(
            parameters={name: values[best, j] for j, name in enumerate(self.names)},
            error={name: errors[:, j] for j, name in enumerate(self.names)},
            rms=rms[:, 0],
            starts={name: values[rows, j] for j, name in enumerate(self.names)},
            start_rms=rms,
            status=status[rows],
            target=self.target,
            model=self.model,
            params=self.params,
            stimulus=self.stimulus,
        )


def _inverse_diagonals(matrices: np.ndarray) -> np.ndarray:
    """(n, k) the diagonals of the inverses; NaN where a matrix has none."""
    found = np.full(matrices.shape[:2], np.nan)
    for row, matrix in zip(found, matrices, strict=True):
        if np.isfinite(matrix).all() and np.linalg.cond(matrix) < 1e14:
            row[:] = np.diag(np.linalg.inv(matrix))
    return found

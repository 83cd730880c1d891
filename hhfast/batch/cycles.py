"""Cycles of settled cells, to high precision: their periods, how they move with parameters, and their phase response.

A cycle is a fixed point of the flow over one period: Newton's method finds it, with the derivative of the flow by the
initial states (the monodromy matrix M). Its derivative by a parameter p follows from M dx + b + f dT = dx, with f the
slopes and b the derivative of the flow by p. The adjoint Z with Z M = Z and Z f = 1 says how much later phases are
advanced by a displacement (Ermentrout & Kopell 1991, J Math Biol 29:195-217; Govaerts & Sautois 2006, Neural Comput
18:817-847).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hhfast.batch.conserved_sums import conserved_sums
from hhfast.batch.own_durations import OwnDurations
from hhfast.kernel.math.section_rings import KEPT
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Spikes, Trace

_SAMPLES = 512  # of a period, by which the range of each state and the maximum of V are found
_ROUNDS = 10  # of Newton's method
_CLOSED = 1e-9  # of each state's range: how nearly a cycle returns
_ACCEPTED = 1e-6  # and at least
_LANES = 60_000  # runs at once


@dataclass(frozen=True)
class Cycles:
    """A cycle of each of n cells under a constant current.

    X : (n_states, n) one point of each, phase 0. period : (n,) ms. size : (n_states, n) the range of each state.
    quiet : (n,) share of the period before phase 0 without a spike. monodromy : (n, n_states, n_states). found : (n,)
    whether it is one; where it is not, X and period are NaN.
    """

    cells: OwnDurations
    X: np.ndarray
    period: np.ndarray
    size: np.ndarray
    quiet: np.ndarray
    monodromy: np.ndarray
    found: np.ndarray

    @classmethod
    def of(cls, cells: OwnDurations, X: np.ndarray, period: np.ndarray, levels: tuple[float, float]) -> Cycles:
        """The cycles near the states X with about these periods (ms).

        Phase 0 is at the first spike after the longest interval, or where V is highest, if there is no spike.
        levels : threshold and rearm of spikes, mV.
        """
        X, size, quiet = _at_phase_0(cells, X, period, levels)
        m, n = X.shape
        found = cls(cells, X, period.copy(), size, quiet, np.full((n, m, m), np.nan), np.zeros(n, bool))
        rows, now = np.flatnonzero(np.isfinite(period)), found
        for _ in range(_ROUNDS):  # each cycle ends by itself: so that a row does not depend on the others
            now, error = found.take(rows).improved()
            found.X[:, rows], found.period[rows], found.monodromy[rows] = now.X, now.period, now.monodromy
            found.found[rows] = error < _ACCEPTED
            rows = rows[(error > _CLOSED) & np.isfinite(error)]
            if not len(rows):
                break
        found.X[:, ~found.found], found.period[~found.found] = np.nan, np.nan
        return found

    def take(self, rows: np.ndarray) -> Cycles:
        """Some of the cycles, by number."""
        return Cycles(
            self.cells.take(rows), self.X[:, rows], self.period[rows], self.size[:, rows], self.quiet[rows],
            self.monodromy[rows], self.found[rows],
        )  # fmt: skip

    def improved(self) -> tuple[Cycles, np.ndarray]:
        """The cycles after a step of Newton's method, and (n,) how far they were from closing before it."""
        end, M = self.cells.transitions(self.X, self.period, self.size)
        now = replace(self, monodromy=M)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = (np.abs(end - self.X) / self.size).max(axis=0)
        dX, dT = now.solved((end - self.X)[None])
        with np.errstate(invalid="ignore"):
            found = np.isfinite(error) & (np.abs(dT[0]) < 0.1 * self.period)
        X, period = np.where(found, self.X + dX[0], np.nan), np.where(found, self.period + dT[0], np.nan)
        return replace(now, X=X, period=period, found=found), np.where(found, error, np.inf)

    @cached_property
    def slopes(self) -> np.ndarray:
        """(n_states, n) at phase 0, per ms."""
        return self.cells.slopes(self.X)

    @cached_property
    def multiplier(self) -> np.ndarray:
        """(n,) size of the largest Floquet multiplier, but those of 1: along the flow, and of what is kept."""
        m = len(self.X)
        kept = 1 + (len(conserved_sums(self.cells.model, tuple(range(1, m)))) if m > 1 else 0)
        found = np.full(len(self.found), np.nan)
        good = np.isfinite(self.monodromy).all(axis=(1, 2))
        values = np.linalg.eigvals(self.monodromy[good])
        nearest = np.argsort(np.abs(values - 1.0), axis=1)
        others = np.take_along_axis(values, nearest[:, kept:], axis=1)
        found[good] = np.abs(others).max(axis=1, initial=0.0)
        return found

    @cached_property
    def _bordered(self) -> np.ndarray:
        """(n, rows, n_states + 1): M - 1 and the slopes, below them the phase and what is conserved; scaled by size."""
        m, n = self.X.shape
        D = np.ascontiguousarray(self.size.T)
        A = np.zeros((n, m + 1, m + 1))
        A[:, :m, :m] = (self.monodromy - np.eye(m)) * D[:, None, :] / D[:, :, None]
        flow = np.ascontiguousarray(self.slopes.T / D)
        A[:, :m, m] = flow * self.period[:, None]
        A[:, m, :m] = flow / np.linalg.norm(flow, axis=1)[:, None]
        if m > 1 and len(sums := conserved_sums(self.cells.model, tuple(range(1, m)))):
            kept = np.concatenate([np.zeros((len(sums), 1)), sums, np.zeros((len(sums), 1))], axis=1)
            kept = kept[None] * np.concatenate([D, np.ones((n, 1))], axis=1)[:, None, :]
            A = np.concatenate([A, kept / np.linalg.norm(kept, axis=2, keepdims=True)], axis=1)
        return A

    def solved(self, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """dx (p, n_states, n) and dT (p, n) with M dx + b + f dT = dx, for each b (n_states, n)."""
        (p, m, n), D = b.shape, self.size.T
        dX, dT = np.full(b.shape, np.nan), np.full((p, n), np.nan)
        good = np.isfinite(self._bordered).all(axis=(1, 2))
        if good.any():
            inverse = np.linalg.pinv(self._bordered[good])
            right = np.zeros((good.sum(), self._bordered.shape[1], p))
            right[:, :m] = -b.transpose(2, 1, 0)[good] / D[good, :, None]
            solution = inverse @ right
            dX[:, :, good] = (solution[:, :m] * D[good, :, None]).transpose(2, 1, 0)
            dT[:, good] = (solution[:, m] * self.period[good, None]).T
        return dX, dT

    def derivatives(self, parameters: Sequence[str], record: Sequence[Recorder] = ()) -> tuple[np.ndarray, np.ndarray]:
        """(p, n_states, n) those of the point at phase 0, (p, n) those of the period, by each parameter.

        record : nothing comes of it; but runs with the same recorders have the same kernel.
        """
        m, n = self.X.shape
        start = np.vstack([self.X, np.zeros((m * len(parameters), n))])
        _, end = self.cells.run(start, self.period, record, parameters)
        return self.solved(end[m:].reshape(len(parameters), m, n))

    def states(self, phases: int) -> np.ndarray:
        """(n_states, n, phases + 1): the states at equal steps of the phase, from 0 to 1."""
        names = self.cells.model.states
        found, _ = self.cells.run(self.X, self.period, (Trace(*names, every=1.0 / phases),))
        return np.array([found[x] for x in names])

    def adjoint(self, phases: int) -> tuple[np.ndarray, np.ndarray]:
        """(n_states, n, phases + 1): by how much, ms, a displacement by one unit of a state advances all that follows.

        At equal steps of the phase, from 0 to 1; its product with the slopes dx/dt is 1 everywhere. And (n,) by how
        much that product is off 1 after one such step: its relative error, as after a jump that was not resolved.
        """
        m, n = self.X.shape
        Z, off = np.full((m, n, phases + 1), np.nan), np.full(n, np.nan)
        at_once = max(1, _LANES // (m * phases))
        for first in range(0, n, at_once):
            rows = np.arange(first, min(first + at_once, n))
            Z[:, rows], off[rows] = self.take(rows).adjoint_at_once(phases)
        return Z, off

    def adjoint_at_once(self, phases: int) -> tuple[np.ndarray, np.ndarray]:
        """The adjoint, with the runs of all cells in one batch."""
        (m, n), X = self.X.shape, self.states(phases)
        rows = np.repeat(np.arange(n), phases)
        each = self.cells.take(rows)
        _, A = each.transitions(X[:, :, :-1].reshape(m, -1), self.period[rows] / phases, self.size[:, rows])
        A = A.reshape(n, phases, m, m)
        slopes = self.cells.take(np.repeat(np.arange(n), phases + 1)).slopes(X.reshape(m, -1)).reshape(X.shape)
        along = np.ascontiguousarray(slopes.transpose(2, 1, 0))
        Z = np.empty((phases + 1, n, m))
        Z[-1] = self._left()
        for _ in range(2):  # backwards in time other than the neutral directions die out, and errors with them
            off = np.zeros(n)
            for k in range(phases - 1, -1, -1):
                Z[k] = (Z[k + 1][:, None] @ A[:, k])[:, 0]
                product = (Z[k][:, None] @ along[k][:, :, None])[:, 0]
                off = np.maximum(off, np.abs(product[:, 0] - 1.0))
                Z[k] /= product
            Z[-1] = Z[0]
        return Z.transpose(2, 1, 0), off

    def _left(self) -> np.ndarray:
        """(n, n_states): the adjoint at phase 0."""
        m, D = len(self.X), self.size.T
        Z = np.full((len(D), m), np.nan)
        good = np.isfinite(self._bordered).all(axis=(1, 2))
        A = self._bordered[good][:, :m].transpose(0, 2, 1)  # of M - 1 and the slopes, in rows
        right = np.zeros((good.sum(), m + 1))
        right[:, m] = self.period[good]
        Z[good] = (np.linalg.pinv(A) @ right[:, :, None])[:, :, 0] / D[good]
        return Z


def _at_phase_0(
    cells: OwnDurations, X: np.ndarray, period: np.ndarray, levels: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The states at phase 0, the range of each state over the period (n_states, n); and the quiet share before it."""
    names = cells.model.states
    run, _ = cells.run(X, period, (Spikes(*levels, max_per_cell=KEPT), Trace(*names, every=1.0 / _SAMPLES)))
    traces = np.array([run[x] for x in names])
    phase, quiet = (traces[0].argmax(axis=1) / _SAMPLES) % 1.0, np.ones(cells.n)
    for k, times in enumerate(run.spike_times):
        if len(times):
            intervals = np.diff(times, append=times[0] + 1.0)  # after each spike
            phase[k], quiet[k] = times[(intervals.argmax() + 1) % len(times)], intervals.max()
    _, start = cells.run(X, np.maximum(phase, 1e-9) * period)
    low, high = traces.min(axis=2), traces.max(axis=2)
    return start, np.maximum(high - low, 1e-9 * np.maximum(np.abs(high), np.abs(low)) + 1e-300), quiet

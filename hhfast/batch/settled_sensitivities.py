"""The derivatives of features of settled cells, on a cycle or at rest, by parameters.

They are those of the cycle itself (`batch.cycles`), or of the equilibrium, whatever the integrator of the run that led
there: along its derivative by the parameter, spike times, extrema and the period move, and features with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.cycles import Cycles
from hhfast.batch.linearisation import jacobian, newton_step
from hhfast.batch.own_durations import CONSTANT_CURRENT, OwnDurations
from hhfast.batch.periodic_samples import POINTS, around, polynomials, slope, slope_at, through, value
from hhfast.batch.ragged import padded
from hhfast.kernel.math.section_rings import KEPT
from hhfast.parts.activity import MAXIMA, RESTS, SPIKES, Endings, Settled, features_of
from hhfast.parts.recorders import Spikes, Trace
from hhfast.parts.sensitivity import derivative_name, sensitivity_name

_AT_LEAST = 0.0125  # ms between samples of V, from which its extrema are interpolated
_SAMPLES = (2**10, 2**19)  # of a period, fewest and most
_NUMBERS = 8_000_000  # of traces held at once
_STEP = 1e-5  # of the shortest interval: by how much times are moved to difference features
_RELATIVE = 1e-5  # of a parameter, to difference equilibria
_RTOL = 1e-12  # of what is sampled within steps, which extrema see
_ROUNDS = 8  # of Newton's method, from a state that stands still
WITHOUT = (
    "activity",
    "period_error",
    "spikes_per_period",
    "settled_at",
    "spike_count",
)  # they do not move, or by chance


@dataclass(frozen=True)
class SettledCells:
    """n settled cells: where they ended, X (n_states, n), under a current (n,); their features by name."""

    cells: Cells
    X: np.ndarray
    i_app: np.ndarray
    features: Mapping[str, np.ndarray]
    rule: Settled
    levels: tuple[float, float]
    threads: int | None = None

    def derivatives(self, parameters: Sequence[str]) -> dict[str, np.ndarray]:
        """Feature -> (p, n) derivatives by each of the parameters; NaN where there is none.

        One of them may be `CONSTANT_CURRENT`, that under which the cells have settled.
        """
        n = self.cells.n
        found = {name: np.full((len(parameters), n), np.nan) for name in self._of_endings(_no_endings())}
        rests = np.flatnonzero(np.isfinite(self.features["V_rest"]))
        cyclic = np.flatnonzero(np.isfinite(self.features["period"]))
        pieces = [(rests, self._at_rest(rests, parameters))] if len(rests) else []
        pieces += [(rows, self._on_cycles(rows, parameters)) for rows in self._groups(cyclic, len(parameters))]
        for rows, values in pieces:
            for name, column in values.items():
                found[name][:, rows] = column
        return found

    def _groups(self, rows: np.ndarray, p: int) -> list[np.ndarray]:
        """The rows in groups with as many samples of a period, whose traces fit into memory."""
        samples = np.array([_samples_of(T) for T in self.features["period"][rows]], np.int64)
        groups = []
        for count in np.unique(samples):
            like, at_once = rows[samples == count], max(1, _NUMBERS // (int(count) * (p + 1)))
            groups += [like[k : k + at_once] for k in range(0, len(like), at_once)]
        return groups

    def _at_rest(self, rows: np.ndarray, parameters: Sequence[str]) -> dict[str, np.ndarray]:
        cells, i_app, X = self.cells.at(rows), self.i_app[rows], self.X[:, rows]
        for _ in range(_ROUNDS):  # as many for all rows, so that none depends on the others
            X = X + newton_step(cells, X, i_app, jacobian(cells, X))
        moved = []
        for name in parameters:
            of_current = name == CONSTANT_CURRENT
            size = _RELATIVE * (np.maximum(np.abs(i_app), 1.0) if of_current
                                else np.maximum(np.abs(cells.values(name)), 1e-3))  # fmt: skip
            rests = []
            for by in (-size, size):
                there, current = (cells, i_app + by) if of_current else (cells.changed(name, by), i_app)
                rests.append(newton_step(there, X, current, jacobian(there, X))[0])
            moved.append((rests[1] - rests[0]) / (2 * size))
        ends = replace(_no_endings(len(rows)), kind=np.full(len(rows), RESTS), V_rest=X[0])
        return self._along(ends, [{"V_rest": dV} for dV in moved], np.full(len(rows), 1e-3))

    def _on_cycles(self, rows: np.ndarray, parameters: Sequence[str]) -> dict[str, np.ndarray]:
        own = OwnDurations.of(self.cells.at(rows), self.i_app[rows], self.threads)
        cycles = Cycles.of(own, self.X[:, rows], self.features["period"][rows], self.levels)
        samples = _samples_of(float(self.features["period"][rows[0]]))
        observed = _Observed.of(cycles, parameters, self.levels, samples)
        expected = self.features["spikes_per_period"][rows]
        same = cycles.found & (observed.counts == expected)
        ends, moved = observed.endings(same, self.rule.plateau_level)
        shortest = np.nanmin(np.diff(ends.times, axis=1), axis=1, initial=np.inf)
        return self._along(ends, moved, _STEP * np.minimum(shortest, cycles.period))

    def _along(
        self, ends: Endings, moved: Sequence[Mapping[str, np.ndarray]], step: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Feature -> (p, n): central differences along the derivatives of what features are made of, by steps (n,)."""
        columns: dict[str, list[np.ndarray]] = {}
        for by in moved:
            largest = [np.nanmax(np.abs(v.reshape(len(v), -1)), axis=1, initial=1e-300) for v in by.values()]
            h = step / np.max(largest, axis=0)
            low, high = (self._of_endings(_shifted(ends, by, sign * h)) for sign in (-1.0, 1.0))
            with np.errstate(invalid="ignore"):
                for name, moved_up in high.items():
                    columns.setdefault(name, []).append((moved_up - low[name]) / (2 * h))
        return {name: np.array(column) for name, column in columns.items()}

    def _of_endings(self, ends: Endings) -> dict[str, np.ndarray]:
        found = features_of(ends, self.rule, self.levels[0])
        return {name: values for name, values in found.items() if name not in WITHOUT}


@dataclass(frozen=True)
class _Observed:
    """One period of cycles with its derivatives, from the middle of the longest interval on.

    counts : (n,) of spikes. times, d_times : (n, most) and (p, n, most) ms, NaN after the last. V, dV : (n, N) and (p,
    n, N) at equal phases, the derivatives at constant time. period, d_period : (n,), (p, n).
    """

    counts: np.ndarray
    times: np.ndarray
    d_times: np.ndarray
    V: np.ndarray
    dV: np.ndarray
    period: np.ndarray
    d_period: np.ndarray

    @classmethod
    def of(cls, cycles: Cycles, parameters: Sequence[str], levels: tuple[float, float], samples: int) -> _Observed:
        (m, n), p, T = cycles.X.shape, len(parameters), cycles.period
        names = [sensitivity_name("V", name) for name in parameters]
        spikes = Spikes(*levels, max_per_cell=KEPT)
        recorders = [(spikes, Trace("V", *names, every=every)) for every in (1.0, 1.0 / samples)]
        dX, dT = cycles.derivatives(parameters, recorders[0])
        start, cells = np.vstack([cycles.X, dX.reshape(p * m, n)]), replace(cycles.cells, rtol=_RTOL)
        _, start = cells.run(start, (1.0 - 0.5 * cycles.quiet) * T, recorders[0], parameters)
        run, _ = cells.run(start, T, recorders[1], parameters)
        counts = run.spike_count
        width = max(1, int(counts.max()))
        times = T[:, None] * padded(run.spike_time, counts, width)
        by = [padded(run[derivative_name("spike_time", name)], counts, width) for name in parameters]
        d_times = T[:, None] * np.array(by)
        V, dV = run["V"][:, :-1], np.array([run[name][:, :-1] for name in names])
        return cls(counts, times, d_times, V, dV, T, dT)

    def endings(self, same: np.ndarray, level: float) -> tuple[Endings, list[dict[str, np.ndarray]]]:
        """What features are made of, and its derivatives by each parameter; not `same`: cells without."""
        n, rows = len(self.V), np.arange(len(self.V))
        last = np.concatenate([self.times, np.full((n, 1), np.nan)], axis=1)
        last[rows, self.counts] = np.where(self.counts > 0, self.times[:, 0] + self.period, np.nan)
        peak, d_peak = self._extremum(self.V.argmax(axis=1))
        trough, d_trough = self._extremum(self.V.argmin(axis=1))
        above, d_above = self._above(level)
        ends = replace(
            _no_endings(n), kind=np.where(same, np.where(self.counts > 0, SPIKES, MAXIMA), -2),
            events=np.maximum(self.counts, 1).astype(float), peak=peak, trough=trough, above=above,
            periods=np.repeat(self.period[:, None], 3, axis=1), times=last,
        )  # fmt: skip
        moved = []
        for k, dT in enumerate(self.d_period):
            d_last = np.concatenate([self.d_times[k], np.full((n, 1), np.nan)], axis=1)
            d_last[rows, self.counts] = np.where(self.counts > 0, self.d_times[k][:, 0] + dT, np.nan)
            moved.append(
                {"times": d_last, "periods": np.repeat(dT[:, None], 3, axis=1), "peak": d_peak[k],
                 "trough": d_trough[k], "above": d_above[k]}
            )  # fmt: skip
        return ends, moved

    def _extremum(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n,) the extremum of V near the samples `at`, and (p, n) its derivatives, those of V where V' is 0."""
        rows = np.arange(len(at))
        V, u = polynomials(self.V, rows, at), np.zeros(len(at))
        for _ in range(20):
            bend = value(slope(slope(V)), u)
            u = np.clip(u - value(slope(V), u) / np.where(bend == 0, 1.0, bend), -1.5, 1.5)
        return value(V, u), np.array([value(d, u) for d in self._moving(rows, at)])

    def _above(self, level: float) -> tuple[np.ndarray, np.ndarray]:
        """(n,) the time above a level, ms, and (p, n) its derivatives."""
        n, samples = self.V.shape
        is_above = level < self.V
        rows, at = np.nonzero(is_above != np.roll(is_above, -1, axis=1))
        V, u = polynomials(self.V, rows, at), np.full(len(at), 0.5)
        V[:, 0] -= level
        for _ in range(20):
            u = np.clip(u - value(V, u) / value(slope(V), u), -1.0, 2.0)
        down = np.where(is_above[rows, at], 1.0, -1.0)  # V leaves
        share = is_above[:, 0] + np.bincount(rows, down * (at + u) / samples, n)
        speed = value(slope(V), u) * samples / self.period[rows]
        moved = [np.bincount(rows, -down * value(d, u) / speed, n) for d in self._moving(rows, at)]
        return share * self.period, np.array(moved) + is_above[:, 0] * self.d_period

    def _moving(self, rows: np.ndarray, at: np.ndarray) -> list[np.ndarray]:
        """The polynomials of the derivatives by each parameter, at constant time.

        One period later they are less by V' times that of the period.
        """
        samples = self.V.shape[1]
        later = (at[:, None] + POINTS) // samples  # periods: -1, 0 or 1
        found = []
        for d, dT in zip(self.dV, self.d_period, strict=True):
            values = around(d, rows, at)
            for k in np.flatnonzero(later.any(axis=1)):
                row = rows[k]
                speed = slope_at(self.V[row], (at[k] + POINTS) % samples) * samples / self.period[row]
                values[k] -= later[k] * speed * dT[row]
            found.append(through(values))
        return found


def _shifted(ends: Endings, by: Mapping[str, np.ndarray], h: np.ndarray) -> Endings:
    """The endings moved by h (n,) times the derivatives of some of their fields."""
    moved = {}
    for name, d in by.items():
        moved[name] = getattr(ends, name) + h.reshape(-1, *[1] * (d.ndim - 1)) * d
    return replace(ends, **moved)


def _no_endings(n: int = 1) -> Endings:
    """Endings of cells that have not settled."""
    own = {"kind": np.full(n, -2), "events": np.zeros(n), "periods": np.full((n, 3), np.nan)}
    given = {f.name: np.full(n, np.nan) for f in fields(Endings)}
    return Endings(**(given | {"times": np.full((n, 3), np.nan)} | own))


def _samples_of(period: float) -> int:
    """How many samples of a period there are: a power of two, so that they end with it."""
    wanted = 2 ** int(np.ceil(np.log2(max(period / _AT_LEAST, 1.0))))
    return int(np.clip(wanted, *_SAMPLES))

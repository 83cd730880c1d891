"""How far a translation is from its file: the file's own equations, evaluated apart from it, against the model's.

Of every gate the steady state and the time constant, of every other state the slope, and the current, over
-120..+60 mV. Where a file gives no number itself, as 0/0 at a removable pole, there is nothing to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hhfast.model.model import Model

V = np.arange(-120.0, 60.5, 1.0)  # mV
TOLERANCE = 1e-4  # relative
_FLOOR = 1e-6  # of the largest value of a curve: below it, differences are counted relative to that
_ASIDE = 1e-3  # mV
_MAX_ISOLATED = 5  # potentials
States = Mapping[str, float]
Source = Callable[[float, States], tuple[dict[str, float], float]]  # V, states -> slopes (1/ms), current (uA/cm2)


@dataclass(frozen=True)
class Comparison:
    """One curve: what `file` and `model` give over `V` (mV). `isolated`: where the file has a value of its own."""

    name: str
    quantity: str
    unit: str
    file: np.ndarray
    model: np.ndarray
    isolated: tuple[float, ...] = ()

    @property
    def V(self) -> np.ndarray:
        return V

    @property
    def differences(self) -> np.ndarray:
        """Relative differences; 0 where the file gives no number."""
        known = np.isfinite(self.file)
        a = np.where(known, self.file, 0.0)
        scale = np.maximum(np.abs(a), max(_FLOOR * float(np.abs(a).max()), 1e-30))
        return np.where(known, np.nan_to_num(np.abs(a - self.model) / scale, nan=np.inf), 0.0)

    @property
    def difference(self) -> float:
        """The largest relative difference."""
        return float(self.differences.max())


@dataclass(frozen=True)
class ImportVerification:
    """Every curve of an import."""

    comparisons: tuple[Comparison, ...]

    @property
    def difference(self) -> float:
        """The worst relative difference of all."""
        return max((c.difference for c in self.comparisons), default=0.0)

    @property
    def passed(self) -> bool:
        return self.difference <= TOLERANCE

    @property
    def isolated(self) -> list[float]:
        """Potentials at which a file has a value apart from its curve, as a misplaced guard around a pole gives."""
        return sorted({v for c in self.comparisons for v in c.isolated})


def verify(model: Model, source: Source) -> ImportVerification:
    """Compare the model with what the file itself gives at the same potentials and states."""
    curves = _curves(model, source, V)
    wrong = np.flatnonzero(np.any([c.differences > TOLERANCE for c in curves], axis=0))
    if 0 < len(wrong) <= _MAX_ISOLATED:
        sides = [_curves(model, source, V[wrong] + d) for d in (-_ASIDE, _ASIDE)]
        curves = [_mended(c, wrong, below, above) for c, below, above in zip(curves, *sides, strict=True)]
    return ImportVerification(tuple(curves))


def _mended(c: Comparison, wrong: np.ndarray, below: Comparison, above: Comparison) -> Comparison:
    """A curve with single values of the file left out, where it agrees with the model right beside them."""
    here = c.differences[wrong] > TOLERANCE
    here &= (below.differences <= TOLERANCE) & (above.differences <= TOLERANCE)
    file = c.file.copy()
    file[wrong[here]] = np.nan
    return replace(c, file=file, isolated=tuple(V[wrong[here]].tolist()))


def _curves(model: Model, source: Source, V: np.ndarray) -> list[Comparison]:
    points = [_states(model, k) for k in range(3)]
    file = [[source(float(v), point) for v in V] for point in points]
    slopes, currents = [], []
    for point in points:
        state = {name: np.full_like(V, value) for name, value in point.items()} | {"V": V}
        found = model.derivatives({name: state[name] for name in model.states})
        slopes.append(found)
        currents.append(-found["V"] * model.parameters["C_m"].value)
    comparisons = []
    for row in model.rows:
        if row.name == "V":
            continue
        own = [np.array([f[0].get(row.name, np.nan) for f in at]) for at in file]
        of_model = [np.broadcast_to(s[row.name], V.shape) for s in slopes]
        comparisons += _of_state(row.name, _is_gate(model, row.name), own, of_model)
    unit = model.variables["i_app"]
    for k, at in enumerate(("gates at 0", "gates at 1", "gates between")):
        given = np.array([f[1] for f in file[k]])
        comparisons.append(Comparison("current", at, unit, given, currents[k]))
    return comparisons


def _is_gate(model: Model, name: str) -> bool:
    return any(g.name == name for c in model.every_channel for g in c.gates)


def _states(model: Model, k: int) -> dict[str, float]:
    """Where the model is looked at: gates at 0, at 1, and in between; other states about their start."""
    from hhfast.model.typical_values import initial_value, typical_values

    values = typical_values(model)
    found = {}
    for n, row in enumerate(model.rows):
        if row.name == "V":
            continue
        if row.group == "gates":
            found[row.name] = (0.0, 1.0, 0.2 + 0.6 * ((n * 0.618) % 1.0))[k]
        else:
            start = float(initial_value(model, row.initial, row.potential, values))
            found[row.name] = (start or 1.0) * (
                (1.0, 2.0, 1.37)[k] + 0.1 * ((n * 0.618) % 1.0)
            )  # where slopes are not 0
    for channel in model.every_channel:
        if channel.scheme is not None:
            share = 1.0 / len(channel.scheme.states)
            for n, name in enumerate(channel.scheme.integrated):
                found[name] = share * (1.0, 0.5 + 0.1 * (n % 3), 0.2 + 0.3 * (n % 2))[k]
    return found


def _of_state(name: str, gate: bool, file: list[np.ndarray], model: list[np.ndarray]) -> list[Comparison]:
    if not gate:
        return [Comparison(name, "slope", "per ms", f, m) for f, m in zip(file, model, strict=True)]
    with np.errstate(all="ignore"):
        curves = [(at[0] / (at[0] - at[1]), 1.0 / (at[0] - at[1])) for at in (file, model)]
    return [
        Comparison(name, "inf", "1", curves[0][0], curves[1][0]),
        Comparison(name, "tau", "ms", curves[0][1], curves[1][1]),
    ]

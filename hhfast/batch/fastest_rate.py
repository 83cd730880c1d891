"""How fast cells can change at most: what a fixed step must be shorter than, probed before a run.

The rates b of x' = a - b x are computed at some potentials with every gate open. No channel's gates are all open at
once for long: of the membrane's rate half is counted, which is about what a spike of the squid axon reaches; other
models reach less, down to a third of that (over the library), so that a warning waits until steps are surely too long.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.errors import PrecisionWarning, StepWarning
from hhfast.model import Model
from hhfast.model.dependencies import steady_levels
from hhfast.parts.grammar import names_used
from hhfast.parts.integrators import Integrator

_PROBED = (-75.0, -50.0, -25.0, 0.0, 20.0)  # mV: beyond, gates may be faster, but no cell stays there
_MOST = 128  # cells that are probed besides those of extreme parameters
_SURELY = 3.0  # how much longer than the probed rate allows
_is_told: ContextVar[bool] = ContextVar("_is_told", default=False)
_IMPOSSIBLE = 1e9  # 1/ms; such a row is flagged for its parameters
_ASIDE = 1.0  # mV, for the slope of currents that are not ohmic


def fastest_rates(cells: Cells, X: np.ndarray) -> np.ndarray:
    """(n,) about the largest rate, 1/ms, that each cell can reach, its pools as in the states X (n_states, n)."""
    V, gates, potentials = _probed(cells.model)
    probe = np.empty((len(X), len(V), cells.n))  # all at once: a call takes longer than its rates
    probe[:] = X[:, None]
    probe[gates] = 1.0
    probe[potentials] = V[:, None]
    with np.errstate(all="ignore"):
        A, B = (rates.reshape(probe.shape) for rates in cells.repeated(len(V)).rates(probe.reshape(len(X), -1)))
        of_V = A[potentials] - B[potentials] * probe[potentials]
        half = len(V) // 2
        slope = (of_V[:, :half] - of_V[:, half:]) / _ASIDE
    rates = B[:, :half]
    rates[potentials] = np.fmax(np.abs(rates[potentials]), slope) / 2
    return np.asarray(np.fmax.reduce(rates, axis=(0, 1), initial=0.0))


@lru_cache(maxsize=256)
def _probed(model: Model) -> tuple[np.ndarray, list[int], list[int]]:
    """The potentials to probe at, mV, and again a little aside; the numbers of the gates, and of the potentials."""
    no_mV = abs(model.V_init) < 10.0 and not any(p.unit == "mV" for p in model.parameters.values())
    at = np.array([model.V_init] if no_mV else _PROBED)
    gates = [k for k, s in enumerate(model.rows) if s.group == "gates"]
    return np.concatenate([at, at + _ASIDE]), gates, [k for k, s in enumerate(model.rows) if s.name == s.potential]


def _extreme(cells: Cells) -> np.ndarray:
    """The numbers of cells to probe: with the least and the largest value of each parameter, and some from all over."""
    if cells.n <= _MOST:
        return np.arange(cells.n)
    known = np.where(np.isnan(cells.P), 0.0, cells.P)
    spread = np.arange(_MOST) * (cells.n - 1) // (_MOST - 1)
    return np.unique(np.concatenate([known.argmin(axis=1), known.argmax(axis=1), spread]))


@contextlib.contextmanager
def told_before() -> Iterator[None]:
    """What runs within warns of neither steps nor rates: it repeats what has been warned of, or means to try it."""
    token = _is_told.set(True)
    try:
        yield
    finally:
        _is_told.reset(token)


def is_told() -> bool:
    """Whether this runs within `told_before`."""
    return _is_told.get()


def warn_of_coupled_states(model: Model, scheme: Integrator) -> None:
    """Warn of an exponential integrator where probabilities of a kinetic scheme, or pools like them, are coupled."""
    if is_told() or scheme.adaptive or not any("phi" in names_used(stage.text) for stage in scheme.stages):
        return
    units = {s.name: s.unit for s in model.rows}
    levels = steady_levels(model, tuple(s.name for s in model.rows[1:]))
    groups = [names for names, together in levels if together and len(names) > 1]
    coupled = [name for names in groups if all(units[x] == "1" for x in names) for name in names]
    if coupled:
        named = ", ".join(coupled[:4]) + (" ..." if len(coupled) > 4 else "")
        warnings.warn(
            f"{scheme.name} advances each of the states {named} alone, "
            "which need not conserve their sum; take integrator = 'tsit5' or 'rk4'",
            StepWarning,
            stacklevel=3,
        )


def warn_of_single_precision(model: Model, dtype: str) -> None:
    """Warn of float32 with a model whose file says why it is not for it."""
    if dtype == "float32" and model.float32 and not is_told():
        warnings.warn(
            f"dtype = 'float32': {model.name} is not for it: {model.float32}; take 'float64'",
            PrecisionWarning,
            stacklevel=3,
        )


def warn_of_long_steps(cells: Cells, X: np.ndarray, scheme: Integrator, dt: float) -> None:
    """Warn, in one line, of cells that change too fast for steps of dt (ms) of this integrator."""
    if scheme.longest is None or is_told():
        return
    some = _extreme(cells)
    rates = fastest_rates(cells.at(some), np.take(X, some, axis=1))
    long = (rates < _IMPOSSIBLE) & (dt * rates > _SURELY * scheme.longest)
    if long.any():
        share = "the cell changes" if cells.n == 1 else f"{long.mean():.0%} of the cells that were probed change"
        fastest = rates[long].max()
        warnings.warn(
            f"dt = {dt:g} ms: {share} too fast for steps of {scheme.name} of that length (by up to "
            f"{fastest:.3g} per ms); take integrator = 'tsit5', or dt = {scheme.longest / fastest:.1g}",
            StepWarning,
            stacklevel=3,
        )

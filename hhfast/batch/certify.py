"""The certificate of a result: which cells are run again, and how, to judge the numbers of the first run.

The other run chooses its steps, by tolerances far below those of the first, in float64, whatever integrator, step and
precision the first had. So the difference of the two is the error of the first, but for the small error of the second,
and a method that is wrong at its step, and at half of it, is not its own witness. Cells that are too stiff for explicit
steps are left to `rodas4`. What stays unseen is what both have wrong: docs/integrators.md has the measured share.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from hhfast.batch.method import Method
from hhfast.errors import InputError, shown
from hhfast.parts.feature import feature_name
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Spikes
from hhfast.sampling.counter_rng import uniform

NOT_CHECKED, AGREES, DIFFERS, FAILED = range(4)
CERTIFIED_MEANINGS = ("not_checked", "agrees", "differs", "finer_run_failed")
_COUNTS = ("spike_count", "rate", "activity", "spikes_per_period")  # in which a lost or additional spike shows
_RTOL = 1e-9  # of the run that checks one with fixed steps
_TIGHTER = 100.0  # times, at least, are the tolerances of the run that checks one with its own steps
STIFF = "rodas4"  # of stiff methods, and of the cells that tsit5 gives up


def certified_rows(certify: Any, n: int, record: Sequence[Recorder]) -> np.ndarray | None:
    """The cells to check of n, in order; None where no certificate is wanted (see `simulate` for what it may be)."""
    if certify is False:
        return None
    check_counts(name for r in record for name in (_COUNTS if isinstance(r, Spikes) else getattr(r, "names", ())))
    if np.ndim(certify):
        chosen = np.asarray(certify)
        if chosen.dtype != bool or chosen.shape != (n,):
            raise InputError(
                f"certify: is a {chosen.dtype} array of shape {chosen.shape}; "
                f"give one truth value per cell ({n}), or a share of the cells"
            )
        return np.flatnonzero(chosen)
    return np.flatnonzero(drawn(check_share(certify), 0, 0, n))


def check_share(certify: Any) -> float:
    """`certify` as the share of the cells to check: True is 1. Raises `InputError` unless 0 < share <= 1."""
    if isinstance(certify, (bool, int, float)) and 0 < certify <= 1:
        return float(certify)
    raise InputError(f"certify: is {shown(certify)}; give true, false, or a share of the cells above 0 and up to 1")


def drawn(share: float, seed: int, start: int, stop: int) -> np.ndarray:
    """Whether each of cells start to stop is one of a random share: by its number and the seed alone."""
    return uniform(seed, "certify", start, stop) < share


def check_counts(names: Iterable[str]) -> None:
    """Refuse a certificate of results (of these names) in which a lost or additional spike would not show."""
    if not set(_COUNTS) & set(map(feature_name, names)):
        raise InputError("certify: compares numbers of spikes, which nothing records; record spike_count as well")


def reference_method(method: Method, integrator: str | None = None) -> Method:
    """How cells are run again, to check a run by `method`.

    By tsit5, or rodas4 where the run is by a method for stiff cells (or as `integrator` says), in float64; at rtol
    1e-9, or, for a run with its own steps, at a hundredth of its tolerances.
    """
    integrator = integrator or (STIFF if method.scheme.stiff else "tsit5")
    if not method.adaptive:
        return Method(integrator, min(method.dt, Method.dt), rtol=_RTOL, threads=method.threads)
    control = asdict(method.control.tighter(_TIGHTER))
    return replace(method, integrator=integrator, dtype="float64", **control)

"""Some rows of a sweep, drawn at random, for what would take too long with all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.errors import InputError
from hhfast.sampling.counter_rng import permuted
from hhfast.sweep.simulate_rows import cells_of
from hhfast.sweep.sweep import Sweep

if TYPE_CHECKING:
    from hhfast.parts.stimuli import Stimulus

_TRIED = 100  # rows for each that is wanted, where constraints exclude some


def random_rows(sweep: Sweep, n: int, seed: int = 0) -> tuple[dict[str, Any], Stimulus]:
    """The parameters and the stimulus, as `simulate` takes them, of n rows (or all, if there are fewer).

    Rows that the constraints exclude are skipped; the others are in ascending order. Raises `InputError` if none is
    found, or if the sweep is an analysis.
    """
    if sweep.analysis is not None:
        raise InputError(f"the sweep is an analysis ({sweep.analysis['kind']}): it has no stimulus of its own")
    # "excerpt" is the name of the random stream; another would draw other rows than before.
    found: dict[int, dict[str, np.ndarray]] = {}
    for row in permuted(seed, "excerpt", sweep.space.n_rows, 0, min(sweep.space.n_rows, _TRIED * n)).tolist():
        columns = dict(sweep.space.columns(row, row + 1))
        if sweep.allowed(columns)[0]:
            found[row] = columns
        if len(found) == n:
            break
    if not found:
        raise InputError("constraints: exclude all of the rows that were looked at")
    rows = sorted(found)
    together = {name: np.concatenate([found[row][name] for row in rows]) for name in sweep.space.names}
    return cells_of(sweep, together, np.array(rows))

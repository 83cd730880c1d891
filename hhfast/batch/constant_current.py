"""How the constant current, under which a cell settles, moves with a parameter of its stimulus."""

from __future__ import annotations

from typing import Any

import numpy as np

from hhfast.kernel.math import functions
from hhfast.kernel.tree.interpret import columns_of
from hhfast.kernel.tree.nodes import Symbol
from hhfast.kernel.tree.parse import expression
from hhfast.parts.sensitivity import check_of_stimulus, moved_edges, of_stimulus
from hhfast.parts.stimulus import Stimulus, StimulusKind


def check_constant_current(kinds: tuple[StimulusKind, ...], name: str) -> None:
    """Raise `InputError` where the current is not linear in a parameter of one of the stimuli."""
    parameter = of_stimulus(name, kinds)
    assert parameter is not None
    check_of_stimulus(kinds[parameter.stimulus], parameter.name, adaptive=True)


def constant_current_by(stimulus: Stimulus, name: str, t_stop: float, n: int) -> np.ndarray:
    """(n,) the derivative of the current by a parameter, when it has become constant; 0 by what moves edges alone."""
    parameter = of_stimulus(name, stimulus.kinds)
    assert parameter is not None
    kind, values = stimulus.parts[parameter.stimulus]
    if moved_edges(kind, parameter.name):
        return np.zeros(n)
    after = np.broadcast_to(np.asarray(stimulus.constant_after(t_stop), np.float64), n)
    begin = 0.5 * (after + t_stop)
    columns = {p: np.broadcast_to(np.asarray(values[p], np.float64), n) for p in kind.parameters}
    columns |= {"t": begin, "t0": begin, "t1": begin + 0.25 * (t_stop - after)}
    symbols: dict[str, Any] = {column: Symbol(column) for column in columns}
    node = expression(kind.text, functions("float64") | symbols)
    at = {symbols[column]: column_values for column, column_values in columns.items()}
    one, none = (columns_of(node, at | {symbols[parameter.name]: np.full(n, value)}) for value in (1.0, 0.0))
    return np.asarray(np.broadcast_to(one - none, n), np.float64)  # it is linear in the parameter

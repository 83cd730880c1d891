"""Constraints of a sweep: comparisons between what varies, in which "stimulus.amplitude" is a name."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from hhfast.errors import InputError
from hhfast.model.formulas import check_names, evaluate, parse
from hhfast.sweep.stimulus import stimulus_kind

if TYPE_CHECKING:
    from hhfast.sweep.sweep import Sweep


def plain_text(text: str, names: Iterable[str]) -> str:
    """A formula with "stimulus.amplitude" written as the plain name that formulas can have."""
    for name in sorted((n for n in names if "." in n), key=len, reverse=True):
        text = text.replace(name, plain_name(name))
    return text


def plain_name(name: str) -> str:
    """The name of a parameter in formulas."""
    return name.replace(".", "_")


def check_constraints(sweep: Sweep) -> None:
    """Raise `InputError` for a constraint that is no comparison, or has unknown names."""
    known = {plain_name(name) for name in sweep.units}
    for text in sweep.constraints:
        try:
            formula = plain_text(text, sweep.units)
            check_names(formula, known)
        except InputError as error:
            raise InputError(f"constraints: {error}") from None
        if not isinstance(parse(formula), ast.Compare):
            raise InputError(f"constraints: '{text}' is no comparison; write one as in 'g_Na > 2 * g_K'")


def allowed_rows(sweep: Sweep, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Which of some rows meet the constraints of a sweep, bool."""
    n = len(next(iter(columns.values())))
    values = {plain_name(name): value for name, value in {**_fixed(sweep), **columns}.items()}
    result = np.ones(n, dtype=bool)
    for text in sweep.constraints:
        result &= np.broadcast_to(evaluate(plain_text(text, sweep.units), values), n)
    return result


def _fixed(sweep: Sweep) -> dict[str, float]:
    """The value of everything that does not vary."""
    values: dict[str, float] = {name: p.value for name, p in sweep.model.parameters.items()} | dict(sweep.parameters)
    for prefix, entry in sweep.stimuli.items():
        for name, (default, _) in stimulus_kind(entry).parameters.items():
            value = entry.get(name, default)
            if value is not None:
                values[f"{prefix}.{name}"] = float(value)
    return values

"""Where the states of a .mod file start: by its INITIAL, which most often is their steady state."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from hhfast.model.formula_evaluation import evaluate_tree
from hhfast.model.importers.expressions import Expr, number, rewritten, value_of
from hhfast.model.importers.forms import Law
from hhfast.model.importers.mod_execution import Execution
from hhfast.model.importers.mod_variables import SPECIAL
from hhfast.model.importers.part import DEFAULTS

_SAMPLE = np.array([-101.3, -77.7, -64.9, -41.3, -12.1, 21.7])  # mV


class Start:
    """Reads the start of each state; `value` gives the number of a parameter, `notes` takes what has to be said."""

    def __init__(self, run: Execution, value: Callable[[str], float], notes: list[str]) -> None:
        self.m, self.run, self.table = run.mechanism, run, run.table
        self.value, self.notes = value, notes

    def of(self, x: str, own: Law) -> float | Expr | None:
        """Where a state starts: None for its steady state."""
        if x not in self.run.initial:
            return None if self.run.steady_start else self.default(x)
        e = self.run.initial[x]
        if (value := value_of(self.table.opened(e))) is not None:
            return value
        start = self.table.expanded(e)
        known = set(self.m.parameters) | set(self.m.constants) | {"v", "celsius"} | set(DEFAULTS)
        steady = self.steady(own)
        if steady is not None and self.agree(start, steady):
            return None
        unknown = sorted(self.table.bases(e) - known)
        if any(n in SPECIAL or self.m.ion_of(n) for n in unknown):
            raise self.m.refused("INITIAL", f"'{x}' starts from {', '.join(unknown)}", r"\bINITIAL\b")
        if not unknown:
            return e
        self.notes.append(f"INITIAL takes {', '.join(unknown)} before it has a value: 0, as NEURON at its first start.")
        return rewritten(start, {n: number(self.default(n) if n in self.m.states else 0) for n in unknown}.get)

    def default(self, x: str) -> float:
        """Where NEURON puts a state before INITIAL."""
        return float((self.m.parameters.get(f"{x}0") or (0.0,))[0] or 0.0)

    def steady(self, own: Law) -> Expr | None:
        f = own.formulas
        if "inf" in f:
            return self.table.expanded(f["inf"])
        up, down = ("alpha", "beta") if "alpha" in f else ("a", "b")
        if value_of(f[down]) == 0:
            return None
        below = ast.BinOp(f[up], ast.Add(), f[down]) if up == "alpha" else f[down]
        return self.table.expanded(ast.BinOp(f[up], ast.Div(), below))

    def agree(self, one: Expr, other: Expr) -> bool:
        """Whether two expressions have the same values over the potentials, at the file's parameters."""
        with np.errstate(all="ignore"):
            a, b = (np.broadcast_to(evaluate_tree(e, self.sample(e)), _SAMPLE.shape) for e in (one, other))
        return bool(np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))

    def sample(self, e: Expr) -> dict[str, Any]:
        values: dict[str, Any] = {"v": _SAMPLE}
        for k, name in enumerate(sorted(self.table.bases(e) - {"v"})):
            if self.m.ion_of(name) and name.startswith("i"):
                values[name] = -0.01 - 1e-3 * k
            else:
                values[name] = self.value(name) if name not in self.m.states else 0.3 + 0.01 * k
        return values

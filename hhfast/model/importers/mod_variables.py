"""The variables of a .mod file that is carried out on names: their formulas, and what they are before they are set."""

from __future__ import annotations

import ast

from hhfast.model.importers.expressions import Expr, number, text, variable
from hhfast.model.importers.formula_table import FormulaTable
from hhfast.model.importers.mechanism import Mechanism

SPECIAL = frozenset({"v", "celsius", "dt", "t", "diam", "area"})
_MAX_VERSIONS = 5_000  # of one variable


class Variables:
    """Formulas by the names of variables; a second formula of the same variable gets a name of its own."""

    def __init__(self, mechanism: Mechanism, table: FormulaTable) -> None:
        self.mechanism, self.table = mechanism, table
        self.unset: dict[str, str] = {}  # what is read before it has a value -> what the file calls it
        self.remembered: set[str] = set()  # variables that depend on their value of the step before
        self._versions: dict[tuple[str, str], str] = {}

    def formula(self, name: str, e: Expr) -> Expr:
        """The name of a variable's formula: its own, or the first free one with a number."""
        key = (name, text(e))
        if key not in self._versions:
            self._versions[key] = self._free(name)
            self.table.formulas[self._versions[key]] = e
            self.table.variables[self._versions[key]] = name
        return variable(self._versions[key])

    def _free(self, name: str) -> str:
        m = self.mechanism
        taken = {*m.states, *m.parameters, *m.constants, *self.table.formulas, *SPECIAL, *m.functions, *self.unset}
        taken |= {x for ion in m.ions for x in ion.reads}
        candidates = (name if k == 1 else f"{name}_{k}" for k in range(1, _MAX_VERSIONS))
        return next(c for c in candidates if c not in taken)

    # --- before it is set ---
    def unset_value(self, name: str) -> Expr:
        """What stands for a variable that nothing has set: itself, if it has a value from elsewhere."""
        m = self.mechanism
        given = m.parameters.get(name, (None,))[0] is not None
        read = any(name in ion.reads for ion in m.ions)
        if given or read or name in m.states or name in m.constants or name in SPECIAL:
            return variable(name)
        before = f"{name}_before" if name in self.table.formulas else name
        self.unset[before] = name
        return variable(before)

    def missing(self, name: str) -> Expr:
        """What a variable is where a branch leaves it alone and nothing has set it before."""
        if name.endswith("+"):
            return variable(name[:-1])
        if name.endswith("'"):
            return number(0)
        return self.unset_value(name)

    def late(self, final: dict[str, Expr]) -> dict[str, Expr]:
        """What BREAKPOINT starts with of the variables that are read before they are set, their values at its end.

        They hold those of the step before: in the limit, of this step. One that depends on its own is `remembered`;
        where parameters alone decide whether it is ever set, it is 0.
        """
        before = set(self.unset.values()) - set(self.mechanism.states)
        found = {n: e for n, e in final.items() if n in before}
        circular = {n for n, e in found.items() if any(self.unset[x] in found for x in self._before(e))}
        never = {n for n in circular if self._never_set(found[n], n)}
        self.remembered = circular - never
        found = {n: number(0) if n in never else e for n, e in found.items() if n not in self.remembered}
        if found:
            self.unset = {}
        return found

    def _before(self, e: Expr) -> frozenset[str]:
        return self.table.bases(e) & self.unset.keys()

    def _never_set(self, e: Expr, name: str) -> bool:
        match self.table.opened(e):
            case ast.Name(id=x) if self.unset.get(x) == name:
                return True
            case ast.IfExp(test=test, body=body, orelse=orelse):
                decided = self.table.bases(test) <= self.mechanism.parameters.keys() | self.mechanism.constants.keys()
                return decided and self._never_set(body, name) and self._never_set(orelse, name)
            case other:
                return not self._before(other)

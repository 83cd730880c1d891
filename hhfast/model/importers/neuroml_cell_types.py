"""Cells that are a ComponentType of LEMS of their own: states, currents and the membrane, read from its dynamics."""

from __future__ import annotations

from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.model.formula_evaluation import evaluate_tree
from hhfast.model.importers.expressions import Expr, factors, number, product, rewritten, terms, variable
from hhfast.model.importers.forms import Law, affine, law
from hhfast.model.importers.formula_table import FormulaTable
from hhfast.model.importers.neuroml_gates import KELVIN
from hhfast.model.importers.neuroml_rates import Component
from hhfast.model.importers.part import ChannelForm, Part, StateForm

_BASES = {"baseCellMembPot", "baseCellMembPotCap"}
_INPUT = "iSyn"  # uA; no name of a file's, for it stands for a sum over attachments


def is_cell_type(element: Any, types: dict[str, Any]) -> bool:
    """Whether an element is a cell of a file's own type."""
    kind = types.get(element.tag)
    return kind is not None and kind.get("extends") in _BASES


def with_inherited(kind: Any) -> Any:
    """A type with the one parameter that NeuroML's own bases of cells have."""
    if kind.get("extends") == "baseCellMembPotCap" and not any(c.get("name") == "C" for c in kind):
        kind.append(kind.makeelement("Parameter", {"name": "C", "dimension": "capacitance"}))
    return kind


def sums_of_inputs(kind: Any) -> set[str]:
    """The variables that add up currents into a cell; EDEN's cells have one, iSyn, without saying so."""
    derived = {d.get("name"): d.get("select") or "" for d in kind.iter("DerivedVariable")}
    return {name for name, path in derived.items() if path.endswith("[*]/i")} | ({_INPUT} - derived.keys())


class CellTypeReader:
    """Reads a component of such a type; a membrane of 1 uF/cm2 stands in for its capacitance."""

    def __init__(self, kind: Any, element: Any, celsius: float, source: str) -> None:
        self.element, self.source = element, source
        self.table = FormulaTable()
        states = tuple(d.get("variable") for d in kind.iter("TimeDerivative"))
        others = {e.get("name") for e in kind.iter("StateVariable")} - set(states)
        context = {x: variable(x) for x in states} | {"temperature": KELVIN}
        inputs = dict.fromkeys(sums_of_inputs(kind), variable(_INPUT))
        every = (*states, *others)
        self.component = Component(kind, element, context | inputs, self.table, kind.get("name"), every, named=True)
        self.states = states
        if "v" not in states:
            raise InputError(f"{source}: {kind.get('name')}: 'v' has no TimeDerivative; it is no membrane")
        self.resets = {a.get("variable") for c in kind.iter("OnCondition") for a in c.iter("StateAssignment")} & set(
            states
        )
        if self.resets:
            raise InputError(
                f"{source}: {kind.get('name')}: OnCondition: a reset of '{min(self.resets)}' is no equation"
            )
        self.start = {
            a.get("variable"): a.get("value") for c in kind.iter("OnStart") for a in c.iter("StateAssignment")
        }
        self.values = {"celsius": celsius}

    def read(self) -> tuple[Part, float, float]:
        """The part, the area (cm2) of a membrane of 1 uF/cm2, and where v starts (mV)."""
        slope = self.component.slope("v")
        found = affine(slope, _INPUT, self.table)
        self.values |= {name: value for name, (value, _) in self.component.parameters.items()}
        capacitance = None if found is None else self._number(found[1])
        if found is None or not capacitance:
            raise InputError(
                f"{self.source}: {self.element.tag}: no input current enters the membrane as a term of its own"
            )
        laws = {x: self._law(x, capacitance) for x in self.states if x != "v"}
        V_init = self._start("v")
        self.values["v"] = V_init
        states = [StateForm(x, own, self._start(x)) for x, own in laws.items()]
        part = Part(self.element.tag, self.source, "", self.table, self._channels(found[0]), states,
                    {"celsius": (self.values["celsius"], "degC"), **self._parameters()}, {}, {}, {},
                    frozenset(self.component.parameters), [])  # fmt: skip
        return part, 1.0 / capacitance, V_init

    def _parameters(self) -> dict[str, tuple[float, str]]:
        """Those of the type; a temperature is a number in degC in a type without dimensions."""
        given = self.component.parameters
        return {x: (value, "degC" if x.strip("_") == "celsius" else unit) for x, (value, unit) in given.items()}

    def _law(self, x: str, capacitance: float) -> Law:
        """Of a state; the input current, where it acts on it, is a density (the membrane's is 1 uF/cm2)."""
        slope = self.component.slope(x)
        if _INPUT in self.table.bases(slope):
            density = product(1, [variable("i_app@")], [number(capacitance)])
            slope = rewritten(self.table.expanded(slope), {_INPUT: density}.get)
        return law(slope, x, self.table) or Law({"a": slope, "b": number(0)})

    def _number(self, e: Expr) -> float:
        if not self.table.bases(e) <= self.values.keys():
            raise InputError(f"{self.source}: {self.element.tag}: '{min(self.table.bases(e) - self.values.keys())}' "
                             "stands where only parameters are supported")  # fmt: skip
        with np.errstate(all="ignore"):
            return float(evaluate_tree(self.table.expanded(e), self.values))

    def _start(self, x: str) -> float:
        if x not in self.start:
            return 0.0
        return self._number(self.component.formula(self.start[x]))

    def _channels(self, slope: Expr) -> list[ChannelForm]:
        """dv/dt as currents: a channel for each of its terms, by the name that the file gives it."""
        sign, above, below = factors(self.table.opened(slope))
        sums = [f for f in above if len(terms(f)) > 1]
        core = sums[0] if len(sums) == 1 else product(1, above, [])
        others = [f for f in above if f is not core] if len(sums) == 1 else []
        parts = terms(core)
        plain = all(self._name(t) for _, t in parts)
        found = []
        for s, term in parts if plain else [(1, core)]:
            current = product(-sign * s, [*others, term], below)
            name = self._name(term) if plain else "membrane"
            found.append(ChannelForm(name, name, current=current))
        return found

    def _name(self, e: Expr) -> str:
        """That of a current, as i_Na."""
        given = self.table.variables.get(getattr(e, "id", ""), "")
        return given[1:].strip("_") if given[:1] in "iI" and given[1:].strip("_") else ""

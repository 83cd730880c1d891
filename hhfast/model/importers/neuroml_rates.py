"""Rates of NeuroML's channels as formulas: the standard types, and LEMS ComponentTypes of the file's own."""

from __future__ import annotations

import ast
import re
from typing import Any

from hhfast.errors import InputError
from hhfast.model.formulas import parse
from hhfast.model.importers.expressions import (
    Expr,
    binary,
    call,
    divide,
    mapped,
    multiply,
    names_of,
    negative,
    number,
    subtract,
    value_of,
    variable,
)
from hhfast.model.importers.formula_table import FormulaTable
from hhfast.model.importers.neuroml_units import LABELS, quantity

_COMPARE = {".gt.": ">", ".lt.": "<", ".geq.": ">=", ".leq.": "<=", ".eq.": "==", ".neq.": "!=", ".and.": " and ",
            ".or.": " or "}  # fmt: skip
_FUNCTIONS = {"exp", "ln", "log", "sqrt", "tanh", "sinh", "cosh", "abs"}  # log: natural, as in NeuroML's own types
Context = dict[str, Expr]


def lems_formula(text: str, where: str) -> Expr:
    """LEMS arithmetic through the grammar of formulas, which is checked."""
    for word, sign in _COMPARE.items():
        text = text.replace(word, sign)
    tree = parse(" ".join(text.split()))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in _FUNCTIONS:
            raise InputError(f"{where}: {node.func.id}() is not supported in LEMS")
    return tree


def standard_rate(element: Any, where: str) -> Expr | None:
    """The value of a standard rate, variable or time course; None for other types."""
    kind = element.get("type", "")
    found = re.fullmatch(r"HH(Exp|Sigmoid|ExpLinear)(Rate|Variable)", kind)
    if kind == "fixedTimeCourse":
        return number(quantity(element.get("tau", ""), where, "time"))
    if found is None:
        return None
    dimension = "per_time" if found[2] == "Rate" else "none"
    rate = number(quantity(element.get("rate", ""), where, dimension))
    midpoint, scale = (quantity(element.get(key, ""), where, "voltage") for key in ("midpoint", "scale"))
    x = divide(subtract(variable("v"), number(midpoint)), number(scale))
    minus = divide(subtract(variable("v"), number(midpoint)), number(-scale))
    match found[1]:
        case "Exp":
            return multiply(rate, call("exp", x))
        case "Sigmoid":
            return divide(rate, binary(number(1), ast.Add(), call("exp", minus)))
    return divide(multiply(rate, x), binary(number(1), ast.Sub(), call("exp", minus)))


class Component:
    """A component of one of the file's own types: its derived variables, each a named formula.

    states : of its StateVariables, those that may have a slope. named : whether its parameters stay names
    (`parameters`: value, unit) instead of numbers.
    """

    def __init__(
        self, kind: Any, element: Any, context: Context, table: FormulaTable, place: str, states: tuple[str, ...] = (),
        named: bool = False,
    ) -> None:  # fmt: skip
        self.kind, self.element, self.context, self.table, self.place = kind, element, context, table, place
        self.named = named
        self.parameters: dict[str, tuple[float, str]] = {}
        self.derived = {
            d.get("name"): d for d in kind.iter() if d.tag in ("DerivedVariable", "ConditionalDerivedVariable")
        }
        self.resolving: list[str] = []
        moving = {d.get("variable") for tag in ("TimeDerivative", "StateVariable") for d in kind.iter(tag)}
        moving |= {d.get("name") for d in kind.iter("StateVariable")}
        if moving - {None, *states}:
            raise InputError(f"{place}: TimeDerivative: a rate with a state of its own is not supported")
        refused = ("KineticScheme", "Regime") if states else ("OnCondition", "KineticScheme", "Regime")
        for tag in refused:
            if kind.find(f".//{tag}") is not None:
                raise InputError(f"{place}: {tag}: not supported in a type of the file's own")

    def value(self, *names: str) -> Expr:
        """The exposure of one of these names."""
        for d in self.derived.values():
            if d.get("exposure") in names:
                return self.of(d.get("name"))
        raise InputError(f"{self.place}: the type '{self.kind.get('name')}' exposes none of {', '.join(names)}")

    def slope(self, state: str) -> Expr:
        """Its TimeDerivative, per ms; 0 where it has none."""
        found = next((d for d in self.kind.iter("TimeDerivative") if d.get("variable") == state), None)
        return number(0) if found is None else self.formula(found.get("value", ""))

    def of(self, name: str) -> Expr:
        """What a name in the component's formulas stands for."""
        if name in self.derived and not (name in self.context and self.derived[name].get("select") is not None):
            return self._derived(name)
        for c in self.kind:
            if c.tag == "Constant" and c.get("name") == name:
                return number(quantity(c.get("value", ""), self.place))
            given = self.element.get(name, c.get("defaultValue"))
            if c.tag in ("Parameter", "Property") and c.get("name") == name and given is not None:
                return self._parameter(name, given, c.get("dimension", "none"))
        if name in self.context:
            return self.context[name]
        raise InputError(f"{self.place}: '{name}' is given no value")

    def _parameter(self, name: str, given: str, dimension: str) -> Expr:
        value = quantity(given, self.place)
        if not self.named:
            return number(value)
        self.parameters[name] = value, LABELS.get(dimension, "1")
        return variable(name)

    def _derived(self, name: str) -> Expr:
        if name in self.resolving:
            raise InputError(f"{self.place}: '{name}' depends on itself")
        self.resolving.append(name)
        d = self.derived[name]
        if d.get("select") is not None:
            raise InputError(f"{self.place}: select: '{name}' is taken from other components, which is not supported")
        e = self.formula(d.get("value", "")) if d.tag == "DerivedVariable" else self._cases(d)
        self.resolving.pop()
        if isinstance(e, (ast.Name, ast.Constant)):
            return e
        key = f"{self.place}.{name}"
        self.table.formulas[key] = e
        self.table.variables[key] = name
        return variable(key)

    def _cases(self, d: Any) -> Expr:
        """The first case whose condition holds; the last one where none has no condition, as for .eq. and .neq."""
        cases = [(c.get("condition"), self.formula(c.get("value", ""))) for c in d if c.tag == "Case"]
        last = [e for condition, e in cases if condition is None]
        if not cases or len(last) > 1:
            raise InputError(f"{self.place}: '{d.get('name')}': give one Case without a condition")
        result = last[0] if last else cases[-1][1]
        for condition, e in reversed(cases if last else cases[:-1]):
            if condition is not None:
                result = ast.IfExp(self.formula(condition), e, result)
        return result

    def formula(self, text: str) -> Expr:
        """An expression of the type in terms of its context, of parameters and named formulas."""
        tree = lems_formula(text, self.place)
        known = {name: self.of(name) for name in set(names_of(tree))}
        return _simplified(tree, known)


def _simplified(e: Expr, known: Context) -> Expr:
    """Names written as what they stand for; factors of 1, as TIME_SCALE, left out."""
    if isinstance(e, ast.Name):
        return known.get(e.id, e)
    new = mapped(e, lambda part: _simplified(part, known))
    if isinstance(new, ast.BinOp) and isinstance(new.op, ast.Mult):
        return multiply(new.left, new.right)
    if isinstance(new, ast.BinOp) and isinstance(new.op, ast.Div):
        return divide(new.left, new.right)
    if isinstance(new, ast.BinOp) and isinstance(new.op, ast.Sub) and value_of(new.left) == 0:
        return negative(new.right)
    return new

"""LEMS components evaluated in SI units, their arithmetic read by PyLEMS: what an import is compared with."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from hhfast.errors import InputError, one_line

_SI = {"": 1.0, "V": 1.0, "mV": 1e-3, "per_V": 1.0, "per_mV": 1e3, "s": 1.0, "ms": 1e-3, "per_s": 1.0, "per_ms": 1e3,
       "Hz": 1.0, "mM": 1.0, "mol_per_m3": 1.0, "M": 1e3, "mol_per_cm3": 1e6, "K": 1.0, "degC": 1.0, "A": 1.0,
       "mA": 1e-3, "uA": 1e-6, "nA": 1e-9, "pA": 1e-12, "S": 1.0, "mS": 1e-3, "uS": 1e-6, "nS": 1e-9, "pS": 1e-12,
       "F": 1.0, "uF": 1e-6, "nF": 1e-9, "pF": 1e-12, "m": 1.0, "cm": 1e-2, "um": 1e-6, "m2": 1.0, "cm2": 1e-4,
       "um2": 1e-12, "m3": 1.0, "cm3": 1e-6, "um3": 1e-18, "litre": 1e-3, "S_per_m2": 1.0, "mS_per_cm2": 10.0,
       "S_per_cm2": 1e4, "F_per_m2": 1.0, "uF_per_cm2": 1e-2, "A_per_m2": 1.0, "uA_per_cm2": 1e-2, "mA_per_cm2": 10.0,
       "m_per_s": 1.0, "cm_per_s": 1e-2, "um_per_ms": 1e-3, "cm_per_ms": 10.0, "C_per_mol": 1.0, "nA_ms_per_amol": 1e6,
       "J_per_K_per_mol": 1.0, "fJ_per_K_per_umol": 1e-9, "mol_per_m_per_A_per_s": 1.0,
       "mol_per_cm_per_uA_per_ms": 1e11}  # fmt: skip
STATE_SCALES = {"voltage": 1e-3, "none": 1.0, "concentration": 1.0}  # of a state in hhfast's unit


def number(text: str) -> float:
    """A quantity in SI units."""
    digits = text.strip()
    unit = digits.lstrip("0123456789.+-eE ").strip()
    return float(digits[: len(digits) - len(unit)]) * _SI[unit]


class Equations:
    """A component of a file's own type; `outside`: the values of what it requires, and of its states."""

    def __init__(self, kind: Any, element: Any, outside: dict[str, float]) -> None:
        self.kind = kind
        self.values = dict(outside)
        for c in kind:
            if c.tag == "Constant":
                self.values[c.get("name")] = number(c.get("value"))
            elif c.tag in ("Parameter", "Property"):
                given = element.get(c.get("name"), c.get("defaultValue"))
                if given is not None:
                    self.values[c.get("name")] = number(given)
        self.derived = {
            d.get("name"): d for d in kind.iter() if d.tag in ("DerivedVariable", "ConditionalDerivedVariable")
        }

    def exposed(self, *names: str) -> float:
        """The exposure of one of these names."""
        return self.value(next(n for n, d in self.derived.items() if d.get("exposure") in names))

    def slopes(self) -> dict[str, float]:
        """The derivative of every state that has one, per second."""
        return {d.get("variable"): evaluated(d.get("value"), self.value) for d in self.kind.iter("TimeDerivative")}

    def value(self, name: str) -> float:
        """What a name stands for."""
        if name not in self.derived or self.derived[name].get("select") is not None:
            return self.values[name]
        if name not in self.values:
            self.values[name] = self._computed(self.derived[name])
        return self.values[name]

    def _computed(self, d: Any) -> float:
        if d.tag == "DerivedVariable":
            return evaluated(d.get("value"), self.value)
        cases = [c for c in d if c.tag == "Case"]
        chosen = next((c for c in cases if c.get("condition") and evaluated(c.get("condition"), self.value)), None)
        otherwise = next((c for c in cases if not c.get("condition")), None)
        found = chosen if chosen is not None else otherwise
        return math.nan if found is None else evaluated(found.get("value"), self.value)


@lru_cache(maxsize=4096)
def _tree(text: str) -> Any:
    try:
        from lems.parser.expr import ExprParser
    except ImportError:
        raise InputError("verifying NeuroML needs pylems: pip install 'hhfast[import]'") from None
    try:
        return ExprParser(re.sub(r"\bln\b", "log", text)).parse()  # which it does not know
    except Exception as error:  # noqa: BLE001  # it raises plain ones for what it cannot read
        raise InputError(f"LEMS expression '{one_line(text, 60)}': {one_line(str(error), 120)}") from None


def evaluated(text: str, value: Any) -> float:
    """The value of an expression; `value` gives that of a name."""
    return _node(_tree(text), value)


def _node(node: Any, value: Any) -> float:
    kind = type(node).__name__
    if kind == "ValueNode":
        try:
            return float(node.value)
        except ValueError:
            return float(value(node.value))
    if kind == "Func1Node":
        functions: dict[str, Any] = {
            "exp": math.exp,
            "log": math.log,
            "sqrt": math.sqrt,
            "tanh": math.tanh,
            "sinh": math.sinh,
            "cosh": math.cosh,
            "abs": abs,
        }
        try:
            return float(functions[node.func](_node(node.param, value)))
        except OverflowError:
            return math.inf
    a, b = _node(node.left, value), _node(node.right, value)
    match node.op:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "/":
            return a / b if b else math.nan
        case "^":
            return float(a**b)
    comparisons = {".gt.": a > b, ".lt.": a < b, ".geq.": a >= b, ".leq.": a <= b, ".eq.": a == b, ".neq.": a != b,
                   ".and.": bool(a and b), ".or.": bool(a or b)}  # fmt: skip
    return float(comparisons[node.op])

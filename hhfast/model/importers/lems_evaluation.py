"""NeuroML's gates evaluated in SI units, their LEMS arithmetic read by PyLEMS: what an import is compared with."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from hhfast.errors import InputError

_SI = {"": 1.0, "V": 1.0, "mV": 1e-3, "per_V": 1.0, "per_mV": 1e3, "s": 1.0, "ms": 1e-3, "per_s": 1.0, "per_ms": 1e3,
       "Hz": 1.0, "mM": 1.0, "mol_per_m3": 1.0, "M": 1e3, "mol_per_cm3": 1e6, "K": 1.0, "degC": 1.0}  # fmt: skip


def gate_slope(
    gate: Any, types: dict[str, Any], v: float, x: float | None, shift: float, temperature: float, calcium: float
) -> tuple[float, float | None]:
    """The value of a gate, and its slope per ms (None for an instantaneous one, which is at its steady state)."""
    outside = {
        "v": v * 1e-3,
        "vShift": shift * 1e-3,
        "temperature": temperature,
        "caConc": calcium,
        "rateScale": _q10(gate, temperature),
    }
    found = {}
    for tag, key in (("forwardRate", "alpha"), ("reverseRate", "beta"), ("steadyState", "inf"), ("timeCourse", "tau")):
        element = gate.find(tag)
        if element is not None:
            found[key] = outside[key] = _rate(element, types, outside)
    if x is None:
        return found["inf"], None
    if "alpha" in found:
        total = found["alpha"] + found["beta"]
        found.setdefault("inf", found["alpha"] / total if total else math.nan)
        found.setdefault("tau", 1 / total if total else math.inf)
    return x, 1e-3 * outside["rateScale"] * (found["inf"] - x) / found["tau"]


def _q10(gate: Any, temperature: float) -> float:
    result = 1.0
    for e in gate.iter("q10Settings"):
        if e.get("type") == "q10Fixed":
            result *= float(e.get("fixedQ10"))
        else:
            experiment = float(e.get("experimentalTemp").replace("degC", "")) + 273.15
            result *= float(e.get("q10Factor")) ** ((temperature - experiment) / 10)
    return result


def _rate(element: Any, types: dict[str, Any], outside: dict[str, float]) -> float:
    kind = element.get("type")
    if kind in types:
        return _component(types[kind], element, outside)
    if kind == "fixedTimeCourse":
        return _number(element.get("tau"))
    rate, midpoint, scale = (_number(element.get(key)) for key in ("rate", "midpoint", "scale"))
    x = (outside["v"] - midpoint) / scale
    if kind.startswith("HHExpLinear"):
        return rate if x == 0 else rate * x / -math.expm1(-x)
    return rate * math.exp(x) if kind.startswith("HHExp") else rate / (1 + math.exp(-x))


def _number(text: str) -> float:
    digits = text.strip()
    unit = digits.lstrip("0123456789.+-eE ").strip()
    return float(digits[: len(digits) - len(unit)]) * _SI[unit]


def _component(kind: Any, element: Any, outside: dict[str, float]) -> float:
    values = dict(outside)
    for c in kind:
        if c.tag == "Constant":
            values[c.get("name")] = _number(c.get("value"))
        elif c.tag == "Parameter":
            values[c.get("name")] = _number(element.get(c.get("name")))
    derived = {d.get("name"): d for d in kind.iter() if d.tag in ("DerivedVariable", "ConditionalDerivedVariable")}

    def value(name: str) -> float:
        if name not in derived:
            return values[name]
        d = derived[name]
        if d.tag == "DerivedVariable":
            return _evaluated(d.get("value"), value)
        cases = [c for c in d if c.tag == "Case"]
        chosen = next((c for c in cases if c.get("condition") and _evaluated(c.get("condition"), value)), None)
        return _evaluated(
            (chosen if chosen is not None else next(c for c in cases if not c.get("condition"))).get("value"), value
        )

    return value(next(n for n, d in derived.items() if d.get("exposure") in ("r", "x", "t")))


@lru_cache(maxsize=4096)
def _tree(text: str) -> Any:
    try:
        from lems.parser.expr import ExprParser
    except ImportError:
        raise InputError("verifying NeuroML needs pylems: pip install 'hhfast[import]'") from None
    return ExprParser(text).parse()


def _evaluated(text: str, value: Any) -> float:
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
            "ln": math.log,
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

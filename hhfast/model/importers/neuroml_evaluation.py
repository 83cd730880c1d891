"""NeuroML's own gates, schemes and concentrations in SI units, by its definitions: what an import is compared with."""

from __future__ import annotations

import math
from typing import Any

from hhfast.model.importers.lems_evaluation import Equations, number

FARADAY = 96485.33212


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
    if "alpha" in found:
        total = found["alpha"] + found["beta"]
        found.setdefault("inf", found["alpha"] / total if total else math.nan)
    if x is None:
        return found["inf"], None
    if "alpha" in found:
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
        return Equations(types[kind], element, outside).exposed("r", "x", "t")
    if kind == "fixedTimeCourse":
        return number(element.get("tau"))
    rate, midpoint, scale = (number(element.get(key)) for key in ("rate", "midpoint", "scale"))
    x = (outside["v"] - midpoint) / scale
    if kind.startswith("HHExpLinear"):
        return rate if x == 0 else rate * x / -math.expm1(-x)
    return rate * math.exp(x) if kind.startswith("HHExp") else rate / (1 + math.exp(-x))


def scheme_flows(
    gate: Any, types: dict[str, Any], v: float, outside: dict[str, float], occupancy: dict[str, float]
) -> dict[str, float]:
    """The slopes (1/ms) of the states of a gateKS."""
    outside = outside | {"v": v * 1e-3}
    slopes = dict.fromkeys(occupancy, 0.0)
    for e in gate:
        if e.tag.endswith("Transition"):
            forward, backward = _transition(e, types, outside)
            flow = forward * occupancy[e.get("from")] - backward * occupancy[e.get("to")]
            slopes[e.get("from")] -= flow
            slopes[e.get("to")] += flow
    scale = 1e-3 * _q10(gate, outside["temperature"])
    return {name: scale * slope for name, slope in slopes.items()}


def _transition(e: Any, types: dict[str, Any], outside: dict[str, float]) -> tuple[float, float]:
    if e.tag == "vHalfTransition":
        vHalf, z, gamma, tau, tau_min = (number(e.get(k)) for k in ("vHalf", "z", "gamma", "tau", "tauMin"))
        x = (outside["v"] - vHalf) / 25.3e-3
        there, back = math.exp(z * gamma * x) / tau, math.exp(-z * (1 - gamma) * x) / tau
        return 1 / (1 / there + tau_min), 1 / (1 / back + tau_min)
    if e.tag == "tauInfTransition":
        inf, tau = (_rate(e.find(tag), types, outside) for tag in ("steadyState", "timeCourse"))
        return inf / tau, (1 - inf) / tau
    rate = _rate(e.find("rate"), types, outside)
    return (rate, 0.0) if e.tag == "forwardTransition" else (0.0, rate)


def concentration_slope(e: Any, types: dict[str, Any], c: float, outside: dict[str, float]) -> float:
    """d[Ca]/dt (mM/ms) of a concentration model at c mM; outside: iCa (A, inward), surfaceArea (m2)."""
    if e.tag in types:
        at = outside | {"concentration": c}
        return 1e-3 * Equations(types[e.tag], e, at).slopes()["concentration"]
    rest, decay = number(e.get("restingConc")), number(e.get("decayConstant"))
    if e.tag == "fixedFactorConcentrationModel":
        entering = outside["iCa"] / outside["surfaceArea"] * number(e.get("rho"))
    else:
        outer = math.sqrt(outside["surfaceArea"] / (4 * 3.14159))
        inner = outer - number(e.get("shellThickness"))
        entering = outside["iCa"] / (2 * 96485.3 * (4 * 3.14159 / 3) * (outer**3 - inner**3))
    return 1e-3 * (entering - (c - rest) / decay)

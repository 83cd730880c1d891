"""Quantities of NeuroML in hhfast's units: mV, ms, mS/cm2, uF/cm2, uA, mM, degC."""

from __future__ import annotations

import re

from hhfast.errors import InputError

# Unit -> (dimension, factor to hhfast's unit of that dimension).
UNITS: dict[str, tuple[str, float]] = {
    "": ("none", 1.0),
    "V": ("voltage", 1e3),
    "mV": ("voltage", 1.0),
    "per_V": ("per_voltage", 1e-3),
    "per_mV": ("per_voltage", 1.0),
    "s": ("time", 1e3),
    "ms": ("time", 1.0),
    "per_s": ("per_time", 1e-3),
    "per_ms": ("per_time", 1.0),
    "Hz": ("per_time", 1e-3),
    "S_per_m2": ("conductanceDensity", 0.1),
    "mS_per_cm2": ("conductanceDensity", 1.0),
    "S_per_cm2": ("conductanceDensity", 1e3),
    "F_per_m2": ("specificCapacitance", 100.0),
    "uF_per_cm2": ("specificCapacitance", 1.0),
    "A": ("current", 1e6),
    "mA": ("current", 1e3),
    "uA": ("current", 1.0),
    "nA": ("current", 1e-3),
    "pA": ("current", 1e-6),
    "S": ("conductance", 1e9),
    "mS": ("conductance", 1e6),
    "uS": ("conductance", 1e3),
    "nS": ("conductance", 1.0),
    "pS": ("conductance", 1e-3),
    "mM": ("concentration", 1.0),
    "M": ("concentration", 1e3),
    "mol_per_m3": ("concentration", 1.0),
    "mol_per_cm3": ("concentration", 1e6),
    "degC": ("temperature", 1.0),
    "K": ("kelvin", 1.0),
    "um": ("length", 1.0),
    "cm": ("length", 1e4),
    "m": ("length", 1e6),
}


def quantity(text: str, where: str, *dimensions: str) -> float:
    """A number with its unit, in hhfast's."""
    found = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\w*)\s*", text)
    if found is None or found[2] not in UNITS:
        raise InputError(f"{where}: '{text[:60]}' is no number with a unit known here")
    dimension, factor = UNITS[found[2]]
    if dimensions and dimension not in dimensions:
        raise InputError(f"{where}: '{text[:60]}' is a {dimension}; a {dimensions[0]} is needed")
    return float(found[1]) * factor

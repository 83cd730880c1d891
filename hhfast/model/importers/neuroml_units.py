"""Quantities of NeuroML in units that go together: mV, ms, uA, mS, uF, cm, mM; nC / umol, degC.

A permeability alone is in cm/s, as hhfast's ghk takes it.
"""

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
    "A_per_m2": ("currentDensity", 100.0),
    "uA_per_cm2": ("currentDensity", 1.0),
    "mA_per_cm2": ("currentDensity", 1e3),
    "S": ("conductance", 1e3),
    "mS": ("conductance", 1.0),
    "uS": ("conductance", 1e-3),
    "nS": ("conductance", 1e-6),
    "pS": ("conductance", 1e-9),
    "F": ("capacitance", 1e6),
    "uF": ("capacitance", 1.0),
    "nF": ("capacitance", 1e-3),
    "pF": ("capacitance", 1e-6),
    "mM": ("concentration", 1.0),
    "M": ("concentration", 1e3),
    "mol_per_m3": ("concentration", 1.0),
    "mol_per_cm3": ("concentration", 1e6),
    "degC": ("temperature", 1.0),
    "K": ("kelvin", 1.0),
    "um": ("length", 1e-4),
    "cm": ("length", 1.0),
    "m": ("length", 1e2),
    "um2": ("area", 1e-8),
    "cm2": ("area", 1.0),
    "m2": ("area", 1e4),
    "um3": ("volume", 1e-12),
    "cm3": ("volume", 1.0),
    "litre": ("volume", 1e3),
    "m3": ("volume", 1e6),
    "m_per_s": ("permeability", 100.0),
    "cm_per_s": ("permeability", 1.0),
    "um_per_ms": ("permeability", 0.1),
    "cm_per_ms": ("permeability", 1e3),
    "C_per_mol": ("charge_per_mole", 1e3),
    "nA_ms_per_amol": ("charge_per_mole", 1e9),
    "J_per_K_per_mol": ("idealGasConstantDims", 1e6),
    "fJ_per_K_per_umol": ("idealGasConstantDims", 1e-3),
    "mol_per_m_per_A_per_s": ("rho_factor", 1e-5),
    "mol_per_cm_per_uA_per_ms": ("rho_factor", 1e6),
}
# hhfast's label of a dimension.
LABELS = {"voltage": "mV", "time": "ms", "per_time": "per ms", "conductanceDensity": "mS cm-2", "concentration": "mM",
          "specificCapacitance": "uF cm-2", "currentDensity": "uA cm-2", "current": "uA"}  # fmt: skip


def quantity(text: str, where: str, *dimensions: str) -> float:
    """A number with its unit, in hhfast's."""
    found = re.fullmatch(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\w*)\s*", text)
    if found is None or found[2] not in UNITS:
        raise InputError(f"{where}: '{text[:60]}' is no number with a unit known here")
    dimension, factor = UNITS[found[2]]
    if dimensions and dimension not in dimensions:
        raise InputError(f"{where}: '{text[:60]}' is a {dimension}; a {dimensions[0]} is needed")
    return float(found[1]) * factor

"""What NeuroML2 files say themselves at given potentials and states, in SI units: slopes and the current."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from hhfast.model.importers.assemble import Assembly
from hhfast.model.importers.lems_evaluation import STATE_SCALES, Equations, number
from hhfast.model.importers.neuroml_cell_types import sums_of_inputs
from hhfast.model.importers.neuroml_channels import Cell, Reading
from hhfast.model.importers.neuroml_concentrations import STATE
from hhfast.model.importers.neuroml_evaluation import concentration_slope, gate_slope, scheme_flows
from hhfast.model.importers.part import DEFAULTS
from hhfast.model.importers.verification import Source, States
from hhfast.model.model import Model

_R, _F = 8.3144621, 96485.3  # as NeuroML's own types have them


def source_of(model: Model, reading: Reading, cell: Cell, assembly: Assembly) -> Source:
    """The files' own equations."""
    if cell.component is not None:
        return _of_type(reading, cell, assembly)
    return _ChannelEquations(model, reading, cell, assembly).evaluate


def _of_type(reading: Reading, cell: Cell, assembly: Assembly) -> Source:
    """A cell that is one ComponentType."""
    kind = reading.types[cell.component.tag]
    scales = {e.get("name"): STATE_SCALES.get(e.get("dimension"), 1.0) for e in kind.iter("StateVariable")}
    inputs = dict.fromkeys(sums_of_inputs(kind), 0.0)
    names = {x: mine for (_, x), mine in assembly.state_names.items()}

    def evaluate(v: float, states: States) -> tuple[dict[str, float], float]:
        at = {x: scales[x] * states[mine] for x, mine in names.items()} | inputs
        slopes = Equations(kind, cell.component, at | {"v": 1e-3 * v, "temperature": cell.celsius + 273.15}).slopes()
        found = {mine: 1e-3 * slopes.get(x, 0.0) / scales[x] for x, mine in names.items()}
        return found, -slopes["v"]  # V/s = mV/ms into 1 uF/cm2

    return evaluate


class _ChannelEquations:
    """A cell of channels, or channels alone."""

    def __init__(self, model: Model, reading: Reading, cell: Cell, assembly: Assembly) -> None:
        self.reading, self.cell, self.assembly = reading, cell, assembly
        values = {n: p.value for n, p in model.parameters.items()}
        self.values = values
        self.temperature = values.get("celsius", cell.celsius) + 273.15
        self.outside = values.get("cao", cell.calcium_outside)
        self.area = 1e-4 * (cell.area or 1.0)  # m2

    def evaluate(self, v: float, states: States) -> tuple[dict[str, float], float]:
        calcium = self.values.get("cai", DEFAULTS["cai"])
        if self.cell.concentration is not None:
            calcium = states[self.assembly.state_names[self.cell.concentration[0], STATE]]
        slopes: dict[str, float] = {}
        opening = dict.fromkeys(range(len(self.cell.parts)), 1.0)
        for k, gate, shift in self.cell.gates:
            found, factor = self._gate(k, gate, shift, v, states, calcium)
            slopes |= found
            opening[k] *= factor
        current, of_calcium = 0.0, 0.0
        for k, part in enumerate(self.cell.parts):
            for channel in part.channels:
                i = self._density(k, channel)(v, calcium) * opening[k]
                current += i
                of_calcium += i if channel.ion == "ca" else 0.0
        if self.cell.concentration is not None:
            k, model = self.cell.concentration
            outside = {"iCa": -1e-2 * of_calcium * self.area, "surfaceArea": self.area, "temperature": self.temperature,
                       "caConc": calcium, "extConcentration": self.outside}  # fmt: skip
            slope = concentration_slope(model, self.reading.types, calcium, outside)
            slopes[self.assembly.state_names[k, STATE]] = slope
        return slopes, current

    def _gate(
        self, k: int, gate: Any, shift: float, v: float, states: States, calcium: float
    ) -> tuple[dict[str, float], float]:
        """The slopes of a gate's states, and its factor in the conductance."""
        types = self.reading.types
        if gate.tag != "gateKS":
            mine = self.assembly.state_names[k, gate.get("id")]
            x, slope = gate_slope(gate, types, v, states.get(mine), shift, self.temperature, calcium)
            return {} if slope is None else {mine: slope}, x ** float(gate.get("instances", "1"))
        found = [e for e in gate if e.tag in ("closedState", "openState")]
        names = {e.get("id"): self.assembly.state_names[k, e.get("id")] for e in found}
        occupancy = {x: states[mine] for x, mine in names.items() if mine in states}
        missing = next(x for x in names if x not in occupancy)
        occupancy[missing] = 1.0 - sum(occupancy.values())
        outside = {"vShift": 1e-3 * shift, "temperature": self.temperature, "caConc": calcium}
        flows = scheme_flows(gate, types, v, outside, occupancy)
        opening = sum(occupancy[e.get("id")] for e in found if e.tag == "openState")
        return {names[x]: slope for x, slope in flows.items()}, opening

    def _density(self, k: int, channel: Any) -> Callable[[float, float], float]:
        """The current (uA/cm2, outward positive) of an open channel, of v (mV) and calcium (mM)."""
        e = self.cell.densities.get(k)
        if e is None:
            E = self.values.get(f"E_{self.assembly.channel_names[id(channel)]}")
            return lambda v, calcium: channel.g * (v - (self._nernst(calcium) if E is None else E))
        if e.tag == "channelDensityGHK":
            P = number(e.get("permeability"))
            return lambda v, calcium: 100.0 * P * self._ghk(1e-3 * v, calcium)
        g = 0.1 * number(e.get("condDensity"))  # mS/cm2
        if e.tag == "channelDensityGHK2":
            return lambda v, calcium: -g * self._jaffe(v, calcium)
        if e.tag == "channelDensityNernst":
            return lambda v, calcium: g * (v - self._nernst(calcium))
        E = 1e3 * number(e.get("erev"))
        return lambda v, calcium: g * (v - E)

    def _nernst(self, calcium: float) -> float:
        return 1e3 * _R * self.temperature / (2 * _F) * math.log(self.outside / calcium)

    def _ghk(self, v: float, calcium: float) -> float:
        """A/m2 per m/s, outward positive."""
        K = 2 * _F / (_R * self.temperature)
        if v == 0:
            return 2 * _F * (calcium - self.outside)
        return 2 * _F * K * v * (calcium - self.outside * math.exp(-K * v)) / -math.expm1(-K * v)

    def _jaffe(self, v: float, calcium: float) -> float:
        k = 25 * self.temperature / (293.15 * 2)
        x = v / k
        factor = 1 - x / 2 if x == 0 else x / math.expm1(x)
        return k * (1 - calcium / self.outside * math.exp(x)) * factor

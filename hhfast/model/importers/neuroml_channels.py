"""NeuroML2's channels and cells as parts: gates, densities, the membrane, a pulse."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, field
from typing import Any

from hhfast.errors import InputError
from hhfast.model.importers.expressions import Expr, FormulaTable, binary, divide, multiply, number, subtract, variable
from hhfast.model.importers.forms import Law
from hhfast.model.importers.neuroml_rates import Component, Context, standard_rate
from hhfast.model.importers.neuroml_units import quantity
from hhfast.model.importers.part import DEFAULTS, ChannelForm, Part, StateForm

_DENSITIES = {"channelDensity", "channelDensityVShift", "channelDensityNernst"}
_NO_GATES = {"notes", "annotation", "property"}
_GATES = {"gate", "gateHHrates", "gateHHtauInf", "gateHHratesTau", "gateHHratesInf", "gateHHratesTauInf",
          "gateHHInstantaneous"}  # fmt: skip


@dataclass
class Cell:
    """What files say beside channels."""

    name: str = ""
    V_init: float = -65.0
    C_m: float = 1.0
    area: float | None = None  # cm2
    parts: list[Part] = field(default_factory=list)
    gates: list[tuple[int, str, Any, float]] = field(default_factory=list)  # part, gate, its element, vShift


class Reading:
    """The elements of files, by kind."""

    def __init__(self, elements: list[Any], source: str) -> None:
        self.source = source
        self.types = {e.get("name"): e for e in elements if e.tag == "ComponentType"}
        self.channels = {
            e.get("id"): e for e in elements if e.tag in ("ionChannel", "ionChannelHH", "ionChannelPassive")
        }
        self.cells = [e for e in elements if e.tag == "cell"]
        self.pulses = [e for e in elements if e.tag == "pulseGenerator"]
        for e in elements:
            if e.tag in (
                "ionChannelKS",
                "cell2CaPools",
                "decayingPoolConcentrationModel",
                "fixedFactorConcentrationModel",
            ):
                raise InputError(f"{source}: {e.tag} '{e.get('id')}': not supported")
        if len(self.cells) > 1:
            raise InputError(f"{source}: {len(self.cells)} cells; give the files of one")

    def cell(self) -> Cell:
        """The cell; or channels alone, of 1 mS/cm2 each."""
        found = Cell()
        if not self.cells:
            for name, channel in self.channels.items():
                self._add(found, channel, name, 1.0, None, 0.0)
            return found
        cell = self.cells[0]
        found.name = cell.get("id")
        segments = list(cell.iter("segment"))
        if len(segments) != 1:
            raise InputError(f"{self.source}: cell '{found.name}' has {len(segments)} segments; one is supported")
        found.area = _area(segments[0], self.source)
        for e in cell.find(".//membraneProperties"):
            if e.tag in _DENSITIES:
                self._density(found, e)
            elif e.tag == "specificCapacitance":
                found.C_m = quantity(e.get("value"), self.source, "specificCapacitance")
            elif e.tag == "initMembPotential":
                found.V_init = quantity(e.get("value"), self.source, "voltage")
            elif e.tag != "spikeThresh":
                raise InputError(f"{self.source}: {e.tag} '{e.get('id')}': not supported")
        if cell.find(".//intracellularProperties/species") is not None:
            raise InputError(f"{self.source}: species: concentration models are not supported")
        return found

    def _density(self, found: Cell, e: Any) -> None:
        where = f"{self.source}: {e.tag} '{e.get('id')}'"
        channel = self.channels.get(e.get("ionChannel"))
        if channel is None:
            raise InputError(f"{where}: there is no channel '{e.get('ionChannel')}' in the files")
        g = quantity(e.get("condDensity", ""), where, "conductanceDensity")
        nernst = e.tag == "channelDensityNernst"
        E = None if nernst else quantity(e.get("erev", ""), where, "voltage")
        shift = quantity(e.get("vShift", "0mV"), where, "voltage")
        self._add(found, channel, e.get("ionChannel"), g, E, shift, e.get("ion", "") if nernst else "")

    def _add(
        self, found: Cell, channel: Any, name: str, g: float, E: float | None, shift: float, ion: str = ""
    ) -> None:
        species = ion or channel.get("species", "")
        if E is None and f"e{species}" not in DEFAULTS and species != "ca":
            E = 0.0
        table = FormulaTable()
        form = ChannelForm(name, "i", species, g)
        form.reversal = variable(f"e{species}") if E is None else number(E)
        notes = ["No cell in the files: 1 mS/cm2 and a usual reversal potential stand in."] if not self.cells else []
        part = Part(name, self.source, "", table, [form], [], {}, {}, {species: 2.0 if species == "ca" else 1.0},
                    {f"e{species}": species, "cai": "ca"}, frozenset(), notes)  # fmt: skip
        for gate in channel:
            if gate.tag in _GATES:
                state, factor = self._gate(gate, name, table, shift)
                part.states.append(state)
                form.opening.append(factor)
                found.gates.append((len(found.parts), state.name, gate, shift))
            elif gate.tag not in _NO_GATES:
                raise InputError(f"{self.source}: {gate.tag} in channel '{name}': not supported")
        part.parameters["celsius"] = 6.3, "degC"
        if E is None and f"e{species}" in DEFAULTS:
            part.parameters[f"e{species}"] = DEFAULTS[f"e{species}"], "mV"
        found.parts.append(part)

    def _gate(self, gate: Any, channel: str, table: FormulaTable, shift: float) -> tuple[StateForm, Expr]:
        name = gate.get("id")
        place = f"{channel}.{name}"
        context: Context = {
            "v": variable("v"), "caConc": variable("cai"), "vShift": number(shift),
            "temperature": binary(variable("celsius"), ast.Add(), number(273.15)),
        }  # fmt: skip
        scale = self._rate_scale(gate, place)
        context["rateScale"] = scale
        found: Context = {}
        for tag, key in (
            ("forwardRate", "alpha"),
            ("reverseRate", "beta"),
            ("steadyState", "inf"),
            ("timeCourse", "tau"),
        ):
            e = gate.find(tag)
            if e is not None:
                found[key] = context[key] = self._rate(e, context, table, f"{place}.{key}")
        law = _law(found, scale)
        if law is None:
            raise InputError(f"{self.source}: gate '{place}': {', '.join(found) or 'no rates'} do not make a gate")
        power = int(float(gate.get("instances", "1")))
        opening = variable(name) if power == 1 else binary(variable(name), ast.Pow(), number(power))
        return StateForm(name, law), opening

    def _rate(self, e: Any, context: Context, table: FormulaTable, place: str) -> Expr:
        where = f"{self.source}: {place}"
        found = standard_rate(e, where)
        if found is not None:
            return found
        kind = self.types.get(e.get("type"))
        if kind is None:
            raise InputError(f"{where}: the type '{e.get('type')}' is not in the files")
        return Component(kind, e, context, table, place).value("r", "x", "t")

    def _rate_scale(self, gate: Any, place: str) -> Expr:
        result = number(1)
        for e in gate.iter("q10Settings"):
            where = f"{self.source}: {place}.q10Settings"
            if e.get("type") == "q10Fixed":
                result = multiply(result, number(quantity(e.get("fixedQ10", ""), where, "none")))
            elif e.get("type") == "q10ExpTemp":
                T = quantity(e.get("experimentalTemp", ""), where, "temperature")
                power = divide(subtract(variable("celsius"), number(T)), number(10))
                factor = number(quantity(e.get("q10Factor", ""), where, "none"))
                result = multiply(result, binary(factor, ast.Pow(), power))
            else:
                raise InputError(f"{where}: the type '{e.get('type')}' is not supported")
        return result

    def stimulus(self, area: float | None) -> dict[str, Any] | None:
        """A pulse as the keys of a sweep file's [stimulus], its amplitude per area."""
        if len(self.pulses) != 1 or area is None:
            return None
        e = self.pulses[0]
        delay, duration = (quantity(e.get(key, ""), self.source, "time") for key in ("delay", "duration"))
        amplitude = quantity(e.get("amplitude", ""), self.source, "current") / area
        return {"kind": "step", "amplitude": amplitude, "start": delay, "stop": delay + duration}


def _law(found: Context, scale: Expr) -> Law | None:
    match tuple(found):
        case ("alpha", "beta"):
            return Law({"alpha": multiply(scale, found["alpha"]), "beta": multiply(scale, found["beta"])})
        case ("inf",):
            return Law({"inf": found["inf"]})
        case ("alpha", "beta", *_):
            total = binary(found["alpha"], ast.Add(), found["beta"])
            inf = found.get("inf") or divide(found["alpha"], total)
            return Law({"inf": inf, "tau": divide(found.get("tau") or divide(number(1), total), scale)})
        case ("inf", "tau"):
            return Law({"inf": found["inf"], "tau": divide(found["tau"], scale)})
    return None


def _area(segment: Any, where: str) -> float:
    """Of a segment without its ends, cm2; of a sphere where both ends are one point."""
    ends = [segment.find(tag) for tag in ("proximal", "distal")]
    if None in ends:
        raise InputError(f"{where}: the segment needs proximal and distal")
    (x0, d0), (x1, d1) = (([float(e.get(k)) for k in "xyz"], float(e.get("diameter"))) for e in ends)
    length = math.dist(x0, x1)
    if length == 0:
        return math.pi * d0 * d1 * 1e-8
    return math.pi / 2 * (d0 + d1) * math.hypot(length, (d1 - d0) / 2) * 1e-8

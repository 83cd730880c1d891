"""NeuroML2's channels and cells as parts: gates, densities, the membrane, a pulse."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from hhfast.errors import InputError
from hhfast.model.importers.expressions import number, variable
from hhfast.model.importers.formula_table import FormulaTable
from hhfast.model.importers.neuroml_cell_types import CellTypeReader, is_cell_type, with_inherited
from hhfast.model.importers.neuroml_concentrations import concentration_part, is_concentration_model
from hhfast.model.importers.neuroml_densities import DENSITIES, add_density
from hhfast.model.importers.neuroml_gates import GATES, GateReader
from hhfast.model.importers.neuroml_units import quantity
from hhfast.model.importers.part import DEFAULTS, ChannelForm, Part

_NO_GATES = {"notes", "annotation", "property"}
_CHANNELS = ("ionChannel", "ionChannelHH", "ionChannelPassive", "ionChannelVShift", "ionChannelKS")


@dataclass
class Cell:
    """What files say beside channels."""

    name: str = ""
    V_init: float = -65.0
    C_m: float = 1.0
    area: float | None = None  # cm2
    celsius: float = 6.3
    calcium_outside: float = DEFAULTS["cao"]  # mM
    parts: list[Part] = field(default_factory=list)
    gates: list[tuple[int, Any, float]] = field(default_factory=list)  # part, the gate's element, vShift
    densities: dict[int, Any] = field(default_factory=dict)  # part -> the element of its density, if there is one
    concentration: tuple[int, Any] | None = None  # part, the model's element
    component: Any = None  # that of a type of its own


class Reading:
    """The elements of files, by kind."""

    def __init__(self, elements: list[Any], source: str) -> None:
        self.source = source
        self.types = {e.get("name"): with_inherited(e) for e in elements if e.tag == "ComponentType"}
        self.channels = {e.get("id"): e for e in elements if e.tag in _CHANNELS}
        self.pools = {e.get("id"): e for e in elements if is_concentration_model(e, self.types)}
        self.cells = [e for e in elements if e.tag == "cell" or is_cell_type(e, self.types)]
        self.pulses = [e for e in elements if e.tag == "pulseGenerator"]
        self.networks = [e for e in elements if e.tag == "network"]
        for e in elements:
            if e.tag == "cell2CaPools":
                raise InputError(f"{source}: {e.tag} '{e.get('id')}': not supported")
        if len(self.cells) > 1:
            raise InputError(f"{source}: {len(self.cells)} cells; give the files of one")

    def cell(self) -> Cell:
        """The cell; or channels alone, of 1 mS/cm2 each."""
        given = [e.get("temperature") for e in self.networks if e.get("temperature")]
        found = Cell(celsius=quantity(given[0], self.source, "temperature") if given else 6.3)
        if not self.cells:
            for name in self.channels:
                self.add(found, name, "", 0.0, 1.0, None)
            return found
        cell = self.cells[0]
        found.name = cell.get("id")
        if cell.tag != "cell":
            reader = CellTypeReader(self.types[cell.tag], cell, found.celsius, self.source)
            part, found.area, found.V_init = reader.read()
            found.parts, found.component = [part], cell
            return found
        segments = list(cell.iter("segment"))
        if len(segments) != 1:
            raise InputError(f"{self.source}: cell '{found.name}' has {len(segments)} segments; one is supported")
        found.area = _area(segments[0], self.source)
        self._calcium(found, cell)
        for e in cell.find(".//membraneProperties"):
            if e.tag in DENSITIES:
                add_density(self, found, e)
            elif e.tag == "specificCapacitance":
                found.C_m = quantity(e.get("value"), self.source, "specificCapacitance")
            elif e.tag == "initMembPotential":
                found.V_init = quantity(e.get("value"), self.source, "voltage")
            elif e.tag != "spikeThresh":
                raise InputError(f"{self.source}: {e.tag} '{e.get('id')}': not supported")
        return found

    def _calcium(self, found: Cell, cell: Any) -> None:
        """The concentration that follows from currents, if the cell has one; other parts read it."""
        given = list(cell.iterfind(".//intracellularProperties/species"))
        if len(given) > 1:
            raise InputError(f"{self.source}: {len(given)} species; one, of calcium, is supported")
        if not given:
            return
        species = given[0]
        model = self.pools.get(species.get("concentrationModel"))
        if model is None:
            name = species.get("concentrationModel")
            raise InputError(f"{self.source}: species '{species.get('id')}': there is no concentration model '{name}'")
        part = concentration_part(model, species, self.types, found.area or 1.0, self.source)
        found.calcium_outside = part.parameters["cao"][0]
        found.concentration = len(found.parts), model
        found.parts.append(part)

    def add(self, found: Cell, name: str, ion: str, shift: float, g: float | None, E: float | None) -> ChannelForm:
        """A channel as a part; E None: that of its ion."""
        channel = self.channels[name]
        species = ion or channel.get("species", "")
        if E is None and f"e{species}" not in DEFAULTS and species != "ca":
            E = 0.0
        table = FormulaTable()
        form = ChannelForm(name, "i", species, g)
        form.reversal = variable(f"e{species}") if E is None else number(E)
        notes = ["No cell in the files: 1 mS/cm2 and a usual reversal potential stand in."] if not self.cells else []
        part = Part(name, self.source, "", table, [form], [], {}, {}, {species: 2.0 if species == "ca" else 1.0},
                    {f"e{species}": species, "cai": "ca", "cao": "ca"}, frozenset(), notes)  # fmt: skip
        self._gates(found, part, channel, GateReader(self.types, name, table, shift, self.source))
        part.parameters |= {"celsius": (found.celsius, "degC"), "cao": (found.calcium_outside, "mM")}
        if E is None and f"e{species}" in DEFAULTS:
            part.parameters[f"e{species}"] = DEFAULTS[f"e{species}"], "mV"
        found.parts.append(part)
        return form

    def _gates(self, found: Cell, part: Part, channel: Any, reader: GateReader) -> None:
        form = part.channels[0]
        for gate in channel:
            if gate.tag in GATES:
                state, factor = reader.gate(gate)
                part.states.append(state)
                form.opening.append(factor)
            elif gate.tag == "gateKS" and form.scheme is None and len(channel.findall("gateKS")) == 1:
                form.scheme, opening = reader.scheme(gate)
                form.opening.append(opening)
            elif gate.tag not in _NO_GATES:
                raise InputError(f"{self.source}: {gate.tag} in channel '{part.name}': not supported")
            else:
                continue
            found.gates.append((len(found.parts), gate, reader.shift))

    def stimulus(self, area: float | None) -> dict[str, Any] | None:
        """A pulse as the keys of a sweep file's [stimulus], its amplitude per area."""
        if len(self.pulses) != 1 or area is None:
            return None
        e = self.pulses[0]
        delay, duration = (quantity(e.get(key, ""), self.source, "time") for key in ("delay", "duration"))
        amplitude = quantity(e.get("amplitude", ""), self.source, "current") / area
        return {"kind": "step", "amplitude": amplitude, "start": delay, "stop": delay + duration}


def _area(segment: Any, where: str) -> float:
    """Of a segment without its ends, cm2; of a sphere where both ends are one point."""
    ends = [segment.find(tag) for tag in ("proximal", "distal")]
    if None in ends:
        raise InputError(f"{where}: the segment needs proximal and distal")
    try:
        (x0, d0), (x1, d1) = (([float(e.get(k)) for k in "xyz"], float(e.get("diameter"))) for e in ends)
    except (TypeError, ValueError):
        raise InputError(f"{where}: proximal and distal need numbers as x, y, z and diameter") from None
    length = math.dist(x0, x1)
    if length == 0:
        return math.pi * d0 * d1 * 1e-8
    return math.pi / 2 * (d0 + d1) * math.hypot(length, (d1 - d0) / 2) * 1e-8

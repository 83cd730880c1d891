"""A model as a NeuroML2 file: its cell, a network of that one at the model's temperature, and a pulse, if wanted."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from hhfast.errors import InputError
from hhfast.model.exporters.cell_type import cell_of_one_type
from hhfast.model.exporters.channels import area, cell_of_channels, obstacle
from hhfast.model.exporters.lems_formula import plain
from hhfast.model.model import Model

_ROOT = {
    "xmlns": "http://www.neuroml.org/schema/neuroml2",
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xsi:schemaLocation": "http://www.neuroml.org/schema/neuroml2 "
    "https://raw.github.com/NeuroML/NeuroML2/development/Schemas/NeuroML2/NeuroML_v2.3.1.xsd",
}
_FOR_EDEN = "For EDEN, in which the sum of the currents into a cell (iSyn) is built in; other programs need it said."
_NOT_FOR_EDEN = "EDEN, in which iSyn is built in, needs it left out: hhfast models NAME --neuroml --eden."
_ORDER = ("StateVariable", "DerivedVariable", "ConditionalDerivedVariable", "TimeDerivative", "OnStart", "OnCondition")
Pulse = tuple[float, float, float]  # amplitude (uA/cm2 or pA), start, stop (ms)


def neuroml(model: Model, pulse: Pulse | None = None, *, eden: bool = False) -> str:
    """See `Model.to_neuroml`."""
    reason = obstacle(model)
    root = Element("neuroml", {**_ROOT, "id": "".join(c if c.isalnum() else "_" for c in model.name)})
    SubElement(root, "notes").text = _notes(model, reason, eden)
    root.extend(cell_of_channels(model) if reason is None else cell_of_one_type(model, eden=eden))
    if pulse is not None:
        root.append(_pulse(model, pulse))
    celsius = model.parameters["celsius"].value if "celsius" in model.parameters else 6.3
    network = SubElement(root, "network", id="net", type="networkWithTemperature", temperature=f"{plain(celsius)}degC")
    SubElement(network, "population", id="cells", component="cell", size="1")
    if pulse is not None:
        SubElement(network, "explicitInput", target="cells[0]", input="pulse")
    _order(root)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


def _order(root: Element) -> None:
    """As the schema has it: types last, and what is of one kind in their dynamics together."""
    root[:] = sorted(root, key=lambda e: e.tag == "ComponentType")
    for dynamics in root.iter("Dynamics"):
        dynamics[:] = sorted(dynamics, key=lambda e: _ORDER.index(e.tag))


def _notes(model: Model, reason: str | None, eden: bool) -> str:
    said = [model.title, model.citation, f"Written by hhfast from its model {model.name}."]
    if reason is not None:
        said.append(
            f"All equations are in one ComponentType, as {reason} has no element of NeuroML2 that says the same."
        )
        said.append(_FOR_EDEN if eden else _NOT_FOR_EDEN)
    return " ".join(part if part.endswith(".") else f"{part}." for part in said if part)


def _pulse(model: Model, pulse: Pulse) -> Element:
    """The current of an electrode, in nA."""
    if len(pulse) != 3:
        raise InputError(f"pulse: has {len(pulse)} numbers; give amplitude, start and stop")
    amplitude, start, stop = pulse
    if not (start >= 0 and stop > start):
        raise InputError(f"pulse: from {start:g} to {stop:g} ms; give a start of 0 or more, and a later stop")
    nA = 1e-3 * amplitude if model.units == "total" else 1e3 * amplitude * area(model)
    return Element(
        "pulseGenerator",
        id="pulse",
        delay=f"{plain(start)} ms",
        duration=f"{plain(stop - start)} ms",
        amplitude=f"{plain(nA)} nA",
    )

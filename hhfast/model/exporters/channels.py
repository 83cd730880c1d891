"""A model as NeuroML's own: a cell of one segment with channels (ionChannelHH), where that says all of it."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from xml.etree.ElementTree import Element, SubElement

from hhfast.model.elements import Channel, Gate
from hhfast.model.exporters.component_types import rate_type
from hhfast.model.exporters.lems_formula import plain
from hhfast.model.exporters.standard_rates import standard
from hhfast.model.formulas import evaluate, names, parse
from hhfast.model.importers.expressions import number, rewritten
from hhfast.model.model import Model

AREA = 1e-5  # cm2; of a cell whose model is one of densities
_BASES = {"r": "baseVoltageDepRate", "x": "baseVoltageDepVariable", "t": "baseVoltageDepTime"}
# Names of NEURON's own, and of the cell that jNeuroML writes for it (H is its step function).
_NEURONS = {
    "L",
    "Ra",
    "cm",
    "diam",
    "nseg",
    "v",
    "t",
    "dt",
    "area",
    "ri",
    "E",
    "PI",
    "GAMMA",
    "DEG",
    "PHI",
    "FARADAY",
    "R",
    "H",
    "x",
    "y",
    "z",
}
_DIMENSION = {"r": ("Rate", "per_ms"), "x": ("Variable", "")}


def obstacle(model: Model) -> str | None:
    """Why a model is no cell of NeuroML's channels; None where it is one."""
    if model.compartments:
        return "compartments"
    if model.sections[0].pools:
        return f"pool '{model.sections[0].pools[0].name}'"
    for c in model.channels:
        if c.current is not None or c.opening is not None or c.scheme is not None:
            return f"channel '{c.name}'"
        if isinstance(c.E, str) and not names(_out(model, c.E)) <= model.parameters.keys():
            return f"E of channel '{c.name}'"
        for g in c.gates:
            known = {"V", *model.parameters}
            if g.initial is not None or any(not names(_out(model, t)) <= known for t in g.formulas.values()):
                return f"gate '{g.name}'"
    return None


def channel_id(name: str) -> str:
    """A channel's name in the file; one that NEURON uses itself would not get through jNeuroML."""
    return f"{name}_channel" if name in _NEURONS else name


def _out(model: Model, text: str) -> str:
    return model.written_out(text, model.sections[0])


def area(model: Model) -> float:
    """Of the cell, cm2: for a model of totals, that of a membrane of 1 uF/cm2."""
    return AREA if model.units == "density" else 1e-6 * model.parameters["C_m"].value


def cell_of_channels(model: Model) -> list[Element]:
    """The elements of a NeuroML file: ComponentTypes of its rates, channels, the cell."""
    values = {name: p.value for name, p in model.parameters.items()}
    writer = _ChannelElements(model, values)
    channels = [writer.channel(c) for c in model.channels]
    return [*writer.types, *channels, _cell(model, values)]


class _ChannelElements:
    def __init__(self, model: Model, values: Mapping[str, float]) -> None:
        self.model, self.values = model, values
        self.types: list[Element] = []

    def channel(self, c: Channel) -> Element:
        found = Element("ionChannelHH", id=channel_id(c.name), conductance="10pS")
        for g in c.gates:
            found.append(self.gate(g, c))
        if len({gate.tag for gate in found}) > 1:  # by the schema, elements of different gates do not stand together
            for gate in found:
                gate.set("type", gate.tag)
                gate.tag = "gate"
        return found

    def gate(self, g: Gate, c: Channel) -> Element:
        kind = "gateHHrates" if g.alpha is not None else "gateHHtauInf"
        found = Element("gateHHInstantaneous" if g.instantaneous else kind, id=g.name, instances=str(g.power))
        if g.instantaneous:
            self._rate(found, "steadyState", "x", g.steady, f"{c.name}_{g.name}_inf")
            return found
        factor = _out(self.model, g.rate_scale or c.rate_scale)
        q10 = _q10(factor, self.values)
        if q10 is not None:
            SubElement(
                found,
                "q10Settings",
                type="q10ExpTemp",
                q10Factor=plain(q10[0]),
                experimentalTemp=f"{plain(q10[1])}degC",
            )
            factor = "1"
        scaled = {"alpha": "({}) * ({})", "beta": "({}) * ({})", "tau": "({}) / ({})"}
        for tag, key, exposure in (("forwardRate", "alpha", "r"), ("reverseRate", "beta", "r"),
                                   ("timeCourse", "tau", "t"), ("steadyState", "inf", "x")):  # fmt: skip
            text = getattr(g, key)
            if text is not None:
                whole = text if factor == "1" or key == "inf" else scaled[key].format(text, factor)
                self._rate(found, tag, exposure, whole, f"{c.name}_{g.name}_{key}")
        return found

    def _rate(self, gate: Element, tag: str, exposure: str, text: str, name: str) -> None:
        text = _out(self.model, text)
        if exposure == "t" and not names(text):
            SubElement(gate, tag, type="fixedTimeCourse", tau=f"{float(evaluate(text, {}))!r}ms")
            return
        found = standard(self._with_numbers(text)) if exposure != "t" else None
        if found is None:
            self.types.append(rate_type(name, _BASES[exposure], exposure, text, self.values))
            SubElement(gate, tag, type=name)
            return
        kind, rate, midpoint, scale = found
        suffix, unit = _DIMENSION[exposure]
        SubElement(
            gate,
            tag,
            type=f"HH{kind}{suffix}",
            rate=f"{plain(rate)}{unit}",
            midpoint=f"{plain(midpoint)}mV",
            scale=f"{plain(scale)}mV",
        )

    def _with_numbers(self, text: str) -> str:
        """A formula in which parameters are numbers, as in a standard rate; a temperature stays a name."""
        given = {name: number(value) for name, value in self.values.items() if name != "celsius"}
        return ast.unparse(rewritten(parse(text), given.get))


def _q10(text: str, values: Mapping[str, float]) -> tuple[float, float] | None:
    """(q, T) of q ** ((celsius - T) / 10)."""
    match parse(text):
        case ast.BinOp(
            left=base,
            op=ast.Pow(),
            right=ast.BinOp(
                left=ast.BinOp(
                    left=ast.Name(id="celsius"), op=ast.Sub(), right=ast.Constant(value=int() | float() as T)
                ),
                op=ast.Div(),
                right=ast.Constant(value=10),
            ),
        ) if isinstance(base, (ast.Constant, ast.Name)):
            return float(evaluate(ast.unparse(base), values)), float(T)
    return None


def _cell(model: Model, values: Mapping[str, float]) -> Element:
    cell = Element("cell", id="cell")
    segment = SubElement(SubElement(cell, "morphology", id="morphology"), "segment", id="0", name="soma")
    side = plain(1e4 * math.sqrt(area(model) / math.pi))  # um: a cylinder as long as it is wide
    SubElement(segment, "proximal", x="0", y="0", z="0", diameter=side)
    SubElement(segment, "distal", x=side, y="0", z="0", diameter=side)
    biophysics = SubElement(cell, "biophysicalProperties", id="biophysics")
    membrane = SubElement(biophysics, "membraneProperties")
    share = 1.0 if model.units == "density" else values["C_m"]
    for c in model.channels:
        E = float(evaluate(_out(model, c.E), values)) if isinstance(c.E, str) else values[f"E_{c.name}"]
        SubElement(
            membrane, "channelDensity", id=f"{c.name}_all", ionChannel=channel_id(c.name), ion="non_specific",
            condDensity=f"{values[f'g_{c.name}'] / share!r} mS_per_cm2", erev=f"{plain(E)} mV",
        )  # fmt: skip
    SubElement(membrane, "spikeThresh", value="-20 mV")
    C_m = values["C_m"] if model.units == "density" else 1.0
    SubElement(membrane, "specificCapacitance", value=f"{plain(C_m)} uF_per_cm2")
    SubElement(membrane, "initMembPotential", value=f"{plain(model.V_init)} mV")
    SubElement(SubElement(biophysics, "intracellularProperties"), "resistivity", value="100 ohm_cm")
    return cell

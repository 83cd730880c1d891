"""A model as one ComponentType of LEMS, a kind of cell of its own: for what NeuroML's channels do not say."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from hhfast.model.compartment import Compartment
from hhfast.model.dependencies import named_order
from hhfast.model.elements import Channel, Gate
from hhfast.model.exporters.component_types import constants, derived, write_formula
from hhfast.model.exporters.initial_states import initial_states
from hhfast.model.exporters.lems_formula import LemsWriter, lems_name, number, plain
from hhfast.model.model import Model
from hhfast.model.typical_values import typical_values

_AREA = 1e-5  # cm2; of a cell whose model is one of densities
# By the model's units: those of i_app and of C_m, for the whole cell (uA/cm2 and uF/cm2 of that area; pA and pF).
_SCALES = {"density": ("0.01 nA", "10 pF"), "total": ("1 pA", "1 pF")}
_THRESHOLD = -20.0  # mV; where a spike is an event for synapses


def cell_of_one_type(model: Model, *, eden: bool = False) -> list[Element]:
    """The elements of a NeuroML file: the type, and a component of it. EDEN adds up what comes in by itself."""
    kind = f"{''.join(c if c.isalnum() else '_' for c in model.name)}_cell"
    component = Element(kind, {"id": "cell", "C": f"{plain(_picofarads(model))}pF"})
    for name, p in model.parameters.items():
        if name != "C_m":
            component.set(lems_name(name), plain(p.value))
    return [_CellType(model, kind, sums_inputs=not eden).element, component]


def _picofarads(model: Model) -> float:
    """The capacitance of the cell: jNeuroML makes NEURON's section from it, into which synapses' currents go."""
    C_m = model.parameters["C_m"].value
    return round(C_m * 1e6 * _AREA, 12) if model.units == "density" else C_m


class _CellType:
    """The type while it is being written: formulas in mV and ms, as the model's; LEMS' own units at the rim."""

    def __init__(self, model: Model, kind: str, *, sums_inputs: bool) -> None:
        self.model, self.sums_inputs = model, sums_inputs
        self.values = typical_values(model)
        self.writer = LemsWriter(self.values.keys())
        self.element = Element("ComponentType", name=kind, extends="baseCellMembPotCap", description=model.title)
        self.dynamics = Element("Dynamics")
        self._declarations()
        self.element.append(self.dynamics)
        self._states()
        self._named()
        self._slopes()
        self._start()

    def _declarations(self) -> None:
        # A temperature is a parameter like others: jNeuroML's NEURON knows none in a cell's type.
        for name in self.model.parameters:
            if name != "C_m":
                SubElement(self.element, "Parameter", name=lems_name(name), dimension="none")
        constants(self.element, ["VOLT_SCALE", "TIME_SCALE"])
        current, capacitance = _SCALES[self.model.units]
        self._constant("CURRENT_SCALE", current, "current")
        self._constant("CAP_SCALE", capacitance, "capacitance")
        for s in self.model.rows[1:]:
            SubElement(self.element, "Exposure", name=lems_name(s.name), dimension="none")
        if self.sums_inputs:
            SubElement(self.element, "Attachments", name="synapses", type="basePointCurrent")

    def _constant(self, name: str, value: str, dimension: str = "none") -> None:
        """Constants stand before what uses them: after the parameters."""
        place = 1 + max(k for k, e in enumerate(self.element) if e.tag in ("Parameter", "Constant"))
        self.element.insert(place, Element("Constant", name=name, dimension=dimension, value=value))

    def _states(self) -> None:
        SubElement(self.dynamics, "StateVariable", name="v", dimension="voltage", exposure="v")
        SubElement(self.dynamics, "StateVariable", name="spiking", dimension="none")
        for s in self.model.rows[1:]:
            name = lems_name(s.name)
            SubElement(self.dynamics, "StateVariable", name=name, dimension="none", exposure=name)
        if self.sums_inputs:
            SubElement(
                self.dynamics, "DerivedVariable", name="iSyn", dimension="current", exposure="iSyn",
                select="synapses[*]/i", reduce="add",
            )  # fmt: skip
        derived(self.dynamics, "V", "v / VOLT_SCALE")
        derived(self.dynamics, "i_app", "iSyn / CURRENT_SCALE")
        derived(self.dynamics, "C_m", "C / CAP_SCALE")

    def formula(self, text: str, section: Compartment) -> str:
        """A formula of a compartment as LEMS."""
        written = self.model.written_out(text, section)
        return write_formula(self.dynamics, self.writer, written, self.values, section.potential)

    # --- what is no state: instantaneous gates, currents, the state of a scheme that is not integrated ---
    def _named(self) -> None:
        found: dict[str, tuple[Channel, Compartment, Gate | None]] = {}
        for section in self.model.sections:
            for c in section.channels:
                found[f"i_{c.name}"] = c, section, None
                found |= {g.name: (c, section, g) for g in c.gates}
                if c.scheme is not None:
                    found[c.scheme.eliminated] = c, section, None
        for name in named_order(self.model):
            channel, section, gate = found[name]
            if name == f"i_{channel.name}":
                value = self._current(channel, section)
            elif gate is not None:
                value = self.formula(gate.steady, section)
            else:
                assert channel.scheme is not None
                value = " - ".join(["1", *map(lems_name, channel.scheme.integrated)])
            derived(self.dynamics, lems_name(name), value)

    def _current(self, c: Channel, section: Compartment) -> str:
        if c.current is not None:
            return self.formula(c.current, section)
        opening = [] if c.opening is None else [self.formula(c.opening, section)]
        if c.opening is None:
            opening = [lems_name(g.name) if g.power == 1 else f"({lems_name(g.name)} ^ {g.power})" for g in c.gates]
        E = self.formula(c.E, section) if isinstance(c.E, str) else lems_name(f"E_{c.name}")
        return " * ".join([lems_name(f"g_{c.name}"), *opening, f"({lems_name(section.potential)} - {E})"])

    # --- slopes ---
    def _slopes(self) -> None:
        for section in self.model.sections:
            scale = " * VOLT_SCALE" if section.coupling is None else ""
            name = "v" if section.coupling is None else lems_name(section.potential)
            entering, capacitance = self._entering(section), lems_name(section.capacitance)
            if section.coupling is None:
                derived(self.dynamics, "iMemb", f"({entering}) * CURRENT_SCALE", "current", "iMemb")
            self._slope(name, f"({entering}) / {capacitance}", scale)
            for c in section.channels:
                for g in c.gates:
                    if not g.instantaneous:
                        self._slope(lems_name(g.name), self._gate(g, c, section))
                self._scheme(c, section)
            for p in section.pools:
                a, b = self.formula(p.a, section), self.formula(p.b, section)
                self._slope(lems_name(p.name), f"{a} - ({b} * {lems_name(p.name)})")

    def _slope(self, name: str, value: str, scale: str = "") -> None:
        SubElement(self.dynamics, "TimeDerivative", variable=name, value=f"({value}){scale} / TIME_SCALE")

    def _gate(self, g: Gate, c: Channel, section: Compartment) -> str:
        x, scale = lems_name(g.name), self.formula(g.rate_scale or c.rate_scale, section)
        factor = "" if scale == "1" else f"{scale} * "
        if g.alpha is not None and g.beta is not None:
            alpha, beta = self.formula(g.alpha, section), self.formula(g.beta, section)
            return f"{factor}(({alpha} * (1 - {x})) - ({beta} * {x}))"
        return f"{factor}(({self.formula(g.inf or '', section)} - {x}) / {self.formula(g.tau or '', section)})"

    def _scheme(self, c: Channel, section: Compartment) -> None:
        if c.scheme is None:
            return
        scale = self.formula(c.rate_scale, section)
        factor = "" if scale == "1" else f"{scale} * "
        flows: dict[str, list[str]] = {name: ["0"] for name in c.scheme.integrated}
        for r in c.scheme.reactions:
            there = f"({self.formula(r.forward, section)} * {lems_name(r.here)})"
            back = f"({self.formula(r.backward, section)} * {lems_name(r.there)})"
            for name, first, second in ((r.there, there, back), (r.here, back, there)):
                if name in flows:
                    flows[name].append(f"+ ({first} - {second})")
        for name, parts in flows.items():
            self._slope(lems_name(name), f"{factor}({' '.join(parts)})")

    def _entering(self, section: Compartment) -> str:
        """Currents into a compartment: as they stand in the model's own equations."""
        own = "i_app" if section.coupling is None else self.formula(section.i_app, section)
        parts = [own, *(f"- i_{c.name}" for c in section.channels)]
        for other, is_own, across in self.model.couplings(section):
            assert other.coupling is not None
            g = self.formula(other.coupling.g, other)
            if other.coupling.fraction is not None:
                p = self.formula(other.coupling.fraction, other)
                g = f"({g} / {f'(1 - {p})' if is_own else p})"
            parts.append(f"+ ({g} * ({lems_name(across)} - {lems_name(section.potential)}))")
        return " ".join(parts)

    def _start(self) -> None:
        """Initial values have the names that NMODL has for them, as jNeuroML's INITIAL works out slopes first."""
        start = SubElement(self.dynamics, "OnStart")
        taken = {*self.model.parameters, *self.model.states, *(f.get("name") for f in self.dynamics)}
        for name, value in initial_states(self.model).items():
            if name == "V":
                SubElement(start, "StateAssignment", variable="v", value=f"{number(value)} * VOLT_SCALE")
                continue
            own, given = lems_name(name), f"{lems_name(name)}0"
            if given in taken:
                given = number(value)
            else:
                self._constant(given, plain(value))
            SubElement(start, "StateAssignment", variable=own, value=given)
        SubElement(start, "StateAssignment", variable="spiking", value="0")
        for test, state in ((f"V .gt. {number(_THRESHOLD)} .and. spiking .lt. 0.5", "1"),
                            (f"V .lt. {number(_THRESHOLD)}", "0")):  # fmt: skip
            event = SubElement(self.dynamics, "OnCondition", test=test)
            SubElement(event, "StateAssignment", variable="spiking", value=state)
            if state == "1":
                SubElement(event, "EventOut", port="spike")

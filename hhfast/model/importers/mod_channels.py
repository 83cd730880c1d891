"""From an executed .mod file to channels and states: how each state moves and where it starts, parameters, ions."""

from __future__ import annotations

import ast
import re

from hhfast.model.importers.expressions import (
    Expr,
    factors,
    number,
    product,
    terms,
    value_of,
    variable,
)
from hhfast.model.importers.forms import Law, law, step_law
from hhfast.model.importers.mechanism import Mechanism
from hhfast.model.importers.mod_currents import CurrentReader
from hhfast.model.importers.mod_execution import Execution
from hhfast.model.importers.mod_initial import Start
from hhfast.model.importers.part import DEFAULTS, ChannelForm, Part, SchemeForm, StateForm

VALENCES = {"ca": 2.0, "na": 1.0, "k": 1.0, "cl": -1.0}
_UNITS = {"celsius": "degC", "diam": "um"}


def part_of(mechanism: Mechanism) -> Part:
    """The channels, states and parameters of a file. Raises `InputError` for what cannot be expressed."""
    return _Translation(mechanism).part()


class _Translation:
    def __init__(self, mechanism: Mechanism) -> None:
        self.m = mechanism
        self.run = Execution(mechanism)
        self.run.run()
        self.table = self.run.table
        self.notes: list[str] = []

    def part(self) -> Part:
        states, scheme = self.states()
        channels = self.channels(scheme)
        concentrations = self.concentrations()
        if not channels and not concentrations:
            raise self.m.refused("NEURON", "it makes no current and sets no concentration", r"\bSUFFIX\b")
        if self.run.tables:
            self.notes.append("TABLE is ignored: rates are computed, not interpolated.")
        self.notes += [
            f"{name} decides the form of the equations: as in the file, it is {self.value(name):g}."
            for name in sorted(self.run.fixed)
        ]
        given = frozenset(n for n, (value, _) in self.m.parameters.items() if value is not None)
        ions = {name: ion.name for ion in self.m.ions for name in (*ion.reads, *ion.writes)}
        found = Part(
            self.m.name, self.m.path.name, self.m.text.title, self.table, channels, states, {}, concentrations,
            self.valences(), ions, given, self.notes,
        )  # fmt: skip
        found.parameters = self.parameters(found)
        return found

    # --- states ---
    def states(self) -> tuple[list[StateForm], SchemeForm | None]:
        final = self.run.final
        found, in_scheme = [], {x for r in self.run.reactions for x in (r.here, r.there)}
        scheme = self.scheme(in_scheme) if in_scheme else None
        start = Start(self.run, self.value, self.notes)
        for x in self.m.states:
            if x in in_scheme or (x in final and f"{x}'" not in final and f"{x}+" not in final):
                continue
            if f"{x}'" in final:
                slope = final[f"{x}'"]
                self.check_time(slope, of=x)
                own = law(slope, x, self.table) or Law({"a": slope, "b": number(0)})
            elif f"{x}+" in final:
                own = self.step(x, final[f"{x}+"])
                self.check_time(*own.formulas.values(), of=x)
            elif x in self.m.parameters or self.m.ion_of(x) or not self.used(x):
                continue
            else:  # it stays where INITIAL puts it
                own = Law({"a": number(0), "b": number(0)})
            unit = "mM" if self.m.ion_of(x) or self.is_concentration(x) else "1"
            found.append(StateForm(x, own, start.of(x, own), unit))
        return found, scheme

    def step(self, x: str, new: Expr) -> Law:
        found = step_law(self.without_switches(new), x, self.table)
        if found is None:
            reason = f"that of '{x}' is neither x + (1 - exp(-dt / tau)) * (inf - x) nor an Euler step"
            raise self.m.refused("step by hand", reason, rf"\b{x}\s*=")
        return found

    def without_switches(self, new: Expr) -> Expr:
        """A step without factors that are parameters of value 1: with another value it would be no step in time."""
        sign, above, below = factors(new)
        switches = {f.id for f in above if isinstance(f, ast.Name) and self.m.parameters.get(f.id, (None,))[0] == 1.0}
        self.run.fixed |= switches
        return product(sign, [f for f in above if not (isinstance(f, ast.Name) and f.id in switches)], below)

    def is_concentration(self, x: str) -> bool:
        return any(x in self.table.bases(e) for e in self.concentrations().values())

    def used(self, x: str) -> bool:
        return any(x in self.table.bases(e) for e in self.run.final.values())

    def check_time(self, *expressions: Expr, of: str) -> None:
        for e in expressions:
            if isinstance(e, ast.expr) and (bad := self.table.bases(e) & {"t", "dt"}):
                raise self.m.refused(min(bad), f"'{of}' depends on it", rf"\b{min(bad)}\b")

    def scheme(self, states: set[str]) -> SchemeForm:
        order = [x for x in self.m.states if x in states]
        if states - set(order):
            raise self.m.refused("KINETIC", f"'{min(states - set(order))}' is no STATE", r"\bKINETIC\b")
        total = self.total(order)
        if total != 1.0:
            raise self.m.refused("KINETIC", "its states are not said to sum to 1 (CONSERVE)", r"\bKINETIC\b")
        for r in self.run.reactions:
            for e in (r.forward, r.backward):
                self.check_time(e, of=r.here)
        start = {}
        if not self.run.steady_start:
            given = {x: value_of(self.table.opened(self.run.initial.get(x, number(0)))) for x in order}
            if all(v is not None for v in given.values()) and sum(v or 0 for v in given.values()) == 1:
                start = {x: v or 0.0 for x, v in given.items()}
                start.pop(order[0])
        reactions = [(r.here, r.there, r.forward, r.backward) for r in self.run.reactions]
        return SchemeForm(order, reactions, start)

    def total(self, order: list[str]) -> float | None:
        """What the states sum to: by CONSERVE, else by INITIAL."""
        for left, right in self.run.conserved:
            members = {t.id for s, t in terms(left) if s > 0 and isinstance(t, ast.Name)}
            if members == set(order):
                return value_of(self.table.opened(right))
        if self.run.steady_start:
            return None
        given = [value_of(self.table.opened(self.run.initial.get(x, number(0)))) for x in order]
        return None if any(v is None for v in given) else float(sum(v or 0.0 for v in given))

    # --- currents ---
    def channels(self, scheme: SchemeForm | None) -> list[ChannelForm]:
        found = []
        for name in self.m.currents:
            if name not in self.run.final:
                raise self.m.refused("BREAKPOINT", f"'{name}' is given no value", rf"\b{name}\b")
            e = self.run.final[name]
            self.check_time(e, of=name)
            ion = self.m.ion_of(name)
            channel = ChannelForm("", name, ion.name if ion else "")
            CurrentReader(self.m, self.table, self.value).read(channel, e)
            found.append(channel)
        for k, channel in enumerate(found):
            channel.name = (
                self.m.name if len(found) == 1 else f"{self.m.name}_{channel.variable.removeprefix('i') or k}"
            )
        if scheme is not None:
            users = [c for c in found if self.table.bases(self.run.final[c.variable]) & set(scheme.states)]
            if not users:
                raise self.m.refused("KINETIC", "no current depends on its states", r"\bKINETIC\b")
            users[0].scheme = scheme
        return found

    def concentrations(self) -> dict[str, Expr]:
        """The concentrations that it sets, in terms of its states."""
        found = {}
        for ion in self.m.ions:
            for name in ion.writes:
                if name == f"i{ion.name}":
                    continue
                if name.startswith("e"):
                    raise self.m.refused("USEION", f"it writes {name}; reversal potentials are not set by channels",
                                         rf"\bWRITE\b[^\n]*{name}")  # fmt: skip
                found[name] = self.run.final.get(name, variable(name))
        return found

    def valences(self) -> dict[str, float]:
        return {i.name: i.valence if i.valence is not None else VALENCES.get(i.name, 1.0) for i in self.m.ions}

    # --- parameters ---
    def value(self, name: str) -> float:
        """The number of a parameter: the file's, else NEURON's own, else 0."""
        if name in self.m.constants:
            return self.m.constants[name]
        given = self.m.parameters.get(name, (None, ""))[0]
        if given is not None:
            return given
        read = name in ("celsius", "diam") or any(name in ion.reads for ion in self.m.ions)
        return DEFAULTS.get(name, 0.0) if read else 0.0

    def parameters(self, part: Part) -> dict[str, tuple[float, str]]:
        """All that the part's expressions name and that is no state, with value and unit."""
        used = set[str]().union(*map(self.table.bases, part.expressions()))
        own = {x.name for x in part.states} | {x for c in part.channels if c.scheme for x in c.scheme.states}
        found = {}
        unset = self.run.variables.unset
        for name in sorted(used - own - {"v", "g@"}, key=[*self.m.parameters, *sorted(used)].index):
            if bad := {"t", "dt", "area"} & {name}:
                raise self.m.refused(min(bad), "its equations depend on it", rf"\b{min(bad)}\b")
            if (own_name := unset.get(name)) in self.run.variables.remembered:
                reason = f"'{own_name}' depends on its value of the step before"
                raise self.m.refused("memory", reason, rf"\b{re.escape(str(own_name))}\s*=")
            if own_name in self.run.initial and self.m.ion_of(name) is None:
                reason = f"'{own_name}' keeps what INITIAL gives it, at the potential of the start"
                raise self.m.refused("memory", reason, rf"\b{re.escape(own_name)}\s*=")
            if name in unset and self.m.ion_of(name) is None:
                self.notes.append(f"{name} is given no value in the file: 0, as in NEURON.")
            found[name] = self.value(name), _UNITS.get(name, self.m.parameters.get(name, (None, ""))[1])
        return found

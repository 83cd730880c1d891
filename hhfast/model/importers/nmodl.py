"""import_nmodl: channels of NEURON's .mod files as a model, proven against the files."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from hhfast.errors import InputError
from hhfast.inputs import path_of
from hhfast.model.importers.assemble import Assembly
from hhfast.model.importers.guards import without_guards
from hhfast.model.importers.imported import Imported
from hhfast.model.importers.mechanism import Mechanism, read_mechanism
from hhfast.model.importers.mod_arithmetic import reversal
from hhfast.model.importers.mod_channels import part_of
from hhfast.model.importers.mod_interpreter import Interpreter
from hhfast.model.importers.mod_variables import SPECIAL
from hhfast.model.importers.part import DEFAULTS, Part
from hhfast.model.importers.verification import Source, States, verify
from hhfast.model.load import parse_model
from hhfast.model.model import Model
from hhfast.model.toml_text import toml_text

_GUARDS = "Guards around removable poles are left out: hhfast evaluates such a formula exactly there."
_UNITS = "Converted: S/cm2 to mS/cm2, mA/cm2 to uA/cm2; concentrations stay in mM, potentials in mV, times in ms."
_MAX_FILES = 50
_DT = 1e-5  # ms; by which steps by hand are looked at


def import_nmodl(*files: str | Path, name: str | None = None) -> Imported:
    """A model from one or several .mod files: their currents, gates, kinetic schemes and concentrations.

    files : paths; an INCLUDE is looked for in the file's folder. name : of the model (default: the first SUFFIX).
    Nothing in a file is executed. Formulas are kept as their author wrote them; densities are converted to mS/cm2 and
    uA/cm2. The result has `model`, its file as `text`, and `verification`: the file's own equations, carried out apart
    from the translation, against the model. A membrane (C_m = 1 uF/cm2) is added; there is no leak but the file's.
    Raises `InputError` (file, line, construct, reason) for what cannot be expressed.
    Hines & Carnevale 2000, Neural Comput 12:995-1007 (NMODL).
    """
    if not 1 <= len(files) <= _MAX_FILES:
        raise InputError(f"give 1 to {_MAX_FILES} .mod files, not {len(files)}")
    mechanisms = [read_mechanism(path_of("files", f)) for f in files]
    try:
        parts = [part_of(m) for m in mechanisms]
        model, assembly = _translated(parts, name)
        verification = verify(model, _source(model, mechanisms, assembly))
    except RecursionError:
        raise InputError(f"{mechanisms[0].path.name}: its formulas are nested too deeply") from None
    return Imported(model, verification)


def _translated(parts: list[Part], name: str | None) -> tuple[Model, Assembly]:
    try:
        return _model(parts, name)
    except InputError as error:
        guarded = [without_guards(part.table) for part in parts]
        if all(new.formulas == part.table.formulas for new, part in zip(guarded, parts, strict=True)):
            raise error from None
    for part, table in zip(parts, guarded, strict=True):
        part.table = table
        part.notes.append(_GUARDS)
    return _model(parts, name)


def _model(parts: list[Part], name: str | None) -> tuple[Model, Assembly]:
    assembly = Assembly(parts)
    sources = ", ".join(f"{p.source} (SUFFIX {p.name})" for p in parts)
    assembly.notes += [f"Imported from {sources}.", _UNITS]
    title = parts[0].title if len(parts) == 1 else ""
    table = assembly.table(name or parts[0].name, title)
    return parse_model(toml_text(table), parts[0].source), assembly


def _source(model: Model, mechanisms: list[Mechanism], assembly: Assembly) -> Source:
    """The files' own equations at given potentials and states of the model."""
    files = [_File(k, m, assembly) for k, m in enumerate(mechanisms)]
    shared = {file: model.parameters[mine].value for file, mine in assembly.shared_names.items()}

    def evaluate(v: float, states: States) -> tuple[dict[str, float], float]:
        slopes: dict[str, float] = {}
        currents: dict[str, float] = {}
        outside = shared | {"v": v}
        for file in files:
            outside |= file.set_concentrations(states)
        # Files that make currents first: those of concentrations read them.
        for file in sorted(files, key=lambda f: not f.mechanism.currents):
            given = outside | {f"i{ion}": i for ion, i in currents.items()}
            found, own = file.evaluate(states, given)
            slopes |= found
            for current, i in own.items():
                ion = file.mechanism.ion_of(current)
                key = ion.name if ion is not None else f"{current} of {file.mechanism.name}"
                currents[key] = currents.get(key, 0.0) + i
        return slopes, 1e3 * sum(currents.values())

    return evaluate


@dataclass
class _File:
    """A file with its states' names in the model."""

    index: int
    mechanism: Mechanism
    assembly: Assembly

    def __post_init__(self) -> None:
        self.names = {x: mine for (k, x), mine in self.assembly.state_names.items() if k == self.index}
        self.interpreter = Interpreter(self.mechanism, set(self.names))

    def set_concentrations(self, states: States) -> dict[str, float]:
        own = {x: states[mine] for x, mine in self.names.items() if mine in states}
        part = self.assembly.parts[self.index]
        if not part.concentrations:
            return {}
        found = self.interpreter.evaluate(own, {"v": -65.0, "dt": _DT, "celsius": 6.3})
        return {name: found.get(name, math.nan) for name in part.concentrations}

    def evaluate(self, states: States, given: dict[str, float]) -> tuple[dict[str, float], dict[str, float]]:
        own = {x: states[mine] for x, mine in self.names.items() if mine in states}
        for x, mine in self.names.items():
            if mine not in states:  # the state of a scheme that is 1 less the others
                scheme = next(c.scheme for c in self.assembly.parts[self.index].channels if c.scheme)
                own[x] = 1.0 - sum(own[y] for y in scheme.states if y != x)
        given = self._reversals(given)
        values = self.interpreter.evaluate(own, given | {"dt": _DT})
        later = None
        slopes = {}
        for x, mine in self.names.items():
            if f"{x}+" in values:
                later = later or self.interpreter.evaluate(own, given | {"dt": 2 * _DT})
                slopes[mine] = _slope_of_steps(own[x], values[f"{x}+"], later[f"{x}+"])
            elif f"{x}'" in values:
                slopes[mine] = values[f"{x}'"]
        return slopes, {i: values.get(i, math.nan) for i in self.mechanism.currents}

    def _reversals(self, given: dict[str, float]) -> dict[str, float]:
        """With the reversal potentials and concentrations that the file reads."""
        part = self.assembly.parts[self.index]
        read = {name for ion in self.mechanism.ions for name in ion.reads} | {"celsius", "diam"}
        found = {n: v for n, v in DEFAULTS.items() if n in read and n not in part.given}
        own = {*self.mechanism.parameters, *self.mechanism.assigned, *self.mechanism.states} - read - SPECIAL
        found |= {n: v for n, v in given.items() if n not in own}
        for ion, z in part.valences.items():
            if self.assembly.is_nernst(self.index, f"e{ion}"):
                inside, outside, celsius = ({**DEFAULTS, **given}[n] for n in (f"{ion}i", f"{ion}o", "celsius"))
                found[f"e{ion}"] = reversal(inside, outside, z, celsius)
        return found


def _slope_of_steps(x: float, once: float, twice: float) -> float:
    """dx/dt behind steps of dt and of 2 dt from x: an exponential approach, or Euler's.

    The two ends of x = inf + (x - inf) q and q**2 give q; for Euler's step they are in proportion.
    """
    first, second = once - x, twice - x
    if first == 0 or math.isclose(second, 2 * first, rel_tol=1e-13):
        return first / _DT
    q = second / first - 1.0
    if q <= 0:
        return math.nan
    return first / (1.0 - q) * -math.log(q) / _DT

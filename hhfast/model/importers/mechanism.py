"""What a .mod file declares: names, ions, parameters, states, and its blocks. Their statements are left as parsed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hhfast.errors import InputError
from hhfast.model.formula_functions import F, R
from hhfast.model.importers.mod_parser import parse_mod
from hhfast.model.importers.mod_text import ModText, read_mod

# What UNITS can give a number to, in NEURON's table of units, and the scales it is asked for in.
_UNIT_CONSTANTS = {"faraday": F, "k-mole": R, "pi": math.pi, "r": R, "mole k": R, "avogadro": 6.02214076e23,
                   "e": 1.602176634e-19, "k": 1.380649e-23}  # fmt: skip
_UNIT_SCALES = {"": 1.0, "1": 1.0, "coulomb": 1.0, "coulombs": 1.0, "coul": 1.0, "coulomb/mole": 1.0,
                "coul/mole": 1.0, "kilocoulombs": 1e-3, "kilocoulomb": 1e-3, "joule/degc": 1.0, "joule/k": 1.0,
                "joule-degc": 1.0, "joule": 1.0, "joules": 1.0, "millijoule/degc": 1e3, "joule/degk": 1.0,
                "kilocoulomb/mole": 1e-3, "joule/degc-mole": 1.0, "volt coul/degc": 1.0, "mv-coul/degc": 1e3,
                "mv-coulomb/degc": 1e3, "volt-coul/degc": 1.0, "joule/kelvin": 1.0, "degc": 1.0}  # fmt: skip
_REFUSED_BLOCKS = {
    "FunctionTableBlock": ("FUNCTION_TABLE", "its values come from the program that uses the file"),
    "NetReceiveBlock": ("NET_RECEIVE", "a synapse or an artificial cell is no channel"),
    "BABlock": ("BEFORE/AFTER", "blocks at special times have no place in equations"),
    "BeforeBlock": ("BEFORE", "blocks at special times have no place in equations"),
    "AfterBlock": ("AFTER", "blocks at special times have no place in equations"),
    "DiscreteBlock": ("DISCRETE", "it is no differential equation"),
    "NonLinearBlock": ("NONLINEAR", "equations that have to be solved are not supported"),
}
_REFUSED_STATEMENTS = {
    "ElectrodeCurrent": ("ELECTRODE_CURRENT", "an electrode is no channel"),
    "Pointer": ("POINTER", "it points to something outside the file"),
    "BbcorePointer": ("BBCOREPOINTER", "it points to data of C code"),
    "External": ("EXTERNAL", "it refers to something outside the file"),
    "RandomVarList": ("RANDOM", "random numbers have no place in equations"),
    "LonDiffuse": ("LONGITUDINAL_DIFFUSION", "diffusion along a cable has no place in one compartment"),
}


@dataclass(frozen=True)
class Ion:
    """A USEION statement."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    valence: float | None


@dataclass
class Mechanism:
    """A .mod file: declarations as data, statements as nodes of the parser's tree."""

    text: ModText
    name: str = ""
    ions: list[Ion] = field(default_factory=list)
    nonspecific: list[str] = field(default_factory=list)
    parameters: dict[str, tuple[float | None, str]] = field(default_factory=dict)
    constants: dict[str, float] = field(default_factory=dict)
    assigned: set[str] = field(default_factory=set)
    states: list[str] = field(default_factory=list)
    functions: dict[str, Any] = field(default_factory=dict)
    procedures: dict[str, Any] = field(default_factory=dict)
    equations: dict[str, Any] = field(default_factory=dict)  # DERIVATIVE and KINETIC blocks by name
    linear: set[str] = field(default_factory=set)
    initial: Any = None
    breakpoint: Any = None
    tree: Any = None  # what the blocks are parts of

    @property
    def path(self) -> Path:
        return self.text.path

    def refused(self, construct: str, reason: str, pattern: str = "") -> InputError:
        return self.text.refused(construct, reason, pattern)

    @property
    def currents(self) -> list[str]:
        """The currents it makes: those of ions, then the nonspecific ones."""
        of_ions = [w for ion in self.ions for w in ion.writes if w == f"i{ion.name}"]
        return list(dict.fromkeys(of_ions + self.nonspecific))

    def ion_of(self, name: str) -> Ion | None:
        """The ion whose variable it is, by USEION."""
        return next((i for i in self.ions if name in (*i.reads, *i.writes)), None)


def read_mechanism(path: Path) -> Mechanism:
    """The declarations of a file. Raises `InputError` (file, line, construct, reason) for what has no meaning here."""
    text = read_mod(path)
    found = Mechanism(text, tree=parse_mod(text))
    for block in found.tree.blocks:
        kind = type(block).__name__
        if kind in _REFUSED_BLOCKS:
            construct, reason = _REFUSED_BLOCKS[kind]
            raise found.refused(construct, reason, rf"\b{construct.partition('/')[0]}\b")
        reader = _READERS.get(kind)
        if reader is not None:
            reader(found, block)
    if not found.name:
        raise found.refused("NEURON", "the block is missing or gives no SUFFIX")
    if found.breakpoint is None and found.currents:
        raise found.refused("BREAKPOINT", "the block is missing")
    return found


def _neuron(found: Mechanism, block: Any) -> None:
    for s in block.statement_block.statements:
        kind = type(s).__name__
        if kind in _REFUSED_STATEMENTS:
            construct, reason = _REFUSED_STATEMENTS[kind]
            raise found.refused(construct, reason, rf"\b{construct}\b")
        if kind == "Suffix":
            kind = str(s.type.value)
            if kind != "SUFFIX":
                raise found.refused(kind, "only density mechanisms (SUFFIX) are channels", kind)
            found.name = str(s.name.value)
        elif kind == "Useion":
            valence = None if s.valence is None else float(s.valence.value.eval())
            reads, writes = (tuple(str(x.name.value) for x in group) for group in (s.readlist, s.writelist))
            found.ions.append(Ion(str(s.name.value), reads, writes, valence))
        elif kind == "Nonspecific":
            found.nonspecific += [str(c.name.value) for c in s.currents]


def _parameters(found: Mechanism, block: Any) -> None:
    for s in block.statements:
        if type(s).__name__ == "ParamAssign":
            value = None if s.value is None else float(s.value.eval())
            unit = "" if s.unit is None else str(s.unit.name.value)
            found.parameters[_name(found, s.name)] = value, unit


def _constants(found: Mechanism, block: Any) -> None:
    for s in block.statements:
        found.constants[str(s.constant.name.value)] = float(s.constant.value.eval())


def _units(found: Mechanism, block: Any) -> None:
    for s in block.definitions:
        if type(s).__name__ != "FactorDef":
            continue
        name = str(s.name.value)
        if s.value is not None:
            found.constants[name] = float(s.value.eval())
            continue
        base = str(s.unit1.name.value).lower()
        scale = "" if s.unit2 is None else str(s.unit2.name.value).lower()
        factor, of = _multiple(scale)
        if base not in _UNIT_CONSTANTS or of not in _UNIT_SCALES or not factor:
            raise found.refused("UNITS", f"{name} = ({base}) ({scale}) is no constant known here", rf"\b{name}\s*=")
        found.constants[name] = _UNIT_CONSTANTS[base] * _UNIT_SCALES[of] / factor


def _multiple(scale: str) -> tuple[float, str]:
    """The number before a unit, as in (10000 coulomb), and the unit."""
    number, _, unit = scale.partition(" ")
    return (float(number), unit.strip()) if number.isdecimal() and number.isascii() and unit else (1.0, scale)


def _assigned(found: Mechanism, block: Any) -> None:
    found.assigned |= {str(d.name.value) for d in block.definitions if type(d.name).__name__ == "Name"}


def _states(found: Mechanism, block: Any) -> None:
    for d in block.definitions:
        if d.length is not None:
            raise found.refused("arrays", f"STATE {d.name.value} is one", rf"\b{d.name.value}\s*\[")
        found.states.append(_name(found, d.name))


def _name(found: Mechanism, node: Any) -> str:
    """The plain name of a declared variable."""
    if type(node).__name__ != "Name":
        raise found.refused("arrays", "they are not supported", r"\w\s*\[")
    if not str(node.value).isidentifier():
        raise found.refused("name", str(node.value)[:80])
    return str(node.value)


def _local(found: Mechanism, block: Any) -> None:
    found.assigned |= {str(v.name.value) for v in block.variables if type(v.name).__name__ == "Name"}


def _set(attribute: str) -> Any:
    def reader(found: Mechanism, block: Any) -> None:
        setattr(found, attribute, block.statement_block)

    return reader


def _add(attribute: str) -> Any:
    def reader(found: Mechanism, block: Any) -> None:
        getattr(found, attribute)[str(block.name.value)] = block

    return reader


def _linear(found: Mechanism, block: Any) -> None:
    found.linear.add(str(block.name.value))


_READERS: dict[str, Any] = {
    "NeuronBlock": _neuron,
    "ParamBlock": _parameters,
    "ConstantBlock": _constants,
    "UnitBlock": _units,
    "AssignedBlock": _assigned,
    "StateBlock": _states,
    "LocalListStatement": _local,
    "InitialBlock": _set("initial"),
    "BreakpointBlock": _set("breakpoint"),
    "FunctionBlock": _add("functions"),
    "ProcedureBlock": _add("procedures"),
    "DerivativeBlock": _add("equations"),
    "KineticBlock": _add("equations"),
    "LinearBlock": _linear,
}

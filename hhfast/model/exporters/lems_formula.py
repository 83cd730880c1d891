"""Formulas as LEMS arithmetic: it has neither `a if c else b` nor min and max, so these become variables with cases."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from itertools import count

from hhfast.model.formula_functions import ZERO_CELSIUS, F, R
from hhfast.model.formulas import parse

Case = tuple[str, str]  # condition, value
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "^",
}
ALWAYS = "1 .eq. 1"  # PyLEMS fails at a case without condition
_LONG = 200  # characters of a term that gets a name: NMODL takes no line of 512, and jNeuroML makes one of a formula
_OPPOSITE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: ".lt.", ast.Gt: ".gt.", ast.GtE: ".geq.", ast.Eq: ".eq.", ast.NotEq: ".neq.",
}  # fmt: skip
# What LEMS and its core types call their own things, and NEURON, to which jNeuroML translates.
_TAKEN = {"v", "spiking", "iSyn", "synapses", "temperature", "surfaceArea", "sin", "cos", "tan", "ceil", "random",
          "factorial", "H", "VOLT_SCALE", "TIME_SCALE", "TEMP_SCALE", "CURRENT_SCALE", "CAP_SCALE", "C", "iMemb", "r",
          "x", "celsius", "area", "diam", "t", "dt", "L"}  # fmt: skip


def lems_name(name: str) -> str:
    """A name of the model in LEMS; names of models end in a letter or digit, so none is met."""
    return f"{name}_" if name in _TAKEN else name


def number(value: float) -> str:
    """A number that reads back as the same; a negative one as 0 less it, which every LEMS parser takes."""
    return f"(0 - {plain(-value)})" if value < 0 else plain(value)


def plain(value: float) -> str:
    """As `number`, for an attribute that is no formula."""
    return repr(float(value)).removesuffix(".0")


def bare(text: str) -> str:
    """Without brackets around all of it."""
    if not text.startswith("("):
        return text
    depth = 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0:
            return text[1:-1] if k == len(text) - 1 else text
    return text


class LemsWriter:
    """Writes formulas; `variables` collects those that they need, each before its use: with cases, or a long term.

    taken : names that these must not have.
    """

    def __init__(self, taken: Collection[str]) -> None:
        self.taken = taken
        self.variables: dict[str, list[Case]] = {}
        self._branches = 0  # in how many we are: a name of its own is worked out whether its branch is taken or not

    def text(self, formula: str, *, whole: bool = False) -> str:
        """A formula, written out, as LEMS; with brackets around it where there is more than one term.

        whole : without names for long terms, as where these may be 0/0.
        """
        self._branches += whole
        written = self._of(parse(formula))
        self._branches -= whole
        return written

    def _of(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=int() | float() as value):
                return number(value)
            case ast.Name(id=name):
                return lems_name(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f"(0 - {self._of(operand)})"
            case ast.UnaryOp(operand=operand):
                return self._of(operand)
            case ast.BinOp(left=left, op=op, right=right):
                written = f"({self._of(left)} {_OPERATORS[type(op)]} {self._of(right)})"
                return written if self._branches or len(written) <= _LONG else self.variable([(ALWAYS, written)])
            case ast.IfExp(test=test, body=body, orelse=orelse):
                cases = [(test, body), (_opposite(test), orelse)]
                self._branches += 1
                written_cases = [(self._condition(when), self._of(value)) for when, value in cases]
                self._branches -= 1
                return self.variable(written_cases)
            case ast.Call(func=ast.Name(id=name), args=args):
                return self._call(name, [self._of(a) for a in args])
        raise AssertionError(ast.dump(node))

    def _condition(self, node: ast.expr) -> str:
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                if isinstance(op, ast.LtE):  # for which jLEMS and PyLEMS have no name in common
                    left, op, right = right, ast.GtE(), left
                return f"({self._of(left)} {_COMPARISONS[type(op)]} {self._of(right)})"
            case ast.BoolOp(op=op, values=values):
                return self._joined(".and." if isinstance(op, ast.And) else ".or.", map(self._condition, values))
        raise AssertionError(ast.dump(node))

    @staticmethod
    def _joined(operator: str, parts: Iterable[str]) -> str:
        first, *others = parts
        for part in others:
            first = f"({first} {operator} {part})"
        return first

    def _call(self, name: str, given: list[str]) -> str:
        match name, given:
            case (("min" | "max"), [first, *others]):
                for other in others:
                    less, more = (first, other) if name == "min" else (other, first)
                    first = self.variable([(f"({less} .lt. {more})", first), (f"({less} .geq. {more})", other)])
                return first
            case "nernst", [inside, outside, z, celsius]:
                return f"({self._thermal(z, celsius)} * log({outside} / {inside}))"
            case "ghk", [V, inside, outside, z, celsius]:
                return self._ghk(V, inside, outside, z, celsius)
        # PyLEMS has no ln; log is the natural one in LEMS, as in NeuroML's own Nernst potential.
        return f"{'log' if name == 'ln' else name}({bare(given[0])})"

    def _thermal(self, z: str, celsius: str) -> str:
        """R T / (z F), mV."""
        return f"(({number(1e3 * R)} * ({celsius} + {number(ZERO_CELSIUS)})) / ({z} * {number(F)}))"

    def _ghk(self, V: str, inside: str, outside: str, z: str, celsius: str) -> str:
        """As in the library's formulas, with its limit at V = 0."""
        u = f"({V} / {self._thermal(z, celsius)})"
        flow = f"({u} * (({inside} - ({outside} * exp(0 - {u}))) / (1 - exp(0 - {u}))))"
        cases = [(f"(abs({u}) .lt. 1e-9)", f"({inside} - {outside})"), (f"(abs({u}) .geq. 1e-9)", flow)]
        return f"(({z} * {number(F)}) * {self.variable(cases)})"

    def variable(self, cases: list[Case]) -> str:
        """The name of a variable with these cases."""
        known = next((name for name, other in self.variables.items() if other == cases), None)
        stem, first = "case" if len(cases) > 1 else "part", len(self.variables) + 1
        free = (n for n in (f"{stem}_{k}" for k in count(first)) if n not in self.taken and n not in self.variables)
        name = known or next(free)
        self.variables[name] = cases
        return name


def _opposite(condition: ast.expr) -> ast.expr:
    match condition:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return ast.Compare(left, [_OPPOSITE[type(op)]()], [right])
        case ast.BoolOp(op=op, values=values):
            return ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), [_opposite(v) for v in values])
    raise AssertionError(ast.dump(condition))

"""Shared formulas and functions of a model, and how they are written out wherever they are used."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from hhfast.errors import InputError
from hhfast.model.elements import Formula, Function
from hhfast.model.formulas import Signatures, names_in, parse

_MAX_NODES = 5_000  # of a formula written out


@dataclass(frozen=True)
class Definitions:
    """The formulas and functions of a model."""

    formulas: tuple[Formula, ...]
    functions: tuple[Function, ...]

    @cached_property
    def signatures(self) -> Signatures:
        """The name of each function and its number of arguments."""
        return tuple((f.name, len(f.args)) for f in self.functions)

    def written_out(self, text: str, renamed: Iterable[tuple[str, str]] = ()) -> str:
        """The text with shared formulas and functions replaced by what they stand for, then names by others.

        Raises `InputError` for a formula or function that uses itself, and for a result that is too long.
        """
        tree = parse(text, self.signatures)
        other = dict(renamed)
        used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
        if not used & (self._texts.keys() | self._functions.keys() | other.keys()):
            return text
        written = _Writing(self._texts, self._functions, self.signatures, other).of(tree, {}, ())
        return ast.unparse(ast.fix_missing_locations(written))

    def body_names(self, function: Function) -> frozenset[str]:
        """The names in a function's body, its arguments and the shared formulas left out."""
        return names_in(parse(function.text, self.signatures)) - set(function.args) - self._texts.keys()

    @cached_property
    def _texts(self) -> dict[str, str]:
        return {f.name: f.text for f in self.formulas}

    @cached_property
    def _functions(self) -> dict[str, Function]:
        return {f.name: f for f in self.functions}


@dataclass
class _Writing:
    """One formula being written out."""

    formulas: dict[str, str]
    functions: dict[str, Function]
    signatures: Signatures
    renamed: dict[str, str]
    nodes: int = 0

    def of(self, node: ast.expr, bound: dict[str, ast.expr], within: tuple[str, ...]) -> ast.expr:
        """The node with everything replaced; `bound`: the arguments of the function that it stands in."""
        self.nodes += 1
        if self.nodes > _MAX_NODES:
            raise InputError(f"becomes too long when its formulas are written out ({_MAX_NODES} terms are allowed)")
        match node:
            case ast.Name(id=name) if name in bound:
                self.nodes += sum(1 for _ in ast.walk(bound[name]))
                return bound[name]
            case ast.Name(id=name) if name in self.formulas:
                return self.of(parse(self.formulas[name], self.signatures), {}, self._deeper(name, within))
            case ast.Name(id=name):
                return ast.Name(self.renamed.get(name, name), ast.Load())
            case ast.Call(func=ast.Name(id=name), args=args) if name in self.functions:
                function = self.functions[name]
                values = [self.of(argument, bound, within) for argument in args]
                body = parse(function.text, self.signatures)
                return self.of(body, dict(zip(function.args, values, strict=True)), self._deeper(name, within))
            case ast.Call(func=func, args=args):
                return ast.Call(func, [self.of(argument, bound, within) for argument in args], [])
        new = copy.copy(node)
        for field, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                setattr(new, field, self.of(value, bound, within))
            elif isinstance(value, list):
                setattr(new, field, [self.of(v, bound, within) if isinstance(v, ast.expr) else v for v in value])
        return new

    def _deeper(self, name: str, within: tuple[str, ...]) -> tuple[str, ...]:
        if name in within:
            raise InputError(f"'{name}' uses itself ({' -> '.join([*within[within.index(name) :], name])})")
        return (*within, name)

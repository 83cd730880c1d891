"""Calls of a .mod file's own functions and procedures, carried out on names; pure functions become the model's."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hhfast.model.importers.expressions import Expr, number, text, variable

if TYPE_CHECKING:
    from hhfast.model.importers.mod_execution import Execution

Environment = dict[str, Expr]


@dataclass
class Scope:
    """Where an execution is: the functions that it is inside of, their local names, whether they have set others."""

    inside: tuple[str, ...] = ()
    locals: tuple[frozenset[str], ...] = ()
    side_effects: bool = False


class Calls:
    """The calls of an execution."""

    def __init__(self, run: Execution) -> None:
        self.run, self.scope = run, run.scope

    def procedure(self, block: Any, given: list[Expr], env: Environment) -> None:
        names = [str(p.name.value) for p in block.parameters]
        if len(given) != len(names) or len(self.scope.locals) > 40:
            raise self.run.mechanism.refused("PROCEDURE", f"'{block.name.value}' is called with {len(given)} values")
        hidden = {name: env.pop(name, None) for name in names}
        self.scope.locals += (frozenset(names),)
        for name, e in zip(names, given, strict=True):
            self.run.bind(name, e, env)
        self.run.block(block.statement_block, env)
        self.scope.locals = self.scope.locals[:-1]
        restore(env, hidden)

    def function(self, name: str, given: list[Expr], env: Environment) -> Expr:
        """A call of a function of the file: a function of the model, if it but computes a value."""
        block = self.run.mechanism.functions.get(name) or self.run.mechanism.procedures[name]
        names = [str(p.name.value) for p in block.parameters]
        if len(given) != len(names) or name in self.scope.inside or len(self.scope.inside) > 20:
            raise self.run.mechanism.refused(
                "FUNCTION", f"the call of '{name}' has no end or other arguments than it takes"
            )
        if names:
            before, self.scope.side_effects = self.scope.side_effects, False
            body = self._body(block, [variable(f"{n}@{name}") for n in names], env)
            pure, self.scope.side_effects = not self.scope.side_effects, before
            if pure:
                return ast.Call(variable(self._named_function(name, names, body)), given, [])
            self.scope.side_effects = self.scope.side_effects or bool(self.scope.inside)
        inside, self.scope.inside = self.scope.inside, ()
        locals_, self.scope.locals = self.scope.locals, ()
        hidden = {n: env.pop(n, None) for n in (name, *names)}
        self.scope.locals = (*locals_, frozenset((name, *names)))
        for n, e in zip(names, given, strict=True):
            self.run.bind(n, e, env)
        self.run.block(block.statement_block, env)
        result = env.get(name, number(0))
        self.scope.inside, self.scope.locals = inside, locals_
        restore(env, hidden)
        return result

    def _body(self, block: Any, arguments: list[Expr], env: Environment) -> Expr:
        """The value of a function in terms of its arguments; everything local is written out."""
        name = str(block.name.value)
        own = {k: e for k, e in env.items() if not k.endswith(("'", "+"))}
        own.pop(name, None)
        own |= {str(p.name.value): a for p, a in zip(block.parameters, arguments, strict=True)}
        inside, locals_ = self.scope.inside, self.scope.locals
        self.scope.inside = (*inside, name)
        self.scope.locals = (frozenset(str(p.name.value) for p in block.parameters),)
        self.run.block(block.statement_block, own)
        self.scope.inside, self.scope.locals = inside, locals_
        return own.get(name, number(0))

    def _named_function(self, name: str, names: list[str], body: Expr) -> str:
        arguments = tuple(f"{n}@{name}" for n in names)
        for k in range(1, 100):
            candidate = name if k == 1 else f"{name}_{k}"
            known = self.run.table.functions.setdefault(candidate, (arguments, body))
            if text(known[1]) == text(body):
                return candidate
        raise self.run.mechanism.refused("FUNCTION", f"'{name}' has another meaning at each call")


def restore(env: Environment, hidden: dict[str, Expr | None]) -> None:
    """Give names back what they stood for."""
    for name, e in hidden.items():
        env.pop(name, None)
        if e is not None:
            env[name] = e

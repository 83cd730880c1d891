"""A .mod file carried out in numbers, straight from the parse tree: what a translation is compared with.

It shares the parse tree and the declared values with the translation, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hhfast.errors import InputError
from hhfast.model.importers.mechanism import Mechanism
from hhfast.model.importers.mod_evaluation import Evaluator, Value, Values

Action = Callable[[Values], None]
_MAX_CALLS = 50  # within each other


def _ignoring(value: Value) -> Action:
    def run(values: Values) -> None:
        value(values)

    return run


class Interpreter:
    """A mechanism that can be evaluated. `moving`: its states that keep their value when the file makes a step."""

    def __init__(self, mechanism: Mechanism, moving: set[str]) -> None:
        self.m = mechanism
        self.moving = moving
        self.starting = False
        self.calls = 0
        self.evaluator = Evaluator(mechanism, self.called)
        self.actions: dict[int, Action] = {}
        self.functions: dict[str, Callable[[Values, list[float]], float]] = {}
        given = {name: value or 0.0 for name, (value, _) in mechanism.parameters.items()}
        self.values: Values = dict.fromkeys(mechanism.assigned, 0.0) | given | mechanism.constants
        self.initial = None if mechanism.initial is None else self.block(mechanism.initial)
        self.breakpoint = None if mechanism.breakpoint is None else self.block(mechanism.breakpoint)

    def evaluate(self, states: Mapping[str, float], given: Mapping[str, float]) -> Values:
        """All variables after BREAKPOINT at these states; slopes are "x'", steps "x+".

        given : v, dt, and what comes from outside (celsius, concentrations, reversal potentials).
        Where a variable is read before it is set, as a current within DERIVATIVE, BREAKPOINT is carried out twice, as
        NEURON does for the current before it makes a step.
        """
        values = {**self.values, **given}
        if self.initial is not None:
            self.starting = True
            values |= {x: 0.0 for x in self.m.states if x not in given}
            self.initial(values)
            self.starting = False
        if self.breakpoint is None:
            return values | {"v": given["v"], **states}
        self.evaluator.early, self.evaluator.written = set(), set()
        self.breakpoint(values := values | {"v": given["v"], **states})
        if self.evaluator.early & self.evaluator.written:
            changes = {f"{x}{mark}" for x in self.m.states for mark in ("'", "+")}
            kept = {name: value for name, value in values.items() if name not in changes}
            self.breakpoint(values := kept | {"v": given["v"], **states})
        return values

    def block(self, node: Any) -> Action:
        names = [
            self.declared(v) for s in node.statements if type(s).__name__ == "LocalListStatement" for v in s.variables
        ]
        actions = [a for s in node.statements if (a := self.statement(s, set(names))) is not None]

        def run(values: Values) -> None:
            hidden = {name: values.pop(name, None) for name in names}
            for action in actions:
                action(values)
            for name, value in hidden.items():
                values.pop(name, None)
                if value is not None:
                    values[name] = value

        return run

    @staticmethod
    def declared(node: Any) -> str:
        inner = node.name
        return str(inner.name.value if type(inner).__name__ == "IndexedName" else inner.value)

    def statement(self, s: Any, local: set[str]) -> Action | None:
        match type(s).__name__:
            case "ExpressionStatement":
                return self.expression_statement(s.expression, local)
            case "IfStatement":
                return self.conditional(s)
            case "FromStatement":
                return self.loop(s)
            case "ReactionStatement":
                return self.reaction(s)
        return None

    def expression_statement(self, e: Any, local: set[str]) -> Action | None:
        kind = type(e).__name__
        if kind == "SolveBlock":
            return self.solve(e)
        if kind == "DiffEqExpression":
            node = e.expression.lhs
            state = str(node.name.value if type(node).__name__ == "VarName" else node.value)
            return self.assignment(lambda values: f"{state}'", self.evaluator.value(e.expression.rhs))
        if kind == "BinaryExpression" and str(e.op).strip() == "=":
            name = self.evaluator.name(e.lhs)
            return self.assignment(name, self.evaluator.value(e.rhs), moving=not self.plain(e.lhs) & local)
        node = e.expression if kind == "WrappedExpression" else e
        if type(node).__name__ == "FunctionCall" and str(node.name.value) == "printf":
            return None
        value = self.evaluator.value(node)
        return _ignoring(value)

    @staticmethod
    def plain(node: Any) -> set[str]:
        while type(node).__name__ == "VarName":
            node = node.name
        return {str(node.value)} if hasattr(node, "value") else set()

    def assignment(self, name: Callable[[Values], str], value: Value, moving: bool = False) -> Action:
        def assign(values: Values) -> None:
            target = name(values)
            if moving and target in self.moving and not self.starting:
                target += "+"
            values[target] = value(values)
            self.evaluator.written.add(target)

        return assign

    def solve(self, node: Any) -> Action | None:
        name = str(node.block_name.value)
        if node.steadystate is not None or name in self.m.linear:
            return None
        if name in self.m.procedures:
            return _ignoring(lambda values: self.called(name)(values, []))
        run = self.block(self.m.equations[name].statement_block)

        def start(values: Values) -> None:
            values |= {f"{x}'": 0.0 for x in self.m.states if f"{x}'" not in values}
            run(values)

        return start

    def conditional(self, s: Any) -> Action:
        branches = [(self.evaluator.value(s.condition), self.block(s.statement_block))]
        branches += [(self.evaluator.value(e.condition), self.block(e.statement_block)) for e in s.elseifs]
        otherwise = None if s.elses is None else self.block(s.elses.statement_block)

        def run(values: Values) -> None:
            for condition, block in branches:
                if condition(values):
                    return block(values)
            return otherwise(values) if otherwise is not None else None

        return run

    def loop(self, s: Any) -> Action:
        first, last = self.evaluator.value(getattr(s, "from")), self.evaluator.value(s.to)
        body = self.block(s.statement_block)
        counter = str(s.name.value)

        def run(values: Values) -> None:
            for k in range(int(first(values)), int(last(values)) + 1):
                values[counter] = float(k)
                body(values)

        return run

    def reaction(self, s: Any) -> Action:
        here, there = (self.evaluator.name(x) for x in (s.reaction1, s.reaction2))
        forward, backward = self.evaluator.value(s.expression1), self.evaluator.value(s.expression2)

        def run(values: Values) -> None:
            a, b = here(values), there(values)
            flux = forward(values) * values[a] - backward(values) * values[b]
            values[f"{a}'"] = values.get(f"{a}'", 0.0) - flux
            values[f"{b}'"] = values.get(f"{b}'", 0.0) + flux

        return run

    def called(self, name: str) -> Callable[[Values, list[float]], float]:
        """A function or procedure of the file, made ready at its first call."""
        if name not in self.functions:
            block = self.m.functions.get(name) or self.m.procedures[name]
            names = [str(p.name.value) for p in block.parameters]
            body = self.block(block.statement_block)

            def run(values: Values, given: list[float]) -> float:
                self.calls += 1
                if self.calls > _MAX_CALLS:
                    raise InputError(f"{self.m.path.name}: '{name}' calls itself without end")
                hidden = {n: values.get(n) for n in (*names, name)}
                values |= dict(zip(names, given, strict=True))
                values.pop(name, None)
                body(values)
                result = values.pop(name, 0.0)
                for n, value in hidden.items():
                    values.pop(n, None)
                    if value is not None:
                        values[n] = value
                self.calls -= 1
                return result

            self.functions[name] = run
        return self.functions[name]

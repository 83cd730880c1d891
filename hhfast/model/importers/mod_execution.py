"""A .mod file carried out on names instead of numbers: what each variable is, as an expression of the others.

Every assignment becomes a named formula, as written; a second one of the same variable gets a name of its own, and an
IF becomes `a if condition else b`. The slope of a state x is kept as "x'", a step by hand as "x+".
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from hhfast.model.importers.expressions import Expr, check_size, number, text, value_of
from hhfast.model.importers.formula_table import FormulaTable
from hhfast.model.importers.mechanism import Mechanism
from hhfast.model.importers.mod_calls import Calls, Environment, Scope, restore
from hhfast.model.importers.mod_syntax import Reader
from hhfast.model.importers.mod_variables import Variables

_MAX_STATEMENTS = 5_000  # carried out, those of procedures at each call
_IDLE = {"UnitState", "TableStatement", "ConductanceHint", "LineComment", "BlockComment", "ProtectStatement",
         "MutexLock", "MutexUnlock", "Verbatim", "LagStatement", "ThreadSafe"}  # fmt: skip


@dataclass(frozen=True)
class Reaction:
    """~ here <-> there (forward, backward)."""

    here: str
    there: str
    forward: Expr
    backward: Expr


@dataclass
class Execution:
    """The equations of a mechanism; `final` is what each variable is at the end of a time step."""

    mechanism: Mechanism
    table: FormulaTable = field(default_factory=FormulaTable)
    final: Environment = field(default_factory=dict)
    initial: Environment = field(default_factory=dict)
    reactions: list[Reaction] = field(default_factory=list)
    conserved: list[tuple[Expr, Expr]] = field(default_factory=list)
    steady_start: bool = False  # INITIAL solves for the steady state
    tables: bool = False  # whether there was a TABLE
    fixed: set[str] = field(default_factory=set)  # parameters that are a number of rounds
    starting: bool = False
    _statements: int = 0
    scope: Scope = field(default_factory=Scope)

    def __post_init__(self) -> None:
        self.variables = Variables(self.mechanism, self.table)

    def run(self) -> None:
        """INITIAL, then BREAKPOINT with all that it solves."""
        constant: Environment = {}
        if self.mechanism.initial is not None:
            self.starting = True
            self.initial = {}
            self.block(self.mechanism.initial, self.initial)
            self.starting = False
            states = set(self.mechanism.states)
            for name, e in self.initial.items():
                if name not in states and not self.table.bases(e) & (states | {"v", "t"}):
                    constant[name] = e
        self.reactions, self.conserved = [], []
        if self.mechanism.breakpoint is None:
            return
        self._run_breakpoint(constant)
        late = self.variables.late(self.final)
        if late:
            self.reactions, self.conserved = [], []
            self._run_breakpoint(constant | late)

    def _run_breakpoint(self, start: Environment) -> None:
        self.final = dict(start)
        self.block(self.mechanism.breakpoint, self.final)

    # --- statements ---
    def block(self, block: Any, env: Environment) -> None:
        """Carry out the statements of a block."""
        own = [v for s in block.statements if type(s).__name__ == "LocalListStatement" for v in s.variables]
        hidden = {name: env.pop(name, None) for name in map(declared_name, own)}
        self.scope.locals += (frozenset(hidden),)
        for s in block.statements:
            self._statements += 1
            if self._statements > _MAX_STATEMENTS:
                raise self.mechanism.refused("size", f"it takes more than {_MAX_STATEMENTS} statements")
            self._statement(s, env)
        self.scope.locals = self.scope.locals[:-1]
        restore(env, hidden)

    def _statement(self, s: Any, env: Environment) -> None:
        kind = type(s).__name__
        if kind == "ExpressionStatement":
            self._expression_statement(s.expression, env)
        elif kind == "IfStatement":
            self._if(s, env)
        elif kind == "ReactionStatement":
            self._reaction(s, env)
        elif kind == "FromStatement":
            self._loop(s, env)
        elif kind == "Conserve":
            read = self.reader(env)
            self.conserved.append((read.expression(s.react), read.expression(s.expr)))
        elif kind == "TableStatement":
            self.tables = True
        elif kind not in _IDLE and kind != "LocalListStatement":
            names = {"WhileStatement": "WHILE", "Compartment": "COMPARTMENT",
                     "LonDiffuse": "LONGITUDINAL_DIFFUSION", "WatchStatement": "WATCH"}  # fmt: skip
            construct = names.get(kind, kind)
            raise self.mechanism.refused(construct, "the statement is not supported", rf"\b{construct}\b")

    def _expression_statement(self, e: Any, env: Environment) -> None:
        kind = type(e).__name__
        if kind == "SolveBlock":
            self._solve(e, env)
        elif kind == "DiffEqExpression":
            self._differential_equation(e.expression, env)
        elif kind == "BinaryExpression" and str(e.op).strip() == "=":
            self._assign(self.reader(env).name(e.lhs), self.reader(env).expression(e.rhs), env)
        elif kind in ("WrappedExpression", "FunctionCall"):
            node = e.expression if kind == "WrappedExpression" else e
            self._call_statement(node, env)
        else:
            raise self.mechanism.refused(kind, "the statement is not supported")

    def _call_statement(self, node: Any, env: Environment) -> None:
        name = str(node.name.value) if type(node).__name__ == "FunctionCall" else ""
        if name in self.mechanism.procedures:
            given = [self.reader(env).expression(a) for a in node.arguments]
            Calls(self).procedure(self.mechanism.procedures[name], given, env)
        elif name != "printf":
            self.reader(env).expression(node)

    def _solve(self, node: Any, env: Environment) -> None:
        name = str(node.block_name.value)
        if node.steadystate is not None or name in self.mechanism.linear:
            self.steady_start = True
        elif name in self.mechanism.equations:
            self.block(self.mechanism.equations[name].statement_block, env)
        elif name in self.mechanism.procedures:
            Calls(self).procedure(self.mechanism.procedures[name], [], env)
        else:
            raise self.mechanism.refused("SOLVE", f"there is no block '{name}'", rf"\bSOLVE\s+{name}\b")

    def _differential_equation(self, e: Any, env: Environment) -> None:
        node = e.lhs.name if type(e.lhs).__name__ == "VarName" else e.lhs
        if type(node).__name__ != "PrimeName" or node.order.eval() != 1:
            raise self.mechanism.refused("DERIVATIVE", "only first derivatives of states are supported", "'")
        env[f"{node.value}'"] = self.reader(env).expression(e.rhs)

    def _if(self, s: Any, env: Environment) -> None:
        conditions = [(s.condition, s.statement_block), *((e.condition, e.statement_block) for e in s.elseifs)]
        self._branches(conditions, None if s.elses is None else s.elses.statement_block, env)

    def _branches(self, conditions: list[tuple[Any, Any]], otherwise: Any, env: Environment) -> None:
        (condition, block), *others = conditions
        test = self.reader(env).condition(condition)
        yes, no = dict(env), dict(env)
        self.block(block, yes)
        if others:
            self._branches(others, otherwise, no)
        elif otherwise is not None:
            self.block(otherwise, no)
        for name in [*yes, *(n for n in no if n not in yes)]:
            a, b = yes.get(name), no.get(name)
            if a is None or b is None or (a is not b and text(a) != text(b)):
                missing = self.variables.missing(name)
                self.bind(name, ast.IfExp(test, a or missing, b or missing), env)
            else:
                env[name] = a

    def _loop(self, s: Any, env: Environment) -> None:
        """FROM i = 0 TO 3, its bounds numbers, or parameters that no statement changes: each round in turn."""
        read = self.reader(env)
        bounds = (
            [self._bound(read.expression(e)) for e in (getattr(s, "from"), s.to)] if s.increment is None else [None]
        )
        first, last = bounds[0], bounds[-1]
        if first is None or last is None or not -1 <= last - first < 100:
            raise self.mechanism.refused("FROM", "only loops between two numbers are supported", r"\bFROM\b")
        counter = str(s.name.value)
        hidden = {counter: env.get(counter)}
        for k in range(int(first), int(last) + 1):
            env[counter] = number(k)
            self.block(s.statement_block, env)
        restore(env, hidden)

    def _bound(self, e: Expr) -> float | None:
        if isinstance(e, ast.Name) and e.id in self.mechanism.parameters:
            self.fixed.add(e.id)
            return self.mechanism.parameters[e.id][0]
        return value_of(e)

    def _reaction(self, s: Any, env: Environment) -> None:
        read = self.reader(env)
        operator = str(s.op.eval()) if s.op is not None else ""
        sides = [s.reaction1, s.reaction2]
        plain = [type(x).__name__ == "ReactVarName" and x.value is None for x in sides]
        if operator.strip() != "<->" or not all(plain):
            raise self.mechanism.refused(
                "KINETIC", "only reactions ~ A <-> B (f, b) of one state each are supported", "~"
            )
        here, there = (read.name(x.name) for x in sides)
        self.reactions.append(Reaction(here, there, read.expression(s.expression1), read.expression(s.expression2)))

    # --- values ---
    def _assign(self, name: str, e: Expr, env: Environment) -> None:
        check_size(e, f"{self.mechanism.path.name}: {name}")
        local = any(name in names for names in self.scope.locals)
        if name in self.mechanism.states and not local:
            if self.starting and "dt" in self.table.bases(e):
                return  # one step by hand, before the start
            if self.starting:
                env[name] = e
                return
            if "dt" in self.table.bases(e) or (name in self.table.bases(e) and name not in env):
                env[f"{name}+"] = e
                return
        if self.scope.inside and not local and name != self.scope.inside[-1]:
            self.scope.side_effects = True
        self.bind(name, e, env)

    def bind(self, name: str, e: Expr, env: Environment) -> None:
        """Give a variable a value; as a formula of its own, unless it is but a name or number, or within a function."""
        trivial = isinstance(e, (ast.Name, ast.Constant))
        plain = trivial or self.scope.inside or name.endswith(("'", "+"))
        env[name] = e if plain else self.variables.formula(name, e)

    def reader(self, env: Environment) -> Reader:
        """What reads expressions in an environment."""
        return Reader(
            self.mechanism,
            lambda name: env[name] if name in env else self.variables.unset_value(name),
            lambda n, given: Calls(self).function(n, given, env),
        )


def declared_name(variable: Any) -> str:
    """The name in a LOCAL statement; that of an array without its length."""
    node = variable.name
    return str(node.name.value if type(node).__name__ == "IndexedName" else node.value)

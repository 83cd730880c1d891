"""A function that gives a and b of every state, x' = a - b x, for cells first_cell to before last_cell.

It serves what needs the equations outside a run: initial gates, resting states, tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hhfast.kernel.build.expressions import Translator
from hhfast.kernel.build.notes import equations
from hhfast.kernel.equations.system import system_of
from hhfast.kernel.math import functions
from hhfast.kernel.optimise.binding_times import LaneConstants, bind
from hhfast.kernel.optimise.merged_divisions import RatePair
from hhfast.kernel.spec import RATES_ARGUMENTS
from hhfast.kernel.tree import parse
from hhfast.kernel.tree.derivatives import Differentiated
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import Binary, Expression, For, Let, Name, Number, Statement, Symbol
from hhfast.kernel.tree.straight_line import reads_and_writes
from hhfast.model.algebra import to_sympy
from hhfast.model.model import Model

_MOST_VECTORISED = 11  # states: with more, LLVM finds too many arrays to tell apart, after looking for long


def rates_kernel(model: Model) -> Kernel:
    """The kernel called `rates` of a model."""
    system = system_of(model)
    pairs = [RatePair(f"a_{x}_", f"b_{x}_", f"r_{x}_") for x in system.states]
    wanted = {name: e for x, pair in zip(system.states, pairs, strict=True)
              for name, e in ((pair.a, system.a[x]), (pair.b, system.b[x]))}  # fmt: skip
    stored = {"A": [pair.a for pair in pairs], "B": [pair.b for pair in pairs]}
    kernel = _kernel_of_points(model, "rates", "a and b of every state", wanted, stored, pairs)
    return replace(kernel, effort="vectors" if len(system.states) <= _MOST_VECTORISED else "scalars")


def jacobian_kernel(model: Model) -> Kernel:
    """A kernel like `rates_kernel`, called `jacobian`: row k n + l of A is d(dx/dt)/dy of the states number k and l.

    Rows of what is always 0 are not written. The applied current enters dV/dt as a sum, so it does not matter here.
    It is differentiated as code (`tree.derivatives`), not by algebra, for which large models take seconds.
    """
    system, builder = system_of(model), _PointBuilder(model)
    by = {x: builder.translator.symbol_of(x) for x in system.states}
    code = Differentiated(by.values(), builder.translator.functions, builder.translator.number)
    wanted = {f"{letter}_{x}_": of[x] for x in system.states for letter, of in (("a", system.a), ("b", system.b))}
    named = {name: system.named[name] for name in system.needed(list(wanted.values()))}
    for let in builder.translator.lets((named | wanted).items()):
        code.let(let)
    rows: list[Expression | None] = []
    for x in system.states:
        slope, a, b = Symbol("slope"), *(Name(builder.translator.symbol_of(f"{letter}_{x}_")) for letter in "ab")
        code.let(Let(slope, Binary("-", a, Binary("*", b, Name(by[x])))))
        found = code.derivatives(slope)
        rows += [found.get(y) for y in by.values()]
    kernel = builder.kernel("jacobian", "Jacobian", code.lets, {"A": rows})
    return replace(kernel, effort="none")  # its eigenvalues take some 20 times as long


def quantities_kernel(model: Model, names: Sequence[str]) -> Kernel:
    """A kernel like `rates_kernel`, called `quantities`: row k of A is that of these names.

    Names are of instantaneous gates, currents `i_NAME` and states of schemes that are not integrated.
    """
    named = system_of(model).named
    wanted = {name: named[name] for name in names}
    return _kernel_of_points(model, "quantities", ", ".join(names), wanted, {"A": list(names), "B": []}, [])


def beginnings_kernel(model: Model) -> tuple[Kernel, list[int]]:
    """A kernel like `rates_kernel`, called `beginnings`: row k of A is where a state begins by a formula.

    Also the numbers of these states; there may be none.
    """
    section = {s.potential: s for s in model.sections}
    texts = {f"initial_{s.name}_": (k, s.initial, section[s.potential]) for k, s in enumerate(model.rows)
             if isinstance(s.initial, str) and s.initial != "steady"}  # fmt: skip
    wanted = {name: to_sympy(model.written_out(text, where)) for name, (_, text, where) in texts.items()}
    kernel = _kernel_of_points(model, "beginnings", "initial values", wanted, {"A": list(wanted), "B": []}, [])
    return kernel, [k for k, _, _ in texts.values()]


def _kernel_of_points(
    model: Model,
    name: str,
    what: str,
    wanted: dict[str, Any],
    stored: Mapping[str, Sequence[str]],
    pairs: Sequence[RatePair],
) -> Kernel:
    """A kernel that computes expressions at points; stored : array -> the names that are its rows."""
    builder = _PointBuilder(model)
    lets = builder.translator.lets(bind(system_of(model), wanted, LaneConstants(frozenset()), "float64", pairs))
    values = {array: [Name(builder.translator.symbol_of(row)) for row in rows] for array, rows in stored.items()}
    return builder.kernel(name, what, lets, values)


class _PointBuilder:
    """Makes kernels that compute something at each of many points; translator : from expressions to nodes."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._symbols: dict[str, Symbol] = {"i_app": Symbol("i_app")}
        self.translator = Translator(self._symbol, functions("float64"), "float64")

    def _symbol(self, name: str) -> Symbol:
        return self._symbols.setdefault(name, Symbol(name.rstrip("_")))

    def kernel(
        self, name: str, what: str, lets: Sequence[Let], stored: Mapping[str, Sequence[Expression | None]]
    ) -> Kernel:
        """The kernel of these statements; stored : array -> its rows, of which some may not be written."""
        system, symbols = system_of(self.model), self._symbols
        reads = set(reads_and_writes(lets)[0])
        arguments = {name: Symbol(name) for name in RATES_ARGUMENTS}
        own = arguments | {"i": Symbol("i")}

        def code(text: str, **names: object) -> tuple[Statement, ...]:
            return parse.statements(text, dict(names), own)

        body: list[Statement] = []
        for k, p in enumerate(system.parameters):
            if symbols.get(p) in reads:
                text = "if col[k] >= 0:\n    p = P[col[k], i]\nelse:\n    p = p0[k]"
                body += code(text, p=symbols[p], k=Number(k))
        for k, x in enumerate(system.states):
            if symbols.get(x) in reads:
                body += code("x = X[k, i]", x=symbols[x], k=Number(k))
        body += [*code("i_app = current[i]", i_app=symbols["i_app"]), *lets]
        for k in range(max(map(len, stored.values()))):
            for array, rows in stored.items():
                if rows and rows[k] is not None:
                    body += code(f"{array}[k, i] = value", k=Number(k), value=rows[k])
        loop = For(own["i"], Name(arguments["first_cell"]), Name(arguments["last_cell"]), Number(1), tuple(body))
        types = {arguments[name]: kind for name, kind in RATES_ARGUMENTS.items()}
        return Kernel(f"{self.model.name}: {what}", name, types, (loop,), notes=equations(self.model))

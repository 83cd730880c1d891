"""A function that gives a and b of every state, x' = a - b x, for cells first_cell to before last_cell.

It serves what needs the equations outside a run: initial gates, resting states, tests.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hhfast.kernel.build.expressions import Translator
from hhfast.kernel.build.notes import equations
from hhfast.kernel.equations.jacobian import Jacobian
from hhfast.kernel.equations.system import system_of
from hhfast.kernel.math import functions
from hhfast.kernel.optimise.binding_times import LaneConstants, bind
from hhfast.kernel.optimise.merged_divisions import RatePair
from hhfast.kernel.spec import RATES_ARGUMENTS
from hhfast.kernel.tree import parse
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import For, Name, Number, Statement, Symbol
from hhfast.kernel.tree.straight_line import reads_and_writes
from hhfast.model.algebra import to_sympy
from hhfast.model.model import Model


def rates_kernel(model: Model) -> Kernel:
    """The kernel called `rates` of a model."""
    system = system_of(model)
    pairs = [RatePair(f"a_{x}_", f"b_{x}_", f"r_{x}_") for x in system.states]
    wanted = {name: e for x, pair in zip(system.states, pairs, strict=True)
              for name, e in ((pair.a, system.a[x]), (pair.b, system.b[x]))}  # fmt: skip
    stored = {"A": [pair.a for pair in pairs], "B": [pair.b for pair in pairs]}
    return _kernel_of_points(model, "rates", "a and b of every state", wanted, stored, pairs)


def jacobian_kernel(model: Model) -> Kernel:
    """A kernel like `rates_kernel`, called `jacobian`: row k n + l of A is d(dx/dt)/dy of the states number k and l.

    Rows of what is always 0 are not written. The applied current enters dV/dt as a sum, so it does not matter here.
    """
    system = system_of(model)
    jacobian = Jacobian(system)
    names = jacobian.names
    rows = [names.get((x, y), "") for x in system.states for y in system.states]
    wanted = {names[place]: e for place, e in jacobian.entries.items()}
    return _kernel_of_points(model, "jacobian", "Jacobian", wanted, {"A": rows, "B": []}, [])


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
    """A kernel that computes expressions at points; stored : array -> the names that are its rows, "": none is."""
    system = system_of(model)
    symbols: dict[str, Symbol] = {"i_app": Symbol("i_app")}
    translator = Translator(
        lambda name: symbols.setdefault(name, Symbol(name.rstrip("_"))), functions("float64"), "float64"
    )
    lets = translator.lets(bind(system, wanted, LaneConstants(frozenset()), "float64", pairs))
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
        for array, names in stored.items():
            if names and names[k]:
                body += code(f"{array}[k, i] = value", k=Number(k), value=Name(symbols[names[k]]))
    loop = For(own["i"], Name(arguments["first_cell"]), Name(arguments["last_cell"]), Number(1), tuple(body))
    types = {arguments[name]: kind for name, kind in RATES_ARGUMENTS.items()}
    return Kernel(f"{model.name}: {what}", name, types, (loop,), notes=equations(model))

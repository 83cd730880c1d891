"""A function that gives a and b of every state, x' = a - b x, for cells first_cell to before last_cell.

It serves what needs the equations outside a run: initial gates, resting states, tests.
"""

from __future__ import annotations

from hhfast.kernel.build.expressions import Translator
from hhfast.kernel.build.notes import equations
from hhfast.kernel.equations.system import system_of
from hhfast.kernel.math import functions
from hhfast.kernel.optimise.binding_times import LaneConstants, bind
from hhfast.kernel.optimise.merged_divisions import RatePair
from hhfast.kernel.spec import RATES_ARGUMENTS
from hhfast.kernel.tree import parse
from hhfast.kernel.tree.nodes import For, Kernel, Name, Number, Statement, Symbol
from hhfast.kernel.tree.straight import reads_and_writes
from hhfast.model.model import Model


def rates_kernel(model: Model) -> Kernel:
    """The kernel called `rates` of a model."""
    system = system_of(model)
    pairs = {x: RatePair(f"a_{x}_", f"b_{x}_", f"r_{x}_") for x in system.states}
    wanted = {name: e for x, pair in pairs.items() for name, e in ((pair.a, system.a[x]), (pair.b, system.b[x]))}
    symbols: dict[str, Symbol] = {"i_app": Symbol("i_app")}
    translator = Translator(
        lambda name: symbols.setdefault(name, Symbol(name.rstrip("_"))), functions("float64"), "float64"
    )
    constants = LaneConstants(frozenset())
    lets = translator.lets(bind(system, wanted, constants, "float64", list(pairs.values())))
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
    for k, pair in enumerate(pairs.values()):
        body += code("A[k, i] = a\nB[k, i] = b", k=Number(k), a=Name(symbols[pair.a]), b=Name(symbols[pair.b]))
    loop = For(own["i"], Name(arguments["first_cell"]), Name(arguments["last_cell"]), Number(1), tuple(body))
    types = {arguments[name]: kind for name, kind in RATES_ARGUMENTS.items()}
    return Kernel(f"{model.name}: a and b of every state", "rates", types, (loop,), notes=equations(model))

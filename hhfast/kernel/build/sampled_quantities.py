"""What recorders sample: states, currents, conductances, named quantities, and the currents of stimuli and clamps."""

from __future__ import annotations

from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.tree.nodes import Expression, Let, Symbol
from hhfast.parts.recorder import Hooks


def sampled(builder: Builder, hooks: Hooks, at: Expression) -> list[Let]:
    """The statements that compute what a recorder samples at a time and is no state."""
    found = builder.system.named | builder.system.conductances
    wanted = {_in_algebra(builder, name): found[name] for name in hooks.samples if name in found}
    if "i_clamp" in hooks.samples:
        wanted[_in_algebra(builder, "i_clamp")] = builder.system.clamp_current
    lets = builder.bindings(wanted) if wanted else []
    if "i_app" in hooks.samples and not builder.spec.kinds:
        lets += builder.quote.lane_code("i_app = 0.0 * V")
    return lets + _applied(builder, hooks, at)


def _applied(builder: Builder, hooks: Hooks, at: Expression) -> list[Let]:
    """i_app as what the stimuli inject but for a clamp, and i_clamp as what that one does."""
    applied, quote = builder.applied, builder.quote
    lets: list[Any] = []
    through_series: Expression = quote.number(0.0)
    if applied.clamp is not None and applied.conducts:
        current, conductance = applied.series(at)
        through_series = quote.cast(quote.value("I - g * np.float64(V)", I=current, g=conductance))
    if "i_app" in hooks.samples and applied.conducts:
        recorded = sampled_symbol(builder, "i_app")
        lets += quote.code("recorded = i_app - g_app * V - clamp", recorded=recorded, clamp=through_series)
    if "i_clamp" in hooks.samples:
        recorded = sampled_symbol(builder, "i_clamp")
        lets += quote.code("recorded = recorded if clamped > 0.0 else clamp", recorded=recorded, clamp=through_series)
    return lets


def sampled_symbol(builder: Builder, name: str) -> Symbol:
    """The symbol of what can be sampled: a state, i_app, i_clamp, a named quantity, or a conductance."""
    if name == "i_app" and builder.applied.conducts:
        return builder.own.setdefault("recorded_i_app", Symbol("i_app"))
    return builder.symbol_of(_in_algebra(builder, name))


def _in_algebra(builder: Builder, name: str) -> str:
    """The name by which algebra knows what is sampled: conductances are named as their maxima, parameters."""
    return f"{name}_" if name in builder.system.conductances or name == "i_clamp" else name

"""Names and units of sensitivities, and by what one can differentiate: parameters, initial values, the stimulus."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import NamedTuple

from hhfast.errors import InputError, unknown
from hhfast.parts.stimulus import StimulusKind

_NEVER = 99  # the degree of what is no polynomial


def sensitivity_name(state: str, parameter: str) -> str:
    """The name of the derivative of a state: dV_dg_Na."""
    return f"d{state}_d{parameter}"


def derivative_name(of: str, parameter: str) -> str:
    """The name of the derivative of a feature, or of the times of spikes: latency_dg_Na."""
    return f"{of}_d{parameter}"


def sensitivities(states: Sequence[str], parameters: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Name -> state and parameter of the derivatives of all states, in the order of a kernel's states."""
    return {sensitivity_name(x, p): (x, p) for p in parameters for x in states}


def quotient(unit: str, by: str) -> str:
    """One unit over another, as UDUNITS reads it."""
    return unit if by == "1" else f"{unit}/({by})"


def shift_names(parameters: Sequence[str]) -> tuple[str, ...]:
    """The names, in the text of a recorder, of the derivatives of the time of a spike."""
    return tuple(f"t_spike_by_{k}" for k in range(len(parameters)))


# What the text of a feature may use of V over a step, and its derivatives by parameter k as NAME_by_k.
OF_STEP = ("V_step", "V_high", "V_low")


def of_step_names(parameters: Sequence[str]) -> tuple[str, ...]:
    """The names, in the text of a feature, of the derivatives of what V is over a step, and of V at its end."""
    return tuple(f"{name}_by_{k}" for name in ("V", *OF_STEP) for k in range(len(parameters)))


def initial_state(name: str, states: Sequence[str]) -> str | None:
    """The state of whose initial value this is the name: V of V_initial."""
    return {f"{state}_initial": state for state in states}.get(name)


class StimulusParameter(NamedTuple):
    """A parameter of one of the stimuli of a sum: the number of the stimulus, and its name there."""

    stimulus: int
    name: str


def of_stimulus(name: str, kinds: Sequence[StimulusKind]) -> StimulusParameter | None:
    """The parameter of a stimulus that this names; None where none has it.

    Where several stimuli have it, `amplitude_0` is that of the first of the sum, and so on. Raises `InputError` for the
    name alone.
    """
    found = [k for k, kind in enumerate(kinds) if name in kind.parameters]
    if len(found) > 1:
        each = " or ".join(f"{name}_{k}" for k in found)
        raise InputError(f"sensitivity: several stimuli have a parameter '{name}'; give {each}, by place in the sum")
    if found:
        return StimulusParameter(found[0], name)
    plain, _, place = name.rpartition("_")
    k = int(place) if place.isascii() and place.isdigit() and len(place) < 9 else len(kinds)
    return StimulusParameter(k, plain) if k < len(kinds) and plain in kinds[k].parameters else None


def name_in_sum(k: int, name: str, kinds: Sequence[StimulusKind]) -> str:
    """The name by which one differentiates by a parameter of stimulus k, see `of_stimulus`."""
    return name if sum(name in kind.parameters for kind in kinds) < 2 else f"{name}_{k}"


def moved_edges(kind: StimulusKind, name: str) -> tuple[str, ...]:
    """The texts of the times of edges, where a parameter moves edges alone, of a current that is constant between."""
    inside = [arg for call in _windows(kind.text) for arg in call.args[2:]]
    return tuple(ast.unparse(edge) for edge in inside if _degree(edge, name) > 0)


def check_of_stimulus(kind: StimulusKind, name: str, adaptive: bool) -> None:
    """Refuse a parameter of a stimulus in which the current is not linear, and whose edges do not move it alone."""
    if kind.points is not None or not kind.text:
        raise InputError(f"sensitivity: there is none by '{name}' of stimulus '{kind.name}'; it must be a current")
    edges = moved_edges(kind, name)
    if not edges and _degree(ast.parse(kind.text, mode="eval").body, name) <= 1:
        return
    without = ast.parse(kind.text, mode="eval").body
    for call in _windows(kind.text):
        without = _Without(ast.dump(call)).visit(without)
    linear = all(_degree(ast.parse(edge, mode="eval").body, name) == 1 for edge in edges)
    if kind.smooth or not linear or _degree(without, name) > 0:
        raise InputError(
            f"sensitivity: the current of stimulus '{kind.name}' is not linear in '{name}'; there is none by it"
        )
    if not adaptive:
        raise InputError(f"sensitivity: '{name}' moves edges, which fixed steps see only as they pass; choose tsit5")


class _Without(ast.NodeTransformer):
    """Puts 1 in place of a call."""

    def __init__(self, call: str) -> None:
        self.call = call

    def visit_Call(self, node: ast.Call) -> ast.AST:
        return ast.Constant(1.0) if ast.dump(node) == self.call else self.generic_visit(node)


def _windows(text: str) -> list[ast.Call]:
    """The calls of `window` in the text of a current."""
    nodes = ast.walk(ast.parse(text, mode="eval")) if text else ()
    return [n for n in nodes if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "window"]


def _degree(node: ast.expr, name: str) -> int:
    """The degree of an expression as a polynomial of a name; 99: it is none."""
    match node:
        case ast.Name():
            return int(node.id == name)
        case ast.Constant():
            return 0
        case ast.UnaryOp(operand=operand):
            return _degree(operand, name)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _degree(left, name), _degree(right, name)
            if isinstance(op, ast.Add | ast.Sub):
                return max(a, b)
            if isinstance(op, ast.Mult) or b == 0:
                return a + b if isinstance(op, ast.Mult | ast.Div) else _NEVER * (a > 0)
            return _NEVER
    inside = [child for child in ast.walk(node) if isinstance(child, ast.Name)]
    return _NEVER if any(child.id == name for child in inside) else 0


def check_names(
    sensitivity: Sequence[str], parameters: Sequence[str], states: Sequence[str], kinds: Sequence[StimulusKind],
    where: str,
) -> None:  # fmt: skip
    """Raise `InputError` for what is no parameter of the model or the stimulus, and no initial value."""
    for name in sensitivity:
        if name not in parameters and initial_state(name, states) is None and of_stimulus(name, kinds) is None:
            of_stimuli = [name_in_sum(k, n, kinds) for k, kind in enumerate(kinds) for n in kind.parameters]
            raise unknown("parameter", str(name), [*parameters, *of_stimuli, *(f"{x}_initial" for x in states)], where)

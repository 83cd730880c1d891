"""`@stimulus(...)`: a function made a stimulus, as all of `stimuli` and those of one's own are."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec

from hhfast.parts.piecewise_linear import Points
from hhfast.parts.stimulus import Stimulus, StimulusKind

P = ParamSpec("P")
_UNITS = {
    "uA cm-2": "uA/cm2 (pA, where the model is of a whole cell)",
    "mS cm-2": "mS/cm2 (nS, where the model is of a whole cell)",
    "1": "a number",
}


def stimulus(
    text: str = "",
    *,
    units: Mapping[str, str],
    edges: Callable[[Mapping[str, Any]], list[Any]],
    onset: str | None = "start",
    single: tuple[str, ...] = (),
    tables: tuple[str, ...] = (),
    points: Points | None = None,
    check: Callable[[Mapping[str, Any]], None] = lambda values: None,
    conductances: tuple[tuple[str, str], ...] = (),
    clamp: Callable[[Mapping[str, Any]], Any] | None = None,
    constant_after: Callable[[Mapping[str, Any]], Any] | None = None,
) -> Callable[[Callable[P, object]], Callable[P, Stimulus]]:
    """Make a function a stimulus: its signature and docstring are the stimulus's, its body is not used.

    The arguments are the fields of `StimulusKind`; the kind is the function's `kind`, its name in snake case.
    """

    def make(function: Callable[P, object]) -> Callable[P, Stimulus]:
        signature = inspect.signature(function)
        name = "".join(f"_{c.lower()}" if c.isupper() else c for c in function.__name__).lstrip("_")
        kind = StimulusKind(
            name,
            inspect.getdoc(function) or "",
            text,
            signature,
            dict(units),
            edges,
            onset,
            single,
            tables,
            points,
            check,
            conductances,
            clamp,
            constant_after=constant_after,
        )

        @wraps(function)
        def build(*args: P.args, **values: P.kwargs) -> Stimulus:
            return kind(*args, **values)

        build.__doc__ = "\n\n".join(filter(None, [kind.doc, _of_parameters(kind)]))
        build.kind = kind  # type: ignore[attr-defined]
        build.__signature__ = signature.replace(return_annotation=Stimulus)  # type: ignore[attr-defined]
        return build

    return make


def _of_parameters(kind: StimulusKind) -> str:
    """What help() adds to a docstring: the unit of each parameter, and which may differ from cell to cell."""
    by_unit: dict[str, list[str]] = {}
    for name, unit in kind.units.items():
        by_unit.setdefault(unit, []).append(name)
    units = [f"{', '.join(names)} : {_UNITS.get(unit, unit)}." for unit, names in by_unit.items()]
    shared = [f"`{name}`" for name in (*kind.tables, *kind.single)]
    but = f" but {' and '.join(shared)}" if shared else ""
    told = f"Each{but} may be an array, one value per cell. Raises `InputError` for what is no number, or out of range."
    return "\n".join([*units, "", told])


def kind_of(function: Any) -> StimulusKind:
    """The kind of a stimulus function."""
    kind: StimulusKind = function.kind
    return kind

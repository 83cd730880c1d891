"""The arguments of `simulate` and the analyses, checked at the door: what they are, before what is in them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hhfast.errors import InputError, shown
from hhfast.inputs import what
from hhfast.parts.recorder import Recorder, is_recorder
from hhfast.parts.recorders import Trace, recorders
from hhfast.parts.stimulus import Stimulus


def as_table(name: str, given: Any) -> dict[str, Any]:
    """Names with their values, from a mapping, a pandas DataFrame (one row per cell) or an xarray Dataset; None: {}.

    Raises `InputError` for anything else. The values are checked where they are used.
    """
    if given is None:
        return {}
    columns = getattr(given, "columns", None)
    if columns is not None and not isinstance(given, Mapping):  # a DataFrame
        found = {column: given[column] for column in columns}
    elif isinstance(given, Mapping):
        found = {key: getattr(value, "values", value) for key, value in given.items()}
    else:
        raise InputError(f"{name}: is {what(given)}; give a mapping such as {{'g_Na': [100, 120]}}, or a DataFrame")
    for key in found:
        if not isinstance(key, str):
            raise InputError(f"{name}: has the key {shown(key)}; keys are names")
    return found


def as_initial(given: Any) -> Any:
    """Where cells start: a name, names of states with their values, or a list of such, one for each cell."""
    if isinstance(given, list | tuple):
        return as_initial_states(given)
    return given if isinstance(given, str) else as_table("initial", given)


def as_initial_states(given: Sequence[Any]) -> list[Any]:
    """Several initial states: each a name, or names of states with their values."""
    states = []
    for k, one in enumerate(given):
        if one is None or isinstance(one, int | float | list | tuple | set):
            told = "give 'model', 'rest', 'depolarised', or names of states with values, as {'V': -60}"
            raise InputError(f"initial.{k}: is {shown(one)}; {told}")
        states.append(one if isinstance(one, str) else as_table(f"initial.{k}", one))
    return states


def as_stimulus(given: Any) -> Stimulus | None:
    """A stimulus, or None. Raises `InputError`, with the likely remedy, for anything else."""
    if given is None or isinstance(given, Stimulus):
        return given
    if hasattr(given, "kind") and callable(given):
        raise InputError(f"stimulus: is {given.__name__} itself; call it, as {given.__name__}(...)")
    if isinstance(given, (int, float)):
        number = shown(given)
        raise InputError(f"stimulus: is {number}; for a constant current give hhfast.Step(amplitude={number})")
    raise InputError(f"stimulus: is {what(given)}; give a stimulus such as hhfast.Step(amplitude=10.0), or None")


def check_memory(record: Iterable[Recorder], n_cells: int, t_stop: float) -> None:
    """Raise `InputError` where traces are surely larger than the memory of this machine: before they are there."""
    samples = {trace: t_stop / trace.every for trace in record if isinstance(trace, Trace)}
    needed = sum(4.0 * n * (n_cells * len(trace.variables) + 2) for trace, n in samples.items())
    if needed > _memory():
        told = f"{n_cells:,} cells with {sum(samples.values()):,.0f} samples each are {needed / 1e9:,.0f} GB or more"
        raise InputError(f"record: {told}; take fewer, or a sweep, which writes batch after batch to disk")


def _memory() -> float:
    """Bytes of memory of this machine; infinity where it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return math.inf


def as_recorders(given: Any) -> tuple[Recorder, ...]:
    """Recorders, from one or several. Raises `InputError` if something else is among them."""
    several = (given,) if is_recorder(given) or isinstance(given, str) or not isinstance(given, Iterable) else given
    for recorder in several:
        if not is_recorder(recorder):
            name = recorder.__name__ if isinstance(recorder, type) else ""
            remedy = f"call it, as {name}(...)" if name else f"give recorders, of {', '.join(recorders)}"
            raise InputError(f"record: {name or shown(recorder)} is no recorder; {remedy}")
    return tuple(several)

"""What depends on what in a model: the order of the named quantities, and of steady states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from hhfast.errors import InputError
from hhfast.model.compartment import Compartment
from hhfast.model.elements import Channel
from hhfast.model.formulas import names

if TYPE_CHECKING:
    from hhfast.model.model import Model


@lru_cache(maxsize=256)
def uses(model: Model) -> Mapping[str, frozenset[str]]:
    """What each named quantity (instantaneous gates, currents), then each state but V, depends on directly."""
    named: dict[str, frozenset[str]] = {}
    states: dict[str, frozenset[str]] = {}
    for section in model.sections:
        for channel in section.channels:
            for name, found in _of_channel(model, section, channel):
                (states if name in model.states else named)[name] = found
    for section in model.sections:
        for channel in section.channels:
            named[f"i_{channel.name}"] = _of_current(model, section, channel)
        for pool in section.pools:
            states[pool.name] = _names(model, section, (pool.a, pool.b))
        if section.coupling is not None:
            currents = {f"i_{c.name}" for c in section.channels}
            states[section.potential] = frozenset(currents | {s.potential for s in model.sections})
    return named | states


def _names(model: Model, section: Compartment, texts: Iterable[str]) -> frozenset[str]:
    return frozenset().union(*(names(model.written_out(text, section)) for text in texts))


def _of_channel(model: Model, section: Compartment, channel: Channel) -> Iterator[tuple[str, frozenset[str]]]:
    for gate in channel.gates:
        given = {key: text for key, text in gate.formulas.items() if key != "initial"}
        yield gate.name, _names(model, section, given.values())
    if channel.scheme is not None:
        rates = _names(model, section, (rate for r in channel.scheme.reactions for rate in (r.forward, r.backward)))
        yield channel.scheme.eliminated, frozenset(channel.scheme.integrated)
        for name in channel.scheme.integrated:
            yield name, rates | set(channel.scheme.integrated)


def _of_current(model: Model, section: Compartment, channel: Channel) -> frozenset[str]:
    if channel.current is not None:
        return _names(model, section, (channel.current,))
    texts = [channel.E] if isinstance(channel.E, str) else []
    texts += [channel.opening] if channel.opening is not None else [g.name for g in channel.gates]
    return _names(model, section, texts) | {section.potential}


@lru_cache(maxsize=256)
def named_order(model: Model) -> tuple[str, ...]:
    """The named quantities, each after those it depends on; otherwise in the order of the model.

    Raises `InputError` for one that depends on itself.
    """
    graph = {name: found for name, found in uses(model).items() if name not in model.states}
    done: dict[str, None] = {}

    def visit(name: str, within: tuple[str, ...]) -> None:
        if name in within:
            raise InputError(f"'{name}' depends on itself ({' -> '.join([*within[within.index(name) :], name])})")
        if name not in done:
            for used in sorted(graph[name] & graph.keys()):
                visit(used, (*within, name))
            done[name] = None

    for name in graph:
        visit(name, ())
    return tuple(done)


def users_of(model: Model, name: str) -> list[str]:
    """What depends directly on a name: states first."""
    found = uses(model)
    return sorted((user for user, used in found.items() if name in used), key=lambda user: user not in model.states)


def reached(model: Model, state: str) -> frozenset[str]:
    """The states that a state's equation depends on, by way of named quantities, too."""
    graph = uses(model)
    named = {name: used for name, used in graph.items() if name not in model.states}
    return frozenset(_closure(named, graph[state]) & set(model.states))


@lru_cache(maxsize=256)
def steady_levels(model: Model, wanted: tuple[str, ...]) -> tuple[tuple[tuple[str, ...], bool], ...]:
    """States to be set to their steady values: groups, each after what it depends on, and whether to solve for it.

    The states of a group that is not solved for are at a / b, as they depend neither on each other nor on themselves.
    """
    graph = {x: reached(model, x) & set(wanted) for x in wanted}
    far = {x: _closure(graph, graph[x]) for x in wanted}
    levels: list[tuple[tuple[str, ...], bool]] = []
    left = list(wanted)
    while left:
        if free := tuple(x for x in left if not far[x] & set(left)):
            levels.append((free, False))
            left = [x for x in left if x not in free]
            continue
        ready = next(x for x in left if all(x in far[y] for y in far[x] & set(left)))
        group = tuple(x for x in left if x == ready or (x in far[ready] and ready in far[x]))
        levels.append((group, True))
        left = [x for x in left if x not in group]
    return tuple(levels)


def _closure(graph: Mapping[str, frozenset[str]], start: Iterable[str]) -> set[str]:
    """These names, and all that they lead to."""
    found: set[str] = set()
    frontier = set(start)
    while frontier:
        name = frontier.pop()
        if name not in found:
            found.add(name)
            frontier |= graph.get(name, frozenset())
    return found

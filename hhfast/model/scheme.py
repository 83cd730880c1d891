"""Kinetic schemes: channels as Markov chains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from hhfast.errors import InputError, did_you_mean, unknown
from hhfast.model.field_types import check_types
from hhfast.model.formulas import names
from hhfast.model.names import CONFIG, check_name, number_of

_MAX_SCHEME = 32  # states


@dataclass(frozen=True)
class Transition:
    """A reaction between two states of a scheme: the rates (1/ms) there and back ("0": one way)."""

    here: str
    there: str
    forward: str
    backward: str = "0"


@dataclass(frozen=True)
class Scheme:
    """A channel as a Markov chain: the occupancies of its states sum to 1, `open` is a formula of them.

    states : their names. transitions : (from, to, forward rate) or (from, to, forward, backward) of each, 1/ms, as
    formulas. The occupancy of the first state is not integrated but 1 less the others. They start at their steady
    values, unless `initial` gives those of all states but the first: name and value.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = CONFIG
    states: tuple[str, ...]
    transitions: tuple[tuple[str, ...], ...]
    open: str
    initial: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        check_types(self)
        if not 2 <= len(self.states) <= _MAX_SCHEME or len(set(self.states)) < len(self.states):
            raise InputError(f"scheme: give 2 to {_MAX_SCHEME} different states")
        for name in self.states:
            check_name("state", name)
        if not 1 <= len(self.transitions) <= 4 * _MAX_SCHEME:
            raise InputError(f"scheme: give 1 to {4 * _MAX_SCHEME} transitions")
        for number, entry in enumerate(self.transitions, 1):
            self._check_transition(f"scheme: transition {number}", entry)
        self._check_connected()
        if self.initial and sorted(name for name, _ in self.initial) != sorted(self.integrated):
            raise InputError(f"scheme: initial must give each of {', '.join(self.integrated)} (all but the first)")
        occupied = [value for _, value in self.initial]
        if occupied and not (min(occupied) >= 0.0 and sum(occupied) <= 1.0 + 1e-9):
            raise InputError("scheme: initial: occupancies are 0 or more, and together at most 1")
        if not names(self.open) & set(self.states):
            raise InputError(
                f"scheme: open = '{self.open}' names none of its states; {did_you_mean(self.open, self.states)}"
            )

    def _check_transition(self, place: str, entry: tuple[str, ...]) -> None:
        if len(entry) not in (3, 4):
            raise InputError(f"{place} has {len(entry)} entries; give [from, to, rate, rate back]")
        for name in entry[:2]:
            if name not in self.states:
                raise unknown("state", name, self.states, place)
        if entry[0] == entry[1]:
            raise InputError(f"{place} leads from '{entry[0]}' to itself")
        for rate in entry[2:]:
            if (value := number_of(rate)) is not None and value < 0.0:
                raise InputError(f"{place}: rate {rate} is negative")

    def _check_connected(self) -> None:
        reached, before = {self.states[0]}, 0
        while len(reached) > before:
            before = len(reached)
            reached |= {x for entry in self.transitions if reached & set(entry[:2]) for x in entry[:2]}
        for name in self.states:
            if name not in reached:
                raise InputError(f"scheme: no transitions join state '{name}' to '{self.states[0]}'")

    @property
    def reactions(self) -> tuple[Transition, ...]:
        return tuple(Transition(*entry) for entry in self.transitions)

    @property
    def eliminated(self) -> str:
        return self.states[0]

    @property
    def integrated(self) -> tuple[str, ...]:
        return self.states[1:]

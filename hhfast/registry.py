"""Registries: mappings from a name to a part (integrator, stimulus, recorder, analysis), with did-you-mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, TypeVar

from hhfast.errors import InputError, unknown

T = TypeVar("T")


class Registry(Mapping[str, T]):
    """A mapping to which entries can be added; a missing name raises `UnknownName` that suggests the nearest one.

    entries : name -> part, or a function that finds them when they are first asked for.
    check : raises `InputError` for a name that no entry can have.
    """

    def __init__(
        self,
        kind: str,
        entries: Mapping[str, T] | Callable[[], Mapping[str, T]],
        check: Callable[[str], None] | None = None,
    ) -> None:
        self.kind = kind
        self._source = entries
        self._check = check

    @cached_property
    def _entries(self) -> dict[str, T]:
        return dict(self._source() if callable(self._source) else self._source)

    @classmethod
    def of(cls, kind: str, parts: Iterable[T]) -> Registry[T]:
        """A registry of parts that know their own `name`."""
        return cls(kind, {part.name: part for part in parts})  # type: ignore[attr-defined]

    def register(self, name: str, entry: T) -> None:
        """Give an entry a name in this process, so that sweep files, the command line and results can use it.

        Raises `InputError` if the name is taken, or is none.
        """
        if self._check is not None:
            self._check(name)
        if name in self._entries:
            raise InputError(f"{self.kind} '{name}' exists already; choose another name")
        self._entries[name] = entry

    def __getitem__(self, name: str) -> T:
        try:
            return self._entries[name]
        except (KeyError, TypeError):  # TypeError: what cannot be a key, as a list
            raise unknown(self.kind, name, self._entries) from None

    def __contains__(self, name: object) -> bool:
        """Without the message that a missing name would have: looking for what was meant takes a millisecond."""
        try:
            return name in self._entries
        except TypeError:
            return False

    def get(self, name: str, default: Any = None) -> Any:
        return self._entries[name] if name in self else default

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"<{self.kind} registry: {', '.join(self._entries)}>"

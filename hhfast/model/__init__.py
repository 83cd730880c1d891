"""What a neuron is: formulas, models as data, TOML files, the library of published models."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from hhfast.errors import unknown
from hhfast.model.check import Check
from hhfast.model.compartment import Compartment, Coupling
from hhfast.model.elements import Channel, Formula, Function, Gate, Parameter, Pool
from hhfast.model.load import load_model, parse_model
from hhfast.model.model import Model
from hhfast.model.scheme import Scheme

__all__ = [
    "Channel",
    "Check",
    "Compartment",
    "Coupling",
    "Formula",
    "Function",
    "Gate",
    "Model",
    "Parameter",
    "Pool",
    "Scheme",
    "load_model",
    "models",
    "parse_model",
]


@dataclass(frozen=True)
class Summary:
    """What a library file says of its model before its equations."""

    name: str
    title: str
    citation: str
    species: str
    cell: str
    currents: tuple[str, ...]

    def matches(self, cell: str = "", current: str = "", species: str = "") -> bool:
        """Whether each given word is in the tags, in whatever case; a current must be named whole."""
        return (
            cell.casefold() in self.cell.casefold()
            and species.casefold() in self.species.casefold()
            and (not current or current.casefold() in map(str.casefold, self.currents))
        )


class Library(Mapping[str, Model]):
    """The published models that come with hhfast: one TOML file each, read when first asked for."""

    def __getitem__(self, name: str) -> Model:
        if name not in _library_texts():
            raise unknown("model", name, _library_texts())
        return parse_model(_library_texts()[name], f"library model '{name}'", trusted=True)

    def __iter__(self) -> Iterator[str]:
        return iter(_library_texts())

    def __len__(self) -> int:
        return len(_library_texts())

    def find(self, cell: str = "", current: str = "", species: str = "", parameter: str = "") -> list[Summary]:
        """The models whose tags have these words, by name; all of them for none.

        Of `parameter`, those that have it; no model is built but for this.
        """
        found = [s for s in map(_summary, self) if s.matches(cell, current, species)]
        return [s for s in found if not parameter or parameter in self[s.name].parameters]


@lru_cache(maxsize=1)
def _library_texts() -> dict[str, str]:
    folder = files("hhfast.model") / "library"
    found = (f for f in folder.iterdir() if f.name.endswith(".toml"))
    return {f.name.removesuffix(".toml"): f.read_text(encoding="utf-8") for f in sorted(found, key=lambda f: f.name)}


@lru_cache(maxsize=256)
def _summary(name: str) -> Summary:
    """From what stands before the first table of a file."""
    head = tomllib.loads(_library_texts()[name].partition("\n[")[0])
    title, citation, species, cell = (str(head.get(key, "")) for key in ("title", "citation", "species", "cell"))
    return Summary(name, title, citation, species, cell, tuple(head.get("currents", ())))


models = Library()

"""What a neuron is: formulas, models as data, TOML files, the library of published models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files

from hhfast.errors import unknown
from hhfast.model.elements import (
    Channel,
    Check,
    Compartment,
    Coupling,
    Formula,
    Function,
    Gate,
    Parameter,
    Pool,
    Scheme,
)
from hhfast.model.load import load_model, parse_model
from hhfast.model.model import Model

__all__ = ["Channel", "Check", "Compartment", "Coupling", "Formula", "Function", "Gate", "Model", "Parameter", "Pool",
           "Scheme", "load_model", "models", "parse_model"]


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


@lru_cache(maxsize=1)
def _library_texts() -> dict[str, str]:
    folder = files("hhfast.model") / "library"
    found = (f for f in folder.iterdir() if f.name.endswith(".toml"))
    return {f.name.removesuffix(".toml"): f.read_text(encoding="utf-8") for f in sorted(found, key=lambda f: f.name)}


models = Library()

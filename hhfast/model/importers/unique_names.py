"""Names of a model file, each given once, and none that means something else."""

from __future__ import annotations

import builtins
import keyword
import re

from hhfast.model.formula_functions import FUNCTIONS

_RESERVED = {*FUNCTIONS, "V", "t", "dt", "i_app", "np", *dir(builtins)}


class Names:
    """The names of a model, each given once."""

    def __init__(self) -> None:
        self.given: set[str] = set()

    def claim(self, wanted: str, suffix: str = "") -> str:
        """The wanted name, if it is legal and free; else one with the file's name, then with a number."""
        base = re.sub(r"[^A-Za-z0-9_]", "_", wanted).strip("_") or "x"
        base = base if base[0].isalpha() else f"x{base}"
        base = re.sub(r"^i_", "current_", base)[:60]
        endings = ["", *([f"_{suffix}"] if suffix else []), *(f"_{k}" for k in range(2, 1000))]
        name = next(n for e in endings if self.is_free(n := f"{base}{e}"))
        self.given.add(name)
        return name

    def is_free(self, name: str) -> bool:
        return name not in self.given and name not in _RESERVED and not keyword.iskeyword(name)


class ChannelNames(Names):
    """The names of channels, which are no variables; what they make of them is."""

    def __init__(self, given: set[str], others: Names) -> None:
        self.given = given
        self.others = others

    def is_free(self, name: str) -> bool:
        """Whether g_NAME and E_NAME are free, too."""
        legal = name not in self.given and not keyword.iskeyword(name) and name not in _RESERVED
        return legal and all(self.others.is_free(f"{letter}_{name}") for letter in "gE")

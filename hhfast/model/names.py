"""What things of a model may be called, and the units they come in."""

from __future__ import annotations

import builtins
import keyword
import re
from typing import Annotated, Any

from pydantic import AllowInfNan, Strict

from hhfast.errors import InputError
from hhfast.model.formula_functions import FUNCTIONS

UNITS: dict[str, dict[str, str]] = {
    "density": {"C_m": "uF cm-2", "g": "mS cm-2", "i": "uA cm-2"},
    "total": {"C_m": "pF", "g": "nS", "i": "pA"},
}
_RESERVED = frozenset(FUNCTIONS) | {"V", "t", "dt", "i_app", "np"} | frozenset(dir(builtins))
_WRONG_UNITS = {"V": "mV", "uV": "mV", "us": "ms", "S": "mS cm-2"}
CONFIG: dict[str, Any] = {"extra": "forbid", "allow_inf_nan": False}
Number = Annotated[float, Strict()]  # a number in TOML, not a string or boolean that looks like one

Count = Annotated[float, Strict(), AllowInfNan(True)]  # of channels: infinite where they are too many for noise


def check_name(kind: str, name: str) -> None:
    """A name of a model must be a plain identifier that the generated kernel does not use itself."""
    if not re.fullmatch(r"[A-Za-z](\w{0,78}[A-Za-z0-9])?", name, re.ASCII):
        shown = name if len(name) <= 80 else f"{name[:80]}..."
        raise InputError(
            f"{kind} name '{shown}' must be letters, digits and inner underscores, beginning with a letter"
        )
    taken = kind == "channel" and name in ("app", "clamp")  # i_app and i_clamp are currents of electrodes
    if taken or name in _RESERVED or keyword.iskeyword(name) or name.startswith("i_"):
        raise InputError(f"{kind} name '{name}' is reserved; choose another")


def check_model_name(name: str) -> None:
    """A model's name stands in generated text, files and messages: one plain line that means nothing else anywhere."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_ .+-]{0,79}", name, re.ASCII):
        shown = repr(name if len(name) <= 80 else f"{name[:80]}...")
        raise InputError(
            f"model name {shown} must be at most 80 letters, digits, spaces and _ . + -, beginning with a letter"
        )


def check_unit(name: str, unit: str) -> None:
    """A unit is a label, never converted: what would be taken for one of hhfast's own units is refused.

    cm s-1, mM/s and K are labels of permeabilities, fluxes and temperatures; a time in s would be a mistake.
    """
    tokens = re.findall(r"[A-Za-z]+", unit)
    wrong = [token for token in tokens if token in _WRONG_UNITS]
    if wrong or tokens == ["s"]:
        right = _WRONG_UNITS[wrong[0]] if wrong else "ms"
        raise InputError(
            f"unit '{unit}' of '{name}': hhfast works in mV, ms, uA cm-2, mS cm-2, uF cm-2, degC; use '{right}'"
        )


def number_of(text: str) -> float | None:
    """The number that a formula is; None for any other."""
    try:
        return float(text)
    except ValueError:
        return None

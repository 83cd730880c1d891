"""Objects of the user's own (integrators, stimuli, recorders that are in no registry) as plain data.

A spec cannot hold their code, but it says what they are, so that a run is only resumed with the objects it was begun
with. Registered objects are named instead, and can be made again from the file.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from hhfast.errors import InputError
from hhfast.sweep.syntax_tree import fingerprint


def described(value: Any) -> Any:
    """Everything that a value is made of, as JSON has it; classes and functions by name and a hash of their code."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else repr(float(value))
    if isinstance(value, (np.ndarray, np.generic)):
        return described(value.tolist())
    if isinstance(value, Mapping):
        return {str(k): described(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [described(v) for v in value]
    if inspect.isroutine(value):
        return {"function": value.__qualname__, **_code(value)}
    return {"class": class_name(value), **_code(type(value)), **parameters_of(value)}


def class_name(value: Any) -> str:
    """The full name of an object's class."""
    return f"{type(value).__module__}.{type(value).__qualname__}"


def parameters_of(value: Any) -> dict[str, Any]:
    """The parameters of an object: the fields of a dataclass, the attributes of anything else."""
    names = [f.name for f in fields(value)] if is_dataclass(value) else list(getattr(value, "__dict__", ()))
    return {name: described(getattr(value, name)) for name in names}


def is_plain(value: Any) -> bool:
    """Whether the parameters of an object are numbers, texts, and lists of them, from which it can be made again."""
    names = [f.name for f in fields(value)] if is_dataclass(value) else list(getattr(value, "__dict__", ()))
    try:
        json.dumps([getattr(value, name) for name in names], allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def check_nothing_own(spec: Mapping[str, Any]) -> None:
    """Raise `InputError` if a canonical spec has objects of the user's own, whose code no file holds."""
    if own := spec.get("own"):
        raise InputError(
            f"the sweep was run with objects of the user's own ({', '.join(own)}), whose code is not in the file; "
            "register such objects before a run (hhfast.recorders.register) if its rows are to be simulated again"
        )


def _code(thing: Any) -> dict[str, str]:
    """A hash of the source of a class or function; of hhfast's own none, which has a version."""
    if thing.__module__ and thing.__module__.split(".")[0] == "hhfast":
        return {}
    try:
        return {"code": fingerprint(inspect.getsource(thing))}
    except (OSError, TypeError):
        return {"code": "unknown"}

"""The types of what a model is built of, held to what its classes declare: in Python, any value can be given."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, ClassVar, Union, get_args, get_origin, get_type_hints

from hhfast.errors import InputError, shown

_LARGEST = 1e308
_TOLD = {str: "a text", float: "a number", int: "a whole number", bool: "true or false", NoneType: "None"}


def check_types(element: Any) -> None:
    """Raise `InputError` where a field of an element is not of its declared type; lists become tuples.

    To be called first in `__post_init__`.
    """
    kind: Any = type(element)
    for name, fits, told in _fields(kind):
        value = getattr(element, name)
        if isinstance(value, list):
            value = _as_tuple(value)
            object.__setattr__(element, name, value)
        if not fits(value):
            raise InputError(f"{kind.__name__}: {name} is {shown(value)}; give {told}")


def _as_tuple(value: Any) -> Any:
    return tuple(map(_as_tuple, value)) if isinstance(value, list) else value


@cache
def _fields(kind: Any) -> list[tuple[str, Callable[[Any], bool], str]]:
    """(name, whether a value is of its type, that type in words) of the fields of a class."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if get_origin(hint) is not ClassVar}
    return [(name, _test(hint), _words(hint)) for name, hint in hints.items()]


def _test(hint: Any) -> Callable[[Any], bool]:
    """Whether a value is of a type."""
    parts = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        tests = [_test(part) for part in parts]
        return lambda value: any(test(value) for test in tests)
    if get_origin(hint) is tuple:
        tests = [_test(part) for part in parts if part is not Ellipsis]
        if Ellipsis in parts:
            return lambda value: isinstance(value, tuple) and all(map(tests[0], value))
        return lambda value: (
            isinstance(value, tuple)
            and len(value) == len(tests)
            and all(test(one) for test, one in zip(tests, value, strict=True))
        )
    if hint is float:
        return _is_number
    if hint is int:
        return lambda value: isinstance(value, Integral) and not isinstance(value, bool)
    return lambda value: isinstance(value, hint)


def _is_number(value: Any) -> bool:
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    return not isinstance(value, Integral) or abs(int(value)) < _LARGEST


def _words(hint: Any) -> str:
    parts = get_args(hint)
    if get_origin(hint) in (Union, UnionType):
        return " or ".join(map(_words, parts))
    if get_origin(hint) is tuple:
        return "a tuple" if not parts else f"a tuple of {_several(parts[0])}"
    return _TOLD.get(hint, f"a {getattr(hint, '__name__', hint)}")


def _several(hint: Any) -> str:
    """What is in a tuple, in words."""
    if get_origin(hint) is tuple:
        return "tuples"
    return {str: "texts", float: "numbers"}.get(hint, f"{getattr(hint, '__name__', hint)} objects")

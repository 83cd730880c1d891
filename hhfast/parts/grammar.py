"""What a piece of text says of itself, before any kernel is built from it: the names that it uses."""

from __future__ import annotations

import ast
from functools import lru_cache

from hhfast.errors import InputError


def names_used(text: str) -> frozenset[str]:
    """The names whose values a text uses, functions included. Raises `InputError` for what is no text of a part."""
    return frozenset(node.id for node in _names(text) if isinstance(node.ctx, ast.Load))


def names_given(text: str) -> tuple[str, ...]:
    """The names that a text assigns, in the order of their writing. Raises `InputError` likewise."""
    return tuple(dict.fromkeys(node.id for node in _names(text) if isinstance(node.ctx, ast.Store)))


@lru_cache(maxsize=1024)
def _names(text: str) -> tuple[ast.Name, ...]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"'{text}' is not in the grammar of kernels: {getattr(error, 'msg', error)}") from None
    return tuple(node for node in ast.walk(tree) if isinstance(node, ast.Name))

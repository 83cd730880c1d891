"""What a piece of text says of itself, before any kernel is built from it: the names that it uses."""

from __future__ import annotations

import ast
from functools import lru_cache

from hhfast.errors import InputError


@lru_cache(maxsize=1024)
def names_used(text: str) -> frozenset[str]:
    """The names whose values a text uses, functions included. Raises `InputError` for what is no text of a part."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InputError(f"'{text}' is not in the grammar of kernels: {getattr(error, 'msg', error)}") from None
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))

"""A hash of Python code that comments, docstrings and layout do not change, nor the version of Python."""

from __future__ import annotations

import ast
import hashlib
import textwrap
from collections.abc import Callable
from typing import Any

_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def fingerprint(*sources: str) -> str:
    """Twelve digits that change if and only if the meaning of some sources may have; of their bytes if unparsable."""
    digest = hashlib.sha256()
    for source in sources:
        words: list[str] = []
        try:
            _write(ast.parse(textwrap.dedent(source)), words.append)
        except SyntaxError:  # a part of a statement, as `inspect` gives it for a lambda
            words = [source]
        digest.update("\n".join(words).encode() + b"\0")
    return digest.hexdigest()[:12]


def _write(node: Any, write: Callable[[str], None]) -> None:
    """Write a syntax tree, without docstrings, and without the empty fields that later Pythons add."""
    if isinstance(node, list):
        write("[")
        for entry in node:
            _write(entry, write)
        write("]")
    elif isinstance(node, ast.AST):
        write(type(node).__name__)
        for name in node._fields:
            value = getattr(node, name, None)
            if value is None or value == [] or name == "ctx":  # whether a name is read or assigned shows in its place
                continue
            if name == "body" and isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False):
                value = value[1:]
            write(name)
            _write(value, write)
        write(";")
    else:
        write(repr(node))

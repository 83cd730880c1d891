"""A hash of Python code that comments, docstrings and layout do not change, nor the version of Python."""

from __future__ import annotations

import ast
import hashlib
import textwrap
from typing import Any

_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def fingerprint(*sources: str) -> str:
    """Twelve digits that change if and only if the meaning of some sources may have; of their bytes if unparsable."""
    digest = hashlib.sha256()
    for source in sources:
        try:
            text = repr(_plain(ast.parse(textwrap.dedent(source))))
        except SyntaxError:  # a part of a statement, as `inspect` gives it for a lambda
            text = source
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:12]


def _plain(node: Any) -> Any:
    """A syntax tree as nested tuples, without docstrings, and without the empty fields that later Pythons add."""
    if isinstance(node, list):
        return tuple(map(_plain, node))
    if not isinstance(node, ast.AST):
        return type(node).__name__, repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
    if isinstance(node, _WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
        fields = [(name, value[1:] if name == "body" else value) for name, value in fields]
    return type(node).__name__, tuple((name, _plain(value)) for name, value in fields)

"""Functions of `kernel.math` as trees, read from their source once."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path
from types import FunctionType

from hhfast.kernel.tree.kernel import KernelFunction
from hhfast.kernel.tree.nodes import Symbol
from hhfast.kernel.tree.parse import StatementParser


@lru_cache(maxsize=256)
def function_of(function: FunctionType) -> KernelFunction:
    """The tree of a function of `kernel.math`, from its source; its globals are constants and other such functions."""
    definition = _definitions(function.__code__.co_filename)[function.__name__]
    local = {argument.arg: Symbol(argument.arg) for argument in definition.args.args}
    parameters = tuple(local.values())
    own = {*local, *(n.id for n in ast.walk(definition) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))}
    outside = {name: meaning for name, meaning in function.__globals__.items() if name not in own}
    body = definition.body[ast.get_docstring(definition) is not None :]
    return KernelFunction(
        function.__name__, parameters, StatementParser(function.__name__, outside, local).statements(body)
    )


@lru_cache(maxsize=16)
def _definitions(path: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}

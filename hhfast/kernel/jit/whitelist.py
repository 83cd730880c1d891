"""What a printed kernel may hold before it is executed: a second line behind the grammar that kernels are built from.

A kernel is printed from a tree in which nothing of a user's is text. Should that ever fail, what is printed is refused
here unless it is arithmetic: one function over arrays, numbers, and functions of `kernel.math`.
"""

from __future__ import annotations

import ast

_STATEMENTS = (
    ast.Assign, ast.If, ast.For, ast.While, ast.Return, ast.Break, ast.Continue, ast.Pass, ast.Expr,
)  # fmt: skip
_PARTS = (
    ast.Constant, ast.Name, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Subscript, ast.Tuple,
    ast.List, ast.Attribute, ast.Call, ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
    ast.arg, ast.arguments,
)  # fmt: skip
_OF_NUMPY = {
    "array", "inf", "nan", "sqrt", "floor", "isnan", "float64", "float32", "int64", "int32", "uint64", "bool_",
}  # fmt: skip
_BUILTIN = {"abs", "min", "max", "range", "len", "int", "float"}
_HOME = "hhfast.kernel.math."


class NotAKernelError(ValueError):
    """Text that is no printed kernel; it is not executed."""


def check_kernel(tree: ast.Module, name: str) -> None:
    """Raise `NotAKernelError` unless the module defines the function `name`, and holds nothing but arithmetic."""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if [function.name for function in functions] != [name] or functions[0].decorator_list:
        raise NotAKernelError(f"it does not define {name} alone")
    known = set(_BUILTIN)
    for node in tree.body:
        match node:
            case ast.Import(names=[ast.alias(name="numpy", asname="np")]) | ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.ImportFrom(module=str(module), level=0) if module.startswith(_HOME):
                known |= {alias.asname or alias.name for alias in node.names}
            case ast.Assign() | ast.FunctionDef():
                pass
            case _:
                raise NotAKernelError(f"line {node.lineno} is no part of a kernel")
    for node in tree.body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            for part in ast.walk(node):
                _check(part, known, outermost=part in functions)


def _check(node: ast.AST, known: set[str], outermost: bool) -> None:
    match node:
        case ast.Name(id=name) | ast.arg(arg=name) if name.startswith("__"):
            allowed = False
        case ast.Attribute(value=ast.Name(id="np"), attr=attr):
            allowed = attr in _OF_NUMPY
        case ast.Attribute(attr=attr):
            allowed = attr in ("shape", "view")
        case ast.Call(func=ast.Name(id=name), keywords=[]):
            allowed = name in known
        case ast.Call(func=ast.Attribute(attr=attr), keywords=[]):
            allowed = attr in _OF_NUMPY or attr == "view"
        case ast.Call():
            allowed = False
        case ast.Constant(value=value):
            allowed = value is None or isinstance(value, (bool, int, float, str))
        case _:
            allowed = outermost or isinstance(node, (*_STATEMENTS, *_PARTS))
    if not allowed:
        raise NotAKernelError(f"line {getattr(node, 'lineno', 0)}: '{ast.unparse(node)[:60]}' is no part of a kernel")

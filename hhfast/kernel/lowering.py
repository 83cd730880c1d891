"""Straight-line Python to LLVM: the bodies of lane loops, and the functions called in them, as Numba intrinsics.

Numba spends about a millisecond on every operation it compiles, nearly all of it on questions (types, branches, where
a name was last assigned) that are settled in straight-line text. So the text inside a lane loop, which is most of a
kernel, is handed to LLVM directly, and Numba sees the control flow around it. This is also what keeps the loops free
of calls and branches, so that they vectorise: both sides of a conditional expression are computed, one is selected.

What is straight: assignments to names, tuples of names and elements of one-dimensional arrays, and a last `return`;
arithmetic, comparisons, bit operations, conditional expressions without array elements in them; conversions such as
`np.float64(x)` and `x.view(np.int64)`; abs, sqrt, floor; calls of functions that are straight; `for` over the literal
`range(n)`, which is unrolled. Types follow Numba's rules, except that 32-bit integers stay what they are.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from inspect import Parameter, Signature
from pathlib import Path
from types import FunctionType
from typing import Any

import numpy as np

# --- what is straight ------------------------------------------------------------------------------------------------
_CALLS: dict[Any, str] = {abs: "fabs", np.sqrt: "sqrt", np.floor: "floor"}
_OPERATORS: dict[type, tuple[Callable[[Any, Any], Any], str, str, str]] = {  # Python's; LLVM's: float, int, unsigned
    ast.Add: (operator.add, "fadd", "add", "add"),
    ast.Sub: (operator.sub, "fsub", "sub", "sub"),
    ast.Mult: (operator.mul, "fmul", "mul", "mul"),
    ast.Div: (operator.truediv, "fdiv", "", ""),
    ast.FloorDiv: (operator.floordiv, "", "sdiv", "udiv"),  # of integers that are not negative
    ast.LShift: (operator.lshift, "", "shl", "shl"),
    ast.RShift: (operator.rshift, "", "ashr", "lshr"),
    ast.BitAnd: (operator.and_, "", "and_", "and_"),
    ast.BitOr: (operator.or_, "", "or_", "or_"),
    ast.BitXor: (operator.xor, "", "xor", "xor"),
}
_COMPARISONS: dict[type, str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
_EXPRESSIONS = (ast.Constant, ast.Name, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.Call,
                ast.Subscript, ast.Tuple, ast.expr_context, ast.USub, *_OPERATORS, *_COMPARISONS)
Environment = Mapping[str, Any]  # the globals of a function


@lru_cache(maxsize=64)
def _functions_of(path: str) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def definition(function: FunctionType) -> ast.FunctionDef:
    """The syntax tree of a function at the top of a module."""
    return _functions_of(function.__code__.co_filename)[function.__name__]


@lru_cache(maxsize=1024)
def is_straight(function: FunctionType) -> bool:
    """Whether a function can be lowered."""
    return all(is_straight_statement(s, function.__globals__) for s in _body(definition(function)))


def _body(tree: ast.FunctionDef) -> list[ast.stmt]:
    """The statements without the docstring."""
    return tree.body[1:] if ast.get_docstring(tree) is not None else tree.body


def is_straight_statement(statement: ast.stmt, outside: Environment) -> bool:
    """Whether a statement can be lowered, given what the names mean that are not local."""
    match statement:
        case ast.Assign(targets=[target], value=value):
            return _is_target(target) and _is_straight_expression(value, outside)
        case ast.Return(value=ast.expr() as value):
            return _is_straight_expression(value, outside)
        case ast.For(iter=ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int())]), body=body):
            return all(is_straight_statement(s, outside) for s in body)
    return False


def _is_target(node: ast.expr) -> bool:
    match node:
        case ast.Tuple(elts=elements):
            return all(isinstance(e, ast.Name) for e in elements)
        case ast.Subscript(value=ast.Name(), slice=index):
            return not isinstance(index, ast.Tuple | ast.Slice)
    return isinstance(node, ast.Name)


def _is_straight_expression(value: ast.expr, outside: Environment) -> bool:
    for node in ast.walk(value):
        match node:
            case ast.Call(func=ast.Attribute(attr="view")):
                pass
            case ast.Call(func=function):
                if not _is_known(_static(function, outside)):
                    return False
            case ast.Compare(ops=[_, _, *_]) | ast.Subscript(slice=ast.Tuple() | ast.Slice()):
                return False
            case ast.IfExp(body=yes, orelse=no):
                # An element that is not asked for may not exist.
                if any(isinstance(n, ast.Subscript) for side in (yes, no) for n in ast.walk(side)):
                    return False
            case _ if not isinstance(node, _EXPRESSIONS):
                return False
    return True


def _is_known(function: Any) -> bool:
    if isinstance(function, FunctionType):
        return is_straight(function)
    return function in _CALLS or (isinstance(function, type) and issubclass(function, np.number))


def _static(node: ast.expr, outside: Environment) -> Any:
    """What a name that is not local means, or an attribute of it; None if nothing."""
    match node:
        case ast.Name(id=name):
            return outside.get(name, {"abs": abs}.get(name))
        case ast.Attribute(value=value, attr=name):
            return getattr(_static(value, outside), name, None)
    return None


# --- lowering --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Value:
    """A value while a kernel runs; of an array, the pointer to its elements. What is known before is a plain object."""

    ir: Any
    type: Any  # as Numba knows it


class _Lowering:
    """Emits straight text at the place of a builder; `outside` is what names mean that are not local."""

    def __init__(self, context: Any, builder: Any, outside: Environment) -> None:
        from numba.core import types

        self.context, self.builder, self.outside, self.types = context, builder, outside, types
        self.names: dict[str, Any] = {}

    def run(self, body: Iterable[ast.stmt]) -> Any:
        """Emit statements; the value of the `return`, or None."""
        for statement in body:
            match statement:
                case ast.Assign(targets=[target], value=value):
                    self._assign(target, self._expression(value))
                case ast.For(target=ast.Name(id=name), iter=ast.Call(args=[ast.Constant(value=int(n))]), body=inner):
                    for k in range(n):
                        self.names[name] = k
                        self.run(inner)
                case ast.Return(value=ast.expr() as value):
                    return self._expression(value)
        return None

    def _assign(self, target: ast.expr, value: Any) -> None:
        match target:
            case ast.Name(id=name):
                self.names[name] = value
            case ast.Tuple(elts=elements):
                for element, part in zip(elements, value, strict=True):
                    self._assign(element, part)
            case ast.Subscript(value=array, slice=index):
                place = self._expression(array)
                ir = self.cast(value, place.type.dtype).ir
                self.builder.store(ir, self._element(place.ir, index))

    def _expression(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.Name() | ast.Attribute():
                return _static(node, self.outside)
            case ast.Tuple(elts=elements):
                return tuple(map(self._expression, elements))
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(type(op), self._expression(left), self._expression(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._minus(self._expression(operand))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._compare(_COMPARISONS[type(op)], self._expression(left), self._expression(right))
            case ast.IfExp(test=test, body=yes, orelse=no):
                a, b = self._alike(self._expression(yes), self._expression(no))
                return _Value(self.builder.select(self.value(self._expression(test)).ir, a.ir, b.ir), a.type)
            case ast.Subscript(value=array, slice=index):
                return self._load(self._expression(array), index)
            case ast.Call(func=ast.Attribute(value=value, attr="view"), args=[kind]):
                to = self._type(_static(kind, self.outside))
                ir = self.builder.bitcast(self.value(self._expression(value)).ir, self.context.get_value_type(to))
                return _Value(ir, to)
            case ast.Call(func=function, args=arguments):
                return self._call(_static(function, self.outside), [self._expression(a) for a in arguments])
        raise NotImplementedError(f"not straight: {ast.unparse(node)}")

    def _call(self, function: Any, arguments: list[Any]) -> Any:
        if isinstance(function, FunctionType):
            inner = _Lowering(self.context, self.builder, function.__globals__)
            tree = definition(function)
            inner.names = dict(zip((a.arg for a in tree.args.args), arguments, strict=True))
            return inner.run(_body(tree))
        (x,) = map(self.value, arguments)
        if isinstance(function, type):
            return self.cast(x, self._type(function))
        llvm = self.builder.module.declare_intrinsic(f"llvm.{_CALLS[function]}", [x.ir.type])
        return _Value(self.builder.call(llvm, [x.ir]), x.type)

    def _binary(self, op: type, left: Any, right: Any) -> Any:
        python, of_floats, of_integers, of_unsigned = _OPERATORS[op]
        if not isinstance(left, _Value) and not isinstance(right, _Value):
            return python(left, right)
        a, b = self._alike(left, right)
        if op is ast.Div and not isinstance(a.type, self.types.Float):
            a, b = (self.cast(x, self.types.float64) for x in (a, b))
        if isinstance(a.type, self.types.Float):
            name = of_floats
        else:
            name = of_integers if getattr(a.type, "signed", True) else of_unsigned
        return _Value(getattr(self.builder, name)(a.ir, b.ir), a.type)

    def _minus(self, operand: Any) -> Any:
        if not isinstance(operand, _Value):
            return -operand
        if isinstance(operand.type, self.types.Float):
            return _Value(self.builder.fneg(operand.ir), operand.type)
        return _Value(self.builder.neg(operand.ir), operand.type)

    def _compare(self, op: str, left: Any, right: Any) -> _Value:
        """A comparison with NaN is false, except for `!=`."""
        a, b = self._alike(left, right)
        if not isinstance(a.type, self.types.Float):
            compare = self.builder.icmp_signed if getattr(a.type, "signed", True) else self.builder.icmp_unsigned
        else:
            compare = self.builder.fcmp_unordered if op == "!=" else self.builder.fcmp_ordered
        return _Value(compare(op, a.ir, b.ir), self.types.boolean)

    # --- arrays ---
    def _element(self, pointer: Any, index: ast.expr) -> Any:
        return self.builder.gep(pointer, [self.value(self._expression(index)).ir], inbounds=True)

    def _load(self, array: Any, index: ast.expr) -> Any:
        if isinstance(array, _Value):
            return _Value(self.builder.load(self._element(array.ir, index)), array.type.dtype)
        if isinstance(array, tuple):
            return array[self._expression(index)]
        return self._load(self._table(array), index)

    def _table(self, array: np.ndarray) -> _Value:
        """A constant array of the module that is compiled."""
        from llvmlite import ir
        from numba.core import cgutils

        element = self._type(array.dtype.type)
        kind = ir.ArrayType(self.context.get_value_type(element), len(array))
        constant = cgutils.global_constant(self.builder, "table", ir.Constant(kind, array.tolist()))
        first = self.builder.gep(constant, [ir.IntType(64)(0)] * 2, inbounds=True)
        return _Value(first, self.types.Array(element, 1, "C"))

    # --- types ---
    def _type(self, kind: Any) -> Any:
        return getattr(self.types, np.dtype(kind).name)

    def value(self, x: Any) -> _Value:
        """A plain number as a value of the kernel."""
        if isinstance(x, _Value):
            return x
        kinds = ((bool, self.types.boolean), (np.generic, None), (int, self.types.int64), (float, self.types.float64))
        kind = next((kind for python, kind in kinds if isinstance(x, python)), None) or self._type(type(x))
        x = x.item() if isinstance(x, np.generic) else x
        return _Value(self.context.get_value_type(kind)(x), kind)

    def _alike(self, left: Any, right: Any) -> tuple[_Value, _Value]:
        """Two values as values of the type that they have in common."""
        a, b = self.value(left), self.value(right)
        if a.type == b.type:
            return a, b
        number, floats = self.types.Integer, self.types.Float
        common: Any
        if isinstance(a.type, floats) != isinstance(b.type, floats):
            common = self.types.float64
        elif isinstance(a.type, floats) or (isinstance(a.type, number) and isinstance(b.type, number)):
            common = max(a.type, b.type, key=lambda kind: kind.bitwidth)
        else:
            common = self.types.int64
        return self.cast(a, common), self.cast(b, common)

    def cast(self, x: Any, to: Any) -> _Value:
        """A number as another type."""
        x = self.value(x)
        if x.type == to:
            return x
        builder, kind = self.builder, self.context.get_value_type(to)
        signed = getattr(x.type, "signed", False)
        if isinstance(x.type, self.types.Float):
            if not isinstance(to, self.types.Float):
                return _Value(builder.fptosi(x.ir, kind), to)
            how = builder.fpext if to.bitwidth > x.type.bitwidth else builder.fptrunc
        elif isinstance(to, self.types.Float):
            how = builder.sitofp if signed else builder.uitofp
        elif kind == x.ir.type:
            return _Value(x.ir, to)
        elif kind.width < x.ir.type.width:
            how = builder.trunc
        else:
            how = builder.sext if signed else builder.zext
        return _Value(how(x.ir, kind), to)


# --- intrinsics ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Lane:
    """Straight text as a function."""

    name: str
    parameters: Sequence[str]
    body: Sequence[ast.stmt]
    outside: Environment

    def emit(self, context: Any, builder: Any, kinds: Sequence[Any], arguments: Sequence[Any]) -> Any:
        """Emit the text for arguments of these Numba types; what it returns: values, or None."""
        lowering = _Lowering(context, builder, self.outside)
        for name, kind, value in zip(self.parameters, kinds, arguments, strict=True):
            is_array = isinstance(kind, lowering.types.Array)
            ir = context.make_array(kind)(context, builder, value=value).data if is_array else value
            lowering.names[name] = _Value(ir, kind)
        found = lowering.run(self.body)
        if found is None:
            return None
        return tuple(map(lowering.value, found)) if isinstance(found, tuple) else lowering.value(found)

    def returned(self, kinds: Sequence[Any]) -> Any:
        """The Numba type of what is returned: found by emitting the text to nowhere."""
        from llvmlite import ir
        from numba.core import types
        from numba.core.registry import cpu_target

        context = cpu_target.target_context
        function = ir.Function(
            ir.Module(), ir.FunctionType(ir.VoidType(), [context.get_value_type(k) for k in kinds]), "nowhere")
        found = self.emit(context, ir.IRBuilder(function.append_basic_block()), kinds, function.args)
        if found is None:
            return types.void
        if isinstance(found, _Value):
            return found.type
        return types.BaseTuple.from_types([value.type for value in found])

    def intrinsic(self) -> Any:
        """The text as what Numba calls an intrinsic."""
        from numba.extending import intrinsic

        def emit(context: Any, builder: Any, signature: Any, arguments: Sequence[Any]) -> Any:
            found = self.emit(context, builder, signature.args, arguments)
            if found is None:
                return context.get_dummy_value()
            if isinstance(found, _Value):
                return found.ir
            return context.make_tuple(builder, signature.return_type, [value.ir for value in found])

        def typed(context: Any, *kinds: Any) -> Any:
            return self.returned(kinds)(*kinds), emit

        names = ("context", *self.parameters)
        typed.__name__ = self.name
        typed.__signature__ = Signature([Parameter(n, Parameter.POSITIONAL_OR_KEYWORD) for n in names])  # type: ignore[attr-defined]
        return intrinsic(typed)


def lane_of(function: FunctionType) -> Lane:
    """A straight function to be lowered."""
    tree = definition(function)
    return Lane(function.__name__, [a.arg for a in tree.args.args], _body(tree), function.__globals__)


# --- lane loops ------------------------------------------------------------------------------------------------------
def with_lowered_loops(tree: ast.FunctionDef, outside: Environment) -> dict[str, Lane]:
    """Replace the bodies of the straight loops of a function, in place, by calls of the lanes returned by name."""
    local = {a.arg for a in tree.args.args}
    local |= {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    lanes: dict[str, Lane] = {}
    for loop in ast.walk(tree):
        if not (isinstance(loop, ast.For) and all(is_straight_statement(s, outside) for s in loop.body)):
            continue
        reads, writes = _reads_and_writes(loop.body)
        parameters = [name for name in reads if name in local]
        carried = [name for name in writes if name in parameters]  # from one lane to the next, and out of the loop
        name = f"lanes_{len(lanes)}_"
        body = [*loop.body, _return(carried)] if carried else loop.body
        lanes[name] = Lane(name, parameters, body, outside)
        call = f"{name}({', '.join(parameters)})"
        text = f"{', '.join(carried)} = {call}" if carried else call
        (statement,) = ast.parse(text).body
        loop.body = [statement]
    return lanes


def _return(names: Sequence[str]) -> ast.stmt:
    loads: list[ast.expr] = [ast.Name(name, ast.Load()) for name in names]
    return ast.Return(loads[0] if len(loads) == 1 else ast.Tuple(loads, ast.Load()))


def _reads_and_writes(body: Iterable[ast.stmt]) -> tuple[list[str], list[str]]:
    """Names read before they are assigned, and names assigned, in order."""
    reads: dict[str, None] = {}
    writes: dict[str, None] = {}
    for statement in body:
        names = [n for n in ast.walk(statement) if isinstance(n, ast.Name)]
        reads |= dict.fromkeys(n.id for n in names if isinstance(n.ctx, ast.Load) and n.id not in writes)
        writes |= dict.fromkeys(n.id for n in names if isinstance(n.ctx, ast.Store))
    return list(reads), list(writes)

"""Straight-line text to LLVM, as Numba intrinsics.

Numba spends about a millisecond on every operation it compiles, nearly all of it on questions (types, branches, where
a name was last assigned) that are settled in straight text. So the text inside a lane loop, which is most of a kernel,
and the functions called in it are handed to LLVM directly, and Numba sees the control flow around them. This is also
what keeps the loops free of calls and branches, so that they vectorise: both sides of a conditional expression are
computed, and one is selected. Types follow Numba's rules, except that integers of 32 bits stay what they are.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from inspect import Parameter, Signature
from types import FunctionType
from typing import Any

import numpy as np

from hhfast.kernel.jit.straight import CALLS, COMPARISONS, OPERATORS, Environment, Lane, body_of, definition, static


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
                if (found := static(node, self.outside)) is None:
                    raise NameError(f"'{ast.unparse(node)}' is not defined")
                return found
            case ast.Tuple(elts=elements):
                return tuple(map(self._expression, elements))
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(type(op), self._expression(left), self._expression(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._minus(self._expression(operand))
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self._compare(COMPARISONS[type(op)], self._expression(left), self._expression(right))
            case ast.IfExp(test=test, body=yes, orelse=no):
                a, b = self._alike(self._expression(yes), self._expression(no))
                return _Value(self.builder.select(self.value(self._expression(test)).ir, a.ir, b.ir), a.type)
            case ast.Subscript(value=array, slice=index):
                return self._load(self._expression(array), index)
            case ast.Call(func=ast.Attribute(value=value, attr="view"), args=[kind]):
                to = self._type(static(kind, self.outside))
                ir = self.builder.bitcast(self.value(self._expression(value)).ir, self.context.get_value_type(to))
                return _Value(ir, to)
            case ast.Call(func=function, args=arguments):
                return self._call(static(function, self.outside), [self._expression(a) for a in arguments])
        raise NotImplementedError(f"not straight: {ast.unparse(node)}")

    def _call(self, function: Any, arguments: list[Any]) -> Any:
        if isinstance(function, FunctionType):
            inner = _Lowering(self.context, self.builder, function.__globals__)
            tree = definition(function)
            inner.names = dict(zip((a.arg for a in tree.args.args), arguments, strict=True))
            return inner.run(body_of(tree))
        (x,) = map(self.value, arguments)
        if isinstance(function, type):
            return self.cast(x, self._type(function))
        llvm = self.builder.module.declare_intrinsic(f"llvm.{CALLS[function]}", [x.ir.type])
        return _Value(self.builder.call(llvm, [x.ir]), x.type)

    def _binary(self, op: type, left: Any, right: Any) -> Any:
        python, llvm = OPERATORS[op]
        if not isinstance(left, _Value) and not isinstance(right, _Value):
            return python(left, right)
        a, b = self._alike(left, right)
        if op is ast.Div and self._kind(a) != "float":
            a, b = (self.cast(x, self.types.float64) for x in (a, b))
        return _Value(getattr(self.builder, llvm[self._kind(a)])(a.ir, b.ir), a.type)

    def _minus(self, operand: Any) -> Any:
        if not isinstance(operand, _Value):
            return -operand
        negative = self.builder.fneg if self._kind(operand) == "float" else self.builder.neg
        return _Value(negative(operand.ir), operand.type)

    def _compare(self, op: str, left: Any, right: Any) -> _Value:
        """A comparison with NaN is false, except for `!=`."""
        a, b = self._alike(left, right)
        of_floats = self.builder.fcmp_unordered if op == "!=" else self.builder.fcmp_ordered
        of_integers = {"signed": self.builder.icmp_signed, "unsigned": self.builder.icmp_unsigned}
        compare = of_floats if self._kind(a) == "float" else of_integers[self._kind(a)]
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

    def _kind(self, x: _Value) -> str:
        """What LLVM tells apart by the operation, not by the type; truth values have no sign."""
        if isinstance(x.type, self.types.Float):
            return "float"
        return "signed" if getattr(x.type, "signed", False) else "unsigned"

    def value(self, x: Any) -> _Value:
        """A plain number as a value of the kernel."""
        if isinstance(x, _Value):
            return x
        if isinstance(x, np.generic):
            kind, x = self._type(type(x)), x.item()
        else:
            kind = {bool: self.types.boolean, int: self.types.int64, float: self.types.float64}[type(x)]
        return _Value(self.context.get_value_type(kind)(x), kind)

    def _alike(self, left: Any, right: Any) -> tuple[_Value, _Value]:
        """Two values as values of the type that they have in common."""
        a, b = self.value(left), self.value(right)
        if a.type == b.type:
            return a, b
        common: Any
        if (self._kind(a) == "float") != (self._kind(b) == "float"):
            common = self.types.float64
        elif self.types.boolean in (a.type, b.type):
            common = self.types.int64
        else:
            common = max(a.type, b.type, key=lambda kind: kind.bitwidth)
        return self.cast(a, common), self.cast(b, common)

    def cast(self, x: Any, to: Any) -> _Value:
        """A number as another type."""
        x = self.value(x)
        if x.type == to:
            return x
        builder, kind = self.builder, self.context.get_value_type(to)
        signed = self._kind(x) == "signed"
        if self._kind(x) == "float":
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
def _emit(lane: Lane, context: Any, builder: Any, kinds: Sequence[Any], arguments: Sequence[Any]) -> Any:
    """Emit a lane for arguments of these Numba types; what it returns: a value, a tuple of them, or None."""
    lowering = _Lowering(context, builder, lane.outside)
    for name, kind, value in zip(lane.parameters, kinds, arguments, strict=True):
        is_array = isinstance(kind, lowering.types.Array)
        ir = context.make_array(kind)(context, builder, value=value).data if is_array else value
        lowering.names[name] = _Value(ir, kind)
    found = lowering.run(lane.body)
    if found is None:
        return None
    return tuple(map(lowering.value, found)) if isinstance(found, tuple) else lowering.value(found)


def _returned(lane: Lane, kinds: Sequence[Any]) -> Any:
    """The Numba type of what a lane returns: found by emitting it to nowhere."""
    from llvmlite import ir
    from numba.core import types
    from numba.core.registry import cpu_target

    context = cpu_target.target_context
    signature = ir.FunctionType(ir.VoidType(), [context.get_value_type(kind) for kind in kinds])
    function = ir.Function(ir.Module(), signature, "nowhere")
    found = _emit(lane, context, ir.IRBuilder(function.append_basic_block()), kinds, function.args)
    if found is None:
        return types.void
    return found.type if isinstance(found, _Value) else types.BaseTuple.from_types([value.type for value in found])


def intrinsic(lane: Lane) -> Any:
    """A lane as a function that Numba compiles calls of by emitting its text in their place."""
    from numba import extending

    def emit(context: Any, builder: Any, signature: Any, arguments: Sequence[Any]) -> Any:
        found = _emit(lane, context, builder, signature.args, arguments)
        if found is None:
            return context.get_dummy_value()
        if isinstance(found, _Value):
            return found.ir
        return context.make_tuple(builder, signature.return_type, [value.ir for value in found])

    def typed(context: Any, *kinds: Any) -> Any:
        return _returned(lane, kinds)(*kinds), emit

    names = ("context", *lane.parameters)
    typed.__name__ = lane.name
    typed.__signature__ = Signature([Parameter(n, Parameter.POSITIONAL_OR_KEYWORD) for n in names])  # type: ignore[attr-defined]
    return extending.intrinsic(typed)

"""Values of JavaScript: numbers, conditions, and whole numbers of 64 bits as two words of 32.

JavaScript's numbers are doubles, and its bitwise operators see 32 bits. Whole numbers that count or index are exact as
doubles; those whose bits matter (the exponent of a double, random words) are two words, so that nothing needs BigInt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hhfast.kernel.tree.naming import free_name

# How tightly operators bind, as in JavaScript.
BINDS = {
    "||": 3, "&&": 4, "|": 5, "^": 6, "&": 7, "==": 8, "<": 9, "<<": 10, "+": 11, "-": 11, "*": 12, "/": 12,
}  # fmt: skip
CONDITIONAL, UNARY, ATOM = 2, 14, 20
BITWISE = ("&", "|", "^", "<<", ">>")
_COMPARISONS = {"==": "===", "!=": "!=="}
_WORD, _SIGN = 1 << 32, 1 << 31


@dataclass(frozen=True, slots=True)
class Code:
    """A number or condition: its text, how tightly that binds, and the value where it is known."""

    text: str
    binds: int = ATOM
    is_condition: bool = False
    value: Any = None

    def within(self, least: int) -> str:
        """The text, in parentheses if it binds less tightly."""
        return f"({self.text})" if self.binds < least else self.text


@dataclass(frozen=True, slots=True)
class Words:
    """A whole number of 64 bits: the texts of its low and its high word, both atoms that are 32 bits with sign.

    is_element : whether it was read from an array: it then counts or indexes, unless an operation asks for its bits.
    """

    low: str
    high: str
    is_signed: bool = True
    is_element: bool = False


def constant_words(value: int, is_signed: bool = True) -> Words:
    """The words of a whole number, modulo 2**64."""
    low, high = (str((value >> shift) % _WORD - (_WORD if (value >> shift) & _SIGN else 0)) for shift in (0, 32))
    return Words(low, high, is_signed)


def number_of(words: Words) -> Code:
    """The number that words are; exact up to 2**53."""
    high = words.high if words.is_signed else f"({words.high} >>> 0)"
    return Code(f"{high} * 4294967296 + ({words.low} >>> 0)", BINDS["+"])


def word_operation(op: str, a: Words, b: Words, bind: Callable[[str], str]) -> Words:
    """An operation on two whole numbers of 64 bits; bind : gives a text a name."""
    if op in ("+", "-") and b.low == "0":
        low, high = a.low, bind(f"({a.high} {op} {b.high}) | 0")
    elif op in ("&", "|", "^"):
        low, high = (_bitwise(op, x, y, bind) for x, y in ((a.low, b.low), (a.high, b.high)))
    elif op == "+":
        low = bind(f"({a.low} + {b.low}) | 0")
        high = bind(f"({a.high} + {b.high} + (({low} >>> 0) < ({b.low} >>> 0) ? 1 : 0)) | 0")
    elif op == "-":
        low = bind(f"({a.low} - {b.low}) | 0")
        high = bind(f"({a.high} - {b.high} - (({a.low} >>> 0) < ({b.low} >>> 0) ? 1 : 0)) | 0")
    elif op == "*":
        low = bind(f"Math.imul({a.low}, {b.low})")
        crossed = f"Math.imul({a.low}, {b.high}) + Math.imul({a.high}, {b.low})"
        high = bind(f"(high_product({a.low}, {b.low}) + {crossed}) | 0")
    else:
        raise NotImplementedError(f"'{op}' of whole numbers of 64 bits")
    return Words(low, high, a.is_signed and b.is_signed)


def shifted(op: str, a: Words, count: int, bind: Callable[[str], str]) -> Words:
    """A whole number of 64 bits shifted by a constant."""
    if count == 0:
        return a
    right = ">>" if a.is_signed else ">>>"
    if op == "<<":
        high = bind(
            f"{a.low} << {count - 32}" if count >= 32 else f"({a.high} << {count}) | ({a.low} >>> {32 - count})"
        )
        return Words("0" if count >= 32 else bind(f"{a.low} << {count}"), high, a.is_signed)
    low = (
        f"({a.high} {right} {count - 32}) | 0" if count >= 32 else f"({a.low} >>> {count}) | ({a.high} << {32 - count})"
    )
    beyond = (f"{a.high} >> 31" if a.is_signed else "0") if count >= 32 else f"({a.high} {right} {count}) | 0"
    return Words(bind(low), beyond if beyond == "0" else bind(beyond), a.is_signed)


def _bitwise(op: str, x: str, y: str, bind: Callable[[str], str]) -> str:
    """An operation on two words; one with nothing or everything is known."""
    for this, other in ((x, y), (y, x)):
        if other == "0":
            return "0" if op == "&" else this
        if other == "-1" and op == "&":
            return this
    return bind(f"{x} {op} {y}")


def literal(value: Any) -> str:
    """A constant as JavaScript writes it; a double's shortest text reads back as the same double."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value != value:  # noqa: PLR0124  # NaN
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def harmless(text: str) -> str:
    """A comment on one line, in which nothing ends or opens a script of a page."""
    return " ".join(text.split()).replace("<", "< ")


class Arithmetic:
    """The lines of one function, and what operations become in it. taken : names that are not to be used."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = set(taken)
        self.lines: list[str] = []
        self.depth = 1

    def new(self, wanted: str) -> str:
        return free_name(wanted, self.taken)

    def emit(self, line: str) -> None:
        self.lines.append("  " * self.depth + line)

    def bind(self, text: str) -> str:
        """A name for a value that is used more than once."""
        name = self.new("w")
        self.emit(f"const {name} = {text};")
        return name

    def number(self, value: Code | Words) -> Code:
        return number_of(value) if isinstance(value, Words) else value

    def as_words(self, value: Code | Words) -> Words:
        if isinstance(value, Words):
            return value
        if value.value is not None:
            return constant_words(int(value.value))
        text = value.within(BINDS["+"])
        return Words(self.bind(f"{text} | 0"), self.bind(f"Math.floor({value.text} / 4294967296) | 0"))

    def bound(self, value: Code | Words) -> Code | Words:
        """A value that may be used more than once, and after what it is made of has changed."""
        if isinstance(value, Code):
            return value if value.value is not None else Code(self.bind(value.text), ATOM, value.is_condition)
        low, high = (w if w.lstrip("-").isdigit() else self.bind(w) for w in (value.low, value.high))
        return Words(low, high, value.is_signed, value.is_element)

    def binary(self, op: str, left: Code | Words, right: Code | Words) -> Code | Words:
        exact = any(isinstance(x, Words) and not x.is_element for x in (left, right))
        if op in BITWISE:
            return self.bitwise(op, left, right, exact)
        if exact:
            return word_operation(op, self.as_words(left), self.as_words(right), self.bind)
        a, b = self.number(left), self.number(right)
        if op == "//":  # of whole numbers that are not negative
            return Code(f"Math.floor({a.within(BINDS['/'])} / {b.within(BINDS['/'] + 1)})")
        return Code(f"{a.within(BINDS[op])} {op} {b.within(BINDS[op] + 1)}", BINDS[op])

    def bitwise(self, op: str, left: Code | Words, right: Code | Words, exact: bool) -> Code | Words:
        if isinstance(left, Code) and isinstance(right, Code):
            if left.is_condition or right.is_condition:
                sign = {"&": "&&", "|": "||", "^": "=="}[op]
                return Code(
                    f"{left.within(BINDS[sign] + 1)} {'!==' if op == '^' else sign} {right.within(BINDS[sign] + 1)}",
                    BINDS[sign],
                    True,
                )
            if op == "&" and right.value is not None and 0 <= right.value < 1 << 31:
                return Code(f"{left.within(BINDS['&'])} & {right.text}", BINDS["&"])
        if op in ("<<", ">>"):
            assert isinstance(right, Code)
            assert right.value is not None, "a shift by a number that is not constant"
            return shifted(op, self.as_words(left), int(right.value), self.bind)
        return word_operation(op, self.as_words(left), self.as_words(right), self.bind)

    def compare(self, op: str, left: Code | Words, right: Code | Words) -> Code:
        if op in _COMPARISONS and any(isinstance(x, Words) and not x.is_element for x in (left, right)):
            v, w = self.as_words(left), self.as_words(right)
            same = f"{v.low} === {w.low} && {v.high} === {w.high}"
            return Code(same, BINDS["&&"], True) if op == "==" else Code(f"!({same})", UNARY, True)
        a, b = self.number(left), self.number(right)
        sign = _COMPARISONS.get(op, op) if a.is_condition == b.is_condition else op
        binds = BINDS["==" if op in _COMPARISONS else "<"]
        return Code(f"{a.within(binds + 1)} {sign} {b.within(binds + 1)}", binds, True)

    def cast(self, dtype: str, value: Code | Words) -> Code | Words:
        if dtype in ("int64", "uint64"):
            if isinstance(value, Words):
                return Words(value.low, value.high, dtype == "int64", value.is_element)
            whole = None if value.value is None else int(value.value)
            return Code(f"Math.trunc({value.text})") if whole is None else Code(str(whole), value=whole)
        if dtype != "float64":
            raise NotImplementedError(f"{dtype} in JavaScript")
        code = self.number(value)
        return Code(f"{code.within(CONDITIONAL + 1)} ? 1 : 0", CONDITIONAL) if code.is_condition else code

    def bits(self, dtype: str, value: Code | Words) -> Code | Words:
        """The words of a double, or the double of two words, by an array that both share."""
        if isinstance(value, Words):
            if dtype != "float64":
                return value
            self.emit(f"I32[0] = {value.low}; I32[1] = {value.high};")
            return Code(self.bind("F64[0]"))
        if dtype != "int64":
            raise NotImplementedError(f"the bits of {dtype} in JavaScript")
        self.emit(f"F64[0] = {value.text};")
        return Words(self.bind("I32[0]"), self.bind("I32[1]"))

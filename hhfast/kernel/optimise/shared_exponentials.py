"""Shared exponentials: the exponentials of V in a kernel as integer powers of a few.

The rates of the squid axon hold exp(-(V+65)/80), /20, /18 and exp(-(V+40)/10) ...: slopes that are multiples 9, 36,
40 and 72 of 1/720. With e = exp(-(V+25)/720), whose argument is so small that a short polynomial gives it, all of
them are powers of e times a constant. Slopes are joined into groups with a common divisor as long as the powers
cost less than the exponentials they replace, and no power is so high that rounding would show.

Exponents are taken relative to CENTRE, and V is held to `RANGE` inside exponentials: beyond, they are either negligible
or faster than anything, and nothing can overflow. The u of u / (exp(u) - 1) is not held: that rate grows in proportion
to V.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from hhfast.kernel.optimise.held_range import CENTRE, RANGE
from hhfast.model.algebra import V, affine_parts, symbol
from hhfast.model.symbolic_functions import exponential, exprelr, maximum, minimum

Assignment = tuple[str, sp.Expr]

_MAX_POWER = 100  # the relative error of a power is so many roundings
_COST_EXP, _COST_SMALL_EXP = 20, 14  # operations; a multiplication is 1
SMALL = 0.25  # largest argument of `exp_small`
_LARGEST = {"float64": 700.0, "float32": 85.0}  # argument of an unclamped exponential
V_HELD = symbol("V_held_")


class exp_small(sp.Function):
    """exp(x) for |x| <= SMALL, by a polynomial."""

    nargs = 1


class exp_plain(sp.Function):
    """exp(x) for an argument that cannot overflow."""

    nargs = 1


class exprelr_of(sp.Function):
    """exprelr(u), given u and exp(u)."""

    nargs = 2


@dataclass(frozen=True)
class _Group:
    """Slopes that are the multiples `powers` of one `base` slope (per mV, with sign)."""

    base: Fraction
    powers: frozenset[int]

    @property
    def top(self) -> int:
        return max(self.powers)

    def cost(self, reach: float) -> int:
        small = abs(float(self.base)) * reach <= SMALL
        return (_COST_SMALL_EXP if small else _COST_EXP) + len(_chain(self.powers))

    def joined(self, other: _Group) -> _Group | None:
        """Both groups over their common divisor, unless signs differ or a power gets too high."""
        if self.base * other.base < 0:
            return None
        (p, q), (r, s) = self.base.as_integer_ratio(), other.base.as_integer_ratio()
        base = Fraction(math.gcd(p * s, r * q), q * s)
        base = base if self.base > 0 else -base
        powers = frozenset(int(p * g.base / base) for g in (self, other) for p in g.powers)
        return _Group(base, powers) if max(powers) <= _MAX_POWER else None


def _chain(powers: Iterable[int]) -> list[tuple[int, int, int]]:
    """(k, i, j) with k = i + j in an order in which i and j are known: the multiplications that give all powers."""
    known = {1}
    steps: list[tuple[int, int, int]] = []

    def reach(k: int) -> None:
        if k in known:
            return
        pair = next(((i, k - i) for i in sorted(known, reverse=True) if k - i in known), None)
        if pair is None:
            i = k // 2 if k % 2 == 0 else k - 1
            reach(i)
            pair = (i, k - i)
        steps.append((k, *pair))
        known.add(k)

    for k in sorted(powers):
        reach(k)
    return steps


@lru_cache(maxsize=4096)
def _saved(a: _Group, b: _Group, reach: float) -> tuple[int, _Group | None]:
    """The operations that both groups save as one, and that one, if they can be one."""
    joined = a.joined(b)
    return (0, None) if joined is None else (a.cost(reach) + b.cost(reach) - joined.cost(reach), joined)


def _groups(slopes: Iterable[Fraction], reach: float) -> list[_Group]:
    """Join the two groups that save most, until none saves anything."""
    groups = [_Group(s, frozenset((1,))) for s in sorted(slopes)]
    while True:
        best: tuple[int, int, int, _Group] | None = None
        for i, a in enumerate(groups):
            for j in range(i + 1, len(groups)):
                saved, joined = _saved(a, groups[j], reach)
                if joined is not None and saved > 0 and (best is None or saved > best[0]):
                    best = (saved, i, j, joined)
        if best is None:
            return groups
        _, i, j, joined = best
        groups = [g for k, g in enumerate(groups) if k not in (i, j)] + [joined]


def share(
    exprs: list[sp.Expr], dtype: str, is_constant: Callable[[sp.Expr], bool]
) -> tuple[list[sp.Expr], list[Assignment]]:
    """The expressions with their exponentials of V shared, and the assignments that the shared ones need.

    Only exponents c0 + c1 V with a number c1 and a c0 that is constant in a lane take part.
    """
    atoms = sorted({a for e in exprs for a in e.atoms(sp.exp, exprelr)}, key=sp.default_sort_key)
    affine = {a: parts for a in atoms if (parts := affine_parts(a.args[0], V)) and parts[1] != 0}
    affine = {a: p for a, p in affine.items() if p[1].is_Rational and is_constant(p[0])}
    if not affine:
        return exprs, []
    slope = {a: Fraction(int(c1.p), int(c1.q)) for a, (_, c1) in affine.items()}
    reach = RANGE[dtype]
    replaced: dict[sp.Expr, sp.Expr] = {}
    held = minimum(maximum(V, sp.Integer(CENTRE - reach)), sp.Integer(CENTRE + reach))
    assignments: list[Assignment] = [("V_held_", held)]
    for number, group in enumerate(_groups(set(slope.values()), reach), start=1):
        members = {a: p for a, p in affine.items() if slope[a] / group.base in group.powers}
        if len(members) == 1:
            ((atom, parts),) = members.items()
            replaced[atom] = _alone(atom, parts, dtype)
            continue
        name = f"e{number}_"
        argument = sp.Rational(*group.base.as_integer_ratio()) * (V_HELD - CENTRE)
        small = abs(float(group.base)) * reach <= SMALL
        assignments.append((name, (exp_small if small else exp_plain)(sp.expand(argument))))
        power = {1: symbol(name)}
        for k, i, j in _chain(group.powers):
            power[k] = symbol(f"e{number}_{k}_")
            assignments.append((power[k].name, sp.Mul(power[i], power[j], evaluate=False)))
        for atom, (c0, c1) in members.items():
            value = exponential(c0 + c1 * CENTRE) * power[int(slope[atom] / group.base)]
            replaced[atom] = exprelr_of(atom.args[0], value) if isinstance(atom, exprelr) else value
    return [e.xreplace(replaced) for e in exprs], assignments


def _alone(atom: sp.Expr, parts: tuple[sp.Expr, sp.Expr], dtype: str) -> sp.Expr:
    """An exponential that shares nothing: unclamped, where its argument is known not to overflow."""
    c0, c1 = parts
    if isinstance(atom, exprelr):
        return atom
    argument = c0 + c1 * V_HELD
    ends = [c0 + c1 * (CENTRE + side * RANGE[dtype]) for side in (-1, 1)]
    bounded = all(e.is_number and abs(float(e)) < _LARGEST[dtype] for e in ends)
    return (exp_plain if bounded else sp.exp)(argument)

"""Exponential updates: phi by a polynomial, and the mending of the lanes whose steps are out of its reach."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hhfast.kernel.build.parts_of_kernel import Draft
from hhfast.kernel.build.scratch import indent
from hhfast.kernel.math.phi import REACHES
from hhfast.kernel.optimise.merged_divisions import is_nonnegative


class Mending:
    """The lines around the updates x + phi(z) f of some states, where z, named b_x_, is b times a time.

    Where z is out of the polynomial's reach, which is rare, f becomes phi(z) f and z becomes 0, phi(0) = 1: so every
    lane is updated by the same arithmetic, whatever its neighbours need.
    """

    def __init__(self, draft: Draft, states: Sequence[str], number: int) -> None:
        self.draft, self.states = draft, states
        self.phi = dict(zip(draft.system.states, draft.spec.reaches, strict=True))
        self.flag, self.half = f"wide_{number}_", f"half_{number}_"
        self.halves = tuple(REACHES[self.phi[x]] / 2 for x in states)  # z is in reach if |z - half| <= half
        for c in ("b", "f"):
            draft.rows.pass_on(*(f"{c}_{x}_" for x in states))  # in this order: `mend` takes them by number

    def check(self) -> list[str]:
        """Raise the flag if z of some state is out of reach: one comparison for all states that are alike."""
        number = self.draft.printer.number
        lines: list[str] = []
        beyond: list[str] = []
        largest: dict[int, str] = {}  # polynomial -> the name of the largest z
        for x in self.states:
            z, k = f"b_{x}_", self.phi[x]
            if not is_nonnegative(self.draft.system.b[x]):
                half = number(REACHES[k] / 2)
                beyond.append(f"(abs({z} - {half}) > {half})")
            elif k in largest:
                lines.append(f"z_{x}_ = {z} if {z} > {largest[k]} else {largest[k]}")
                largest[k] = f"z_{x}_"
            else:
                largest[k] = z
        beyond += [f"({z} > {number(REACHES[k])})" for k, z in largest.items()]
        return [*lines, f"{self.flag} = {self.flag} | {' | '.join(beyond)}"]

    def mend(self) -> list[str]:
        """Mend the block if the flag is up: vectorised, and for all states in one loop, as it may happen often."""
        z, f = (f"s_[{c}_{self.states[0]}__row_ + i_]" for c in ("b", "f"))
        half = f"{self.half}[i_ // W_]"
        return [f"if {self.flag}:", f"    for i_ in range({len(self.states)} * W_):", *indent([
            f"z_, f_ = {z}, {f}",
            "product_ = f_ * phi_far_(z_)  # of every lane: no branch",
            f"far_ = abs(z_ - {half}) > {half}",
            f"{f} = product_ if far_ else f_",
            f"{z} = {self.draft.printer.number(0.0)} if far_ else z_",
        ], 2)]

    def near(self, updates: Sequence[str]) -> list[str]:
        """The updates by polynomials."""
        return [re.sub(r"phi_\((b_(\w+)_)\)", lambda m: f"phi_{self.phi[m[2]]}_({m[1]})", line) for line in updates]

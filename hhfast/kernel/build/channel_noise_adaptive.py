"""Channel noise in an adaptive kernel: fluctuations are renewed on a grid of time, and held between its points.

The grid is dt, whatever steps a lane takes; so a realisation depends on seed, cell and time, and not on tolerances.
Every point ends a step. There the fluctuations go through the whole interval that has passed, by diffusion or
transition by transition, with rates that are the mean of those at its ends (and of those at either side of a jump of
V). Up to the next point they are constants, added to what is open on average, which follows V(t) within every step. The
error of holding them vanishes with dt. A lane whose channels are infinitely many has no such stops, and every bit that
it has without.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.channel_noise import FluctuatingChannels
from hhfast.kernel.tree.nodes import Expression, Let, Name, Number, Statement, Symbol
from hhfast.kernel.tree.straight_line import reads_and_writes

# What a lane keeps: the number of its last point, the time of the next, whether it stands at one, and since when the
# integrals of rates do not go on.
_OF_LANE = ("noise_step", "next_renewal", "renews", "since")


class AdaptiveNoise:
    """The noise of all channels that are counted, in lanes with their own steps."""

    def __init__(self, builder: Builder) -> None:
        self.builder, self.quote, self.scratch = builder, builder.quote, builder.scratch
        self.channels = FluctuatingChannels(builder)
        own = [builder.own.setdefault(name, Symbol(name)) for name in _OF_LANE]
        self.any_renews = Symbol("any_renews", is_flag=True)
        self.scratch.add("float64", *own)
        self.scratch.add("lane", self.channels.noisy)
        self.rates: dict[str, sp.Expr] = {}
        self.before: dict[Symbol, Symbol] = {}  # of rates, those at `since`
        self.so_far: dict[Symbol, Symbol] = {}  # and their integrals from the last point up to there

    # --- a new cell ---
    def begin(self) -> list[Statement]:
        """The statements of a new cell in a lane, after its states and constants; to be built after `renew`."""
        statements: list[Statement] = []
        finite: Expression = Number(0.0)
        for f in self.channels.all:
            statements += self.scratch.framed(f.begin())
            if each := f.begin_each():
                statements += self.scratch.framed(each)
            finite = self.quote.value("total + np.float64(finite)", total=finite, finite=f.finite)
        lets: list[Any] = [*self.after_jump(), *self.channels.settle()]
        for so_far in self.so_far.values():
            lets += self.quote.lane_code("so_far = 0.0", so_far=so_far)
        lets += self.quote.code(
            """\
noise_step = 0.0
renews = 0.0
since = 0.0
next_renewal = dt_first if finite > 0.0 else np.inf""",
            finite=finite,
        )
        return [*statements, *self.scratch.framed(lets)]

    # --- a jump of V, under a clamp ---
    def before_jump(self) -> list[Any]:
        """Statements of a lane before V jumps: the integrals of rates go on up to here."""
        lets: list[Any] = self._bound(self.rates)
        for now, so_far in self.so_far.items():
            names = {"so_far": so_far, "now": now, "before": self.before[now], "passed": self._passed}
            lets += self.quote.lane_code("so_far = so_far + 0.5 * (before + now) * passed", **names)
        return [*lets, *self.quote.code("since = t")]

    def after_jump(self) -> list[Any]:
        """Statements of a lane after it: the rates are others."""
        lets: list[Any] = self._bound(self.rates)
        for now, before in self.before.items():
            lets += self.quote.code("before = now", before=before, now=now)
        return lets

    @property
    def _passed(self) -> Expression:
        return self.quote.cast(self.quote.value("t - since"))

    # --- a point of the grid ---
    def arrive(self, act: str, places: dict[str, Any]) -> list[Statement]:
        """Whether a lane that stands at a stop has reached a point of the grid; act : what is done if so."""
        places = places | {name: self.scratch.element(self.builder.own[name]) for name in _OF_LANE}
        reached = self.quote.code(
            "renews = 1.0\nnoise_step = noise_step + 1.0\nnext_renewal = (noise_step + 1.0) * dt_first\n"
            f"any_renews = True\n{act}",
            any_renews=self.any_renews,
            **places,
        )
        return self.quote.nest("if next_renewal <= t + 1e-9 * dt_first", reached, **places)

    def next_stop(self, places: dict[str, Any]) -> list[Statement]:
        """Where a lane stops for the grid."""
        until = self.scratch.element(self.builder.own["next_renewal"])
        return self.quote.code("next_stop = min(next_stop, until)", until=until, **places)

    def renew(self) -> list[Statement]:
        """The statements that renew the fluctuations of lanes that stand at a point of the grid."""
        channels, nest = self.channels, self.quote.nest
        lets: list[Any] = self._bound_over_step(self._wanted_of_gates())
        decays = {gate: self.builder.rates_of[gate].b for gate in channels.gates}
        lets += channels.advance(decays, self._bound_over_step)
        lets += self.quote.code("since = t")
        statements = channels.drawn()
        if events := channels.events():
            each = nest("if renews > 0.0", self.scratch.framed(events), renews=self._element("renews"))
            statements += self._where_renewed(lets) + nest("for i in range(W)", each)
            statements += self._where_renewed(channels.settle())
        else:
            statements += self._where_renewed(lets + channels.settle())
        statements += self.scratch.loop(self.quote.code("renews = 0.0"))
        off = Let(self.any_renews, Number(value=False))
        return nest("if any_renews", [off, *statements], any_renews=self.any_renews)

    def never(self) -> Let:
        """What precedes all turns."""
        return Let(self.any_renews, Number(value=False))

    def _element(self, name: str) -> Expression:
        return self.scratch.element(self.builder.own[name])

    def _where_renewed(self, lets: Sequence[Any]) -> list[Statement]:
        """Loops of lane statements that change no row of the other lanes."""
        _, writes = reads_and_writes(lets)
        first: list[Any] = []
        last: list[Any] = []
        for row in (symbol for symbol in writes if symbol in self.scratch):
            held = Symbol(f"{row.name}_held")
            first.append(Let(held, Name(row)))
            last += self.quote.code("x = x if renews > 0.0 else held", x=row, held=held)
        return self.scratch.loops([*first, *lets, *last])

    # --- rates over an interval of the grid ---
    def _wanted_of_gates(self) -> dict[str, sp.Expr]:
        system, wanted = self.builder.system, dict[str, sp.Expr]()
        for gate in self.channels.gates:
            pair = self.builder.rates_of[gate].pair
            wanted |= {pair.a: system.a[gate], pair.b: system.b[gate]}
        return wanted

    def _bound(self, wanted: dict[str, sp.Expr]) -> list[Any]:
        pairs = [self.builder.rates_of[gate].pair for gate in self.channels.gates]
        return list(self.builder.noise_bindings(wanted, [pair for pair in pairs if pair.a in wanted]))

    def _bound_over_step(self, wanted: dict[str, sp.Expr]) -> list[Any]:
        """Lane statements that give names to the integrals of rates since the last point."""
        self.rates |= wanted
        lets = self._bound(wanted)
        for name in wanted:
            now = self.builder.symbol_of(name)
            before = self.before.setdefault(now, Symbol(f"{name}before"))
            so_far = self.so_far.setdefault(now, Symbol(f"{name}so_far"))
            self.scratch.add("lane", before, so_far)
            lets += self.quote.lane_code(
                """\
total = so_far + 0.5 * (before + now) * passed
before = now
so_far = 0.0
now = total""",
                now=now, before=before, so_far=so_far, total=Symbol("total"), passed=self._passed,
            )  # fmt: skip
        return lets

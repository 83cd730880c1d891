"""Stimuli with fixed steps: the rows of currents and conductances, set once for a whole block at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Let, Name, Number, Statement, Symbol


class FixedStepStimuli:
    """The statements that set what is applied to the lanes of a block.

    times : within a step at which stages that run once ask for a smooth current, in steps.
    """

    def __init__(self, builder: Builder, times: Iterable[float]) -> None:
        self.builder, self.own, self.scratch = builder, builder.own, builder.scratch
        self.smooth = builder.applied.smooth
        self.currents = {c: {name: Symbol(name) for name in builder.applied.names} for c in times}

    def declare(self) -> None:
        """Give rows to smooth currents."""
        if self.smooth:
            self.scratch.add("lane", *(row for rows in self.currents.values() for row in rows.values()))

    def before_step(self) -> list[Statement]:
        """What is applied in the step that begins at t."""
        nest, moving = self.builder.quote.nest, "if moving != 0"
        apart = self.to_next_points(k for k, points in self.builder.applied.pointed.items() if not points.together)
        statements = nest(moving, apart) if apart else []
        if self.builder.spec.kinds and not self.smooth:
            statements += nest(moving, self.set_to(self.own, Name(self.own["t"])))
        if self.smooth:
            for c, rows in self.currents.items():
                statements += self.set_to(rows, self.builder.quote.value("t + c * dt64", c=Number(c)))
        return statements

    def at_node(self) -> list[Statement]:
        """What is applied from a node of the time grid on."""
        if not self.builder.spec.kinds:
            return []
        nest, followed = self.builder.quote.nest, "if n_node[node] > 0"
        update = self.builder.quote.code("t = t_node[node]\nt_end = t + dt64")
        if onward := self.to_next_points(self.builder.applied.pointed):
            update += nest(followed, onward)
        update += self.set_to(self.own, Name(self.own["t"]))
        # A current that jumps has its value before the last node; one that varies has one there, too.
        return update if self.smooth else nest(followed, update)

    def set_to(self, rows: Mapping[str, Symbol], at: nodes.Expression) -> list[Statement]:
        """Set the rows of i_app and g_app to what is applied at a time."""
        if not self.builder.spec.kinds:
            return []
        t_at = self.own.setdefault("t_at", Symbol("t_at"))
        values = self.builder.applied.values(Name(t_at))
        before = [Let(t_at, at)] if self.smooth else []
        lets = [Let(rows[name], self.builder.quote.cast(value)) for name, value in values.items()]
        return [*before, *self.scratch.loop(lets)]

    def to_next_points(self, stimuli: Iterable[int]) -> list[Statement]:
        """Lead stimuli past the points before the end of the step; the rounding of times is none (see `window`)."""
        statements: list[Statement] = []
        for k in stimuli:
            passed = "until < t_end - 1e-07 * dt64"
            onward = self.builder.applied.to_next_point(k)
            if k == self.builder.applied.clamp:
                onward = [*onward, *self.builder.applied.clamp_V(), *self.builder.recorders.disarm()]
            if self.builder.applied.pointed[k].together:
                until = self.builder.applied.next_point(k, Number(0))
                statements += self.builder.quote.nest(f"while {passed}", self.scratch.loop(onward), until=until)
            else:
                body = self.builder.quote.nest(
                    f"if {passed}", self.scratch.framed(onward), until=self.builder.applied.next_point(k)
                )
                statements += self.builder.quote.nest("for i in range(W)", body)
        return statements

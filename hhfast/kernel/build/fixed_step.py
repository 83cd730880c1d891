"""Fixed-step kernels: all lanes of a block take the same steps, from node to node of the time grid."""

from __future__ import annotations

from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.channel_noise import FixedStepNoise
from hhfast.kernel.build.guards_fixed import FixedStepGuards
from hhfast.kernel.build.recorders import Detector
from hhfast.kernel.build.sampled_quantities import sampled_symbol
from hhfast.kernel.build.scratch import RecordingStatements
from hhfast.kernel.build.settling import LaneSettling
from hhfast.kernel.build.settling_fixed import FixedStepSettling
from hhfast.kernel.build.stages import Stages
from hhfast.kernel.build.time_nodes import TimeNodes
from hhfast.kernel.build.turns import Turns
from hhfast.kernel.tree.kernel import Kernel
from hhfast.kernel.tree.nodes import Comment, Let, Name, Number, Statement, Symbol
from hhfast.parts.sensitivity import sensitivity_name, shift_names


class FixedStep:
    """Builds a kernel with a fixed-step integrator."""

    def __init__(self, builder: Builder) -> None:
        self.builder, self.own, self.scratch = builder, builder.own, builder.scratch
        settles = builder.recorders.settling
        self.settling = None if settles is None else FixedStepSettling(builder, LaneSettling(builder, settles))
        for name in ("dt64", "step", "node", "block", "n", "lane", "stage"):
            self.own.setdefault(name, Symbol(name))
        self.turns = Turns(builder) if Turns.wanted(builder) else None
        self.stages, self.guards = Stages(builder), FixedStepGuards(builder.guards)
        self.stimuli = self.stages.stimuli
        # Derivatives of V by parameters -> what they were at the beginning of a step, and their slopes there.
        self.derived_before: dict[str, Symbol] = {}
        if builder.recorders.timed:
            self.derived_before = {
                x: Symbol(f"{x}_was") for x in (sensitivity_name("V", p) for p in builder.spec.sensitivity)
            }
            self.stages.first_slopes |= {x: Symbol(f"d{x}_was") for x in self.derived_before}
        self.noise = FixedStepNoise(builder, self.stages.keep_decays) if builder.spec.channel_noise else None
        self.nodes = TimeNodes(builder, self.stimuli, self.settling, self.noise)
        self._declare_rows()

    def _declare_rows(self) -> None:
        """Give a row to every value that outlives a lane loop."""
        self.stimuli.declare()
        if self.keeps_V:
            self.scratch.add("lane", self.own["V_was"])
        if self.keeps_V_before:
            self.scratch.add("lane", self.own["V_before"])
        if self.builder.recorders.timed:
            self.scratch.add("lane", *self.stages.first_slopes.values(), *self.derived_before.values())
        self.builder.recorders.declare()
        self.stages.declare()
        for recorder in self.builder.recorders.all:
            self.scratch.add("lane", *(sampled_symbol(self.builder, name) for name in recorder.hooks.samples))

    @property
    def keeps_V(self) -> bool:
        """Whether the potential at the beginning of a step is needed after it."""
        return (
            bool(self.builder.recorders.timed)
            or self.builder.recorders.steps_use("V_was")
            or self.builder.recorders.steps_use("V_step")
            or self.keeps_V_before
        )

    @property
    def keeps_V_before(self) -> bool:
        """Whether the potential at the beginning of the step before is needed, by which turns of V are noticed."""
        return self.turns is not None or self.settling is not None

    # --- a step ---
    def _step(self) -> list[Statement]:
        """One time step of a block."""
        code = self.builder.quote.code
        statements = [Comment("one time step"), *code("t = t_node[node] + step * dt64\nt_end = t + dt64")]
        statements += self.stimuli.before_step()
        statements += [Let(d.hit, Number(value=False)) for d in self.builder.recorders.detectors]
        statements += self.guards.begin_step()
        statements += [] if self.settling is None else [Let(self.settling.settling.hit, Number(value=False))]
        statements += [] if self.turns is None else [Let(self.turns.hit, Number(value=False))]
        statements += self._advance()
        return statements + self._events() + self.guards.look()

    def _advance(self) -> list[Statement]:
        """The stages, what channel noise adds to them, and what records."""
        recording = RecordingStatements(
            first=self._keep_V() if self.keeps_V else [],
            after=self.stages.keep_slope() if self.builder.recorders.timed else {},
            last=self._after_step() if self.noise is None else [],
        )
        statements = self.stages.statements(recording)
        if self.noise is None:
            return statements
        return [*statements, *self.noise.step(), *self.scratch.loop(self._after_step())]

    def _keep_V(self) -> list[Statement]:
        quote = self.builder.quote
        kept = quote.code("V_before = V_was\nV_was = V" if self.keeps_V_before else "V_was = V")
        for x, was in self.derived_before.items():
            kept += quote.code("was = now", was=was, now=self.builder.states[x])
        return kept

    def _after_step(self) -> list[Any]:
        """Detectors and recorders, after what the latter ask of the step: here only the ends of steps are known."""
        lets = (
            self.builder.quote.lane_code("V_step = 0.5 * (V_was + V)")
            if self.builder.recorders.steps_use("V_step")
            else []
        )
        lets += self.builder.quote.code("V_high = V\nV_low = V") if self.builder.recorders.steps_use("V_high") else []
        lets += self.builder.quote.code("dt_high = dt") if self.builder.recorders.steps_use("dt_high") else []
        lets += self.builder.recorders.after_step()
        lets += self.guards.watch()
        lets += [] if self.turns is None else self.turns.notice()
        return lets + (self.settling.notice() if self.settling is not None else [])

    def _events(self) -> list[Statement]:
        """The rare work, in a scalar loop: a spike has its time found and its recorders told."""
        statements = [statement for d in self.builder.recorders.detectors for statement in self._event(d)]
        if self.turns is not None:
            unless_settled = None if self.settling is None else self.settling.unless_settled
            statements += self.turns.events(unless_settled)
        return statements + (self.settling.events() if self.settling is not None else [])

    def _event(self, d: Detector) -> list[Statement]:
        timed: list[Statement] = []
        if d.number in self.builder.recorders.timed:
            timed += self.builder.rates(("V", *self.derived_before))
            timed += self.builder.quote.code(
                "t_spike = t + dt64 * crossing(V_was, V, dV_was, f, dt64, levels[d, 0])",
                f=self.builder.rates_of["V"].f,
                d=Number(d.number),
            )
            timed += self._shifts()
        told = self.builder.recorders.tell(d, lambda recorder: Name(recorder.is_on))
        if not told:
            return []
        body = self.scratch.framed([*self.builder.quote.code("cell = block + i"), *timed, *told], passing=False)
        spiking = self.builder.quote.nest("if spike > 0.0", body, spike=self.scratch.element(d.spike))
        if self.settling is not None:
            spiking = self.settling.unless_settled(spiking)
        found = Comment("spikes: find their times, and tell the recorders")
        return [
            found,
            *self.builder.quote.nest("if hit", self.builder.quote.nest("for i in range(n)", spiking), hit=d.hit),
        ]

    def _shifts(self) -> list[Statement]:
        """The derivatives of the time of a spike, those of where the cubic crosses the threshold."""
        builder, lets = self.builder, list[Statement]()
        for name, (x, was) in zip(shift_names(builder.spec.sensitivity), self.derived_before.items(), strict=True):
            lets += builder.quote.code(
                """\
at = (t_spike - t) / dt64
slope = slope_of_cubic(V_was, V, dV_was, f, dt64, at)
shift = -cubic_through(was, now, dwas, dnow, dt64, at) / slope""",
                at=Symbol("at"), slope=Symbol("slope"), shift=self.own[name], f=builder.rates_of["V"].f, was=was,
                now=builder.states[x], dwas=self.stages.first_slopes[x], dnow=builder.rates_of[x].f,
            )  # fmt: skip
        return lets

    # --- the whole ---
    def _block(self) -> list[Statement]:
        """The life of one block: load, run, store."""
        code, nest, scratch = self.builder.quote.code, self.builder.quote.nest, self.scratch
        step, node = self._step(), self.nodes.statements()  # first: they find out what is to be prepared
        noise = self.noise.begin() if self.noise is not None else []
        load = [Comment("the last block is filled up with its last cell"), *code("cell = block + min(i, n - 1)")]
        of_lanes = Comment("what depends on parameters alone")
        statements = [
            *code("n = min(W, last_cell - block)"),
            *self.guards.load([*load, *self.builder.transfer.load()], Name(self.own["cell"])),
            of_lanes,
            *scratch.loop(self.builder.constant(self.builder.constants.of_lanes)),
            *scratch.loop(self.builder.recorders.arm()),
            *scratch.loop(self.builder.applied.before_points()),
            *noise,
        ]
        statements += [Let(r.is_on, Number(value=False)) for r in self.builder.recorders.all if r.hooks.begin]
        statements += [Let(r.sample, Number(0)) for r in self.builder.recorders.all if r.hooks.samples]
        new_dt = nest("if dt_node[node] != dt64", self.nodes.new_dt())
        stop = code("if (step & 255) == 0 and stop[0] != 0:\n    return")
        settling = self.settling
        if settling is not None:
            statements += settling.begin()
            step, node = [*step, *settling.leave()], [*node, *settling.leave()]
        if self.turns is not None:
            new_dt = [*self.turns.at_node(), *new_dt]
        steps = nest("for step in range(n_node[node])", [*stop, *step])
        statements += [*code("dt64 = np.nan"), *nest("for node in range(len(t_node))", [*new_dt, *node, *steps])]
        cell = self.builder.quote.value("block + i")
        judged = self.builder.guards.judge(cell, self.builder.transfer.not_finite)
        ending = [*judged, *self.builder.transfer.store(cell)]
        if settling is not None:
            ending = settling.unless_settled([*settling.finish(), *ending])
        return [*statements, *nest("for i in range(n)", ending)]

    def kernel(self) -> Kernel:
        """The whole kernel."""
        blocks = self.builder.quote.nest("for block in range(first_cell, last_cell, W)", self._block())
        return self.builder.kernel([*([] if self.settling is None else self.settling.prepare()), *blocks])

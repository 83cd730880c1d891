"""Fixed-step kernels: all lanes of a block take the same steps, from node to node of the time grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hhfast.kernel.build.builder import Builder, uses_phi
from hhfast.kernel.build.phi_fallback import PhiFallback
from hhfast.kernel.build.recorders import Detector, KernelRecorder
from hhfast.kernel.build.scratch import RecordingStatements
from hhfast.kernel.build.settling import LaneSettling
from hhfast.kernel.build.settling_fixed import FixedStepSettling
from hhfast.kernel.optimise.loop_fission import crossing
from hhfast.kernel.spec import ACTIONS
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Call, Comment, Kernel, Let, Name, Number, Statement, Symbol
from hhfast.parts.grammar import names_given
from hhfast.parts.integrators import Stage


class FixedStep:
    """Builds a kernel with a fixed-step integrator."""

    def __init__(self, builder: Builder) -> None:
        self.builder, self.own = builder, builder.own
        self.spec, self.system, self.scratch = builder.spec, builder.system, builder.scratch
        self.smooth = builder.applied.smooth
        self.stages = [s for s in self.spec.integrator.stages if self._applies(s)]
        settles = builder.recorders.settling
        self.settling = None if settles is None else FixedStepSettling(builder, LaneSettling(builder, settles))
        self.repeats = any(stage.coefficients for stage in self.stages)
        self.kept: dict[tuple[str, str], Symbol] = {}  # (state, name) -> a value of a stage's own
        self.currents = {
            c: {name: Symbol(name) for name in builder.applied.names} for c in self._current_times()
        }  # of a smooth stimulus, at times within a step
        for name in ("dt64", "step", "node", "block", "n", "lane", "stage"):
            self.own.setdefault(name, Symbol(name))
        self._declare_rows()

    def _declare_rows(self) -> None:
        """Give a row to every value that outlives a lane loop."""
        if self.smooth:
            self.scratch.add("lane", *(row for rows in self.currents.values() for row in rows.values()))
        if self.keeps_V:
            self.scratch.add("lane", self.own["V_was"])
        if self.builder.recorders.timed:
            self.scratch.add("lane", self.own["dV_was"])
        self.builder.recorders.declare()
        if self.repeats:
            for stage in self.stages:
                for x in self.system.groups[stage.states]:
                    self._updates(stage, x)  # which names what it keeps
            self.scratch.add("lane", *self.kept.values())
        for recorder in self.builder.recorders.all:
            self.scratch.add("lane", *map(self.builder.variable, recorder.hooks.samples))

    @property
    def keeps_V(self) -> bool:
        return (
            bool(self.builder.recorders.timed)
            or self.builder.recorders.steps_use("V_was")
            or self.builder.recorders.steps_use("V_step")
            or self.settling is not None
        )

    def _applies(self, stage: Stage) -> bool:
        group = self.system.groups[stage.states]
        if not group:
            return False
        curved = stage.when != "always" and self.system.depends_on(stage.states, group)
        return stage.when == "always" or (stage.when == "curved") == curved

    # --- stages ---
    def _updates(self, stage: Stage, x: str) -> list[Any]:
        """The text of a stage for one state."""
        rates = self.builder.rates_of[x]
        names: dict[str, Any] = {"x": self.builder.states[x], "a": rates.a, "b": rates.b, "f": rates.f, "phi": "phi"}
        names |= {name: self.own.setdefault(name, Symbol(name)) for name, _ in stage.coefficients}
        own = {
            name: self.kept.setdefault((x, name), Symbol(f"{x}_{name}"))
            for name in names_given(stage.text)
            if name not in names
        }
        statements = self.builder.quote.stage_code(stage.text, names, own | self._of_earlier_stages(x))
        return self.builder.quote.in_lanes(statements)

    def _of_earlier_stages(self, x: str) -> dict[str, Symbol]:
        return {name: symbol for (state, name), symbol in self.kept.items() if state == x}

    def _stage(self, stage: Stage) -> tuple[list[Any], list[Any]]:
        """The evaluation and the updates of one stage."""
        group = self.system.groups[stage.states]
        before: list[Any] = []
        updates: list[Any] = []
        for x in group:
            lets = self._updates(stage, x)
            # What precedes an exponential update is needed to prepare it; see `phi_fallback`.
            k = next((k for k, let in enumerate(lets) if _calls_phi(let)), 0)
            before += lets[:k]
            updates += lets[k:]
        if not stage.evaluates:
            return [], updates
        asked: list[Any] = []
        if self.smooth and not stage.coefficients:
            asked = [Let(self.own[name], Name(row)) for name, row in self.currents[stage.c[0]].items()]
        return asked + self.builder.rates(group, stage.over) + before, updates

    def _repeated(self, stage: Stage, body: list[Any]) -> list[Statement]:
        inner: list[Statement] = []
        for name, values in stage.coefficients:
            table = self.builder.table(f"{name}_table", values)
            inner += self.builder.quote.code("coefficient = table[stage]", coefficient=self.own[name], table=table)
        if self.smooth:
            table = self.builder.table("c_table", stage.c)
            at = self.builder.quote.value("t + np.float64(table[stage]) * dt64", table=table)
            inner += self._stimulus(self.own, at)
        f = self.builder.rates_of["V"].f
        slope = self.builder.quote.code("dV_was = f if stage == 0 else dV_was", f=f)
        recording = RecordingStatements(after={f: slope[0]} if self.builder.recorders.timed else {})
        inner += self.scratch.loops(body, recording)
        return self.builder.quote.nest("for stage in range(n)", inner, n=Number(len(stage.c)))

    # --- stimuli ---
    def _current_times(self) -> list[float]:
        """The times within a step at which stages that run once ask for a smooth current."""
        asking = (stage for stage in self.stages if stage.evaluates and not stage.coefficients)
        return list(dict.fromkeys(stage.c[0] for stage in asking))

    def _stimulus(self, rows: Mapping[str, Symbol], at: nodes.Expression) -> list[Statement]:
        """Set the rows of i_app and g_app to what is applied at a time."""
        if not self.spec.kinds:
            return []
        t_at = self.own.setdefault("t_at", Symbol("t_at"))
        values = self.builder.applied.values(Name(t_at))
        before = [Let(t_at, at)] if self.smooth else []
        lets = [Let(rows[name], self.builder.quote.cast(value)) for name, value in values.items()]
        return [*before, *self.scratch.loop(lets)]

    def _to_next_points(self, stimuli: Iterable[int]) -> list[Statement]:
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

    # --- a step ---
    def _step(self) -> list[Statement]:
        """One time step of a block."""
        code, nest = self.builder.quote.code, self.builder.quote.nest
        statements = [Comment("one time step"), *code("t = t_node[node] + step * dt64\nt_end = t + dt64")]
        apart = self._to_next_points(k for k, points in self.builder.applied.pointed.items() if not points.together)
        statements += nest("if moving != 0", apart) if apart else []
        if self.spec.kinds and not self.smooth:
            statements += nest("if moving != 0", self._stimulus(self.own, Name(self.own["t"])))
        if self.smooth:
            for c, rows in self.currents.items():
                statements += self._stimulus(rows, self.builder.quote.value("t + c * dt64", c=Number(c)))
        statements += [Let(d.hit, Number(value=False)) for d in self.builder.recorders.detectors]
        statements += [] if self.settling is None else [Let(self.settling.settling.hit, Number(value=False))]
        flags: list[Symbol] = []
        lanes: list[list[Any]] = [[]]  # straight statements of a lane, each list to be cut into loops ...
        between: list[list[Statement]] = [[]]  # ... and what comes before each
        for stage in self.stages:
            evaluation, updates = self._stage(stage)
            between[-1].append(Comment(f"{stage.states}: {' ; '.join(stage.text.splitlines())}"))
            if stage.coefficients:
                between.append(self._repeated(stage, evaluation + updates))
                lanes.append([])
            elif uses_phi(stage.text):
                fallback = PhiFallback(self.builder, self.system.groups[stage.states])
                flags.append(fallback.flag)
                lanes[-1] += evaluation + fallback.check()
                between.append(fallback.fall_back())
                lanes.append(fallback.near(updates))
            else:
                lanes[-1] += evaluation + updates
        self.scratch.pass_on(*crossing(lanes))
        statements += [Let(flag, Number(value=False)) for flag in flags]
        for k, (before, body) in enumerate(zip(between, lanes, strict=True)):
            statements += before + self.scratch.loops(body, self._recording(k == 0, body is lanes[-1]))
        return statements + self._events() + self.builder.guards.look()

    def _recording(self, is_first: bool, is_last: bool) -> RecordingStatements:
        keep_slope = (
            is_first and bool(self.builder.recorders.timed) and not self.repeats
        )  # a repeated stage keeps dV/dt itself
        return RecordingStatements(
            first=self._keep_V() if is_first and self.keeps_V else [],
            after={self.builder.rates_of["V"].f: self._slope()} if keep_slope else {},
            last=self._after_step() if is_last else [],
        )

    def _keep_V(self) -> list[Statement]:
        earlier = [] if self.settling is None else self.settling.keep_V()
        return [*earlier, *self.builder.quote.code("V_was = V")]

    def _slope(self) -> Let:
        """Keep dV/dt of the first evaluation of a step."""
        over = next(stage.over for stage in self.stages if stage.evaluates)
        text = "dV_was = f" if over is None else "dV_was = f / (over * dt)"
        return self.builder.quote.let(text, f=self.builder.rates_of["V"].f, over=self.builder.quote.number(over or 1.0))

    def _after_step(self) -> list[Any]:
        """Detectors and recorders, after what the latter ask of the step: here only its ends are known."""
        lets = (
            self.builder.quote.lane_code("V_step = 0.5 * (V_was + V)")
            if self.builder.recorders.steps_use("V_step")
            else []
        )
        lets += self.builder.quote.code("V_high = V\nV_low = V") if self.builder.recorders.steps_use("V_high") else []
        lets += self.builder.recorders.after_step()
        lets += self.builder.guards.watch()
        return lets + (self.settling.notice() if self.settling is not None else [])

    def _events(self) -> list[Statement]:
        """The rare work, in a scalar loop: a spike has its time found and its recorders told."""
        statements = [statement for d in self.builder.recorders.detectors for statement in self._event(d)]
        return statements + (self.settling.events() if self.settling is not None else [])

    def _event(self, d: Detector) -> list[Statement]:
        timed: list[Statement] = []
        if d.number in self.builder.recorders.timed:
            timed += self.builder.rates(("V",))
            timed += self.builder.quote.code(
                "t_spike = t + dt64 * crossing(V_was, V, dV_was, f, dt64, levels[d, 0])",
                f=self.builder.rates_of["V"].f,
                d=Number(d.number),
            )
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

    # --- nodes of the time grid ---
    def _node(self) -> list[Statement]:
        """What happens at a node of the time grid, before the steps that follow it."""
        nest = self.builder.quote.nest
        statements: list[Statement] = []
        if self.spec.kinds:
            update = self.builder.quote.code("t = t_node[node]\nt_end = t + dt64")
            if onward := self._to_next_points(self.builder.applied.pointed):
                update += nest("if n_node[node] > 0", onward)
            update += self._stimulus(self.own, Name(self.own["t"]))
            # A current that jumps has its value before the last node; one that varies has one there, too.
            statements += update if self.smooth else nest("if n_node[node] > 0", update)
        for recorder in self.builder.recorders.all:
            begin, end, sample = (Number(1 << (ACTIONS * recorder.number + k)) for k in range(ACTIONS))
            asked = "if (action[node] & bit) != 0"
            if recorder.hooks.samples:
                statements += nest(asked, self._sample(recorder), bit=sample)
            if recorder.hooks.end:
                text = [*self.builder.quote.code("cell = block + i"), *recorder.end]
                ending = self.scratch.loop(text, Name(self.own["n"]))
                if self.settling is not None:
                    ending = nest("for i in range(n)", self.settling.unless_settled(self.scratch.framed(text)))
                off = [Let(recorder.is_on, Number(value=False)), *ending]
                statements += nest(asked, off, bit=end)
            if recorder.hooks.begin:
                on = [
                    Let(recorder.is_on, Number(value=True)),
                    *self.scratch.loop(self.builder.quote.in_lanes(recorder.begin)),
                ]
                statements += nest(asked, on, bit=begin)
        return statements

    def _sample(self, recorder: KernelRecorder) -> list[Statement]:
        """Compute the sampled variables for whole blocks (so that every lane is rounded alike), then copy them out."""
        statements = self.scratch.loop(self.builder.sampled(recorder.hooks, Name(self.own["t"])))
        copies = [
            statement
            for k, name in enumerate(recorder.hooks.samples)
            for statement in self.builder.quote.code(
                "trace[k, block + i, sample] = value",
                trace=recorder.arrays["trace"],
                k=Number(k),
                sample=recorder.sample,
                value=self.scratch.element(self.builder.variable(name)),
            )
        ]
        if self.settling is not None:
            copies = self.settling.unless_settled(copies)
        return [
            *statements,
            *self.builder.quote.nest("for i in range(n)", copies),
            *self.builder.quote.code("sample = sample + 1", sample=recorder.sample),
        ]

    def _new_dt(self) -> list[Statement]:
        """Set the step, and what depends on it."""
        constants = self.builder.constants
        dt = [
            *self.builder.quote.code("dt64 = dt_node[node]"),
            Let(self.own["dt"], self.builder.quote.cast(Name(self.own["dt64"]))),
        ]
        alone = self.builder.translator.lets(
            constants.of_step
        )  # scalars: a number times the step each, nothing to share
        return [
            Comment("what depends on the step, too"),
            *dt,
            *alone,
            *self.scratch.loop(self.builder.constant(constants.of_steps)),
        ]

    # --- the whole ---
    def _block(self) -> list[Statement]:
        """The life of one block: load, run, store."""
        code, nest, scratch = self.builder.quote.code, self.builder.quote.nest, self.scratch
        step, node = self._step(), self._node()  # first: they find out what is to be prepared
        load = [Comment("the last block is filled up with its last cell"), *code("cell = block + min(i, n - 1)")]
        of_lanes = Comment("what depends on parameters alone")
        statements = [
            *code("n = min(W, last_cell - block)"),
            *nest("for i in range(W)", [*load, *self.builder.load()]),
            of_lanes,
            *scratch.loop(self.builder.constant(self.builder.constants.of_lanes)),
            *scratch.loop(self.builder.recorders.arm()),
            *scratch.loop(self.builder.guards.begin("low = V\nhigh = V")),
            *scratch.loop(self.builder.applied.before_points()),
        ]
        statements += [Let(r.is_on, Number(value=False)) for r in self.builder.recorders.all if r.hooks.begin]
        statements += [Let(r.sample, Number(0)) for r in self.builder.recorders.all if r.hooks.samples]
        new_dt = nest("if dt_node[node] != dt64", self._new_dt())
        stop = code("if (step & 255) == 0 and stop[0] != 0:\n    return")
        settling = self.settling
        if settling is not None:
            statements += settling.begin()
            step, node = [*step, *settling.leave()], [*node, *settling.leave()]
        steps = nest("for step in range(n_node[node])", [*stop, *step])
        statements += [*code("dt64 = np.nan"), *nest("for node in range(len(t_node))", [*new_dt, *node, *steps])]
        cell = self.builder.quote.value("block + i")
        judged = [*self.builder.guards.compare(cell), *self.builder.guards.judge(cell, self.builder.not_finite)]
        ending = [*judged, *self.builder.store(cell)]
        if settling is not None:
            ending = settling.unless_settled([*settling.finish(), *ending])
        return [*statements, *nest("for i in range(n)", ending)]

    def kernel(self) -> Kernel:
        """The whole kernel."""
        blocks = self.builder.quote.nest("for block in range(first_cell, last_cell, W)", self._block())
        return self.builder.kernel([*([] if self.settling is None else self.settling.prepare()), *blocks])


def _calls_phi(let: nodes.Node) -> bool:
    return any(isinstance(node, Call) and node.function == "phi" for node in nodes.walk(let))

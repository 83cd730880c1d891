"""The stages of a fixed-step integrator: the evaluation of the rates, and the updates of the states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.fixed_step_stimuli import FixedStepStimuli
from hhfast.kernel.build.phi_fallback import PhiFallback
from hhfast.kernel.build.scratch import RecordingStatements
from hhfast.kernel.optimise.loop_fission import crossing
from hhfast.kernel.tree import nodes
from hhfast.kernel.tree.nodes import Call, Comment, Let, Name, Number, Statement, Symbol
from hhfast.kernel.tree.walk import walk
from hhfast.parts.grammar import names_given, names_used
from hhfast.parts.integrators import Stage


class Stages:
    """The stages of an integrator that a model has, as statements."""

    def __init__(self, builder: Builder) -> None:
        self.builder, self.own, self.system, self.scratch = builder, builder.own, builder.system, builder.scratch
        self.all = [stage for stage in builder.spec.integrator.stages if self._applies(stage)]
        self.repeats = any(stage.coefficients for stage in self.all)
        self.kept: dict[tuple[str, str], Symbol] = {}  # (state, name) -> a value of a stage's own
        once = (stage for stage in self.all if stage.evaluates and not stage.coefficients)
        self.stimuli = FixedStepStimuli(builder, dict.fromkeys(stage.c[0] for stage in once))
        self.kept_decays: dict[str, Symbol] = {}
        # state -> its slope at the beginning of a step, by which the times of spikes are found
        self.first_slopes = {"V": self.own["dV_was"]}

    def _applies(self, stage: Stage) -> bool:
        group = self.system.groups[stage.states]
        if not group:
            return False
        curved = stage.when != "always" and self.system.depends_on(stage.states, group)
        return stage.when == "always" or (stage.when == "curved") == curved

    def declare(self) -> None:
        """Give rows to what stages that repeat keep."""
        if self.repeats:
            for stage in self.all:
                for x in self.system.groups[stage.states]:
                    self._updates(stage, x)  # which names what it keeps
            self.scratch.add("lane", *self.kept.values())

    def keep_slope(self) -> dict[Symbol, Any]:
        """What keeps dV/dt of the first evaluation of a step, after what; a repeated stage does so itself."""
        if self.repeats:
            return {}
        over = next(stage.over for stage in self.all if stage.evaluates)
        text = "slope = f" if over is None else "slope = f / (over * dt)"
        found = {}
        for x, slope in self.first_slopes.items():
            f = self.builder.rates_of[x].f
            found[f] = self.builder.quote.let(text, slope=slope, f=f, over=self.builder.quote.number(over or 1.0))
        return found

    def keep_decays(self, gates: Sequence[str]) -> dict[str, Symbol]:
        """Gate -> a row that after a step has its b, times the step; none where no stage is over the whole step."""
        if self._whole is not None:
            self.kept_decays = {gate: Symbol(f"decay_{gate}") for gate in gates}
            self.scratch.add("lane", *self.kept_decays.values())
        return self.kept_decays

    @property
    def _whole(self) -> Stage | None:
        """The last stage that evaluates the rates of gates, times the whole step."""
        found = (s for s in self.all if s.evaluates and s.over == 1.0 and s.states in ("all", "gates"))
        return next(reversed(list(found)), None)

    def _after(self, stage: Stage) -> dict[Symbol, Any]:
        """What keeps the decays, after what."""
        if stage is not self._whole:
            return {}
        of = {gate: self.builder.rates_of[gate].b for gate in self.kept_decays}
        return {b: Let(self.kept_decays[gate], Name(b)) for gate, b in of.items()}

    def statements(self, recording: RecordingStatements) -> list[Statement]:
        """All stages of one step; and what records, which does not influence them."""
        flags: list[Symbol] = []
        lanes: list[list[Any]] = [[]]  # straight statements of a lane, each list to be cut into loops ...
        between: list[list[Statement]] = [[]]  # ... and what comes before each
        after: dict[int, dict[Symbol, Any]] = {0: dict(recording.after)}  # ... and what records in each
        for stage in self.all:
            evaluation, updates = self._stage(stage)
            after[len(lanes) - 1] = after.get(len(lanes) - 1, {}) | self._after(stage)
            between[-1].append(Comment(f"{stage.states}: {' ; '.join(stage.text.splitlines())}"))
            if stage.coefficients:
                between.append(self._repeated(stage, evaluation + updates))
                lanes.append([])
            elif _uses_phi(stage.text):
                fallback = PhiFallback(self.builder, self.system.groups[stage.states])
                flags.append(fallback.flag)
                lanes[-1] += evaluation + fallback.check()
                between.append(fallback.fall_back())
                lanes.append(fallback.near(updates))
            else:
                lanes[-1] += evaluation + updates
        self.scratch.pass_on(*crossing(lanes))
        statements: list[Statement] = [Let(flag, Number(value=False)) for flag in flags]
        for k, (before, body) in enumerate(zip(between, lanes, strict=True)):
            here = RecordingStatements(
                first=recording.first if k == 0 else (),
                after=after.get(k, {}),
                last=recording.last if body is lanes[-1] else (),
            )
            statements += before + self.scratch.loops(body, here)
        return statements

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
        if self.stimuli.smooth and not stage.coefficients:
            asked = [Let(self.own[name], Name(row)) for name, row in self.stimuli.currents[stage.c[0]].items()]
        return asked + self.builder.rates(group, stage.over) + before, updates

    def _repeated(self, stage: Stage, body: list[Any]) -> list[Statement]:
        inner: list[Statement] = []
        for name, values in stage.coefficients:
            table = self.builder.table(f"{name}_table", values)
            inner += self.builder.quote.code("coefficient = table[stage]", coefficient=self.own[name], table=table)
        if self.stimuli.smooth:
            table = self.builder.table("c_table", stage.c)
            at = self.builder.quote.value("t + np.float64(table[stage]) * dt64", table=table)
            inner += self.stimuli.set_to(self.own, at)
        kept = {}
        for x, slope in self.first_slopes.items() if self.builder.recorders.timed else ():
            f = self.builder.rates_of[x].f
            kept[f] = self.builder.quote.code("slope = f if stage == 0 else slope", slope=slope, f=f)[0]
        recording = RecordingStatements(after=kept)
        inner += self.scratch.loops(body, recording)
        return self.builder.quote.nest("for stage in range(n)", inner, n=Number(len(stage.c)))


def _calls_phi(let: nodes.Node) -> bool:
    return any(isinstance(node, Call) and node.function == "phi" for node in walk(let))


def _uses_phi(text: str) -> bool:
    """Whether the text of a stage is an exponential update."""
    return "phi" in names_used(text)

"""The recorders in a kernel: spike detection, and the hooks of each recorder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hhfast.kernel.build.quotation import Names, Quotation
from hhfast.kernel.build.scratch import Scratch
from hhfast.kernel.spec import KernelSpec, array_name
from hhfast.kernel.tree import nodes, parse
from hhfast.kernel.tree.nodes import Let, Statement, Symbol
from hhfast.kernel.tree.straight_line import symbols_read
from hhfast.parts.recorder import Hooks
from hhfast.parts.sensitivity import of_step_names, shift_names

# The names of a kernel that a recorder's text may use.
_SEEN = (
    "V",
    "V_was",
    "V_step",
    "V_high",
    "V_low",
    "V_turn",
    "t",
    "t_end",
    "dt_high",
    "dt_turn",
    "dt",
    "t_spike",
    "cell",
    "first_cell",
    "status",
)


@dataclass(frozen=True)
class Detector:
    """The symbols of a spike detector: armed and spike of each lane, whether any lane has a spike, and its levels."""

    number: int
    armed: Symbol
    spike: Symbol
    hit: Symbol
    threshold: Symbol
    rearm: Symbol

    @property
    def names(self) -> dict[str, Symbol]:
        """What its symbols are called in text."""
        names = ("spike", "armed", "hit", "threshold", "rearm")
        return dict(zip(names, (self.spike, self.armed, self.hit, self.threshold, self.rearm), strict=True))


class KernelRecorder:
    """A recorder in a kernel: its hooks, the number of its detector, and what the names in its text stand for."""

    def __init__(self, number: int, hooks: Hooks, detector: int, arguments: Mapping[str, Symbol], own: Names) -> None:
        self.number, self.hooks, self.detector = number, hooks, detector
        self.arrays = {name: arguments[array_name(name, number)] for name, _ in hooks.arrays}
        self.local = {name: Symbol(name) for name in hooks.extra}
        self.is_on = Symbol("recording")
        self.sample, self.next_sample, self.passed = (
            Symbol("sample"),
            Symbol("next_sample"),
            Symbol("passed", is_flag=True),
        )
        self.meanings = {**own, **self.arrays}
        self.begin, self.step, self.spike, self.turn, self.end = (
            parse.statements(text, self.meanings, self.local)
            for text in (hooks.begin, hooks.step, hooks.spike, hooks.turn, hooks.end)
        )
        self.kept = [s for s in self.local.values() if s in {let.target for let in self.begin if isinstance(let, Let)}]
        self.extra = [self.local[name] for name in hooks.extra]

    def uses(self, symbol: Symbol) -> bool:
        """Whether what it does at every step, or where V turns, uses a symbol."""
        return any(symbol in symbols_read(statement) for statement in (*self.step, *self.turn))


class KernelRecorders:
    """All recorders of a kernel, and the spike detectors that they share.

    more : further names that their texts may use: what every model has.
    """

    def __init__(self, spec: KernelSpec, quote: Quotation, scratch: Scratch, more: Names) -> None:
        self.quote, self.own, self.scratch, by = quote, quote.own, scratch, spec.sensitivity
        seen = {
            **quote.functions,
            **more,
            **{name: self.own[name] for name in (*_SEEN, *shift_names(by), *of_step_names(by))},
        }
        self.all = [KernelRecorder(r, hooks, d, self.own, seen) for r, (hooks, d) in enumerate(spec.hooks)]
        self.detectors = [_detector(d) for d in sorted({r.detector for r in self.all if r.detector >= 0})]
        t_spike = self.own["t_spike"]
        self.timed = {r.detector for r in self.all for s in r.spike if t_spike in symbols_read(s)}
        self.settling = next((r for r in self.all if r.hooks.settles), None)
        self.clamped = any(kind.clamp is not None for kind in spec.kinds)

    @property
    def sampling(self) -> list[KernelRecorder]:
        """Those that sample variables."""
        return [recorder for recorder in self.all if recorder.hooks.samples]

    def declare(self) -> None:
        """Give rows to what detectors and recorders keep."""
        for d in self.detectors:
            self.scratch.add("lane", d.armed, d.spike)
        for recorder in self.all:
            self.scratch.add("float64", *recorder.extra)
            self.scratch.add("lane", *recorder.kept)

    def steps_use(self, name: str) -> bool:
        """Whether what some recorder does at every step, or where V turns, uses the name."""
        return any(recorder.uses(self.own[name]) for recorder in self.all)

    def after_step(self, near: Callable[[Names], list[Any]] | None = None) -> list[Any]:
        """Spike detection and the recorders' running values, at the end of a step.

        near : makes statements that set `near` to 1 where, inside the step, V may be beyond a level that its ends are
        not. There `spike` becomes 2, to be decided in scalar code.
        """
        lets: list[Any] = []
        for d in self.detectors:
            lets += [] if near is None else near(d.names)
            detect = "spike = armed if V >= threshold else 0.0\narmed = 1.0 if V < rearm else armed - spike"
            if self.clamped:  # where a ramp of the command takes V above the threshold, the cell has not fired
                detect = f"armed = 0.0 if (clamped > 0.0) & (V >= threshold) else armed\n{detect}"
            lets += self.quote.lane_code(detect, **d.names)
            lets += [] if near is None else self.quote.lane_code("spike = 2.0 if near > 0.0 else spike", **d.names)
            lets += self.quote.lane_code("hit = hit | (spike > 0.0)", **d.names)
        for recorder in self.all:
            lets += self.quote.in_lanes(recorder.step)
        return lets

    def tell(self, detector: Detector, is_on: Any) -> list[Statement]:
        """Tell the recorders of a detector, in a scalar loop, of a spike; is_on : recorder -> condition."""
        return [
            statement
            for recorder in self.all
            if recorder.detector == detector.number and recorder.spike
            for statement in [nodes.If(is_on(recorder), recorder.spike)]
        ]

    def arm(self) -> list[Any]:
        """Detectors at the start: a cell above threshold is not armed."""
        return [
            let
            for d in self.detectors
            for let in self.quote.lane_code("armed = 0.0 if V >= threshold else 1.0", **d.names)
        ]

    def disarm(self) -> list[Any]:
        """Detectors where a clamp has set V: a command above threshold is no spike."""
        return [
            let
            for d in self.detectors
            for let in self.quote.lane_code("armed = 0.0 if V >= threshold else armed", **d.names)
        ]

    def levels(self) -> list[Let]:
        """The thresholds of the detectors, in the lanes' type."""
        return [
            Let(symbol, self.quote.cast(self.quote.value(f"levels[{d.number}, {k}]")))
            for d in self.detectors
            for k, symbol in enumerate((d.threshold, d.rearm))
        ]


def _detector(number: int) -> Detector:
    armed, spike, threshold, rearm = map(Symbol, ("armed", "spike", "threshold", "rearm"))
    return Detector(number, armed, spike, Symbol("hit", is_flag=True), threshold, rearm)

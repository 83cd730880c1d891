"""Features: numbers per cell, accumulated inside the kernel while it runs, without storing a trace.

Adding a feature is adding an entry to `FEATURES`, and to `_ACCUMULATORS` if it needs a new running value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from hhfast.errors import InputError, unknown
from hhfast.parts.activity import SETTLED_FEATURES, SettledFeature
from hhfast.parts.feature_derivatives import DERIVATIVES, VALUES
from hhfast.parts.recorder import Hooks, Recording, Run, Shared, Window, check_levels, window_of
from hhfast.parts.sensitivity import quotient
from hhfast.parts.variable import Variable


@dataclass(frozen=True)
class Feature:
    """A number per cell, computed from what the kernel accumulated (see `_ACCUMULATORS`).

    kind : how errors of it are judged, see `parts.variable`; "": by its unit.
    """

    unit: str
    long_name: str
    needs: tuple[str, ...]
    value: Callable[[dict[str, Any]], np.ndarray]
    kind: str = ""

    def variable(self, of: dict[str, Any]) -> Variable:
        """Its values."""
        return Variable(self.value(of), ("cell",), self.unit, self.long_name, kind=self.kind)


def _isi_mean(a: dict[str, Any]) -> np.ndarray:
    return np.where(a["spikes"] > 1, (a["last"] - a["first"]) / np.maximum(a["spikes"] - 1, 1), np.nan)


def _isi_cv(a: dict[str, Any]) -> np.ndarray:
    deviation = np.sqrt(a["scatter"] / np.maximum(a["spikes"] - 2, 1))
    return np.where(a["spikes"] > 2, deviation / _isi_mean(a), np.nan)


def _latency(a: dict[str, Any]) -> np.ndarray:
    """NaN as well for a cell that fires before the stimulus: then no spike is the answer to it."""
    return np.where((a["spikes"] > 0) & (a["first"] >= a["onset"]), a["first"] - a["onset"], np.nan)


FEATURES: dict[str, Feature] = {
    "spike_count": Feature("1", "number of spikes", ("count",), lambda a: a["spikes"].astype(np.int32)),
    "rate": Feature("Hz", "mean firing rate", ("count",), lambda a: 1000.0 * a["spikes"] / a["duration"], "count"),
    "latency": Feature(
        "ms",
        "time from the stimulus start to the first spike",
        ("times",),
        _latency,
    ),
    "isi_mean": Feature("ms", "mean interspike interval", ("times",), _isi_mean),
    "isi_cv": Feature("1", "coefficient of variation of the interspike intervals (ddof = 1)", ("times",), _isi_cv),
    "V_max": Feature("mV", "largest membrane potential", ("extremes",), lambda a: a["V_max"]),
    "V_min": Feature("mV", "smallest membrane potential", ("extremes",), lambda a: a["V_min"]),
    "V_mean": Feature("mV", "mean membrane potential", ("mean",), lambda a: a["V_sum"] / a["duration"]),
}
# Under the names of eFEL, too, where the definitions are the same (eFEL's window is the time of the stimulus). Not so
# time_to_first_spike, mean_frequency and ISI_CV: eFEL counts to peaks, to the last spike, from the second interval.
FEATURES |= {"maximum_voltage": FEATURES["V_max"], "minimum_voltage": FEATURES["V_min"]}


@dataclass(frozen=True)
class _Accumulator:
    """Text that keeps some running values: in the lane's dtype (`values`), or in float64 (`extra`)."""

    begin: str
    step: str = ""
    spike: str = ""
    turn: str = ""
    values: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


_ACCUMULATORS: dict[str, _Accumulator] = {
    "count": _Accumulator("spikes = 0.0", spike="spikes = spikes + 1.0", extra=("spikes",)),
    "times": _Accumulator(  # the scatter of the intervals is accumulated as by Welford 1962
        begin="spikes = 0.0\nfirst = np.nan\nlast = np.nan\nscatter = 0.0",
        spike="""\
if spikes == 0.0:
    first = t_spike
else:
    mean = (last - first) / max(spikes - 1.0, 1.0)
    isi = t_spike - last
    mean_new = (t_spike - first) / spikes
    scatter = scatter + (isi - mean) * (isi - mean_new)
last = t_spike
spikes = spikes + 1.0""",
        extra=("spikes", "first", "last", "scatter"),
    ),
    "extremes": _Accumulator(
        begin="V_max = V\nV_min = V",
        step="""\
V_max = V_high if V_high > V_max else V_max
V_min = V_low if V_low < V_min else V_min""",
        turn="""\
V_max = V_turn if V_turn > V_max else V_max
V_min = V_turn if V_turn < V_min else V_min""",
        values=("V_max", "V_min"),
    ),
    "mean": _Accumulator(  # with compensated summation (Kahan 1965): float32 needs it
        begin="V_sum = 0.0 * V\nrounding = 0.0 * V",
        step="""\
piece = dt * V_step - rounding
total = V_sum + piece
rounding = (total - V_sum) - piece
V_sum = total""",
        values=("V_sum",),
    ),
}


@dataclass(frozen=True)
class Features:
    """Features computed inside the kernel, without storing a trace: one number per cell each.

    names : from `Features.known`; in runs until="settled" from `Features.of_settled`, too (activity, period ...).
    window : ms, the part of the run that counts (default: all of it).
    Spikes are upward crossings of `threshold` while armed; falling below `rearm` arms again (mV).
    """

    known: ClassVar[dict[str, tuple[str, str]]] = {n: (f.unit, f.long_name) for n, f in FEATURES.items()}
    of_settled: ClassVar[dict[str, SettledFeature]] = SETTLED_FEATURES
    names: tuple[str, ...]
    threshold: float = -20.0
    rearm: float = -30.0
    window: Window | None = None
    # Parameters by which they are derived: (name, unit); which of them is when the stimulus begins; the accumulators.
    by: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    onset: str = field(default="", repr=False)
    derived: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.names, Iterable):
            raise InputError(f"Features: {self.names!r} is no list of names; known: {', '.join(FEATURES)}")
        object.__setattr__(self, "names", (self.names,) if isinstance(self.names, str) else tuple(self.names))
        for name in self.names:
            if name not in (known := [*self.known, *self.of_settled]):
                raise unknown("feature", name, known)
        check_levels("Features", self.threshold, self.rearm)

    @property
    def settled_names(self) -> tuple[str, ...]:
        """Those that only settled cells have; the run itself delivers them."""
        return tuple(name for name in self.names if name in SETTLED_FEATURES)

    @property
    def _streamed(self) -> list[str]:
        return [name for name in self.names if name in FEATURES]

    @cached_property
    def _accumulators(self) -> list[str]:
        needed = {need for name in self._streamed for need in FEATURES[name].needs}
        if "times" in needed:
            needed.discard("count")  # it counts as well
        return [name for name in _ACCUMULATORS if name in needed]

    def derived_by(self, parameters: Mapping[str, str], onset: str, adaptive: bool) -> Features:
        """The same, with the derivatives of those that have any by parameters, name -> unit.

        onset : the parameter that is the start of the stimulus. adaptive : whether steps have dense output.
        """
        derived = [n for n in self._accumulators if n in DERIVATIVES and (adaptive or not DERIVATIVES[n].own_steps)]
        return replace(self, by=tuple(parameters.items()), onset=onset, derived=tuple(derived))

    @cached_property
    def _texts(self) -> list[_Accumulator]:
        """What is accumulated, the derivatives of each before itself."""
        found = []
        for name in self._accumulators:
            of = [DERIVATIVES[name]] * len(self.by) if name in self.derived else []
            for k, d in enumerate(of):
                begin, step, spike = (text.replace("{k}", str(k)) for text in (d.begin, d.step, d.spike))
                values, extra = (tuple(v.replace("{k}", str(k)) for v in kept) for kept in (d.values, d.extra))
                found.append(_Accumulator(begin, step, spike, values=values, extra=extra))
            found.append(_ACCUMULATORS[name])
        return found

    @cached_property
    def _outputs(self) -> list[str]:
        return [v for a in self._texts for v in (*a.values, *a.extra)]

    @cached_property
    def hooks(self) -> Hooks:
        chosen = self._texts
        return Hooks(
            begin="\n".join(a.begin for a in chosen),
            step="\n".join(a.step for a in chosen if a.step),
            spike="\n".join(a.spike for a in chosen if a.spike),
            turn="\n".join(a.turn for a in chosen if a.turn),
            end="\n".join(f"feature[{k}, cell] = {v}" for k, v in enumerate(self._outputs)),
            extra=tuple(v for a in chosen for v in a.extra),
            arrays=(("feature", "float64[:, ::1]"),),
            detects=any(a.spike for a in chosen),
        )

    def _derivatives(self, of: Mapping[str, Any]) -> dict[str, Variable]:
        """NAME_dPARAMETER of those that have any."""
        derived = [n for n in self._streamed if n in VALUES and {*FEATURES[n].needs} <= {*self.derived}]
        return {
            f"{name}_d{p}": Variable(
                VALUES[name](of, k), ("cell",), quotient(FEATURES[name].unit, unit), f"derivative of {name} by {p}"
            )
            for name in derived
            for k, (p, unit) in enumerate(self.by)
        }

    @property
    def levels(self) -> tuple[float, float] | None:
        return (self.threshold, self.rearm) if self.hooks.detects or self.settled_names else None

    def times(self, t_stop: float) -> tuple[Window, np.ndarray]:
        return window_of("Features", self.window, t_stop), np.empty(0)

    def open(self, run: Run) -> Recording:
        start, stop = window_of("Features", self.window, run.t_stop)
        values = np.full((len(self._outputs), run.n_cells), np.nan)

        def variables() -> dict[str, Variable]:
            of: dict[str, Any] = dict(zip(self._outputs, values, strict=True))
            of |= {"onset": run.onset, "duration": stop - start}
            if "spikes" in of:
                of["spikes"] = np.nan_to_num(of["spikes"])
            with np.errstate(invalid="ignore"):
                found = {name: FEATURES[name].variable(of) for name in self._streamed}
                return found | self._derivatives(of | {"onset_by": [float(p == self.onset) for p, _ in self.by]})

        return Shared((values,), variables)


def has_derivatives(recorder: object, adaptive: bool) -> bool:
    """Whether some feature of a recorder has derivatives in a run with sensitivities, up to t_stop."""
    return isinstance(recorder, Features) and bool(recorder.derived_by({}, "", adaptive).derived)


def SpikeCount(threshold: float = -20.0, rearm: float = -30.0, window: Window | None = None) -> Features:
    """The number of spikes of each cell: `Features(["spike_count"])`, the cheapest recorder."""
    return Features(("spike_count",), threshold, rearm, window)

"""Features: the recorder of numbers per cell that are accumulated inside the kernel while it runs.

What each feature is stands in `parts.feature`, the running values that they are computed from in
`parts.running_values`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hhfast.errors import InputError, shown
from hhfast.inputs import known_name
from hhfast.parts.activity import SETTLED_FEATURES, SettledFeature
from hhfast.parts.feature import Feature, check_own, feature_name, feature_names, features
from hhfast.parts.feature_derivatives import DERIVATIVES, VALUES
from hhfast.parts.recorder import Hooks, Recording, Run, Shared, Window, as_window, check_levels, window_of
from hhfast.parts.running_values import RUNNING_VALUES, RunningValues
from hhfast.parts.sensitivity import derivative_name, quotient
from hhfast.parts.variable import Variable
from hhfast.registry import Registry


@dataclass(frozen=True)
class Features:
    """Features computed inside the kernel, without storing a trace: one number per cell each.

    names : from `Features.known`; in runs until="settled" from `Features.of_settled`, too (activity, period ...);
        or `Feature` objects that have a `name`, which are then in `own`.
    window : ms, the part of the run that counts (default: all of it).
    threshold, rearm : mV; spikes are upward crossings of `threshold` while armed; falling below `rearm` arms again.
    by, onset, derived : of derivatives; a run with `sensitivity` fills them in.
    """

    known: ClassVar[Registry[Feature]] = features
    of_settled: ClassVar[dict[str, SettledFeature]] = SETTLED_FEATURES
    names: tuple[str, ...]
    threshold: float = -20.0
    rearm: float = -30.0
    window: Window | None = None
    # Parameters by which they are derived: (name, unit); which of them is when the stimulus begins; the accumulators.
    by: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    onset: str = field(default="", repr=False)
    derived: tuple[str, ...] = field(default=(), repr=False)
    own: tuple[Feature, ...] = field(default=(), repr=False)

    if TYPE_CHECKING:  # what it takes is more than what it holds

        def __init__(
            self,
            names: str | Feature | Iterable[str | Feature],
            threshold: float = -20.0,
            rearm: float = -30.0,
            window: Window | None = None,
        ) -> None: ...

    def __post_init__(self) -> None:
        given: Any = self.names
        if not isinstance(given, Iterable | Feature):
            raise InputError(f"Features: {shown(given)} is no list of names; known: {', '.join(feature_names())}")
        several = (given,) if isinstance(given, str | Feature) else tuple(given)
        if not isinstance(self.own, tuple) or not all(isinstance(f, Feature) for f in self.own):
            raise InputError(f"Features: own is {shown(self.own)}; give Feature objects among the names")
        own = (*self.own, *(f for f in several if isinstance(f, Feature)))
        object.__setattr__(self, "own", own)
        object.__setattr__(self, "names", tuple(f.name if isinstance(f, Feature) else f for f in several))
        known = [*feature_names(), *self.of_settled]
        for feature in own:
            check_own(feature, known)
        for name in self.names:
            known_name("feature", name, [*self._own_by_name, *known])
        check_levels("Features", self.threshold, self.rearm)
        object.__setattr__(self, "window", as_window("Features", self.window))

    @cached_property
    def _own_by_name(self) -> dict[str, Feature]:
        return {feature.name: feature for feature in self.own}

    def feature(self, name: str) -> Feature | None:
        """The feature that is recorded under a name; None for one that only settled cells have."""
        return self._own_by_name.get(name) or features.get(feature_name(name))

    @property
    def settled_names(self) -> tuple[str, ...]:
        """Those that only settled cells have; the run itself delivers them."""
        return tuple(name for name in self.names if name in SETTLED_FEATURES)

    @cached_property
    def _features(self) -> dict[str, Feature]:
        found = {name: self.feature(name) for name in self.names}
        return {name: feature for name, feature in found.items() if feature is not None}

    @cached_property
    def _accumulators(self) -> list[str]:
        needed = {need for feature in self._features.values() for need in feature.needs}
        if "times" in needed:
            needed.discard("count")  # it counts as well
        return [name for name in RUNNING_VALUES if name in needed]

    def derived_by(self, parameters: Mapping[str, str], onset: str, adaptive: bool) -> Features:
        """The same, with the derivatives of those that have any by parameters, name -> unit.

        onset : the parameter that is the start of the stimulus. adaptive : whether steps have dense output.
        """
        derived = [n for n in self._accumulators if n in DERIVATIVES and (adaptive or not DERIVATIVES[n].own_steps)]
        return replace(self, by=tuple(parameters.items()), onset=onset, derived=tuple(derived))

    @cached_property
    def _texts(self) -> list[RunningValues]:
        """What is accumulated, the derivatives of each before itself."""
        found = []
        for name in self._accumulators:
            of = [DERIVATIVES[name]] * len(self.by) if name in self.derived else []
            for k, d in enumerate(of):
                begin, step, spike = (text.replace("{k}", str(k)) for text in (d.begin, d.step, d.spike))
                values, extra = (tuple(v.replace("{k}", str(k)) for v in kept) for kept in (d.values, d.extra))
                found.append(RunningValues(begin, step, spike, values=values, extra=extra))
            found.append(RUNNING_VALUES[name])
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

    @property
    def with_derivatives(self) -> dict[str, str]:
        """Those that have derivatives, of the recorder that `derived_by` gives: name -> its entry in the registry."""
        entries = {name: feature_name(name) for name in self._features}
        return {n: e for n, e in entries.items() if e in VALUES and {*features[e].needs} <= {*self.derived}}

    def _derivatives(self, of: Mapping[str, Any]) -> dict[str, Variable]:
        """NAME_dPARAMETER of those that have any."""
        return {
            derivative_name(name, p): Variable(
                VALUES[entry](of, k), ("cell",), quotient(features[entry].unit, unit), f"derivative of {name} by {p}",
                derivative=(name, p),
            )
            for name, entry in self.with_derivatives.items()
            for k, (p, unit) in enumerate(self.by)
        }  # fmt: skip

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
            of |= {name: np.nan_to_num(of[name]) for name in ("spikes", "peaks") if name in of}
            with np.errstate(invalid="ignore"):
                found = {name: f.variable(name, of, run.n_cells) for name, f in self._features.items()}
                return found | self._derivatives(of | {"onset_by": [float(p == self.onset) for p, _ in self.by]})

        return Shared((values,), variables)


def of_cycle(record: Iterable[object]) -> dict[str, str]:
    """The features that recorders name -> the feature of a settled cell that each is of its last period; "": none."""
    found = {name: r.feature(name) for r in record if isinstance(r, Features) for name in r.names}
    return {name: "" if feature is None else feature.of_cycle for name, feature in found.items()}


def SpikeCount(threshold: float = -20.0, rearm: float = -30.0, window: Window | None = None) -> Features:
    """The number of spikes of each cell: `Features(["spike_count"])`, the cheapest recorder.

    threshold, rearm : mV; a spike is an upward crossing of threshold, and V must have been below rearm before. window :
    (start, stop) ms in which spikes count; None: the whole run. Raises `InputError` for rearm above threshold.
    """
    return Features(("spike_count",), threshold, rearm, window)

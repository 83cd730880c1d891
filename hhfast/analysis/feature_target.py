"""What a fit is to meet: measured features, each with its error; and how far a run is from them, with derivatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from hhfast.analysis.action_potential_shape import UNITS, ap_features
from hhfast.batch.result import Result
from hhfast.errors import InputError, unknown
from hhfast.inputs import mapping, one_of, per_cell, positive
from hhfast.parts.feature import Feature, feature_name, feature_names, features
from hhfast.parts.features import Features
from hhfast.parts.integrators import Integrator
from hhfast.parts.recorder import Recorder, check_levels
from hhfast.parts.recorders import Trace
from hhfast.parts.sensitivity import derivative_name
from hhfast.tables import one_line

SHAPES = tuple(name for name in UNITS if name not in ("cell", "peak_time", "AP_begin_time"))  # means over spikes
SETTLED = ("period", "V_peak", "V_trough", "V_rest", "burst_duration", "duty_cycle", "intraburst_rate")
_SAMPLE = 0.01  # ms between samples for the shapes of spikes


@dataclass(frozen=True, repr=False)
class FeatureTarget:
    """Measured features with their standard errors.

    values, errors : name -> a number, or (n_targets,) of them, in the unit of the feature. t_stop : ms. A feature of
        one's own stands there itself instead of its name, as a `Feature` that has one; these are then in `own`.
    until : "settled": features of the settled cell (rate, period, V_peak, V_trough, V_rest, burst_duration,
        duty_cycle, intraburst_rate, isi_cv ...), with exact derivatives; t_stop is then a cap. "t_stop": features of a
        run of t_stop ms: latency, isi_mean, isi_cv, V_max, V_min, V_mean and their eFEL names, with exact derivatives;
        further ones (mean_frequency ...), and means over its spikes of the shapes of `ap_features` (AP_amplitude,
        AP_duration_half_width, AP_begin_voltage, AHP_depth_abs ...), with finite differences.
    threshold, rearm : mV, of spikes.
    table, scale : (n_targets, n_features) the values and errors; found from what is given.

    A run without one of the features (a period, in a silent cell) is no fit at all: prefer rate. The residuals of a
    fit are in standard errors. Raises `InputError` for names and numbers that do not fit together.
    """

    values: Mapping[Any, Any]
    errors: Mapping[Any, Any]
    t_stop: float = 5000.0
    until: str = "settled"
    threshold: float = -20.0
    rearm: float = -30.0
    unit: ClassVar[str] = "standard errors"
    absolute: ClassVar[bool] = True
    table: np.ndarray = field(init=False, repr=False)
    scale: np.ndarray = field(init=False, repr=False)
    own: tuple[Feature, ...] = field(init=False, repr=False)

    __repr__ = one_line

    def __post_init__(self) -> None:
        one_of("FeatureTarget: until", self.until, ("settled", "t_stop"))
        for name in ("values", "errors"):
            mapping(f"FeatureTarget: {name}", getattr(self, name), "{'rate': 68.0}")
        positive("FeatureTarget: t_stop", self.t_stop)
        check_levels("FeatureTarget", self.threshold, self.rearm)
        object.__setattr__(self, "own", tuple(key for key in self.values if isinstance(key, Feature)))
        object.__setattr__(self, "values", _by_name(self.values))
        object.__setattr__(self, "errors", _by_name(self.errors))
        every = {name: features[feature_name(name)] for name in feature_names()} | {f.name: f for f in self.own}
        jumping = [name for name, feature in every.items() if feature.jumps]
        known = (
            [*(name for name, feature in every.items() if feature.of_cycle), *SETTLED]
            if self.until == "settled"
            else [*(name for name in every if name not in jumping), *SHAPES]
        )
        if not self.values:
            raise InputError("FeatureTarget: names no feature; give their values, as {'rate': 68.0}")
        for name in self.values:
            if name not in known:
                other = " (a count jumps; give until = 'settled')" if name in jumping else ""
                raise unknown("feature", name, known, f"FeatureTarget with until = '{self.until}'{other}")
            if name not in self.errors:
                raise InputError(f"FeatureTarget: errors has no '{name}'; give its standard error")
        for name in self.errors:
            if name not in self.values:
                raise InputError(f"FeatureTarget: errors has '{name}', which is no value; leave it out")
        columns = [np.atleast_1d(per_cell(f"FeatureTarget: {name}", v)) for name, v in self.values.items()]
        scales = [np.atleast_1d(per_cell(f"FeatureTarget: error of {n}", self.errors[n])) for n in self.values]
        if len({len(c) for c in (*columns, *scales)} - {1}) > 1:
            raise InputError("FeatureTarget: the arrays have different lengths, but each has one value per target")
        both = np.broadcast_arrays(*columns, *scales)
        table, scale = np.stack(both[: len(columns)], axis=-1), np.stack(both[len(columns) :], axis=-1)
        if not np.isfinite(table).all() or not (scale > 0).all() or not np.isfinite(scale).all():
            raise InputError("FeatureTarget: values must be finite, and their errors positive")
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "scale", scale)

    @property
    def n(self) -> int:
        return len(self.table)

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def counts(self) -> np.ndarray:
        return np.full(self.n, self.size)

    def take(self, numbers: np.ndarray) -> FeatureTarget:
        own = {feature.name: feature for feature in self.own}
        values, errors = (
            {own.get(name, name): table[numbers, k] for k, name in enumerate(self.values)}
            for table in (self.table, self.scale)
        )
        return replace(self, values=values, errors=errors)

    def plain(self) -> dict[str, Any]:
        if self.own:
            told = f"'{self.own[0].name}' is a feature of your own, which no file holds"
            raise InputError(f"FeatureTarget: {told}; register it, and give its name")
        values, errors = (
            {name: table[:, k].tolist() for k, name in enumerate(self.values)} for table in (self.table, self.scale)
        )
        levels = {"threshold": float(self.threshold), "rearm": float(self.rearm)}
        return {"values": values, "errors": errors, "t_stop": float(self.t_stop), "until": self.until, **levels}

    def differenced(self, scheme: Integrator) -> np.ndarray:
        """(n_features,) whether derivatives come from finite differences: where runs of t_stop have none."""
        if self.until == "settled":
            return np.zeros(self.size, bool)
        derived: set[str] = set()
        if scheme.explicit:
            for recorder in self.recorder:
                if isinstance(recorder, Features):
                    derived |= {*recorder.derived_by({}, "", scheme.adaptive).with_derivatives}
        return np.array([name not in derived for name in self.values])

    @property
    def recorder(self) -> tuple[Recorder, ...]:
        own = {feature.name: feature for feature in self.own}
        several = [own.get(name, name) for name in self.values if name not in SHAPES]
        found: list[Recorder] = [Features(several, self.threshold, self.rearm)] if several else []
        if self._shapes:
            found.append(Trace("V", every=_SAMPLE))
        return tuple(found)

    @property
    def _shapes(self) -> list[str]:
        return [name for name in self.values if name in SHAPES]

    def traced(self, parameters: Sequence[str]) -> tuple[Recorder, ...]:
        return self.recorder

    def measured(self, found: Result) -> np.ndarray:
        """(n_cells, n_features) the features of a run."""
        columns = {name: found[name] for name in self.values if name not in SHAPES}
        if self._shapes:
            spikes = ap_features(found.time, found["V"], threshold=self.threshold, rearm=self.rearm)
            for name in self._shapes:
                known = np.isfinite(spikes[name])  # the last spike may be cut off
                cell = spikes["cell"][known]
                with np.errstate(invalid="ignore"):
                    columns[name] = np.bincount(cell, spikes[name][known], found.n_cells) / np.bincount(
                        cell, minlength=found.n_cells
                    )
        return np.stack([columns[name] for name in self.values], axis=-1)

    def residuals(self, found: Result, target: np.ndarray, parameters: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        r = (self.measured(found) - self.table[target]) / self.scale[target]
        if not parameters:
            return r, np.empty((*r.shape, 0))
        none = np.zeros(found.n_cells)  # of those that are differenced
        by = [
            np.stack([found.get(derivative_name(name, p), none) for name in self.values], axis=-1) for p in parameters
        ]
        return r, np.stack(by, axis=-1) / self.scale[target][:, :, None]


def _by_name(given: Mapping[Any, Any]) -> dict[str, Any]:
    return {key.name if isinstance(key, Feature) else key: value for key, value in given.items()}

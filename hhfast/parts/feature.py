"""What each feature is: its unit, its definition, and how it stands to eFEL's, in one entry of `features`.

Names are those of hhfast, and eFEL's (Blue Brain Project, github.com/openbraininstitute/eFEL) where the number is
eFEL's. eFEL's times are of the peaks of spikes, in the time of the stimulus; those of hhfast are of crossings of the
threshold. Features of eFEL's names that are of times are therefore found from peaks here, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hhfast.errors import InputError, shown, unknown
from hhfast.inputs import known_name
from hhfast.parts.activity import SETTLED_FEATURES
from hhfast.parts.running_values import RUNNING_VALUES
from hhfast.parts.variable import Variable
from hhfast.registry import Registry

_LONGEST = 200  # characters
_TAKEN = ("status", "reason", "certified", "run", "cell", "n_steps", "n_rejected")


@dataclass(frozen=True)
class Feature:
    """A number per cell, computed from what the kernel accumulated (see `running_values`).

    unit : of the number. long_name : what it is, in words.
    needs : names of running values. value : running values by name, `onset` and `duration` (ms) -> (n_cells,).
    kind : how errors of it are judged, see `parts.variable`; "": by its unit.
    efel : how it stands to what eFEL computes. aliases : further names of it, those that it has in eFEL.
    of_cycle : the feature of a settled cell (`parts.activity`) that it is where there is a last period; "": none.
    jumps : whether it changes by leaps, as counts do, so that nothing is fitted to it.
    whole_run : whether it depends on when a run ends, so that cells that end by themselves have none.
    name : of one that is given as an object, as in `Features(["rate", feature])`; in the registry the key is its name.
    """

    unit: str
    long_name: str
    needs: tuple[str, ...]
    value: Callable[[dict[str, Any]], np.ndarray]
    kind: str = ""
    efel: str = ""
    aliases: tuple[str, ...] = ()
    of_cycle: str = ""
    jumps: bool = False
    whole_run: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        for what in ("unit", "long_name"):
            text = getattr(self, what)
            if not isinstance(text, str) or not text.isprintable() or len(text) > _LONGEST:
                raise InputError(f"Feature: {what} is {shown(text)}; give a line of text")
        if not isinstance(self.needs, tuple) or not self.needs:
            raise InputError(f"Feature: needs is {shown(self.needs)}; give running values, as ('extremes',)")
        for name in self.needs:
            known_name("running value", name, RUNNING_VALUES, "Feature: needs")
        if not callable(self.value):
            raise InputError(f"Feature: value is {shown(self.value)}; give a function of the running values")
        if not isinstance(self.aliases, (tuple, list)):
            raise InputError(f"Feature: aliases is {shown(self.aliases)}; give names, as ('V_max_abs',)")
        for name in (*self.aliases, *([] if isinstance(self.of_cycle, str) and not self.of_cycle else [self.of_cycle])):
            check_feature_name(name)
        if not isinstance(self.name, str):
            raise InputError(f"Feature: name is {shown(self.name)}; give a name")

    def variable(self, name: str, of: dict[str, Any], n_cells: int) -> Variable:
        """Its values in n_cells cells, under a name. Raises `InputError` if its function gives no such numbers."""
        try:
            values = np.asarray(self.value(of))
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"feature '{name}': its function fails with {type(error).__name__}: {error}") from error
        if values.dtype.kind not in "biuf" or values.shape != (n_cells,):
            got = f"{values.dtype} of shape {values.shape}"
            raise InputError(f"feature '{name}': its function gives {got}; give a number for each of {n_cells} cells")
        return Variable(values, ("cell",), self.unit, self.long_name, kind=self.kind)


def check_feature_name(name: Any) -> None:
    """Raises `InputError` for what cannot be the name of a variable in a result."""
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii() or len(name) > _LONGEST:
        raise InputError(f"feature {shown(name)}: a name is letters, digits and underscores, at most {_LONGEST}")
    if name in _TAKEN:
        raise InputError(f"feature '{name}': results have a variable of this name; choose another")


def _isi_mean(a: dict[str, Any]) -> np.ndarray:
    return np.where(a["spikes"] > 1, (a["last"] - a["first"]) / np.maximum(a["spikes"] - 1, 1), np.nan)


def _isi_cv(a: dict[str, Any]) -> np.ndarray:
    deviation = np.sqrt(a["scatter"] / np.maximum(a["spikes"] - 2, 1))
    return np.where(a["spikes"] > 2, deviation / _isi_mean(a), np.nan)


def _latency(a: dict[str, Any]) -> np.ndarray:
    """NaN as well for a cell that fires before the stimulus: then no spike is the answer to it."""
    return np.where((a["spikes"] > 0) & (a["first"] >= a["onset"]), a["first"] - a["onset"], np.nan)


class Peaks(NamedTuple):
    """The peaks of each cell's spikes: their number, the times of the first, second and last, ms, and the sum of the
    squared deviations of the intervals between them from the second on. The times have no meaning where there are
    fewer peaks.
    """

    n: np.ndarray
    first: np.ndarray
    second: np.ndarray
    last: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, a: dict[str, Any]) -> Peaks:
        """From running values: the peak of the last spike is passed unless V still rises."""
        n, higher = a["peaks"], a["V_now"] > a["V_peak"]
        time = a["t_spiked"] + np.where(higher, a["to_now"], a["to_peak"])
        passed = (n > 0) & ~(higher & (a["V_now"] <= a["V"]))
        first = np.where(passed & (n == 1), time, a["t_first"])
        second = np.where(passed & (n == 2), time, a["t_second"])
        mean = np.where(n > 3, (a["t_last"] - second) / np.maximum(n - 3, 1), 0.0)
        interval, new_mean = time - a["t_last"], (time - second) / np.maximum(n - 2, 1)
        scatter = a["peak_scatter"] + np.where(passed & (n > 2), (interval - mean) * (interval - new_mean), 0.0)
        return cls(n - ((n > 0) & ~passed), first, second, np.where(passed, time, a["t_last"]), scatter)

    @property
    def first_interval(self) -> np.ndarray:
        return np.where(self.n > 1, self.second - self.first, np.nan)

    @property
    def later_intervals(self) -> np.ndarray:
        """The mean of the intervals but for the first."""
        return np.where(self.n > 2, (self.last - self.second) / np.maximum(self.n - 2, 1), np.nan)

    @property
    def cv_of_later_intervals(self) -> np.ndarray:
        deviation = np.sqrt(self.scatter / np.maximum(self.n - 3, 1))
        return np.where(self.n > 3, deviation / self.later_intervals, np.nan)

    def since(self, onset: Any, time: np.ndarray) -> np.ndarray:
        """A time from the onset on; NaN, as the latency, for a cell that fires before."""
        return np.where((self.n > 0) & (self.first >= onset), time - onset, np.nan)


def _to_first(a: dict[str, Any]) -> np.ndarray:
    peaks = Peaks.of(a)
    return peaks.since(a["onset"], peaks.first)


def _to_last(a: dict[str, Any]) -> np.ndarray:
    peaks = Peaks.of(a)
    return peaks.since(a["onset"], peaks.last)


_FEATURES = {
    "spike_count": Feature(
        "1", "number of spikes", ("count",), lambda a: a["spikes"].astype(np.int32), jumps=True,
        aliases=("Spikecount",),
        efel="the same, where V falls below `rearm` between spikes (eFEL's level to fall below is the threshold)",
    ),
    "rate": Feature(
        "Hz", "mean firing rate", ("count",), lambda a: 1000.0 * a["spikes"] / a["duration"], "count",
        efel="none: `mean_frequency` divides by the time of the last spike", of_cycle="rate", jumps=True,
    ),
    "latency": Feature(
        "ms", "time from the stimulus start to the first spike", ("times",), _latency,
        efel="none: `time_to_first_spike` is that of the peak",
    ),
    "isi_mean": Feature(
        "ms", "mean interspike interval", ("times",), _isi_mean, of_cycle="isi_mean",
        efel="none: `ISI_values` leaves out the first interval, and is from peak to peak",
    ),
    "isi_cv": Feature(
        "1", "coefficient of variation of the interspike intervals (ddof = 1)", ("times",), _isi_cv, of_cycle="isi_cv",
        efel="none: `ISI_CV` leaves out the first interval, and is from peak to peak",
    ),
    "V_max": Feature(
        "mV", "largest membrane potential", ("extremes",), lambda a: a["V_max"], of_cycle="V_peak",
        efel="the same", aliases=("maximum_voltage",),
    ),
    "V_min": Feature(
        "mV", "smallest membrane potential", ("extremes",), lambda a: a["V_min"], of_cycle="V_trough",
        efel="the same", aliases=("minimum_voltage",),
    ),
    "V_mean": Feature(
        "mV", "mean membrane potential", ("mean",), lambda a: a["V_sum"] / a["duration"], whole_run=True,
        efel="none: its `voltage_base` and `steady_state_voltage` are means before and after the stimulus",
    ),
    "time_to_first_spike": Feature(
        "ms", "time from the stimulus start to the peak of the first spike", ("peaks",),
        _to_first, efel="the same",
    ),
    "time_to_last_spike": Feature(
        "ms", "time from the stimulus start to the peak of the last spike", ("peaks",),
        _to_last, efel="the same", jumps=True, whole_run=True,
    ),
    "mean_frequency": Feature(
        "Hz", "number of spikes by the time from the stimulus start to the peak of the last", ("peaks",),
        lambda a: 1000.0 * Peaks.of(a).n / _to_last(a), efel="the same", whole_run=True,
    ),
    "doublet_ISI": Feature(
        "ms", "first interspike interval, from peak to peak", ("peaks",),
        lambda a: Peaks.of(a).first_interval, efel="the same",
    ),
    "inv_first_ISI": Feature(
        "Hz", "inverse of the first interspike interval, from peak to peak", ("peaks",),
        lambda a: 1000.0 / Peaks.of(a).first_interval,
        efel="the same, but NaN where there is no interval (eFEL: 0)",
    ),
    "ISI_values": Feature(
        "ms", "mean interspike interval but for the first, from peak to peak", ("peaks",),
        lambda a: Peaks.of(a).later_intervals,
        efel="the mean of its values (`get_mean_feature_values`)", whole_run=True,
    ),
    "ISI_CV": Feature(
        "1", "coefficient of variation (ddof = 1) of the interspike intervals but for the first, from peak to peak",
        ("peaks",), lambda a: Peaks.of(a).cv_of_later_intervals, efel="the same", whole_run=True,
    ),
}  # fmt: skip
features: Registry[Feature] = Registry("feature", _FEATURES, check_feature_name)


def check_own(feature: Feature, known: Iterable[str]) -> None:
    """Raise `InputError` for a feature of the user's own that cannot be recorded; known : names of other features."""
    name = feature.name
    if not name.isidentifier():
        told = f"name = {shown(name)}, which is no name" if name else "no name"
        raise InputError(f"Features: a Feature object has {told}; give one, as Feature(..., name='V_range')")
    check_feature_name(name)
    if name in known:
        raise InputError(f"feature '{name}': hhfast has a feature of that name; choose another")
    if feature.of_cycle and feature.of_cycle not in SETTLED_FEATURES:
        raise unknown("feature of a settled cell", feature.of_cycle, SETTLED_FEATURES, f"feature '{name}': of_cycle")


def feature_names() -> tuple[str, ...]:
    """All names of the features of any run, aliases last."""
    return (*features, *(alias for feature in features.values() for alias in feature.aliases))


def feature_name(name: str) -> str:
    """The name in `features` of a feature that may be called by an alias; other names stay."""
    if name in features:  # most are; to go through all takes as long as much of a short run
        return name
    return next((own for own, feature in features.items() if name in feature.aliases), name)

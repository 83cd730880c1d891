"""What a cell does in the end: classes of activity, and the features of its last period.

A cell that runs until it is settled (`simulate(..., until="settled")`) ends at rest, on a cycle, or at the cap (Prinz,
Billimoria & Marder 2003, J Neurophysiol 90:3998-4015, ended their runs when they were periodic). Cells at the cap are
unsettled if their last intervals or states still drift along a straight line, beyond their scatter; if not, they are on
a loose cycle, or else irregular. Plateaus often end so sensitively that rounding is enough to keep a cycle loose.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from hhfast.errors import InputError, shown, unknown
from hhfast.inputs import finite, positive

ACTIVITIES = (
    "silent", "subthreshold", "tonic", "bursting", "one_spike_bursting", "irregular", "blocked", "unsettled",
)  # fmt: skip
SILENT, SUBTHRESHOLD, TONIC, BURSTING, ONE_SPIKE_BURSTING, IRREGULAR, BLOCKED, UNSETTLED = range(8)
# Kinds of ends, as kernels tell them: at rest, on a cycle of spikes or of maxima of V; at the cap, with spikes or not;
# at the cap on a loose cycle, of spikes or of maxima, or of bursts.
RESTS, SPIKES, MAXIMA, CAP_SPIKING, CAP, LOOSE_SPIKES, LOOSE_MAXIMA, LOOSE_BURSTS = 1, 2, 3, -1, -2, -3, -4, -5
_LEAST_EVENTS = 32  # of the last ones, for a cell to be called irregular


class SettledFeature(NamedTuple):
    """A feature that only settled cells have.

    kind : how errors of it are judged; "": by its unit. efel : how it stands to what eFEL computes. error_of : the
    feature whose estimated error it is; "": none.
    """

    unit: str
    long_name: str
    kind: str = ""
    efel: str = "none"
    error_of: str = ""


SETTLED_FEATURES: dict[str, SettledFeature] = {
    "activity": SettledFeature("1", "what the cell does in the end"),
    "period": SettledFeature("ms", "period, extrapolated from the last three"),
    "period_error": SettledFeature("ms", "difference of the last two periods", "incidental", error_of="period"),
    "spikes_per_period": SettledFeature(
        "1", "spikes of a period",
        efel="none: `spikes_per_burst` has a value for each burst, with eFEL's rule for bursts",
    ),
    "burst_duration": SettledFeature(
        "ms", "first to last spike of a burst; time above plateau_level where a burst is one spike"
    ),
    "duty_cycle": SettledFeature("1", "share of the period in bursts"),
    "intraburst_rate": SettledFeature(
        "Hz", "firing rate within bursts",
        efel="none: `burst_mean_freq` counts spikes, not intervals, and has a value for each burst, with eFEL's rule",
    ),
    "V_rest": SettledFeature(
        "mV", "membrane potential at rest", efel="none: `voltage_base` is a mean before the stimulus"
    ),
    "V_trough": SettledFeature(
        "mV", "lowest minimum of the membrane potential in the last period",
        efel="`minimum_voltage` of the last period",
    ),
    "V_peak": SettledFeature(
        "mV", "highest maximum of the membrane potential in the last period",
        efel="`maximum_voltage` of the last period",
    ),
    "settled_at": SettledFeature("ms", "time at which the cell was found settled", "incidental"),
}  # fmt: skip


@dataclass(frozen=True)
class Settled:
    """When a cell counts as settled, and how its activity is called: for `until=` of `simulate`; "settled" is this.

    settle_tol : a cycle is closed where the whole state returns, relative to each state's range in the period, to
        within this, twice in a row, after periods that are equally long to within this; at any of the last 64 spikes
        (maxima of V of cells without spikes), or at the first spike of any of the last 64 bursts, if a period has not
        more than 384 spikes; a rest is reached where no state has moved by more (of 100 mV, 1, or a pool's size)
        within 10 ms, or a tenth of the time since the current became constant, and the equilibrium is linearly stable.
        Cycles of methods with fixed steps of first and second order return less nearly: within 2 % and 0.3 % at
        dt = 0.025 ms, and must return six times in a row.
    burst_ratio : the intervals of a period are split at the largest gap of their sorted logarithms; the cell is
        bursting if the shortest of the long ones is at least this many times the longest of the short ones. A burst is
        a run of spikes between long intervals. (For settle_tol and looseness, where no period is known yet, a spike is
        the first of a burst if the interval before it is at least this many times the one before that.)
    plateau_level, plateau_min : mV, ms; a cell that does not burst so, but whose V is above this level for longer than
        this at each spike (of all spikes of a period, on average), is one_spike_bursting.
    looseness : a cell at the cap has the activity of a cycle if the whole state came back, at each spike or at least
        at the first of each burst, to within this: twice its standard deviation, relative to its range in the period,
        over five periods, 12 spikes or 6 bursts, and half of the last 192 of either. It is bursting, too, if its bursts
        follow each other in equal times to within this (twice the standard deviation, relative to the mean), however
        many spikes each has. Its status still says that the cap was reached, its `settled_at` is NaN, and `period` is
        the mean of three.

    Raises `InputError` for values out of range.
    """

    settle_tol: float = 1e-4
    burst_ratio: float = 3.0
    plateau_level: float = -20.0
    plateau_min: float = 50.0
    looseness: float = 0.08

    def __post_init__(self) -> None:
        for name in ("settle_tol", "burst_ratio", "plateau_min", "looseness"):
            object.__setattr__(self, name, positive(f"until.{name}", getattr(self, name)))
        if not self.settle_tol < 0.1:
            raise InputError(f"until.settle_tol = {self.settle_tol:g}: must be below 0.1")
        if not self.looseness < 0.5:
            raise InputError(f"until.looseness = {self.looseness:g}: must be below 0.5")
        if not self.burst_ratio > 1:
            raise InputError(f"until.burst_ratio = {self.burst_ratio:g}: must be above 1")
        object.__setattr__(self, "plateau_level", finite("until.plateau_level", self.plateau_level))

    @classmethod
    def of(cls, until: Any) -> Settled | None:
        """What `until` says: "t_stop" (None), "settled", a mapping of some of the fields, or a `Settled`.

        Raises `InputError` for anything else.
        """
        if isinstance(until, cls):
            return until
        if isinstance(until, Mapping):
            for name in until:
                if name not in cls.__dataclass_fields__:
                    raise unknown("key", str(name), cls.__dataclass_fields__, where="until")
            return cls(**until)
        if isinstance(until, str) and until in ("settled", "t_stop"):
            return cls() if until == "settled" else None
        raise InputError(f"until = {shown(until)}: give 't_stop', 'settled', or hhfast.Settled(...)")

    @property
    def values(self) -> dict[str, float]:
        """The fields by name."""
        return asdict(self)


@dataclass(frozen=True)
class Endings:
    """How n cells ended, as the kernel hands it back.

    kind : (n,) see above. events : (n,) of the period, or of the last part of a cell at the cap. at, peak, trough,
    above : (n,) ms, mV, mV, ms. drift : (n,) of cells at the cap, see `kernel.math.settling.drift`.
    periods : (n, 3) the last three, ms. times : (n, the most) of the last sections, ms; as many as events, and one.
    V_rest : (n,) mV, of cells at rest.
    """

    kind: np.ndarray
    events: np.ndarray
    at: np.ndarray
    peak: np.ndarray
    trough: np.ndarray
    above: np.ndarray
    drift: np.ndarray
    periods: np.ndarray
    times: np.ndarray
    V_rest: np.ndarray


def features_of(ends: Endings, rule: Settled, threshold: float) -> dict[str, np.ndarray]:
    """Name -> (n,) every feature of `SETTLED_FEATURES`, and rate (Hz), isi_mean (ms) and isi_cv of the last period."""
    loose, rests = ends.kind <= LOOSE_SPIKES, ends.kind == RESTS
    spiking = np.isin(ends.kind, [SPIKES, LOOSE_SPIKES, LOOSE_BURSTS])
    period, period_error = _period(ends.periods)
    period = np.where(loose, ends.periods.mean(axis=1), period)
    bursts = _bursts(ends, spiking, period, rule.burst_ratio)
    no_cycle = (ends.kind == LOOSE_BURSTS) & (bursts["count"] == 0)
    spiking &= ~no_cycle
    cycle = (loose | (ends.kind >= SPIKES)) & ~no_cycle
    above = ends.above / np.maximum(ends.events, 1)
    one_spike = spiking & (bursts["count"] == 0) & (above > rule.plateau_min)
    activity = np.full(len(ends.kind), UNSETTLED, np.uint8)
    activity[no_cycle | (ends.kind < 0) & (ends.events >= _LEAST_EVENTS) & (ends.drift < 1.0)] = IRREGULAR
    activity[rests] = np.where(ends.V_rest > threshold, BLOCKED, SILENT)[rests]
    activity[(ends.kind == MAXIMA) | (ends.kind == LOOSE_MAXIMA)] = SUBTHRESHOLD
    activity[spiking] = TONIC
    activity[spiking & (bursts["count"] > 0)] = BURSTING
    activity[one_spike] = ONE_SPIKE_BURSTING
    with np.errstate(all="ignore"):
        duration = np.where(one_spike, above, bursts["total"] / bursts["count"])
        return {
            "activity": activity,
            "period": np.where(cycle, period, np.nan),
            "period_error": np.where(cycle, period_error, np.nan),
            "spikes_per_period": np.where(spiking, ends.events, 0).astype(np.int32),
            "burst_duration": duration,
            "duty_cycle": np.where(one_spike, ends.above, bursts["total"]) / period,
            "intraburst_rate": 1e3 * bursts["short"] / bursts["total"],
            "V_rest": np.where(rests, ends.V_rest, np.nan),
            "V_trough": np.where(rests, ends.V_rest, ends.trough),
            "V_peak": np.where(rests, ends.V_rest, ends.peak),
            "settled_at": np.where(ends.kind > 0, ends.at, np.nan),
            "rate": np.where(spiking, 1e3 * ends.events / period, 0.0),
            "isi_mean": np.where(spiking, period / ends.events, np.nan),
            "isi_cv": np.where(spiking, bursts["deviation"] * ends.events / period, np.nan),
        }


def _period(periods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,), (n,): the period that the last three (newest first) lead to (Aitken's rule), and how far two differ."""
    newest, before, earlier = periods.T
    with np.errstate(all="ignore"):
        step, last = newest - before, before - earlier
        ratio = step / last
        rest = np.where(np.abs(ratio) < 0.9, step * ratio / (1.0 - ratio), 0.0)
    return newest + np.nan_to_num(rest), np.abs(step)


def _bursts(ends: Endings, spiking: np.ndarray, period: np.ndarray, ratio: float) -> dict[str, np.ndarray]:
    """Of the intervals of each cell's period: the count of bursts, 0 where there are none, the total time in them, ms
    or NaN, the number of (short) intervals in them; and the standard deviation of all intervals, ms.
    """
    n = len(period)
    found = {"count": np.zeros(n), "total": np.full(n, np.nan), "short": np.zeros(n), "deviation": np.zeros(n)}
    rows = np.flatnonzero(spiking & (ends.events > 1))
    if not len(rows):
        return found
    events, width = ends.events[rows], int(ends.events[rows].max())
    intervals = np.diff(ends.times[rows, : width + 1], axis=1)
    intervals[np.arange(width) >= events[:, None]] = np.nan
    ordered = np.sort(intervals, axis=1)  # NaN last
    with np.errstate(all="ignore"):
        gaps = np.nan_to_num(np.diff(np.log(ordered), axis=1), nan=-1.0)
    place = gaps.argmax(axis=1)
    at = np.arange(len(rows)), place
    splits, limit = gaps[at] >= np.log(ratio), ordered[at][:, None]
    with np.errstate(invalid="ignore"):
        short = (intervals <= limit) & splits[:, None]
        found["count"][rows] = ((intervals > limit) & splits[:, None]).sum(axis=1)
    # Running sums: a row of a cell does not depend on how many events others have.
    found["total"][rows] = np.where(splits, np.cumsum(np.where(short, intervals, 0.0), axis=1)[:, -1], np.nan)
    found["short"][rows] = short.sum(axis=1)
    squares = np.nancumsum((intervals - (period[rows] / events)[:, None]) ** 2, axis=1)[:, -1]
    found["deviation"][rows] = np.sqrt(squares / (events - 1))
    return found

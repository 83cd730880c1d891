"""f-I curves: firing rate against current for many cells at once, on the upward and on the downward branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.firing import Firing
from hhfast.analysis.firing_branch import DIRECTIONS, FiringBranch
from hhfast.analysis.population import Population
from hhfast.batch.analyses import Analysis, Option, Picture, check_options, per_cell_code, per_cell_number
from hhfast.batch.analysis_status import AnalysisStatus, analysis_html
from hhfast.batch.held_rates import warn_of_held_rates
from hhfast.batch.method import Method, MethodOptions
from hhfast.batch.result import BEYOND_RATES, REASON_MEANINGS
from hhfast.errors import InputError
from hhfast.inputs import finite, numbers, one_of, tolerance
from hhfast.model import Model
from hhfast.parts.recorder import levels_of
from hhfast.parts.recorders import Spikes
from hhfast.parts.sensitivity import quotient
from hhfast.parts.variable import Variable
from hhfast.tables import one_line

_CLASSES = ("none", "I", "II", "III", "unknown")


@dataclass(frozen=True)
class FICurve:
    """f-I curves of n cells for k currents.

    current : (k,) ascending, in the model's unit. rate : (n, k) Hz, steady (0: not repetitive). mean_rate : (n, k) Hz,
    spikes after the transient by time. time_to_first_spike : (n, k) ms from the onset of that current, or NaN (also
    known as `latency`).
    onset : (n,) lowest current of repetitive firing, onset_rate : (n,) Hz there. gain : (n,) Hz per unit of current,
    least-squares slope of the rate from the onset to its maximum. max_rate : (n,) Hz. block : (n,) the lowest current
    above the firing ones at which the cell no longer fires repetitively; NaN if it fires at the highest. It depends on
    the detector: block_swing : (n,) mV, from the lowest to the highest V there, tells whether the cell is silent (0)
    or its oscillation lives on, but no longer passes both `threshold` and `rearm`.
    excitability : (n,) "I", "II", "III", "none", or "unknown" where the cell fires at the lowest current already.
    status : (n,) uint8, `AnalysisStatus` (OK or DIVERGED). beyond_rates : (n,) whether the potential went, at one of
    the currents, where exponentials of rates are held constant: gates that move there are only about right. direction :
    as given. unit : of the currents.
    """

    current: np.ndarray
    rate: np.ndarray
    mean_rate: np.ndarray
    time_to_first_spike: np.ndarray
    onset: np.ndarray
    onset_rate: np.ndarray
    gain: np.ndarray
    max_rate: np.ndarray
    block: np.ndarray
    block_swing: np.ndarray
    excitability: np.ndarray
    status: np.ndarray
    beyond_rates: np.ndarray
    direction: str
    unit: str

    __repr__ = one_line
    _repr_html_ = analysis_html

    @property
    def latency(self) -> np.ndarray:
        """The time to the first spike."""
        return self.time_to_first_spike


def fi_curve(
    model: str | Path | Model,
    currents: Sequence[float] | np.ndarray,
    params: Mapping[str, Any] | None = None,
    *,
    t_stop: float = 1000.0,
    transient: float = 200.0,
    direction: str = "rest",
    tol: float = 1e-3,
    threshold: float = -20.0,
    rearm: float | None = None,
    until: str = "t_stop",
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> FICurve:
    """The firing rate of each cell at each of the currents, with its onset, gain, maximum, block and class.

    Parameters
    ----------
    model, params, method, and its fields as keywords : as in `hhfast.simulate`.
    threshold, rearm : of a spike, mV: V rises above the one, having been below the other (None: 10 below).
    currents : in the model's unit; they are sorted.
    t_stop, transient : each current lasts `t_stop` ms; the rate is that after `transient` ms: the inverse of the mean
        of the later half of the intervals. A cell that falls silent (for longer than twice its longest interval)
        has rate 0, and so has one that fires less than twice in t_stop - transient.
    direction : "rest": every current from the resting state. "up", "down": ascending or descending, each current from
        the state in which the one before ended, and reached in 20 small steps of 5 ms, so that a bistable cell stays
        on its branch; the first one is applied at rest. A cell that starts at an unstable equilibrium is displaced by
        1 mV, lest it stay there for long.
    until : "t_stop", or "settled": a run ends when its cell is at a stable rest or on a cycle (see `hhfast.simulate`),
        whose rate is then exact; t_stop is only a cap.
    tol : onset and block are bisected to this fraction of themselves, with runs of the same length and origin.

    The excitability is that of Hodgkin 1948, J Physiol 107:165-181: "I" if the rate at the onset is less than half of
    that at a current 10 % higher (it begins from zero), else "II"; "III" if the cell spikes, but at no current
    repetitively; "none" if it does not spike.

    Raises
    ------
    InputError : for unknown names, arrays that do not fit together, values out of range.
    """
    check_options(_OPTIONS, currents=currents, t_stop=t_stop, transient=transient, direction=direction, tol=tol,
                  threshold=threshold, until=until)  # fmt: skip
    _check_together({"t_stop": t_stop, "transient": transient, "threshold": threshold, "rearm": rearm})
    population = Population.of(model, params, Method.of(method, options))
    current = np.unique(np.asarray(currents, np.float64))
    spikes = Spikes(*levels_of(threshold, rearm))
    branch = FiringBranch(population, current, t_stop, transient, direction, spikes, until)
    found = _summary(branch, *branch.measure(), tol)
    warn_of_held_rates(found.beyond_rates, population.method.dtype)
    return found


def _check_together(values: Mapping[str, Any]) -> None:
    if not 0 <= values["transient"] < values["t_stop"]:
        raise InputError(f"transient = {values['transient']:g} ms is not within 0..t_stop = {values['t_stop']:g} ms")
    levels_of(values["threshold"], values["rearm"])


def _summary(branch: FiringBranch, found: list[Firing], origins: np.ndarray, tol: float) -> FICurve:
    current, n = branch.current, branch.population.n
    rate, mean_rate, first_spike = (np.stack([getattr(f, name) for f in found], axis=1)
                                    for name in ("rate", "mean_rate", "time_to_first_spike"))  # fmt: skip
    diverged = np.any([f.diverged for f in found], axis=0)
    beyond = np.any([f.beyond_rates for f in found], axis=0)
    rate[diverged], mean_rate[diverged] = np.nan, np.nan
    fires = rate > 0
    first = np.where(fires.any(axis=1), fires.argmax(axis=1), -1)
    last = np.where(fires.any(axis=1), len(current) - 1 - fires[:, ::-1].argmax(axis=1), -1)
    onset, block = np.full(n, np.nan), np.full(n, np.nan)
    onset[first == 0] = current[0]
    rows = np.flatnonzero(first > 0)
    onset[rows] = branch.bisect(rows, first[rows] - 1, first[rows], origins, tol)[1]
    rows = np.flatnonzero((last >= 0) & (last < len(current) - 1))
    block[rows] = branch.bisect(rows, last[rows] + 1, last[rows], origins, tol)[0]
    swing = np.full(n, np.nan)
    swing[rows] = branch.swing(rows, last[rows] + 1, last[rows], origins, block[rows])
    onset_rate, above = branch.rates_near_onset(onset, first, origins)
    spiking = np.isfinite(first_spike).any(axis=1)
    excitability = np.where(onset_rate < 0.5 * above, "I", "II").astype("<U7")
    excitability[first == 0] = "unknown"
    excitability[first < 0] = np.where(spiking, "III", "none")[first < 0]
    return FICurve(
        current, rate, mean_rate, first_spike, onset, onset_rate, _gain(current, rate), rate.max(axis=1), block, swing,
        excitability, np.where(diverged, AnalysisStatus.DIVERGED, AnalysisStatus.OK).astype(np.uint8),
        beyond, branch.direction, branch.population.current_unit,
    )  # fmt: skip


def _gain(current: np.ndarray, rate: np.ndarray) -> np.ndarray:
    """(n,) least-squares slope of the rates above zero up to their maximum; NaN where there are fewer than two."""
    used = (rate > 0) & (np.arange(len(current)) <= rate.argmax(axis=1)[:, None])
    count = used.sum(axis=1)
    with np.errstate(all="ignore"):
        x = np.where(used, current - (used * current).sum(axis=1, keepdims=True) / count[:, None], 0.0)
        slope = (x * np.where(used, rate, 0.0)).sum(axis=1) / (x * x).sum(axis=1)
    return np.where(count >= 2, slope, np.nan)


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: FICurve) -> dict[str, Variable]:
    rates = {f"rate_at_{value:g}": per_cell_number(found.rate[:, k], "Hz",
                                                   f"steady firing rate at {value:g} {found.unit}")
             for k, value in enumerate(found.current)}  # fmt: skip
    reason = np.where(found.beyond_rates, BEYOND_RATES, 0).astype(np.uint8)
    codes = np.array([_CLASSES.index(name) for name in found.excitability], np.uint8)
    return rates | {
        "onset": per_cell_number(found.onset, found.unit, "lowest current of repetitive firing"),
        "onset_rate": per_cell_number(found.onset_rate, "Hz", "firing rate at the onset"),
        "gain": per_cell_number(found.gain, _gain_unit(found), "slope of the rate"),
        "max_rate": per_cell_number(found.max_rate, "Hz", "largest firing rate"),
        "block": per_cell_number(found.block, found.unit, "lowest current above those of repetitive firing"),
        "block_swing": per_cell_number(found.block_swing, "mV", "from the lowest to the highest V at the block"),
        "excitability": per_cell_code(codes, _CLASSES, "class of excitability"),
        "reason": per_cell_code(reason, REASON_MEANINGS, "what is to be known of the potential"),
    }


def _gain_unit(found: FICurve) -> str:
    return quotient("Hz", found.unit)


def _columns(found: FICurve) -> dict[str, np.ndarray]:
    shown = enumerate(found.current) if len(found.current) < 7 else ()
    return {f"rate at {value:g} (Hz)": found.rate[:, k] for k, value in shown} | {
        f"onset ({found.unit})": found.onset,
        "rate there (Hz)": found.onset_rate,
        f"gain ({_gain_unit(found)})": found.gain,
        "largest rate (Hz)": found.max_rate,
        f"block ({found.unit})": found.block,
        "swing there (mV)": found.block_swing,
        "class": found.excitability,
    }


def _branches(found: FICurve, model: Model, cells: Mapping[str, Any], options: Mapping[str, Any]) -> list[FICurve]:
    """The upward and the downward branch of cells."""
    return [fi_curve(model, params=cells, **{**options, "direction": d}) for d in ("up", "down")]


_OPTIONS = {
    "currents": Option("the currents", "uA cm-2", numbers),
    "t_stop": Option("duration of each current", "ms"),
    "transient": Option("its first part, that does not count", "ms", finite),
    "direction": Option("where each current starts from: rest, up or down", "1",
                        lambda name, value: one_of(name, value, DIRECTIONS)),
    "tol": Option("relative tolerance of onset and block", check=tolerance),
    "threshold": Option("of a spike", "mV", finite),
    "rearm": Option("below which V must have been before a spike; 10 below the threshold", "mV", finite),
    "until": Option("t_stop, or settled: each run ends at a rest or on a cycle, of which the rate is exact", "1",
                    lambda name, value: one_of(name, value, ("t_stop", "settled"))),
}  # fmt: skip

ANALYSIS = Analysis(
    name="fi_curve",
    help="Firing rate against current: onset, gain, block and class of each cell.",
    function=fi_curve,
    options=_OPTIONS,
    variables=_variables,
    columns=_columns,
    picture=Picture("plot_fi", _branches),
    check_together=_check_together,
)

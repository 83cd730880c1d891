"""Voltage clamp: families of currents at several levels, what they peak at, and the curves that are fitted to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.clamp_protocol import ClampProtocol, Family
from hhfast.analysis.curve_fits import Boltzmann, fit_boltzmann, fit_exponential
from hhfast.analysis.population import Population
from hhfast.batch.analyses import Analysis, Option, Picture, check_options, per_cell_number
from hhfast.batch.analysis_status import AnalysisStatus, analysis_html
from hhfast.batch.method import Method, MethodOptions
from hhfast.errors import InputError, unknown
from hhfast.inputs import finite, numbers, positive
from hhfast.model import Channel, Model
from hhfast.parts.variable import Variable
from hhfast.tables import one_line

_NEAR = 5.0  # mV; so near the reversal potential a conductance, current / (V - E), says nothing
_STILL = 1e-5  # a change by less, relative to the largest value of the cell, has no time constant


@dataclass(frozen=True)
class VoltageClampFamily:
    """The currents of n cells, clamped to each of k levels.

    time : (n_times,) ms from the beginning of the test step; negative before. level : (k,) mV. current : (n, k,
    n_times), outward positive: of the clamp, or of one channel. peak : (n, k), of a channel its largest current in
    the test step, of the membrane as a whole the current that is farthest from its end; at peak_time : (n, k) ms.
    steady : (n, k) at the end of the test step. reversal : (n,) mV, where the peak changes sign. conductance : (n,
    k), of a channel its largest in the test step, of the membrane as a whole peak / (level - reversal), below the
    reversal potential. activation, inactivation : `Boltzmann` curves of the conductance, against the level and
    against the conditioning level. tau : (n, k) ms, of a channel with one gate that of the gate, else of the decay
    from the peak. status : (n,) uint8, `AnalysisStatus` (OK or DIVERGED). unit : of currents. channel : as given.
    """

    time: np.ndarray
    level: np.ndarray
    current: np.ndarray
    peak: np.ndarray
    peak_time: np.ndarray
    steady: np.ndarray
    reversal: np.ndarray
    conductance: np.ndarray
    activation: Boltzmann
    inactivation: Boltzmann
    tau: np.ndarray
    status: np.ndarray
    unit: str
    channel: str | None

    __repr__ = one_line
    _repr_html_ = analysis_html


def voltage_clamp(
    model: str | Path | Model,
    levels: Sequence[float] | np.ndarray,
    params: Mapping[str, Any] | None = None,
    *,
    holding: float = -70.0,
    duration: float = 20.0,
    prepulse: tuple[float, float] | None = None,
    tail: tuple[float, float] | None = None,
    channel: str | None = None,
    conditioning: float = 200.0,
    conditioning_levels: Sequence[float] | np.ndarray | None = None,
    test: float | None = None,
    every: float | None = None,
    series_resistance: float = 0.0,
    leak_subtraction: int = 0,
    method: Method | None = None,
    **options: Unpack[MethodOptions],
) -> VoltageClampFamily:
    """Clamp each cell to each level, and measure its currents, their I-V curves and time constants.

    Every cell is held at `holding` for long, then stepped to the prepulse, the level for `duration`, and the tail.

    Parameters
    ----------
    model, params, method, and its fields as keywords : as in `hhfast.simulate`; the integrator is tsit5, if none is
        given (at constant V, exponential integrators are exact and fast for gates).
    levels : mV, of the test step; they are sorted.
    holding, duration : mV and ms.
    prepulse, tail : (mV, ms) of a step before and after the test step; None: none.
    channel : the current of one channel, as if all others were blocked; None: that of the clamp, which is all of them.
        A conductance, and so activation and inactivation, are exact for a channel, and a first guess for a membrane
        whose channels overlap.
    conditioning : ms at each of `conditioning_levels` (mV; None: every 5 mV from 50 below to 80 above `holding`) before
        a step to `test` mV, which tells what is inactivated; 0: that family is not run. test : None: the level with the
        largest conductance.
    every : ms between samples; None: 500 in the test step.
    series_resistance : of the electrode, kOhm cm2 (GOhm for models of totals).
    leak_subtraction : n of the P/n protocol (Bezanilla & Armstrong 1977, J Gen Physiol 70:549-566): n times the
        response to the same protocol of 1/n the size (negative: in the other direction) is subtracted, each less its
        holding current. 0: none.

    Peaks and steady currents are of samples, and tau is fitted to them: choose `every` accordingly.

    Raises
    ------
    InputError : for unknown names, levels that are not numbers, times and resistances out of range.
    """
    check_options(_OPTIONS, levels=levels, holding=holding, duration=duration, prepulse=prepulse, tail=tail,
                  channel=channel, conditioning=conditioning, conditioning_levels=conditioning_levels, test=test,
                  every=every, series_resistance=series_resistance, leak_subtraction=leak_subtraction)  # fmt: skip
    if method is None:
        options = {"integrator": "tsit5", **options}
    population = Population.of(model, params, Method.of(method, options))
    found = None if channel is None else _channel(population.model, channel)
    _check_together({"channel": channel, "leak_subtraction": leak_subtraction})
    level = np.unique(np.asarray(levels, np.float64))
    protocol = ClampProtocol(population, float(holding), float(duration), prepulse, tail, channel,
                             duration / 500.0 if every is None else float(every), float(series_resistance),
                             int(leak_subtraction))  # fmt: skip
    family = protocol.run(level)
    peak, at = family.peaks()
    reversal = _reversal(level, peak)
    conductance = _conductance(family, peak, level, reversal)
    if conditioning_levels is None:
        conditioning_levels = holding + np.arange(-50.0, 81.0, 5.0)
    best = _best_level(level, conductance) if test is None else float(test)
    inactivation = _inactivation(protocol, np.unique(conditioning_levels), conditioning, best, reversal)
    status = np.where(family.diverged, AnalysisStatus.DIVERGED, AnalysisStatus.OK).astype(np.uint8)
    return VoltageClampFamily(
        family.time, level, family.current, peak, family.test_time[at], family.test_current[..., -1], reversal,
        conductance, fit_boltzmann(level, conductance, rising=True), inactivation, _tau(found, family, at), status,
        population.current_unit, channel,
    )  # fmt: skip


def _channel(model: Model, name: str) -> Channel:
    names = [c.name for c in model.every_channel]
    if name not in names:
        raise unknown("channel", name, names, f"model {model.name}")
    return next(c for c in model.every_channel if c.name == name)


def _check_together(values: Mapping[str, Any]) -> None:
    if values["channel"] is not None and values["leak_subtraction"]:
        raise InputError(
            "leak_subtraction: the current of one channel has no leak; leave out one of leak_subtraction and channel"
        )


def _reversal(level: np.ndarray, peak: np.ndarray) -> np.ndarray:
    """(n,) mV: where the line between two neighbouring peaks first goes from inward to outward at higher levels."""
    turns = (peak[:, :-1] < 0) & (peak[:, 1:] >= 0)
    last = turns.shape[1] - 1 - np.argmax(turns[:, ::-1], axis=1) if turns.shape[1] else np.zeros(len(peak), int)
    rows = np.arange(len(peak))
    if not turns.shape[1]:
        return np.full(len(peak), np.nan)
    low, high = peak[rows, last], peak[rows, last + 1]
    with np.errstate(all="ignore"):
        crossing = level[last] - low * (level[last + 1] - level[last]) / (high - low)
    return np.where(turns.any(axis=1), crossing, np.nan)


def _conductance(family: Family, peak: np.ndarray, level: np.ndarray, reversal: np.ndarray) -> np.ndarray:
    """(n, k): the largest conductance of a channel, or that of the membrane by its peak and reversal potential."""
    if family.test_conductance is not None:
        return np.asarray(family.test_conductance.max(axis=-1))
    away = level - reversal[:, None]
    with np.errstate(all="ignore"):
        return np.where(away < -_NEAR, peak / away, np.nan)


def _best_level(level: np.ndarray, conductance: np.ndarray) -> float:
    """The level at which a typical cell has its largest conductance."""
    typical = np.median(np.nan_to_num(conductance), axis=0)
    return float(level[np.argmax(typical)])


def _inactivation(
    protocol: ClampProtocol, level: np.ndarray, conditioning: float, test: float, reversal: np.ndarray
) -> Boltzmann:
    """What a step to `test` finds after conditioning at each level."""
    if conditioning == 0.0:
        return fit_boltzmann(level, np.full((protocol.population.n, len(level)), np.nan), rising=False)
    family = protocol.conditioned(level, conditioning, test)
    found = _conductance(family, family.peaks()[0], np.full(len(level), test), reversal)
    return fit_boltzmann(level, found, rising=False)


def _tau(channel: Channel | None, family: Family, at: np.ndarray) -> np.ndarray:
    """(n, k) ms; the gate of a channel with a single one is the root of its conductance."""
    n, k, _ = family.current.shape
    open_ = family.test_conductance
    if channel is not None and len(channel.gates) == 1 and open_ is not None:
        y = np.maximum(open_, 0.0) ** (1.0 / channel.gates[0].power)
        used = np.ones(y.shape, bool)
    else:
        y, first = (family.test_current, at) if open_ is None else (open_, np.argmax(open_, axis=-1))
        used = np.arange(y.shape[-1]) >= first[..., None]
    tau = fit_exponential(family.test_time, y.reshape(n * k, -1), used.reshape(n * k, -1)).reshape(n, k)
    with np.errstate(invalid="ignore"):
        change = np.abs(np.take_along_axis(y, np.argmax(used, axis=-1)[..., None], axis=-1)[..., 0] - y[..., -1])
        return np.where(change > _STILL * np.abs(y).max(axis=(1, 2))[:, None], tau, np.nan)


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: VoltageClampFamily) -> dict[str, Variable]:
    each: dict[str, Variable] = {}
    for name, values, unit, what in (
        ("peak", found.peak, found.unit, "peak current"),
        ("steady", found.steady, found.unit, "current at the end of the step"),
        ("tau", found.tau, "ms", "time constant"),
    ):
        each |= {f"{name}_at_{level:g}": per_cell_number(values[:, k], unit, f"{what} at {level:g} mV")
                 for k, level in enumerate(found.level)}  # fmt: skip
    return each | _fits(found)


def _fits(found: VoltageClampFamily) -> dict[str, Variable]:
    variables = {"reversal": per_cell_number(found.reversal, "mV", "potential at which the peak changes sign")}
    for name in ("activation", "inactivation"):
        curve: Boltzmann = getattr(found, name)
        variables |= {
            f"{name}_V_half": per_cell_number(curve.V_half, "mV", f"half-voltage of {name}"),
            f"{name}_slope": per_cell_number(curve.slope, "mV", f"slope of {name}"),
            f"{name}_residual": per_cell_number(curve.residual, "1", f"relative residual of the fit of {name}"),
        }
    return variables


def _columns(found: VoltageClampFamily) -> dict[str, np.ndarray]:
    names = {name: v for name, v in _fits(found).items() if not name.endswith("_residual")}
    return {f"{name.replace('_', ' ')} (mV)": v.values for name, v in names.items()}


def _step(name: str, value: Any) -> Any:
    """A step: its level and its duration; None: none."""
    if value is None:
        return None
    found = numbers(name, value)
    if len(found) != 2 or not found[1] > 0:
        raise InputError(f"{name}: give a level, mV, and a duration, ms, as (-100, 50)")
    return float(found[0]), float(found[1])


def _perhaps(check: Any) -> Any:
    """The check of a value that may be None."""
    return lambda name, value: None if value is None else check(name, value)


def _not_negative(name: str, value: Any) -> float:
    found = finite(name, value)
    if found < 0:
        raise InputError(f"{name} = {value}: must not be negative")
    return found


def _whole(name: str, value: Any) -> int:
    found = finite(name, value)
    if found != int(found) or abs(found) > 100:
        raise InputError(f"{name} = {value}: must be a whole number, as 4 or -4")
    return int(found)


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name} = {value!r}: must be the name of a channel")
    return value


_OPTIONS = {
    "levels": Option("levels of the test step", "mV", numbers),
    "holding": Option("potential before and after", "mV", finite),
    "duration": Option("of the test step", "ms"),
    "prepulse": Option("level and duration of a step before it", "mV", _perhaps(_step)),
    "tail": Option("level and duration of a step after it", "mV", _perhaps(_step)),
    "channel": Option("the channel whose current is measured", "1", _perhaps(_text)),
    "conditioning": Option("time at each level before that test", "ms", _not_negative),
    "conditioning_levels": Option("levels before the test of inactivation", "mV", _perhaps(numbers)),
    "test": Option("level of that test", "mV", _perhaps(finite)),
    "every": Option("between samples", "ms", _perhaps(positive)),
    "series_resistance": Option("of the electrode", "kOhm cm2", _not_negative),
    "leak_subtraction": Option("n of the P/n protocol", "1", _whole),
}

ANALYSIS = Analysis(
    name="voltage_clamp",
    help="Currents at several levels of a voltage clamp: I-V, activation, inactivation, time constants.",
    function=voltage_clamp,
    options=_OPTIONS,
    variables=_variables,
    columns=_columns,
    picture=Picture("plot_voltage_clamp", lambda found, model, cell, options: found),
    check_together=_check_together,
)

"""Voltage clamp: families of currents at several levels, what they peak at, and the curves that are fitted to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.clamp_curves import conductance_of, inactivation_of, reversal_of, tau_of
from hhfast.analysis.clamp_protocol import ClampProtocol
from hhfast.analysis.clamp_settings import ClampRecording, Conditioning
from hhfast.analysis.curve_fits import Boltzmann, fit_boltzmann
from hhfast.analysis.population import Population
from hhfast.batch.analyses import Analysis, Option, Picture, check_options, per_cell_number
from hhfast.batch.analysis_status import AnalysisStatus, analysis_html
from hhfast.batch.method import Method, MethodOptions
from hhfast.errors import InputError, shown, unknown
from hhfast.inputs import finite, numbers
from hhfast.model import Channel, Model
from hhfast.parts.clamp_command import LEVELS, is_level
from hhfast.parts.variable import Variable
from hhfast.tables import one_line


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
    conditioning: Conditioning | Mapping[str, Any] | float = 200.0,
    recording: ClampRecording | Mapping[str, Any] | None = None,
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
    conditioning : before the test of inactivation (`hhfast.Conditioning`, or its fields by name, or its duration alone,
        ms; 0: that is not tested).
    recording : of the currents (`hhfast.ClampRecording`, or its fields by name): interval of samples, series
        resistance, leak subtraction.

    Peaks and steady currents are of samples, and tau is fitted to them: choose `recording.every` accordingly.

    Raises
    ------
    InputError : for unknown names, levels that are not numbers, times and resistances out of range.
    """
    check_options(_OPTIONS, levels=levels, holding=holding, duration=duration, prepulse=prepulse, tail=tail,
                  channel=channel, conditioning=conditioning, recording=recording)  # fmt: skip
    if method is None:
        options = {"integrator": "tsit5", **options}
    population = Population.of(model, params, Method.of(method, options))
    found = None if channel is None else _channel(population.model, channel)
    _check_together({"channel": channel, "recording": recording})
    level = np.unique(np.asarray(levels, np.float64))
    protocol = ClampProtocol(population, float(holding), float(duration), prepulse, tail, channel,
                             ClampRecording.of(recording))  # fmt: skip
    family = protocol.run(level)
    peak, at = family.peaks()
    reversal = reversal_of(level, peak)
    conductance = conductance_of(family, peak, level, reversal)
    inactivation = inactivation_of(protocol, Conditioning.of(conditioning), level, conductance, reversal)
    status = np.where(family.diverged, AnalysisStatus.DIVERGED, AnalysisStatus.OK).astype(np.uint8)
    return VoltageClampFamily(
        family.time, level, family.current, peak, family.test_time[at], family.test_current[..., -1], reversal,
        conductance, fit_boltzmann(level, conductance, rising=True), inactivation, tau_of(found, family, at), status,
        population.current_unit, channel,
    )  # fmt: skip


def _channel(model: Model, name: str) -> Channel:
    names = [c.name for c in model.every_channel]
    if name not in names:
        raise unknown("channel", name, names, f"model {model.name}")
    return next(c for c in model.every_channel if c.name == name)


def _check_together(values: Mapping[str, Any]) -> None:
    if values["channel"] is not None and ClampRecording.of(values["recording"]).leak_subtraction:
        raise InputError("recording.leak_subtraction: the current of one channel has no leak; leave out one of them")


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
    names = {name: v for name, v in _fits(found).items() if v.unit == "mV"}
    return {f"{name.replace('_', ' ')} (mV)": v.values for name, v in names.items()}


def _levels(name: str, value: Any) -> np.ndarray:
    """Potentials that a cell can be clamped to."""
    found = numbers(name, value)
    if not is_level(found).all():
        raise InputError(f"{name} = {found[~is_level(found)][0]:g}: {LEVELS}")
    return found


def _level(name: str, value: Any) -> float:
    return float(_levels(name, finite(name, value))[0])


def _step(name: str, value: Any) -> Any:
    """A step: its level and its duration; None: none."""
    if value is None:
        return None
    found = numbers(name, value)
    if len(found) != 2 or not found[1] > 0:
        raise InputError(f"{name}: give a level, mV, and a duration, ms, as (-100, 50)")
    return _level(name, found[0]), float(found[1])


def _perhaps(check: Any) -> Any:
    """The check of a value that may be None."""
    return lambda name, value: None if value is None else check(name, value)


def _value_of(kind: type[Conditioning | ClampRecording]) -> Any:
    """The check of a value of a kind, which knows its own name; the path of it is that of the option."""

    def check(name: str, value: Any) -> Any:
        try:
            return kind.of(value)
        except InputError as error:
            raise InputError(f"{name.rpartition('.')[0]}.{error}".removeprefix(".")) from None

    return check


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"{name} = {shown(value)}: must be the name of a channel")
    return value


_OPTIONS = {
    "levels": Option("levels of the test step", "mV", _levels),
    "holding": Option("potential before and after", "mV", _level),
    "duration": Option("of the test step", "ms"),
    "prepulse": Option("level and duration of a step before it", "mV", _perhaps(_step)),
    "tail": Option("level and duration of a step after it", "mV", _perhaps(_step)),
    "channel": Option("the channel whose current is measured", "1", _perhaps(_text)),
    "conditioning": Option("before the test of inactivation: duration, levels, test", "1", _value_of(Conditioning)),
    "recording": Option("every, series_resistance, leak_subtraction", "1", _perhaps(_value_of(ClampRecording))),
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

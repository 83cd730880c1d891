"""Analyses as functions from rows of parameters to named arrays, one number per row each: what a sweep stores."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from hhfast.analysis.fi_curve import FICurve, fi_curve
from hhfast.analysis.refractory import Refractory, refractory_period
from hhfast.analysis.rheobase import Rheobase, find_rheobase
from hhfast.analysis.status import AnalysisStatus
from hhfast.batch.result import DIVERGED, OK, Result
from hhfast.errors import InputError, unknown
from hhfast.model import Model
from hhfast.parts.variable import Variable

_CLASSES = ("none", "I", "II", "III", "unknown")
_OWN = ("model", "params", "dt", "integrator", "rtol", "threads")  # what the sweep itself gives


def _number(values: np.ndarray, unit: str, long_name: str) -> Variable:
    return Variable(values, ("cell",), unit, long_name)


def _rheobase(found: Rheobase) -> dict[str, Variable]:
    return {"rheobase": _number(found.amplitude, found.unit, f"threshold of a pulse of {found.width:g} ms")}


def _fi_curve(found: FICurve) -> dict[str, Variable]:
    rates = {f"rate_at_{value:g}": _number(found.rate[:, k], "Hz", f"steady firing rate at {value:g} {found.unit}")
             for k, value in enumerate(found.current)}  # fmt: skip
    codes = np.array([_CLASSES.index(name) for name in found.excitability], np.uint8)
    return rates | {
        "onset": _number(found.onset, found.unit, "lowest current of repetitive firing"),
        "onset_rate": _number(found.onset_rate, "Hz", "firing rate at the onset"),
        "gain": _number(found.gain, "Hz", f"slope of the rate per {found.unit}"),
        "max_rate": _number(found.max_rate, "Hz", "largest firing rate"),
        "block": _number(found.block, found.unit, "lowest current above those of repetitive firing"),
        "excitability": _number(codes, "1", f"class of excitability ({_coded(_CLASSES)})"),
    }


def _refractory(found: Refractory) -> dict[str, Variable]:
    intervals = {f"minimal_interval_{value:g}": _number(found.minimal_interval[:, k], "ms",
                                                        f"shortest interval for a second pulse of {value:g} thresholds")
                 for k, value in enumerate(found.second)}  # fmt: skip
    return intervals | {
        "absolute": _number(found.absolute, "ms", "absolute refractory period"),
        "relative": _number(found.relative, "ms", "relative refractory period"),
        "threshold": _number(found.threshold, found.unit, "threshold of the first pulse"),
    }


_KINDS: dict[str, tuple[Callable[..., Any], Callable[[Any], dict[str, Variable]]]] = {
    "rheobase": (find_rheobase, _rheobase),
    "fi_curve": (fi_curve, _fi_curve),
    "refractory_period": (refractory_period, _refractory),
}


def check_analysis(analysis: Mapping[str, Any]) -> None:
    """Raise `InputError` for a kind or an option that does not exist, or is missing."""
    kind = analysis.get("kind")
    if kind is None:
        raise InputError(f"analysis.kind: is missing; choose one of {', '.join(_KINDS)}")
    if kind not in _KINDS:
        raise unknown("analysis", str(kind), _KINDS, where="analysis.kind")
    known = {name: p for name, p in inspect.signature(_KINDS[kind][0]).parameters.items() if name not in _OWN}
    for name in analysis:
        if name != "kind" and name not in known:
            raise unknown(f"option of {kind}", name, known, where=f"analysis.{name}")
    for name, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and name not in analysis:
            raise InputError(f"analysis.{name}: is missing; {kind} needs it")


def analyse_rows(
    model: Model, params: Mapping[str, Any], analysis: Mapping[str, Any], *, dt: float, integrator: str,
    rtol: float | None, threads: int | None,
) -> Result:
    """Run an analysis, {"kind": ..., options}, on rows of parameters: a Result like that of `simulate`.

    Its status is 0 or 1 (diverged); the variable `analysis_status` says more. Raises `InputError` as the analysis.
    """
    options = {name: value for name, value in analysis.items() if name != "kind"}
    function, variables = _KINDS[analysis["kind"]]
    found = function(model, params=params, dt=dt, integrator=integrator, rtol=rtol, threads=threads, **options)
    names = [status.name.lower() for status in AnalysisStatus]
    codes = _number(found.status, "1", f"outcome of the analysis ({_coded(names)})")
    status = np.where(found.status == AnalysisStatus.DIVERGED, DIVERGED, OK).astype(np.uint8)
    return Result(status, variables(found) | {"analysis_status": codes}, {"model": model.name})


def _coded(names: Any) -> str:
    return ", ".join(f"{code}: {name}" for code, name in enumerate(names))

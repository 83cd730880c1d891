"""Fits in sweeps: one target for each row, and the entry of the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hhfast.analysis.feature_target import FeatureTarget
from hhfast.analysis.fit import Fit, fit
from hhfast.analysis.fit_checks import check_free, check_starts
from hhfast.analysis.fit_targets import SpikeTarget, Target, TraceTarget
from hhfast.analysis.least_squares import CONVERGED, NOT_FINITE
from hhfast.batch.analyses import Analysis, Option, per_cell_number
from hhfast.batch.analysis_status import AnalysisStatus
from hhfast.errors import InputError, shown, unknown
from hhfast.inputs import tolerance, whole_number
from hhfast.model import Model
from hhfast.parts.variable import Variable

# What a table of a target must have -> what it is a table of.
_KINDS: Mapping[str, type[TraceTarget | SpikeTarget | FeatureTarget]] = {
    "V": TraceTarget, "times": SpikeTarget, "values": FeatureTarget
}  # fmt: skip
_ITERATIONS = 15  # of a start, by and large
_OF_DERIVATIVES = 1.3  # what derivatives by one parameter cost, in runs


def target_of(name: str, given: Any) -> Target:
    """A target, as such or as a table of it: V and every, or times and t_stop, or values and errors.

    name : for the `InputError` where it is neither.
    """
    if isinstance(given, (TraceTarget, SpikeTarget, FeatureTarget)):
        return given
    known = [key for key in _KINDS if isinstance(given, Mapping) and key in given]
    if len(known) != 1:
        raise InputError(f"{name}: give one of file, V (with every), times (with t_stop), and values (with errors)")
    kind = _KINDS[known[0]]
    fields = {key: field for key, field in kind.__dataclass_fields__.items() if field.init}
    for key in given:
        if key not in fields:
            raise unknown("key", str(key), fields, where=name)
    try:
        return kind(**given)
    except TypeError:
        missing = next(key for key, field in fields.items() if key not in given and key in _NEEDED)
        raise InputError(f"{name}.{missing}: is missing; a {kind.__name__} needs it") from None
    except InputError as error:
        told = str(error).removeprefix(f"{kind.__name__}: ")
        raise InputError(f"{name}: {told}") from None
    except ValueError:
        raise InputError(f"{name}.{known[0]}: give lists of numbers, one list for each target") from None


_NEEDED = ("every", "t_stop", "errors")


# --- the entry of the registry ----------------------------------------------------------------------------------------
def _variables(found: Fit) -> dict[str, Variable]:
    columns: dict[str, Variable] = {}
    for name, values in found.parameters.items():
        unit = found.model.parameters[name].unit
        columns[name] = per_cell_number(values, unit, f"{name} that fits best")
        columns[f"{name}_error"] = Variable(
            found.error[name], ("cell",), unit, f"standard error of {name}", error_of=name
        )
    columns["rms"] = per_cell_number(found.rms, found.target.unit, "root mean square of the residuals")
    share = (found.status == CONVERGED).mean(axis=1)
    return columns | {"converged": per_cell_number(share, "1", "share of the starts that converged")}


def _status(found: Fit) -> np.ndarray:
    """The outcome of each target: that of its best start."""
    best = found.status[:, 0]
    outcome = np.where(best == CONVERGED, AnalysisStatus.OK, AnalysisStatus.NOT_CONVERGED)
    return np.where(best == NOT_FINITE, AnalysisStatus.DIVERGED, outcome).astype(np.uint8)


def _check_model(model: Model, options: Mapping[str, Any], others: Sequence[str]) -> None:
    check_free(model, options["free"], others)


def _ranges(name: str, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise InputError(f"{name}: is {shown(value)}; give ranges by name, as {{ g_Na = [40, 200] }}")
    return value


def _runs(options: Mapping[str, Any]) -> float:
    target = target_of("target", options["target"])
    each = _ITERATIONS * (1.0 + _OF_DERIVATIVES * len(options["free"]))
    return float(options["starts"] * each * target.t_stop / 1000.0)


_OPTIONS = {
    "target": Option(
        "what each row is to meet: file, or V and every, times and t_stop, values and errors; several: the axis target",
        "1", target_of,
    ),
    "free": Option("lowest and highest value of each parameter that is fitted", "1", _ranges),
    "starts": Option("minimisations of each row", "1", check_starts),
    "seed": Option("of the starts", "1", lambda name, value: whole_number(name, value, 0, 2**31)),
    "max_iterations": Option("of a start", "1", lambda name, value: whole_number(name, value, 1, 100_000)),
    "tol": Option("a start ends when no parameter moves by more than this share of its range", "1", tolerance),
}  # fmt: skip

ANALYSIS = Analysis(
    name="fit",
    help="Fit parameters to recorded traces, spike times or features, a target for each row.",
    function=fit,
    options=_OPTIONS,
    variables=_variables,
    status=_status,
    over="target",
    check_model=_check_model,
    runs=_runs,
)

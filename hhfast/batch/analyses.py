"""The registry of analyses, which sweeps, the command line and the figures walk.

An analysis is one module of `hhfast.analysis` with an entry `ANALYSIS = Analysis(...)`: putting the module there
registers it. The modules are imported when the registry is first used.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np

from hhfast.batch.analysis_status import MEANINGS, AnalysisStatus
from hhfast.batch.result import DIVERGED, OK
from hhfast.errors import InputError, unknown
from hhfast.inputs import positive
from hhfast.model import Model
from hhfast.parts.channel_noise import as_channel_noise
from hhfast.parts.stimulus import Stimulus
from hhfast.parts.variable import Variable
from hhfast.registry import Registry

_PACKAGE = "hhfast.analysis"
REQUIRED = inspect.Parameter.empty  # the default of an option that must be given


@dataclass(frozen=True)
class Option:
    """An option of an analysis.

    help : what it is. unit : of the value. check : (name, value) -> the value, or an `InputError`; a function of
    `hhfast.inputs`, by which one also sees whether the value is a number, a list of numbers or true or false.
    """

    help: str
    unit: str = "1"
    check: Callable[[str, Any], Any] = positive


@dataclass(frozen=True)
class Picture:
    """What is drawn: `of(result, model, params, options)` makes what `figures.analyses.NAME` draws of its cells.

    result : that of all cells. params : of the cells to be drawn, the first of all. options : those given to the
    function. Raises `InputError` where there is nothing to draw.
    """

    name: str
    of: Callable[[Any, Model, Mapping[str, Any], Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Analysis:
    """An analysis: a function over a batch of cells, and what others must know of it.

    name : as in `[analysis] kind = "rheobase"`. help : one line for the command line.
    function : (model, params=..., **options) -> a result with a `status` per cell; it may also take the keywords of a
        `Method`. Its defaults are those of the options.
    options : name -> `Option`, those of the function but for the method.
    variables : result -> name -> `Variable`, one number per cell each, the same names whatever the cells.
    columns : result -> heading -> (n,) values, as people read them; None: the variables.
    prepared : the model that the parameters of rows are those of, as one with counts of channels.
    check_model : (model, options, names of the parameters that are given or varied): raises `InputError` for options
        that do not go with them. status : result -> (n,) uint8 `AnalysisStatus`, its field unless it has another.
    over : an option whose entries are an axis of a sweep, as the targets of a fit, each row having its own; what its
        `check` returns has `n`, `take(numbers)` and `plain()`, as texts and numbers.
    runs : options -> about how many runs of 1000 ms a row is worth, by which a sweep is cut into batches.
    picture : what is drawn, if anything. check_together : raises `InputError` for options that do not go together.
    """

    name: str
    help: str
    function: Callable[..., Any] = field(repr=False)
    options: Mapping[str, Option] = field(repr=False)
    variables: Callable[[Any], dict[str, Variable]] = field(repr=False)
    columns: Callable[[Any], dict[str, np.ndarray]] | None = field(default=None, repr=False)
    picture: Picture | None = None
    check_together: Callable[[Mapping[str, Any]], None] | None = field(default=None, repr=False)
    runs: Callable[[Mapping[str, Any]], float] = field(default=lambda options: 1.0, repr=False)
    prepared: Callable[[Model], Model] = field(default=lambda model: model, repr=False)
    check_model: Callable[[Model, Mapping[str, Any], Sequence[str]], None] | None = field(default=None, repr=False)
    status: Callable[[Any], np.ndarray] = field(default=lambda found: found.status, repr=False)
    over: str | None = field(default=None, repr=False)

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """Option -> its default, or `REQUIRED`."""
        parameters = inspect.signature(self.function).parameters
        return {name: parameters[name].default for name in self.options}

    @property
    def simulates(self) -> bool:
        """Whether the function takes the keywords of a `Method`."""
        return "method" in inspect.signature(self.function).parameters

    @property
    def takes_stimulus(self) -> bool:
        """Whether the function is given a stimulus; others apply their own currents."""
        return "stimulus" in inspect.signature(self.function).parameters

    @property
    def draws(self) -> bool:
        """Whether the function draws random numbers, by the numbers of rows."""
        return "channel_noise" in self.options

    def check(self, options: Mapping[str, Any]) -> None:
        """Raise `InputError` (key path, reason, remedy) for options, as in a sweep file, with which it cannot run."""
        for name in options:
            if name not in self.options:
                raise unknown(f"option of {self.name}", name, self.options, where=f"analysis.{name}")
        for name, option in self.options.items():
            if name in options:
                option.check(f"analysis.{name}", options[name])
            elif self.defaults[name] is REQUIRED:
                raise InputError(f"analysis.{name}: is missing; {self.name} needs it")
        if self.check_together is not None:
            try:
                self.check_together({**self.defaults, **options})
            except InputError as error:
                raise InputError(f"analysis.{error}") from None

    def rows(
        self,
        model: Model,
        params: Mapping[str, Any],
        options: Mapping[str, Any],
        numbers: np.ndarray | None = None,
        stimulus: Stimulus | None = None,
    ) -> tuple[np.ndarray, dict[str, Variable]]:
        """Run it on rows of parameters: (status, variables), as `Result` has them.

        options : those of the analysis, and keywords of a `Method` or `method` itself. status : (n,) uint8, 0 ok, 1
        diverged; the variable `analysis_status` says more. numbers : of the rows, for an analysis that draws random
        numbers by them. stimulus : for one that takes it. params : also the numbers of entries of `over`. Raises
        `InputError` as the function.
        """
        given = options if self.simulates else {name: options[name] for name in options if name in self.options}
        if self.draws and numbers is not None:
            noise = as_channel_noise(given.get("channel_noise", self.defaults["channel_noise"]))
            given = {**given, "channel_noise": noise and noise.numbered(numbers)}
        if self.over is not None:
            n = max((np.size(values) for values in params.values()), default=1)
            chosen = np.asarray(params.get(self.over, np.zeros(n)), np.int64)
            given = {**given, self.over: self.options[self.over].check(self.over, given[self.over]).take(chosen)}
            params = {name: values for name, values in params.items() if name != self.over}
        if self.takes_stimulus:
            given = {**given, "stimulus": stimulus}
        found = self.function(model, params=params, **given)
        outcome = self.status(found)
        status = np.where(outcome == AnalysisStatus.DIVERGED, DIVERGED, OK).astype(np.uint8)
        codes = per_cell_code(outcome, MEANINGS, "outcome of the analysis")
        return status, self.variables(found) | {"analysis_status": codes}

    def table(self, result: Any) -> dict[str, np.ndarray]:
        """Heading -> (n,) values, as people read them."""
        if self.columns is not None:
            return self.columns(result)
        return {_heading(name, variable.unit): variable.values for name, variable in self.variables(result).items()}


def check_options(options: Mapping[str, Option], **values: Any) -> None:
    """Check options of a function by the entries of its analysis; raises `InputError` for the first that is wrong."""
    for name, value in values.items():
        options[name].check(name, value)


def per_cell_number(values: np.ndarray, unit: str, long_name: str) -> Variable:
    """(n,) values as a variable with one number per cell."""
    return Variable(values, ("cell",), unit, long_name)


def per_cell_code(codes: np.ndarray, meanings: Sequence[str], long_name: str) -> Variable:
    """(n,) codes 0, 1, ... as a variable that says what they mean."""
    return Variable(codes, ("cell",), "1", long_name, tuple(meanings))


def _heading(name: str, unit: str) -> str:
    return name if unit == "1" else f"{name} ({unit})"


def _found() -> dict[str, Analysis]:
    """The entries of all modules of `hhfast.analysis`."""
    entries: dict[str, Analysis] = {}
    for module in pkgutil.iter_modules(import_module(_PACKAGE).__path__, f"{_PACKAGE}."):
        entry = getattr(import_module(module.name), "ANALYSIS", None)
        if entry is None:
            continue
        if entry.name in entries:
            raise ValueError(f"{module.name}: there is an analysis '{entry.name}' already")
        entries[entry.name] = entry
    return entries


analyses: Registry[Analysis] = Registry("analysis", _found)


def prepared(model: Model, kind: Any) -> Model:
    """The model that the parameters of an analysis are those of; the same where there is no such analysis."""
    return analyses[kind].prepared(model) if isinstance(kind, str) and kind in analyses else model


def entries_of(given: Mapping[str, Any]) -> tuple[str, Any] | None:
    """(name, entries) of the option whose entries are an axis, of a table as in a sweep file; None: there is none.

    Raises `InputError` where they are none.
    """
    kind = given.get("kind")
    analysis = analyses[kind] if isinstance(kind, str) and kind in analyses else None
    if analysis is None or analysis.over is None or analysis.over not in given:
        return None
    return analysis.over, analysis.options[analysis.over].check(f"analysis.{analysis.over}", given[analysis.over])

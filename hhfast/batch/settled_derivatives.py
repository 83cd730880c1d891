"""Runs until="settled" with derivatives: what they record beside, and what is added to their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.constant_current import check_constant_current, constant_current_by
from hhfast.batch.method import Method
from hhfast.batch.own_durations import CONSTANT_CURRENT
from hhfast.batch.result import OK, SPIKES_FULL, Result
from hhfast.batch.settled_sensitivities import WITHOUT, SettledCells
from hhfast.batch.settling import Settling
from hhfast.batch.simulation import Simulation
from hhfast.errors import InputError
from hhfast.model import Model
from hhfast.parts.activity import SETTLED_FEATURES, Settled
from hhfast.parts.feature import feature_name
from hhfast.parts.features import Features, of_cycle
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Final
from hhfast.parts.sensitivity import derivative_name, initial_state, quotient
from hhfast.parts.stimulus import Stimulus, StimulusKind
from hhfast.parts.variable import Variable

_DIFFERENTIATED = {*SETTLED_FEATURES, "spike_count"}
_CURRENT = "i_app"


@dataclass(frozen=True)
class SettledDerivatives:
    """What features of settled cells are differentiated by, and the recorders of the run.

    units : name -> unit of parameters of the model and the stimulus, and of initial values, by which there is no
    change: a cycle, or a rest, is the same wherever a cell came from. added_final : whether `Final` is recorded for
    this alone.
    """

    rule: Settled
    units: Mapping[str, str]
    record: tuple[Recorder, ...]
    added_final: bool

    @classmethod
    def of(
        cls,
        model: Model,
        until: Any,
        record: Sequence[Recorder],
        units: Mapping[str, str],
        kinds: tuple[StimulusKind, ...],
    ) -> SettledDerivatives | None:
        """What is to be done; None where there is nothing of this kind.

        units : of the names, as `sensitivity_units_of` has them. kinds : of the stimulus. Raises `InputError` for
        parameters in which a current is not linear, and for features that have no derivative.
        """
        rule = Settled.of(until) if units else None
        if rule is None:
            return None
        for name in units:
            if name not in model.parameters and initial_state(name, model.states) is None:
                check_constant_current(kinds, name)
        for recorder in record:
            for name in recorder.names if isinstance(recorder, Features) else ():
                if feature_name(name) not in _DIFFERENTIATED and not of_cycle([recorder])[name]:
                    raise InputError(
                        f"sensitivity: feature '{name}' of a settled cell has no derivative; leave it out, or record "
                        "Spikes with until = 't_stop'"
                    )
        final = any(isinstance(r, Final) for r in record)
        return cls(rule, units, tuple(record) if final else (*record, Final()), not final)

    def asked(self, run: Simulation) -> Simulation:
        """The run, with all features of settled cells and the current at its end."""
        settling = run.record[-1]
        assert isinstance(settling, Settling)
        every = replace(settling, names=tuple(SETTLED_FEATURES), with_current=True)
        return replace(run, record=(*run.record[:-1], every))

    def added(self, result: Result, cells: Cells, method: Method, stimulus: Stimulus, t_stop: float) -> Result:
        """The result with the derivatives, without what was recorded for them alone."""
        model = cells.model
        variables = dict(result.variables)
        current = variables.pop(_CURRENT).values
        X = np.array([variables[f"{x}_final"].values for x in model.states], np.float64)
        values = {name: variables[name].values for name in SETTLED_FEATURES}
        settled = np.isin(result.status, (OK, SPIKES_FULL))
        values |= {name: np.where(settled, values[name], np.nan) for name in ("period", "V_rest")}
        levels = next((r.levels for r in self.record if r.levels is not None), (-20.0, -30.0))
        ended = SettledCells(cells, X, current, values, self.rule, levels, method.threads)
        wanted = self._names()
        unwanted = {_CURRENT, *(set(SETTLED_FEATURES) - set(wanted))}
        if self.added_final:
            unwanted |= {f"{x}_final" for x in model.states}
        unwanted |= {name for name, v in variables.items() if v.error_of in unwanted}
        kept = {name: v for name, v in variables.items() if name not in unwanted or name in wanted}
        known = {name: settled & np.isfinite(v.values) for name, v in kept.items() if v.dims == ("cell",)}
        by = self._derivatives(ended, stimulus, t_stop, known)
        return replace(result, variables=kept | self._variables(by, kept))

    def _names(self) -> list[str]:
        """The features that are asked for: those of recorders, or all."""
        named = [name for r in self.record if isinstance(r, Features) for name in r.names]
        settled = any(name in SETTLED_FEATURES for name in named)
        return [*named, *(() if settled else SETTLED_FEATURES)]

    def _derivatives(
        self, ended: SettledCells, stimulus: Stimulus, t_stop: float, known: Mapping[str, np.ndarray]
    ) -> dict[tuple[str, str], np.ndarray]:
        """(feature, name) -> (n,) derivatives; known : feature -> (n,) whether it has a value."""
        model = ended.cells.model
        own = [name for name in self.units if name in model.parameters]
        initial = [name for name in self.units if name not in own and initial_state(name, model.states) is not None]
        of_current = {
            name: constant_current_by(stimulus, name, t_stop, ended.cells.n)
            for name in self.units if name not in (*own, *initial)
        }  # fmt: skip
        by = [*own, *([CONSTANT_CURRENT] if of_current else [])]
        found = ended.derivatives(by) if by else {}
        columns, cycle = {}, of_cycle(self.record)
        for feature in (name for name in self._names() if feature_name(name) not in WITHOUT):
            of = cycle.get(feature) or feature
            for name in self.units:
                if name in own:
                    columns[feature, name] = found[of][by.index(name)]
                elif name in of_current:
                    columns[feature, name] = found[of][by.index(CONSTANT_CURRENT)] * of_current[name] + 0.0  # no -0
                else:
                    columns[feature, name] = np.where(known[feature], 0.0, np.nan)
        return columns

    def _variables(self, by: Mapping[tuple[str, str], np.ndarray], kept: Mapping[str, Variable]) -> dict[str, Variable]:
        return {
            derivative_name(feature, name): Variable(
                values, ("cell",), quotient(kept[feature].unit, self.units[name]),
                f"derivative of {kept[feature].long_name} by {name}", derivative=(feature, name),
            )
            for (feature, name), values in by.items()
        }  # fmt: skip

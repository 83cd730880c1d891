"""Runs until="settled" with derivatives: what they record beside, and what is added to their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from hhfast.batch.cells import Cells
from hhfast.batch.method import Method
from hhfast.batch.result import CAP_REACHED, OK, SPIKES_FULL, Result
from hhfast.batch.settled_sensitivities import WITHOUT, SettledCells
from hhfast.batch.settling import Settling
from hhfast.batch.simulation import Simulation
from hhfast.errors import InputError, unknown
from hhfast.model import Model
from hhfast.parts.activity import SETTLED_FEATURES, Settled
from hhfast.parts.feature import feature_name
from hhfast.parts.features import Features, of_cycle
from hhfast.parts.recorder import Recorder
from hhfast.parts.recorders import Final
from hhfast.parts.sensitivity import quotient
from hhfast.parts.variable import Variable

_DIFFERENTIATED = {*SETTLED_FEATURES, "spike_count"}
_CURRENT = "i_app"


@dataclass(frozen=True)
class SettledDerivatives:
    """The parameters by which features of settled cells are differentiated, and the recorders of the run.

    added_final : whether `Final` is recorded for this alone.
    """

    rule: Settled
    parameters: tuple[str, ...]
    record: tuple[Recorder, ...]
    added_final: bool

    @classmethod
    def of(
        cls, model: Model, until: Any, record: Sequence[Recorder], parameters: tuple[str, ...]
    ) -> SettledDerivatives | None:
        """What is to be done; None where there is nothing of this kind.

        Raises `InputError` for what is no parameter, and for features that have no derivative.
        """
        rule = Settled.of(until) if parameters else None
        if rule is None:
            return None
        for name in parameters:
            if name not in model.parameters:
                raise unknown("parameter", name, model.parameters, f"sensitivity of model {model.name}")
        for recorder in record:
            for name in recorder.names if isinstance(recorder, Features) else ():
                if feature_name(name) not in _DIFFERENTIATED and not of_cycle([recorder])[name]:
                    raise InputError(
                        f"sensitivity: feature '{name}' of a settled cell has no derivative; leave it out, or record "
                        "Spikes with until = 't_stop'"
                    )
        final = any(isinstance(r, Final) for r in record)
        return cls(rule, parameters, tuple(record) if final else (*record, Final()), not final)

    def asked(self, run: Simulation) -> Simulation:
        """The run, with all features of settled cells and the current at its end."""
        settling = run.record[-1]
        assert isinstance(settling, Settling)
        every = replace(settling, names=tuple(SETTLED_FEATURES), with_current=True)
        return replace(run, record=(*run.record[:-1], every))

    def added(self, result: Result, cells: Cells, method: Method) -> Result:
        """The result with the derivatives, without what was recorded for them alone."""
        model = cells.model
        variables = dict(result.variables)
        current = variables.pop(_CURRENT).values
        X = np.array([variables[f"{x}_final"].values for x in model.states], np.float64)
        values = {name: variables[name].values for name in SETTLED_FEATURES}
        settled = np.isin(result.status, (OK, SPIKES_FULL)) & (result.status != CAP_REACHED)
        values |= {name: np.where(settled, values[name], np.nan) for name in ("period", "V_rest")}
        levels = next((r.levels for r in self.record if r.levels is not None), (-20.0, -30.0))
        found = SettledCells(cells, X, current, values, self.rule, levels, method.threads).derivatives(self.parameters)
        wanted = self._names()
        unwanted = {_CURRENT, *(set(SETTLED_FEATURES) - set(wanted))}
        if self.added_final:
            unwanted |= {f"{x}_final" for x in model.states}
        unwanted |= {name for name, v in variables.items() if v.error_of in unwanted}
        kept = {name: v for name, v in variables.items() if name not in unwanted or name in wanted}
        return replace(result, variables=kept | self._variables(model, found, kept))

    def _names(self) -> list[str]:
        """The features that are asked for: those of recorders, or all."""
        named = [name for r in self.record if isinstance(r, Features) for name in r.names]
        settled = any(name in SETTLED_FEATURES for name in named)
        return [*named, *(() if settled else SETTLED_FEATURES)]

    def _variables(
        self, model: Model, found: Mapping[str, np.ndarray], kept: Mapping[str, Variable]
    ) -> dict[str, Variable]:
        cycle = of_cycle(self.record)
        return {
            f"{name}_d{p}": Variable(
                found[cycle.get(name) or name][k], ("cell",),
                quotient(kept[name].unit, model.parameters[p].unit),
                f"derivative of {kept[name].long_name} by {p}",
            )
            for name in self._names() if feature_name(name) not in WITHOUT
            for k, p in enumerate(self.parameters)
        }  # fmt: skip

"""A model against the spike times that its file lists: the proof that it is what its citation says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hhfast.batch.simulate import simulate
from hhfast.model import Check, Model
from hhfast.parts.recorders import Spikes
from hhfast.parts.stimuli import Step

TOLERANCE = 0.02  # ms


@dataclass(frozen=True)
class CheckResult:
    """What a run of a check gave. difference : the largest of its spike times, ms; NaN where the counts differ."""

    check: Check
    spikes: np.ndarray
    difference: float

    @property
    def passed(self) -> bool:
        """Whether the counts are equal and all times agree within `TOLERANCE`."""
        return len(self.spikes) == len(self.check.spikes) and not self.difference > TOLERANCE


def check_model(model: Model, integrator: str = "tsit5") -> Sequence[CheckResult]:
    """Run each of a model's checks, at the default tolerance but where the check gives its own."""
    return [_result(model, check, integrator) for check in model.checks]


def _result(model: Model, check: Check, integrator: str) -> CheckResult:
    step = {"amplitude": check.i_app, "start": check.start}
    if check.stop is not None:
        step["stop"] = check.stop
    run = simulate(
        model,
        dict(check.parameters),
        stimulus=Step(**step),
        t_stop=check.t_stop,
        integrator=integrator,
        rtol=check.rtol,
        record=[Spikes(threshold=check.threshold, rearm=check.rearm)],
    )
    found, known = run.spike_time, np.array(check.spikes)
    if len(found) != len(known):
        return CheckResult(check, found, float("nan"))
    return CheckResult(check, found, float(np.max(np.abs(found - known), initial=0.0)))

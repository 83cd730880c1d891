"""What a sweep differentiates by, and whether it can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hhfast.batch.initial_sensitivities import sensitivity_units_of
from hhfast.batch.recorded import check_derivatives
from hhfast.batch.settled_derivatives import SettledDerivatives
from hhfast.errors import InputError
from hhfast.kernel.spec import check_sensitivity as check_run
from hhfast.parts.activity import Settled
from hhfast.parts.sensitivity import name_in_sum, sensitivities
from hhfast.sweep.stimulus import stimulus_kind

if TYPE_CHECKING:
    from hhfast.sweep.sweep import Sweep


def plain_names(sweep: Sweep, given: Sequence[str]) -> tuple[str, ...]:
    """The names as `simulate` has them: `stimulus.amplitude`, as spaces have it, is amplitude.

    Of several stimuli that have one, `stimulus.1.amplitude` is amplitude_1.

    Raises `InputError` where the model has a parameter of that name, too.
    """
    found = []
    stimuli = sweep.stimuli if isinstance(sweep.stimulus, (Mapping, Sequence)) else {}
    try:
        kinds = [stimulus_kind(entry) for entry in stimuli.values()]
    except (KeyError, TypeError, InputError):  # refused by the checks of the sweep
        kinds = []
    for name in given if isinstance(given, (tuple, list)) else (given,):  # others are refused by the checks
        prefix, _, plain = name.rpartition(".") if isinstance(name, str) else ("", "", "")
        of_stimulus = prefix in stimuli
        if of_stimulus and plain in sweep.model.parameters:
            raise InputError(
                f"sensitivity: model {sweep.model.name} has a parameter '{plain}', too; there is none by it"
            )
        found.append(name_in_sum([*stimuli].index(prefix), plain, kinds) if of_stimulus else name)
    return tuple(found)


def derived_variables(sweep: Sweep) -> list[str]:
    """The derivatives of states that a trace can record."""
    if isinstance(sweep.until, Settled):
        return []
    return [*sensitivities(sweep.model.states, sweep.sensitivity)]


def check_sensitivity(sweep: Sweep) -> None:
    """Raise `InputError` for parameters that are none, and where there are no derivatives."""
    names = sweep.sensitivity
    kinds = tuple(stimulus_kind(entry) for entry in sweep.stimuli.values())
    units = sensitivity_units_of(sweep.model, names, kinds)
    if not names:
        return
    if sweep.analysis is not None:
        raise InputError("sensitivity: does not go with [analysis]; remove it")
    if isinstance(sweep.until, Settled):
        SettledDerivatives.of(sweep.model, sweep.until, sweep.recorders, units, kinds)
        return
    if not isinstance(sweep.initial, str):
        raise InputError("sensitivity: does not go with a list of initial states; give one")
    check_run(sweep.model, sweep.scheme, kinds, names)
    check_derivatives(sweep.recorders, sweep.model.states, names, sweep.scheme.adaptive)

"""Names and units of sensitivities, the derivatives of states and spike times with respect to parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def sensitivity_name(state: str, parameter: str) -> str:
    """The name of the derivative of a state: dV_dg_Na."""
    return f"d{state}_d{parameter}"


def sensitivity_units(
    states: Sequence[str], units: Mapping[str, str], parameters: Sequence[str], of_parameters: Mapping[str, str]
) -> dict[str, str]:
    """Name -> unit of the derivatives of all states, in the order of a kernel's states."""
    return {sensitivity_name(x, p): quotient(units[x], of_parameters[p]) for p in parameters for x in states}


def quotient(unit: str, by: str) -> str:
    """One unit over another, as UDUNITS reads it."""
    return unit if by == "1" else f"{unit}/({by})"


def shift_names(parameters: Sequence[str]) -> tuple[str, ...]:
    """The names, in the text of a recorder, of the derivatives of the time of a spike."""
    return tuple(f"t_spike_by_{k}" for k in range(len(parameters)))

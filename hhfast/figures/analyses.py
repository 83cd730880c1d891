"""The pictures of analyses, by the names under which entries of the registry have them (`batch/analyses.py`).

Every function draws into the Axes given, or new ones, and returns them; `axes.figure.savefig(path)` saves. Of several
cells each has a colour: up to 10 are in the legend, more are told apart by a colour bar of the first parameter that
differs.
"""

from __future__ import annotations

from hhfast.figures.fi_curve import plot_fi
from hhfast.figures.phase_response import plot_phase_response
from hhfast.figures.recovery_curve import plot_recovery
from hhfast.figures.strength_duration import plot_strength_duration
from hhfast.figures.trials import plot_trials
from hhfast.figures.voltage_clamp import plot_voltage_clamp

__all__ = [
    "plot_fi", "plot_phase_response", "plot_recovery", "plot_strength_duration", "plot_trials",
    "plot_voltage_clamp",
]  # fmt: skip

"""hhfast: very many Hodgkin-Huxley neurons, fast and trustworthily."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

# Public name -> module. They are imported when first used, so that `hhfast --help` does not wait for Numba.
_PUBLIC = {
    "InputError": "hhfast.errors",
    "UnknownName": "hhfast.errors",
    "Channel": "hhfast.model",
    "Gate": "hhfast.model",
    "Model": "hhfast.model",
    "Parameter": "hhfast.model",
    "Pool": "hhfast.model",
    "load_model": "hhfast.model",
    "models": "hhfast.model",
    "integrators": "hhfast.parts.integrators",
    "stimuli": "hhfast.parts.stimuli",
    "Chirp": "hhfast.parts.stimuli",
    "Noise": "hhfast.parts.stimuli",
    "PairedPulse": "hhfast.parts.stimuli",
    "Pulse": "hhfast.parts.stimuli",
    "Ramp": "hhfast.parts.stimuli",
    "Sine": "hhfast.parts.stimuli",
    "Step": "hhfast.parts.stimuli",
    "Train": "hhfast.parts.stimuli",
    "Waveform": "hhfast.parts.stimuli",
    "recorders": "hhfast.parts.recorders",
    "Features": "hhfast.parts.recorders",
    "Final": "hhfast.parts.recorders",
    "SpikeCount": "hhfast.parts.recorders",
    "Spikes": "hhfast.parts.recorders",
    "Trace": "hhfast.parts.recorders",
    "Result": "hhfast.batch.result",
    "simulate": "hhfast.batch.simulate",
    "Method": "hhfast.batch.method",
    "StepControl": "hhfast.batch.step_control",
    "AnalysisStatus": "hhfast.batch.analysis_status",
    "analyses": "hhfast.batch.analyses",
    "Benchmark": "hhfast.analysis.work_precision.result",
    "Bifurcations": "hhfast.analysis.bifurcations",
    "Equilibria": "hhfast.analysis.resting_state",
    "FICurve": "hhfast.analysis.fi_curve",
    "RecoveryCurve": "hhfast.analysis.recovery_curve",
    "RefractoryPeriod": "hhfast.analysis.refractory_period",
    "RestingState": "hhfast.analysis.resting_state",
    "Rheobase": "hhfast.analysis.rheobase",
    "StrengthDuration": "hhfast.analysis.strength_duration",
    "StrengthDurationFit": "hhfast.analysis.strength_duration",
    "ap_features": "hhfast.analysis.action_potential_shape",
    "benchmark_integrators": "hhfast.analysis.work_precision.benchmark",
    "bifurcations": "hhfast.analysis.bifurcations",
    "displacement_threshold": "hhfast.analysis.displacement_threshold",
    "fi_curve": "hhfast.analysis.fi_curve",
    "find_rheobase": "hhfast.analysis.rheobase",
    "recovery_curve": "hhfast.analysis.recovery_curve",
    "refractory_period": "hhfast.analysis.refractory_period",
    "resting_state": "hhfast.analysis.resting_state",
    "spike_times": "hhfast.analysis.spikes",
    "strength_duration": "hhfast.analysis.strength_duration",
    "train_features": "hhfast.analysis.spikes",
    "Axis": "hhfast.sweep",
    "BatchedSimulator": "hhfast.sweep",
    "Distribution": "hhfast.sweep",
    "Grid": "hhfast.sweep",
    "Record": "hhfast.sweep",
    "Rows": "hhfast.sweep",
    "Sample": "hhfast.sweep",
    "Sweep": "hhfast.sweep",
    "Table": "hhfast.sweep",
    "Values": "hhfast.sweep",
    "open_results": "hhfast.sweep",
    "to_csv": "hhfast.sweep",
    "to_nwb": "hhfast.sweep",
    "to_pandas": "hhfast.sweep",
    "to_parquet": "hhfast.sweep",
}
__all__ = [*_PUBLIC, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'hhfast' has no attribute '{name}'")
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """This package, in which `hhfast.simulate` stays the function when the module of that name is imported."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in _PUBLIC):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package

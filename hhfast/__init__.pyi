# The public names of hhfast, with where they come from. A name added here is public; `__init__.py` reads this file.
from .analysis.action_potential_shape import ap_features
from .analysis.bifurcations import Bifurcations, bifurcations
from .analysis.displacement_threshold import displacement_threshold
from .analysis.fi_curve import FICurve, fi_curve
from .analysis.recovery_curve import RecoveryCurve, recovery_curve
from .analysis.refractory_period import RefractoryPeriod, refractory_period
from .analysis.resting_state import Equilibria, RestingState, resting_state
from .analysis.rheobase import Rheobase, find_rheobase
from .analysis.spikes import spike_times, train_features
from .analysis.strength_duration import StrengthDuration, StrengthDurationFit, strength_duration
from .analysis.work_precision.benchmark import benchmark_integrators
from .analysis.work_precision.result import Benchmark
from .batch.analyses import Analysis, analyses
from .batch.analysis_status import AnalysisStatus
from .batch.method import Method
from .batch.result import Result
from .batch.simulate import simulate
from .batch.step_control import StepControl
from .errors import Incomplete, InputError, UnknownName
from .model import Channel, Gate, Model, Parameter, Pool, load_model, models
from .model.importers.imported import Imported
from .model.importers.nmodl import import_nmodl
from .parts.features import Features, SpikeCount
from .parts.integrators import Integrator, integrators
from .parts.recorders import Final, Spikes, Trace, recorders
from .parts.stimuli import (
    Chirp,
    Noise,
    PairedPulse,
    Pulse,
    Ramp,
    Sine,
    Step,
    Stimulus,
    Train,
    Waveform,
    stimuli,
)
from .sweep import (
    Axis,
    BatchedSimulator,
    Distribution,
    Grid,
    Record,
    Rows,
    Sample,
    Sweep,
    Table,
    Values,
    open_results,
    to_csv,
    to_nwb,
    to_pandas,
    to_parquet,
)

__version__: str

__all__ = [
    "Analysis",
    "AnalysisStatus",
    "Axis",
    "BatchedSimulator",
    "Benchmark",
    "Bifurcations",
    "Channel",
    "Chirp",
    "Distribution",
    "Equilibria",
    "FICurve",
    "Features",
    "Final",
    "Gate",
    "Grid",
    "Imported",
    "Incomplete",
    "InputError",
    "Integrator",
    "Method",
    "Model",
    "Noise",
    "PairedPulse",
    "Parameter",
    "Pool",
    "Pulse",
    "Ramp",
    "Record",
    "RecoveryCurve",
    "RefractoryPeriod",
    "RestingState",
    "Result",
    "Rheobase",
    "Rows",
    "Sample",
    "Sine",
    "SpikeCount",
    "Spikes",
    "Step",
    "StepControl",
    "Stimulus",
    "StrengthDuration",
    "StrengthDurationFit",
    "Sweep",
    "Table",
    "Trace",
    "Train",
    "UnknownName",
    "Values",
    "Waveform",
    "analyses",
    "ap_features",
    "benchmark_integrators",
    "bifurcations",
    "displacement_threshold",
    "fi_curve",
    "find_rheobase",
    "import_nmodl",
    "integrators",
    "load_model",
    "models",
    "open_results",
    "recorders",
    "recovery_curve",
    "refractory_period",
    "resting_state",
    "simulate",
    "spike_times",
    "stimuli",
    "strength_duration",
    "to_csv",
    "to_nwb",
    "to_pandas",
    "to_parquet",
    "train_features",
]

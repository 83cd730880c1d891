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
from .figures.currentscape import plot_currentscape
from .figures.population import plot_population
from .figures.stacking import plot_stacking
from .model import Channel, Gate, Model, Parameter, Pool, load_model, models
from .parts.features import Features, SpikeCount
from .parts.integrators import Integrator, integrators
from .parts.recorders import Final, Spikes, Trace, recorders
from .parts.stimuli import (
    AlphaSynapse,
    Chirp,
    ConductanceStep,
    DoubleExponential,
    Noise,
    PairedPulse,
    PointConductance,
    Pulse,
    Ramp,
    Sine,
    Step,
    Stimulus,
    Train,
    VoltageClamp,
    Waveform,
    WaveformClamp,
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
    Selection,
    Sweep,
    Table,
    Values,
    open_results,
    select,
    to_csv,
    to_nwb,
    to_pandas,
    to_parquet,
)

__version__: str

__all__ = [
    "AlphaSynapse",
    "Analysis",
    "AnalysisStatus",
    "Axis",
    "BatchedSimulator",
    "Benchmark",
    "Bifurcations",
    "Channel",
    "Chirp",
    "ConductanceStep",
    "Distribution",
    "DoubleExponential",
    "Equilibria",
    "FICurve",
    "Features",
    "Final",
    "Gate",
    "Grid",
    "Incomplete",
    "InputError",
    "Integrator",
    "Method",
    "Model",
    "Noise",
    "PairedPulse",
    "Parameter",
    "PointConductance",
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
    "Selection",
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
    "VoltageClamp",
    "Waveform",
    "WaveformClamp",
    "analyses",
    "ap_features",
    "benchmark_integrators",
    "bifurcations",
    "displacement_threshold",
    "fi_curve",
    "find_rheobase",
    "integrators",
    "load_model",
    "models",
    "open_results",
    "plot_currentscape",
    "plot_population",
    "plot_stacking",
    "recorders",
    "recovery_curve",
    "refractory_period",
    "resting_state",
    "select",
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

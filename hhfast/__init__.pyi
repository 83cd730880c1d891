# The public names of hhfast, with where they come from. A name added here is public; `__init__.py` reads this file.
from .analysis.action_potential_shape import ap_features
from .analysis.bifurcations import Bifurcations, bifurcations
from .analysis.clamp_settings import ClampRecording, Conditioning
from .analysis.displacement_threshold import displacement_threshold
from .analysis.equilibrium_curve import EquilibriumCurve, equilibrium_curve
from .analysis.feature_target import FeatureTarget
from .analysis.fi_curve import FICurve, fi_curve
from .analysis.fit import Fit, fit
from .analysis.fit_targets import SpikeTarget, TraceTarget
from .analysis.phase_response import PhaseResponse, phase_response
from .analysis.recovery_curve import RecoveryCurve, recovery_curve
from .analysis.refractory_period import RefractoryPeriod, refractory_period
from .analysis.repeated_trials import repeated_trials
from .analysis.resting_state import Equilibria, RestingState, resting_state
from .analysis.rheobase import Rheobase, find_rheobase
from .analysis.spikes import spike_times, train_features
from .analysis.strength_duration import StrengthDuration, StrengthDurationFit, strength_duration
from .analysis.trial_statistics import TrialStatistics, trial_statistics
from .analysis.voltage_clamp import VoltageClampFamily, voltage_clamp
from .analysis.work_precision.benchmark import benchmark_integrators
from .analysis.work_precision.result import Benchmark
from .batch.analyses import Analysis, analyses
from .batch.analysis_status import AnalysisStatus
from .batch.method import Method
from .batch.result import Result
from .batch.simulate import simulate
from .batch.step_control import StepControl
from .errors import Incomplete, InputError, UnknownName
from .figures.analyses import plot_fi, plot_recovery, plot_strength_duration, plot_voltage_clamp
from .figures.bifurcation_diagram import plot_bifurcation_diagram
from .figures.currentscape import plot_currentscape
from .figures.fits import plot_fit
from .figures.gates import plot_gate_curves
from .figures.parameter_map import plot_map
from .figures.phase_plane import plot_phase_plane
from .figures.phase_response import plot_phase_response
from .figures.population import plot_population
from .figures.spike import plot_spike
from .figures.stacking import plot_stacking
from .figures.sweeps import plot_result
from .figures.traces import plot_traces
from .figures.trials import plot_trials
from .figures.work_precision import plot_benchmark
from .model import (
    Channel,
    Check,
    Compartment,
    Coupling,
    Formula,
    Function,
    Gate,
    Model,
    Parameter,
    Pool,
    Scheme,
    load_model,
    models,
)
from .model.importers.imported import Imported
from .model.importers.neuroml import import_neuroml
from .model.importers.nmodl import import_nmodl
from .pages.explore import explore
from .parts.activity import Settled
from .parts.channel_noise import ChannelNoise
from .parts.feature import Feature, features
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
    PoissonAlpha,
    PoissonDoubleExponential,
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
    "ChannelNoise",
    "Check",
    "Chirp",
    "ClampRecording",
    "Compartment",
    "Conditioning",
    "ConductanceStep",
    "Coupling",
    "Distribution",
    "DoubleExponential",
    "Equilibria",
    "EquilibriumCurve",
    "FICurve",
    "Feature",
    "FeatureTarget",
    "Features",
    "Final",
    "Fit",
    "Formula",
    "Function",
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
    "PhaseResponse",
    "PointConductance",
    "PoissonAlpha",
    "PoissonDoubleExponential",
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
    "Scheme",
    "Selection",
    "Settled",
    "Sine",
    "SpikeCount",
    "SpikeTarget",
    "Spikes",
    "Step",
    "StepControl",
    "Stimulus",
    "StrengthDuration",
    "StrengthDurationFit",
    "Sweep",
    "Table",
    "Trace",
    "TraceTarget",
    "Train",
    "TrialStatistics",
    "UnknownName",
    "Values",
    "VoltageClamp",
    "VoltageClampFamily",
    "Waveform",
    "WaveformClamp",
    "analyses",
    "ap_features",
    "benchmark_integrators",
    "bifurcations",
    "displacement_threshold",
    "equilibrium_curve",
    "explore",
    "features",
    "fi_curve",
    "find_rheobase",
    "fit",
    "import_neuroml",
    "import_nmodl",
    "integrators",
    "load_model",
    "models",
    "open_results",
    "phase_response",
    "plot_benchmark",
    "plot_bifurcation_diagram",
    "plot_currentscape",
    "plot_fi",
    "plot_fit",
    "plot_gate_curves",
    "plot_map",
    "plot_phase_plane",
    "plot_phase_response",
    "plot_population",
    "plot_recovery",
    "plot_result",
    "plot_spike",
    "plot_stacking",
    "plot_strength_duration",
    "plot_traces",
    "plot_trials",
    "plot_voltage_clamp",
    "recorders",
    "recovery_curve",
    "refractory_period",
    "repeated_trials",
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
    "trial_statistics",
    "voltage_clamp",
]

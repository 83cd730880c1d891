"""benchmark_integrators: error against cost of every integrator on the model and the cells that matter to someone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from hhfast.analysis.population import Population
from hhfast.analysis.work_precision.cost import measured
from hhfast.analysis.work_precision.limits import longest_step, measured_order
from hhfast.analysis.work_precision.problem import CellSample, Problem, SampleOptions, Setting
from hhfast.analysis.work_precision.reference import Reference, reference_dt, verified, with_reference
from hhfast.analysis.work_precision.result import Benchmark, BenchmarkRow, IntegratorLimits, activity_of
from hhfast.analysis.work_precision.thresholds import Thresholds
from hhfast.batch.arguments import as_stimulus
from hhfast.batch.result import Result
from hhfast.batch.threads import available_threads
from hhfast.errors import InputError, shown
from hhfast.inputs import check_positive, one_of, positive_numbers, truth, whole_number
from hhfast.kernel.jit.precompile import precompile
from hhfast.model import Model
from hhfast.parts.integrators import Integrator
from hhfast.parts.integrators import integrators as registry
from hhfast.parts.stimuli import Stimulus
from hhfast.progress import Reporter

STEPS = (0.1, 0.05, 0.025, 0.01, 0.005, 0.0025, 0.001)  # ms
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)


def benchmark_integrators(
    model: str | Path | Model = "hodgkin_huxley",
    params: Mapping[str, Any] | None = None,
    *,
    stimulus: Stimulus | None = None,
    t_stop: float = 200.0,
    initial: str = "model",
    integrators: Sequence[str | Integrator] | None = None,
    dt: Sequence[float] | None = None,
    rtol: Sequence[float] | None = None,
    rheobase: bool = True,
    repeats: int = 5,
    progress: bool = False,
    **sample: Unpack[SampleOptions],
) -> Benchmark:
    """Measure the error and the cost of integrators over a range of steps or tolerances.

    Parameters
    ----------
    model, params, stimulus, t_stop : as in `hhfast.simulate`. Where no parameter is an array, `cells` cells (64) are
        drawn by `seed` (1): conductances and capacitance within `spread` (0.1) of the model's, except those given.
        Without a stimulus each cell has a constant current from t = 0, drawn from the range `current`, or from one in
        which some cells are silent and the others fire.
    initial : where the cells start, "model" or "rest".
    integrators : names, or `Integrator` objects; default: all of the registry. dt : steps, ms, of those
        with fixed steps. rtol : tolerances of the others.
    rheobase : measure the error of thresholds (20-ms pulse, 4 cells) as well.
    repeats : how often each setting is timed; the least time counts.
    progress : show a progress bar on a terminal, a line every 30 s otherwise.

    Returns
    -------
    Benchmark: `.rows`, one for each integrator and step or tolerance; `.limits`, measured order and longest stable
    step of each integrator; `.recommend(accuracy)`; `.to_csv(path)`; `print(benchmark)` shows all.

    The reference is RK4 at half the smallest step (at most 0.0005 ms), compared with itself at twice that step, and,
    on three of the cells, with DOP853 of SciPy at a tolerance of 1e-12.

    Raises
    ------
    InputError : for unknown names, values out of range, a model that never fires.
    """
    steps, tolerances = _descending("dt", dt, STEPS), _descending("rtol", rtol, TOLERANCES)
    settings = _settings(registry if integrators is None else integrators, steps, tolerances)
    check_positive(t_stop=t_stop)
    repeats, stimulus = whole_number("repeats", repeats, 1, 1000), as_stimulus(stimulus)
    one_of("initial", initial, ("model", "rest", "depolarised"))
    rheobase, progress = truth("rheobase", rheobase), truth("progress", progress)
    cells, population = CellSample(**sample), Population.of(model, params)
    chosen = list(dict.fromkeys(s.integrator for s in settings))
    # In units of work: the reference and SciPy, each setting twice (errors, thresholds), each integrator, each turn.
    with Reporter("benchmark", 2 + 2 * len(settings) + len(chosen) + repeats, "steps", show=progress) as bar:
        drawn = cells.draw(population, stimulus, t_stop, initial)
        precompile(drawn.kernels(settings), available_threads())
        problem, reference = with_reference(drawn, reference_dt(min(steps)))
        bar.advance(1)
        check = verified(problem, reference)
        bar.advance(1)
        runs: list[Result] = []
        for setting in settings:
            runs.append(problem.run(setting))
            bar.advance(1)
        thresholds = _thresholds(problem, settings, bar) if rheobase else np.full(len(settings), np.nan)
        limits = _limits(problem, reference, chosen, bar)
        counted = [problem.steps(setting, run) for setting, run in zip(settings, runs, strict=True)]
        cost = measured(problem, settings, counted, repeats, lambda: bar.advance(1))
    rows = [
        BenchmarkRow.of(setting, reference.errors(run), thresholds[k], counted[k] / t_stop, cost[k])
        for k, (setting, run) in enumerate(zip(settings, runs, strict=True))
    ]
    activity = activity_of(reference.trains, drawn.population.n)
    return Benchmark(population.model.name, t_stop, activity, tuple(rows), limits, reference.dt, reference.own, check)


def _descending(name: str, given: Sequence[float] | None, default: Sequence[float]) -> list[float]:
    """The steps or tolerances, the coarsest first."""
    return sorted(set(positive_numbers(name, default if given is None else given).tolist()), reverse=True)


def _settings(chosen: Iterable[str | Integrator], steps: list[float], tolerances: list[float]) -> list[Setting]:
    found: list[Setting] = []
    if isinstance(chosen, str) or not isinstance(chosen, Iterable):
        raise InputError(f"integrators: is {shown(chosen)}; give a list of names, of {', '.join(registry)}")
    for integrator in dict.fromkeys(x if isinstance(x, Integrator) else registry[x] for x in chosen):
        if integrator.adaptive:
            found += [Setting(integrator, rtol=value) for value in tolerances]
        else:
            found += [Setting(integrator, dt=value) for value in steps]
    if not found:
        raise InputError("integrators: name one at least")
    names = [integrator.name for integrator in dict.fromkeys(setting.integrator for setting in found)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"integrators: two are called '{twice[0]}'; give each a name of its own")
    return found


def _thresholds(problem: Problem, settings: Sequence[Setting], bar: Reporter) -> np.ndarray:
    """Relative errors of the rheobase, one for each setting."""
    thresholds, found = Thresholds.of(problem), np.empty(len(settings))
    for k, setting in enumerate(settings):
        found[k] = thresholds.error(setting)
        bar.advance(1)
    return found


def _limits(
    problem: Problem, reference: Reference, chosen: Sequence[Integrator], bar: Reporter
) -> tuple[IntegratorLimits, ...]:
    found = []
    for integrator in chosen:
        order, longest = measured_order(problem, integrator), longest_step(problem, reference, integrator)
        found.append(IntegratorLimits(integrator.name, integrator.order, order, longest))
        bar.advance(1)
    return tuple(found)

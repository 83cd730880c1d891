"""The cells on which integrators are compared: a mixed batch under a current, and how to run it in any setting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np

from hhfast.analysis.population import Population, constant, final_states
from hhfast.batch.cells import Cells
from hhfast.batch.fastest_rate import told_before
from hhfast.batch.initial_states import initial_states
from hhfast.batch.method import Method
from hhfast.batch.result import OK, Result
from hhfast.batch.simulate import simulate
from hhfast.batch.time_grid import time_grid
from hhfast.errors import InputError
from hhfast.inputs import check_positive
from hhfast.kernel.spec import KernelSpec, kernel_spec
from hhfast.model.names import UNITS
from hhfast.parts.integrators import Integrator
from hhfast.parts.recorders import Final, Spikes
from hhfast.parts.stimuli import Stimulus
from hhfast.sampling.distributions import Distribution
from hhfast.sampling.sample import Sample

RECORD = (Spikes(), Final())


@dataclass(frozen=True)
class Setting:
    """An integrator with its step (ms), or with the tolerance by which it chooses its steps.

    One that could choose its steps, but is given a step, takes that whatever the error: so its order can be measured.
    """

    integrator: Integrator
    dt: float = np.nan
    rtol: float = np.nan

    def method(self, threads: int | None = None) -> Method:
        """As `simulate` takes it."""
        if not np.isnan(self.rtol):
            return Method(self.integrator, rtol=self.rtol, threads=threads)
        if self.integrator.adaptive:
            return Method(self.integrator, dt=self.dt, dt_max=self.dt, atol=1e9, max_steps=10**9, threads=threads)
        return Method(self.integrator, dt=self.dt, threads=threads)


@dataclass(frozen=True)
class Problem:
    """Cells of a model, a stimulus (its parameters numbers, or one for each cell) and a duration, ms.

    initial : where the cells start, "model" or "rest".
    """

    population: Population
    stimulus: Stimulus
    t_stop: float
    initial: str = "model"

    def run(self, setting: Setting, threads: int | None = None) -> Result:
        """Spike times and the states at the end."""
        with told_before():  # steps that are too long are what a benchmark is to find
            return simulate(
                self.population.model, self.population.params, stimulus=self.stimulus, t_stop=self.t_stop,
                record=RECORD, initial=self.initial, method=setting.method(threads),
            )  # fmt: skip

    def kernels(self, settings: Iterable[Setting]) -> list[KernelSpec]:
        """The kernels of the settings, and of the longer steps that their integrators may be tried with."""
        chosen = [setting.method() for setting in settings]
        pairs = {(method.scheme.name, dt): method.scheme for method in chosen for dt in (method.dt, 1.0)}
        return [
            kernel_spec(self.population.model, pairs[name, dt], self.stimulus, RECORD, "float64", dt)
            for name, dt in sorted(pairs)
        ]

    def take(self, rows: np.ndarray) -> Problem:
        """The problem with these cells, each as often as it is named."""
        return replace(self, population=self.population.take(rows), stimulus=self.stimulus.take(rows))

    def until(self, t_stop: float) -> Problem:
        """The first `t_stop` ms of the problem."""
        return replace(self, t_stop=min(t_stop, self.t_stop))

    def steps(self, setting: Setting, result: Result) -> float:
        """The steps of a run, mean over the cells, rejected ones included."""
        if setting.integrator.adaptive:
            return float(np.mean(result["n_steps"] + result["n_rejected"]))
        shared = [*self.stimulus.edges(self.t_stop)[0], *self.stimulus.points(self.t_stop)[0]]
        return time_grid(self.t_stop, setting.dt, shared, RECORD).n_steps

    def final(self, result: Result) -> np.ndarray:
        """(n_states, n): the states at the end of a run."""
        return final_states(self.population.model, result)


class SampleOptions(TypedDict, total=False):
    """The fields of `CellSample` as keywords."""

    cells: int
    spread: float
    current: tuple[float, float] | None
    seed: int


@dataclass(frozen=True)
class CellSample:
    """How cells are drawn where none are given.

    cells : how many. spread : a fraction; conductances and capacitance lie within it of the model's. current : range
    of constant currents, in the model's unit; None: one in which some cells are silent and others fire. seed : of the
    random numbers. Raises `InputError` for values out of range.
    """

    cells: int = 64
    spread: float = 0.1
    current: tuple[float, float] | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        check_positive(cells=self.cells)
        if not 0 <= self.spread < 1:
            raise InputError(f"spread = {self.spread:g}: must be a fraction, at least 0 and less than 1")

    def draw(self, population: Population, stimulus: Stimulus | None, t_stop: float, initial: str = "model") -> Problem:
        """The cells given, or, where no parameter is an array, a sample of cells around the one given.

        Parameters that are given stay as they are. Raises `InputError` for a model that fires at no current.
        """
        model, params = population.model, population.params
        if stimulus is not None and (
            beyond := [kind.name for kind in stimulus.kinds if kind.conductances or kind.clamp]
        ):
            raise InputError(f"stimulus '{beyond[0]}': the reference runs take currents alone; give one")
        several = any(np.ndim(v) for v in params.values())
        given = Cells.of(model, params, stimulus).n
        n = given if several or (stimulus and stimulus.varies) else self.cells
        drawn: dict[str, Distribution] = {}
        if not several and self.spread > 0:
            drawn = {name: _around(value, self.spread) for name, value in _conductances(population).items()}
        if stimulus is None:
            limits = _current(population, t_stop) if self.current is None else Distribution("uniform", self.current)
            drawn["i_app"] = limits
        columns = Sample("latin_hypercube", n, drawn, self.seed).columns(0, n) if drawn else {}
        if stimulus is None:
            stimulus = constant(columns.pop("i_app"))
        stimulus = stimulus.numbered(np.arange(n))  # so that cells keep their noise when some of them are taken
        return Problem(Population(model, {**params, **columns}, n), stimulus, t_stop, initial)


def _conductances(population: Population) -> dict[str, float]:
    """The capacitance and the conductances that are the model's own, and not zero."""
    parameters, unit = population.model.parameters, UNITS[population.model.units]["g"]
    names = (name for name, p in parameters.items() if name == "C_m" or p.unit == unit)
    return {name: parameters[name].value for name in names
            if name not in population.params and parameters[name].value}  # fmt: skip


def _around(value: float, spread: float) -> Distribution:
    low, high = sorted(((1.0 - spread) * value, (1.0 + spread) * value))
    return Distribution("uniform", (low, high))


def _current(population: Population, t_stop: float) -> Distribution:
    """Constant currents from a third of the weakest at which the middle cell fires repeatedly to eight times that.

    For a cell that does so without current: from a quarter more than what silences it to twice as much inward.
    """
    model = population.model
    middle = {name: float(np.mean(v)) for name, v in population.params.items()}
    cell = Cells.of(model, middle)
    conductance = cell.rates(initial_states(cell, "model"))[1][0, 0] * cell.values("C_m")[0]
    size = conductance * np.geomspace(0.1, 1000.0, 41)  # what moves a passive membrane by 0.1 to 1000 mV
    tried = np.concatenate([-size[::-1], [0.0], size])
    with told_before():  # of currents far too strong
        run = simulate(model, middle, stimulus=constant(tried), t_stop=t_stop, dt=0.01, record=RECORD)
    # A passive membrane that is lifted over the threshold, and stays there, does not fire.
    spikes = np.where((run.status == OK) & (run["V_final"] < Spikes().threshold), run.spike_count, 0)
    fires = spikes >= min(2, spikes.max())
    if not spikes.any():
        raise InputError(
            f"model {model.name} does not fire within {t_stop:g} ms at any constant current up to "
            f"{size[-1]:.3g} {model.variables['i_app']}; give a stimulus under which it does"
        )
    if not fires[len(size)]:
        first = tried[fires & (tried > 0)].min() if fires[tried > 0].any() else size[0]
        return Distribution("loguniform", (0.3 * first, 8.0 * first))
    silent = tried[~fires & (tried < 0)]
    strength = -silent.max() if len(silent) else size[20]
    return Distribution("uniform", (-1.25 * strength, 2.0 * strength))

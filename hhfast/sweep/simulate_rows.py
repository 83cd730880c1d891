"""Simulate rows of a sweep: their parameters and currents, as `simulate` or an analysis takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.batch.result import Result
from hhfast.parts.channel_noise import ChannelNoise
from hhfast.parts.recorder import Recorder
from hhfast.sweep.stimulus import stimulus_kind
from hhfast.sweep.sweep import Sweep

if TYPE_CHECKING:
    from hhfast.parts.stimuli import Stimulus


def simulate_rows(
    sweep: Sweep, columns: Mapping[str, np.ndarray], threads: int | None = None,
    certify: bool | float | np.ndarray = False, numbers: np.ndarray | None = None,
    record: Sequence[Recorder] | None = None,
) -> Result:  # fmt: skip
    """Simulate rows with these parameters, one cell each; `certify` as in `simulate`, not as in the sweep.

    numbers : of the rows in the sweep, by which they have their noise; None: from 0 on. record : instead of what the
    sweep records; here a trace may have the name of a parameter, as no file has both.
    """
    from hhfast.batch.simulate import simulate

    parameters, stimulus = cells_of(sweep, columns, numbers)
    if sweep.analysis is not None:
        axis = sweep.axis_of_analysis
        if axis is not None and axis in columns:
            parameters = {**parameters, axis: columns[axis]}
        return _analyse(sweep, sweep.analysis, parameters, stimulus, threads, numbers)
    method: dict[str, Any] = {"integrator": sweep.integrator, "dt": sweep.dt, "dtype": sweep.dtype, **sweep.control}
    return simulate(
        sweep.model,
        parameters,
        stimulus=stimulus,
        t_stop=sweep.t_stop,
        record=sweep.recorders if record is None else record,
        until=sweep.until,
        sensitivity=sweep.sensitivity,
        initial=_initial(sweep, columns),
        threads=threads,
        certify=certify,
        certify_tolerance=sweep.certify_tolerance,
        channel_noise=_noise(sweep, numbers),
        **method,
    )


def _noise(sweep: Sweep, numbers: np.ndarray | None) -> ChannelNoise | None:
    """The channel noise of rows, by their numbers."""
    return None if sweep.noise is None else sweep.noise.numbered(numbers)


def _initial(sweep: Sweep, columns: Mapping[str, np.ndarray]) -> Any:
    """Where the rows start: all alike, or by the axis of initial states."""
    if isinstance(sweep.initial, str):
        return sweep.initial
    return [sweep.initial[int(k)] for k in columns["initial"]]


def _analyse(
    sweep: Sweep, analysis: Mapping[str, Any], parameters: Mapping[str, Any], stimulus: Stimulus,
    threads: int | None, numbers: np.ndarray | None,
) -> Result:  # fmt: skip
    """Run an analysis of the registry on rows."""
    from hhfast.batch.analyses import analyses

    options = {name: value for name, value in analysis.items() if name != "kind"}
    how = {"dt": sweep.dt, "integrator": sweep.integrator, "rtol": sweep.rtol, "threads": threads}
    status, found = analyses[analysis["kind"]].rows(sweep.model, parameters, options | how, numbers, stimulus)
    return Result(status, found, {"model": sweep.model.name})


def cells_of(
    sweep: Sweep, columns: Mapping[str, np.ndarray], numbers: np.ndarray | None = None
) -> tuple[dict[str, Any], Stimulus]:
    """The parameters of the model and the stimulus of rows, as `simulate` takes them.

    What is varied is always an array, what is fixed a scalar, so that a row's result does not depend on the rows it
    is batched with.
    """
    from hhfast.parts.stimuli import Stimulus

    prefixes = tuple(f"{prefix}." for prefix in sweep.stimuli)
    own = {n: v for n, v in columns.items() if not n.startswith(prefixes) and n in sweep.model.parameters}
    parameters = {**sweep.parameters, **own}
    total = Stimulus()
    for prefix, entry in sweep.stimuli.items():
        fixed = {name: value for name, value in entry.items() if name != "kind"}
        varied = {n.removeprefix(f"{prefix}."): values for n, values in columns.items() if n.startswith(f"{prefix}.")}
        total += stimulus_kind(entry)(**fixed, **varied)
    return parameters, total if numbers is None else total.numbered(numbers)

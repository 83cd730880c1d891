"""How a sweep is cut into batches: one task and one shard each."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hhfast.batch.channel_counts import channel_counts, work_of_a_step
from hhfast.parts.recorders import Spikes, Trace
from hhfast.sweep.sweep import Sweep

_STEPS = 5e7, 4e8  # neuron-steps: the work of a second or so of one processor; the larger where there are many batches
_MANY = 8  # batches, enough to see progress and to occupy a few workers
_ROWS = 1024, 65536  # the fewest occupy all threads; of the most, a lost batch costs little
_NOISY_ROWS = 16  # at least, of rows whose channels are followed one by one
_SETTLED_ROWS = 65536  # at least, of rows until settled: a few are by far the longest, and other lanes need work
_MOST = 16384  # batches: more files slow a directory and a merge down
_BYTES = 64e6  # as stored; a run holds a few times that in memory
_SPIKES_PER_MS = 0.5  # no neuron fires faster for long


def rows_per_batch(sweep: Sweep) -> int:
    """Rows of one batch: a power of two that is some seconds of work, unless the sweep says otherwise.

    The more rows, the larger the batches, so that a billion rows are not a million files; memory sets the limit. All
    this depends on the sweep alone, so that machines that share a sweep agree on its batches.
    """
    if sweep.rows_per_batch is not None:
        return sweep.rows_per_batch
    work = _work_of_a_step(sweep)
    few, many = (steps / (work * sweep.n_steps) for steps in _STEPS)
    wanted = min(max(sweep.space.n_rows / _MANY, few), many)
    fewest = min(_ROWS[0], max(few, _NOISY_ROWS)) if work > 1.0 else _ROWS[0]
    fewest = fewest if sweep.until == "t_stop" else _SETTLED_ROWS
    wanted = min(max(wanted, fewest), _ROWS[1])
    wanted = max(wanted, 2 * sweep.space.n_rows / _MOST)  # twice, because the next power of two below is taken
    wanted = min(wanted, _BYTES / row_bytes(sweep))
    return int(2 ** int(math.log2(max(1.0, wanted))))


def _work_of_a_step(sweep: Sweep) -> float:
    """How many steps without noise one with it is worth, where most channels are."""
    noise = sweep.noise
    if sweep.analysis is not None:
        from hhfast.batch.analyses import analyses

        analysis = analyses[sweep.analysis["kind"]]
        return max(1.0, analysis.runs({**analysis.defaults, **sweep.analysis}))
    if noise is None:
        return 1.0
    counts: dict[str, np.ndarray] = {}
    if noise.kind == "markov":
        values: dict[str, Any] = {name: parameter.value for name, parameter in sweep.model.parameters.items()}
        values |= {name: float(value) for name, value in sweep.parameters.items()}
        values |= {n: np.array(sweep.space.limits(n)) for n in sweep.space.names if n in sweep.model.parameters}
        counts = channel_counts(sweep.model, values)
    return work_of_a_step(noise.kind, counts, sweep.dt, sweep.n_steps)


def row_bytes(sweep: Sweep) -> float:
    """Bytes of one row of the result, before compression, by what it records: an upper estimate on paper."""
    certified = 2 if sweep.certify else 1  # a certified number has its error beside it
    total = 8.0 * (2 + len(sweep.space.names))
    for recorder in sweep.recorders:
        if isinstance(recorder, Spikes):
            total += 8 * min(recorder.max_per_cell, _SPIKES_PER_MS * sweep.t_stop)
        elif isinstance(recorder, Trace):
            total += trace_bytes(recorder, sweep.t_stop)
        else:  # numbers, as many as it names; of a recorder that names none a few
            total += 8 * certified * len(getattr(recorder, "names", sweep.model.states))
    return total


_COMPRESSED = 8  # of traces, as far as they ever shrink


def least_row_bytes(sweep: Sweep) -> float:
    """Bytes that one row takes on disk at least: numbers as they are, traces compressed as well as ever, no spikes."""
    total = 8.0 * len(sweep.space.names)
    for recorder in sweep.recorders:
        if isinstance(recorder, Trace):
            total += trace_bytes(recorder, sweep.t_stop) / _COMPRESSED
        else:
            total += 4.0 * len(getattr(recorder, "names", ()))
    return total


def trace_bytes(trace: Trace, t_stop: float) -> float:
    """Bytes of the traces of one row, stored as float32."""
    return 4 * len(trace.variables) * (1 + t_stop // trace.every)

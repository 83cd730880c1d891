"""How a sweep is cut into batches: one task, one shard each."""

from __future__ import annotations

import math

from hhfast.sweep.sweep import Sweep

_STEPS = 5e7, 4e8  # neuron-steps: the work of a second or so of one processor; the larger where there are many batches
_MANY = 8  # batches, enough to see progress and to occupy a few workers
_ROWS = 1024, 65536  # enough to occupy all threads; few enough to lose little with a batch
_MOST = 16384  # batches: files that one directory holds, and a merge reads, without pain
_BYTES = 64e6  # as stored; a run holds a few times that in memory
_SPIKES_PER_MS = 0.5  # no neuron fires faster for long


def rows_per_batch(sweep: Sweep) -> int:
    """Rows of one batch: a power of two that is some seconds of work, unless the sweep says otherwise.

    The more rows, the larger the batches, so that a billion rows are not a million files; memory sets the limit. All
    this depends on the sweep alone, so that machines that share a sweep agree on its batches.
    """
    if sweep.rows_per_batch is not None:
        return sweep.rows_per_batch
    few, many = (steps / sweep.n_steps for steps in _STEPS)
    wanted = min(max(sweep.space.n_rows / _MANY, few), many)
    wanted = min(max(wanted, _ROWS[0]), _ROWS[1])
    wanted = max(wanted, 2 * sweep.space.n_rows / _MOST)  # twice, because the next power of two below is taken
    wanted = min(wanted, _BYTES / row_bytes(sweep))
    return int(2 ** int(math.log2(max(1.0, wanted))))


def row_bytes(sweep: Sweep) -> float:
    """Bytes of one row of the result, before compression, by what it records: an upper estimate on paper."""
    record = sweep.record
    compared = 2 if sweep.certify else 1  # a certified feature has an error beside it
    total = 8.0 * (2 + len(sweep.space.names) + compared * len(record.features))
    if record.spikes:
        total += 8 * min(record.max_spikes or math.inf, _SPIKES_PER_MS * sweep.t_stop)
    if record.every is not None:
        total += 4 * len(record.trace) * (1 + sweep.t_stop / record.every)
    return total

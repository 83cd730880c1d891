"""A run whose shards hold made-up values, so that it is quickly made, and what they are."""

import hashlib
import json
import subprocess
import sys
import textwrap

import numpy as np

from hhfast.batch.result import Result
from hhfast.parts.variable import Variable
from hhfast.sweep.merge import Merge
from hhfast.sweep.plan import Plan
from hhfast.sweep.run_directory import RunDirectory
from hhfast.sweep.shards import ShardHeader
from hhfast.sweep.store import batch_columns, shard_image

UNITS = {"g_Na": "mS cm-2", "stimulus.amplitude": "uA cm-2"}
MODEL = 'name = "made_up"'
SPEC = json.dumps({"space": {}, "model_sha256": hashlib.sha256(MODEL.encode()).hexdigest()})
ATTRIBUTES = {
    "title": "made up", "source": "a test", "references": "none", "history": "none",
    "hhfast_spec_sha256": hashlib.sha256(SPEC.encode()).hexdigest(),
    "hhfast_spec": SPEC,
    "hhfast_model": MODEL,
    "hhfast_parameters": "g_Na stimulus.amplitude",
    "hhfast_grid_dims": "run",
}  # fmt: skip


def parameters(start, stop):
    rows = np.arange(start, stop)
    return {"g_Na": 90.0 + rows, "stimulus.amplitude": rows / 3.0}


def made_up(start, stop, spikes=True):
    """A result in which every value says which row it belongs to."""
    rows = np.arange(start, stop)
    count = rows % 3 if spikes else 0 * rows
    time = np.arange(5) * 0.5
    variables = {
        "rate": Variable(rows * 0.1, ("cell",), "Hz", "mean firing rate"),
        "time": Variable(time, ("time",), "ms", "time"),
        "V": Variable(rows[:, None] + time, ("cell", "time"), "mV", "membrane potential"),
        "spike_time": Variable(np.repeat(rows, count) + 0.25, ("spike",), "ms", "time of a spike"),
        "spike_count": Variable(count.astype(np.int32), ("cell",), "1", "number of spikes"),
    }
    return Result((rows % 4 == 3).astype(np.uint8), variables)


def make_run(tmp_path, n_rows=25, rows_per_batch=8, spikes=True):
    """spikes : True: there are some; False: none; None: no variable for them."""
    folder = tmp_path / "out.h5.parts"
    folder.mkdir()
    run = RunDirectory.create(folder, Plan("{}", "s" * 64, "", n_rows, rows_per_batch, {"hhfast": "0"}))
    for batch in range(run.plan.n_batches):
        write_shard(run, batch, spikes)
    return run


def write_shard(run, batch, spikes=True):
    start, stop = run.plan.rows(batch)
    result = made_up(start, stop, bool(spikes))
    if spikes is None:
        result = Result(result.status, {name: v for name, v in result.variables.items() if v.dims != ("spike",)})
    n_spikes = 0 if spikes is None else len(result.spike_time)
    image = shard_image(batch_columns(start, parameters(start, stop), UNITS, result), run.plan.rows_per_batch)
    run.write(ShardHeader(batch, start, stop, "s" * 64, (stop - start,), n_spikes, "here", 0.1), image)


def names(folder):
    return {path.name for path in folder.iterdir()}


def merged(run):
    with Merge(run) as merge:
        return merge.complete(attributes_of(run))


def attributes_of(run):
    return {**ATTRIBUTES, "hhfast_grid_shape": [run.plan.n_rows]}


def limited(size, body, folder):
    """Run Python code in a process whose files may not grow beyond `size` bytes: a disk that is full, for real."""
    prelude = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
    code = prelude + textwrap.dedent(body)
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)

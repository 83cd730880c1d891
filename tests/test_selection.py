"""Conditions on rows: what they mean, and what is refused."""

import numpy as np
import pytest

from hhfast.errors import InputError
from hhfast.sweep import Grid, Record, Sweep
from hhfast.sweep.selection import rows_where
from hhfast.sweep.store import ResultFile


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    space = Grid.of({"g_Na": [100.0, 120.0], "stimulus.amplitude": [0.0, 5.0, 10.0, 20.0]})
    sweep = Sweep("hodgkin_huxley", space, 30.0, integrator="exp_euler", stimulus={"kind": "step", "start": 5.0},
                  record=Record(features=("spike_count", "latency")), certify=True)  # fmt: skip
    path = sweep.run(tmp_path_factory.mktemp("selection") / "out.h5", progress=False)
    with ResultFile(path) as found:
        yield found


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("spike_count > 1", lambda c: c["spike_count"] > 1),
        ("1 < spike_count <= 2 and g_Na == 120", lambda c: (c["spike_count"] == 2) & (c["g_Na"] == 120)),
        ("not stimulus.amplitude < 10 or run == 0", lambda c: (c["amplitude"] >= 10) | (c["run"] == 0)),
        ("latency * 2 < 5 + spike_count", lambda c: 2 * c["latency"] < 5 + c["spike_count"]),
        ("certified == 'agrees' and 'ok' == status", lambda c: c["run"] >= 0),
    ],
)
def test_meaning(result, text, python):
    columns = {name: result.read(name) for name in ("run", "g_Na", "spike_count", "latency")}
    columns["amplitude"] = result.read("stimulus.amplitude")
    with np.errstate(invalid="ignore"):
        expected = np.flatnonzero(python(columns)).tolist()
    assert rows_where(result, text, 100) == (expected, len(expected))
    assert rows_where(result, text, 1) == (expected[:1], len(expected))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("g_na > 1", "did you mean 'g_Na'"),
        ("g_Na", "no comparison"),
        ("g_Na > ", "no condition"),
        ("certified == 'agree'", "did you mean 'agrees'"),
        ("g_Na == 'agrees'", "is a number"),
        ("__import__('os').system('x') > 1", "not allowed|unknown"),
        ("g_Na.real > 1", "not allowed"),
        ("g_Na in (1, 2)", "no comparison"),
        ("(" * 500 + "g_Na" + ")" * 500 + " > 1", "no condition|nested"),
        ("g_Na > 1 and " * 300 + "g_Na > 1", "at most"),
        ("g_Na > 1000", "no row meets"),
    ],
)
def test_refused(result, text, message):
    with pytest.raises(InputError, match=message):
        rows_where(result, text, 5)

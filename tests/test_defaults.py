"""What happens if nothing is said of the method: tsit5 at rtol 1e-6, no cell waits for a stiff one, long steps are told."""

import warnings

import numpy as np
import pytest

import hhfast as hh
from hhfast.batch.method import Method
from hhfast.errors import StepWarning
from hhfast.sweep.sweep_file_keys import SweepFile

SQUID = "hodgkin_huxley"


def test_the_default_is_tsit5_everywhere():
    """In `simulate`, analyses (by `Method`), sweeps and sweep files."""
    space = hh.Grid.of({"g_Na": [100.0]})
    for name in (Method().scheme.name, hh.Sweep(SQUID, space, 10.0).scheme.name, SweepFile(model=SQUID).integrator):
        assert name == "tsit5"
    assert Method().control.rtol == 1e-6


def test_a_hostile_row_is_given_up_soon():
    """A membrane of a millionth of the capacitance needs 1e10 steps; it gets 2,000 per ms, and its neighbours' bits stay."""
    run = {"stimulus": hh.Step(10.0), "t_stop": 20.0, "record": [hh.Features(["spike_count", "V_max"])]}
    C_m = np.ones(64)
    alone = hh.simulate(SQUID, {"C_m": C_m}, **run)
    C_m[5] = 1e-6
    r = hh.simulate(SQUID, {"C_m": C_m}, **run)
    assert r.status.tolist() == [3 if k == 5 else 0 for k in range(64)]
    assert r["n_steps"][5] + r["n_rejected"][5] < 70_000
    others = np.arange(64) != 5
    np.testing.assert_array_equal(r["V_max"][others], alone["V_max"][others])
    more = hh.simulate(SQUID, {"C_m": 1e-3}, max_steps=10**7, **run)  # what is asked for is given
    assert more.status.tolist() == [0]


def test_many_stops_are_no_stiffness():
    """A noise of 10,000 points per ms makes a cell stop as often, and is simulated to its end."""
    noise = hh.Noise(sigma=1.0, tau=1.0, every=1e-4)
    assert hh.simulate(SQUID, stimulus=noise, t_stop=5.0, record=[hh.SpikeCount()]).status.tolist() == [0]


@pytest.mark.parametrize(
    ("model", "integrator", "params", "warned"),
    [
        ("schwarz_1995_human_node", "rk4", {}, True),  # wrong counts at 0.025 ms, with status 0
        ("frankenhaeuser_huxley_1964_frog_node", "rk4", {}, True),
        ("mcintyre_2002_motor_node", "exp_euler", {}, True),
        (SQUID, "rk4", {}, False),
        (SQUID, "rk4", {"C_m": np.array([1.0, 0.1])}, True),
        (SQUID, "tsit5", {"C_m": np.array([1.0, 0.1])}, False),
        ("fitzhugh_1961_oscillator", "rk4", {}, False),
    ],
)
def test_fixed_steps_too_long_for_the_rows_are_told(model, integrator, params, warned):
    """In one line, before the run, by the fastest rate that the cells at hand can reach."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        hh.simulate(model, params, t_stop=0.1, integrator=integrator, record=[hh.Final()])
    told = [str(w.message) for w in found if w.category is StepWarning]
    assert len(told) == warned
    assert all("\n" not in text and integrator in text and "tsit5" in text for text in told)


@pytest.mark.parametrize(("integrator", "warned"), [("exp_euler", True), ("rk4", False), ("tsit5", False)])
def test_exponential_steps_of_a_kinetic_scheme_are_told(integrator, warned):
    """They advance each probability alone, so that the sum is not conserved."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        hh.simulate("hodgkin_huxley_1952_markov", t_stop=0.1, integrator=integrator, record=[hh.Final()])
    assert [w.category is StepWarning and "sum" in str(w.message) for w in found] == [True] * warned


def test_a_sweep_tells_once(tmp_path):
    """Whatever the number of its batches."""
    space = hh.Grid.of({"C_m": np.linspace(0.02, 1.0, 40).tolist()})
    sweep = hh.Sweep(SQUID, space, 1.0, integrator="rk4", rows_per_batch=10)
    with pytest.warns(StepWarning, match="too fast for steps of rk4") as told:
        sweep.run(tmp_path / "out.h5", progress=False)
    assert len(told) == 1


def test_the_summary_tells_of_early_spikes(tmp_path):
    """A pacemaker fires before the stimulus: no latency, and a line that says how to start at rest instead."""
    from hhfast.cli.summary import summary_lines
    from hhfast.sweep.store import ResultFile

    sweep = hh.Sweep(SQUID, hh.Grid.of({"E_L": [-30.0, -54.387], "g_Na": [120.0, -1.0]}), 150.0,
                     stimulus=hh.Step(0.0, start=100.0), record=hh.Record(("spike_count", "latency")))  # fmt: skip
    with ResultFile(sweep.run(tmp_path / "out.h5", progress=False)) as result:
        count, latency = result.read("spike_count"), result.read("latency")
        lines = summary_lines(result)
    assert lines[0] == "  diverged because: 2 impossible parameter"
    assert count[0] > 0
    assert not (latency < 0).any()
    assert np.isnan(latency[0])
    assert "1 row fire before the stimulus begins" in lines[1]
    assert "initial = 'rest'" in lines[1]


def test_the_summary_says_what_to_do():
    """A row that is too stiff: the integrator that is for it."""
    from pathlib import Path

    from hhfast.cli.text import status_text
    from hhfast.sweep.status import RunStatus

    text = status_text(RunStatus(Path("out.h5"), True, 5, 5, (1, 1, 1, 2, 0, 0)))
    assert "2 rows step limit reached" in text
    assert "integrator = 'rodas4'" in text
    assert "1 row diverged: look at" in text
    short = RunStatus(Path("out.h5"), True, 5, 5, (3, 0, 0, 0, 0, 0, 2))
    assert "2 rows not settled at t_stop: a longer t_stop" in status_text(short)

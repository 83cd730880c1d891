"""Guards of fixed steps test whole blocks at once: every cell is judged as if it were alone, step by step."""

import numpy as np
import pytest

import hhfast as hh
from hhfast.batch import recorded
from hhfast.batch.bounds import possible_range
from hhfast.batch.cells import Cells
from hhfast.batch.result import REASON_MEANINGS
from hhfast.kernel.jit import compile as jit

SQUID = "hodgkin_huxley"
DT, T_STOP = 0.05, 12.0
N = 300  # several blocks, the last not full
FAR, NONE, BAD = (REASON_MEANINGS.index(name) for name in ("potential_out_of_bounds", "none", "impossible_parameter"))
pytestmark = pytest.mark.filterwarnings("ignore::hhfast.errors.StepWarning")


def cells_of_all_kinds():
    """Bounds that differ within a block; steps that are too long for some cells; one that becomes NaN, one that is."""
    rng = np.random.default_rng(7)
    params = {
        "g_Na": rng.uniform(60.0, 400.0, N), "E_Na": rng.uniform(20.0, 90.0, N), "E_K": rng.uniform(-110.0, -70.0, N),
        "g_K": rng.uniform(5.0, 60.0, N), "C_m": rng.uniform(0.3, 1.5, N),
    }  # fmt: skip
    params["C_m"][[5, 200]] = 1e-5  # diverges at once
    params["E_Na"][[70, 299]] = np.nan
    return params


def steps_out_of_bounds(params, stimulus, trace):
    """(n,) how many ends of steps lie out of the cell's bounds; the bounds are tested against what V can be elsewhere."""
    cells = Cells.of(hh.models[SQUID], params, stimulus)
    bounds = possible_range(cells, stimulus, np.full((4, N), -65.0))
    return ((trace > bounds[:, 1:]) | (trace < bounds[:, :1])).sum(axis=1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("integrator", ["rk4", "exp_euler"])
def test_a_cell_is_out_of_bounds_if_any_step_is(monkeypatch, integrator, dtype):
    """Against a trace of all steps of the same run; also where only one step is out, and where all that follow are."""
    params, stimulus = cells_of_all_kinds(), hh.Step(15.0, start=1.0)
    run = {"stimulus": stimulus, "t_stop": T_STOP, "dt": DT, "integrator": integrator, "dtype": dtype}
    r = hh.simulate(SQUID, params, record=[hh.SpikeCount()], **run)
    monkeypatch.setattr(recorded, "GAVE_UP", ())  # else what diverged is NaN
    trace = hh.simulate(SQUID, params, record=[hh.Trace("V", every=DT)], **run)["V"]
    out = steps_out_of_bounds(params, stimulus, trace)
    assert ((r["reason"] == FAR) == (out > 0)).all()
    assert (r["reason"][[70, 299]] == BAD).all()
    assert (r["reason"] == NONE).sum() > 50
    if integrator == "rk4":
        assert ((out > 0) & (out < 4)).sum() > 2
        assert (r["reason"][[5, 200]] == FAR).all()


def test_neighbours_out_of_bounds_change_no_bit():
    """A block in which every test of the whole asks for more, and the same cells alone."""
    params = cells_of_all_kinds()
    run = {
        "stimulus": hh.Step(15.0, start=1.0),
        "t_stop": T_STOP,
        "dt": DT,
        "integrator": "rk4",
        "record": [hh.Final()],
    }
    r = hh.simulate(SQUID, params, **run)
    good = np.flatnonzero(r.status == 0)
    alone = hh.simulate(SQUID, {name: values[good] for name, values in params.items()}, **run)
    for x in ("V_final", "m_final", "h_final", "n_final"):
        np.testing.assert_array_equal(alone[x], r[x][good])


@pytest.mark.parametrize("compiler", ["python", pytest.param("numba", marks=pytest.mark.slow)])
def test_other_compilers_judge_alike(monkeypatch, compiler):
    params = {name: values[:16] for name, values in cells_of_all_kinds().items()}
    run = {"stimulus": hh.Step(15.0, start=1.0), "t_stop": 5.0, "dt": DT, "integrator": "euler", "dtype": "float32",
           "record": [hh.SpikeCount()]}  # fmt: skip
    expected = hh.simulate(SQUID, params, **run)["reason"]
    assert {FAR, NONE} <= {*expected.tolist()}
    monkeypatch.setattr(jit, "_compiler", lambda: compiler)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(hh.simulate(SQUID, params, **run)["reason"], expected)


@pytest.mark.parametrize("every", [0.02, 1.0])
def test_other_states_are_looked_at_however_often_is_sampled(every):
    """A gate out of 0 to 1 for a while, that comes back: seen where the grid has a node at every step, too."""
    gate = hh.Gate("x", inf="1 / (1 + exp(-(V + 60) / 5))", tau="tau_x")
    channel = hh.Channel("X", g=1e-9, E=-60.0, gates=(gate,), parameters=(hh.Parameter("tau_x", 0.0101, "ms"),))
    model = hh.models[SQUID].with_channel(channel)  # the step is 1.98 times its tau: it swings, and calms down
    r = hh.simulate(model, initial={"x": 3.0, "V": -65.0}, t_stop=20.0, dt=0.02, integrator="euler",
                    record=[hh.Trace("V", every=every)])  # fmt: skip
    assert REASON_MEANINGS[r["reason"][0]] == "gate_outside_0_to_1"

"""Method: how cells are simulated, as one value, as keywords, and with an integrator of one's own."""

import re
from dataclasses import fields, replace

import numpy as np
import pytest

import hhfast as hh
from hhfast.batch.method import MethodOptions
from hhfast.model import parse_model
from hhfast.parts.integrators import Stage, integrators
from hhfast.parts.recorder import Hooks, Shared
from hhfast.parts.stimulus_decorator import stimulus
from hhfast.parts.variable import Variable

SQUID = "hodgkin_huxley"
MINE = replace(integrators["rk4"], name="mine")
CELLS = {"g_Na": np.array([110.0, 125.0])}


def run(**options):
    return hh.simulate(SQUID, CELLS, stimulus=hh.Step(10.0), t_stop=20.0, record=[hh.Spikes(), hh.Final()], **options)


def same(a, b):
    """Equal in everything but the name of the integrator."""
    assert a.variables.keys() == b.variables.keys()
    return all(np.array_equal(a[name], b[name]) for name in a.variables)


def test_keywords_are_the_fields_of_a_method():
    """The typed keywords of every function and the fields of the value are the same names."""
    assert [f.name for f in fields(hh.Method)] == list(MethodOptions.__annotations__)


def test_a_method_and_its_keywords_are_one():
    """The same bits and the same attributes; keywords replace what the method says."""
    loose = hh.Method("tsit5", rtol=1e-3, threads=1)
    by_method, by_keywords = run(method=loose), run(integrator="tsit5", rtol=1e-3)
    assert same(by_method, by_keywords)
    assert by_method.attributes == by_keywords.attributes
    tight = run(method=loose, rtol=1e-8)
    assert same(tight, run(integrator="tsit5", rtol=1e-8))
    assert (tight["n_steps"] > by_method["n_steps"]).all()


def test_the_result_says_how_it_was_made():
    """Integrator, precision, step, and what was given of the step control."""
    assert run(method=hh.Method("tsit5", dt=0.01, max_steps=5000)).attributes == {
        "model": SQUID, "integrator": "tsit5", "dtype": "float64", "dt": "0.01", "max_steps": "5000",
        "t_stop": "20.0",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"integrator": "tsit"}, "did you mean 'tsit5'"),
        ({"dt": 0.0}, "dt = 0.0: must be a positive number of ms"),
        ({"dtype": "float16"}, "dtype = 'float16'; known: 'float64', 'float32'"),
        ({"threads": 0}, "threads = 0: must be a whole number, at least 1"),
        ({"rtol": 1e-3, "integrator": "rk4"}, "rtol: only for adaptive integrators; rk4 takes steps of dt"),
        ({"integrator": "tsit5", "rtol": 2.0}, "rtol = 2.0: must be a number from 1e-14 to below 1"),
        ({"integrator": "tsit5", "dt_min": 1.0, "dt_max": 0.5}, "need 0 < dt_min <= dt_max"),
    ],
)
def test_mistakes_are_found_where_they_are_made(options, message):
    """When the value is made, and by simulate alike: one line."""
    for make in (hh.Method, run):
        with pytest.raises(hh.InputError, match=re.escape(message)):
            make(**options)


@pytest.mark.parametrize("call", [run, lambda **o: hh.find_rheobase(SQUID, width=1.0, **o)])
def test_an_unknown_keyword_is_a_type_error(call):
    """As of any function, with the nearest name."""
    with pytest.raises(TypeError, match="unexpected keyword argument 'integrater'; did you mean 'integrator'"):
        call(integrater="rk4")


def test_repr_is_short():
    """What differs from the default, and the name of the integrator."""
    assert repr(hh.Method("tsit5", rtol=1e-8, threads=2)) == "Method('tsit5', rtol=1e-08, threads=2)"
    assert repr(hh.Method(MINE)) == "Method('mine')"


# --- an integrator of one's own ---------------------------------------------------------------------------------------
def test_own_integrator_in_simulate():
    """An Integrator object gives the bits of the registered one that it equals."""
    mine = run(integrator=MINE)
    assert same(mine, run(integrator="rk4"))
    assert mine.attributes["integrator"] == "mine"
    assert same(run(method=hh.Method(MINE, dt=0.01)), run(dt=0.01, integrator="rk4"))


@pytest.mark.parametrize(
    ("analyse", "name"),
    [
        (lambda how: hh.find_rheobase(SQUID, CELLS, width=1.0, **how), "amplitude"),
        (lambda how: hh.displacement_threshold(SQUID, CELLS, **how), "amplitude"),
        (lambda how: hh.fi_curve(SQUID, [5.0, 10.0], CELLS, t_stop=100.0, transient=20.0, **how), "rate"),
        (lambda how: hh.strength_duration(SQUID, [0.5, 5.0], CELLS, tol=1e-3, **how), "chronaxie"),
        (lambda how: hh.refractory_period(SQUID, CELLS, tol=1e-2, **how), "minimal_interval"),
        (lambda how: hh.recovery_curve(SQUID, [12.0], CELLS, tol=1e-3, **how), "ratio"),
    ],
    ids=["rheobase", "displacement_threshold", "fi_curve", "strength_duration", "refractory_period", "recovery_curve"],
)
def test_own_integrator_in_analyses(analyse, name):
    """As a keyword and in a method, wherever a registered name does."""
    named = getattr(analyse({"integrator": "rk4"}), name)
    assert np.isfinite(named).all()
    np.testing.assert_array_equal(getattr(analyse({"integrator": MINE}), name), named)
    np.testing.assert_array_equal(getattr(analyse({"method": hh.Method(MINE)}), name), named)


def test_own_integrator_in_the_benchmark():
    """Beside the one it equals: the same errors and the same order; two of one name are refused."""
    found = hh.benchmark_integrators(t_stop=20.0, integrators=["rk4", MINE], dt=[0.05, 0.025], cells=4, repeats=1,
                                     current=(5.0, 20.0), rheobase=False)  # fmt: skip
    theirs, mine = ([r for r in found.rows if r.integrator == name] for name in ("rk4", "mine"))
    assert len(mine) == 2
    for name in ("spike_p95", "V_rms", "evaluations"):
        assert [getattr(r, name) for r in mine] == [getattr(r, name) for r in theirs]
    assert len({limit.measured_order for limit in found.limits}) == 1
    with pytest.raises(hh.InputError, match="two are called 'rk4'"):
        hh.benchmark_integrators(integrators=["rk4", replace(MINE, name="rk4", order=3)])


def test_analyses_need_double_precision():
    """Their tolerances are below what float32 can tell apart."""
    with pytest.raises(hh.InputError, match="an analysis needs float64"):
        hh.find_rheobase(SQUID, width=1.0, dtype="float32")


def test_names_with_capitals_are_names_as_others():
    """In the text of an integrator, of a stimulus and of a recorder, and of a model: the bits are the same."""

    def run(old, first, amplitude, above, gate):
        stages = (
            Stage("all", f"{old} = x\n{first} = f\nx = x + dt * f", c=(0.0,)),
            Stage("all", f"x = {old} + 0.5 * dt * ({first} + f)", c=(1.0,)),
        )
        heun = hh.Integrator(name="heun", order=2, stages=stages, stability="", citation="Heun 1900")
        namespace = {}
        exec(f"def Own({amplitude}, start=1.0) -> None: ...", namespace)
        own = stimulus(
            f"{amplitude} * window(t0, t1, start, start + 9.0)", units={amplitude: "uA cm-2", "start": "ms"},
            edges=lambda p: [p["start"], p["start"] + 9.0],
        )(namespace["Own"])  # fmt: skip

        class Above:
            hooks = Hooks(
                begin=f"{above} = 0.0 * V", step=f"{above} = {above} + (dt if V > 0.0 else 0.0 * dt)",
                end=f"time_above[cell] = {above}", arrays=(("time_above", "float64[::1]"),),
            )  # fmt: skip
            levels = None

            def times(self, t_stop):
                return (0.0, t_stop), np.empty(0)

            def open(self, run):
                time = np.full(run.n_cells, np.nan)
                return Shared((time,), lambda: {"time_above": Variable(time, ("cell",), "ms")})

        text = hh.models[SQUID].to_toml().replace("gates.m]", f"gates.{gate}]")
        assert f"gates.{gate}]" in text
        return hh.simulate(
            parse_model(text), stimulus=own(12.0), t_stop=15.0, integrator=heun, dt=0.02,
            record=[Above(), hh.Spikes(), hh.Trace("V", gate, every=0.1)],
        )  # fmt: skip

    small = run("old", "first", "size", "above", "m")
    large = run("OLD", "F_", "I0", "Above_0", "M")
    assert small["time_above"][0] > 0.5
    for name in ("time_above", "spike_time", "V"):
        np.testing.assert_array_equal(small[name], large[name])
    np.testing.assert_array_equal(small["m"], large["M"])

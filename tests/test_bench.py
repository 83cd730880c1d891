"""The benchmark of integrators: what its errors mean, that its reference is right, and what it recommends."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
import reference_models
from noise_by_hand import current_by_hand
from standard import DRIVES
from typer.testing import CliRunner

import hhfast as hh
from hhfast.analysis.population import Population
from hhfast.analysis.work_precision.agreement import errors
from hhfast.analysis.work_precision.cost import measured
from hhfast.analysis.work_precision.independent import solve
from hhfast.analysis.work_precision.limits import measured_order
from hhfast.analysis.work_precision.problem import CellSample, Problem, Setting
from hhfast.cli.app import app
from hhfast.cli.bench import problem_of_sweep
from hhfast.figures.work_precision import plot_benchmark
from hhfast.kernel.jit.compile import is_cached
from hhfast.kernel.jit.precompile import precompile
from hhfast.kernel.spec import kernel_spec
from hhfast.sweep.random_rows import random_rows

STEPS = (0.1, 0.02, 0.01)


@pytest.fixture(scope="module")
def squid():
    """A benchmark of the squid axon that takes seconds."""
    return hh.benchmark_integrators(t_stop=60.0, integrators=["strang", "rk4", "tsit5"], dt=STEPS, rtol=[1e-4, 1e-7],
                                    cells=24, current=(0.0, 20.0), repeats=1)  # fmt: skip


def rows(found, integrator):
    return [row for row in found.rows if row.integrator == integrator]


def test_errors_of_known_trains():
    """Shifts are those of cells with the right count; a cell is judged up to the middle of its last interval."""
    true = [np.array([10.0, 20.0, 30.0]), np.array([5.0, 15.0]), np.empty(0), np.array([7.0])]
    found = [np.array([10.1, 20.3]), np.array([4.0, 6.0, 9.0]), np.empty(0), np.array([7.2, 90.0])]
    V = np.array([1.0, 50.0, 2.0, 3.0])
    got = errors(found, V, true, np.array([1.3, 0.0, 2.4, 9.0]), np.array([True, True, True, True]))
    # The third spike of the first cell comes after 25 ms; the second and the fourth have a spike too many.
    assert (got.wrong_counts, got.diverged) == (2, 0)
    assert got.spike_max == pytest.approx(0.3)
    assert got.spike_rms == pytest.approx(np.sqrt((0.1**2 + 0.3**2) / 2))
    assert got.V_rms == pytest.approx(np.sqrt((0.3**2 + 0.4**2) / 2))
    lost = errors(found, V, true, V, np.array([False, True, True, False]))
    assert (lost.wrong_counts, lost.diverged, lost.V_rms) == (3, 2, 0.0)
    assert np.isnan(lost.spike_max)


@pytest.mark.parametrize("name", ["hodgkin_huxley", "prinz_stg"])
def test_scipy_solves_the_same_equations(name):
    """The check by SciPy, made from the model's text, agrees with the equations written down apart from hhfast."""
    drive = DRIVES[name]
    X, spikes = reference_models.solve(name, drive.t_stop, drive.current, level=-20.0)
    found = solve(Problem(Population.of(name, None), drive.stimulus, drive.t_stop), 0)
    assert len(spikes) > 0
    np.testing.assert_allclose(found.train, spikes, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.V, X[0], rtol=0, atol=1e-6)


def test_scipy_knows_jumps_and_sums_of_stimuli():
    """Edges restart the solution, and every cell has its own current."""
    current = lambda t: 12.0 * (3.0 <= t < 20.0) + 1.0  # noqa: E731
    X, spikes = reference_models.solve("hodgkin_huxley", 30.0, current, jumps=(3.0, 20.0), level=-20.0)
    stimulus = hh.Step(amplitude=np.array([0.0, 12.0]), start=3.0, stop=20.0) + hh.Step(1.0)
    found = solve(Problem(Population.of("hodgkin_huxley", {"g_Na": np.full(2, 120.0)}), stimulus, 30.0), 1)
    np.testing.assert_allclose(found.train, spikes, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.V, X[0], rtol=0, atol=1e-6)


def test_scipy_knows_noise_and_waveforms():
    """Each cell's own noise, from its published random numbers; lines between points, one of them a jump."""
    times, values = np.array([0.0, 4.0, 4.0, 20.0]), np.array([0.0, 8.0, -3.0, 6.0])
    noise = {"sigma": 5.0, "tau": 2.0, "mean": 8.0, "every": 0.5, "seed": 9}
    by_hand = current_by_hand(70, 100, noise)

    def current(t):
        shape = np.interp(t - 1.25, times, values, left=0.0, right=0.0)
        return np.interp(t, 0.5 * np.arange(100), by_hand) * (t >= 3.1) + 1.5 * shape

    kinks = sorted([*(0.5 * np.arange(1, 80)), 3.1, *(1.25 + np.unique(times))])
    X, spikes = reference_models.solve("hodgkin_huxley", 40.0, current, jumps=kinks, level=-20.0)
    stimulus = hh.Noise(**noise, start=3.1, cell=np.array([3, 70])) + hh.Waveform(times, values, start=1.25, scale=1.5)
    found = solve(Problem(Population.of("hodgkin_huxley", {"g_Na": np.full(2, 120.0)}), stimulus, 40.0), 1)
    assert len(spikes) > 1
    np.testing.assert_allclose(found.train, spikes, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.V, X[0], rtol=0, atol=1e-6)


def test_any_stimulus_and_start():
    """Noise of a cell's own, from rest: the reference agrees with SciPy, and RK4 keeps its order from kink to kink."""
    found = hh.benchmark_integrators(stimulus=hh.Noise(sigma=5.0, tau=3.0, mean=6.0), t_stop=30.0, integrators=["rk4"],
                                     dt=[0.05, 0.025], cells=8, initial="rest", rheobase=False, repeats=1)  # fmt: skip
    assert found.sample.cells == 8
    assert found.verification.spikes >= 2
    assert found.verification.spike_max < 1e-8
    assert found.limits[0].measured_order == pytest.approx(4.0, abs=0.2)
    assert found.rows[0].evaluations == pytest.approx(80.0)
    assert found.rows[0].spike_p95 > 8 * found.rows[1].spike_p95


def test_order_is_measured_after_the_onset():
    """A cell at rest until then says nothing."""
    problem = CellSample(cells=4).draw(Population.of("hodgkin_huxley"), hh.Step(12.0, start=30.0), 60.0)
    assert measured_order(problem, hh.integrators["rk4"]) == pytest.approx(4.0, abs=0.2)


def test_the_reference_agrees_with_scipy(squid):
    """RK4 at 0.0005 ms and DOP853 at 1e-12 differ by less than the least error that is told."""
    assert squid.verification.spikes >= 5
    assert squid.verification.spike_max < 1e-8
    assert squid.verification.V_max < 1e-6
    assert squid.floor < 1e-8
    assert min(row.spike_p95 for row in squid.rows) > squid.floor


def test_errors_and_costs_follow_from_the_method(squid):
    """Second order: half the step, a quarter of the error; evaluations are counted, not guessed."""
    coarse, fine = rows(squid, "strang")[1:]
    for name in ("spike_p95", "spike_rms", "rate_rms", "rheobase"):
        assert getattr(coarse, name) / getattr(fine, name) == pytest.approx(4.0, rel=0.1), name
    assert [row.evaluations for row in rows(squid, "strang")] == pytest.approx([1 / dt for dt in STEPS])
    assert [row.evaluations for row in rows(squid, "rk4")] == pytest.approx([4 / dt for dt in STEPS])
    assert rows(squid, "rk4")[2].rheobase < 1e-8
    loose, tight = rows(squid, "tsit5")
    assert tight.spike_p95 < 0.1 * loose.spike_p95
    assert tight.evaluations > loose.evaluations
    assert (squid["cost"] > 0).all()


def test_limits_of_integrators(squid):
    """The orders that are stated; RK4's longest step is where its cells begin to diverge."""
    for limit in squid.limits:
        assert limit.measured_order == pytest.approx(limit.order, abs=0.4)
    longest = {limit.integrator: limit.longest_step for limit in squid.limits}
    assert rows(squid, "rk4")[0].diverged > 0  # 0.1 ms
    assert np.isnan(longest["tsit5"])
    amplitude = np.linspace(0.0, 20.0, 64)
    for dt, diverge in ((0.8 * longest["rk4"], False), (1.25 * longest["rk4"], True)):
        run = hh.simulate("hodgkin_huxley", stimulus=hh.Pulse(amplitude, start=0.0, width=1e9), t_stop=60.0, dt=dt, integrator="rk4",
                          record=[hh.Spikes(), hh.Final()])  # fmt: skip
        assert (run.status == 1).any() == diverge


def test_recommendation(squid):
    """The cheapest setting that is exact enough, with every count right; none where none is."""
    template = squid.rows[0]
    kinds = [("a", 0.5, 0, 10.0), ("b", 0.005, 3, 20.0), ("c", 0.004, 0, 40.0), ("d", 0.001, 0, 30.0)]
    names = ("integrator", "spike_p95", "wrong_counts", "cost")
    made = (replace(template, diverged=0, **dict(zip(names, values, strict=True))) for values in kinds)
    found = replace(squid, rows=tuple(made))
    chosen = [found.recommend(accuracy) for accuracy in (1.0, 0.1, 0.002, 1e-4)]
    assert [row and row.integrator for row in chosen] == ["a", "d", "d", None]
    with pytest.raises(hh.InputError, match="accuracy"):
        found.recommend(0.0)
    text = str(squid)
    assert "for 0.01 ms spike-time error on this model use " in text
    assert "none of these settings is enough" in str(replace(squid, rows=squid.rows[:1]))


def test_csv_and_picture(squid, tmp_path):
    """One line for each row, empty where there is nothing; both costs against the error in one picture."""
    squid.to_csv(tmp_path / "rows.csv")
    table = list(csv.DictReader(io.StringIO((tmp_path / "rows.csv").read_text())))
    assert [float(line["cost"]) for line in table] == squid["cost"].tolist()
    assert table[0]["rtol"] == ""
    figure = plot_benchmark(squid)
    figure.canvas.draw()
    for axes, cost in zip(figure.axes, ("cost", "evaluations"), strict=True):
        assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
        rows = [row for row in squid.rows if row.integrator == squid.limits[0].integrator]
        drawn = [(getattr(row, cost), row.spike_p95) for row in rows if row.sound]
        np.testing.assert_array_equal(np.transpose(axes.lines[0].get_data()), drawn)
        assert [len(line.get_xdata()) for line in axes.lines[:2]] == [3, 0]  # strang is sound at every step


def test_a_mixed_batch_is_mixed():
    """Drawn around the model by the seed; some cells silent and others firing; what is given stays."""
    squid = Population.of("hodgkin_huxley", {"g_K": 30.0})
    one, same, other = (CellSample(seed=s).draw(squid, None, 100.0) for s in (1, 1, 2))
    g = one.population.params["g_Na"]
    np.testing.assert_array_equal(g, same.population.params["g_Na"])
    assert (g != other.population.params["g_Na"]).all()
    assert (np.abs(g / 120.0 - 1.0) <= 0.1).all()
    assert np.ptp(g) > 20
    assert one.population.params["g_K"] == 30.0
    spikes = one.run(Setting(hh.integrators["rk4"], 0.025)).spike_count
    assert spikes.min() <= 1
    assert np.mean(spikes > 3) > 0.3
    given = CellSample().draw(Population.of("hodgkin_huxley", {"g_Na": [100.0, 120.0]}), hh.Step(10.0), 100.0)
    assert given.population.params == {"g_Na": [100.0, 120.0]}


def test_cost_is_that_of_full_lanes():
    """A few cells are repeated until they fill the lanes: three cost as much, each, as many."""
    problem = CellSample(current=(0.0, 10.0)).draw(Population.of("hodgkin_huxley"), None, 20.0)
    setting, turns = Setting(hh.integrators["rk4"], 0.025), []
    few, many = (measured(problem.take(np.arange(n)), [setting], [800], 3, lambda: turns.append(1))[0] for n in (3, 64))
    assert len(turns) == 6
    assert few < 8 * many  # were the lanes empty, it would be twenty times as much


def test_a_silent_model_is_refused(passive):
    """There are no spikes to compare."""
    with pytest.raises(hh.InputError, match="does not fire within 50 ms at any constant current"):
        hh.benchmark_integrators(passive, t_stop=50.0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--integrators rk5", "did you mean 'rk4'"),
        ("--dt 0.1,0", "give positive numbers"),
        ("--current 5", "give two numbers"),
        ("--spread 1.5", "must be a fraction"),
        ("--accuracy 0", "must be a positive number"),
        ("--set g_na=1", "did you mean 'g_Na'"),
        ("-o picture.xyz", "ends in one of"),
        ("-o missing/picture.png", "no directory"),
        ("squid", "unknown model"),
    ],
)
def test_mistakes_are_one_line(words, message):
    """Before anything is run."""
    result = CliRunner().invoke(app, ["bench", *words.split()])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr


def test_from_the_command_line(tmp_path, pictures):
    """A table and a recommendation, or CSV; and a picture."""
    words = "bench --integrators rk4 --dt 0.05,0.02 --t-stop 40 --cells 8 --current 0,20 --no-rheobase"
    shown = CliRunner().invoke(app, [*words.split(), "--accuracy", "0.1", "-o", str(tmp_path / "picture.png")])
    assert shown.exit_code == 0, shown.output
    assert "for 0.1 ms spike-time error on this model use rk4, dt = 0.05 ms" in shown.stdout
    assert pictures[0].get_suptitle().startswith("hodgkin_huxley: 8 cells, 40 ms, ")
    assert len(pictures[0].axes[0].lines[0].get_xdata()) == 2
    table = list(csv.DictReader(io.StringIO(CliRunner().invoke(app, [*words.split(), "--csv"]).stdout)))
    assert [(line["integrator"], line["dt"], line["rheobase"]) for line in table] == [
        ("rk4", "0.05", ""), ("rk4", "0.02", "")
    ]  # fmt: skip


SWEEP = """
model = "hodgkin_huxley"
t_stop = 30.0
dt = 0.04
initial = "rest"
constraints = ["g_Na > 3 * g_K"]
[[stimulus]]
kind = "noise"
sigma = 5.0
tau = 2.0
mean = 8.0
[[stimulus]]
kind = "step"
[axes]
"stimulus.1.amplitude" = { values = [0, 5] }
g_Na = { values = [100, 120, 140] }
g_K = { values = [36, 42] }
[record]
features = ["V_mean"]
"""


def test_rows_of_a_sweep(tmp_path):
    """Its rows have their own parameters, start and noise; excluded ones are left out; fewer are drawn by the seed."""
    (tmp_path / "scan.toml").write_text(SWEEP)
    sweep = hh.Sweep.from_toml(tmp_path / "scan.toml")
    params, stimulus = random_rows(sweep, 100)
    np.testing.assert_array_equal(params["g_Na"], [120, 140, 140] * 2)
    again = hh.simulate("hodgkin_huxley", params, stimulus=stimulus, t_stop=30.0, dt=0.04, initial="rest",
                        record=[hh.Features(["V_mean"])])  # fmt: skip
    sweep.run(tmp_path / "out.h5", progress=False)
    stored = hh.open_results(tmp_path / "out.h5")
    np.testing.assert_array_equal(again["V_mean"], stored["V_mean"].values[stored["status"].values == 0])
    few = [random_rows(sweep, 3, seed)[0]["g_Na"].tolist() for seed in (1, 1, 2, 3, 4)]
    assert [len(row) for row in few] == [3] * 5
    assert few[0] == few[1]
    assert len({tuple(row) for row in few}) > 1

    assert 0.04 in problem_of_sweep(tmp_path / "scan.toml", 4, 1, None, None)["dt"]
    words = ["bench", "--sweep", str(tmp_path / "scan.toml"), "--integrators", "rk4", "--dt", "0.02", "--cells", "4"]
    shown = CliRunner().invoke(app, [*words, "--no-rheobase"])
    assert shown.exit_code == 0, shown.output
    assert "hodgkin_huxley: 4 cells for 30 ms" in shown.stdout
    mixed = CliRunner().invoke(app, [*words, "--current", "0,5", "-p", "g_Na=100"])
    assert (mixed.exit_code, mixed.stdout, mixed.stderr.count("\n")) == (2, "", 1)
    assert "leave out -p, --current" in mixed.stderr


ANALYSIS = """
model = "hodgkin_huxley"
[analysis]
kind = "rheobase"
width = 5.0
[axes]
g_Na = { values = [100, 120] }
"""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SWEEP.replace("3 * g_K", "30 * g_K"), "exclude all"),
        (SWEEP.replace("t_stop", "t_stp"), "did you mean 't_stop'"),
        (ANALYSIS, "it has no stimulus of its own"),
    ],
)
def test_sweeps_without_a_row_to_simulate(tmp_path, text, message):
    (tmp_path / "scan.toml").write_text(text)
    result = CliRunner().invoke(app, ["bench", "--sweep", str(tmp_path / "scan.toml")])
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert message in result.stderr
    assert "scan.toml: " in result.stderr


def test_help_tells_the_defaults():
    """Also of what is left to the command."""
    shown = " ".join(CliRunner().invoke(app, ["bench", "--help"], env={"COLUMNS": "200"}).output.split())
    for default in ("(hodgkin_huxley)", "(all)", "(from silence to fast firing)", "(200)", "(0.1)", "64"):
        assert f"[default: {default}]" in shown


@pytest.mark.slow
@pytest.mark.parametrize("model", DRIVES)
def test_stated_orders_are_measured(model):
    """Every integrator on every model; a method of fifth order meets rounding before its error is pure fifth order."""
    problem = CellSample().draw(Population.of(model), None, 20.0)
    for entry in hh.integrators.values():
        assert measured_order(problem, entry) == pytest.approx(entry.order, abs=0.15 if entry.order < 4 else 0.7), entry


def test_kernels_are_compiled_ahead_in_two_processes(tmp_path, monkeypatch):
    """Both shares are in the cache afterwards, and what is there is not compiled again; no file beside us is run."""
    beside = tmp_path / "beside"
    beside.mkdir()
    for name in ("numpy", "pickle", "llvmlite"):
        (beside / f"{name}.py").write_text("open('OWNED', 'w')")
    monkeypatch.chdir(beside)
    monkeypatch.setenv("HHFAST_CACHE_DIR", str(tmp_path))
    specs = [
        kernel_spec(hh.models["wang_buzsaki"], name, hh.Step(1.0), [hh.Spikes()], "float64")
        for name in ("euler", "exp_midpoint")
    ]
    assert not any(map(is_cached, specs))
    precompile(specs, 2)
    assert all(map(is_cached, specs))
    assert not (beside / "OWNED").exists()
    before = {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*") if file.is_file()}
    precompile(specs, 2)
    assert before == {file: file.stat().st_mtime_ns for file in tmp_path.rglob("*") if file.is_file()}

"""The examples, all of them, some made smaller: they run, draw, and find what is known."""

import importlib.util
import re
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from commands import hhfast

import hhfast as hh
from hhfast.parts.activity import ACTIVITIES

EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_run():
    """Those with a test here, and those for clusters in test_clusters.py; a file of none of them is forgotten."""
    tested = {*SCANS, *SCRIPTS, "bench_bursting.py", "sensitivity_salib.py", "inference_sbi.py",
              "cluster_mpi.py", "cluster_slurm.py", "custom_model.toml",
              "prinz_2003.py", "prinz_2003.toml", "roemschied_2014.py", "roemschied_2014.toml", "roemschied_2014_model.toml"}  # fmt: skip
    assert {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".toml")} == tested


# Sweep file -> the feature that its comments draw.
SCANS = {"quick_scan.toml": "rate", "fi_scan.toml": "rate", "certified_scan.toml": "certified",
         "custom_model_scan.toml": "isi_cv", "rheobase_scan.toml": "rheobase"}  # fmt: skip


@pytest.mark.parametrize("name", SCANS)
def test_sweep_files_run_and_are_drawn(name, tmp_path, monkeypatch, pictures):
    """With three values on every axis instead of many."""
    monkeypatch.chdir(tmp_path)
    for path in EXAMPLES.glob("*.toml"):
        shutil.copy(path, tmp_path)
    short, n_axes = re.subn(r"(linspace = \[[^]]*), \d+\]", r"\1, 3]", Path(name).read_text())
    assert n_axes == 2
    Path(name).write_text(short)
    result = hhfast("run", name, "-o", "out.h5")
    assert result.exit_code == 0, result.output
    n_rows = 72 if name == "fi_scan.toml" else 9
    assert f"out.h5: finished, {n_rows} rows\n" in result.stdout
    assert hhfast("plot", "out.h5", "--value", SCANS[name]).exit_code == 0
    maps = [axes for axes in pictures[0].axes if axes.get_label() != "<colorbar>"]
    drawn = sum(mesh.get_array().size for axes in maps for mesh in axes.collections)
    assert drawn == n_rows


# Script -> the number of axes in its picture, and what it prints of what is known.
SCRIPTS = {
    "many_axons.py": (3, "of 10000 axons fire repetitively"),
    "emergent_threshold.py": (3, "threshold of a 1-ms pulse: 6.91"),
    "emergent_refractoriness.py": (2, "second spike at 2 x threshold from 12.4"),
    "emergent_firing.py": (2, "hodgkin_huxley: Hopf at 9.77"),
    "from_modeldb.py": (2, "agrees with the file: worst"),
    "voltage_clamp.py": (7, "Na inactivation: half at -62.1 mV, slope 7.2 mV"),
}


@pytest.mark.filterwarnings("ignore:More than 20 figures")
@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_find_what_is_known(name, tmp_path, monkeypatch, pictures, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / name))
    axes, known = SCRIPTS[name]
    assert len(pictures[0].axes) == axes
    printed = capsys.readouterr().out
    assert known in printed
    assert printed.endswith(f"drew {name.replace('.py', '.png')}\n")


def test_a_model_of_your_own_has_an_m_current():
    model = hh.load_model(EXAMPLES / "custom_model.toml")
    assert "tau_max" in model.parameters
    currents = {"stimulus": hh.Step(10.0), "t_stop": 200.0, "record": [hh.SpikeCount()]}
    slow = hh.simulate(model, {"g_M": [0.0, 0.5]}, **currents)["spike_count"]
    assert slow[0] > slow[1]


@pytest.mark.slow
def test_own_steps_are_cheaper_on_silent_tonic_and_bursting_cells(tmp_path, pictures):
    """tsit5 at 1e-6 is right to 0.001 ms by a quarter of the work of RK4 at the longest step that serves all cells."""
    found = example("bench_bursting").main(4, 600.0, str(tmp_path / "bench.png"), integrators=["rk4", "tsit5"],
                                           dt=[0.05, 0.025, 0.01], rtol=[1e-6])  # fmt: skip
    assert (found.sample.silent, found.sample.bursting) == (4, 4)
    assert found.sample.tonic >= 2
    assert len(pictures[0].axes) == 2
    *rk4, tsit5 = found.rows
    best = next(row for row in rk4 if row.sound)
    assert tsit5.sound
    assert tsit5.spike_p95 < 1e-3
    assert tsit5.evaluations < best.evaluations / 4


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # SALib's own
def test_sensitivity_of_the_firing_rate(tmp_path, capsys, pictures):
    """Warmth speeds the gates up, and firing with them; the leak hardly matters."""
    pytest.importorskip("SALib")
    salib = example("sensitivity_salib")
    salib.main(n=64, t_stop=150.0, picture=str(tmp_path / "indices.png"))
    assert "celsius: S1" in capsys.readouterr().out
    (axes,) = pictures[0].axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(salib.BOUNDS)
    found = dict(zip(salib.BOUNDS, salib.indices(n=64, t_stop=150.0)["ST"], strict=True))
    assert max(found, key=found.get) == "celsius"
    assert found["g_L"] < 0.1 < found["celsius"]


def test_inference_finds_the_conductances(tmp_path, capsys, pictures):
    """The truth lies inside the posterior, which is narrower than the prior."""
    sbi = example("inference_sbi")
    sbi.main(n=4000, keep=40, t_stop=60.0, picture=str(tmp_path / "posterior.png"))
    assert "truth 36" in capsys.readouterr().out
    scatter = pictures[0].axes[3].lines[-2]  # of g_K against g_Na
    assert len(scatter.get_xdata()) == 40
    posterior = sbi.rejection(n=4000, keep=40, t_stop=60.0)
    assert posterior.shape == (40, 3)
    low, high = np.array(list(sbi.PRIOR.values())).T
    prior_width = (high - low) / np.sqrt(12)
    assert (posterior.std(axis=0) < 0.8 * prior_width).all()
    assert (np.abs(posterior.mean(axis=0) - list(sbi.TRUTH.values())) < 2 * posterior.std(axis=0)).all()


@pytest.mark.filterwarnings("ignore")  # sbi's own
def test_sbi_learns_from_the_simulator(tmp_path, monkeypatch):
    """What it learns in two rounds is little; that it gets tensors it can use is the question."""
    pytest.importorskip("sbi")
    monkeypatch.chdir(tmp_path)  # where it keeps its logs
    sbi = example("inference_sbi")
    posterior = sbi.neural(n=300, keep=100, t_stop=60.0, epochs=2)
    low, high = np.array(list(sbi.PRIOR.values())).T
    assert posterior.shape == (100, 3)
    assert ((posterior >= low) & (posterior <= high)).all()


def test_the_simulator_keeps_the_contract_of_sbi():
    """theta (N, d) gives x (N, k), row by row, the same in any batch, and NaN for what cannot be simulated."""
    function = example("inference_sbi").simulator(t_stop=60.0)
    theta = np.array([[120.0, 36.0, 0.3], [100.0, 30.0, 0.2], [np.nan, 36.0, 0.3], [1e300, 36.0, 0.3]])
    x = function(theta)
    assert x.shape == (4, 5)
    assert np.isfinite(x[:2]).all()
    assert np.isnan(x[2:]).all()
    assert np.array_equal(function(theta[1:2].astype(np.float32))[0], function(theta[1].astype(np.float32))[0])
    assert np.array_equal(function(theta[1])[0], x[1])


def test_roemschied_2014_finds_what_the_paper_found(tmp_path, monkeypatch, pictures, capsys):
    """With two values of each Q10 instead of four: that of n raises the distance most; those of g_A and g_K lower it."""
    monkeypatch.chdir(tmp_path)
    example("roemschied_2014").main(2)
    lines = capsys.readouterr().out.splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("1. "))
    impacts = {line.split()[1]: float(line.split()[2]) for line in lines[first : first + 9]}
    assert list(impacts)[:3] == ["Q10_n", "Q10_g_A", "Q10_g_K"]
    assert impacts["Q10_n"] > 0 > max(impacts["Q10_g_A"], impacts["Q10_g_K"])
    assert "512 neurons" in lines[-12]
    ranked, stacked = pictures
    assert [bar.get_width() for bar in ranked.axes[1].patches] == pytest.approx(list(impacts.values())[::-1], abs=0.01)
    assert stacked.axes[0].images[0].get_array().size == 512


# Neurons that Prinz, Billimoria & Marder 2003 label: Na, CaT, CaS, A, KCa, Kd, H, leak (mS/cm2); their class; ours.
LABELLED = {
    (500, 0, 0, 40, 0, 75, 0.01, 0): ("silent", "silent"),
    (100, 0, 10, 40, 5, 75, 0.02, 0.03): ("spiking", "tonic"),
    (200, 0, 4, 10, 10, 125, 0.05, 0.04): ("spiking", "tonic"),
    (100, 0, 4, 0, 15, 50, 0.02, 0.03): ("bursting", "bursting"),
    (200, 2.5, 4, 50, 5, 100, 0.01, 0.01): ("bursting", "bursting"),
    (100, 0, 6, 10, 10, 50, 0.03, 0.05): ("parabolic bursting", "bursting"),
    (500, 2.5, 8, 0, 15, 75, 0.05, 0): ("bursts of 17, 15, 17, 15 spikes", "bursting"),
    (300, 0, 10, 20, 20, 125, 0.05, 0.01): ("irregular", "irregular"),
    (400, 0, 8, 50, 20, 50, 0.04, 0): ("irregular bursting", "bursting"),  # to us: its bursts of 5, 5, 5, 6 repeat
}


def test_the_neurons_that_prinz_2003_labels_are_of_the_same_class():
    """All but one of nine: a pattern that repeats is no irregular one by our rule, however long it is."""
    sweep = hh.Sweep.from_toml(EXAMPLES / "prinz_2003.toml")
    columns = dict(zip(sweep.space.names, np.array(list(LABELLED), float).T, strict=True))
    for name, values in columns.items():  # all are points of the grid
        levels = np.linspace(*sweep.space.limits(name), 6)
        assert np.isclose(values[:, None], levels, atol=1e-9).any(axis=1).all()
    found = hh.simulate("prinz_stg", columns, t_stop=30_000.0, until="settled", integrator="tsit5",
                        record=[hh.Features(["activity", "spikes_per_period"])])  # fmt: skip
    names = [ACTIVITIES[code] for code in found["activity"]]
    assert names == [ours for _, ours in LABELLED.values()]
    assert found["spikes_per_period"][6] == 17 + 15
    assert found["spikes_per_period"][8] == 5 + 5 + 5 + 6


def test_prinz_2003_runs_on_a_sample(tmp_path, monkeypatch, pictures, capsys):
    """The shares of a hundred neurons add up; the same command again finds its result."""
    monkeypatch.chdir(tmp_path)
    script = example("prinz_2003")
    script.main(100)
    script.main(100)
    lines = capsys.readouterr().out.splitlines()
    assert lines[: len(lines) // 2] == lines[len(lines) // 2 :]
    shares = {line.split()[0]: float(line.split()[1]) for line in lines[2:10]}
    assert list(shares) == list(ACTIVITIES)
    assert sum(shares.values()) == pytest.approx(100)
    assert shares["tonic"] > shares["bursting"] > shares["silent"] > 0
    assert [len(axes.collections) for axes in pictures[0].axes] == [len(ACTIVITIES)] * 8


def test_the_whole_of_prinz_2003_is_a_grid_of_its_size():
    assert hh.Sweep.from_toml(EXAMPLES / "prinz_2003.toml").space.shape == (6,) * 8


def test_prinz_2003_draws_a_map_of_a_grid(tmp_path, monkeypatch, pictures):
    monkeypatch.chdir(tmp_path)
    levels = {name: np.arange(2.0) for name in "abcdefgh"}
    activity = np.arange(2**8).reshape((2,) * 8) % len(ACTIVITIES)
    example("prinz_2003").draw(activity, levels, list(ACTIVITIES))
    image = pictures[0].axes[0].images[0].get_array()
    assert image.shape == (16, 16)
    assert set(image.ravel()) == set(range(len(ACTIVITIES)))
    h = [share.get_paths()[0].vertices for share in pictures[1].axes[7].collections]  # its level decides odd or even
    assert [vertices[:, 1].max() for vertices in h] == pytest.approx([25, 25, 50, 50, 75, 75, 100, 100])

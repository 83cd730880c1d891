"""The examples for other packages, small: they run, draw, and find what is known."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_own_steps_are_cheaper_on_silent_tonic_and_bursting_cells(tmp_path):
    """tsit5 at 1e-6 is right to 0.001 ms by a quarter of the work of RK4 at the longest step that serves all cells."""
    found = example("bench_bursting").main(4, 600.0, str(tmp_path / "bench.png"), integrators=["rk4", "tsit5"],
                                           dt=[0.05, 0.025, 0.01], rtol=[1e-6])  # fmt: skip
    assert (found.sample.silent, found.sample.bursting) == (4, 4)
    assert found.sample.tonic >= 2
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
    *rk4, tsit5 = found.rows
    best = next(row for row in rk4 if row.sound)
    assert tsit5.sound
    assert tsit5.spike_p95 < 1e-3
    assert tsit5.evaluations < best.evaluations / 4


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # SALib's own
def test_sensitivity_of_the_firing_rate(tmp_path, capsys):
    """Warmth speeds the gates up, and firing with them; the leak hardly matters."""
    pytest.importorskip("SALib")
    salib = example("sensitivity_salib")
    salib.main(n=64, t_stop=150.0, picture=str(tmp_path / "indices.png"))
    assert "celsius: S1" in capsys.readouterr().out
    assert (tmp_path / "indices.png").read_bytes().startswith(b"\x89PNG")
    found = dict(zip(salib.BOUNDS, salib.indices(n=64, t_stop=150.0)["ST"], strict=True))
    assert max(found, key=found.get) == "celsius"
    assert found["g_L"] < 0.1 < found["celsius"]


def test_inference_finds_the_conductances(tmp_path, capsys):
    """The truth lies inside the posterior, which is narrower than the prior."""
    sbi = example("inference_sbi")
    sbi.main(n=4000, keep=40, t_stop=60.0, picture=str(tmp_path / "posterior.png"))
    assert "truth 36" in capsys.readouterr().out
    assert (tmp_path / "posterior.png").read_bytes().startswith(b"\x89PNG")
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

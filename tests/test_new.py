"""`hhfast new`: what it makes runs, as it stands."""

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
from commands import hhfast, names, refused

import hhfast as package
from hhfast.batch.result import CAP_REACHED, OK
from hhfast.model import models


def test_what_it_makes_runs(here, monkeypatch):
    """The model, the sweep, the script, and every command of the page."""
    made = hhfast("new", "first")
    assert made.exit_code == 0, made.output
    assert names(here / "first") == ["README.md", "first_spike.py", "model.toml", "scan.toml"]
    monkeypatch.chdir(here / "first")
    for words in (
        "simulate model.toml --current 20 --t-stop 50 -o one.png",
        "models model.toml -o gates.png",
        "run scan.toml",
        "plot scan.h5",
        "trace scan.h5 --where rate>50",
    ):
        result = hhfast(*words.split(" "))
        assert result.exit_code == 0, result.output
    with h5py.File("scan.h5") as file:
        assert file["rate"].shape == (1600,)
        assert np.isin(file["status"][:], [OK, CAP_REACHED]).all()
        assert (file["status"][:] == OK).mean() > 0.97
        assert file["rate"][:].max() > 50
    env = os.environ | {"PYTHONPATH": str(Path(package.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "first_spike.py"], capture_output=True, text=True, env=env, check=True)
    assert "1,000 ok" in done.stdout
    assert "spike.png" in names(here / "first")
    assert "model.toml" in (here / "first" / "README.md").read_text()


def test_nothing_is_overwritten(here):
    assert "is not empty" in refused("new", ".")
    assert names(here) == ["scan.toml"]
    (here / "file").write_text("")
    assert "is not empty" in refused("new", "file")
    assert "hodgkin_huxley" in models  # templates are no library models
    assert "my_neuron" not in models

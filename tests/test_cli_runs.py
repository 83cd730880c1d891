"""Commands on runs: what they print, their exit codes, and that bad input is one line and harms nothing."""

import os
import subprocess
import sys

import pytest
from commands import SCAN, hhfast, names, refused

from hhfast.sweep.lock import lock
from hhfast.sweep.run_directory import RunDirectory


@pytest.mark.core
def test_run_then_status_and_info(here):
    result = hhfast("run", "scan.toml")
    assert (result.exit_code, result.stdout) == (0, "scan.h5: finished, 12 rows\n")
    assert hhfast("status", "scan.h5").stdout == "scan.h5: finished, 12 rows\n"
    info = hhfast("info", "scan.h5").stdout
    for text in ("g_Na (3) x stimulus.amplitude (4)", "12: 12 ok", "exp_euler, dt 0.025 ms", "Hodgkin & Huxley 1952",
                 "mS/cm²", "step(start = 5)", "latency", "sha256"):  # fmt: skip
        assert text in info
    assert names(here) == ["scan.h5", "scan.toml"]


def test_a_finished_sweep_is_not_run_again(here):
    hhfast("run", "scan.toml")
    result = hhfast("run", "scan.toml")
    assert result.exit_code == 0
    assert "already holds this sweep" in result.stdout


def test_dry_run_writes_nothing(here):
    result = hhfast("run", "scan.toml", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "1,200 per row, 14,400 in all" in result.stdout
    assert "ns per step" in result.stdout
    assert names(here) == ["scan.toml"]


def unfinished(here):
    """Make the finished parts of a run that lacks its last batch."""
    result = hhfast("run", "scan.toml", "-o", "whole.h5")
    assert result.exit_code == 0
    code = (
        "import os\nfrom hhfast.sweep import executor\n"
        "original = executor.simulate_batch\n"
        "executor.simulate_batch = lambda batch: original(batch) if batch.number < 2 else os._exit(9)\n"
        "from hhfast.cli.app import main\nmain()"
    )
    subprocess.run([sys.executable, "-c", code, "run", "scan.toml", "-o", "out.h5"], check=False, cwd=here)
    return RunDirectory.open(here / "out.h5.parts")


def test_status_of_an_unfinished_run(here):
    parts = unfinished(here)
    result = hhfast("status", "out.h5")
    assert result.exit_code == 3
    done = 4 * len(parts.finished())
    assert f"out.h5: incomplete, {done} of 12 rows" in result.stdout
    with lock(parts.folder / "lock", "out.h5"):
        result = hhfast("status", "out.h5")
    assert result.exit_code == 0
    assert f"running (process {os.getpid()} on " in result.stdout
    assert "incomplete" not in result.stdout
    assert hhfast("run", "scan.toml", "-o", "out.h5").exit_code == 0


def test_a_run_in_use_is_refused(here):
    parts = unfinished(here)
    with lock(parts.folder / "lock", "out.h5"):
        assert "in use by process" in refused("run", "scan.toml", "-o", "out.h5")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("g_Na", "g_na", "scan.toml: axes.g_na: unknown parameter 'g_na'; did you mean 'g_Na'?"),
        ("hodgkin_huxley", "hodgkin_huxly", "did you mean 'hodgkin_huxley'?"),
        ("[axes]", "[parameters]\nC_m = -1\n[axes]", "parameters.C_m: is -1; it must be positive"),
        ("[80, 160, 3]", "[80, 160, 0]", "no values"),
        ("linspace = [80, 160, 3]", "values = []", "no values"),
        ("model = ", "model ", "not valid TOML"),
    ],
)
def test_bad_input_is_one_line(here, old, new, message):
    (here / "scan.toml").write_text(SCAN.replace(old, new, 1))
    assert message in refused("run", "scan.toml")
    assert names(here) == ["scan.toml"]


def test_an_output_that_cannot_be_written_is_one_line(here):
    assert "there is no directory missing" in refused("run", "scan.toml", "-o", "missing/out.h5")


def test_the_output_of_another_sweep_is_one_line(here):
    hhfast("run", "scan.toml")
    before = (here / "scan.h5").read_bytes()
    (here / "scan.toml").write_text(SCAN.replace("30.0", "31.0"))
    assert "another sweep" in refused("run", "scan.toml")
    assert (here / "scan.h5").read_bytes() == before


def test_parts_are_computed_apart_and_merged(here):
    first = hhfast("run", "scan.toml", "-o", "out.h5", "--part", "1/2")
    assert first.exit_code == 0
    assert "part 1/2 is computed" in first.stdout
    assert "'hhfast merge out.h5' when the others are" in first.stdout
    result = hhfast("merge", "out.h5")
    assert result.exit_code == 3
    assert "4 rows are missing" in result.stderr
    assert "all 12 rows are computed" in hhfast("run", "scan.toml", "-o", "out.h5", "--part", "2/2").stdout
    assert hhfast("merge", "out.h5").stdout == "out.h5: finished, 12 rows\n"
    assert hhfast("merge", "out.h5").exit_code == 0  # a job that is tried again
    assert "must be i/n" in refused("run", "scan.toml", "-o", "new.h5", "--part", "3/2")


def test_a_sampled_sweep_runs(here):
    axes = SCAN[SCAN.index("[axes]") : SCAN.index("[record]")]
    sample = "[sample]\nmethod = 'sobol'\nn = 16\ng_Na = { uniform = [80, 160] }\n"
    sample += "'stimulus.amplitude' = { normal = [10, 1] }\n"
    (here / "scan.toml").write_text(SCAN.replace(axes, sample))
    assert hhfast("run", "scan.toml").exit_code == 0
    (here / "scan.toml").write_text(SCAN.replace(axes, sample.replace("sobol", "sobel")))
    assert "sample: unknown method 'sobel'; did you mean 'sobol'?" in refused("run", "scan.toml", "-o", "x.h5")

"""The command line: what it prints, its exit codes, and that bad input is one line and harms nothing."""

import os
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from hhfast.cli.app import app
from hhfast.sweep.durable import lock
from hhfast.sweep.parts import Parts

SCAN = """\
model = "hodgkin_huxley"
t_stop = 30.0
integrator = "exp_euler"
rows_per_batch = 4
[stimulus]
kind = "step"
start = 5.0
[axes]
g_Na = { linspace = [80, 160, 3] }
"stimulus.amplitude" = { values = [0, 3, 10, 20] }
[record]
features = ["spike_count", "latency"]
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A directory with a sweep file, in which commands run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.toml").write_text(SCAN)
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def hhfast(*words):
    return CliRunner().invoke(app, list(words))


def refused(*words):
    """The one line with which a command refuses bad input."""
    result = hhfast(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    return result.stderr.strip()


def test_help_is_immediate_and_imports_nothing_heavy():
    began = time.perf_counter()
    command = [sys.executable, "-X", "importtime", "-m", "hhfast", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert time.perf_counter() - began < 2.0  # 0.2 s on a quiet machine
    assert done.returncode == 0
    assert "Run a sweep into an HDF5 file" in done.stdout
    for name in ("numba", "numpy", "scipy", "sympy", "h5py", "matplotlib", "pydantic"):
        assert f" {name}\n" not in done.stderr


def test_run_then_status_info_and_plot(here):
    result = hhfast("run", "scan.toml")
    assert (result.exit_code, result.stdout) == (0, "scan.h5: finished, 12 rows\n")
    assert hhfast("status", "scan.h5").stdout == "scan.h5: finished, 12 rows\n"
    info = hhfast("info", "scan.h5").stdout
    for text in ("g_Na (3) x stimulus.amplitude (4)", "12: 12 ok", "exp_euler, dt 0.025 ms", "Hodgkin & Huxley 1952",
                 "mS cm-2", "step(start = 5)", "latency", "sha256"):  # fmt: skip
        assert text in info
    assert hhfast("plot", "scan.h5", "-o", "scan.png").exit_code == 0
    assert (here / "scan.png").read_bytes().startswith(b"\x89PNG")
    assert names(here) == ["scan.h5", "scan.png", "scan.toml"]


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
        "import os\nfrom hhfast.sweep import run\n"
        "original = run.simulate_job\n"
        "run.simulate_job = lambda job: original(job) if job.batch < 2 else os._exit(9)\n"
        "from hhfast.cli.app import main\nmain()"
    )
    subprocess.run([sys.executable, "-c", code, "run", "scan.toml", "-o", "out.h5"], check=False, cwd=here)
    return Parts.open(here / "out.h5.parts")


def test_status_of_an_unfinished_run(here):
    parts = unfinished(here)
    result = hhfast("status", "out.h5")
    assert result.exit_code == 3
    done = 4 * len(parts.present())
    assert f"out.h5: incomplete, {done} of 12 rows" in result.stdout
    with lock(parts.lock_path(), "out.h5"):
        result = hhfast("status", "out.h5")
    assert result.exit_code == 0
    assert f"running (process {os.getpid()} on " in result.stdout
    assert "incomplete" not in result.stdout
    assert hhfast("run", "scan.toml", "-o", "out.h5").exit_code == 0


def test_a_run_in_use_is_refused(here):
    parts = unfinished(here)
    with lock(parts.lock_path(), "out.h5"):
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


BAD_FORMULAS = ["__import__('os').system('touch owned')", "().__class__", "open('owned', 'w')", "1 / V"]


@pytest.mark.parametrize("formula", BAD_FORMULAS)
def test_a_malicious_or_singular_model_is_refused_and_never_executed(here, formula):
    from hhfast.model import models

    text = models["hodgkin_huxley"].text.replace('"4 * exp(-(V + 65) / 18)"', f'"{formula}"')
    assert formula in text
    (here / "mine.toml").write_text(text)
    (here / "scan.toml").write_text(SCAN.replace("hodgkin_huxley", "mine.toml"))
    assert "mine.toml" in refused("run", "scan.toml")
    assert "mine.toml" in refused("models", "mine.toml")
    assert names(here) == ["mine.toml", "scan.toml"]


def test_an_output_that_cannot_be_written_is_one_line(here):
    assert "cannot be made" in refused("run", "scan.toml", "-o", "missing/out.h5")


def test_the_output_of_another_sweep_is_one_line(here):
    hhfast("run", "scan.toml")
    before = (here / "scan.h5").read_bytes()
    (here / "scan.toml").write_text(SCAN.replace("30.0", "31.0"))
    assert "another sweep" in refused("run", "scan.toml")
    assert (here / "scan.h5").read_bytes() == before


@pytest.mark.parametrize("command", ["status", "info", "plot"])
def test_what_is_no_result_is_one_line(here, command):
    hhfast("run", "scan.toml")
    os.truncate(here / "scan.h5", 5000)
    assert "scan.h5" in refused(command, "scan.h5")
    assert "exist" in refused(command, "none.h5")
    assert (here / "scan.h5").stat().st_size == 5000


def test_plot_names_what_it_does_not_know(here):
    hhfast("run", "scan.toml")
    assert "did you mean 'latency'" in refused("plot", "scan.h5", "--value", "latancy")
    assert "unknown axis 'g_K'" in refused("plot", "scan.h5", "--x", "g_K")
    assert "not supported" in refused("plot", "scan.h5", "-o", "figure.xyz")


def test_models_lists_and_shows():
    assert "Wang & Buzsaki 1996" in hhfast("models").stdout
    shown = hhfast("models", "prinz_stg").stdout
    for text in ("C_m dV/dt = i_app - i_Na - i_CaT", "dm_Na/dt", "E_CaT = 8.31451e3", "pool Ca", "g_KCa", "mS cm-2"):
        assert text in shown
    assert "did you mean 'prinz_stg'" in refused("models", "prinz")


def test_source_prints_python():
    printed = hhfast("source", "wang_buzsaki", "-i", "exp_euler").stdout
    compile(printed, "kernel", "exec")
    assert "did you mean 'rk4'" in refused("source", "wang_buzsaki", "-i", "rk5")


@pytest.mark.parametrize("words", [["frobnicate"], ["run"], ["run", "scan.toml", "--threads", "0"], ["status"]])
def test_wrong_usage_has_exit_code_2(here, words):
    assert hhfast(*words).exit_code == 2


def test_parts_are_computed_apart_and_merged(here):
    assert hhfast("run", "scan.toml", "-o", "out.h5", "--part", "1/2").exit_code == 0
    result = hhfast("merge", "out.h5")
    assert result.exit_code == 3
    assert "4 rows are missing" in result.stderr
    assert "all 12 rows are computed" in hhfast("run", "scan.toml", "-o", "out.h5", "--part", "2/2").stdout
    assert hhfast("merge", "out.h5").stdout == "out.h5: finished, 12 rows\n"
    assert "exists already" in refused("merge", "out.h5")
    assert "must be i/n" in refused("run", "scan.toml", "-o", "new.h5", "--part", "3/2")


def test_export_writes_csv(here):
    hhfast("run", "scan.toml")
    assert hhfast("export", "scan.h5", "rows.csv").stdout == "rows.csv\n"
    lines = (here / "rows.csv").read_text().splitlines()
    assert lines[0] == "run,g_Na,stimulus.amplitude,status,spike_count,latency"
    assert len(lines) == 13
    assert "No such file" in refused("export", "scan.h5", "missing/rows.csv")


@pytest.mark.filterwarnings("ignore")  # pynwb's own
def test_export_of_rows_by_the_name_of_the_file(here):
    hhfast("run", "scan.toml")
    for library, name in (("csv", "rows.csv"), ("pyarrow", "rows.parquet"), ("pynwb", "rows.NWB")):
        pytest.importorskip(library)
        result = hhfast("export", "scan.h5", name, "--row", "11", "--row", "2")
        assert (result.exit_code, result.stdout) == (0, f"{name}\n"), result.output
    assert [line.split(",")[0] for line in (here / "rows.csv").read_text().splitlines()] == ["run", "11", "2"]
    assert "name them with --row" in refused("export", "scan.h5", "all.nwb")
    assert "must end in .csv, .parquet or .nwb" in refused("export", "scan.h5", "rows.xlsx")
    assert "has no row 12; the last is 11" in refused("export", "scan.h5", "rows.csv", "--row", "12")


def test_verify_says_what_is_damaged(here):
    import h5py

    hhfast("run", "scan.toml")
    assert hhfast("verify", "scan.h5").stdout == "scan.h5: 12 rows, every variable matches its checksum\n"
    with h5py.File("scan.h5", "r+") as file:
        file["latency"][5] += 1
    result = hhfast("verify", "scan.h5")
    assert result.exit_code == 2
    assert "variable 'latency' does not match its checksum" in result.stdout


def test_trace_rebuilds_a_row_from_the_file_alone(here):
    hhfast("run", "scan.toml")
    (here / "scan.toml").unlink()
    result = hhfast("trace", "scan.h5", "--row", "7", "-o", "row.png")
    assert result.exit_code == 0, result.output
    assert "row 7 (g_Na = 120, stimulus.amplitude = 20): spike_count, latency identical to the file" in result.stdout
    assert (here / "row.png").read_bytes().startswith(b"\x89PNG")
    assert "has no row 12; the last is 11" in refused("trace", "scan.h5", "--row", "12")


def test_a_sampled_sweep_runs(here):
    axes = SCAN[SCAN.index("[axes]") : SCAN.index("[record]")]
    sample = "[sample]\nmethod = 'sobol'\nn = 16\ng_Na = { uniform = [80, 160] }\n"
    sample += "'stimulus.amplitude' = { normal = [10, 1] }\n"
    (here / "scan.toml").write_text(SCAN.replace(axes, sample))
    assert hhfast("run", "scan.toml").exit_code == 0
    assert hhfast("plot", "scan.h5").exit_code == 0
    (here / "scan.toml").write_text(SCAN.replace(axes, sample.replace("sobol", "sobel")))
    assert "sample: unknown method 'sobel'; did you mean 'sobol'?" in refused("run", "scan.toml", "-o", "x.h5")

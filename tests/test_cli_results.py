"""Commands on results: what they print and draw, and that bad input is one line and harms nothing."""

import os

import h5py
import numpy as np
import pytest
from commands import SCAN, hhfast, names, refused


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
    assert "ends in one of" in refused("plot", "scan.h5", "-o", "figure.xyz")
    assert "no directory" in refused("plot", "scan.h5", "-o", "missing/figure.png")
    assert names(here) == ["scan.h5", "scan.toml"]


@pytest.mark.core
def test_plot_draws_the_feature_that_is_named(here, pictures):
    hhfast("run", "scan.toml")
    result = hhfast("plot", "scan.h5", "-o", "scan.svg", "--value", "latency", "--x", "g_Na")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "wrote scan.svg\n")
    assert (here / "scan.svg").read_text().startswith("<?xml")
    (figure,) = pictures
    with h5py.File("scan.h5") as file:
        latency = file["latency"][:].reshape(3, 4).T  # over (stimulus.amplitude, g_Na)
    (mesh,) = figure.axes[0].collections
    np.testing.assert_array_equal(mesh.get_array().filled(np.nan), latency)
    assert mesh.get_clim() == (np.nanmin(latency), np.nanmax(latency))
    assert figure.axes[0].get_ylabel() == "stimulus amplitude (µA/cm²)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["no value"]  # what is grey


def test_plot_of_a_sample_is_a_scatter(here, pictures):
    axes = SCAN[SCAN.index("[axes]") : SCAN.index("[record]")]
    sample = "[sample]\nmethod = 'sobol'\nn = 16\ng_Na = { uniform = [80, 160] }\n"
    (here / "scan.toml").write_text(SCAN.replace(axes, sample + "'stimulus.amplitude' = { uniform = [5, 20] }\n"))
    hhfast("run", "scan.toml")
    assert hhfast("plot", "scan.h5").stderr == "wrote scan.png\n"
    (figure,) = pictures
    points = np.concatenate([points.get_offsets() for points in figure.axes[0].collections])
    with h5py.File("scan.h5") as file:
        assert {tuple(p) for p in points} == set(zip(file["g_Na"], file["stimulus.amplitude"], strict=True))


def test_export_writes_csv(here):
    hhfast("run", "scan.toml")
    assert hhfast("export", "scan.h5", "rows.csv").stdout == "rows.csv\n"
    lines = (here / "rows.csv").read_text().splitlines()
    assert lines[0] == "run,g_Na,stimulus.amplitude,status,spike_count,latency,reason"
    assert len(lines) == 13
    assert "there is no directory missing" in refused("export", "scan.h5", "missing/rows.csv")


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
    hhfast("run", "scan.toml")
    sound = "scan.h5: 12 rows, the whole file matches its seal, and every variable matches its checksum\n"
    assert hhfast("verify", "scan.h5").stdout == sound
    with h5py.File("scan.h5", "r+") as file:
        file["latency"][5] += 1
    result = hhfast("verify", "scan.h5")
    assert result.exit_code == 2
    assert "scan.h5: has been changed or damaged: its seal, at its end, is gone" in result.stdout


@pytest.mark.core
def test_trace_rebuilds_a_row_from_the_file_alone(here, pictures):
    hhfast("run", "scan.toml")
    (here / "scan.toml").unlink()
    result = hhfast("trace", "scan.h5", "--row", "7", "-o", "row.png")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(
        "row 7 (g_Na = 120, stimulus.amplitude = 20): identical to the file\ncompared: spike_count, latency, reason\n"
    )
    (figure,) = pictures
    assert figure.get_suptitle().endswith(" = 120 mS/cm², stimulus amplitude = 20 µA/cm²): 3 spikes")
    labels = [" ".join(axes.get_ylabel().split()) for axes in figure.axes]
    assert labels == ["$V$ (mV)", "applied current (µA/cm²)", "conductance (mS/cm²)", "current (µA/cm²)", "gates"]
    V, current = (axes.lines[0].get_ydata() for axes in figure.axes[:2])
    assert ((V[:-1] < -20) & (V[1:] >= -20)).sum() == 3
    assert set(current.tolist()) == {0.0, 20.0}
    assert "has no row 12; the last is 11" in refused("trace", "scan.h5", "--row", "12")


def test_trace_of_several_rows(here, pictures):
    """By number, or by a condition, each with its own label."""
    hhfast("run", "scan.toml")
    assert hhfast("trace", "scan.h5", "--row", "7", "--row", "2", "-o", "rows.png").exit_code == 0
    titles = [axes.get_title() for axes in pictures[0].axes if axes.get_title()]
    assert [title.split(" (")[0] for title in titles] == ["row 7", "row 2"]
    result = hhfast("trace", "scan.h5", "--where", "spike_count >= 2 and stimulus.amplitude < 15")
    with h5py.File("scan.h5") as file:
        met = np.flatnonzero((file["spike_count"][:] >= 2) & (file["stimulus.amplitude"][:] < 15))
    assert result.stdout.startswith(f"{len(met)} rows: ")
    assert [f"row {k} (" in result.stdout for k in range(12)] == [k in met for k in range(12)]
    assert "scan_rows.png" in names(here)
    for words, message in [
        (["--where", "spike_count > 99"], "no row meets"),
        (["--where", "rate > 1"], "unknown name 'rate'"),
        ([], "name rows"),
        (["--row", "1", "--where", "latency > 1"], "name rows"),
    ]:
        assert message in refused("trace", "scan.h5", *words)


def test_looks_of_a_picture(here, pictures):
    """Title, size and limits are the user's; what cannot be is refused before anything is drawn."""
    hhfast("run", "scan.toml")
    looks = ["--title", "My $ scan", "--size", "5,3", "--dpi", "100", "--xlim", "90,150", "--log", "y"]
    result = hhfast("plot", "scan.h5", "--x", "g_Na", "--y", "stimulus.amplitude", "-o", "scan.png", *looks)
    assert result.exit_code == 0, result.output
    (figure,) = pictures
    assert (figure.get_suptitle(), figure.get_size_inches().tolist(), figure.dpi) == (r"My \$ scan", [5.0, 3.0], 100)
    assert figure.axes[0].get_xlim() == (90, 150)
    assert figure.axes[0].get_yscale() == "log"
    (here / "scan.png").unlink()
    for words, message in [
        (["--size", "0,3"], "inches"),
        (["--log", "z"], "unknown scale 'z'"),
        (["--xlim", "5,1"], "--xlim 5,1"),
        (["--dpi", "1"], "dpi"),
        (["-o", "x.tiffany"], "ends in one of"),
    ]:
        assert message in refused("plot", "scan.h5", *words)
    assert names(here) == ["scan.h5", "scan.toml"]


def test_an_unfinished_run_says_so(here):
    """To whoever wants its result."""
    hhfast("run", "scan.toml", "--part", "1/2")
    for words in (["info"], ["plot"], ["export", "rows.csv"], ["trace", "--row", "1"]):
        assert "is not finished (" in refused(words[0], "scan.h5", *words[1:])

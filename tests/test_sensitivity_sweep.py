"""Sensitivities in sweep files, in their results, and on the command line."""

import numpy as np
import pytest
from typer.testing import CliRunner

import hhfast as hh
from hhfast.cli.app import app

FILE = """
model = "hodgkin_huxley"
t_stop = {t_stop}
{keys}
[stimulus]
kind = "step"
[axes]
"stimulus.amplitude" = {{ values = [2, 10, 14] }}
[record]
{record}
"""


def written(folder, keys, record, t_stop=2000.0):
    path = folder / "scan.toml"
    path.write_text(FILE.format(keys=keys, record=record, t_stop=t_stop))
    return path


def test_features_of_settled_rows_have_derivatives_in_the_result(tmp_path):
    """The bits of `simulate`, in batches of one row; found again when a row is simulated from the file."""
    keys = 'until = "settled"\nsensitivity = ["g_Na", "E_K"]\nrows_per_batch = 1\n'
    sweep = hh.Sweep.from_toml(written(tmp_path, keys, 'features = ["rate", "V_peak", "activity"]'))
    sweep.run(tmp_path / "out.h5", progress=False)
    found = hh.open_results(tmp_path / "out.h5")
    alone = hh.simulate(
        "hodgkin_huxley", stimulus=hh.Step(amplitude=np.array([2.0, 10.0, 14.0])), t_stop=2000.0, until="settled",
        sensitivity=["g_Na", "E_K"], record=[hh.Features(["rate", "V_peak", "activity"])],
    )  # fmt: skip
    for name in ("rate_dg_Na", "rate_dE_K", "V_peak_dg_Na", "V_peak_dE_K"):
        np.testing.assert_array_equal(found[name].values, alone[name])
    assert found["rate_dg_Na"].attrs["units"] == "Hz/(mS cm-2)"
    run = CliRunner().invoke(app, ["trace", str(tmp_path / "out.h5"), "--row", "1", "-o", str(tmp_path / "row.png")])
    assert "identical to the file" in run.output
    assert "differ" not in run.output


def test_spike_times_and_traces_have_derivatives_in_the_result(tmp_path):
    keys, record = 'sensitivity = ["g_Na"]', 'spikes = true\ntrace = { variables = ["V", "dV_dg_Na"], every = 1.0 }'
    hh.Sweep.from_toml(written(tmp_path, keys, record, 40.0)).run(tmp_path / "out.h5", progress=False)
    found = hh.open_results(tmp_path / "out.h5")
    alone = hh.simulate(
        "hodgkin_huxley", stimulus=hh.Step(amplitude=np.array([2.0, 10.0, 14.0])), t_stop=40.0, sensitivity=["g_Na"]
    )
    np.testing.assert_array_equal(found["spike_time_dg_Na"].values, alone["spike_time_dg_Na"])
    assert found["dV_dg_Na"].dims[-1] == "time"


def test_names_are_those_of_simulate_and_of_spaces(tmp_path):
    """Of the stimulus with its prefix or without, and initial values; the bits of `simulate`."""
    record = 'features = ["latency"]\nspikes = true\ntrace = { variables = ["V", "dV_damplitude"], every = 1.0 }'
    for given in ("stimulus.amplitude", "amplitude"):
        keys = f'sensitivity = ["{given}", "V_initial"]'
        sweep = hh.Sweep.from_toml(written(tmp_path, keys, record, 40.0))
        assert sweep.sensitivity == ("amplitude", "V_initial")
    found = hh.open_results(sweep.run(tmp_path / "out.h5", progress=False))
    alone = hh.simulate(
        "hodgkin_huxley", stimulus=hh.Step(amplitude=np.array([2.0, 10.0, 14.0])), t_stop=40.0,
        sensitivity=["amplitude", "V_initial"], record=[hh.Spikes(), hh.Features(["latency"])],
    )  # fmt: skip
    for name in ("spike_time_damplitude", "spike_time_dV_initial", "latency_damplitude"):
        np.testing.assert_array_equal(found[name].values, alone[name])
    two = hh.Sweep("hodgkin_huxley", hh.Grid.of({"stimulus.1.amplitude": [20.0, 25.0]}), 20.0,
                   stimulus=[{"kind": "pulse", "amplitude": 3.0}, {"kind": "pulse", "start": 9.0}], record=[hh.Spikes()],
                   sensitivity=["stimulus.1.amplitude", "stimulus.0.width"])  # fmt: skip
    assert two.sensitivity == ("amplitude_1", "width_0")
    settled = written(tmp_path, 'until = "settled"\nsensitivity = ["stimulus.amplitude"]', 'features = ["rate"]')
    rows = hh.open_results(hh.Sweep.from_toml(settled).run(tmp_path / "settled.h5", progress=False))
    assert rows["rate_damplitude"].values[1] == pytest.approx(2.530396, rel=1e-5)  # of differences of settled runs


@pytest.mark.parametrize(
    ("keys", "record", "message"),
    [
        ('sensitivity = ["g_Nab"]', "spikes = true", "did you mean 'g_Na'"),
        ('sensitivity = ["stimulus.amplitud"]', "spikes = true", "did you mean 'amplitude'"),
        ('sensitivity = ["pulse.amplitude"]', "spikes = true", "unknown parameter 'pulse.amplitude'"),
        ('sensitivity = ["amplitude", "stimulus.amplitude"]', "spikes = true", "twice"),
        ('sensitivity = ["g_Na", "g_Na"]', "spikes = true", "twice"),
        ('sensitivity = "g_Na"', "spikes = true", "should be a valid list"),
        ('sensitivity = ["g_Na"]', 'features = ["rate"]', "nothing that is recorded here has derivatives"),
        ('sensitivity = ["g_Na"]\nintegrator = "strang"', "spikes = true", "choose tsit5 or bs32"),
        ('sensitivity = ["g_Na"]\nuntil = "settled"', 'features = ["latency"]', "'latency' of a settled cell"),
        ("", 'trace = { variables = ["dV_dg_Na"], every = 1.0 }', "unknown variable"),
    ],
)
def test_what_has_no_derivative_is_refused(tmp_path, keys, record, message):
    with pytest.raises(hh.InputError, match=message) as raised:
        hh.Sweep.from_toml(written(tmp_path, keys, record, 40.0))
    assert "\n" not in str(raised.value)


def test_the_command(tmp_path, pictures):
    """Derivatives of spike times, of V as CSV and in the picture, and of features of the settled cell."""
    common = ["simulate", "hodgkin_huxley", "--current", "10"]
    drawn = ["--t-stop", "8", "--sensitivity", "g_Na", "-o", str(tmp_path / "s.png")]
    assert CliRunner().invoke(app, [*common, *drawn]).exit_code == 0
    label = " ".join(pictures[0].axes[-1].get_ylabel().split())  # it is broken into lines
    assert label == r"∂$V$/∂$g_{\mathrm{Na}}$ (mV per mS/cm²)"
    spikes = CliRunner().invoke(app, [*common, "--t-stop", "40", "--sensitivity", "g_Na,E_K"])
    assert "spike_time_dE_K (ms per mV): -0.06288, -0.1603, -0.2736" in spikes.output
    lines = CliRunner().invoke(app, [*common, "--t-stop", "4", "--every", "2", "--sensitivity", "g_Na", "--csv"])
    assert lines.output.splitlines()[0].endswith(",dV_dg_Na")
    settled = CliRunner().invoke(app, [*common, "--t-stop", "2000", "--sensitivity", "g_Na", "--settled"])
    assert "-0.0629575" in settled.output
    for wrong, message in ((["--sensitivity", "g_Nab"], "did you mean 'g_Na'"), (["--settled"], "--sensitivity")):
        run = CliRunner().invoke(app, [*common, *wrong])
        assert run.exit_code == 2
        assert message in run.output

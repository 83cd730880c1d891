"""Features under the names of eFEL are those of eFEL; the names work wherever a feature can be named."""

import numpy as np
import pytest
from commands import SCAN, hhfast, refused

import hhfast as hh
from hhfast.parts.activity import SETTLED_FEATURES
from hhfast.parts.feature import feature_name, features

efel = pytest.importorskip("efel")
START, STEP = 20.0, 0.005
CASES = {  # model -> current, end of the run: trains, of equal intervals and not
    "hodgkin_huxley": (10.0, 150.0),
    "connor_stevens": (12.0, 150.0),
    "wang_buzsaki": (1.0, 150.0),
    "pospischil_2008_rs": (3.0, 300.0),
}
NAMES = [name for own, f in features.items() for name in (own, *f.aliases)
         if f.efel.startswith("the ") and name not in ("V_max", "V_min")]  # fmt: skip


@pytest.mark.parametrize("options", [{"integrator": "rk4", "dt": STEP}, {"integrator": "tsit5"}], ids=["rk4", "tsit5"])
@pytest.mark.parametrize("model", CASES)
def test_features_of_efels_names_are_efels(model, options):
    """On a finely sampled trace, to its sampling: times to one sample, potentials to what they change by in half of one."""
    current, t_stop = CASES[model]
    r = hh.simulate(
        model, stimulus=hh.Step(current, start=START), t_stop=t_stop, initial="rest", **options,
        record=[hh.Features(NAMES, window=(START, t_stop)), hh.Trace("V", every=STEP)],
    )  # fmt: skip
    efel.reset()
    efel.set_setting("interp_step", STEP)
    efel.set_setting("strict_stiminterval", True)
    begin = START - 1e-6  # lest a rounded time leaves the first sample out
    trace = {"T": r.time, "V": r["V"][0], "stim_start": [begin], "stim_end": [t_stop]}
    with pytest.warns(DeprecationWarning, match="instead"):  # of the older of its names
        theirs = efel.get_mean_feature_values([trace], NAMES)[0]
    n = theirs["Spikecount"]
    assert n >= 4
    first = theirs["doublet_ISI"]
    allowed = {
        "Spikecount": 0, "spike_count": 0, "maximum_voltage": 0.01, "minimum_voltage": 0.01,
        "mean_frequency": theirs["mean_frequency"] * 2 * STEP / theirs["time_to_last_spike"],
        "inv_first_ISI": 1e3 * 2 * STEP / first**2, "ISI_CV": 2 * STEP / theirs["ISI_values"],
    }  # fmt: skip
    for name in NAMES:
        np.testing.assert_allclose(r[name][0], theirs[name], rtol=0, atol=allowed.get(name, 1.1 * STEP), err_msg=name)


def test_every_name_that_is_compared_is_in_efel():
    """And every entry says how it stands to eFEL's; what is not its own has another name."""
    theirs = set(efel.get_feature_names())
    assert len(NAMES) == 11
    assert set(NAMES) <= theirs
    for name, feature in {**features, **SETTLED_FEATURES}.items():
        assert feature.efel
        assert name not in theirs or name in NAMES, name


PEAKS = ["time_to_first_spike", "time_to_last_spike", "doublet_ISI", "ISI_CV"]


def test_no_peak_no_number():
    """Silent cells, single spikes, a spike that still rises at the end, and one before the stimulus."""
    run = {
        "model": "hodgkin_huxley",
        "initial": "rest",
        "record": [hh.Features(["spike_count", *PEAKS, "inv_first_ISI"])],
    }
    r = hh.simulate(**run, stimulus=hh.Step(np.array([0.0, 3.0, 10.0]), start=1.0), t_stop=60.0)
    assert np.isnan([r[name][0] for name in PEAKS]).all()
    assert r["time_to_first_spike"][1] == r["time_to_last_spike"][1]
    assert np.isnan(r["doublet_ISI"][1])
    assert np.isfinite([r[name][2] for name in PEAKS]).all()
    first = 1.0 + r["time_to_first_spike"][2]
    crossing = hh.simulate(
        **run | {"record": [hh.Spikes()]}, stimulus=hh.Step(10.0, start=1.0), t_stop=60.0
    ).spike_time[0]
    rising = hh.simulate(**run, stimulus=hh.Step(10.0, start=1.0), t_stop=0.5 * (first + crossing))
    assert rising["spike_count"][0] == 1
    assert np.isnan(rising["time_to_first_spike"][0])
    early = hh.simulate("hodgkin_huxley", {"E_L": -40.0}, stimulus=hh.Step(10.0, start=40.0), t_stop=60.0,
                        record=run["record"])  # fmt: skip
    assert early["spike_count"][0] > 0
    assert np.isnan(early["time_to_first_spike"][0])


def test_float32_and_steps_agree():
    """Peaks lie inside steps: to a fortieth of one with fixed steps of 0.02 ms, in single precision to 1e-3 ms."""
    r = {}
    for key, options in {"exact": {"rtol": 1e-10}, "coarse": {"integrator": "rk4", "dt": 0.02}, "default": {},
                         "single": {"dtype": "float32"}}.items():  # fmt: skip
        r[key] = hh.simulate("hodgkin_huxley", stimulus=hh.Step(10.0, start=5.0), t_stop=60.0,
                             record=[hh.Features(PEAKS)], **options)  # fmt: skip
    for name in ("time_to_first_spike", "time_to_last_spike", "doublet_ISI"):
        np.testing.assert_allclose(r["coarse"][name], r["exact"][name], atol=5e-4)
        np.testing.assert_allclose(r["default"][name], r["exact"][name], atol=5e-4)
        np.testing.assert_allclose(r["single"][name], r["exact"][name], atol=2e-3)


def test_aliases_mean_the_same_everywhere(tmp_path, monkeypatch):
    """In a settled run with derivatives, as target of a fit, with a certificate, in sweep files, and where misspelt."""
    monkeypatch.chdir(tmp_path)
    pairs = {alias: own for own, f in features.items() for alias in f.aliases}
    assert {feature_name(alias) for alias in pairs} == set(pairs.values())
    record = [hh.Features([*pairs, *pairs.values()])]
    run = {"model": "hodgkin_huxley", "stimulus": hh.Step(10.0), "record": record}
    r = hh.simulate(**run, t_stop=2000.0, until="settled", sensitivity=["g_Na"])
    for alias, own in pairs.items():
        assert r[alias][0] == r[own][0]
        if features[own].of_cycle:
            assert r[f"{alias}_dg_Na"][0] == r[f"{own}_dg_Na"][0]
    certified = hh.simulate(**run | {"record": [hh.Features(["Spikecount"])]}, t_stop=30.0, certify=True)
    assert certified["certified"][0] == 1
    errors = dict.fromkeys(("maximum_voltage", "time_to_first_spike"), 0.1)
    target = hh.FeatureTarget(dict.fromkeys(errors, 1.0), errors, until="t_stop", t_stop=30.0)
    found = hh.simulate(**run | {"record": target.recorder}, t_stop=30.0)
    assert np.isfinite(target.measured(found)).all()
    scan = SCAN.replace("features = [", 'features = ["Spikecount", "mean_frequency", ')
    assert scan != SCAN
    (tmp_path / "scan.toml").write_text(scan)
    assert hhfast("run", "scan.toml").exit_code == 0
    with hh.open_results("scan.h5") as result:
        assert {"Spikecount", "mean_frequency"} <= set(result.variables)
    (tmp_path / "scan.toml").write_text(scan.replace("Spikecount", "Spikecounts"))
    assert "did you mean 'Spikecount'" in refused("run", "scan.toml", "--fresh")


def test_features_that_need_the_end_of_a_run_are_refused_until_settled():
    with pytest.raises(hh.InputError, match="ISI_CV does not go with until = 'settled'"):
        hh.simulate("hodgkin_huxley", t_stop=100.0, until="settled", record=[hh.Features(["ISI_CV"])])

"""A feature of one's own, given as an object, wherever the name of a registered one may stand."""

import dataclasses
import json

import numpy as np
import pytest
import xarray
from sweeps import small

import hhfast as hh
from hhfast.errors import InputError


def span(values):
    return values["V_max"] - values["V_min"]


V_RANGE = hh.Feature("mV", "from the smallest to the largest potential", ("extremes",), span, name="V_range")
SPIKED = hh.Feature("1", "spikes", ("count",), lambda v: v["spikes"], jumps=True, whole_run=True, name="spiked")
INTERVAL = hh.Feature(
    "ms", "time between spikes", ("times",), lambda v: (v["last"] - v["first"]) / (v["spikes"] - 1),
    of_cycle="period", name="interval",
)  # fmt: skip
STEP = hh.Step(amplitude=10.0)


def run(record, **options):
    return hh.simulate("hodgkin_huxley", stimulus=STEP, record=record, **{"t_stop": 60.0, **options})


def test_it_is_recorded_beside_registered_ones():
    """As arithmetic on what these say; on its own, in a window, with a certificate, and under `hh.features`' rules."""
    r = run([hh.Features([V_RANGE, "V_max", "V_min", INTERVAL, "isi_mean"], window=(10.0, 60.0))])
    assert r["V_range"][0] == r["V_max"][0] - r["V_min"][0]
    assert r["interval"][0] == pytest.approx(r["isi_mean"][0], rel=1e-12)
    assert r.variables["V_range"].unit == "mV"
    alone = run([hh.Features(V_RANGE), hh.Spikes()], certify=True, certify_tolerance={"V_range": 0.01})
    assert alone["certified"][0] == 1
    assert alone["V_range_error"][0] < 0.01


def test_in_a_settled_run_it_may_be_one_of_the_cycle():
    """The period of the squid axon at 10 uA/cm2, and its derivative."""
    r = run([hh.Features([INTERVAL, "period"])], until="settled", t_stop=2000.0, sensitivity=["g_Na"])
    assert r["interval"][0] == r["period"][0]
    assert r["interval_dg_Na"][0] == r["period_dg_Na"][0] != 0
    with pytest.raises(InputError, match=r"^record.features: spiked does not go with until = 'settled'"):
        run([hh.Features([SPIKED])], until="settled")


def test_a_sweep_records_it_and_its_spec_says_what_it_is(tmp_path):
    """With the code of its function: a run with another one is another run."""
    sweep = small([hh.Features(["V_max", V_RANGE, "V_min"])])
    path = sweep.run(tmp_path / "out.h5", progress=False)
    with xarray.open_dataset(path) as data:
        assert np.array_equal(data["V_range"].values, data["V_max"].values - data["V_min"].values)
        assert "V_range" in json.dumps(json.loads(data.attrs["hhfast_spec"])["own"])
    other = dataclasses.replace(V_RANGE, value=lambda values: values["V_max"] - 2.0 * values["V_min"])
    assert small([hh.Features([other])]).sha256 != small([hh.Features([V_RANGE])]).sha256
    assert small([hh.Features([V_RANGE])]).sha256 == small([hh.Features([V_RANGE])]).sha256


def test_a_fit_meets_it():
    """The leak at which a weak current moves V by so much, which Ohm's law nearly says."""
    weak = {"stimulus": hh.Step(amplitude=1.0), "t_stop": 60.0}
    wanted = hh.simulate("hodgkin_huxley", {"g_L": 0.34}, record=[hh.Features([V_RANGE])], **weak)["V_range"][0]
    target = hh.FeatureTarget({V_RANGE: wanted}, {"V_range": 0.01}, t_stop=60.0, until="t_stop")
    assert list(target.values) == ["V_range"]
    fit = hh.fit("hodgkin_huxley", target, {"g_L": (0.2, 0.5)}, stimulus=weak["stimulus"], starts=2)
    assert fit.parameters["g_L"][0] == pytest.approx(0.34, abs=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hh.Features([dataclasses.replace(V_RANGE, name="")]), "Features: a Feature object has no name; give"),
        (lambda: hh.Features([dataclasses.replace(V_RANGE, name="a b")]), "object has name = 'a b', which is no name"),
        (lambda: hh.Features([dataclasses.replace(V_RANGE, name="rate")]), "feature 'rate': hhfast has a feature of"),
        (lambda: hh.Features([dataclasses.replace(V_RANGE, needs=("extrema",))]), "did you mean 'extremes'?"),
        (lambda: hh.Features([dataclasses.replace(V_RANGE, of_cycle="periods")]), "did you mean 'period'?"),
        (lambda: hh.Features([V_RANGE, "V_rnage"]), "unknown feature 'V_rnage'; did you mean 'V_range'?"),
        (lambda: hh.FeatureTarget({V_RANGE: 1.0}, {"V_range": 1.0}), "until = 'settled'"),
        (lambda: hh.FeatureTarget({SPIKED: 1.0}, {SPIKED: 1.0}, until="t_stop"), "a count jumps"),
    ],
)  # fmt: skip
def test_what_cannot_be_recorded_is_refused_in_one_line(make, message):
    with pytest.raises(InputError) as caught:
        make()
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)

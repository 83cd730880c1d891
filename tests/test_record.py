"""What sweeps record: the [record] table, registered recorders, and recorders, stimuli and integrators of one's own."""

import dataclasses
import json
from dataclasses import dataclass

import numpy as np
import pytest
import xarray
from sweeps import small

import hhfast as hh
from hhfast.errors import InputError
from hhfast.sweep.read_spec import sweep_from_canonical
from hhfast.sweep.record import Record, canonical_record, record_from_canonical
from hhfast.sweep.resimulate import resimulate


@dataclass(frozen=True)
class Peak:
    """A recorder of one's own: the largest potential, in a window."""

    window: tuple[float, float] | None = None

    def __getattr__(self, name):
        if name.startswith("__"):  # what Python looks for when it copies an object that has no attributes yet
            raise AttributeError(name)
        return getattr(hh.Features(("V_max",), window=self.window), name)


@pytest.fixture
def registered(monkeypatch):
    """`Peak` as a registered recorder, for this test."""
    monkeypatch.setattr(hh.recorders, "_entries", dict(hh.recorders._entries))
    hh.recorders.register("peak", Peak)


def values(path, *names):
    with xarray.open_dataset(path) as data:
        return [data[name].values for name in names]


RECORDS = [
    Record(),
    Record(features=("spike_count", "latency"), spikes=True, trace=("V", "m"), every=0.5),
    Record(features=(), spikes=True, threshold=0.0, rearm=-10.0, max_spikes=100),
    Record(features=("V_max",), window=(1.0, 5.0), threshold=-10.0),
    Record(features=(), trace=("V",), every=0.1),
]


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_comes_back_from_its_recorders(record):
    assert Record.of(record.recorders) == record
    assert canonical_record(record.recorders) == record.canonical()
    assert record_from_canonical(json.loads(json.dumps(record.canonical()))) == record.recorders


@pytest.mark.parametrize(
    "record",
    [
        (hh.Final(),),
        (hh.Trace("V", every=1.0), hh.Trace("m", every=2.0)),
        (hh.Spikes(), hh.Features(("rate",))),  # in another order than the table's
        (hh.Features(("rate",), threshold=0.0), hh.Spikes()),
        (hh.Features(("V_max",), window=(0.0, 1.0)), hh.Features(("V_min",), window=(1.0, 2.0)), hh.Final()),
    ],
)
def test_other_recorders_are_listed_with_their_parameters(record):
    entries = json.loads(json.dumps(canonical_record(record)))
    assert [hh.recorders[entry["kind"]] for entry in entries] == [type(r) for r in record]
    assert record_from_canonical(entries) == record


def test_the_spec_of_a_file_of_the_first_version_is_read():
    """As hhfast 0.1.0 wrote it."""
    text = """{"constraints": [], "dt": 0.025, "dtype": "float64", "format": 1, "initial": "model",
        "integrator": "exp_euler", "model": "hodgkin_huxley", "model_sha256": "", "parameters": {},
        "record": {"every": 0.5, "features": ["spike_count", "latency"], "max_spikes": null, "rearm": -30.0,
        "spikes": true, "threshold": -20.0, "trace": ["V"], "window": null}, "space": {},
        "stimulus": {"kind": "step", "start": 5.0}, "t_stop": 40.0}"""
    again = sweep_from_canonical(text, hh.models["hodgkin_huxley"], small().space)
    assert again.record == (hh.Features(("spike_count", "latency")), hh.Spikes(), hh.Trace("V", every=0.5))
    assert again.canonical["record"] == json.loads(text)["record"]
    assert again.sha256 == small().sha256


def test_recorders_of_any_kind_are_stored(tmp_path):
    record = [hh.Final(), hh.Features(("V_max",)), hh.Trace("V", every=1.0)]
    path = small(record).run(tmp_path / "out.h5", progress=False)
    final, largest, trace = values(path, "V_final", "V_max", "V")
    assert np.array_equal(final.astype(np.float32), trace[:, -1])
    assert (largest >= final).all()
    assert resimulate(path, 7).differing == ()


def test_a_single_recorder_needs_no_list():
    assert small(hh.Final()).record == (hh.Final(),)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("spikes", "record: 'spikes' is no recorder; give recorders, of spike_count, spikes"),
        ([hh.Spikes], r"record: Spikes is no recorder; call it, as Spikes\(...\)"),
        (3, "record: 3 is no recorder; give recorders, of"),
    ],
)
def test_what_is_no_recorder_is_refused(record, message):
    with pytest.raises(InputError, match=f"^{message}"):
        small(record)


def test_a_sweep_file_names_registered_recorders(tmp_path, registered):
    text = """\
model = "hodgkin_huxley"
t_stop = 40.0
[axes]
g_Na = { values = [100, 120] }
[[record.recorders]]
kind = "trace"
variables = ["m"]
every = 1.0
[[record.recorders]]
kind = "peak"
window = [0, 20]
"""
    (tmp_path / "scan.toml").write_text(text)
    sweep = hh.Sweep.from_toml(tmp_path / "scan.toml")
    assert sweep.record == (hh.Trace("m", every=1.0), Peak((0.0, 20.0)))
    path = sweep.run(tmp_path / "out.h5", progress=False)
    assert values(path, "V_max")[0].shape == (2,)
    again = resimulate(path, 1)
    assert again.text.endswith(": identical to the file")
    assert again.stored[-4:] == ("V_max", "reason", "n_steps", "n_rejected")
    assert "own" not in sweep.canonical


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('kind = "finale"', "record.recorders.0.kind: unknown recorder 'finale'; did you mean 'final'?"),
        ("every = 1", "record.recorders.0.kind: is missing; choose one of spike_count, spikes"),
        ('kind = "spikes"\nthreshhold = 1', "parameter of the recorder spikes 'threshhold'; did you mean 'threshold'?"),
        ('kind = "trace"\nevery = 1', "record.recorders.0: Trace: name at least one variable"),
        ('kind = "trace"\nvariables = ["W"]', "record.trace.variables: unknown variable 'W'"),
        ('kind = "features"', "record.recorders.0: "),
    ],
)
def test_a_mistake_in_a_recorder_is_one_line(tmp_path, entry, message):
    text = 'model = "hodgkin_huxley"\nt_stop = 40.0\n[axes]\ng_Na = { values = [1] }\n[[record.recorders]]\n'
    (tmp_path / "scan.toml").write_text(text + entry)
    with pytest.raises(InputError) as caught:
        hh.Sweep.from_toml(tmp_path / "scan.toml")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


# --- objects that no registry has ------------------------------------------------------------------------------------
def test_a_recorder_of_ones_own_works_and_its_spec_says_so(tmp_path):
    path = small([Peak(), hh.Spikes()]).run(tmp_path / "own.h5", progress=False)
    usual = small([hh.Features(("V_max",)), hh.Spikes()]).run(tmp_path / "usual.h5", progress=False)
    assert np.array_equal(values(path, "V_max"), values(usual, "V_max"))
    with xarray.open_dataset(path) as data:
        spec = json.loads(data.attrs["hhfast_spec"])
    (name,) = spec["own"]
    assert name == f"recorder {__name__}.Peak"
    assert spec["own"][name]["window"] is None
    assert spec["record"][0] == {"kind": f"{__name__}.Peak", "window": None}
    with pytest.raises(InputError, match=rf"own \(recorder {__name__}.Peak\), whose code is not in the file"):
        resimulate(path, 0)


def test_a_run_with_another_object_of_ones_own_is_another_sweep():
    assert small([Peak()]).sha256 == small([Peak()]).sha256
    assert small([Peak()]).sha256 != small([Peak((0.0, 1.0))]).sha256


def test_a_stimulus_object_is_the_same_as_its_table(tmp_path):
    table = {"kind": "step", "amplitude": 10.0, "start": 5.0}
    space = hh.Grid.of({"g_Na": [100.0, 120.0]})
    assert small(space=space, stimulus=hh.Step(10.0, start=5.0)).text == small(space=space, stimulus=table).text
    both = small(space=space, stimulus=hh.Step(10.0, start=5.0) + hh.Noise(sigma=1.0, tau=2.0))
    assert [entry["kind"] for entry in both.stimulus] == ["step", "noise"]
    assert both.text == small(space=space, stimulus=[table, {"kind": "noise", "sigma": 1.0, "tau": 2.0}]).text
    with pytest.raises(InputError, match=r"amplitude is an array; vary it in the space, as 'stimulus.amplitude'"):
        small(space=space, stimulus=hh.Step(np.array([1.0, 2.0])))


def test_a_kind_of_stimulus_of_ones_own_can_be_varied(tmp_path):
    mine = dataclasses.replace(hh.stimuli["step"], name="my_step")
    own = small(stimulus={"kind": mine, "start": 5.0})
    assert list(own.canonical["own"]) == ["stimulus my_step"]
    usual = small().run(tmp_path / "usual.h5", progress=False)
    path = own.run(tmp_path / "own.h5", progress=False)
    for a, b in zip(values(path, "V", "spike_count"), values(usual, "V", "spike_count"), strict=True):
        assert np.array_equal(a, b)
    with pytest.raises(InputError, match=r"own \(stimulus my_step\)"):
        resimulate(path, 0)


def test_an_integrator_of_ones_own_is_described_in_the_spec():
    mine = dataclasses.replace(hh.integrators["rk4"], name="my_rk4")
    sweep = small(integrator=mine)
    assert sweep.canonical["integrator"] == "my_rk4"
    assert "weight" in json.dumps(sweep.canonical["own"]["integrator my_rk4"])  # the text of its stages
    assert small(integrator=hh.integrators["rk4"]).text == small(integrator="rk4").text
    with pytest.raises(InputError, match="dt_max: only for adaptive integrators; my_rk4 takes steps of dt"):
        small(integrator=mine, dt_max=1.0)


def test_an_integrator_of_ones_own_works(tmp_path):
    pytest.importorskip("hhfast.batch.method", reason="simulate takes names of integrators only")
    mine = dataclasses.replace(hh.integrators["exp_euler"], name="mine")
    path = small(integrator=mine).run(tmp_path / "own.h5", progress=False)
    usual = small().run(tmp_path / "usual.h5", progress=False)
    assert np.array_equal(values(path, "V"), values(usual, "V"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"features": 3}, "record.features: is 3"),
        ({"features": "V_max"}, "give a list of names"),
        ({"threshold": "x"}, "record.threshold: is 'x'"),
        ({"trace": ("V",), "every": "a"}, "record.every: is 'a'"),
        ({"spikes": "yes"}, "give true or false"),
    ],
)
def test_values_of_the_wrong_kind_are_told(changes, told):
    with pytest.raises(InputError, match=told):
        Record(**changes)

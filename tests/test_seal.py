"""The seal of a result: no changed byte passes, and what is not ours is refused before anything of it is followed."""

import json
import os
import random

import h5py
import numpy as np
import pytest
import xarray
from made_up_run import make_run, merged, write_shard
from sweeps import FEATURES, small

from hhfast.errors import Incomplete, InputError
from hhfast.sweep import Grid, to_csv
from hhfast.sweep import resimulate as resimulating
from hhfast.sweep.merge import merge_parts
from hhfast.sweep.run_directory import RunDirectory
from hhfast.sweep.run_failures import explained
from hhfast.sweep.store import ResultFile
from hhfast.sweep.store.seal import add_seal
from hhfast.sweep.verify import verify_output

SEAL = 256  # bytes at the end


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sealed")
    return merged(make_run(folder)).read_bytes()


@pytest.mark.core
def test_no_flipped_or_missing_byte_passes(tmp_path, sealed):
    """One bit, anywhere, the seal itself included; and the file cut anywhere."""
    path, chance = tmp_path / "out.h5", random.Random(15)
    for case in range(600):
        data = bytearray(sealed)
        if case % 3:
            at = len(data) - 1 - case if case < 2 * SEAL else chance.randrange(len(data))
            data[at] ^= 1 << chance.randrange(8)
        else:
            data = data[: chance.randrange(len(data))]
        path.write_bytes(data)
        with pytest.raises(InputError) as caught:
            ResultFile(path)
        assert str(caught.value).startswith(str(path))
        assert verify_output(path).problems
    path.write_bytes(sealed)
    assert not verify_output(path).problems
    assert "the whole file matches its seal" in verify_output(path).summary


def test_a_result_of_an_earlier_version_opens_with_a_word(tmp_path, sealed):
    path = tmp_path / "out.h5"
    path.write_bytes(sealed)
    with h5py.File(path, "r+") as file:
        del file.attrs["hhfast_sealed"]
    assert path.stat().st_size == len(sealed) - SEAL  # HDF5 cuts off what is not its own
    with ResultFile(path) as result:
        assert not result.sealed
        assert result.n_rows == 25
    assert "before files were sealed" in verify_output(path).summary


def test_a_result_that_was_edited_is_told(tmp_path, sealed):
    path = tmp_path / "out.h5"
    path.write_bytes(sealed)
    with h5py.File(path, "r+") as file:
        file["rate"].attrs["units"] = "kHz"
    assert "its seal, at its end, is gone" in verify_output(path).problems[0]


def test_other_programs_open_a_sealed_file(tmp_path, sealed):
    path = tmp_path / "out.h5"
    path.write_bytes(sealed)
    for engine in ("h5netcdf", "netcdf4", None):
        with xarray.open_dataset(path, engine=engine) as data:
            assert data.sizes["run"] == 25


def external_link(file):
    del file["rate"]
    file["rate"] = h5py.ExternalLink("/dev/zero", "/x")


def soft_link(file):
    del file["rate"]
    file["rate"] = h5py.SoftLink("/status")


def external_storage(file):
    del file["rate"]
    file.create_dataset("rate", (25,), "u1", external=[("/etc/passwd", 0, 25)])


def virtual(file):
    del file["rate"]
    layout = h5py.VirtualLayout((25,), "f8")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (25,))
    file.create_virtual_dataset("rate", layout)


def many_rows(file):
    for name in ("run", "status", "rate"):
        kind = file[name].dtype
        del file[name]
        file.create_dataset(name, (1_000_000_000,), kind, chunks=(1024,), compression="gzip")


def one_row_more(file):
    del file["rate"]
    file["rate"] = np.zeros(26)


def text(file):
    del file["rate"]
    file["rate"] = ["a"] * 25


def compound(file):
    del file["rate"]
    file["rate"] = np.zeros(25, [("a", "f8"), ("b", "f8")])


def group(file):
    file.create_group("more")


def many_dimensions(file):
    file["extra"] = np.zeros((25, 1, 1, 1))


def no_status(file):
    del file["status"]


def scalar(file):
    file["one"] = 1.0


def other_filter(file):
    file.create_dataset("extra", data=np.zeros(25), chunks=(25,), scaleoffset=2)


def strange_grid(file):
    file.attrs["hhfast_grid_shape"] = [5, 6]


def huge_grid(file):
    file.attrs["hhfast_grid_shape"] = [-25]


def deep_spec(file):
    file.attrs["hhfast_spec"] = '{"space": ' + "[" * 60_000


def spec_of_another_kind(file):
    file.attrs["hhfast_spec"] = json.dumps({"space": {"axes": 3}})


def spec_is_a_number(file):
    file.attrs["hhfast_spec"] = 3


def unknown_parameters(file):
    file.attrs["hhfast_parameters"] = "g_Na nowhere"


HOSTILE = [
    external_link, soft_link, external_storage, virtual, many_rows, one_row_more, text, compound, group, scalar,
    many_dimensions, no_status, other_filter, strange_grid, huge_grid, deep_spec, spec_of_another_kind,
    spec_is_a_number, unknown_parameters,
]  # fmt: skip


@pytest.mark.parametrize("change", HOSTILE, ids=lambda change: change.__name__)
def test_a_hostile_result_is_refused_unread(tmp_path, sealed, change):
    """Whoever makes the file can seal it, too: what is in it must not matter."""
    from hhfast.sweep.store.seal import add_seal

    path = tmp_path / "out.h5"
    path.write_bytes(sealed)
    with h5py.File(path, "r+") as file:
        change(file)
    with path.open("r+b", buffering=0) as raw:
        add_seal(raw)
    with pytest.raises(InputError) as caught:
        ResultFile(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError):
        to_csv(path, tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


def test_a_row_of_a_hostile_file_is_not_simulated_without_end(tmp_path, monkeypatch):
    """Whatever number of steps the spec in the file allows: a row that takes too many is given up."""
    monkeypatch.setattr(resimulating, "_MOST_STEPS", 30_000)
    space = Grid.of({"C_m": [1.0, 1e-3], "stimulus.amplitude": [10.0]})
    sweep = small(FEATURES, space=space, integrator="tsit5", max_steps=1000, t_stop=20.0)
    path = sweep.run(tmp_path / "out.h5", progress=False)
    with h5py.File(path, "r+") as file:
        file.attrs["hhfast_spec"] = file.attrs["hhfast_spec"].replace('"max_steps": 1000', f'"max_steps": {2**62}')
        assert str(2**62) in file.attrs["hhfast_spec"]
    with path.open("r+b", buffering=0) as raw:
        add_seal(raw)
    fast, endless = (resimulating.resimulate(path, row).traces for row in (0, 1))
    assert fast.status[0] == 0
    assert endless.status[0] == 3
    assert endless["n_steps"][0] + endless["n_rejected"][0] <= 31_000


def test_a_pipe_is_no_result(tmp_path):
    os.mkfifo(tmp_path / "pipe.h5")
    with pytest.raises(InputError, match="is not a file"):
        ResultFile(tmp_path / "pipe.h5")
    with pytest.raises(InputError, match="is not a file"):
        ResultFile("/dev/zero")


@pytest.mark.parametrize("change", [external_link, external_storage, virtual, many_rows, text, no_status, group],
                         ids=lambda change: change.__name__)  # fmt: skip
def test_a_hostile_shard_with_a_sound_checksum_is_not_merged(tmp_path, change):
    """A folder of parts may come from anywhere."""
    run = make_run(tmp_path)
    write_shard(run, 1)
    header, image = run.read(1)
    copy = tmp_path / "shard.h5"
    copy.write_bytes(image)
    with h5py.File(copy, "r+") as file:
        change(file)
    run.write(header, copy.read_bytes())
    with pytest.raises(Incomplete, match="damaged"), explained(run.out):
        merge_parts(run.out, [], progress=False)
    assert not run.out.exists()


def test_the_plan_of_a_run_has_a_checksum(tmp_path):
    run, chance = make_run(tmp_path), random.Random(15)
    path = run.folder / "spec.json"
    plan = path.read_bytes()
    for _ in range(400):
        data = bytearray(plan)
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(data)
        if b'"hhfast_parts"' not in data or data.replace(b" ", b"") != plan.replace(b" ", b""):
            with pytest.raises(InputError, match=r"spec\.json"):
                RunDirectory.open(run.folder)
    path.write_text('{"hhfast_parts": ' + "[" * 50_000)
    with pytest.raises(InputError, match="not readable"):
        RunDirectory.open(run.folder)

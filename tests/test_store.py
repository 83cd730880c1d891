"""Result files: laid out as promised, readable everywhere, and no damage goes unnoticed."""

import h5py
import numpy as np
import pytest
import xarray
from made_up_run import made_up, make_run, merged

from hhfast.errors import InputError
from hhfast.sweep.store import ResultFile, check_digests


@pytest.mark.parametrize("engine", ["h5netcdf", "netcdf4"])
@pytest.mark.parametrize("spikes", [True, False])
@pytest.mark.core
def test_xarray_opens_a_result(tmp_path, engine, spikes):
    merged(make_run(tmp_path, spikes=spikes))
    with xarray.open_dataset(tmp_path / "out.h5", engine=engine) as data:
        assert set(data.coords) == {"run", "g_Na", "stimulus.amplitude", "time"}
        assert data.sizes == {"run": 25, "time": 5, "spike": made_up(0, 25, spikes).spike_time.size}
        assert data["g_Na"].attrs["units"] == "mS cm-2"
        assert data["rate"].attrs == data["rate"].attrs | {"units": "Hz", "long_name": "mean firing rate"}
        assert data["V"].dims == ("run", "time")
        assert data["spike_count"].attrs["sample_dimension"] == "spike"
        assert data["spike_count"].dtype == np.int32  # a fill value would have made it a float
        assert data["status"].attrs["flag_meanings"].split()[:2] == ["ok", "diverged"]
        assert data["time"].dtype == np.float64
        assert np.array_equal(data["V"].values, made_up(0, 25)["V"].astype(np.float32))


def test_a_result_is_laid_out_as_promised(tmp_path):
    """gzip-1 and shuffle for integers and traces, nothing for float features, no fill value on integers."""
    merged(make_run(tmp_path))
    with h5py.File(tmp_path / "out.h5") as file:
        for name in ("V", "spike_count", "status", "run"):
            assert (file[name].compression, file[name].compression_opts, file[name].shuffle) == ("gzip", 1, True)
        assert file["rate"].compression is None
        assert all("_FillValue" not in dataset.attrs for dataset in file.values())
        assert file["rate"].chunks == (8,)


@pytest.mark.core
def test_a_flipped_bit_of_a_result_is_noticed(tmp_path):
    merged(make_run(tmp_path))
    with h5py.File(tmp_path / "out.h5", "r+") as file:
        file["rate"][3] += 1e-12
    assert check_digests(tmp_path / "out.h5") == ["variable 'rate' does not match its checksum"]


@pytest.mark.parametrize("content", [b"", b"no hdf5", b"\x89HDF\r\n\x1a\n cut short"])
def test_what_is_no_result_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "x.h5").write_bytes(content)
    with pytest.raises(InputError) as caught:
        ResultFile(tmp_path / "x.h5")
    assert "\n" not in str(caught.value)

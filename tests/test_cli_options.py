"""Lists of numbers and parameters as they are typed."""

import numpy as np
import pytest

import hhfast as hh
from hhfast.cli.options import interval, numbers, parameters


def test_numbers():
    """Lists and ranges, both ends included."""
    assert numbers("1,2.5").tolist() == [1.0, 2.5]
    np.testing.assert_allclose(numbers("0:1:0.1"), np.linspace(0, 1, 11))
    assert numbers("2:0:-1").tolist() == [2.0, 1.0, 0.0]
    for bad in ("a", "1:2", "1,,2", ""):
        with pytest.raises(hh.InputError, match="start:stop:step"):
            numbers(bad)
    with pytest.raises(hh.InputError, match="never lead from 2 to 1; write 2:1:-1"):
        numbers("2:1:1")
    with pytest.raises(hh.InputError, match="step other than 0"):
        numbers("0:1:0")
    with pytest.raises(hh.InputError, match="larger steps"):
        numbers("0:1:1e-9")
    with pytest.raises(hh.InputError, match="finite"):
        numbers("1,nan")
    np.testing.assert_allclose(numbers("log:0.1:100:4"), [0.1, 1, 10, 100])
    for bad in ("log:0:1:3", "log:2:1:3", "log:1:2", "log:1:2:2.5", "log:1:2:1", "log:1:inf:3", "log:a:1:3"):
        with pytest.raises(hh.InputError, match="log:low:high:n"):
            numbers(bad)


def test_interval():
    """Two numbers, the smaller first."""
    assert interval("-1,2") == (-1.0, 2.0)
    for bad in ("1", "2,1", "1,1", "1,2,3"):
        with pytest.raises(hh.InputError, match="the smaller first"):
            interval(bad)


def test_parameters():
    """A single value goes to all cells."""
    found = parameters(["g_Na=100,120", "g_L=0.3"])
    assert {k: v.tolist() for k, v in found.items()} == {"g_Na": [100.0, 120.0], "g_L": [0.3, 0.3]}
    assert parameters(None) == {}
    with pytest.raises(hh.InputError, match="NAME=VALUE"):
        parameters(["g_Na"])

"""Features that users register: what cannot be a feature is told in one line, before a file is begun or at once."""

import numpy as np
import pytest

import hhfast as hh
from hhfast.errors import InputError


@pytest.fixture(autouse=True)
def _registered_here_alone(monkeypatch):
    """What a test registers is gone after it: other tests walk over all features."""
    monkeypatch.setattr(hh.features, "_entries", dict(hh.features))


def feature(value=lambda of: of["V_max"], unit="mV", long_name="highest potential", needs=("extremes",), **more):
    return hh.Feature(unit, long_name, needs, value, **more)


@pytest.mark.parametrize("name", ["", None, 3, "a b", "</script>", "x" * 500, "status", "run", "1st", "\x1b[31m"])
def test_what_is_no_name(name):
    with pytest.raises(InputError, match="feature"):
        hh.features.register(name, feature())
    assert name not in hh.features


@pytest.mark.parametrize(
    "wrong",
    [{"unit": None}, {"long_name": "a\nb"}, {"needs": ("nonsense",)}, {"needs": "extremes"}, {"value": 3},
     {"aliases": ("a b",)}],
)  # fmt: skip
def test_what_is_no_feature(wrong):
    with pytest.raises(InputError):
        feature(**wrong)


@pytest.mark.parametrize(
    ("number", "value", "told"),
    [
        (0, lambda of: 1 / 0, "ZeroDivisionError"),
        (1, lambda of: of["nothing"], "KeyError"),
        (2, lambda of: np.zeros(7), "shape"),
        (3, lambda of: np.zeros((2, 2)), "shape"),
        (4, lambda of: "abc", "give a number"),
        (5, lambda of: np.array([None, None]), "give a number"),
        (6, lambda of: of["V_max"] + 1j, "complex128"),
    ],
)
def test_functions_that_give_no_number_for_each_cell(passive, number, value, told):
    name = f"own_{number}"
    hh.features.register(name, feature(value))
    with pytest.raises(InputError, match=rf"feature '{name}'.*{told}"):
        hh.simulate(passive, {"g_L": np.array([0.1, 0.2])}, t_stop=1.0, record=hh.Features(name))


def test_an_alias_takes_no_name_from_another(passive):
    hh.features.register("own_alias", feature(lambda of: of["V_max"] + 1000.0, aliases=("V_min",)))
    assert hh.simulate(passive, t_stop=1.0, record=hh.Features("V_min"))["V_min"] < 0


@pytest.mark.parametrize("name", [["status"], None, 3, {}])
def test_results_are_asked_by_names(passive, name):
    with pytest.raises(KeyError, match="unknown result variable"):
        hh.simulate(passive, t_stop=1.0)[name]


@pytest.mark.parametrize("initial", [[[]], [["rest"], "rest"], [{"V": [1.0, 2.0]}]])
def test_cells_that_start_in_no_way(passive, initial):
    """An empty entry left the states of its cell unset."""
    with pytest.raises(InputError, match="initial"):
        hh.simulate(passive, t_stop=1.0, initial=initial)

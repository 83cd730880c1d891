"""Registries: mappings that suggest the nearest name, and to which users can add."""

import pytest

from hhfast.errors import InputError, UnknownName
from hhfast.registry import Registry


@pytest.fixture
def fruits():
    return Registry("fruit", {"apple": 1, "pear": 2})


def test_a_missing_name_suggests_the_nearest(fruits):
    with pytest.raises(UnknownName, match=r"^unknown fruit 'appel'; did you mean 'apple'\?$"):
        fruits["appel"]
    with pytest.raises(KeyError, match=r"^unknown fruit 'cucumber'; known: apple, pear$"):
        fruits["cucumber"]


def test_an_entry_can_be_added_once(fruits):
    fruits.register("plum", 3)
    assert fruits["plum"] == 3
    assert list(fruits) == ["apple", "pear", "plum"]
    with pytest.raises(InputError, match=r"^fruit 'apple' exists already; choose another name$"):
        fruits.register("apple", 4)
    assert fruits["apple"] == 1


def test_entries_may_be_found_when_they_are_first_needed():
    calls = []

    def found():
        calls.append(1)
        return {"apple": 1}

    fruits = Registry("fruit", found)
    assert calls == []
    assert (fruits["apple"], len(fruits), list(fruits)) == (1, 1, ["apple"])
    assert calls == [1]

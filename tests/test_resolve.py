"""Which model a user means."""

from pathlib import Path

import pytest

import hhfast as hh
from hhfast.model.resolve import find_model


def test_a_model_by_name_file_or_itself(tmp_path):
    """A library name, a path (relative to a folder), a Model."""
    squid = hh.models["hodgkin_huxley"]
    assert find_model("hodgkin_huxley") is squid
    assert find_model(squid) is squid
    (tmp_path / "mine.toml").write_text(squid.to_toml(), encoding="utf-8")
    for given, folder in (("mine.toml", tmp_path), (Path("mine.toml"), tmp_path), (tmp_path / "mine.toml", Path())):
        assert find_model(given, folder).parameters == squid.parameters


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("hodgkin_huxly", r"unknown model 'hodgkin_huxly'; did you mean 'hodgkin_huxley'\? \(a model file ends"),
        ("missing.toml", "missing.toml: cannot read the model file"),
        (Path("folder"), "folder: cannot read the model file"),
        ("folder/model", "cannot read the model file"),
    ],
)
def test_what_is_no_model(given, message):
    """The nearest name, or why the file is none."""
    with pytest.raises(hh.InputError, match=message):
        find_model(given)

"""The directory of a run: what is not ours is left alone."""

import pytest
from made_up_run import make_run, names

from hhfast.errors import InputError
from hhfast.sweep.plan import Plan
from hhfast.sweep.run_directory import RunDirectory, remove_run


def test_removing_a_run_leaves_what_is_not_ours(tmp_path):
    run = make_run(tmp_path)
    (run.folder / "notes.txt").write_text("mine")
    run.set_aside(0)
    remove_run(run.folder)
    assert names(run.folder) == {"batch-00000000.h5.damaged", "notes.txt"}


def test_a_directory_with_other_files_is_not_taken(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files \(notes.txt\)"):
        RunDirectory.create(tmp_path, Plan("{}", "s" * 64, "", 1, 1, {}))

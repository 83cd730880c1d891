"""Durable files: whole or absent."""

from made_up_run import limited

from hhfast.sweep.durable_files import write_durably


def test_a_full_disk_leaves_no_half_written_file(tmp_path):
    body = """
        from pathlib import Path
        from hhfast.sweep.durable_files import write_durably
        try:
            write_durably(Path("x"), bytes(100_000))
        except OSError as error:
            print(error.strerror)
    """
    done = limited(50_000, body, tmp_path)
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("File too large", "", 0)
    assert list(tmp_path.iterdir()) == []


def test_a_durable_write_replaces_as_a_whole(tmp_path):
    write_durably(tmp_path / "x", b"old")
    write_durably(tmp_path / "x", b"new", memoryview(b"er"))
    assert (tmp_path / "x").read_bytes() == b"newer"
    assert len(list(tmp_path.iterdir())) == 1

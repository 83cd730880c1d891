"""Paths that are no files, or no names: every command refuses them in one line, waits for none, and writes nothing."""

import os
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import mod_files
import pytest
from commands import SCAN, hhfast, names, refused
from processes import ROOT, run_python

READS = {  # where @ is read -> how files of that kind end
    "run @ -o new.h5": ".toml", "run @": ".toml", "status @": ".h5", "merge @": ".h5", "merge new.h5 @": "", "info @": ".h5",
    "plot @": ".h5", "trace @ --row 0": ".h5", "trace @ --where rate>0": ".h5", "select @ --where rate>0": ".h5",
    "select out.h5 --ranges @": ".toml", "verify @": ".h5", "export @ new.csv": ".h5", "models @": ".toml",
    "models @ --neuroml -o new.nml": ".toml", "explore @": ".h5", "explore @ -o new.html": ".toml", "simulate @": ".toml",
    "source @": ".toml", "clamp @ --levels 0": ".toml", "prc @ --current 10": ".toml", "trials @": ".toml",
    "fit hodgkin_huxley @ --free g_Na=80:160": ".csv", "fit @ recorded.csv --free g_Na=80:160": ".toml",
    "fit hodgkin_huxley recorded.csv --stimulus @ --free g_Na=80:160": ".csv", "import @": ".mod", "import @ -o new.toml": ".nml",
}  # fmt: skip
WRITES = {
    "run scan.toml -o @": ".h5", "run scan.toml --fresh -o @": ".h5", "run scan.toml --part 1/2 -o @": ".h5",
    "plot out.h5 -o @": ".png", "trace out.h5 --row 0 -o @": ".png", "select out.h5 --where rate>0 -o @": ".csv",
    "select out.h5 --where spike_count>0 -o @": ".png", "export out.h5 @": ".csv", "export out.h5 @ ": ".parquet",
    "export out.h5 @ --row 0": ".nwb", "simulate hodgkin_huxley -o @": ".png", "clamp hodgkin_huxley --levels 0 -o @": ".png",
    "prc hodgkin_huxley --current 10 -o @": ".png", "trials hodgkin_huxley -o @": ".png", "models hodgkin_huxley -o @": ".svg",
    "models hodgkin_huxley --neuroml -o @": ".nml", "explore hodgkin_huxley -o @": ".html", "explore out.h5 -o @": ".html",
    "import channel.mod -o @": ".toml", "import channel.mod --report @": ".png", "new @": "",
    "fit hodgkin_huxley recorded.csv --free g_Na=80:160 -o @": ".pdf",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A result, and what else commands read, in the working folder."""
    found = tmp_path_factory.mktemp("paths")
    before = Path.cwd()
    os.chdir(found)
    Path("scan.toml").write_text(SCAN)
    Path("channel.mod").write_text(mod_files.SQUID)
    Path("recorded.csv").write_text("time,V\n" + "".join(f"{0.1 * k},-65\n" for k in range(200)))
    assert hhfast("run", "scan.toml", "-o", "out.h5").exit_code == 0
    yield found
    os.chdir(before)


def strange(ending, *, is_read):
    """Paths with that ending, by what is wrong with them; those of things are made."""
    Path("folder" + ending).mkdir()
    os.mkfifo("pipe" + ending)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket" + ending)
    for name, target in (("zero", "/dev/zero"), ("full", "/dev/full"), ("loop", "loop" + ending), ("gone", "no/where")):
        Path(name + ending).symlink_to(target)
    found = {name: name + ending for name in ("pipe", "socket", "zero", "full", "loop", "gone")}
    found |= {"long": "x" * 5000 + ending, "deep": "y/" * 3000 + "x" + ending, "inside a file": "out.h5/x" + ending}
    found |= {"zero byte": "a\0b" + ending, "device": "/dev/zero"}
    if ending or is_read:  # `new` makes and fills these
        found |= {"folder": "folder" + ending, "empty": "", "dot": "."}
        found |= {"line breaks": "no\nsuch/a\nb" + ending, "escapes": "\x1b[31mno/\x1b]0;t\x07" + ending}
        found |= {"bytes": "no\udcff/\udcfe" + ending, "markup": "[red]no[/red]/x" + ending}
    if is_read:
        found["dash"] = "-x" + ending
    return found


@contextmanager
def patience(seconds):
    """No longer than that: an opened pipe is waited for, a device read, for ever."""

    def late(number, frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def everything():
    """All below the working folder, with what would show a change."""
    below = (path.lstat() for path in sorted(Path().rglob("*")))
    return [(found.st_ino, found.st_mode, found.st_mtime_ns if stat.S_ISREG(found.st_mode) else 0) for found in below]


def remove(path):
    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()


@pytest.mark.skipif(sys.platform != "linux", reason="devices and pipes of Linux")
@pytest.mark.parametrize(
    ("command", "ending", "is_read"),
    [(c, e, True) for c, e in READS.items()] + [(c, e, False) for c, e in WRITES.items()],
)
def test_what_is_no_file_or_no_name_is_refused(folder, command, ending, is_read):
    there = set(folder.iterdir())
    paths = strange(ending, is_read=is_read)
    before = everything()
    for kind, path in paths.items():
        with patience(20):
            line = refused(*(path if word == "@" else word for word in command.split()))
        assert len(line) <= 300, kind
        assert line.isprintable(), kind
        assert everything() == before, kind
    for path in set(folder.iterdir()) - there:
        remove(path)


@pytest.mark.skipif(sys.platform == "win32", reason="no such names there")
@pytest.mark.parametrize("name", ["-\n\x1b[31m\udcff[red]", *(pytest.param(x, marks=pytest.mark.slow) for x in
                                  ("-x", "a\nb", "\x1b[31mx", "\udcff", "[red]x"))], ids=ascii)  # fmt: skip
def test_names_that_are_only_unusual_are_names(folder, tmp_path, monkeypatch, name):
    """After `--`, or as the value of an option; what is said of them has no escapes."""
    monkeypatch.chdir(tmp_path)
    for words in (("run", folder / "scan.toml", "-o", f"{name}.h5"), ("info", "--", f"{name}.h5"),
                  ("select", "--where", "spike_count > 0", "-o", f"{name}.csv", "--", f"{name}.h5"),
                  ("plot", "-o", f"{name}.svg", "--", f"{name}.h5"),
                  ("explore", "-o", f"{name}.html", "--", f"{name}.h5"), ("models", "hodgkin_huxley", "--neuroml", "-o", f"{name}.nml")):  # fmt: skip
        result = hhfast(*words)
        assert result.exit_code == 0, (words, result.output, result.exception)
        assert "\x1b" not in result.output
    assert names(tmp_path) == sorted(name + ending for ending in (".h5", ".csv", ".svg", ".html", ".nml"))


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_what_is_written_through_a_link_is_where_it_points(folder, tmp_path):
    """And it stays a link."""
    (tmp_path / "elsewhere").mkdir()
    for words, ending in ((("plot", "out.h5"), ".svg"), (("models", "hodgkin_huxley", "--neuroml"), ".nml"), (("explore", "out.h5"), ".html"),
                          (("import", "channel.mod"), ".toml")):  # fmt: skip
        target, link = tmp_path / "elsewhere" / f"x{ending}", tmp_path / f"x{ending}"
        target.write_text("before")
        link.symlink_to(target)
        assert hhfast(*words, "-o", link).exit_code == 0
        assert link.is_symlink()
        assert len(target.read_text()) > 100
    assert len(names(tmp_path / "elsewhere")) == 4


# Root may write everywhere; without this right (and only this), it is refused like anyone.
ORDINARY = """
import ctypes, json, os, sys
if os.geteuid() == 0:
    PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
ALL = """
import json, os, sys
from commands import hhfast
if os.access("fixed", os.W_OK):
    sys.exit("writable")
for words in json.loads(sys.argv[1]):
    result = hhfast(*words)
    print(json.dumps([words, result.exit_code, result.output]))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="folders are not read-only there")
def test_a_read_only_folder_is_refused(folder):
    import json

    (folder / "fixed").mkdir(mode=0o555)
    commands = [[f"fixed/x{end}" if word == "@" else word for word in c.split()] for c, end in WRITES.items()]
    done = subprocess.run([sys.executable, "-c", ORDINARY, "-c", ALL, json.dumps(commands)], capture_output=True, text=True,
                          check=False, env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"})  # fmt: skip
    if done.stderr == "writable\n":
        pytest.skip("this root cannot give up its right to write everywhere")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(WRITES), done.stderr
    for words, code, told in answers:
        assert (code, told.count("\n"), told[:7]) == (2, 1, "error: "), (words, told)
    assert names(folder / "fixed") == []
    (folder / "fixed").rmdir()


# --- the environment --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "value"),
    [("HHFAST_COMPILER", "nonsense"), ("HHFAST_COMPILER", "python"), ("HHFAST_COMPILER", "\x1b[31m" + "x\n" * 5000), ("HHFAST_DEBUG", "yes")],
)  # fmt: skip
def test_a_setting_that_is_none_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    line = refused("simulate", "hodgkin_huxley", "--t-stop", "1")
    assert line.startswith(f"error: {name} = ")
    assert len(line) <= 300
    assert line.isprintable()


@pytest.mark.parametrize("place", ["/dev/null", "x" * 5000, "pipe", "pi\npe\x1b[31m"], ids=range(4))
def test_a_cache_folder_that_is_none_costs_one_line(tmp_path, monkeypatch, place):
    """Kernels are compiled in memory then."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    os.mkfifo("pi\npe\x1b[31m")
    code = """
import warnings
from hhfast.kernel.jit import cache
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    for name in "ab":
        cache.save(name, cache.ObjectCode("x", (), b""))
        assert cache.load(name) is None
(line,) = [str(w.message) for w in told]
assert len(line) <= 300 and line.isprintable() and "kernels are not kept" in line, line
print("one line")
"""
    assert run_python(code, HHFAST_CACHE_DIR=place) == "one line\n"

"""Which code a run depends on: what decides its rows, by its meaning, and nothing else."""

import shutil
from pathlib import Path

import pytest
from sweeps import small

import hhfast as hh
from hhfast.sweep import provenance
from hhfast.sweep.syntax_tree import fingerprint

SOURCE = '''\
"""A module."""
import math


class A:
    """A class."""

    x: int = 1


def f(a, *, b=2.0):
    """A function."""
    # a comment
    return [a + b, math.exp(-a)] if a else f"{a}"
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a comment", "# another"),
        ('"""A module."""\n', ""),
        ('    """A class."""\n\n', ""),
        ("A function.", "Another text."),
        ("a + b", "(a+b)"),
        ("\n\n\nclass", "\n\nclass"),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(old, new):
    assert old in SOURCE
    assert fingerprint(SOURCE.replace(old, new)) == fingerprint(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("a + b", "b + a"), ("2.0", "2"), ("exp(-a)", "exp(a)"), ("x: int = 1", "y: int = 1"), ("if a else", "if b else"),
     ("*, b", "b"), ("import math", "import cmath as math")],
)  # fmt: skip
def test_another_meaning_is_noticed(old, new):
    assert old in SOURCE
    assert fingerprint(SOURCE.replace(old, new)) != fingerprint(SOURCE)


def test_a_part_of_a_statement_has_a_fingerprint_too():
    assert fingerprint("  key=lambda x: x)\n") != fingerprint("  key=lambda x: -x)\n")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A copy of the package that may be edited, as the one whose code is compared."""
    copy = shutil.copytree(Path(hh.__file__).parent, tmp_path / "hhfast", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(provenance, "files", lambda name: copy)
    provenance._code.cache_clear()
    yield copy
    provenance._code.cache_clear()


def code(sweep):
    provenance._code.cache_clear()
    return provenance.versions(sweep)["code"]


def edit(path):
    path.write_text(path.read_text(encoding="utf-8") + "\nchanged = 1\n", encoding="utf-8")


def test_a_run_depends_on_the_code_that_decides_its_rows(package):
    sweep = small()
    before = code(sweep)
    for place in ("progress.py", "sweep/checks.py", "sweep/export.py", "analysis/rheobase.py", "figures/sweeps.py"):
        edit(package / place)
    (package / "batch" / "simulate.py").write_text("# a comment\n" + (package / "batch" / "simulate.py").read_text())
    assert code(sweep) == before
    seen = {before}
    for place in ("model/formulas.py", "parts/stimuli.py", "kernel/spec.py", "kernel/math/phi.py", "batch/simulate.py",
                  "sampling/sobol.py", "sweep/space.py", "sweep/store/layout.py"):  # fmt: skip
        edit(package / place)
        seen.add(code(sweep))
    assert len(seen) == 9


def test_the_hash_is_found_once(package, tmp_path, monkeypatch):
    """As long as no source changes, it is kept with the kernels; a file of it that is damaged does no harm."""
    monkeypatch.setenv("HHFAST_CACHE_DIR", str(tmp_path / "cache"))
    found, sweep, original = [], small(), provenance.fingerprint
    monkeypatch.setattr(provenance, "fingerprint", lambda *sources: (found.append(1), original(*sources))[1])
    first = code(sweep)
    assert code(sweep) == first
    assert len(found) == 1
    (file,) = (tmp_path / "cache" / "kernels").glob("c_*")
    file.write_bytes(file.read_bytes().replace(first.encode(), first[::-1].encode()))
    assert code(sweep) == first
    assert len(found) == 2


def test_an_analysis_depends_on_the_code_of_analyses(package):
    analysis = {"kind": "rheobase", "width": 1.0}
    sweep = hh.Sweep("hodgkin_huxley", hh.Grid.of({"g_Na": [120.0]}), 100.0, analysis=analysis)
    before = code(sweep)
    edit(package / "analysis" / "rheobase.py")
    assert code(sweep) != before


def test_every_place_that_decides_rows_exists(package):
    assert [place for place in (*provenance._ROWS, *provenance._ANALYSIS) if not (package / place).exists()] == []

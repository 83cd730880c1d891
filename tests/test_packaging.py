"""What pyproject.toml promises: bounds that are tested, one version, and types in the package."""

import re
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import hhfast

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RUNNING = [Requirement(text) for text in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["xarray"])]
OLDEST = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / ".ci" / "oldest.txt").read_text(), re.MULTILINE))


@pytest.mark.parametrize("requirement", RUNNING, ids=lambda requirement: requirement.name)
def test_every_lower_bound_is_tested(requirement):
    """By `.ci/run`, with exactly that version."""
    (lowest,) = (specifier.version for specifier in requirement.specifier if specifier.operator == ">=")
    assert Version(OLDEST[requirement.name]) == Version(lowest)


@pytest.mark.parametrize("requirement", RUNNING, ids=lambda requirement: requirement.name)
def test_what_is_installed_is_allowed(requirement):
    """So each upper bound lies above what the tests run with."""
    assert requirement.specifier.contains(metadata.version(requirement.name))


def test_compilers_have_upper_bounds():
    """Of both, private names are used."""
    for name in ("numba", "llvmlite"):
        (requirement,) = (r for r in RUNNING if r.name == name)
        assert any(specifier.operator == "<" for specifier in requirement.specifier)


def test_the_version_stands_in_one_place():
    assert "version" in PROJECT["dynamic"]
    assert Version(hhfast.__version__).release >= (0, 2)
    text = (ROOT / "hhfast" / "__init__.py").read_text()
    assert text.count(hhfast.__version__) == 1


def test_types_are_part_of_the_package():
    folder = Path(hhfast.__file__).parent
    assert (folder / "py.typed").exists()
    assert (folder / "__init__.pyi").exists()


def test_the_citation_names_this_version():
    text = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (\S+)$", text, re.MULTILINE)[1] == hhfast.__version__


def test_addresses_are_those_of_one_repository():
    assert all(url.startswith("https://github.com/hhfast/hhfast") for url in PROJECT["urls"].values())


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(sdist, wheel), the wheel made from the sdist, as an index would get them."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, ROOT], check=True, capture_output=True)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.mark.slow
def test_the_sdist_holds_what_makes_and_checks_it(built):
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for path in ("examples/fi_scan.toml", "docs/conf.py", "docs/howto/a_one_spike.py", "tests/test_packaging.py",
                 "benchmarks/compare.py", ".ci/oldest.txt", "CITATION.cff", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md"):  # fmt: skip
        assert path in names
    assert not {name for name in names if name.startswith(("docs/_build", "docs/live", "docs/models"))}


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_and_no_other(built):
    """Models, templates, scripts of pages and types, too."""
    with zipfile.ZipFile(built[1]) as archive:
        names = {name for name in archive.namelist() if name.startswith("hhfast/")}
        others = {name.partition("/")[0] for name in archive.namelist()} - {"hhfast"}
    package = Path(hhfast.__file__).parent
    files = (p for p in package.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    assert names == {p.relative_to(package.parent).as_posix() for p in files}
    assert others == {f"hhfast-{hhfast.__version__}.dist-info"}


@pytest.mark.slow
def test_the_wheel_works_in_a_clean_environment(built, tmp_path):
    """Away from the checkout, with nothing but what the wheel asks for: a model is checked, a project made and read."""
    venv.create(tmp_path / "env", with_pip=True)
    folder = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin")

    def run(program, *arguments):
        command = [folder / program, *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    run("python", "-m", "pip", "install", "-q", built[1])
    assert run("hhfast", "--version").split()[1] == hhfast.__version__
    assert "ok" in run("hhfast", "models", "hodgkin_huxley", "--check")
    run("hhfast", "new", "project")
    assert "rows" in run("hhfast", "run", "project/scan.toml", "--dry-run")

"""What pyproject.toml promises: bounds that are tested, one version, and types in the package."""

import re
import tomllib
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

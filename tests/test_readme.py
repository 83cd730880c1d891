"""The documents: every Python block runs as it stands, every command and option exists, every link leads somewhere."""

import re
from pathlib import Path

import pytest
from commands import hhfast
from typer.main import get_command

from hhfast.cli.app import COMMANDS, app

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md", "benchmarks/README.md")]


def blocks(language):
    """The code blocks of the README in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def test_python_blocks_run_as_they_stand(tmp_path, monkeypatch):
    """One after the other, as a reader would, beside the result of a smaller scan than the first command makes."""
    monkeypatch.chdir(tmp_path)
    scan = (ROOT / "examples" / "fi_scan.toml").read_text().replace(", 100]", ", 3]")
    (tmp_path / "fi_scan.toml").write_text(scan)
    assert hhfast("run", "fi_scan.toml", "-o", "fi_scan.h5").exit_code == 0
    space = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), space)
    r = space["r"]
    assert (r["rate"].shape, r["V"].shape, r.time.shape) == ((4096,), (4096, 401), (401,))
    assert (r.status == 0).all()
    assert space["ds"].sizes["run"] == 72


def test_the_commands_of_ci_and_of_the_reader_are_there():
    """`.ci/run` and strangers take them from the README by their marks."""
    text = (ROOT / "README.md").read_text()
    for mark in ("main", "test"):
        assert len(re.findall(rf"<!-- {mark}-command -->\n```sh\n[^\n]+\n```", text)) == 1


def test_every_command_is_in_the_readme():
    text = (ROOT / "README.md").read_text()
    for command in COMMANDS:
        assert re.search(rf"`hhfast {command.__name__}\b|`{command.__name__}\b", text), command.__name__


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_options_exist(path):
    commands = get_command(app).commands
    for name, rest in re.findall(r"(?:`| {4}|bin/)hhfast ([a-z]+)([^`\n&|#]*)", path.read_text()):
        known = {option for parameter in commands[name].params for option in parameter.opts}
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest)) <= known, (name, rest)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(path):
    for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
        assert (path.parent / link).exists(), link

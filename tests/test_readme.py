"""The documents: every Python block runs as it stands, every command and option exists, every link leads somewhere."""

import re
from pathlib import Path

import pytest
from commands import hhfast
from typer.main import get_command

import hhfast as hh
from hhfast.cli.app import app
from hhfast.sweep.sweep_file_keys import TABLES

ROOT = Path(__file__).parent.parent
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "concepts").glob("*.md"))]
DOCUMENTS = [
    *(ROOT / n for n in ("README.md", "CONTRIBUTING.md", "examples/README.md", "benchmarks/README.md")),
    *PAGES,
]
MAIN = "https://github.com/hhfast/hhfast/"  # whose files are those beside the README


def blocks(language, path=ROOT / "README.md"):
    """The code blocks of a document in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)


def run(path, space):
    """The Python blocks of a document, one after the other, as a reader would."""
    for block in blocks("python", path):
        exec(compile(block, path.name, "exec"), space)
    return space


@pytest.mark.parametrize("path", [p for p in PAGES if blocks("python", p)], ids=lambda path: path.stem)
def test_python_blocks_of_the_documentation_run(path, tmp_path, monkeypatch, capsys):
    """What they claim by `assert` is checked by this."""
    monkeypatch.chdir(tmp_path)
    for registry in (hh.stimuli, hh.recorders, hh.features):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    assert run(path, {})


@pytest.mark.parametrize("path", [p for p in PAGES if blocks("toml", p)], ids=lambda path: path.stem)
def test_files_of_the_documentation_can_be_read(path, tmp_path):
    """Whole models and whole sweeps; a part of a sweep file, as [analysis] alone, is made whole."""
    (tmp_path / "recordings.csv").write_text("time,V\n0,-65\n1,-64\n")
    for text in blocks("toml", path):
        file = tmp_path / "file.toml"
        if text.startswith("name"):
            file.write_text(text)
            assert hh.load_model(file).states
            continue
        whole = text if "model =" in text else f'model = "hodgkin_huxley"\n{text}\n[axes]\ng_L = {{ values = [0.3] }}\n'
        if "[analysis]" not in whole and "t_stop" not in whole:
            whole = f"t_stop = 100.0\n{whole}"
        file.write_text(whole)
        assert hh.Sweep.from_toml(file).space.n_rows


def test_python_blocks_run_as_they_stand(tmp_path, monkeypatch):
    """One after the other, as a reader would, beside the result of a smaller scan than the first command makes."""
    monkeypatch.chdir(tmp_path)
    scan = (ROOT / "examples" / "fi_scan.toml").read_text().replace(", 100]", ", 3]")
    (tmp_path / "fi_scan.toml").write_text(scan)
    assert hhfast("run", "fi_scan.toml", "-o", "fi_scan.h5").exit_code == 0
    space = run(ROOT / "README.md", {})
    r = space["r"]
    assert (r["rate"].shape, r["V"].shape, r.time.shape) == ((4096,), (4096, 401), (401,))
    assert (r.status == 0).all()
    assert space["ds"]["rate"].size == 72


def test_the_commands_of_ci_and_of_the_reader_are_there():
    """`.ci/run` and strangers take them from the README by their marks."""
    text = (ROOT / "README.md").read_text()
    for mark in ("main", "test"):
        assert len(re.findall(rf"<!-- {mark}-command -->\n```sh\n[^\n]+\n```", text)) == 1


def test_every_command_is_in_the_readme():
    text = (ROOT / "README.md").read_text()
    for name in get_command(app).commands:
        assert re.search(rf"`hhfast {name}\b|`{name}\b", text), name


@pytest.mark.parametrize(
    "path", [*DOCUMENTS, *sorted((ROOT / "docs" / "howto").glob("*.py"))], ids=lambda path: str(path.relative_to(ROOT))
)
def test_commands_and_options_exist(path):
    commands = get_command(app).commands
    for name, rest in re.findall(r"(?:`| {4}|bin/)hhfast ([a-z][a-z-]*)([^`\n&|#]*)", path.read_text()):
        known = {option for parameter in commands[name].params for option in parameter.opts} | {"--help"}
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", rest)) <= known, (name, rest)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(path):
    for link in re.findall(r"\]\(([^)#:]+)[)#]", path.read_text()):
        if path in PAGES and link.startswith(
            ("../guides/", "guides/", "models/", "../models/", "../reference/", "reference/")
        ):
            continue  # made by Sphinx, which checks these links
        assert (path.parent / link).exists(), link


def test_links_to_the_repository_lead_to_files():
    """In the README they are absolute, as it is shown on PyPI, too; each names a file that is here."""
    found = re.findall(rf"\({MAIN}(?:raw|blob)/main/([^)]+)\)", (ROOT / "README.md").read_text())
    assert "examples/fi_scan.png" in found
    for link in found:
        assert (ROOT / link).exists(), link
    assert not re.findall(r"\]\((?!https://|#)", (ROOT / "README.md").read_text())


def test_every_key_of_a_sweep_file_is_described():
    """The reference prints what the data model says."""
    for table in TABLES.values():
        for name, key in table.model_fields.items():
            assert key.description, name

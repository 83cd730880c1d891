"""How many lines and seconds each how-to guide takes, as a new user meets it: with an empty kernel cache, and again.

`python benchmarks/guides.py` prints the table; `--write docs/tasks.md` puts it between its markers.
"""

from __future__ import annotations

import argparse
import ast
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from table import insert

GUIDES = Path(__file__).parents[1] / "docs" / "howto"
SHELL = {  # commands that do the same from the shell
    "a_one_spike": 1, "a_textbook_figures": 4, "b_fi_at_three_temperatures": 1, "c_add_a_current": 2,
    "d_find_bursters": 2,
    "e_strength_duration": 3, "f_noise": 2, "g_a_million_rows": 2, "h_fit_features": 1, "i_fit_a_trace": 1,
    "j_on_a_cluster": 2, "k_voltage_clamp": 1, "l_populations": 4, "m_channel_noise": 2, "m_from_modeldb": 2,
    "n_phase_response": 2,
}  # fmt: skip


def lines_of(path: Path) -> int:
    """Lines of code: not empty, no comment, not the page's text."""
    source = path.read_text(encoding="utf-8")
    first = ast.parse(source).body[0].end_lineno or 0
    code = source.splitlines()[first:]
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in code)


def seconds_of(path: Path, cache: str) -> float:
    """Processor time of the script in a process of its own, all threads and the compiler together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "HHFAST_CACHE_DIR": cache, "MPLBACKEND": "Agg"}
        subprocess.run([sys.executable, path], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def row(path: Path) -> str:
    """A line of the table."""
    title = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))).splitlines()[0]
    with tempfile.TemporaryDirectory() as cache:
        first, again = seconds_of(path, cache), seconds_of(path, cache)
    commands = SHELL.get(path.stem, "")
    return f"| [{title}](guides/{path.stem}.rst) | {lines_of(path)} | {first:.1f} | {again:.1f} | {commands} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", type=Path, metavar="PAGE.md", help="put the table between its markers")
    arguments = parser.parse_args()
    head = ["| task | lines of Python | s, first time | s, again | commands in a shell |", "|---|---:|---:|---:|---:|"]
    table = "\n".join([*head, *map(row, sorted(GUIDES.glob("*.py")))])
    print(table)
    if arguments.write:
        insert(arguments.write, f"{table}\n", "guides")


if __name__ == "__main__":
    main()

"""The Python API: every public name of `hhfast/__init__.pyi`, in the groups of the modules that they come from."""

import ast
from collections.abc import Iterator
from pathlib import Path

import hhfast
from generate.markdown import title_page

GROUPS = {  # folder of the package -> its heading, from what one meets first
    "batch": ("Simulating", "One batch in memory: parameters in, named arrays out."),
    "model": ("Models", "What a neuron is."),
    "parts": ("Currents, recorders, integrators", "What is combined in a simulation; objects of your own work too."),
    "analysis": ("Analyses", "Questions about cells, each answered for a whole batch, with a `status` for every cell."),
    "sweep": ("Sweeps and results", "Many rows, in a file, interrupted and resumed."),
    "figures": ("Figures", "Pictures of results and analyses."),
    "pages": ("Pages", "Models and results in the browser."),
    "errors": ("Errors", "Every one a line: what is wrong, where, what to do."),
}


def public_names() -> dict[str, list[str]]:
    """The public names by the folder that they come from."""
    stub = ast.parse((Path(hhfast.__file__).parent / "__init__.pyi").read_text(encoding="utf-8"))
    found: dict[str, list[str]] = {}
    for node in stub.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [alias.asname or alias.name for alias in node.names]
            found.setdefault(node.module.split(".")[0], []).extend(names)
    return found


def pages(docs: Path) -> Iterator[tuple[str, str]]:
    names = public_names()
    parts = [
        "`import hhfast as hh`. Units are mV, ms, uA/cm2, mS/cm2, uF/cm2 and degC everywhere, or nS, pF and pA for a "
        'model with `units = "total"`; "one per cell" is an array of `(n_cells,)`.'
    ]
    for folder in [*GROUPS, *(f for f in names if f not in GROUPS)]:
        if folder not in names:
            continue
        heading, text = GROUPS.get(folder, (folder.capitalize(), ""))
        rows = "\n".join(f"   {name}" for name in sorted(names[folder], key=str.casefold))
        block = f"```{{eval-rst}}\n.. currentmodule:: hhfast\n\n.. autosummary::\n   :toctree: names\n\n{rows}\n```"
        parts.append(f"## {heading}\n\n{text}\n\n{block}")
    yield "api/index.md", title_page("Python API", *parts)

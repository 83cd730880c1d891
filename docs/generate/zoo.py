"""The model zoo: a page for each model of the library, with equations, curves, a run, checks and parameters."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from generate import live
from generate.equations import equations
from generate.markdown import cell, code, table, title_page
from generate.zoo_figures import Outcome, portrait
from hhfast.model import Model, models
from hhfast.tables import unit_text

PICTURES = "models/pictures"


def pages(docs: Path) -> Iterator[tuple[str, str]]:
    folder = docs / PICTURES
    folder.mkdir(parents=True, exist_ok=True)
    # Half of the time is LLVM's, the other half Matplotlib's: both profit from a second processor.
    with ProcessPoolExecutor(min(4, os.cpu_count() or 1), get_context("spawn")) as pool:
        outcomes = dict(zip(models, pool.map(portrait, models, [folder] * len(models)), strict=True))
    for name, model in models.items():
        yield f"models/{name}.md", _page(model, outcomes[name])
    yield "models/index.md", _index(outcomes)


def _index(outcomes: dict[str, list[Outcome]]) -> str:
    text = (
        f"{len(models)} published models come with hhfast, each a TOML file of formulas as its paper has them. Every file "
        "lists spike times from a source apart from hhfast (SciPy's DOP853 and LSODA at tight tolerances, or the "
        "publication); this page was built by running all of them, on the day of the build. `hhfast models NAME "
        "--check` does it on your machine, `--toml` prints the file."
    )
    rows = (
        (f"[{code(s.name)}]({s.name}.md)", s.title, _animal(s), " ".join(s.currents), *_verdict(outcomes[s.name]))
        for s in models.find()
    )  # fmt: skip
    contents = "```{toctree}\n:hidden:\n:titlesonly:\n\n" + "\n".join(models) + "\n```"
    head = ["name", "model", "cell", "currents", "spikes", "off by (ms)"]
    return title_page("Model zoo", text, table(head, rows), contents)


def _animal(model: Any) -> str:
    """Species and cell; a model that is of no species says `none`."""
    return ", ".join(filter(None, ("" if model.species == "none" else model.species, model.cell)))


def _verdict(outcomes: list[Outcome]) -> tuple[str, str]:
    spikes = str(sum(o.known for o in outcomes))
    if not all(o.passed for o in outcomes):
        return spikes, "**differ**"
    return spikes, _error(max(o.difference for o in outcomes))


def _error(ms: float) -> str:
    return "<\N{NO-BREAK SPACE}0.0001" if ms < 1e-4 else f"{ms:.1g}"


def _page(model: Model, outcomes: list[Outcome]) -> str:
    name = model.name
    animal = _animal(model)
    animal = f"{animal[:1].upper()}{animal[1:]}."
    facts = [f"*{cell(model.citation.strip().rstrip('.'))}*.", animal, model.notes.strip()]
    play = f'<a class="hhfast-live" href="../{live.page_of(name)}">Play with this model in the browser</a>'
    use = f'```python\nimport hhfast as hh\n\nmodel = hh.models["{name}"]\n```'
    shown = [f"### {head}\n\n{_aligned(lines)}" for head, lines in equations(model)]
    return title_page(
        model.title or name,
        f"`{name}`",
        " ".join(filter(None, facts)),
        play if live.available() else "",
        f"![Gate curves and a run of {name}](pictures/{name}.png)",
        use,
        "## Checks",
        "Spike times that the model's file lists, from a source apart from hhfast, and those of `tsit5`:",
        _checks(model, outcomes),
        "## Equations",
        *shown,
        "## Parameters",
        f"$V(0) = {model.V_init:g}$ mV. Every parameter can be swept.",
        table(
            ["parameter", "value", "unit"],
            ((code(p.name), f"{p.value:g}", unit_text(p.unit)) for p in model.parameters.values()),
        ),
        "## File",
        f"```toml\n{model.to_toml().strip()}\n```",
    )  # fmt: skip


def _checks(model: Model, outcomes: list[Outcome]) -> str:
    rows = (
        (
            f"{o.i_app:g}", f"{o.t_stop:g}", f"{o.found} of {o.known}",
            _error(o.difference), "ok" if o.passed else "**differs**",
        )
        for o in outcomes
    )  # fmt: skip
    current = unit_text(model.variables["i_app"])
    return table([f"current ({current})", "duration (ms)", "spikes", "largest difference (ms)", ""], rows)


def _aligned(lines: list[str]) -> str:
    body = " \\\\\n".join(lines)
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"

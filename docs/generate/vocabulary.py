"""What one can name in a simulation: stimuli, features, recorders, integrators, analyses, distributions."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generate.latex import latex
from generate.markdown import code, table, title_page, value
from hhfast.batch.analyses import REQUIRED, analyses
from hhfast.parts.activity import SETTLED_FEATURES
from hhfast.parts.feature import features
from hhfast.parts.integrators import integrators
from hhfast.parts.recorders import recorders
from hhfast.parts.stimuli import stimuli


def pages(docs: Path) -> Iterator[tuple[str, str]]:
    yield "reference/stimuli.md", _stimuli()
    yield "reference/features.md", _features()
    yield "reference/recorders.md", _recorders()
    yield "reference/integrators.md", _integrators()
    yield "reference/analyses.md", _analyses()


def _prose(text: str | None) -> str:
    """A docstring as Markdown: code as it is, the list of parameters as a list."""
    from generate.docstrings import entries

    lines = []
    plain = re.sub(r"^(\w+)\n-+$", r"**\1**\n", inspect.cleandoc(text or ""), flags=re.MULTILINE)
    for names, words in entries(plain):
        lines.append(words if names is None else f"- {', '.join(map(code, names))}: {words}")
    return "\n".join(lines)


def _stimuli() -> str:
    text = (
        'A sweep file says `[stimulus]`, `kind = "step"` and the parameters; Python says `hh.Step(amplitude=10.0)`. '
        "`hh.Step(...) + hh.Noise(...)`, or several `[[stimulus]]`, add up. Every number may be one per cell. Square "
        "brackets are 1 where what they say is true, and 0 elsewhere."
    )
    return title_page("Stimuli", text, *(_stimulus(kind) for kind in stimuli.values()))


def _stimulus(kind: Any) -> str:
    formula = f"$$\nI(t) = {latex(kind.text)}\n$$" if kind.points is None and not kind.conductances else ""
    rows = [_parameter(kind, name) for name in kind.signature.parameters]
    parts = [f"## `{kind.name}`", _prose(kind.doc), formula, table(["parameter", "unit", "default", ""], rows)]
    return "\n\n".join(filter(None, parts))


def _parameter(kind: Any, name: str) -> tuple[str, ...]:
    if name in kind.tables:
        return code(name), kind.units[name], "", "points, the same for all cells"
    default, unit = kind.parameters[name]
    note = "one number for all cells" if name in kind.single else ""
    return code(name), unit if unit != "1" else "", "" if default is None else value(default), note


def _features() -> str:
    rows = (
        (", ".join(map(code, (name, *f.aliases))), f.unit, f.long_name, f.efel or "none")
        for name, f in features.items()
    )
    settled = ((code(name), f.unit, f.long_name, f.efel) for name, f in SETTLED_FEATURES.items())
    head = ["name", "unit", "what it is", "in eFEL"]
    text = (
        "Numbers per cell, accumulated inside the kernel while it runs: no trace is stored. "
        "In a sweep file `[record] features = [...]`, in Python `hh.Features([...])`; both take `threshold`, `rearm` "
        "(mV) and `window` (ms)."
    )
    efel = (
        "Where a feature is that of [eFEL](https://efel.readthedocs.io), it has eFEL's name, too. eFEL looks at the time "
        "of the stimulus (`strict_stiminterval`), which is the `window` here, and at a trace resampled to `interp_step`, "
        "on whose samples its times lie; its other settings are as they are by default. Shapes of spikes are in "
        "{py:func}`hhfast.ap_features`. {py:func}`hhfast.train_features` is of times of crossings, and has hhfast's names."
    )
    return title_page(
        "Features", text, efel, "## Of any run", table(head, rows),
        "## Of settled cells", 'Where a run ends by itself, `until = "settled"`:', table(head, settled),
    )  # fmt: skip


def _recorders() -> str:
    parts = ["What a simulation keeps; any of them together, in `record=[...]`."]
    for name, recorder in recorders.items():
        parts.append(f"## `{name}`\n\n`hh.{recorder.__name__}`. " + _prose(recorder.__doc__))
    return title_page("Recorders", *parts)


def _integrators() -> str:
    rows = (
        (
            code(i.name), i.order, "its own" if i.adaptive else code("dt"), "yes" if i.stiff else "", i.evaluations,
            i.stability, i.citation,
        )
        for i in integrators.values()
    )  # fmt: skip
    head = ["name", "order", "steps", "stiff", "evaluations of the rates in a step", "stability", "source"]
    text = "Which one to use, and why: [Which integrator](../integrators.md)."
    return title_page("Integrators", text, table(head, rows))


def _analyses() -> str:
    parts = [
        'What a sweep may compute for each row instead of one simulation: `[analysis]`, `kind = "rheobase"` and the '
        "options below. In Python each is a function that takes arrays of parameters."
    ]
    for name, analysis in analyses.items():
        rows = [
            (code(option), o.unit if o.unit != "1" else "", _default(analysis.defaults[option]), o.help)
            for option, o in analysis.options.items()
        ]
        function = f"`hhfast.{analysis.function.__name__}`"
        parts.append(
            f"## `{name}`\n\n{analysis.help} In Python: {{py:func}}{function}.\n\n"
            + table(["option", "unit", "default", ""], rows)
        )
    return title_page("Analyses", *parts)


def _default(default: Any) -> str:
    return "must be given" if default is REQUIRED else value(default)

"""Arguments that several commands share, and lists of numbers and parameters as they are typed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hhfast.errors import InputError

if TYPE_CHECKING:
    import numpy as np

OutFile = Annotated[Path, typer.Argument(metavar="OUT.h5", help="A result file.")]
Figure = Annotated[Path | None, typer.Option("-o", "--output", metavar="FIG.png", help="Where to save the figure.")]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model of the library, or the path of a TOML file.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "-p", "--parameter", "--set", metavar="NAME=VALUES",
        help="A parameter, as g_Na=100; several values give one cell each.",
    ),
]  # fmt: skip


def numbers(text: str) -> np.ndarray:
    """Numbers from "1,2,5", or from "start:stop:step" with both ends. Raises `InputError` for anything else."""
    import numpy as np

    try:
        found = [float(part) for part in text.split(":" if ":" in text else ",")]
    except ValueError:
        found = []
    if found and ":" not in text:
        return np.array(found)
    if len(found) == 3 and found[2] > 0 and 0 <= (found[1] - found[0]) / found[2] < 1e6:
        return found[0] + found[2] * np.arange(int((found[1] - found[0]) / found[2] + 1e-9) + 1)
    raise InputError(f"'{text}': give numbers as 1,2,5 or as start:stop:step")


def interval(text: str) -> tuple[float, float]:
    """Two numbers, the smaller first, from "0,20". Raises `InputError` for anything else."""
    found = numbers(text)
    if len(found) != 2 or not found[0] < found[1]:
        raise InputError(f"'{text}': give two numbers, the smaller first, as 0,20")
    return float(found[0]), float(found[1])


def parameters(given: Sequence[str] | None) -> dict[str, np.ndarray]:
    """Parameters from texts "NAME=VALUES". Lists of values of one length go together, one cell each."""
    import numpy as np

    found = {}
    for text in given or ():
        name, equals, values = text.partition("=")
        if not equals:
            raise InputError(f"-p {text}: give NAME=VALUE, or NAME=VALUE,VALUE,... for several cells")
        found[name.strip()] = numbers(values)
    n = max((len(values) for values in found.values()), default=1)
    return {name: np.full(n, values[0]) if len(values) == 1 else values for name, values in found.items()}

"""Arguments that several commands share, and lists of numbers and parameters as they are typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hhfast.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from hhfast.model import Model
    from hhfast.parts.stimuli import Stimulus

_MOST_NUMBERS = 1_000_000


def _named(path: Path) -> Path:
    """Refuse a directory in place of a result: a name beside that of the result is made of it."""
    if not path.name:
        raise typer.BadParameter(f"{path} is a directory")
    return path


OutFile = Annotated[Path, typer.Argument(metavar="OUT.h5", help="A result file.", callback=_named)]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="A model of the library, or the path of a TOML file.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")]
Parameters = Annotated[
    list[str] | None,
    typer.Option(
        "-p", "--parameter", "--set", metavar="NAME=VALUES",
        help="A parameter, as g_Na=100; several values give one cell each.",
    ),
]  # fmt: skip


def numbers(text: str, option: str = "") -> np.ndarray:
    """Numbers from "1,2,5", from "start:stop:step" with both ends, or "log:low:high:n". Raises `InputError` for others.

    option : by which they were given, for the message.
    """
    import numpy as np

    told = f"{option} {text}" if option else f"'{text}'"
    if text.startswith("log:"):
        return _logarithmic(text, told)
    colons = ":" in text
    try:
        found = [float(part) for part in text.split(":" if colons else ",")]
    except ValueError:
        raise InputError(f"{told}: give numbers as 1,2,5 or as start:stop:step, or as log:low:high:n") from None
    if not np.isfinite(found).all():
        raise InputError(f"{told}: give finite numbers")
    if not colons:
        return np.array(found)
    if len(found) != 3:
        raise InputError(f"{told}: a range has three numbers, start:stop:step")
    start, stop, step = found
    if step == 0 or (stop - start) / step < 0:
        remedy = "give a step other than 0" if step == 0 else f"write {start:g}:{stop:g}:{-step:g}"
        raise InputError(f"{told}: steps of {step:g} never lead from {start:g} to {stop:g}; {remedy}")
    count = (stop - start) / step
    if count >= _MOST_NUMBERS:
        raise InputError(f"{told}: these are more than {_MOST_NUMBERS:,} numbers; take larger steps")
    return start + step * np.arange(int(count + 1e-9) + 1)


def _logarithmic(text: str, told: str) -> np.ndarray:
    """So many numbers of equal ratios, from the lowest to the highest."""
    import numpy as np

    try:
        low, high, n = (float(part) for part in text.split(":")[1:])
        usable = 0 < low < high < np.inf and n == int(n) and 2 <= n <= _MOST_NUMBERS
    except (ValueError, OverflowError):
        usable = False
    if not usable:
        raise InputError(f"{told}: give log:low:high:n, n numbers of equal ratios, as log:0.05:20:15")
    return np.geomspace(low, high, int(n))


def interval(text: str, option: str = "") -> tuple[float, float]:
    """Two numbers, the smaller first, from "0,20". Raises `InputError` for anything else."""
    found = numbers(text, option)
    if len(found) != 2 or not found[0] < found[1]:
        told = f"{option} {text}" if option else f"'{text}'"
        raise InputError(f"{told}: give two numbers, the smaller first, as 0,20")
    return float(found[0]), float(found[1])


def current_step(amplitude: Any, start: float, stop: float | None) -> Stimulus:
    """The step of --current, --start and --stop. Raises `InputError` where it ends before it begins."""
    import math

    from hhfast.parts.stimuli import Step

    if stop is not None and stop <= start:
        raise InputError(f"--stop {stop:g}: the current begins at {start:g} ms, --start; it must end after that")
    return Step(amplitude=amplitude, start=start, stop=math.inf if stop is None else stop)


def parameters(given: Sequence[str] | None) -> dict[str, np.ndarray]:
    """Parameters from texts "NAME=VALUES". Lists of values of one length go together, one cell each."""
    found: dict[str, np.ndarray] = {}
    for text in given or ():
        name, equals, values = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InputError(f"-p {text}: give NAME=VALUE, or NAME=VALUE,VALUE,... for several cells")
        if name in found:
            raise InputError(f"-p {text}: {name} is given twice; keep one")
        try:
            found[name] = numbers(values)
        except InputError as error:
            raise InputError(f"-p {name}={error}") from None
        if name == "C_m" and (found[name] <= 0).any():
            raise InputError(f"-p {text}: the capacitance must be positive")
    return broadcast(found)


def check_counts(model: Model, found: Mapping[str, np.ndarray]) -> None:
    """Refuse numbers of channels that are none, also where several cells have one each."""
    for name in model.with_counts().counts & found.keys():
        if not (found[name] > 0).all():
            told = ",".join(f"{value:g}" for value in found[name])
            raise InputError(f"-p {name}={told}: a number of channels must be positive")


def broadcast(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Lists of values of one length, one value for each cell; a single value is that of all cells."""
    import numpy as np

    lengths = {name: len(values) for name, values in found.items() if len(values) > 1}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise InputError(f"lists of different lengths, though each has one value per cell: {told}")
    n = max(lengths.values(), default=1)
    return {name: np.full(n, values[0]) if len(values) == 1 else values for name, values in found.items()}

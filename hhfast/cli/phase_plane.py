"""The command that draws V against another state: hhfast phase-plane."""

from __future__ import annotations

from typing import Annotated

import typer

from hhfast.cli.options import ModelName, Parameters, parameters
from hhfast.cli.pictures import PictureOptions, draws
from hhfast.errors import InputError


@draws
def phase_plane(
    model: ModelName,
    y: Annotated[
        str | None,
        typer.Option(metavar="STATE", help="Against V.", show_default="the slowest gate that opens with V"),
    ] = None,
    current: Annotated[float, typer.Option(metavar="X", help="Constant current, in the unit of the model.")] = 0.0,
    held: Annotated[
        list[str] | None,
        typer.Option(metavar="STATE=VALUE", help="Where another state is held: a number, or steady. Repeat it."),
    ] = None,
    t_stop: Annotated[float, typer.Option(metavar="MS", help="Duration of the trajectory.")] = 100.0,
    parameter: Parameters = None,
    *,
    picture: PictureOptions,
) -> None:
    """Draw the phase plane of one cell: nullclines, equilibria, and how it moves; needs -o."""
    picture.check()
    if not picture.wanted:
        raise InputError("say where to draw the phase plane, with -o FIG.png")
    values = parameters(parameter)
    if several := [name for name, value in values.items() if len(value) > 1]:
        raise InputError(f"-p {several[0]}: has several values; a phase plane is that of one cell")

    from hhfast.figures.canvas import figure_of
    from hhfast.figures.phase_plane import plot_phase_plane

    cell = {name: float(value[0]) for name, value in values.items()}
    axes = plot_phase_plane(model, y, cell, i_app=current, t_stop=t_stop, held=dict(map(_held, held or ())))
    picture.save(figure_of(axes))


def _held(text: str) -> tuple[str, float | str]:
    name, _, value = (part.strip() for part in text.partition("="))
    try:
        return name, value if value == "steady" else float(value)
    except ValueError:
        raise InputError(f"--held {text}: give STATE=NUMBER or STATE=steady, as h=0.4") from None

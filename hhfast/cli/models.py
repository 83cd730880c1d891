"""Commands that show a model: its equations and parameters, its kernel."""

from __future__ import annotations

from typing import Annotated

import typer

from hhfast.cli.console import say
from hhfast.cli.options import ModelName


def models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One model, or the path of a TOML file.")] = None,
    cell: Annotated[str, typer.Option(help="List those of a kind of cell.")] = "",
    current: Annotated[str, typer.Option(help="List those that have a current.")] = "",
    species: Annotated[str, typer.Option(help="List those of a species.")] = "",
    toml: Annotated[bool, typer.Option("--toml", help="Print the model's file.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare with the spike times that its file lists.")] = False,
) -> None:
    """List the models, or show one: its equations, its parameters and where it was published."""
    from hhfast.cli.text import model_check_text, model_list_text
    from hhfast.model.resolve import find_model

    if name is None:
        say(model_list_text(cell, current, species))
    elif toml:
        typer.echo(find_model(name).to_toml())
    elif check:
        text, passed = model_check_text(find_model(name))
        say(text)
        if not passed:
            raise typer.Exit(1)
    else:
        say(find_model(name).equations())


def source(
    model: ModelName,
    integrator: Annotated[str, typer.Option("-i", "--integrator", help="The integrator.")] = "tsit5",
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
) -> None:
    """Print the kernel that is generated for a model: readable Python."""
    from hhfast.kernel.print.source import kernel_source
    from hhfast.model.resolve import find_model
    from hhfast.parts.recorders import Spikes
    from hhfast.parts.stimuli import Step

    typer.echo(kernel_source(find_model(model), integrator, Step(amplitude=0.0), [Spikes()], dtype))

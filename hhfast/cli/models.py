"""Commands that show a model: its equations and parameters, its kernel."""

from __future__ import annotations

from typing import Annotated

import typer

from hhfast.cli.console import say
from hhfast.cli.options import ModelName


def models(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One model, or the path of a TOML file.")] = None,
) -> None:
    """List the models, or show one: its equations, its parameters and where it was published."""
    from hhfast.cli.text import model_list_text, model_text
    from hhfast.model.resolve import find_model

    say(model_list_text() if name is None else model_text(find_model(name)))


def source(
    model: ModelName,
    integrator: Annotated[str, typer.Option("-i", "--integrator", help="The integrator.")] = "rk4",
    dtype: Annotated[str, typer.Option(help="float64 or float32.")] = "float64",
) -> None:
    """Print the kernel that is generated for a model: readable Python."""
    from hhfast.kernel.print.source import kernel_source
    from hhfast.model.resolve import find_model
    from hhfast.parts.recorders import Spikes
    from hhfast.parts.stimuli import Step

    typer.echo(kernel_source(find_model(model), integrator, Step(amplitude=0.0), [Spikes()], dtype))

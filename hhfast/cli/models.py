"""Commands that show a model: its equations and parameters, its kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hhfast.cli.console import Exit, hint, say, say_table
from hhfast.cli.options import ModelName, Parameters, numbers, parameters
from hhfast.cli.pictures import PictureOptions, draws
from hhfast.errors import InputError


@draws
def models(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One model, or the path of a TOML file.")] = None,
    cell: Annotated[str, typer.Option(metavar="WORD", help="List those of a kind of cell.")] = "",
    current: Annotated[str, typer.Option(metavar="NAME", help="List those that have a current, as CaT.")] = "",
    species: Annotated[str, typer.Option(metavar="WORD", help="List those of a species.")] = "",
    having: Annotated[
        str, typer.Option("--with", metavar="PARAMETER", help="List those with a parameter, as celsius.")
    ] = "",
    toml: Annotated[bool, typer.Option("--toml", help="Print the model's file.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Compare with the spike times that its file lists.")] = False,
    neuroml: Annotated[
        bool, typer.Option("--neuroml", help="Print it as NeuroML2; or write it, with -o FILE.nml.")
    ] = False,
    pulse: Annotated[
        str, typer.Option(metavar="AMPLITUDE,START,STOP", help="With --neuroml: a current pulse, and ms.")
    ] = "",
    eden: Annotated[
        bool, typer.Option("--eden", help="With --neuroml: for EDEN, which adds up inputs itself.")
    ] = False,
    parameter: Parameters = None,
    *,
    picture: PictureOptions,
) -> None:
    """List the models, or show one: equations, parameters, citation; -o draws its gating curves."""
    tags = {"--cell": cell, "--current": current, "--species": species, "--with": having}
    if neuroml:
        if name is None or toml or check or parameter:
            raise InputError("--neuroml: name one model, without --toml, --check and -p")
        _write_neuroml(name, pulse, picture.output, eden=eden)
    elif pulse or eden:
        raise InputError(f"{'--pulse' if pulse else '--eden'}: is about a NeuroML file; give --neuroml, too")
    elif parameter and not picture.wanted:
        raise InputError("-p: only changes the gating curves; say where to draw them, with -o FIG.png")
    elif name is None:
        if picture.wanted or toml or check:
            raise InputError("name a model, for its gating curves (-o), its file (--toml) or its checks (--check)")
        from hhfast.cli.text import model_list_text

        say_table(model_list_text(*tags.values()))
        hint("'hhfast models NAME' shows one: its equations, parameters and source")
    else:
        if given := [option for option, tag in tags.items() if tag]:
            raise InputError(f"{given[0]}: lists models; leave out the name '{name}'")
        picture.check()
        if picture.wanted:
            _draw_gates(name, parameter, picture)
        if toml or check or not picture.wanted:
            _show(name, toml=toml, check=check)


def _show(name: str, *, toml: bool, check: bool) -> None:
    """Print a model's file, how its checks go, or its equations."""
    from hhfast.cli.text import model_check_text
    from hhfast.model.resolve import find_model

    model = find_model(name)
    if toml:
        typer.echo(model.to_toml())
    elif check:
        text, passed = model_check_text(model)
        say(text)
        if not passed:
            raise typer.Exit(Exit.CHECK_FAILED)
    else:
        say(model.equations())


def _write_neuroml(name: str, pulse: str, output: Path | None, *, eden: bool) -> None:
    from hhfast.model.resolve import find_model

    if output is not None:
        from hhfast.inputs import check_writable
        from hhfast.sweep.durable_files import write_durably

        if output.suffix not in (".nml", ".xml"):
            raise InputError(f"{output}: the name of a NeuroML file ends in .nml")
        check_writable(output)
    text = find_model(name).to_neuroml(_pulse(pulse) if pulse else None, eden=eden)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_durably(output.resolve(), text.encode("utf-8"))
        say(f"wrote {output}")


def _pulse(text: str) -> tuple[float, float, float]:
    found = numbers(text, "--pulse")
    if len(found) != 3:
        raise InputError(f"--pulse {text}: give amplitude, start and stop, as 10,5,100")
    return float(found[0]), float(found[1]), float(found[2])


def _draw_gates(name: str, given: list[str] | None, picture: PictureOptions) -> None:
    from hhfast.figures.gates import plot_gate_curves
    from hhfast.model.resolve import find_model

    values = parameters(given)
    if several := [key for key, value in values.items() if len(value) > 1]:
        raise InputError(f"-p {several[0]}: has several values; gating curves are those of one cell")
    picture.save(plot_gate_curves(find_model(name), {key: float(value[0]) for key, value in values.items()}))


def source(
    model: ModelName,
    integrator: Annotated[str, typer.Option("-i", "--integrator", metavar="NAME", help="The integrator.")] = "tsit5",
    dtype: Annotated[str, typer.Option(metavar="TYPE", help="float64 or float32.")] = "float64",
) -> None:
    """Print the kernel that is generated for a model: readable Python."""
    from hhfast.kernel.print.source import kernel_source
    from hhfast.model.resolve import find_model
    from hhfast.parts.recorders import Spikes
    from hhfast.parts.stimuli import Step

    typer.echo(kernel_source(find_model(model), integrator, Step(amplitude=0.0), [Spikes()], dtype))

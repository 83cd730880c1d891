"""The options of every command that draws: where the picture goes, and how it looks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hhfast.cli.console import note
from hhfast.cli.options import interval, numbers
from hhfast.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from hhfast.figures.appearance import Appearance

_PANEL = "Picture"
_OPTIONS: dict[str, tuple[Any, str, str]] = {  # name -> type, what it is called in help, help
    "title": (str, "TEXT", "Title, instead of the usual one."),
    "size": (str, "WIDTH,HEIGHT", "Inches."),
    "dpi": (float, "N", "Pixels per inch."),
    "xlim": (str, "LOW,HIGH", "Ends of the x axis."),
    "ylim": (str, "LOW,HIGH", "Ends of the y axis (of several panels, of the first)."),
    "log": (str, "LIST", "Logarithmic scales: x, y, value (the colours), or several, as x,y."),
}


def draws(command: Callable[..., None]) -> Callable[..., None]:
    """A command with a parameter `picture: PictureOptions`, which is made of `-o` and the options of a picture.

    A command with an `output` of its own, of files of several kinds, says itself where the picture goes.
    """
    parameters = list(inspect.signature(command, eval_str=True).parameters.values())
    kept = [p for p in parameters if p.name != "picture"]
    output = Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FIG.png", help="Where to draw it: .png, .pdf, .svg ...",
                     rich_help_panel=_PANEL),
    ]  # fmt: skip
    added: dict[str, Any] = {} if any(p.name == "output" for p in kept) else {"output": output}
    for name, (kind, metavar, text) in _OPTIONS.items():
        option = typer.Option(f"--{name}", metavar=metavar, help=text, rich_help_panel=_PANEL)
        added[name] = Annotated[kind | None, option]

    @wraps(command)
    def drawing(**values: Any) -> None:
        given = {"output": None} | {name: values.pop(name) for name in added}
        command(**values, picture=PictureOptions(**given))

    keyword = inspect.Parameter.KEYWORD_ONLY
    new = [inspect.Parameter(name, keyword, default=None, annotation=kind) for name, kind in added.items()]
    drawing.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [*(p.replace(kind=keyword) for p in kept), *new]
    )
    drawing.__annotations__ = {p.name: p.annotation for p in kept} | added
    return drawing


@dataclass
class PictureOptions:
    """The picture that was asked for: checked before there is anything to draw, saved when there is.

    output : where it goes, None: nowhere. The others are options as they were typed.
    """

    output: Path | None
    title: str | None
    size: str | None
    dpi: float | None
    xlim: str | None
    ylim: str | None
    log: str | None

    @property
    def wanted(self) -> bool:
        """Whether -o was given."""
        return self.output is not None

    @property
    def logarithmic_value(self) -> bool:
        """Whether --log names the colours."""
        return "value" in self._scales()

    def check(self, default: Path | None = None) -> None:
        """Raise `InputError` for a file that cannot be written or looks that cannot be; before any work.

        default : where it goes if -o is not given; None: there is no picture then, and looks are refused.
        """
        self.output = self.output or default
        given = [name for name in _OPTIONS if getattr(self, name) is not None]
        if self.output is None:
            if given:
                raise InputError(f"--{given[0]}: there is no picture; say where to draw it, with -o FIG.png")
            return
        from hhfast.figures.canvas import check_picture

        check_picture(self.output)
        self._appearance()

    def save(self, figure: Drawing) -> None:
        """Write the picture, and say where: on standard error, so that a table of the command stays one."""
        from hhfast.figures.canvas import save

        self._appearance().apply(figure)
        if self.output is not None:
            save(figure, self.output)
            note(f"wrote {self.output}")

    def _scales(self) -> tuple[str, ...]:
        return tuple(part.strip() for part in (self.log or "").split(",") if part.strip())

    def _appearance(self) -> Appearance:
        from hhfast.figures.appearance import Appearance

        return Appearance(
            title=self.title,
            size=None if self.size is None else _pair("--size", self.size),
            dpi=self.dpi,
            xlim=None if self.xlim is None else interval(self.xlim, "--xlim"),
            ylim=None if self.ylim is None else interval(self.ylim, "--ylim"),
            log=self._scales(),
        )


def _pair(option: str, text: str) -> tuple[float, float]:
    found = numbers(text, option)
    if len(found) != 2:
        raise InputError(f"{option} {text}: give two numbers, as 6.4,4")
    return float(found[0]), float(found[1])

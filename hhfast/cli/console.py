"""Where commands print, how they end, and how an error becomes one line."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any, NoReturn, ParamSpec, TextIO

import typer
from rich.console import Console
from typer.core import TyperGroup

from hhfast.errors import Incomplete, InputError, harmless, one_line, unknown

P = ParamSpec("P")
_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]  # of click, which some versions of typer bring themselves

_output = Console()  # what standard output is: a terminal of some width, or none


class Exit(IntEnum):
    """What the exit codes mean."""

    CHECK_FAILED = 1
    BAD_INPUT = 2
    INCOMPLETE = 3
    INTERRUPTED = 130


EXIT_CODES = (
    "Exit codes: 0 done, 1 a check failed (models --check, import), 2 wrong usage or input, or a damaged file, "
    "3 incomplete: the same command goes on, 130 interrupted: it goes on as well."
)


def say(text: str) -> None:
    """Print the answer of a command."""
    _print(text, sys.stdout)


def note(text: str) -> None:
    """Print what is not the answer (a warning, an error) on standard error."""
    _print(text, sys.stderr)


def _print(text: str, stream: TextIO | None) -> None:
    if stream is None:  # closed by who started us, as by `>&-`
        return
    text = harmless(text)
    encoding = getattr(stream, "encoding", None) or "utf-8"
    # What the terminal's letters do not have is written in others: "cm\\xb2", and no command ends by it.
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)


def hint(text: str) -> None:
    """Say what to do next, to a person at a terminal; a script that reads what is printed gets nothing of it."""
    if _output.is_terminal:
        note(text)


def say_table(text: str) -> None:
    """Print a wide table, its lines cut where a terminal ends; all of it into files and pipes."""
    if not _output.is_terminal:
        say(text)
        return
    width = max(_output.width, 20)
    lines = text.splitlines()
    say("\n".join(line if len(line) <= width else line[: width - 1] + "…" for line in lines))


class CommandGroup(TyperGroup):
    """Commands whose usage errors are one line, as all others."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if self.get_command(ctx, args[0]) is None:
            names = self.list_commands(ctx)
            fail(f"error: {unknown('command', args[0], names)}; see hhfast --help", Exit.BAD_INPUT)
        return super().resolve_command(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> Any:
        with _usage_in_a_line():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _usage_in_a_line():
            return super().invoke(ctx)


@contextmanager
def _usage_in_a_line() -> Iterator[None]:
    """An unknown option, command or value ends with one line; a command alone shows its help."""
    try:
        yield
    except _USAGE_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            raise
        command = "hhfast" if error.ctx is None or error.ctx.parent is None else f"hhfast {error.ctx.info_name}"
        fail(f"error: {_told(error)}; see {command} --help", Exit.BAD_INPUT)


def _told(error: Any) -> str:
    """The message of a usage error; of an unknown option, with the one that was meant."""
    if not hasattr(error, "option_name") or error.ctx is None:
        return str(error.format_message()).rstrip(".")
    options = [name for parameter in error.ctx.command.params for name in parameter.opts if name.startswith("--")]
    return str(unknown("option", error.option_name, options))


def fail(message: str, code: Exit) -> NoReturn:
    """End the command with one line on standard error."""
    note(one_line(message))
    raise typer.Exit(code)


def _one_line_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: object = None,
    line: object = None,
) -> None:
    """Show a warning as the line it is, without the place in the code."""
    note(f"warning: {message}")


def one_line_errors(command: Callable[P, None]) -> Callable[P, None]:
    """A command that ends with one line and an exit code where the user can help; a bug of ours keeps its traceback."""

    @functools.wraps(command)
    def guarded(*args: P.args, **options: P.kwargs) -> None:
        warnings.showwarning = _one_line_warning
        try:
            command(*args, **options)
        except BrokenPipeError:  # the reader of our output has gone, as in `hhfast source MODEL | head`
            sys.stderr.close()
            raise typer.Exit(0) from None
        except (InputError, OSError) as error:
            fail(f"error: {error}", Exit.BAD_INPUT)
        except Incomplete as error:
            fail(f"incomplete: {error}", Exit.INCOMPLETE)
        except KeyboardInterrupt:
            fail("interrupted", Exit.INTERRUPTED)

    return guarded

"""The command line: every command with its arguments and options, from the commands themselves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from generate.markdown import code, table, title_page, value
from hhfast.cli.app import app
from hhfast.cli.console import EXIT_CODES
from hhfast.cli.guide import GUIDES


def pages(docs: Path) -> Iterator[tuple[str, str]]:
    commands = get_command(app).commands
    overview = table(
        ["command", "what it does"],
        ((f"[{code('hhfast ' + name)}](#hhfast-{name})", _first(command)) for name, command in commands.items()),
    )
    codes = (
        f"{EXIT_CODES}\n\n`hhfast COMMAND --help` says what stands here. `hhfast --install-completion` makes your shell complete "
        "commands and options; a mistyped one is answered with the one that was probably meant."
    )
    sections = [_section(name, command) for name, command in commands.items()]
    yield "reference/commands.md", title_page("Command line", overview, codes, *sections)


def _first(command: Any) -> str:
    return (command.help or "").strip().partition("\n")[0]


def _section(name: str, command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    usage = " ".join(["hhfast", name, *map(_metavar, arguments), "[OPTIONS]"])
    parts = [
        f"(hhfast-{name})=\n## `hhfast {name}`",
        (command.help or "").strip(),
        f"```text\n{usage}\n```",
        "```sh\n"
        + "\n".join(example for group in GUIDES.values() if name in group for example in group[name].examples)
        + "\n```",
        table(["argument", ""], ((code(a.name.upper()), a.help or "") for a in arguments)),
        table(["option", "", "default"], ((_flags(o), o.help or "", _default(o)) for o in options)),
    ]
    return "\n\n".join(part for part in parts if part)


def _metavar(argument: Any) -> str:
    if argument.metavar:
        return argument.metavar
    text = argument.name.upper() + ("..." if argument.nargs != 1 else "")
    return text if argument.required else f"[{text}]"


def _flags(option: Any) -> str:
    flags = ", ".join([*option.opts, *option.secondary_opts])
    return code(flags if option.is_flag else f"{flags} {option.metavar or option.name.upper()}")


def _default(option: Any) -> str:
    default = option.default
    if callable(default) or default is None or default is False or default in ("", (), []):
        return ""
    if type(default).__name__ == "Sentinel":
        return ""
    return value(default)

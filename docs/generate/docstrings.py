"""Docstrings as reStructuredText: ours list parameters as `name, name : text`, which becomes a definition list."""

import re
from collections.abc import Iterator

import hhfast

_ENTRY = re.compile(r"(?P<indent> *)(?P<names>\*{0,2}\w+(?:, \*{0,2}\w+)*) : (?P<text>.*)")
_CODE = re.compile(r"(:\w+:`[^`]+`|``.+?``|`[^`]+`)")
_MARKUP = re.compile(r"(?<!\\)([*|])|(?<=\w)(_)(?!\w)")


def readable(app, what, name, obj, options, lines):
    """Sphinx's event `autodoc-process-docstring`: change the lines in place."""
    sections = any(line and set(line) == {"-"} for line in lines)  # which numpydoc reads: there, names stand alone
    lines[:] = list(_restructured("\n".join(lines), "{}" if sections else "``{}``"))


def entries(text: str) -> Iterator[tuple[list[str] | None, str]]:
    """The lines of a docstring as (None, line), and its list of parameters as (names, what they are)."""
    inside, names, words = -1, [], []
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        found = _ENTRY.fullmatch(line)
        unfinished = bool(words) and not words[-1].endswith((".", ";", ":"))
        if not found and names and line.strip() and (indent > inside or unfinished):
            words.append(line.strip())
            continue
        if names:
            yield from _split(names, " ".join(words))
            names = []
        if found:
            inside, names, words = indent, found["names"].split(", "), [found["text"]]
        else:
            yield None, line
    if names:
        yield from _split(names, " ".join(words))


def _split(names: list[str], text: str) -> Iterator[tuple[list[str], str]]:
    """Further entries often stand in the same line: `start : ms. width : ms.`"""
    first, *others = re.split(r"(?<=[.;]) (?=\w+(?:, \w+)* : )", text)
    yield names, first
    for other in others:
        further, _, words = other.partition(" : ")
        yield further.split(", "), words


def _restructured(text: str, name: str) -> Iterator[str]:
    """Parameters as a definition list, their names written as `name` says; everything else as it is."""
    before = True  # whether the line before was text
    for names, words in entries(text):
        if names is None:
            if not before and words.strip():
                yield ""
            before = True
            yield _escaped(words)
        else:
            if before and name != "{}":
                yield ""
            before = False
            yield ", ".join(map(name.format, names))
            yield f"    {_escaped(words)}"


def _escaped(line: str) -> str:
    """Code as such, public names as links to their pages; elsewhere asterisks, bars, trailing underscores as they are."""
    parts = _CODE.split(line)
    return "".join(_code(p) if k % 2 else _MARKUP.sub(lambda m: "\\" + m[0], p) for k, p in enumerate(parts))


def _code(text: str) -> str:
    if not text.startswith("`") or text.startswith("``"):
        return text
    name = text.strip("`")
    return f":py:obj:`{name} <hhfast.{name}>`" if name in hhfast.__all__ else f"``{name}``"

"""The text of a .mod file, read with care: it may be hostile, and is never run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from hhfast.errors import InputError

_MAX_SIZE = 400_000  # bytes of a file with all that it includes; the largest published ones take some ten thousands
_MAX_INCLUDES = 20
_MAX_DEPTH = 100  # of brackets; beyond some thousands the parser would exhaust the stack
_MAX_FORMULA = 10_000  # characters
# What begins first counts: a comment may hold a VERBATIM, and what stands in VERBATIM is C, where : and ? are none.
# A block without end goes to the end of the file: looking for it from each beginning would take for ever.
_COMMENT = re.compile(
    r"\bCOMMENT\b.*?(?:\bENDCOMMENT\b|\Z)|\bVERBATIM\b.*?(?:\bENDVERBATIM\b|\Z)|[:?][^\n]*|\"[^\"\n]*\"", re.DOTALL
)
_VERBATIM = re.compile(r"\bVERBATIM\b(.*?)(?:\bENDVERBATIM\b|\Z)", re.DOTALL)
_C_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
# What is no C code to speak of: `return 0;`, includes, a name for version control, and the copy that a KINETIC block of
# an old NEURON needs of an ion's concentration, which is what READ says.
_IDLE = re.compile(
    r"\s*(return\s*\(?\s*(0(\.0?)?)?\s*\)?\s*;\s*|#\s*include\s*<\w+\.h>\s*|;\s*"
    r"|static\s+(const\s+)?char\s+rcsid\s*\[\s*\]\s*=\s*\"[^\"]*\"\s*;\s*|(?P<ion>\w+)\s*=\s*_ion_(?P=ion)\s*;\s*)*"
)
_SIGNS = re.compile(rf"([-+!]\s*){{{_MAX_DEPTH}}}")
_INCLUDE = re.compile(r"^[ \t]*INCLUDE[ \t]+\"([^\"\n]*)\"", re.MULTILINE)


# A unit is in brackets: after a number, in the blocks that declare names, and after the names of a heading.
_AFTER_NUMBER = re.compile(r"(?<![\w.])[\d.]+(?:[eE][-+]?\d+)?[ \t]*(\([^)\n]*)$", re.MULTILINE)
_DECLARED = re.compile(r"\b(?:UNITS|PARAMETER|ASSIGNED|STATE|CONSTANT)\s*\{[^}]*")
_HEADING = re.compile(r"\b(?:FUNCTION|FUNCTION_TABLE|PROCEDURE|NET_RECEIVE)\b(?:\s+\w+)?\s*\(([^{}]*)")
_OPEN = re.compile(r"\([^)\n]*$", re.MULTILINE)


@dataclass(frozen=True)
class ModText:
    """A file's text with its includes; `code` is that without comments, of as many lines."""

    path: Path
    code: str
    title: str = ""

    def refused(self, construct: str, reason: str, pattern: str = "") -> InputError:
        """The error for what cannot be imported: file, line, construct, reason."""
        found = re.search(pattern, self.code) if pattern else None
        line = "" if found is None else f":{self.code.count(chr(10), 0, found.start()) + 1}"
        return InputError(f"{self.path.name}{line}: {construct}: {reason}")


def read_mod(path: Path) -> ModText:
    """The text of a file; includes only from its own folder. Raises `InputError` for what is no harmless .mod file."""
    try:
        folder = path.resolve(strict=True).parent
    except (OSError, ValueError, RuntimeError):
        raise InputError(f"{path}: no such file") from None
    budget = [_MAX_SIZE, _MAX_INCLUDES]
    content = _content(path, folder, budget)
    title = re.search(r"^\s*TITLE\b([^\n]*)", content, re.MULTILINE)
    text = ModText(path, _included(ModText(path, _without_comments(content)), folder, budget))
    _check_depth(text)
    shown = "".join(c if c.isprintable() else " " for c in title[1]) if title else ""
    found = ModText(path, _without_verbatim(text), " ".join(shown.split())[:120])
    _check_strings(found)
    _check_units(found)
    return found


def _content(path: Path, folder: Path, budget: list[int]) -> str:
    if not path.is_file():
        raise InputError(f"{path}: not a file")
    with path.open("rb") as file:
        content = file.read(budget[0] + 1)
    budget[0] -= len(content)
    if budget[0] < 0:
        raise InputError(f"{path}: above {_MAX_SIZE:,} bytes with its includes; this is no channel file")
    return content.decode("utf-8", errors="replace").replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")


def _without_comments(content: str) -> str:
    """The code alone. Comments end as NMODL's do; the lines keep their numbers."""
    content = re.sub(r"\bTITLE\b[^\n]*", "", content, count=1)

    def blank(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith(('"', "VERBATIM")) else "\n" * found[0].count("\n")

    return _COMMENT.sub(blank, content)


def _included(text: ModText, folder: Path, budget: list[int]) -> str:
    def content(found: re.Match[str]) -> str:
        budget[1] -= 1
        if budget[1] < 0:
            raise text.refused("INCLUDE", f"more than {_MAX_INCLUDES} files", "INCLUDE")
        name = found[1]
        inside = "\\" not in name and (folder / name).resolve().is_relative_to(folder)
        if not inside:
            raise text.refused("INCLUDE", f"'{name[:80]}' is not in the folder of the file; copy it there", "INCLUDE")
        if not (folder / name).is_file():
            raise text.refused("INCLUDE", f"there is no '{name[:80]}' in its folder", "INCLUDE")
        inner = ModText(folder / name, _without_comments(_content(folder / name, folder, budget)))
        return _included(inner, folder, budget)

    return _INCLUDE.sub(content, text.code)


def _check_depth(text: ModText) -> None:
    depth = 0
    for c in text.code:
        depth += (c in "({[") - (c in ")}]")
        if depth > _MAX_DEPTH:
            raise InputError(f"{text.path.name}: brackets are nested more than {_MAX_DEPTH} deep")
    # A chain of signs or of `else if` nests as well.
    if _SIGNS.search(text.code) or text.code.lower().count("else") > 2000:
        raise InputError(f"{text.path.name}: nested more than {_MAX_DEPTH} deep")
    if max(len("".join(part.split())) for part in text.code.split("=")) > _MAX_FORMULA:
        raise InputError(f"{text.path.name}: a formula of more than {_MAX_FORMULA:,} characters")


def _check_strings(text: ModText) -> None:
    """The parser would write of a string without end to standard error itself."""
    for number, line in enumerate(text.code.splitlines(), 1):
        if line.count('"') % 2:
            raise InputError(f"{text.path.name}:{number}: not NMODL: a string has no end")


def _check_units(text: ModText) -> None:
    """The parser would write of a unit without end in its line to standard output itself."""
    places = [found.start(1) for found in _AFTER_NUMBER.finditer(text.code)]
    for pattern, group in ((_DECLARED, 0), (_HEADING, 1)):
        for block in pattern.finditer(text.code):
            places += [block.start(group) + found.start() for found in _OPEN.finditer(block[group])]
    if places:
        line = text.code.count("\n", 0, min(places)) + 1
        raise InputError(f"{text.path.name}:{line}: not NMODL: a unit has no closing bracket in its line, as (mV) has")


def _without_verbatim(text: ModText) -> str:
    def idle(found: re.Match[str]) -> str:
        if not _IDLE.fullmatch(_C_COMMENT.sub(" ", found[1])):
            raise text.refused("VERBATIM", "it holds C code, which is neither run nor translated", r"\bVERBATIM\b")
        return "\n" * found[0].count("\n")

    return _VERBATIM.sub(idle, text.code)

"""NeuroML2 and LEMS files as trees, read with care: no entities, no network, nothing outside the folder of the file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hhfast.errors import InputError

_MAX_SIZE, _MAX_FILES, _MAX_DEPTH = 2_000_000, 40, 60
_OWN = ("Cells.xml", "Networks.xml", "Simulation.xml", "NeuroML2CoreTypes.xml")  # what every simulator has


def read_neuroml(paths: list[Path]) -> list[Any]:
    """The top-level elements of files and of what they include, names without namespaces."""
    reader = _IncludingReader(frozenset(path.resolve() for path in paths))
    for path in paths:
        reader.read(path, path.resolve().parent)
    return reader.elements


@dataclass
class _IncludingReader:
    """Reads files and what they include, each once. given : those that are read anyway, wherever they are."""

    given: frozenset[Path]
    elements: list[Any] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)
    size: int = 0  # bytes read

    def read(self, path: Path, folder: Path) -> None:
        """Read a file; what it includes must lie below the folder."""
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        if path.resolve() in self.seen:
            return
        self.seen.add(path.resolve())
        self.size += path.stat().st_size
        if self.size > _MAX_SIZE or len(self.seen) > _MAX_FILES:
            raise InputError(f"{path.name}: above {_MAX_SIZE:,} bytes or {_MAX_FILES} files with what it includes")
        for element in _root_of(path):
            if element.tag not in ("include", "Include"):
                self.elements.append(element)
            elif (name := element.get("href") or element.get("file") or "") not in _OWN:
                self._include(name, path, folder)

    def _include(self, name: str, path: Path, folder: Path) -> None:
        inner = (path.parent / name).resolve()
        if inner in self.given:
            return
        if "://" in name or not inner.is_relative_to(folder):
            raise InputError(f"{path.name}: include: '{name[:80]}' is not below the folder of the file; name it, too")
        self.read(inner, folder)


def _root_of(path: Path) -> Any:
    """The root element of a file, names without namespaces."""
    try:
        from defusedxml import ElementTree
    except ImportError:
        raise InputError("importing NeuroML needs defusedxml: pip install 'hhfast[import]'") from None
    with path.open("rb") as file:
        content = file.read(_MAX_SIZE + 1)  # no more, however long the file has become
    try:
        root = ElementTree.fromstring(content, forbid_dtd=True)
    except Exception as error:  # noqa: BLE001  # defusedxml's, expat's: the file's fault each time
        kind = type(error).__name__
        if kind == "DTDForbidden":
            raise InputError(f"{path.name}: not NeuroML: it has a DOCTYPE, whose entities are not read") from None
        raise InputError(f"{path.name}: not NeuroML: {kind}: {' '.join(str(error).split())[:120]}") from None
    _plain(root, path)
    return root


def _plain(root: Any, path: Path) -> None:
    """Names without their namespace; bounded depth."""
    level = [root]
    for _ in range(_MAX_DEPTH):
        for element in level:
            if isinstance(element.tag, str):
                element.tag = element.tag.rpartition("}")[2]
        level = [child for element in level for child in element]
        if not level:
            return
    raise InputError(f"{path.name}: elements are nested more than {_MAX_DEPTH} deep")

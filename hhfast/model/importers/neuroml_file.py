"""NeuroML2 and LEMS files as trees, read with care: no entities, no network, nothing outside the folder of the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hhfast.errors import InputError

_MAX_SIZE, _MAX_FILES, _MAX_DEPTH = 2_000_000, 40, 60
_OWN = ("Cells.xml", "Networks.xml", "Simulation.xml", "NeuroML2CoreTypes.xml")  # what every simulator has


def read_neuroml(paths: list[Path]) -> list[Any]:
    """The top-level elements of files and of what they include, names without namespaces."""
    try:
        from defusedxml import ElementTree
    except ImportError:
        raise InputError("importing NeuroML needs defusedxml: pip install 'hhfast[import]'") from None
    found: list[Any] = []
    seen: set[Path] = set()
    budget = _MAX_SIZE

    def read(path: Path, folder: Path) -> None:
        nonlocal budget
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        if path.resolve() in seen:
            return
        seen.add(path.resolve())
        content = path.read_bytes() if path.stat().st_size <= budget else b" " * (budget + 1)
        budget -= len(content)
        if budget < 0 or len(seen) > _MAX_FILES:
            raise InputError(f"{path.name}: above {_MAX_SIZE:,} bytes or {_MAX_FILES} files with what it includes")
        try:
            root = ElementTree.fromstring(content, forbid_dtd=True)
        except Exception as error:  # noqa: BLE001  # defusedxml's, expat's: the file's fault each time
            kind = type(error).__name__
            raise InputError(f"{path.name}: not NeuroML: {kind}: {' '.join(str(error).split())[:120]}") from None
        _plain(root, path)
        for element in root:
            if element.tag in ("include", "Include"):
                name = element.get("href") or element.get("file") or ""
                if name in _OWN:
                    continue
                inner = (path.parent / name).resolve()
                if inner in given:
                    continue
                if "://" in name or not inner.is_relative_to(folder):
                    raise InputError(f"{path.name}: include: '{name[:80]}' is not below the folder of the file")
                read(inner, folder)
            else:
                found.append(element)

    given = {path.resolve() for path in paths}  # read anyway, wherever they are
    for path in paths:
        read(path, path.resolve().parent)
    return found


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

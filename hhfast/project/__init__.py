"""A starting project: files to copy, read and change, which come with the package."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from hhfast.errors import InputError

_TEMPLATES = {  # file -> its template: a script is no module of hhfast
    "model.toml": "model.toml",
    "scan.toml": "scan.toml",
    "first_spike.py": "first_spike.txt",
    "README.md": "README.md",
}


def create(folder: str | Path) -> list[Path]:
    """Write a model file, a sweep of it, a script and a page that says what to do, into a new or empty folder.

    Returns the files. Raises `InputError` where the folder holds anything, or cannot be made; nothing is overwritten.
    """
    target = Path(folder)
    try:
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise InputError(f"{target}: exists and is not empty; choose another folder, nothing was changed")
        target.mkdir(parents=True, exist_ok=True)
        templates = files("hhfast.project") / "template"
        for name, template in _TEMPLATES.items():
            (target / name).write_text((templates / template).read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{target}: cannot be made ({error.strerror}); choose another folder") from None
    return [target / name for name in _TEMPLATES]

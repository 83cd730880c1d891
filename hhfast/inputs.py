"""Values that users give: a number, a number for each cell, a list of numbers; checked where they come in.

Each function takes the name of the value, for the one line of the `InputError` that it raises where the value is wrong.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hhfast.errors import InputError, did_you_mean, shown, unknown

_LONGEST_NAME = 200  # bytes: file systems allow 255, of which temporary names take some


def text_of(path: Path, most_bytes: int) -> str:
    """The text of a file of at most `most_bytes`, in UTF-8."""
    check_file(path)
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
        if len(content) > most_bytes:
            raise InputError(f"{path}: has more than {most_bytes:,} bytes; such a file is short")
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not text in UTF-8") from None


def check_file(path: Path) -> None:
    """Refuse what holds nothing to read: a directory, a device or a pipe, which would be waited for; an empty file."""
    try:
        found = path.stat()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:  # a zero byte
        raise InputError(f"{shown(str(path))}: is not the path of a file") from None
    if not stat.S_ISREG(found.st_mode):
        raise InputError(f"{path}: cannot be read (it is not a file)")
    if not found.st_size:  # or one that the system makes up, as /proc/kmsg, which would be waited for
        raise InputError(f"{path}: is empty")


def path_of(name: str, value: Any) -> Path:
    """The path of a file or folder, a text or a `Path`."""
    if not isinstance(value, (str, os.PathLike)):
        raise InputError(f"{name}: is {what(value)}; give the path of a file")
    path = Path(value)
    if "\0" in str(path):
        raise InputError(f"{name}: {shown(str(path))} is not the path of a file")
    return path


def exists(path: Path) -> bool:
    """Whether something has this name; no name that is too long has."""
    try:
        return path.exists()
    except OSError:
        return False


def check_writable(path: Path) -> None:
    """Raise `InputError` where no file of this name can be written: before the work whose result it is to hold."""
    folder = path.absolute().parent
    if _bytes_of(path.name) > _LONGEST_NAME:
        raise InputError(f"{path.name[:40]}...: the name is too long; at most {_LONGEST_NAME} bytes")
    if not _is_directory(folder):
        raise InputError(f"{path}: there is no directory {path.parent}; make it, or choose another output")
    if path.is_dir():
        raise InputError(f"{path}: is a directory; give the name of a file")
    if os.path.lexists(path) and not path.is_file():  # a pipe would be waited for; a device or link be replaced
        raise InputError(f"{path}: is a pipe, a socket, a device or a link to nothing; give another name")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{path}: the directory {path.parent} cannot be written; choose another output")


def _bytes_of(name: str) -> int:
    """The length of a file's name on disk."""
    try:
        return len(os.fsencode(name))  # bytes that are no UTF-8 come as surrogates
    except UnicodeEncodeError:
        raise InputError(f"{name!a}: is not the name of a file") from None


def what(value: Any) -> str:
    """A value as a message names it where it is of the wrong kind: None, or its type."""
    return "None" if value is None else f"of type {type(value).__name__}"


def _is_directory(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name that is too long
        return False


def per_cell(name: str, value: Any) -> Any:
    """A float, or a 1-D float64 array with one value per cell."""
    if type(value) is float and not math.isnan(value):  # the common case, twenty times as fast as what follows
        return value
    if isinstance(value, np.ndarray) and hasattr(value, "mask"):  # np.ma itself takes long to import
        raise InputError(f"{name}: is a masked array; fill its gaps with .filled(...), or leave those cells out")
    if value is None:
        raise InputError(f"{name}: is None; give a number or an array of numbers")
    if (array := _floats(value)) is None:
        if isinstance(value, int):
            raise InputError(f"{name} = {shown(value)}: is too large; numbers go up to 1e308")
        raise InputError(f"{name} = {shown(value)} is not a number or an array of numbers")
    if array.ndim > 1:
        raise InputError(f"{name} has {array.ndim} dimensions; give a number or a 1-D array with one value per cell")
    if array.ndim == 0 and np.isnan(array):
        raise InputError(f"{name} = {value}: must be a number, not NaN")
    return float(array) if array.ndim == 0 else array


def samples(name: str, value: Any) -> np.ndarray:
    """Numbers of any dimensions, float64; NaN, a sample that is missing, is allowed."""
    if value is None or (array := _floats(value)) is None:
        raise InputError(f"{name}: is no array of numbers; give numbers alone, and lists of one length")
    return array


def _floats(value: Any) -> np.ndarray | None:
    """What holds numbers, as float64; None for text, times, complex numbers, and numbers beyond 1e308."""
    try:
        array = np.asarray(value)
        return array.astype(np.float64) if array.dtype.kind not in "USMmc" else None
    except (TypeError, ValueError, OverflowError):
        return None


def number(name: str, value: Any) -> float:
    """One number for all cells; infinity is allowed."""
    found = per_cell(name, value)
    if not isinstance(found, float):
        raise InputError(f"{name}: is an array; give one number for all cells")
    return found


def finite(name: str, value: Any) -> float:
    """One finite number for all cells."""
    found = number(name, value)
    if not math.isfinite(found):
        raise InputError(f"{name} = {value}: must be a finite number")
    return found


def whole_number(name: str, value: Any, lowest: int, highest: int) -> int:
    """One whole number within these bounds."""
    found = int(value) if isinstance(value, (int, np.integer)) else number(name, value)  # exact above 2**53, too
    if not (lowest <= found <= highest and found == int(found)):
        raise InputError(f"{name} = {shown(value)}: must be a whole number from {lowest:,} to {highest:,}")
    return int(found)


def not_negative(name: str, value: Any) -> float:
    """One finite number, zero or above, for all cells."""
    found = finite(name, value)
    if found < 0:
        raise InputError(f"{name} = {value}: must not be negative")
    return found


def positive(name: str, value: Any) -> float:
    """One finite number above zero for all cells."""
    found = number(name, value)
    if not (math.isfinite(found) and found > 0):
        raise InputError(f"{name} = {value}: must be a positive number")
    return found


def tolerance(name: str, value: Any) -> float:
    """A relative tolerance: above 0 and below 1."""
    found = positive(name, value)
    if found >= 1:
        raise InputError(f"{name} = {value}: must be below 1; it is a share of the value")
    return found


def check_positive(**values: Any) -> None:
    """Raise `InputError` unless each of the values is a finite number above zero."""
    for name, value in values.items():
        positive(name, value)


def numbers(name: str, value: Any) -> np.ndarray:
    """(k,) float64: one finite number, or a list of them."""
    found = np.atleast_1d(per_cell(name, value))
    if not found.size or not np.isfinite(found).all():
        raise InputError(f"{name} = {_listed(value)}: give finite numbers, one at least")
    return found


def positive_numbers(name: str, value: Any) -> np.ndarray:
    """(k,) float64: one finite number above zero, or a list of them."""
    found = np.atleast_1d(per_cell(name, value))
    if not found.size or not (np.isfinite(found) & (found > 0)).all():
        raise InputError(f"{name} = {_listed(value)}: give positive numbers, one at least")
    return found


def interval(name: str, value: Any) -> tuple[float, float]:
    """Two finite numbers, the smaller one first."""
    found = numbers(name, value)
    if len(found) != 2 or not found[0] < found[1]:
        raise InputError(f"{name} = {_listed(value)}: give two numbers, the smaller one first")
    return float(found[0]), float(found[1])


def truth(name: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, (bool, np.bool_)):
        raise InputError(f"{name} = {shown(value)}: must be true or false")
    return bool(value)


def one_of(name: str, value: Any, known: Iterable[str]) -> str:
    """One of the known texts."""
    if not isinstance(value, str) or value not in (known := tuple(known)):
        raise InputError(f"{name} = {shown(value)}: {did_you_mean(value, known)}")
    return value


def known_name(kind: str, value: Any, known: Iterable[str], where: str = "") -> str:
    """A name among those known; else the error that suggests the nearest."""
    if not isinstance(value, str) or value not in known:
        raise unknown(kind, value, known, where)
    return value


def mapping(name: str, value: Any, example: str) -> Mapping[Any, Any]:
    """A mapping; example : of one, for the message."""
    if not isinstance(value, Mapping):
        raise InputError(f"{name}: is {what(value)}; give a mapping such as {example}")
    return value


def _listed(value: Any) -> str:
    """A value or the first of a list of them, as short as a message needs."""
    shown = [f"{v:g}" for v in samples("", value).ravel()[:6]]
    return ", ".join(shown + ["..."] * (np.size(value) > 6)) or "nothing"

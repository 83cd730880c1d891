"""The errors that a user can act on, their one line of bounded length, and the did-you-mean that helps."""

from __future__ import annotations

import contextlib
import difflib
import reprlib
import unicodedata
from collections.abc import Iterable, Iterator

MESSAGE_LENGTH = 300  # characters: one line that is read, whatever a file holds
_SHOWN_NAMES = 160  # characters of a list of known names
_PART = 4  # letters of a name, by which it is looked for
# What reading a file that is not what it should be may end with, beside an InputError.
_BLANKS = str.maketrans("\n\r\t", "   ")
BROKEN = (ValueError, ArithmeticError, RuntimeError, MemoryError, LookupError, TypeError, AttributeError)


def one_line(text: str, most: int = MESSAGE_LENGTH) -> str:
    """A text in one line of at most `most` printable characters: control characters escaped, its middle left out."""
    if len(text) > 4 * most:  # before it is read through: a name may have megabytes
        text = text[: 2 * most] + text[-2 * most :]
    line = harmless(text.translate(_BLANKS))
    if len(line) <= most:
        return line
    end = most // 5
    return f"{line[: most - end - 5]} ... {line[-end:]}"


def harmless(text: str) -> str:
    """A text without control characters, but for line ends: those of a file could write anywhere on a terminal."""
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


@contextlib.contextmanager
def understood(what: str) -> Iterator[None]:
    """Where a foreign file is read: an error of any kind that its contents cause becomes one `InputError`.

    what : the file, and what it should be, as the beginning of the message.
    """
    try:
        yield
    except InputError:
        raise
    except BROKEN as error:
        if "integer string conversion" in str(error):  # Python's own limit, against hours of reading
            raise InputError(f"{what}: holds a number of more than 4,300 digits; numbers go up to 1e308") from None
        reason = one_line(str(error), 120) or "it is too deep or too large"
        raise InputError(f"{what}: cannot be understood ({type(error).__name__}: {reason})") from None


class InputError(ValueError):
    """Something the user gave is wrong; the message is one line: what, where, and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """

    def __init__(self, message: object = "") -> None:
        super().__init__(one_line(str(message)))


class Incomplete(RuntimeError):
    """A run stopped early; what is finished is safe, and the same command resumes it."""


class StepWarning(UserWarning):
    """A fixed step is too long for some of the cells."""


class PrecisionWarning(UserWarning):
    """The model is known to need more precision than was asked for, or V goes where rates are only about right."""


class UnknownName(InputError, KeyError):
    """A name that is not in a registry, a model or a file."""

    def __str__(self) -> str:
        # KeyError would print the repr of the message.
        return str(self.args[0])


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """The closest known name as a hint, else the list of what is known (never empty). Names may be no text."""
    names = sorted(map(_text, known))
    given = _text(name)[:MESSAGE_LENGTH]  # comparing takes time by the square of a name's length
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    if not close:  # "g_na" for "g_Na": case is the commonest slip, and short names defeat the ratio above
        close = [k for k in names if k.casefold() == given.casefold()]
    if not close and len(given) >= _PART:  # a model by its author: "khaliq" for "khaliq_2003_purkinje"
        close = [k for k in names if given.casefold() in k.casefold()]
        if len(close) > 1:
            return f"did you mean one of these: {_listed(close)}?"
    if close:
        return f"did you mean '{close[0]}'?{_look_alikes(given)}"
    if not names:
        return "none are defined"
    return f"known: {_listed(names)}"


def _listed(names: list[str]) -> str:
    """Names in a list of bounded length."""
    while len(listed := ", ".join(names)) > _SHOWN_NAMES:
        names = [*names[: len(names) // 2], "..."] if len(names) > 2 else [one_line(names[0], _SHOWN_NAMES // 2)]
    return listed


def _look_alikes(name: str) -> str:
    """The letter of a name that may look like another on the screen, in words."""
    letter = next((c for c in name if not c.isascii()), "")
    return f" (yours has a {unicodedata.name(letter, ascii(letter))})" if letter else ""


def unknown(kind: str, name: object, known: Iterable[object], where: str = "") -> UnknownName:
    """The error for an unknown `name` of some `kind`, ready to raise."""
    place = f"{where}: " if where else ""
    return UnknownName(f"{place}unknown {kind} '{_text(name)}'; {did_you_mean(name, known)}")


class _Shown(reprlib.Repr):
    """`repr` of bounded length, also of what has none."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr_int(self, value: int, level: int) -> str:
        if value.bit_length() < 10_000:
            return super().repr_int(value, level)
        return f"a number of some {value.bit_length() * 0.30103:,.0f} digits"  # beyond 4,300 Python refuses to print it

    def repr_instance(self, value: object, level: int) -> str:
        try:
            return super().repr_instance(value, level)
        except Exception:  # noqa: BLE001
            return f"a value of type {type(value).__name__}"


_SHOWN = _Shown()


def shown(value: object) -> str:
    """A value as a message shows it: shortened, whatever it is."""
    return _SHOWN.repr(value)


def _text(name: object) -> str:
    """A name as text, whatever it is."""
    return name if isinstance(name, str) else shown(name)

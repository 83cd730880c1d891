"""The errors that a user can act on, and the did-you-mean that helps."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something the user gave is wrong; the message is one line: what, where, and what to do.

    The command line prints the message without a traceback and exits with code 2.
    """


class Incomplete(RuntimeError):
    """A run stopped early; what is finished is safe, and the same command resumes it."""


class StepWarning(UserWarning):
    """A fixed step is too long for some of the cells."""


class UnknownName(InputError, KeyError):
    """A name that is not in a registry, a model or a file."""

    def __str__(self) -> str:
        # KeyError would print the repr of the message.
        return str(self.args[0])


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The closest known name as a hint, else the list of what is known (never empty)."""
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if not close:  # "g_na" for "g_Na": case is the commonest slip, and short names defeat the ratio above
        close = [k for k in known if k.casefold() == name.casefold()]
    if close:
        return f"did you mean '{close[0]}'?"
    return f"known: {', '.join(known)}" if known else "none are defined"


def unknown(kind: str, name: str, known: Iterable[str], where: str = "") -> UnknownName:
    """The error for an unknown `name` of some `kind`, ready to raise."""
    place = f"{where}: " if where else ""
    return UnknownName(f"{place}unknown {kind} '{name}'; {did_you_mean(name, known)}")

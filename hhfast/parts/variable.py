"""Variable: a named array with axes and a unit, as recorders and analyses deliver it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# What an error of a number counts against: counts and codes are right or wrong; times have so many ms; a potential a
# share of 100 mV, a fraction of 1, a size of itself. What is incidental (as a number of steps) has no right value.
KINDS = ("count", "code", "time", "potential", "fraction", "size", "incidental")
_KIND_OF_UNIT = {"ms": "time", "mV": "potential", "1": "fraction"}


@dataclass(frozen=True)
class Variable:
    """An array with the names of its axes and its unit.

    `dims` are from "cell", "spike", and "time" ("time_2", ... where traces have several grids).
    flags : what the values 0, 1, ... mean, where they are codes.
    kind : how errors of it are judged, one of `KINDS`; "": by its unit.
    error_of : the variable whose estimated error it is; "": none.
    quantity : of a trace, what it shows of the model, as in `Model.quantities`; "": none of these.
    derivative : of a derivative: of which variable, and by which parameter.
    """

    values: np.ndarray
    dims: tuple[str, ...]
    unit: str = "1"
    long_name: str = ""
    flags: tuple[str, ...] = ()
    kind: str = ""
    error_of: str = ""
    quantity: str = ""
    derivative: tuple[str, str] | None = None

    @property
    def judged_as(self) -> str:
        """Its kind, one of `KINDS`."""
        if self.kind:
            return self.kind
        if self.flags:
            return "code"
        return "count" if self.values.dtype.kind in "iub" else _KIND_OF_UNIT.get(self.unit, "size")

    def attributes(self, name: str) -> dict[str, Any]:
        """CF attributes: unit, long name, the meaning of codes, and that `status` says whether a row's value counts.

        `error_of` is not of CF: the variable whose estimated error this one is.
        """
        plain = {"units": self.unit, "long_name": self.long_name or name}
        plain |= {"ancillary_variables": "status"} if self.dims[:1] == ("cell",) else {}
        plain |= {"error_of": self.error_of} if self.error_of else {}
        return plain | (flag_attributes(self.flags) if self.flags else {})


def flag_attributes(meanings: tuple[str, ...]) -> dict[str, Any]:
    """CF attributes that explain the codes 0, 1, ..."""
    return {"flag_values": np.arange(len(meanings), dtype=np.uint8), "flag_meanings": " ".join(meanings)}

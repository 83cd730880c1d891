"""Variable: a named array with axes and a unit, as recorders and analyses deliver it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Variable:
    """An array with the names of its axes and its unit.

    `dims` are from "cell", "spike", and "time" ("time_2", ... where traces have several grids).
    flags : what the values 0, 1, ... mean, where they are codes.
    """

    values: np.ndarray
    dims: tuple[str, ...]
    unit: str = "1"
    long_name: str = ""
    flags: tuple[str, ...] = ()

    def attributes(self, name: str) -> dict[str, Any]:
        """CF attributes: unit, long name, and the meaning of codes."""
        plain = {"units": self.unit, "long_name": self.long_name or name}
        return plain | (flag_attributes(self.flags) if self.flags else {})


def flag_attributes(meanings: tuple[str, ...]) -> dict[str, Any]:
    """CF attributes that explain the codes 0, 1, ..."""
    return {"flag_values": np.arange(len(meanings), dtype=np.uint8), "flag_meanings": " ".join(meanings)}

"""Where V is held inside the exponentials of compiled rates: `RANGE` mV on either side of `CENTRE`. Needs no SymPy."""

from __future__ import annotations

CENTRE = -25  # mV
RANGE = {"float64": 175, "float32": 150}  # mV

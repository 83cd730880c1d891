"""What an import gives: the model, its file, what was said about it, and the proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hhfast.model.importers.verification import TOLERANCE, ImportVerification
from hhfast.model.model import Model


@dataclass(frozen=True)
class Imported:
    """A model from files of another program.

    model : as any other. verification : every curve of the file, evaluated apart from the translation, against the
    model's. stimulus : the keys of a sweep file's [stimulus], where the files have one.
    """

    model: Model
    verification: ImportVerification
    stimulus: Mapping[str, Any] | None = field(default=None)

    @property
    def text(self) -> str:
        """The model's file."""
        return self.model.to_toml()

    def report(self) -> str:
        """The verification as text, one line a curve, the worst difference last."""
        rows = [f"  {c.name:<16} {c.quantity:<14} {c.difference:.1e}" for c in self.verification.comparisons]
        verdict = "agrees with" if self.verification.passed else "DIFFERS from"
        worst = self.verification.difference
        head = "relative difference from the file's own equations, -120..+60 mV"
        if v := self.verification.isolated:
            rows.append(f"  at {', '.join(f'{x:g}' for x in v)} mV the file has a value apart from its curve; left out")
        return "\n".join([head, *rows, f"{verdict} the file: worst {worst:.1e} (allowed {TOLERANCE:.0e})"])

"""How large an error of a number may be for a certificate: a share of its scale, or so many ms, or as one says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hhfast.errors import unknown
from hhfast.inputs import positive
from hhfast.parts.feature import feature_names
from hhfast.parts.features import Features
from hhfast.parts.recorder import Recorder

_SCALES = {"potential": 100.0, "fraction": 1.0}  # of a kind of numbers (`parts.variable`): mV, 1; a size has its own
_EXACT = ("count", "code")
CertifyTolerance = float | Mapping[str, float]


@dataclass(frozen=True)
class Tolerance:
    """The errors that a certificate lets pass.

    share : of the scale of a number: 100 mV for potentials, 1 for gates, fractions and isi_cv, its own size for rates
        and concentrations. time : ms. own : name of a recorded number -> its largest error, in its unit.
    Counts and classes are right or wrong, unless `own` names them.
    """

    share: float = 0.01
    time: float = 0.1
    own: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Any, states: Iterable[str], record: Iterable[Recorder] = ()) -> Tolerance:
        """What `certify_tolerance` says: the share, or a mapping with share, time and names of recorded numbers.

        states : of the model; record : recorders, whose names may be given. Raises `InputError` for anything else.
        """
        if not isinstance(given, Mapping):
            return cls(share=positive("certify_tolerance", given))
        known = ["share", "time", *feature_names(), *Features.of_settled, "spike_time", *(f"{x}_final" for x in states)]
        known += [name for r in record for name in getattr(r, "names", ())]
        values = {}
        for name, value in given.items():
            if name not in known:
                raise unknown("name", str(name), known, "certify_tolerance")
            values[name] = positive(f"certify_tolerance.{name}", value)
        whole = {name: values.pop(name) for name in ("share", "time") if name in values}
        return cls(**whole, own=values)

    def allowed(self, name: str, kind: str, size: np.ndarray) -> float | np.ndarray:
        """The largest error of a number of this name and kind, in its unit. size : (n,) of its absolute values."""
        if name in self.own:
            return self.own[name]
        if kind in _EXACT:
            return 0.0
        if kind == "time":
            return self.time
        return self.share * _SCALES.get(kind, size)

"""From the canonical spec in a result file back to its sweep."""

from __future__ import annotations

import json

from hhfast.batch.step_control import CONTROL
from hhfast.errors import InputError
from hhfast.model import Model
from hhfast.sweep.canonical_spec import FORMAT
from hhfast.sweep.own_objects import check_nothing_own
from hhfast.sweep.record import record_from_canonical
from hhfast.sweep.space import Space
from hhfast.sweep.sweep import Sweep


def sweep_from_canonical(text: str, model: Model, space: Space) -> Sweep:
    """The sweep of a canonical spec, with its model and (some of) its rows given apart."""
    spec = json.loads(text)
    if spec["format"] != FORMAT:
        raise InputError(f"the spec has format {spec['format']}, not {FORMAT}; use the hhfast that wrote it")
    check_nothing_own(spec)
    keys = ("t_stop", "dt", "integrator", "stimulus", "parameters", "initial", "dtype")
    optional = (
        "analysis",
        "certify",
        "certify_tolerance",
        "until",
        "channel_noise",
        "replicates",
        "sensitivity",
        *CONTROL,
    )
    given = {k: spec[k] for k in keys} | {k: spec[k] for k in optional if k in spec}
    record = record_from_canonical(spec["record"])
    return Sweep(model=model, space=space, record=record, constraints=tuple(spec["constraints"]), **given)

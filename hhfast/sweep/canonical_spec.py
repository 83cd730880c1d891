"""The canonical spec of a sweep: all that its results depend on, as plain data; its hash tells sweeps apart."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from hhfast.parts.activity import Settled
from hhfast.parts.integrators import integrators
from hhfast.sweep.own_objects import class_name, described
from hhfast.sweep.record import canonical_record, registered_as
from hhfast.sweep.stimulus import is_registered, plain, stimulus_kind

if TYPE_CHECKING:
    from hhfast.sweep.sweep import Sweep

FORMAT = 1  # of the canonical spec


def canonical_spec(sweep: Sweep) -> dict[str, Any]:
    """Everything the results depend on, without paths; the model is identified by its text."""
    return {
        "format": FORMAT,
        "model": sweep.model.name,
        "model_sha256": hashlib.sha256(sweep.model.to_toml().encode()).hexdigest(),
        "space": sweep.space.canonical(),
        "t_stop": float(sweep.t_stop),
        "dt": float(sweep.dt),
        "integrator": sweep.scheme.name,
        "stimulus": plain(sweep.stimulus),
        "parameters": {k: float(v) for k, v in sweep.parameters.items()},
        "record": canonical_record(sweep.recorders),
        "initial": plain(sweep.initial),
        "dtype": sweep.dtype,
        "constraints": list(sweep.constraints),
    } | _optional(sweep)


def _optional(sweep: Sweep) -> dict[str, Any]:
    """The part of the canonical spec that has only what is used: files without it keep their checksum."""
    optional: dict[str, Any] = {"analysis": dict(sweep.analysis)} if sweep.analysis is not None else {}
    if isinstance(sweep.until, Settled):
        optional["until"] = sweep.until.values
    if sweep.sensitivity:
        optional["sensitivity"] = list(sweep.sensitivity)
    if sweep.noise is not None:
        optional["channel_noise"] = sweep.noise.values
    if sweep.replicates is not None:
        optional["replicates"] = sweep.replicates
    if sweep.certify is not False:
        optional["certify"] = float(sweep.certify)
        if sweep.certify_tolerance != type(sweep).certify_tolerance:
            optional["certify_tolerance"] = plain(sweep.certify_tolerance)
    if own := _own_objects(sweep):
        optional["own"] = own
    return optional | _control(sweep)


def _own_objects(sweep: Sweep) -> dict[str, Any]:
    """Descriptions of the objects that no registry has."""
    scheme, kinds = sweep.scheme, [stimulus_kind(entry) for entry in sweep.stimuli.values()]
    own: dict[str, Any] = {}
    if scheme.name not in integrators or integrators[scheme.name] != scheme:
        own[f"integrator {scheme.name}"] = described(scheme)
    own |= {f"stimulus {kind.name}": described(kind) for kind in kinds if not is_registered(kind)}
    return own | {f"recorder {class_name(r)}": described(r) for r in sweep.recorders if registered_as(r) is None}


def _control(sweep: Sweep) -> dict[str, Any]:
    """The step control of an adaptive integrator, as far as it is given."""
    given: dict[str, Any] = plain(sweep.control)
    return given | ({} if sweep.max_steps is None else {"max_steps": int(sweep.max_steps)})

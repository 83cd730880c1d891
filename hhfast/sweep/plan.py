"""The plan of a run: how its rows are cut into batches and batches into parts, and the file that says so."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hhfast.errors import InputError
from hhfast.sweep.durable_files import write_durably

MOST_BATCHES = 10_000_000  # of a run: more files than that no directory holds well
_MOST_PLAN = 1 << 28  # bytes of spec.json; a waveform's points are in it


@dataclass(frozen=True)
class Plan:
    """How a sweep is cut into batches, what computes it, and the global attributes of its result."""

    spec: str
    spec_sha256: str
    model: str
    n_rows: int
    rows_per_batch: int
    versions: dict[str, str]
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def n_batches(self) -> int:
        return -(-self.n_rows // self.rows_per_batch)

    def rows(self, batch: int) -> tuple[int, int]:
        """(start, stop) of a batch."""
        start = batch * self.rows_per_batch
        return start, min(start + self.rows_per_batch, self.n_rows)


@dataclass(frozen=True)
class RunPart:
    """Part `number` (from 1) of `count` of a run, for machines that know nothing of each other."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> RunPart:
        """From "2/8"."""
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise InputError(f"--part {text}: must be i/n with i from 1 to n, as in 2/8")
        return cls(int(found[1]), int(found[2]))

    def __contains__(self, batch: int) -> bool:
        return batch % self.count == self.number - 1

    @property
    def lock_name(self) -> str:
        return f"lock-{self.number}-of-{self.count}"


def read_plan(path: Path) -> Plan:
    """The plan in a file that is checked: its checksum, and that it is one."""
    if not path.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    with path.open("rb") as file:
        content = file.read(_MOST_PLAN + 1)
    if len(content) > _MOST_PLAN:
        raise ValueError(f"it has more than {_MOST_PLAN:,} bytes")
    whole = json.loads(content)
    entry = whole["hhfast_parts"]
    if whole.keys() != {"hhfast_parts"} and whole != {"hhfast_parts": entry, "sha256": _checksum(entry)}:
        raise ValueError("it does not match its checksum")  # plans of earlier versions have none
    plan = Plan(**entry)
    texts = (plan.spec, plan.spec_sha256, plan.model, *plan.versions.keys(), *plan.versions.values(), *plan.attributes)
    numbers = (plan.n_rows, plan.rows_per_batch)
    if not all(isinstance(t, str) for t in texts) or not all(type(n) is int and n > 0 for n in numbers):
        raise TypeError("its entries are not what they should be")
    if "hhfast" not in plan.versions:
        raise ValueError("it does not say which version wrote it")
    if plan.n_batches > MOST_BATCHES:
        raise ValueError(f"it has {plan.n_batches:,} batches; at most {MOST_BATCHES:,} are possible")
    return plan


def write_plan(path: Path, plan: Plan) -> None:
    """Store a plan durably, with its checksum."""
    entry = asdict(plan)
    content = {"hhfast_parts": entry, "sha256": _checksum(entry)}
    write_durably(path, json.dumps(content, indent=1).encode())


def _checksum(entry: Any) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()

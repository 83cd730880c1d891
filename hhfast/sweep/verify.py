"""Checking outputs bit for bit: results against their checksums, shards against theirs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hhfast.errors import InputError
from hhfast.progress import Reporter
from hhfast.sweep.parts import DamagedShard, Parts, is_planned, parts_directory


@dataclass(frozen=True)
class Verified:
    """What was found: a line that says it, and the problems."""

    summary: str
    problems: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join([self.summary, *(f"  {problem}" for problem in self.problems)])


def verify_output(out: Path) -> Verified:
    """Check a result, or the parts of an unfinished one; nothing is changed."""
    folder = parts_directory(out)
    if out.exists():
        return _result(out)
    if is_planned(folder):
        return _parts(out, Parts.open(folder))
    raise InputError(f"{out}: neither it nor {folder} exists; check the path")


def _result(out: Path) -> Verified:
    from hhfast.sweep.store import ResultFile, check_digests

    with ResultFile(out) as result:
        attributes, n_rows = result.attributes, result.n_rows
        names = [name for name in result.names if not result.has_digest(name)]
    problems = [f"variable '{name}' has no checksum" for name in names]
    if hashlib.sha256(attributes["hhfast_spec"].encode()).hexdigest() != attributes["hhfast_spec_sha256"]:
        problems.append("the spec does not match its checksum")
    if hashlib.sha256(attributes["hhfast_model"].encode()).hexdigest() not in attributes["hhfast_spec"]:
        problems.append("the model does not match its checksum")
    problems += check_digests(out)
    state = "damaged" if problems else "every variable matches its checksum"
    return Verified(f"{out}: {n_rows:,} rows, {state}", tuple(problems))


def _parts(out: Path, parts: Parts) -> Verified:
    present = parts.present()
    problems = []
    with Reporter(f"verifying {out.name}", len(present), "shards") as reporter:
        for batch in present:
            try:
                parts.read(batch)
            except DamagedShard as damage:
                problems.append(f"{parts.path(batch)}: {damage}; run the sweep with --repair to compute its rows again")
            reporter.advance(1)
    good = len(present) - len(problems)
    return Verified(f"{out}: unfinished, {good} of {parts.plan.n_batches} batches are there and sound", tuple(problems))

"""Checking outputs bit for bit: results against their checksums, shards against theirs."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hhfast.errors import InputError
from hhfast.inputs import check_file, exists
from hhfast.progress import Reporter
from hhfast.sweep.run_directory import RunDirectory, holds_run, run_directory
from hhfast.sweep.shards import DamagedShard


@dataclass(frozen=True)
class OutputCheck:
    """What was found: a line that says it, and the problems."""

    summary: str
    problems: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "\n".join([self.summary, *(f"  {problem}" for problem in self.problems)])


def verify_output(out: Path) -> OutputCheck:
    """Check a result, or the parts of an unfinished one; nothing is changed."""
    folder = run_directory(out)
    if exists(out):
        check_file(out)
        return _result(out)
    if holds_run(folder):
        return _unfinished(out, RunDirectory.open(folder))
    raise InputError(f"{out}: neither it nor {folder} exists; check the path")


def _result(out: Path) -> OutputCheck:
    from hhfast.sweep.store import ResultFile, check_digests

    try:
        with ResultFile(out) as result:
            attributes, n_rows, sealed = result.attributes, result.n_rows, result.sealed
            names = [name for name in result.names if not result.has_digest(name)]
    except InputError as error:
        return OutputCheck(f"{out}: damaged, or no result", (str(error),))
    problems = [f"variable '{name}' has no checksum" for name in names]
    if hashlib.sha256(attributes["hhfast_spec"].encode()).hexdigest() != attributes["hhfast_spec_sha256"]:
        problems.append("the spec does not match its checksum")
    if hashlib.sha256(attributes["hhfast_model"].encode()).hexdigest() not in attributes["hhfast_spec"]:
        problems.append("the model does not match its checksum")
    problems += check_digests(out)
    vouched = "the whole file matches its seal, and " if sealed else ""
    unsealed = "" if sealed else " (written before files were sealed: attributes and types are not vouched for)"
    state = "damaged" if problems else f"{vouched}every variable matches its checksum{unsealed}"
    return OutputCheck(f"{out}: {n_rows:,} rows, {state}", tuple(problems))


def _unfinished(out: Path, run: RunDirectory) -> OutputCheck:
    finished = run.finished()
    problems = []
    with Reporter(f"verifying {out.name}", len(finished), "shards") as reporter:
        for batch in finished:
            try:
                run.read(batch)
            except DamagedShard as damage:
                problems.append(f"{run.path(batch)}: {damage}; run the sweep with --repair to compute its rows again")
            reporter.advance(1)
    good = len(finished) - len(problems)
    summary = f"{out}: unfinished, {good} of {run.plan.n_batches} batches are there and sound"
    return OutputCheck(summary, tuple(problems))

"""From measurements to a markdown table, and into a README between its markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

_COLUMNS = (
    "",
    "type",
    "threads",
    "ns per neuron-step",
    "faster than Numba loop",
    "slower than hhfast",
    "same spike count",
    "peak MB",
    "of FMA peak",
)


def with_ratios(rows: list[dict[str, Any]]) -> None:
    """Add to each row its median, and the median ratios, repetition by repetition, to Numba's loop and to hhfast.

    hhfast's row is that of the same type and threads; Numba's loop is in float64, with as many threads.
    """
    by = {(r["key"], r["dtype"], r["threads"]): np.array(r["ns"]) for r in rows}
    for r in rows:
        ns, threads = np.array(r["ns"]), r["threads"]
        r["median_ns"] = float(np.median(ns))
        numba, own = by.get(("numba", "float64", threads)), by.get(("hhfast", r["dtype"], threads))
        r["faster_than_numba"] = None if numba is None else float(np.median(numba / ns))
        r["slower_than_hhfast"] = None if own is None else float(np.median(ns / own))


def markdown(result: dict[str, Any]) -> str:
    """The table with its footnotes."""
    rows, notes = result["rows"], result["notes"]
    numbers = {key: k + 1 for k, key in enumerate(notes)}
    lines = [_heading(result), "", f"| {' | '.join(_COLUMNS)} |", f"|---|---|{'---:|' * (len(_COLUMNS) - 2)}"]
    lines += [_line(r, numbers[r["key"]]) for r in rows]
    lines += ["", *(f"{numbers[key]}. {note}" for key, note in notes.items())]
    if result["skipped"]:
        skipped = "; ".join(f"{title} ({why})" for title, why in result["skipped"].items())
        lines += ["", f"Not measured: {skipped}."]
    return "\n".join([*lines, "", _explanation(result)]) + "\n"


def _heading(result: dict[str, Any]) -> str:
    work, machine = result["workload"], result["machine"]
    return (
        f"Squid axon, {work['neurons']:,} neurons with different conductances and currents, "
        f"{work['duration']:g} ms in steps of {work['dt']:g} ms, spikes counted. {machine['processor']}, "
        f"{machine['cores']} cores; Python {machine['python']}, Numba {machine['numba']}, "
        f"g++ {machine['g++'] or 'not installed'}."
    )


def _line(r: dict[str, Any], note: int) -> str:
    def number(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    cells = (
        f"{r['title']} [{note}]",
        r["dtype"],
        r["threads"],
        number(r["median_ns"], ".3g"),
        number(r["faster_than_numba"], ".3g"),
        number(r["slower_than_hhfast"], ".3g"),
        number(r["agreement"], ".1%"),
        number(r["peak_mb"], ".0f"),
        number(r["of_peak"], ".0%"),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def _explanation(result: dict[str, Any]) -> str:
    load = float(result["machine"]["load before"] or 0)
    busy = f" **The machine was busy (load {load:g} before the run): trust only large ratios.**"
    return (
        f"Each contestant ran in its own process on as many processors as threads; all took turns, "
        f"{result['repetitions']} times. Time: median; ratios: medians of ratios within one turn, to the Numba loop "
        "(float64) and to hhfast (same type) with as many threads. Same spike count: share of neurons whose count is "
        "that of RK4 with the same step. Peak MB: of the whole process, libraries and compilation included. Of FMA "
        "peak: floating-point operations counted in the machine code of a step, over the measured peak of as many "
        "cores." + (busy if load > 0.5 else "")
    )


def insert(page: Path, text: str, name: str = "benchmark") -> None:
    """Put the text between the two markers of this name on a page; SystemExit where there are none."""
    check(page, name)
    begin, end = _markers(name)
    whole = page.read_text(encoding="utf-8")
    head, _, rest = whole.partition(begin)
    _, _, tail = rest.partition(end)
    page.write_text(f"{head}{begin}\n{text}{end}{tail}", encoding="utf-8")


def check(page: Path, name: str = "benchmark") -> None:
    """SystemExit, saying why, where `insert` would not work."""
    begin, end = _markers(name)
    if not page.exists():
        raise SystemExit(f"{page} does not exist")
    text = page.read_text(encoding="utf-8")
    if not 0 <= text.find(begin) < text.find(end):
        raise SystemExit(f"{page} has no place for the table: add the lines\n{begin}\n{end}")


def _markers(name: str) -> tuple[str, str]:
    return f"<!-- {name}:begin -->", f"<!-- {name}:end -->"

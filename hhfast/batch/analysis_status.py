"""The outcome of an analysis for one cell: one list of codes for all analyses."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from hhfast.tables import counts_text, html_of


class AnalysisStatus(IntEnum):
    """The status of a row. Where several apply, the first cause is given.

    OK : there is a result.
    DIVERGED : the states became NaN or infinite (or a parameter is NaN, or C_m not positive; or an
        adaptive integrator gave up).
    SPONTANEOUS : the cell fires without current.
    NEVER : nothing up to the cap makes it fire.
    NON_MONOTONE : it fires at the value given, and fails at some higher one.
    REPETITIVE : the first pulse alone makes it fire more than once.
    NO_SPIKE : the first pulse makes no spike, or none that ends.
    UNRECOVERED : no second spike up to the longest interval.
    UNSTABLE : no equilibrium is stable; the lowest is given.
    NO_EQUILIBRIUM : there is none in the range of V that is searched.
    UNSOLVED : at some V the other states were found at no equilibrium, or at another one than just beside it: there
        may be more points than are given.
    NOT_PERIODIC : the cell rests, is irregular, or is on no cycle by the end of its run.
    NOT_CONVERGED : a fit moved still when its iterations ended; the best point is given.
    """

    OK = 0
    DIVERGED = 1
    SPONTANEOUS = 2
    NEVER = 3
    NON_MONOTONE = 4
    REPETITIVE = 5
    NO_SPIKE = 6
    UNRECOVERED = 7
    UNSTABLE = 8
    NO_EQUILIBRIUM = 9
    UNSOLVED = 10
    NOT_PERIODIC = 11
    NOT_CONVERGED = 12


MEANINGS = tuple(code.name.lower() for code in AnalysisStatus)


def analysis_html(found: Any) -> str:
    """The result of an analysis as a table for notebooks: its status in words, arrays by their shapes and ranges."""
    n = len(found.status)
    told = counts_text(found.status, MEANINGS)
    return html_of(found, f"{type(found).__name__} of {n:,} {'cell' if n == 1 else 'cells'}: {told}", MEANINGS)

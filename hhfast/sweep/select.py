"""Populations: the rows of a result that meet criteria, as a table that a next sweep takes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hhfast.errors import InputError
from hhfast.inputs import path_of
from hhfast.sweep.constraints import plain_name
from hhfast.sweep.criteria import Criterion, Vocabulary, criteria_of, criteria_of_file
from hhfast.sweep.durable_files import atomic_file
from hhfast.sweep.numbered_axes import INITIAL, REPLICATE
from hhfast.tables import html_table, one_line, short_text

if TYPE_CHECKING:
    import pandas as pd

    from hhfast.sweep.store import ResultFile

_OK = Criterion("status == 'ok'", "status == 0")


@dataclass(frozen=True)
class Selection:
    """Rows of a result that meet all criteria.

    path : the result. rows : their numbers, ascending, int64. n_rows : of the result. criteria : the texts, as given.
    passed : how many rows meet each criterion by itself. parameters : name -> values of the chosen rows, of those
    parameters of the model that vary or that the sweep fixed; all else is left to the next protocol.
    """

    path: Path
    rows: np.ndarray
    n_rows: int
    criteria: tuple[str, ...]
    passed: tuple[int, ...]
    parameters: Mapping[str, np.ndarray]

    __repr__ = one_line

    def _repr_html_(self) -> str:
        met = [(text, f"{n:,}") for text, n in zip(self.criteria, self.passed, strict=True)]
        told = [(name, short_text(values)) for name, values in self.parameters.items()]
        return html_table(f"{len(self.rows):,} of {self.n_rows:,} rows of {self.path.name}", [*met, *told])

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def acceptance(self) -> float:
        """The share of rows that meet all criteria."""
        return len(self.rows) / self.n_rows

    @cached_property
    def distinct(self) -> np.ndarray:
        """Which of the chosen rows to keep, so that each set of parameters is there once, bool."""
        if not self.parameters:
            return np.ones(len(self.rows), dtype=bool)
        _, first = np.unique(np.column_stack(list(self.parameters.values())), axis=0, return_index=True)
        kept = np.zeros(len(self.rows), dtype=bool)
        kept[first] = True
        return kept

    def save(self, path: str | Path) -> Path:
        """Write the distinct parameter sets as a table, CSV or (.h5) HDF5, for `[table] file = ...` of a next sweep.

        Raises `InputError` if no row was chosen, or no parameter of the model varies.
        """
        path = path_of("path", path)
        if not len(self.rows):
            raise InputError(f"{path}: no row meets the criteria, so there is no table to write")
        if not self.parameters:
            raise InputError(f"{path}: no parameter of the model varies in {self.path}, so there is no table to write")
        columns = {name: values[self.distinct] for name, values in self.parameters.items()}
        with atomic_file(path) as temporary:
            if path.suffix in (".h5", ".hdf5"):
                from hhfast.sweep.store import write_table

                write_table(temporary, columns, {"source": self.path.name, "where": " and ".join(self.criteria)})
            else:
                _write_csv(temporary, columns)
        return path

    def to_pandas(self) -> pd.DataFrame:
        """The parameters of the chosen rows, indexed by row. Needs pandas."""
        try:
            import pandas as pd
        except ImportError:
            raise InputError("to_pandas needs pandas; install it with: pip install pandas") from None
        return pd.DataFrame(dict(self.parameters), index=pd.Index(self.rows, name="run"))


def select(path: str | Path, where: str | None = None, *, ranges: str | Path | None = None) -> Selection:
    """The rows of a result that meet criteria: a population.

    path : a result. where : comparisons of parameters and features, joined by `and` (each is then counted by itself),
    e.g. "activity == 'bursting' and 500 < period < 1500"; `or`, `in`, parentheses and the functions of formulas are
    known. ranges : a TOML file with `where` and a table [ranges] of `name = [low, high]`. Rows whose status is not ok
    are left out, unless a criterion names `status`; a value that is missing (NaN) meets no comparison.

    Returns a `Selection`. Raises `InputError` for unknown names, and where no criterion is given.

    Populations of models by protocols in turn: Prinz, Billimoria & Marder 2003, J Neurophysiol 90:3998-4015; Marder &
    Taylor 2011, Nat Neurosci 14:133-138.
    """
    from hhfast.sweep.store import ResultFile

    with ResultFile(path) as result:
        criteria = _criteria(result, where, ranges)
        passed, rows = np.zeros(len(criteria), dtype=np.int64), []
        for start, values in _blocks(result, criteria):
            met = np.array([criterion.holds(values) for criterion in criteria])
            passed += met.sum(axis=1)
            rows.append(start + np.flatnonzero(met.all(axis=0)))
        chosen = np.concatenate(rows).astype(np.int64)
        return Selection(
            Path(path), chosen, result.n_rows, tuple(c.text for c in criteria), tuple(passed.tolist()),
            _parameters(result, chosen),
        )  # fmt: skip


def _criteria(result: ResultFile, where: str | None, ranges: str | Path | None) -> tuple[Criterion, ...]:
    known = vocabulary(result)
    found = criteria_of(where, known) if where is not None else ()
    if ranges is not None:
        found += criteria_of_file(path_of("ranges", ranges), known)
    if not found:
        raise InputError('select: has no criterion; give where, e.g. "rate > 5", or a file of ranges')
    if any("status" in _names(criterion) for criterion in found):
        return found
    return (_OK, *found)


def vocabulary(result: ResultFile) -> Vocabulary:
    """What criteria may name: the varied parameters, the features, and `status`."""
    names = (*result.parameters, *result.features, "status")
    codes = {}
    for name in names:
        if meanings := result.codes(name):
            values = np.asarray(result.attributes_of(name).get("flag_values", range(len(meanings)))).tolist()
            codes[name] = dict(zip(meanings, values, strict=False))
    return Vocabulary(names, codes)


def _names(criterion: Criterion) -> frozenset[str]:
    from hhfast.model.formulas import names

    return names(criterion.formula)


def _blocks(result: ResultFile, criteria: Sequence[Criterion]) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """(first row, plain name -> values) of blocks of rows, of the variables that are named."""
    used = frozenset[str]().union(*(_names(criterion) for criterion in criteria))
    named = {plain_name(name): name for name in vocabulary(result).names if plain_name(name) in used}
    named |= {} if named else {"status": "status"}  # something to tell the number of rows by
    for start, stop in result.spans():
        yield start, {plain: result.read(name, start, stop).astype(np.float64) for plain, name in named.items()}


def _parameters(result: ResultFile, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The parameters of the model in some rows: those that vary, and those that the sweep fixed."""
    found = {}
    of_the_model = [name for name in result.parameters if "." not in name and name not in (INITIAL, REPLICATE)]
    for name in of_the_model:
        parts = [
            result.read(name, start, stop)[rows[(rows >= start) & (rows < stop)] - start]
            for start, stop in result.spans()
        ]
        found[name] = np.concatenate(parts)
    fixed = json.loads(result.attributes["hhfast_spec"]).get("parameters", {})
    return found | {name: np.full(len(rows), value) for name, value in fixed.items() if "." not in name}


def _write_csv(path: Path, columns: Mapping[str, np.ndarray]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(values.tolist() for values in columns.values()), strict=True))

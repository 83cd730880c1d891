"""Result: named arrays with units, as one batch of `simulate` returns them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.errors import InputError, unknown
from hhfast.parts.integrators import integrators
from hhfast.parts.variable import Variable, flag_attributes
from hhfast.tables import counts_text, html_table, short_text, unit_text

if TYPE_CHECKING:
    import pandas as pd
    import xarray

OK, DIVERGED, SPIKES_FULL, STEP_LIMIT = 0, 1, 2, 3
CAP_REACHED = 6  # of a run until="settled": at t_stop the cell had not settled
EXCLUDED, FAILED = 4, 5  # of rows that a sweep did not simulate: by its constraints, or because they crash the process
GAVE_UP = (DIVERGED, STEP_LIMIT)  # a cell of this status did not reach t_stop; its numbers are NaN
OF_THE_RUN = (
    "reason",
    "n_steps",
    "n_rejected",
)  # what a result says of how a run went, which is no feature of a neuron
OUTCOMES = ("analysis_status", "status", "reason")  # which say of every row why it has no other value
STIFF = 200.0  # steps per ms, at which an implicit method is much cheaper; the published models take up to 50
REASON_MEANINGS = (  # of a diverged cell, in the order of the codes in `kernel.spec`; the last: of one that is not
    "none", "not_finite", "impossible_parameter", "potential_out_of_bounds", "gate_outside_0_to_1",
    "negative_concentration", "potential_beyond_rates",
)  # fmt: skip
BEYOND_RATES = REASON_MEANINGS.index("potential_beyond_rates")
STATUS_MEANINGS = ("ok", "diverged", "spike_buffer_full", "step_limit_reached", "excluded", "failed", "cap_reached")


@dataclass(frozen=True, eq=False)
class Result(Mapping[str, np.ndarray]):
    """The result of a batch: one row per cell; a mapping from the name of a variable to its array.

    status : (n_cells,) uint8; 0 ok, 1 diverged (impossible: `reason` says how), 2 spike buffer full, 3 step limit
        reached, 6 cap reached (of a run until="settled": not settled at t_stop). The floats of a cell of status 1 or
        3 are NaN; its integers (counts, steps) and spike times are those until it was given up: no answer.
    variables : name -> `Variable`, everything the recorders delivered, sample times included.
    attributes : model, integrator, step, tolerances, precision.
    """

    status: np.ndarray
    variables: Mapping[str, Variable]
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        """The number of cells."""
        return len(self.status)

    def __repr__(self) -> str:
        counts = np.bincount(self.status, minlength=len(STATUS_MEANINGS)).tolist()
        by_status = ", ".join(f"{n:,} {meaning}" for n, meaning in zip(counts, STATUS_MEANINGS, strict=True) if n)
        if stiff := int(self._is_stiff.sum()):
            by_status += f"; {stiff:,} stiff, which 'rodas4' is for"
        names = ", ".join(f"{name} ({', '.join(v.dims)})" for name, v in self.variables.items())
        return f"<Result of {self.attributes.get('model', 'a model')}, {self.n_cells:,} cells ({by_status}): {names}>"

    @property
    def _is_stiff(self) -> np.ndarray:
        """(n_cells,) whether a cell's steps were limited by stability beyond reason, or it was given up for them."""
        integrator, t_stop = self.attributes.get("integrator", ""), float(self.attributes.get("t_stop", "inf"))
        if "n_steps" not in self.variables or _is_for_stiff(integrator):
            return np.zeros(self.n_cells, bool)
        limited = limited_by_stability(self["n_steps"], self.status, t_stop, integrator)
        return np.asarray(limited | (self.status == STEP_LIMIT))

    def __getitem__(self, name: str) -> np.ndarray:
        """The values of one variable, e.g. `r["V"]` (n_cells, n_times)."""
        if name == "status":
            return self.status
        if not isinstance(name, str) or name not in self.variables:
            raise unknown("result variable", name, [*self.variables, "status"])
        return self.variables[name].values

    def __iter__(self) -> Iterator[str]:
        yield from self.variables
        yield "status"

    def __len__(self) -> int:
        return len(self.variables) + 1

    def __contains__(self, name: object) -> bool:
        return name == "status" or name in self.variables

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def _repr_html_(self) -> str:
        rows = []
        for name, v in self.variables.items():
            told = counts_text(v.values, v.flags) if v.flags else short_text(v.values)
            rows.append((name, ", ".join(v.dims), unit_text(v.unit), v.long_name, told))
        return html_table(repr(self).partition(": ")[0].lstrip("<"), rows, ("", "axes", "unit", "", "values"))

    @property
    def time(self) -> np.ndarray:
        """(n_times,) ms: the sample times of the traces."""
        return self["time"]

    @property
    def spike_count(self) -> np.ndarray:
        """(n_cells,) int: the number of spikes (of stored spikes, where the buffer was full)."""
        return self["spike_count"]

    @property
    def spike_time(self) -> np.ndarray:
        """(n_spikes,) ms: all spike times, cell after cell (a ragged array; lengths in `spike_count`)."""
        return self["spike_time"]

    @property
    def spike_times(self) -> list[np.ndarray]:
        """The spike times of each cell, ms."""
        return np.split(self.spike_time, np.cumsum(self.spike_count)[:-1])

    def labels(self, name: str) -> np.ndarray:
        """(n_cells,) str: what the codes of a variable mean, as `r.labels("activity") == "bursting"`.

        For `status`, `reason`, `activity` and `certified`. Raises `InputError` for a variable that has no codes.
        """
        values = self[name]
        meanings = STATUS_MEANINGS if name == "status" else self.variables[name].flags
        if not meanings:
            coded = ", ".join(["status", *(n for n, v in self.variables.items() if v.flags)])
            raise InputError(f"labels: '{name}' holds numbers, not codes; those with codes are {coded}")
        return np.asarray(np.array(meanings)[values])

    def with_rows(self, rows: np.ndarray, other: Result) -> Result:
        """The same with the cells of these rows, in any order, as another result has them."""
        status = self.status.copy()
        status[rows] = other.status
        replaced = {}
        for name, variable in self.variables.items():
            values, theirs = variable.values, other.variables[name].values
            if variable.dims[0] == "cell":
                values = values.copy()
                values[rows] = theirs
            elif variable.dims[0] == "spike":
                pieces = self.spike_times
                for row, times in zip(rows, other.spike_times, strict=True):
                    pieces[row] = times
                values = np.concatenate([values[:0], *pieces])
            replaced[name] = replace(variable, values=values)
        return Result(status, replaced, self.attributes)

    def to_pandas(self) -> pd.DataFrame:
        """A DataFrame of the variables with one number per cell, and `status`; its index is the cell. Needs pandas.

        The units are in `frame.attrs["units"]`; traces and spike times are not in it (see `to_xarray`).
        """
        try:
            import pandas as pd
        except ImportError:
            raise InputError("to_pandas needs pandas; install it with: pip install pandas") from None
        columns = {name: v.values for name, v in self.variables.items() if v.dims == ("cell",)}
        frame = pd.DataFrame(columns | {"status": self.status}, index=pd.RangeIndex(self.n_cells, name="cell"))
        frame.attrs["units"] = {name: self.variables[name].unit for name in columns} | {"status": "1"}
        return frame

    def to_xarray(self) -> xarray.Dataset:
        """An xarray Dataset with units and long names (needs the extra `xarray`)."""
        import xarray

        data: dict[str, Any] = {name: (v.dims, v.values, v.attributes(name)) for name, v in self.variables.items()}
        data["status"] = (("cell",), self.status, status_attributes())
        times = [name for name, v in self.variables.items() if v.dims == (name,)]
        return xarray.Dataset(data, attrs=dict(self.attributes)).set_coords(times)


def status_attributes() -> dict[str, Any]:
    """CF attributes that explain the status codes."""
    return {"long_name": "status of the row", **flag_attributes(STATUS_MEANINGS)}


def limited_by_stability(n_steps: np.ndarray, status: np.ndarray, t_stop: float, integrator: str) -> np.ndarray:
    """(n,) whether a cell took so many steps in t_stop ms that an implicit method is much cheaper."""
    return np.asarray((n_steps > STIFF * t_stop) & (status == OK) & (not _is_for_stiff(integrator)))


def _is_for_stiff(integrator: str) -> bool:
    return integrator in integrators and integrators[integrator].stiff

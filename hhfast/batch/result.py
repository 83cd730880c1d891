"""Result: named arrays with units, as one batch of `simulate` returns them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hhfast.errors import unknown
from hhfast.parts.variable import Variable, flag_attributes

if TYPE_CHECKING:
    import xarray

OK, DIVERGED, SPIKES_FULL, STEP_LIMIT = 0, 1, 2, 3
EXCLUDED, FAILED = 4, 5  # of rows that a sweep did not simulate: by its constraints, or because they crash the process
GAVE_UP = (DIVERGED, STEP_LIMIT)  # a cell of this status did not reach t_stop; its numbers are NaN
REASON_MEANINGS = (  # of a diverged cell, in the order of the codes in `kernel.spec`
    "none", "not_finite", "impossible_parameter", "potential_out_of_bounds", "gate_outside_0_to_1",
    "negative_concentration",
)  # fmt: skip
STATUS_MEANINGS = ("ok", "diverged", "spike_buffer_full", "step_limit_reached", "excluded", "failed")


@dataclass(frozen=True)
class Result:
    """The result of a batch: one row per cell.

    status : (n_cells,) uint8; 0 ok, 1 diverged (impossible; the variable `reason` says how), 2 spike buffer full, 3
        step limit reached. A diverged cell's float values are NaN.
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
        names = ", ".join(f"{name} ({', '.join(v.dims)})" for name, v in self.variables.items())
        return f"<Result of {self.attributes.get('model', 'a model')}, {self.n_cells:,} cells ({by_status}): {names}>"

    def __getitem__(self, name: str) -> np.ndarray:
        """The values of one variable, e.g. `r["V"]` (n_cells, n_times)."""
        if name == "status":
            return self.status
        if name not in self.variables:
            raise unknown("result variable", name, [*self.variables, "status"])
        return self.variables[name].values

    def __contains__(self, name: str) -> bool:
        return name == "status" or name in self.variables

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

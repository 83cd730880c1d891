"""Channel noise: how the finite number of a cell's channels makes its currents fluctuate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from hhfast.errors import InputError, did_you_mean, shown, unknown
from hhfast.inputs import per_cell

KINDS = ("diffusion", "markov")
MOST_CHANNELS = 1e7  # of one kind, transition by transition


@dataclass(frozen=True)
class ChannelNoise:
    """The opening and closing of single channels at random, in channels that have a count.

    kind : "diffusion" (Langevin: Gaussian fluctuations with the variances and correlations of the channels) or
        "markov" (every transition of every channel).
        With fixed steps the fluctuations are renewed in every step. Where cells choose their steps they are so on a
        grid of the method's `dt`, whatever the steps and tolerances, with rates integrated over the interval that has
        passed, and held up to the next point; V and the mean of the gates are solved to tolerance in between. Either
        way the error of holding them vanishes with dt; 0.01 to 0.05 ms suit channels at 6 degC, less where it is warm.
    seed : whole number from 0 on, or one per cell. cell : the number of the cell in the random numbers, by default its
        place in the batch or sweep; one number for all cells gives them the same realisation.
    """

    kind: str = "diffusion"
    seed: Any = 0
    cell: Any = math.nan

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or self.kind not in KINDS:
            raise InputError(f"channel_noise: unknown kind {shown(self.kind)}; {did_you_mean(self.kind, KINDS)}")
        object.__setattr__(self, "seed", per_cell("channel_noise: seed", self.seed))
        if not _is_row(self.cell):
            object.__setattr__(self, "cell", per_cell("channel_noise: cell", self.cell))
        for name in ("seed", "cell"):
            values = np.asarray(getattr(self, name), np.float64)
            fine = (values >= 0) & (values < 2**52) & (values == np.floor(values))
            if not np.all(fine | (np.isnan(values) & (name == "cell"))):
                raise InputError(f"channel_noise: {name} must be a whole number from 0 to 2**52 - 1")

    def numbered(self, numbers: np.ndarray | None) -> ChannelNoise:
        """The same with these numbers of cells, unless it has some."""
        if numbers is None or not np.all(np.isnan(self.cell)):
            return self
        return replace(self, cell=numbers)

    @property
    def parameters(self) -> tuple[tuple[str, Any], ...]:
        """Its numbers, in the order in which kernels take them."""
        return (("channel_noise.seed", self.seed), ("channel_noise.cell", self.cell))

    @property
    def values(self) -> dict[str, Any]:
        """As a table of a sweep file, where all cells have the same; NaN stands for the number of the row."""
        if np.ndim(self.seed) or np.ndim(self.cell):
            raise InputError("channel_noise: seed and cell are the same for all rows of a sweep; give one number")
        known = {"kind": self.kind, "seed": float(self.seed)}
        return known if np.isnan(self.cell) else known | {"cell": float(self.cell)}


def _is_row(cell: Any) -> bool:
    """Whether no number is given: NaN stands for the place of the cell."""
    return isinstance(cell, float) and math.isnan(cell)


def as_channel_noise(given: Any) -> ChannelNoise | None:
    """What `channel_noise` may be: a kind by name, a `ChannelNoise`, its fields by name, or None."""
    if given is None or isinstance(given, ChannelNoise):
        return given
    if isinstance(given, Mapping):
        for name in given:
            if name not in (names := [f.name for f in fields(ChannelNoise)]):
                raise unknown("key", str(name), names, where="channel_noise")
        return ChannelNoise(**given)
    if not isinstance(given, str):
        raise InputError("channel_noise: give 'diffusion', 'markov', or a hhfast.ChannelNoise")
    return ChannelNoise(given)

"""The work that every contestant of compare.py is given: squid axons, one parameter set each, constant current."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

C_M, E_NA, E_K, E_L = 1.0, 50.0, -77.0, -54.387  # uF/cm2, mV
V_INIT = -65.0
THRESHOLD, REARM = -20.0, -30.0  # mV: a spike is an upward crossing while armed; falling below REARM arms again


@dataclass(frozen=True)
class Workload:
    """Conductances (mS/cm2) and applied current (uA/cm2) of each neuron, run length and step (ms)."""

    g_Na: np.ndarray
    g_K: np.ndarray
    g_L: np.ndarray
    i_app: np.ndarray
    duration: float
    dt: float

    @classmethod
    def make(cls, n: int, duration: float, dt: float, seed: int = 1) -> Workload:
        rng = np.random.default_rng(seed)
        return cls(
            rng.uniform(90.0, 150.0, n),
            rng.uniform(28.0, 44.0, n),
            rng.uniform(0.2, 0.4, n),
            rng.uniform(0.0, 30.0, n),
            duration,
            dt,
        )

    @property
    def n(self) -> int:
        return len(self.g_Na)

    @property
    def n_steps(self) -> int:
        return round(self.duration / self.dt)

    @property
    def neuron_steps(self) -> int:
        return self.n * self.n_steps

    def columns(self, dtype: str) -> tuple[np.ndarray, ...]:
        """g_Na, g_K, g_L, i_app in the given type."""
        return tuple(x.astype(dtype) for x in (self.g_Na, self.g_K, self.g_L, self.i_app))

    def save(self, path: Path) -> None:
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> Workload:
        with np.load(path) as file:
            values = {name: file[name] for name in file.files}
        return cls(**{name: v if v.ndim else float(v) for name, v in values.items()})


def steady_gates() -> tuple[float, float, float]:
    """m, h, n at steady state at V_INIT."""
    am, bm = 0.1 * (V_INIT + 40) / (1 - np.exp(-(V_INIT + 40) / 10)), 4 * np.exp(-(V_INIT + 65) / 18)
    ah, bh = 0.07 * np.exp(-(V_INIT + 65) / 20), 1 / (1 + np.exp(-(V_INIT + 35) / 10))
    an, bn = 0.01 * (V_INIT + 55) / (1 - np.exp(-(V_INIT + 55) / 10)), 0.125 * np.exp(-(V_INIT + 65) / 80)
    return float(am / (am + bm)), float(ah / (ah + bh)), float(an / (an + bn))

"""The time grid: steps of at most dt that never straddle a stimulus edge, a sample or the edge of a window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hhfast.errors import InputError
from hhfast.kernel.recording import Recorder, Window
from hhfast.kernel.spec import ACTIONS


@dataclass(frozen=True)
class Grid:
    """Nodes in time and the equal steps between them, as the kernels take them.

    t, dt, n : (n_nodes,) time of a node, ms; length, ms, and number of the steps that follow it (0 after the last).
    action : (n_nodes,) what recorders do at the node, as bits.
    """

    t: np.ndarray
    dt: np.ndarray
    n: np.ndarray
    action: np.ndarray

    @property
    def n_steps(self) -> int:
        return int(self.n.sum())

    @property
    def halved(self) -> Grid:
        """The same nodes with two steps for each one."""
        return Grid(self.t, self.dt / 2, 2 * self.n, self.action)


def time_grid(t_stop: float, dt: float, edges: Sequence[float], record: Sequence[Recorder]) -> Grid:
    """The grid of a run. Raises `InputError` for a t_stop or dt that is not positive, or too many steps."""
    for name, value in (("t_stop", t_stop), ("dt", dt)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} = {value}: must be a positive number of ms")
    if t_stop / dt > 2**53:
        raise InputError(f"dt = {dt} ms is too small for t_stop = {t_stop} ms")
    times = [recorder.times(t_stop) for recorder in record]
    inside = [e for e in edges if 0 < e < t_stop]
    windows = [t for window, _ in times for t in window]
    wanted = np.concatenate([[0.0, t_stop], inside, windows, *(samples for _, samples in times)])
    nodes = _distinct(np.sort(wanted), 1e-9 * dt)
    lengths = np.diff(nodes)
    n = np.maximum(np.ceil(lengths / dt * (1 - 1e-9)), 1).astype(np.int64)
    h = lengths / n
    # Where the steps are dt up to rounding they are dt exactly, so that recording does not change a trajectory.
    h = np.where(np.abs(h - dt) < 1e-9 * dt, dt, h)
    return Grid(nodes, np.append(h, dt), np.append(n, 0), _actions(nodes, times))


def _distinct(sorted_times: np.ndarray, tolerance: float) -> np.ndarray:
    return sorted_times[np.append(True, np.diff(sorted_times) > tolerance)]


def _actions(nodes: np.ndarray, times: Sequence[tuple[Window, np.ndarray]]) -> np.ndarray:
    action = np.zeros(len(nodes), np.int64)
    for r, ((begin, end), samples) in enumerate(times):
        for bit, when in enumerate(([begin], [end], samples)):
            action[_nearest(nodes, np.asarray(when))] |= 1 << (ACTIONS * r + bit)
    return action


def _nearest(nodes: np.ndarray, times: np.ndarray) -> np.ndarray:
    right = np.clip(np.searchsorted(nodes, times), 1, len(nodes) - 1)
    return np.where(times - nodes[right - 1] < nodes[right] - times, right - 1, right)

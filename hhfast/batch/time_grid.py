"""The time grid: steps of at most dt that never straddle a stimulus edge, a sample or the edge of a window."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hhfast.errors import InputError
from hhfast.inputs import number
from hhfast.kernel.spec import ACTIONS, EDGE
from hhfast.parts.recorder import Recorder, Window


@dataclass(frozen=True)
class TimeGrid:
    """Nodes in time and the equal steps between them, as the kernels take them.

    t, dt, n : (n_nodes,) time of a node, ms; length, ms, and number of the steps that follow it (0 after the last).
    action : (n_nodes,) what happens at the node, as bits: what recorders do, and edges of the stimulus.
    edges_inside : whether stimulus edges differ between cells; they then lie within steps.
    """

    t: np.ndarray
    dt: np.ndarray
    n: np.ndarray
    action: np.ndarray
    edges_inside: bool
    least_blocks: ClassVar[int] = 1

    @property
    def n_steps(self) -> int:
        """The steps of one cell."""
        return int(self.n.sum())

    @property
    def most_steps(self) -> int:
        """The largest number of steps that a cell can take."""
        return self.n_steps

    @staticmethod
    def fair_share(left: int, blocks: int, threads: int) -> int:  # noqa: ARG004  as of schedules of own steps
        """How many of the blocks that are left the next call takes: fewer and fewer, so that all threads end together.

        A call costs about 0.1 ms, half of it until the processor is warm again.
        """
        return left // (2 * threads)

    def arguments(self, counts: np.ndarray) -> tuple[Any, ...]:
        """The kernel's arguments; the steps need not be counted."""
        return self.t, self.action, self.dt, self.n, int(self.edges_inside)

    def at(self, rows: np.ndarray) -> TimeGrid:
        """The grid of some of the cells: the same."""
        return self


_LONGEST = 1e10  # ms: hours of computing for one cell
_MOST_STEPS = 1e11  # of one cell: days


def check_duration(t_stop: float, dt: float) -> None:
    """Raise `InputError` unless the duration and the largest step, ms, are positive numbers, not without end."""
    check_step("t_stop", t_stop)
    check_step("dt", dt)
    if t_stop > _LONGEST:
        raise InputError(f"t_stop: is {t_stop:g} ms; at most {_LONGEST:g} are possible")


def check_step(name: str, value: Any) -> float:
    """A length of time, ms. Raises `InputError` unless it is a positive number."""
    found = number(name, value)
    if not (math.isfinite(found) and found > 0):
        raise InputError(f"{name} = {value}: must be a positive number of ms")
    return found


def time_grid(
    t_stop: float, dt: float, edges: Sequence[float], record: Sequence[Recorder], edges_inside: bool = False
) -> TimeGrid:
    """The grid of a run. Raises `InputError` for a t_stop or dt that is not positive, or too many steps."""
    check_duration(t_stop, dt)
    if t_stop / dt > _MOST_STEPS:
        steps = f"{t_stop / dt:.3g} steps; at most {_MOST_STEPS:g} are possible"
        raise InputError(f"t_stop: {t_stop:g} ms at dt = {dt:g} ms are {steps}")
    times = [recorder.times(t_stop) for recorder in record]
    windows = [t for window, _ in times for t in window]
    within = inside(edges, t_stop)
    wanted = np.concatenate([[0.0, t_stop], within, windows, *(samples for _, samples in times)])
    wanted.sort()
    nodes = distinct(wanted, 1e-9 * dt)
    n, h = np.zeros(len(nodes), np.int64), np.full(len(nodes), dt)  # none after the last node
    lengths = nodes[1:] - nodes[:-1]
    n[:-1] = np.maximum(np.ceil(lengths / dt * (1 - 1e-9)), 1)
    own = lengths / n[:-1]
    # Where the steps are dt up to rounding they are dt exactly, so that recording does not change a trajectory.
    np.copyto(h[:-1], own, where=np.abs(own - dt) >= 1e-9 * dt)
    action = actions(nodes, times)
    if len(within):
        action[nearest(nodes, within)] |= EDGE
    return TimeGrid(nodes, h, n, action, edges_inside)


def inside(edges: Sequence[float], t_stop: float) -> np.ndarray:
    """The edges within the run."""
    times = np.asarray(edges, np.float64)
    return np.asarray(times[(times > 0) & (times < t_stop)])


def distinct(sorted_times: np.ndarray, tolerance: float) -> np.ndarray:
    """Ascending times without those that are within the tolerance (ms) of the one before."""
    is_new = np.ones(len(sorted_times), bool)
    np.greater(sorted_times[1:] - sorted_times[:-1], tolerance, out=is_new[1:])
    return np.asarray(sorted_times[is_new])


def actions(nodes: np.ndarray, times: Sequence[tuple[Window, np.ndarray]]) -> np.ndarray:
    """(n_nodes,) int64: which recorders begin, end or sample at each node, as bits."""
    action = np.zeros(len(nodes), np.int64)
    for r, ((begin, end), samples) in enumerate(times):
        of_window = nearest(nodes, np.array([begin, end]))
        action[of_window[0]] |= 1 << ACTIONS * r
        action[of_window[1]] |= 1 << ACTIONS * r + 1
        if len(samples):
            action[nearest(nodes, samples)] |= 1 << ACTIONS * r + 2
    return action


def nearest(nodes: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The number of the node that is nearest to each of the times."""
    right = np.minimum(np.maximum(nodes.searchsorted(times), 1), len(nodes) - 1)
    return np.where(times - nodes[right - 1] < nodes[right] - times, right - 1, right)

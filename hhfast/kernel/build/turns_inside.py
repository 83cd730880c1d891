"""Where V turns inside adaptive steps: the extrema that recorders ask for, and spikes whose peak no step ends at.

In the lane loop a peak or dip is only noticed that may pass a level which neither end of the step does. Whether it did
is seen in scalar code, from the extremum of the cubic with the values and slopes of the ends.
"""

from __future__ import annotations

from typing import Any

from hhfast.kernel.build.builder import Builder
from hhfast.kernel.build.dense_output import DenseOutput
from hhfast.kernel.build.quotation import Names
from hhfast.kernel.build.recorders import Detector
from hhfast.kernel.tree.nodes import Statement

_TURN = """\
cubic = d0 + d1 - 2.0 * (V - V_was)
square = V - V_was - d0 - cubic
root = square * square - 3.0 * cubic * d0
root = sqrt(root if root > 0.0 else 0.0)
at = d0 / ((root if d0 > 0.0 else -root) - square)
turn = V_was + at * (d0 + at * (square + at * cubic))"""


class TurnsInside:
    """The statements about turns of V inside a step."""

    def __init__(self, builder: Builder, dense: DenseOutput) -> None:
        self.builder, self.dense = builder, dense

    def in_lanes(self) -> list[Any]:
        """The slopes at the ends, and the extrema of the step where recorders ask for them."""
        quote, recorders, lets = self.builder.quote, self.builder.recorders, list[Any]()
        if recorders.detectors or recorders.steps_use("V_high"):
            lets += self._slopes()
        if recorders.steps_use("V_high"):
            lets += quote.lane_code(
                f"""\
{_TURN}
turn = turn if (d0 * d1 < 0.0) & (ok > 0.0) else V
V_high = turn if turn > V else V
V_low = turn if turn < V else V"""
            )
        if recorders.steps_use("dt_high"):
            lets += quote.lane_code("dt_high = dt * at if turn > V else dt")
        return lets

    def _slopes(self) -> list[Any]:
        begin, end = self.dense.slopes_at_ends(self.builder.V)
        return self.builder.quote.lane_code("d0 = begin\nd1 = end", begin=begin, end=end)

    def near(self, detector: Names) -> list[Any]:
        """In the lane loop, before the ends are looked at: whether a peak below the threshold may be above inside.

        Or, of one that is not armed, a dip; a cubic is beyond both its ends by less than 4/27 of d0 - d1.
        """
        text = """\
highest = V if V > V_was else V_was
lowest = V if V < V_was else V_was
gap = (threshold - highest) if armed > 0.0 else (lowest - rearm)
near = 1.0 if (gap > 0.0) & (gap < 0.1481482 * abs(d0 - d1)) & (d0 * d1 < 0.0) & (ok > 0.0) else 0.0"""
        return self.builder.quote.lane_code(text, **detector)

    def decide(self, detector: Detector) -> list[Statement]:
        """In scalar code, where spike is 2: whether a turn near a level passed it, before the end of the step."""
        quote = self.builder.quote
        text = f"""\
{_TURN}
if armed > 0.0:
    spike = 1.0 if turn >= threshold else 0.0
    armed = 1.0 if V < rearm else armed - spike
else:
    armed = 1.0 if turn < rearm else 0.0
    spike = armed if V >= threshold else 0.0
    armed = armed - spike"""
        decided = [*self._slopes(), *quote.lane_code(text, **detector.names)]
        return quote.nest("if spike > 1.0", decided, spike=detector.spike)

"""Running values: what kernels accumulate of a cell while it runs, and features are computed from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RunningValues:
    """Text that keeps some running values: in the lane's dtype (`values`), or in float64 (`extra`).

    begin, step, spike, turn : as in `parts.recorder`.
    """

    begin: str
    step: str = ""
    spike: str = ""
    turn: str = ""
    values: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()


RUNNING_VALUES: dict[str, RunningValues] = {
    "count": RunningValues("spikes = 0.0", spike="spikes = spikes + 1.0", extra=("spikes",)),
    "times": RunningValues(  # the scatter of the intervals is accumulated as by Welford 1962
        begin="spikes = 0.0\nfirst = np.nan\nlast = np.nan\nscatter = 0.0",
        spike="""\
if spikes == 0.0:
    first = t_spike
else:
    mean = (last - first) / max(spikes - 1.0, 1.0)
    isi = t_spike - last
    mean_new = (t_spike - first) / spikes
    scatter = scatter + (isi - mean) * (isi - mean_new)
last = t_spike
spikes = spikes + 1.0""",
        extra=("spikes", "first", "last", "scatter"),
    ),
    # The highest V of each spike and its time, in the lanes' type from the end of the step in which it began (t_spiked)
    # on. What a step has, V_now, counts only from the next step on: a spike that begins in it takes it for its own, and
    # the spike before never has it. Peaks are passed when the next spike begins; the last one's is left to
    # `feature.Peaks`. Deviations are summed from the second interval on.
    "peaks": RunningValues(
        begin="""\
peaks = 0.0
V_peak = V
V_now = V
since = 0.0 * V
to_peak = 0.0 * V
to_now = 0.0 * V
t_spiked = np.nan
t_first = np.nan
t_second = np.nan
t_last = np.nan
peak_scatter = 0.0""",
        step="""\
to_peak = to_now if V_now > V_peak else to_peak
V_peak = V_now if V_now > V_peak else V_peak
V_now = V_high
to_now = since + dt_high
since = since + dt""",
        turn="""\
to_peak = since + (dt_turn - dt) if V_turn > V_peak else to_peak
V_peak = V_turn if V_turn > V_peak else V_peak""",
        spike="""\
t_peak = t_spiked + np.float64(to_peak)
if peaks > 2.0:
    mean_of_peaks = (t_last - t_second) / max(peaks - 3.0, 1.0)
    between_peaks = t_peak - t_last
    new_mean = (t_peak - t_second) / (peaks - 2.0)
    peak_scatter = peak_scatter + (between_peaks - mean_of_peaks) * (between_peaks - new_mean)
if peaks == 1.0:
    t_first = t_peak
if peaks == 2.0:
    t_second = t_peak
if peaks > 0.0:
    t_last = t_peak
V_peak = V_now
to_peak = to_now - since
to_now = to_peak
since = since - since
t_spiked = t_end
peaks = peaks + 1.0""",
        values=("V_peak", "V_now", "to_peak", "to_now", "V"),
        extra=("peaks", "t_first", "t_second", "t_last", "peak_scatter", "t_spiked"),
    ),
    "extremes": RunningValues(
        begin="V_max = V\nV_min = V",
        step="""\
V_max = V_high if V_high > V_max else V_max
V_min = V_low if V_low < V_min else V_min""",
        turn="""\
V_max = V_turn if V_turn > V_max else V_max
V_min = V_turn if V_turn < V_min else V_min""",
        values=("V_max", "V_min"),
    ),
    "mean": RunningValues(  # with compensated summation (Kahan 1965): float32 needs it
        begin="V_sum = 0.0 * V\nrounding = 0.0 * V",
        step="""\
piece = dt * V_step - rounding
total = V_sum + piece
rounding = (total - V_sum) - piece
V_sum = total""",
        values=("V_sum",),
    ),
}

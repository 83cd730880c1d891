"""What float32 costs in accuracy on a model of your own: counts and spike times against float64.

    python benchmarks/float32_report.py hodgkin_huxley
    python benchmarks/float32_report.py my_model.toml --amplitude 0 50 --t-stop 500 --integrator exp_euler

Neurons differ in their conductances and currents. The same comparison is made between float64 with the step given and
with half of it: what the step costs anyway. float32 is harmless where its row is not larger than that one.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hhfast as hh


@dataclass(frozen=True)
class Difference:
    """Between two runs of the same neurons. Shifts are of spikes with the same number in the same neuron, in ms."""

    cells: int
    spikes: int  # in the more exact run
    other_count: float  # share of neurons with another number of spikes
    diverged: int  # neurons lost in one run and not in the other
    first_median: float  # shift of a neuron's first spike
    first_max: float
    last_median: float  # of its last spike, where the counts agree
    last_max: float
    interval: float  # median relative change of the mean interval between spikes

    def line(self, name: str) -> str:
        shifts = (self.first_median, self.first_max, self.last_median, self.last_max, self.interval)
        return f"| {name} | {self.other_count:.2%} | {self.diverged} | {' | '.join(f'{x:.2g}' for x in shifts)} |"


HEAD = (
    "| | neurons with another spike count | diverged in one only | first spike, median shift (ms) | largest | "
    "last spike, median shift (ms) | largest | mean interval, median relative change |\n|---|" + "---:|" * 7
)


def compare_results(exact: Any, other: Any) -> Difference:
    """The difference between two results of `simulate` with `Spikes` recorded."""
    count, changed = np.asarray(exact.spike_count), np.asarray(other.spike_count)
    both = np.flatnonzero((count > 0) & (changed > 0))
    same = np.flatnonzero((count > 0) & (count == changed))
    several = same[count[same] > 1]
    first = _shift([exact.spike_times[i][0] - other.spike_times[i][0] for i in both])
    last = _shift([exact.spike_times[i][-1] - other.spike_times[i][-1] for i in same])
    intervals = [np.ptp(other.spike_times[i]) / np.ptp(exact.spike_times[i]) - 1.0 for i in several]
    return Difference(
        len(count),
        int(count.sum()),
        float(np.mean(count != changed)),
        int(np.sum((exact.status == 1) != (other.status == 1))),
        *first,
        *last,
        _shift(intervals)[0],
    )


def _shift(values: list[float]) -> tuple[float, float]:
    size = np.abs(values)
    return (float(np.median(size)), float(size.max())) if len(size) else (np.nan, np.nan)


def report(
    model: str | Path | Any,
    params: dict[str, Any] | None = None,
    *,
    stimulus: Any,
    t_stop: float = 200.0,
    dt: float = 0.025,
    integrator: str = "rk4",
    **more: Any,
) -> dict[str, Difference]:
    """What float32 changes, and what half the step changes; arguments as for `simulate`."""

    def run(dt: float, dtype: str) -> Any:
        return hh.simulate(
            model,
            params,
            stimulus=stimulus,
            t_stop=t_stop,
            dt=dt,
            integrator=integrator,
            record=[hh.Spikes()],
            dtype=dtype,
            **more,
        )

    exact = run(dt, "float64")
    return {
        f"float32, dt = {dt:g} ms": compare_results(exact, run(dt, "float32")),
        f"float64, dt = {dt / 2:g} ms": compare_results(exact, run(dt / 2, "float64")),
    }


def spread(model: Any, n: int, relative: float, seed: int) -> dict[str, np.ndarray]:
    """Every maximal conductance of the model, varied by up to +-`relative` of its value."""
    rng = np.random.default_rng(seed)
    values = {name: p.value for name, p in model.parameters.items() if name.startswith("g_")}
    return {name: value * rng.uniform(1 - relative, 1 + relative, n) for name, value in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a name in hhfast.models, or the path of a TOML file")
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument(
        "--amplitude",
        type=float,
        nargs=2,
        default=(0.0, 30.0),
        metavar=("LOW", "HIGH"),
        help="range of the constant current, in the model's units",
    )
    parser.add_argument("--spread", type=float, default=0.2, help="relative variation of the conductances")
    parser.add_argument("--t-stop", type=float, default=200.0)
    parser.add_argument("--dt", type=float, default=0.025)
    parser.add_argument("--integrator", default="rk4")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    try:
        print(_text(options))
    except hh.InputError as error:
        raise SystemExit(f"error: {error}") from None


def _text(options: argparse.Namespace) -> str:
    model = hh.models[options.model] if options.model in hh.models else hh.load_model(options.model)
    stimulus = hh.Step(amplitude=np.linspace(*options.amplitude, options.cells))
    found = report(
        model,
        spread(model, options.cells, options.spread, options.seed),
        stimulus=stimulus,
        t_stop=options.t_stop,
        dt=options.dt,
        integrator=options.integrator,
    )
    some = next(iter(found.values()))
    head = (
        f"{model.name}, {options.integrator}, {some.cells} neurons, {options.t_stop:g} ms, {some.spikes} spikes; "
        f"differences from float64, dt = {options.dt:g} ms:\n"
    )
    return "\n".join([head, HEAD, *(d.line(name) for name, d in found.items())])


if __name__ == "__main__":
    main()

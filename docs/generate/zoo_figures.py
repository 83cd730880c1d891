"""The picture of a library model: its gate curves, and the runs that its file lists, compared with their spike times."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import hhfast as hh
from hhfast.batch.model_check import TOLERANCE
from hhfast.figures.canvas import legend_beside
from hhfast.figures.gates import draw_gate_curves

SHOWN = 400.0  # ms of a run: more hides the shape of a spike


@dataclass(frozen=True)
class Outcome:
    """How a check went."""

    i_app: float
    t_stop: float
    known: int
    found: int
    difference: float

    @property
    def passed(self) -> bool:
        return self.found == self.known and self.difference <= TOLERANCE


def portrait(name: str, folder: Path) -> list[Outcome]:
    """Run the checks of a model, and draw it."""
    model = hh.models[name]
    runs = [_run(model, check) for check in model.checks]
    outcomes = [_outcome(check, run) for check, run in zip(model.checks, runs, strict=True)]
    # That with most spikes a millisecond among those that have a few shows most.
    best = max(range(len(runs)), key=lambda k: (min(len(runs[k].spike_time), 5), -model.checks[k].t_stop))
    _draw(model, model.checks[best], runs[best]).savefig(folder / f"{name}.png")
    return outcomes


def _run(model, check):
    step = hh.Step(check.i_app, check.start) if check.stop is None else hh.Step(check.i_app, check.start, check.stop)
    # The same kernel as that of `hhfast models --check`, and a trace.
    record = [
        hh.Spikes(threshold=check.threshold, rearm=check.rearm),
        hh.Trace("V", every=max(0.02, check.t_stop / 1e5)),
    ]
    return hh.simulate(
        model, dict(check.parameters), stimulus=step, t_stop=check.t_stop, integrator="tsit5", rtol=check.rtol,
        record=record, threads=1,
    )  # fmt: skip


def _outcome(check, run) -> Outcome:
    found, known = run.spike_time, np.array(check.spikes)
    difference = float(np.max(np.abs(found - known), initial=0.0)) if len(found) == len(known) else np.nan
    return Outcome(check.i_app, check.t_stop, len(known), len(found), difference)


def _draw(model, check, run) -> Figure:
    V = np.linspace(-110, 60, 341)
    gates = model.gate_curves(V) if model.V_init < -3 else {}
    figure = Figure(figsize=(8.2, 5.2 if gates else 2.8), layout="constrained", dpi=130)
    if gates:
        mosaic = figure.subplot_mosaic([["inf", "tau"], ["V", "V"]], height_ratios=[1, 1.1])
        draw_gate_curves(mosaic["inf"], mosaic["tau"], model, V, gates)
        legend_beside(mosaic["tau"])
    else:
        mosaic = {"V": figure.add_subplot()}
    _trace(mosaic["V"], model, check, run)
    return figure


def _trace(axes: Axes, model, check, run) -> None:
    shown = run.time <= max(SHOWN, 3 * run.spike_time[0] if len(run.spike_time) else 0)
    axes.plot(run.time[shown], run["V"][0][shown], color="black", linewidth=0.9)
    unit = "µA/cm²" if model.units == "density" else "pA"
    axes.set(xlabel="time (ms)", ylabel="V (mV)", title=f"{check.i_app:g} {unit} from {check.start:g} ms")
    axes.margins(x=0.01)

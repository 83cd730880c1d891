"""Cells of Open Source Brain, imported, and the spike times published beside them: `python osb_spikes.py FOLDER`.

FOLDER holds its repositories PospischilEtAl2008 and WangBuzsaki1996. The published times are NEURON's at a step of
0.001 ms; so the imported models run by NEURON's own method (backward Euler for the potential, the current of the
middle of the step, then gates exactly at the new potential), which is an `Integrator` of a few lines, at the same
step; and by tsit5 at 1e-9, which says how far that method still is from the solution. Conductances, geometry and
pulses of the .mod cells are those of the repositories' hoc files.
"""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

import hhfast as hh
from hhfast.parts.integrators import Stage

NEURON = hh.Integrator(
    name="neuron",
    order=1,
    stages=(
        Stage("V", "x = x + dt * f / (1 + dt * b)", (0.5,)),
        Stage("gates", "x = x + phi(b) * f", (1.0,), over=1.0),
        Stage("pools", "x = x + phi(b) * f", (1.0,), over=1.0),
    ),
    stability="",
    citation="Hines & Carnevale 1997, Neural Comput 9:1179-1209",
)
# Of the .mod cells: files, conductances (mS/cm2), leak, V_init, pulse (nA; from, to in ms), diameter and length (um).
HH, IM, CAD = "HH_traub", "IM_cortex", "cadecay_destexhe"
CELLS = {
    "RS": ((HH, IM), {"na": 50.0, "k": 5.0, "im": 0.07}, (0.1, -70.0), -70.0, (0.75, 300.0, 700.0), 96.0),
    "FS": ((HH,), {"na": 50.0, "k": 10.0}, (0.15, -70.0), -70.0, (0.5, 300.0, 700.0), 67.0),
    "IB": ((HH, IM, "IL_gutnick", CAD), {"na": 50.0, "k": 5.0, "im": 0.03, "ical": 0.17}, (0.01, -85.0), -84.0,
           (0.15, 500.0, 2500.0), 96.0),
    "LTS": ((HH, IM, "IT_huguenard", CAD), {"na": 50.0, "k": 5.0, "im": 0.03, "it": 0.4}, (0.01, -85.0), -84.0,
            (0.15, 400.0, 800.0), 96.0),
}  # fmt: skip
WB_PUBLISHED = [8.901, 18.754, 28.575, 38.394, 48.214, 58.033, 67.852, 77.672, 87.491, 97.311]  # ms


def cell_of_mod(folder: Path, name: str) -> tuple[hh.Model, dict[str, float], hh.Step]:
    """A cell of Pospischil et al. from its .mod files."""
    files, conductances, (g, E), V_init, (amplitude, start, stop), side = CELLS[name]
    model = hh.import_nmodl(*(folder / "NEURON_MODIFIED" / f"{f}.mod" for f in files)).model
    model = replace(model.with_channel(hh.Channel("pas", g=g, E=E)), V_init=V_init, text="")
    params = {"celsius": 36.0} if "celsius" in model.parameters else {}
    for key, value in conductances.items():
        params[next(x for x in model.parameters if re.fullmatch(rf"g_(\w+_)?{key}", x))] = value
    for x in model.parameters:
        if x.startswith("E_") and x != "E_pas":
            params[x] = 50.0 if x.endswith("na") else -100.0 if x.endswith(("k", "im")) else model.parameters[x].value
    if "depth" in model.parameters:
        params |= {"depth": 1.0, "taur": 5.0, "cainf": 2.4e-4}
    area = np.pi * side**2 * 1e-8
    return model, params, hh.Step(amplitude=1e-3 * amplitude / area, start=start, stop=stop)


def cell_of_neuroml(*files: Path) -> tuple[hh.Model, dict[str, float], hh.Step]:
    """A cell and its pulse."""
    found = hh.import_neuroml(*files)
    return found.model, {}, hh.Step(**{k: v for k, v in found.stimulus.items() if k != "kind"})


def compare(name: str, cell: tuple[hh.Model, dict[str, float], hh.Step], published: np.ndarray, t_stop: float) -> None:
    """Print how far spikes are from the published ones, by NEURON's method and by tsit5."""
    model, params, step = cell
    told = []
    for method in ({"integrator": NEURON, "dt": 0.001}, {"rtol": 1e-9}):
        record = [hh.Spikes(threshold=0.0, rearm=-10.0)]
        times = hh.simulate(model, params, stimulus=step, t_stop=t_stop, record=record, **method).spike_times[0]
        n = min(len(times), len(published))
        off = np.abs(times[:n] - published[:n]).max(initial=0.0)
        told.append(f"{len(times)} of {len(published)}, {off:.4f} ms")
    print(f"{name:14s} by NEURON's method: {told[0]}; by tsit5: {told[1]}", flush=True)


def main() -> None:
    """Print one line per cell and format."""
    posp, wb = (Path(sys.argv[1]) / name for name in ("PospischilEtAl2008", "WangBuzsaki1996"))
    for name in sys.argv[2:] or (*CELLS, "WB"):
        if name == "WB":
            continue
        text = (posp / "NEURON_MODIFIED" / f".test.{name}.spikes.mep").read_text()
        published = np.array(re.findall(r"[\d.]+", re.search(r"\n\s*spike times: \[(.*?)\]", text)[1]), float)
        cells = [posp / "NeuroML2" / "cells" / name / f"{name}.{kind}.nml" for kind in ("net", "cell")]
        channels = [*sorted(posp.glob("NeuroML2/channels/*/*.channel.nml")), posp / "NeuroML2/channels/Ca/Ca.nml"]
        compare(f"{name} (.mod)", cell_of_mod(posp, name), published, 1000.0)
        compare(f"{name} (NeuroML)", cell_of_neuroml(*cells, *channels), published, 1000.0)
    if sys.argv[2:] in ([], ["WB"]):
        model = hh.import_nmodl(wb / "NEURON" / "naf.mod", wb / "NEURON" / "kdr.mod").model
        model = replace(model.with_channel(hh.Channel("pas", g=0.1, E=-65.0)), V_init=-70.0, text="")
        params = {"g_naf": 35.0, "g_kdr": 9.0, "celsius": 37.0}
        published = np.array(WB_PUBLISHED)
        compare("WB (.mod)", (model, params, hh.Step(amplitude=2.0, start=0.0, stop=100.0)), published, 100.0)
        compare("WB (NeuroML)", cell_of_neuroml(wb / "NeuroML2" / "LEMS" / "WangBuzsaki.net.nml"), published, 100.0)


if __name__ == "__main__":
    main()

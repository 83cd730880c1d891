"""Phase responses of the whole library, by the adjoint, against runs whose V is displaced a little.

    python benchmarks/phase_response.py                        # every model; benchmarks/results/phase_response.json
    python benchmarks/phase_response.py --models hodgkin_huxley prinz_stg

A model is asked at the currents and parameters of its own checks, at 0 and at shares of these, until two cells are
periodic; one that is checked by short pulses at the currents below. At five phases V is displaced by +-h and +-2h, all
runs at rtol 1e-12, until the cycle is reached again; the shifts of the last spike (or upward crossing of the middle of
V) are differenced to fourth order. Of two sizes h the one is given by which the two responses are nearer.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import hhfast as hh

RESULTS = Path(__file__).parent / "results" / "phase_response.json"
SHARES = (1.0, 0.0, 0.5, 1.5, 2.0, 3.0)  # of a check's current
CURRENTS = {  # of models whose checks are pulses, no currents under which a cell could live
    "beeler_reuter_1977_ventricle": (2.4, 2.5, 0.0, 1.0, 2.0, 3.0, 4.0),
    "luo_rudy_1991_ventricle": (0.0, 1.0, 2.0, 2.25, 2.5, 3.0, 4.0),
    "purvis_butera_2005_hypoglossal": (250.0, 500.0),
    "ten_tusscher_2006_ventricle": (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0),
}
STIFF = {"integrator": "rodas4"}  # the run that leads to their cycles
PHASES, ASKED = 200, (11, 47, 90, 133, 176)
KICKS = (1e-2, 1e-3)  # mV; large ones are bent, small ones rounded
RTOL = 1e-12
LEFT = 1e-6  # of a displacement from the cycle, when it counts as reached
MOST_PERIODS, MOST_STEPS = 1000, 10**9
MOST_CELLS = 8


def cells_of(model: hh.Model) -> list[tuple[float, dict[str, float]]]:
    """(current, parameters) at which a model is asked, those of its checks first."""
    if model.name in CURRENTS:
        return [(current, {}) for current in CURRENTS[model.name]]
    found: list[tuple[float, dict[str, float]]] = []
    for share in SHARES:
        for check in model.checks:
            cell = (share * check.i_app, dict(check.parameters))
            if cell not in found and len(found) < MOST_CELLS:
                found.append(cell)
    return found


def measure(name: str) -> list[dict[str, Any]]:
    """One entry for each periodic cell of a model, two at most; else one with the reasons."""
    model, entries, reasons = hh.models[name], [], []
    cells, began = cells_of(model), time.process_time()
    names = {key for _, params in cells for key in params}
    columns = {key: np.array([params.get(key, model.parameters[key].value) for _, params in cells]) for key in names}
    check = model.checks[0]
    found = hh.phase_response(
        model, columns, i_app=np.array([current for current, _ in cells]), phases=PHASES, threshold=check.threshold,
        rearm=check.rearm, rtol=1e-8, **(STIFF if name in CURRENTS else {}),
    )  # fmt: skip
    for cell, (current, params) in enumerate(cells):
        status = hh.AnalysisStatus(int(found.status[cell])).name
        if status != "OK":
            reasons.append(f"{current:g}: {status.lower()}")
            continue
        entry = {"model": name, "current": current, "parameters": params, "period": float(found.period[cell]),
                 "spikes": int(found.spikes[cell]), "floquet": float(found.floquet[cell]),
                 "estimated": float(found.error[cell])}  # fmt: skip
        entries.append(entry | compared(model, found, cell, current, params))
        entries[-1]["seconds"] = round(time.process_time() - began, 1)
        if len(entries) == 2:
            break
    return entries or [{"model": name, "reasons": reasons}]


def compared(
    model: hh.Model, found: hh.PhaseResponse, cell: int, current: float, params: dict[str, float]
) -> dict[str, Any]:
    """By the size of displacement by which the two are nearer."""
    return min((kicked(model, found, cell, current, params, size) for size in KICKS), key=lambda entry: entry["apart"])


def kicked(
    model: hh.Model, found: hh.PhaseResponse, cell: int, current: float, params: dict[str, float], size: float
) -> dict[str, Any]:
    """Responses by the adjoint and by displaced runs, and how far they are apart over the largest response."""
    V, T = found.V[cell], float(found.period[cell])
    middle = 0.5 * (V.min() + V.max())
    up = np.flatnonzero((V[:-1] < middle) & (V[1:] >= middle)) / PHASES  # crossings, as phases
    gaps = np.diff(up, append=up[0] + 1.0)
    quiet = (up[gaps.argmax()] + 0.5 * gaps.max()) % 1.0  # in the middle of the longest gap no crossing is near
    floquet = min(max(float(found.floquet[cell]), 1e-12), 0.9999)
    periods = min(max(3, int(np.ceil(np.log(LEFT) / np.log(floquet)))), MOST_PERIODS)
    adjoint, direct = [], []
    sizes = size * np.array([-2.0, -1.0, 1.0, 2.0])
    for k in ASKED:
        start = {x: np.full(4, values[cell, k]) for x, values in found.states.items()}
        start["V"] = start["V"] + sizes
        run = hh.simulate(
            model, params, stimulus=hh.Step(amplitude=current), initial=start, rtol=RTOL,
            t_stop=(periods + (quiet - k / PHASES) % 1.0) * T,
            max_steps=MOST_STEPS, dt_min=1e-15, record=[hh.Spikes(threshold=middle, rearm=middle - 1e-3 * np.ptp(V))],
        )  # fmt: skip
        last = [times[-1] if len(times) else np.nan for times in run.spike_times]
        direct.append(-(last[0] - 8 * last[1] + 8 * last[2] - last[3]) / (12 * size))
        adjoint.append(float(found.response[cell, k]))
    largest = float(np.abs(found.response[cell]).max())
    apart = float(np.nanmax(np.abs(np.array(direct) - adjoint)) / largest)
    return {"periods": periods, "kick": size, "adjoint": adjoint, "direct": direct, "largest": largest, "apart": apart}


def told(entry: dict[str, Any]) -> str:
    if "apart" not in entry:
        return f"{entry['model']}: not periodic ({'; '.join(entry['reasons'])})"
    return (
        f"{entry['model']} at {entry['current']:g}: period {entry['period']:.6g} ms, {entry['spikes']} spikes, "
        f"floquet {entry['floquet']:.3g}, apart {entry['apart']:.2g} of {entry['largest']:.3g} ms/mV, "
        f"estimated {entry['estimated']:.1g}, {entry['seconds']} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=None, help="of the library; all, the smallest first")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file of all numbers")
    given = parser.parse_args()
    entries = json.loads(given.out.read_text()) if given.out.exists() else []
    for name in given.models or sorted(hh.models, key=lambda name: len(hh.models[name].states)):
        new = measure(name)
        entries = [entry for entry in entries if entry["model"] != name] + new
        given.out.write_text(json.dumps(sorted(entries, key=lambda entry: entry["model"]), indent=1) + "\n")
        print(*map(told, new), sep="\n", flush=True)


if __name__ == "__main__":
    main()

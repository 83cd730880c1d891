"""NEURON: one single-compartment section for each neuron, and the same through CoreNEURON."""

from __future__ import annotations

import numpy as np
from workload import C_M, E_K, E_L, E_NA, THRESHOLD, V_INIT, Workload

from rivals import Entry, Run, timed

SIDE = 17.841241161527712  # um: a cylinder of 1000 um2


def _cell(h, work: Workload, i: int):
    """Section and current clamp of one neuron; 1 uA/cm2 is 0.01 nA on 1000 um2."""
    cell = h.Section(name=f"cell{i}")
    cell.L = cell.diam = SIDE
    cell.nseg, cell.cm = 1, C_M
    cell.insert("hh")
    cell.ena, cell.ek = E_NA, E_K
    hh = cell(0.5).hh
    hh.gnabar, hh.gkbar, hh.gl, hh.el = work.g_Na[i] / 1e3, work.g_K[i] / 1e3, work.g_L[i] / 1e3, E_L
    clamp = h.IClamp(cell(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0.0, 1e9, 0.01 * work.i_app[i]
    return cell, clamp


def _prepare(table: bool, core: bool = False):
    def prepare(work: Workload, dtype: str, threads: int) -> Run:
        from neuron import h

        h.load_file("stdrun.hoc")
        h.celsius, h.dt, h.secondorder = 6.3, work.dt, 0
        h.usetable_hh = int(table)
        pc = h.ParallelContext()
        kept = []
        for i in range(work.n):
            cell, clamp = _cell(h, work, i)
            pc.set_gid2node(i, 0)
            detector = h.NetCon(cell(0.5)._ref_v, None, sec=cell)  # noqa: SLF001 - its way to name V
            detector.threshold = THRESHOLD
            pc.cell(i, detector)
            kept.append((cell, clamp, detector))
        times, ids = h.Vector(), h.Vector()
        pc.spike_record(-1, times, ids)
        h.cvode.cache_efficient(True)
        pc.nthread(threads)
        if core:
            from neuron import coreneuron

            coreneuron.enable, coreneuron.verbose = True, 0
        pc.set_maxstep(10)

        def solve() -> np.ndarray:
            times.resize(0)
            ids.resize(0)
            h.finitialize(V_INIT)
            pc.psolve(work.duration)
            return np.bincount(np.array(ids, np.int64), minlength=work.n)

        solve.keep = kept
        return timed(solve)

    return prepare


ENTRIES = (
    Entry(
        "neuron",
        "NEURON",
        "implicit Euler for V, exact gates",
        "Built-in `hh`, rates from a table (`usetable_hh = 1`, its default: faster, less exact), fixed step, "
        "`cache_efficient`, `pc.psolve`, `pc.nthread`.",
        _prepare(table=True),
        order=62,
        library="neuron",
        rival=True,
    ),
    Entry(
        "neuron-exact",
        "NEURON, exact rates",
        "implicit Euler for V, exact gates",
        "The same with `usetable_hh = 0`.",
        _prepare(table=False),
        order=63,
        library="neuron",
        rival=True,
    ),
    Entry(
        "coreneuron",
        "CoreNEURON",
        "implicit Euler for V, exact gates",
        "`coreneuron.enable`, in the same process; the time includes handing the model over.",
        _prepare(table=True, core=True),
        order=64,
        library="neuron",
        rival=True,
    ),
)

"""Arbor: one single-compartment cable cell for each neuron."""

from __future__ import annotations

import numpy as np
from rivals import Entry, Run, timed
from workload import C_M, E_K, E_L, E_NA, THRESHOLD, V_INIT, Workload

SIDE = 17.841241161527712  # um: a cylinder of 1000 um2
GROUP = 1000  # cells in a group; the default of 1 is many times slower


def _recipe(A, U, work: Workload):
    tree = A.segment_tree()
    tree.append(A.mnpos, A.mpoint(0, 0, 0, SIDE / 2), A.mpoint(SIDE, 0, 0, SIDE / 2), tag=1)
    morphology = A.morphology(tree)

    class Recipe(A.recipe):
        def num_cells(self):
            return work.n

        def cell_kind(self, gid):
            return A.cell_kind.cable

        def global_properties(self, kind):
            properties = A.neuron_cable_properties()
            properties.catalogue = A.default_catalogue()
            properties.set_property(Vm=V_INIT * U.mV, cm=C_M * 0.01 * U.F / U.m2, tempK=279.45 * U.Kelvin,
                                    rL=35.4 * U.Ohm * U.cm)
            for ion, (valence, inside, outside, reversal) in {
                "na": (1, 10, 140, E_NA), "k": (1, 54.4, 2.5, E_K), "ca": (2, 5e-5, 2, 132.5)
            }.items():
                properties.set_ion(ion=ion, valence=valence, int_con=inside * U.mM, ext_con=outside * U.mM,
                                   rev_pot=reversal * U.mV)
            return properties

        def cell_description(self, gid):
            hh = {"gnabar": work.g_Na[gid] / 1e3, "gkbar": work.g_K[gid] / 1e3, "gl": work.g_L[gid] / 1e3, "el": E_L}
            decor = A.decor().paint("(all)", A.density("hh", hh))
            decor.place("(location 0 0.5)", A.i_clamp(0.01 * work.i_app[gid] * U.nA))
            decor.place("(location 0 0.5)", A.threshold_detector(THRESHOLD * U.mV), "detector")
            return A.cable_cell(morphology, decor, discretization=A.cv_policy_single())

    return Recipe()


def prepare(work: Workload, dtype: str, threads: int) -> Run:
    import arbor as A
    from arbor import units as U

    recipe = _recipe(A, U, work)
    context = A.context(threads=threads)
    hint = {A.cell_kind.cable: A.partition_hint(prefer_gpu=False, cpu_group_size=min(GROUP, -(-work.n // threads)))}
    simulation = A.simulation(recipe, context, A.partition_load_balance(recipe, context, hint))
    simulation.record(A.spike_recording.local)

    def solve() -> np.ndarray:
        simulation.reset()
        simulation.run(work.duration * U.ms, work.dt * U.ms)
        gids = simulation.spikes()["source"]["gid"].astype(np.int64)
        return np.bincount(gids, minlength=work.n)

    return timed(solve)


ENTRIES = (
    Entry("arbor", "Arbor", "implicit Euler for V, exact gates",
          f"Built-in `hh` (vectorised), one CV per cell, `cpu_group_size` {GROUP} (one group per thread where cells are "
          "fewer; the default of 1 is many times slower).",
          prepare, order=50, library="arbor", rival=True),
)

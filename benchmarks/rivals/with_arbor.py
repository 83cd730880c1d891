"""Arbor: one single-compartment cable cell for each neuron."""

from __future__ import annotations

import numpy as np
from workload import C_M, E_K, E_L, E_NA, THRESHOLD, V_INIT, Workload

from rivals import Entry, Run, timed

SIDE = 17.841241161527712  # um: a cylinder of 1000 um2
GROUP = 1000  # cells in a group; the default of 1 is many times slower


def _recipe(arbor, units, work: Workload):
    tree = arbor.segment_tree()
    tree.append(arbor.mnpos, arbor.mpoint(0, 0, 0, SIDE / 2), arbor.mpoint(SIDE, 0, 0, SIDE / 2), tag=1)
    morphology = arbor.morphology(tree)

    class Recipe(arbor.recipe):
        def num_cells(self):
            return work.n

        def cell_kind(self, gid):
            return arbor.cell_kind.cable

        def global_properties(self, kind):
            properties = arbor.neuron_cable_properties()
            properties.catalogue = arbor.default_catalogue()
            properties.set_property(
                Vm=V_INIT * units.mV,
                cm=C_M * 0.01 * units.F / units.m2,
                tempK=279.45 * units.Kelvin,
                rL=35.4 * units.Ohm * units.cm,
            )
            for ion, (valence, inside, outside, reversal) in {
                "na": (1, 10, 140, E_NA),
                "k": (1, 54.4, 2.5, E_K),
                "ca": (2, 5e-5, 2, 132.5),
            }.items():
                properties.set_ion(
                    ion=ion,
                    valence=valence,
                    int_con=inside * units.mM,
                    ext_con=outside * units.mM,
                    rev_pot=reversal * units.mV,
                )
            return properties

        def cell_description(self, gid):
            hh = {"gnabar": work.g_Na[gid] / 1e3, "gkbar": work.g_K[gid] / 1e3, "gl": work.g_L[gid] / 1e3, "el": E_L}
            decor = arbor.decor().paint("(all)", arbor.density("hh", hh))
            decor.place("(location 0 0.5)", arbor.i_clamp(0.01 * work.i_app[gid] * units.nA))
            decor.place("(location 0 0.5)", arbor.threshold_detector(THRESHOLD * units.mV), "detector")
            return arbor.cable_cell(morphology, decor, discretization=arbor.cv_policy_single())

    return Recipe()


def prepare(work: Workload, dtype: str, threads: int) -> Run:
    import arbor
    from arbor import units

    recipe = _recipe(arbor, units, work)
    context = arbor.context(threads=threads)
    group = min(GROUP, -(-work.n // threads))
    hint = {arbor.cell_kind.cable: arbor.partition_hint(prefer_gpu=False, cpu_group_size=group)}
    simulation = arbor.simulation(recipe, context, arbor.partition_load_balance(recipe, context, hint))
    simulation.record(arbor.spike_recording.local)

    def solve() -> np.ndarray:
        simulation.reset()
        simulation.run(work.duration * units.ms, work.dt * units.ms)
        gids = simulation.spikes()["source"]["gid"].astype(np.int64)
        return np.bincount(gids, minlength=work.n)

    return timed(solve)


ENTRIES = (
    Entry(
        "arbor",
        "Arbor",
        "implicit Euler for V, exact gates",
        f"Built-in `hh` (vectorised), one CV per cell, `cpu_group_size` {GROUP} (with fewer cells, one group per "
        "thread; the default of 1 is many times slower).",
        prepare,
        order=50,
        library="arbor",
        rival=True,
    ),
)

"""
Textbook figures: gates, phase plane, bifurcations, several cells
=================================================================

The figures of every course, one call each: several cells in one picture, gating curves, the phase plane with its nullclines, the
bifurcation diagram. They take any model of the library, a file of yours, or a :class:`hhfast.Model`.
"""

import numpy as np

import hhfast as hh

# %%
# One spike between its reversal potentials, with conductances, currents and gates; by default just above threshold.

picture = hh.plot_spike("hodgkin_huxley")

# %%
# Several cells in one picture: arrays in, a panel each. Up to three cells are drawn in full, of more the potentials alone.

g_A = np.array([0.0, 25.0, 47.7])
r = hh.simulate(
    "connor_stevens",
    {"g_A": g_A},
    stimulus=hh.Step(amplitude=10.0, start=5.0),
    t_stop=100.0,
    record=[hh.Spikes(), hh.Trace("V", "i_Na", "i_A", every=0.05)],
)
picture = hh.plot_traces(r, labels=[f"$g_A$ = {g:g} mS/cm²" for g in g_A], title="An A current delays spikes")

# %%
# Gating curves: the steady state and the time constant of every gate; :meth:`hhfast.Model.gate_curves` has the numbers.

picture = hh.plot_gate_curves("hodgkin_huxley")

# %%
# The phase plane: V against one state, by default the slowest gate that opens with V. Faster gates are taken at their steady state,
# others stay where they rest; ``held`` says otherwise. Where the nullclines cross is an equilibrium, here an unstable one.

picture = hh.plot_phase_plane("morris_lecar_1981_class_1", i_app=45.0)

# %%
# The bifurcation diagram: equilibria, solid where stable, with the extremes of what the cell does at each current. Just below
# the lower and above the upper Hopf point rest and firing are both stable.

picture = hh.plot_bifurcation_diagram("morris_lecar_1981_class_2", i_app=(40.0, 240.0))

# %%
# Axes of your own go in as ``axes=``, so that panels can be put together. From the shell::
#
#     hhfast simulate connor_stevens --current 10 -p g_A=0,25,47.7 -o cells.png
#     hhfast models hodgkin_huxley -o gates.png
#     hhfast phase-plane morris_lecar_1981_class_1 --current 45 -o plane.png
#     hhfast bifurcations morris_lecar_1981_class_2 --currents 40,240 -o diagram.png

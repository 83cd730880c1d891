"""
Phase response and sensitivities
================================

How a periodic neuron answers small inputs, and how its rate, extrema and bursts move with its parameters: exact derivatives of the
cycle, for whole batches, in place of many runs that differ a little.
"""

import numpy as np

import hhfast as hh

current = np.array([8.0, 10.0, 15.0])
found = hh.phase_response("hodgkin_huxley", i_app=current)
print("period (ms):", np.round(found.period, 3), " share that delays:", np.round(found.delayed, 3))
picture = hh.plot_phase_response(found, labels=[f"{x:g} µA/cm²" for x in current])

# %%
# The response is in ms per mV: a displacement of V by 1 mV at the phase of the maximum makes later spikes come that much earlier.
# Divided by C_m it is the response to a short pulse of current. Multiplied by dx/dt and summed over the states the adjoint is 1.
#
# With ``sensitivity``, features of settled cells have derivatives by any parameters of the model, and by the current.

r = hh.simulate(
    "hodgkin_huxley",
    stimulus=hh.Step(amplitude=current),
    t_stop=5000.0,
    until="settled",
    sensitivity=["g_Na", "g_K", "celsius", "amplitude"],
    record=[hh.Features(["rate", "V_peak"])],
)
for name in ("rate_dg_Na", "rate_dg_K", "rate_dcelsius", "rate_damplitude", "V_peak_dg_Na"):
    print(f"{name}: {np.round(r[name], 4)} {r.variables[name].unit}")

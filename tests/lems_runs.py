"""Exported cells run by PyLEMS, which knows nothing of hhfast."""

from functools import partial
from pathlib import Path

import numpy as np

_DEPTH = 6  # of variables that depend on one another
CORE = Path(__file__).parent / "data" / "neuroml_core.xml"
RUN = """\
<Lems>
  <Target component="run"/>
  <Include file="neuroml_core.xml"/>
  <Include file="cell.nml"/>
  <Simulation id="run" length="{t_stop}ms" step="{dt}ms" target="net">
    <OutputFile id="file" fileName="v.dat"><OutputColumn id="v" quantity="cells[0]/v"/></OutputFile>
  </Simulation>
</Lems>
"""


def spike_times(neuroml, folder, t_stop, dt, threshold=-20.0):
    """Upward crossings of V (ms) in a run by Euler's method."""
    t, V = potential(neuroml, folder, t_stop, dt)
    k = np.flatnonzero((V[:-1] < threshold) & (V[1:] >= threshold))
    return t[k] + (t[k + 1] - t[k]) * (threshold - V[k]) / (V[k + 1] - V[k])


def potential(neuroml, folder, t_stop, dt):
    """Times (ms) and V (mV) of a run by Euler's method; PyLEMS notes the time before a step with V after it."""
    from lems.model.model import Model
    from lems.sim.build import SimulationBuilder

    (folder / "neuroml_core.xml").write_text(CORE.read_text())
    (folder / "cell.nml").write_text(neuroml)
    (folder / "run.xml").write_text(RUN.format(t_stop=t_stop, dt=dt))
    model = Model(include_includes=True)
    model.import_from_file(str(folder / "run.xml"))
    simulation = SimulationBuilder(model.resolve()).build()
    _settle_cases(simulation.runnables.values())
    simulation.run()
    t, V = 1e3 * np.array(_recorded(list(simulation.runnables.values()))).T
    return t + dt, V


def _settle_cases(runnables):
    """PyLEMS 0.6.9 takes the value of the step before for a variable with cases that another one depends on."""
    for runnable in runnables:
        _settle_cases([*runnable.children.values(), *runnable.array])
        if hasattr(runnable, "update_derived_variables"):
            runnable.update_derived_variables = partial(_settled, runnable.update_derived_variables)


def _settled(update, runnable):
    for _ in range(_DEPTH):
        update(runnable)
        runnable.update_shadow_variables()


def _recorded(runnables):
    for runnable in runnables:
        if runnable.recorded_variables:
            return runnable.recorded_variables[0].values
        if found := _recorded([*runnable.children.values(), *runnable.array]):
            return found
    return None

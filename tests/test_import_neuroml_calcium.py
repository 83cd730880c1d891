"""Schemes, calcium and what follows from it, read from NeuroML2: proven against the file, and by hand."""

import math

import numpy as np
import pytest

import hhfast as hh

CELL = """\
<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="calcium">
  <ionChannelKS id="ks" conductance="10pS" species="k">
    <gateKS id="n" instances="1">
      <closedState id="c"/><openState id="o"/>
      <forwardTransition id="up" from="c" to="o"><rate type="HHExpRate" rate="0.5per_ms" midpoint="-50mV" scale="20mV"/></forwardTransition>
      <reverseTransition id="down" from="c" to="o"><rate type="HHExpRate" rate="0.2per_ms" midpoint="-50mV" scale="-40mV"/></reverseTransition>
    </gateKS>
  </ionChannelKS>
  <ionChannelHH id="cal" conductance="10pS" species="ca">
    <gate id="s" type="at_once" instances="2">
      <steadyState type="HHSigmoidVariable" rate="1" midpoint="-30mV" scale="6mV"/><timeCourse type="fixedTimeCourse" tau="0ms"/>
    </gate>
  </ionChannelHH>
  <ComponentType name="at_once" extends="gateHHtauInf"><Dynamics>
    <DerivedVariable name="inf" dimension="none" exposure="inf" select="steadyState/x"/>
    <DerivedVariable name="q" dimension="none" exposure="q" value="inf"/>
  </Dynamics></ComponentType>
  MODEL
  <cell id="cell">
    <morphology id="m"><segment id="0">
      <proximal x="0" y="0" z="0" diameter="20"/><distal x="20" y="0" z="0" diameter="20"/>
    </segment></morphology>
    <biophysicalProperties id="b"><membraneProperties>
      <channelDensity id="k" ionChannel="ks" condDensity="2 mS_per_cm2" erev="-90mV" ion="k"/>
      DENSITY
      <specificCapacitance value="1 uF_per_cm2"/><initMembPotential value="-65mV"/>
    </membraneProperties><intracellularProperties>
      <species id="ca" ion="ca" concentrationModel="pool" initialConcentration="1e-4mM" initialExtConcentration="2mM"/>
    </intracellularProperties></biophysicalProperties>
  </cell>
  <network id="net" type="networkWithTemperature" temperature="20degC"/>
</neuroml>
"""
FIXED = '<fixedFactorConcentrationModel id="pool" restingConc="1e-4mM" decayConstant="20ms" rho="0.3 mol_per_m_per_A_per_s"/>'
SHELL = '<decayingPoolConcentrationModel id="pool" restingConc="1e-4mM" decayConstant="20ms" shellThickness="0.2um"/>'
OWN = """<thin id="pool" depth="1um"/><ComponentType name="thin" extends="concentrationModel">
  <Parameter name="depth" dimension="length"/><Constant name="F" dimension="charge_per_mole" value="96485.3 C_per_mol"/>
  <Constant name="tau" dimension="time" value="20ms"/><Constant name="rest" dimension="concentration" value="1e-4mM"/>
  <Dynamics><StateVariable name="concentration" exposure="concentration" dimension="concentration"/>
    <StateVariable name="extConcentration" exposure="extConcentration" dimension="concentration"/>
    <TimeDerivative variable="concentration" value="iCa / surfaceArea / (2 * F * depth) + (rest - concentration) / tau"/>
  </Dynamics></ComponentType>"""
NERNST = '<channelDensityNernst id="l" ionChannel="cal" condDensity="1 mS_per_cm2" ion="ca"/>'
GHK = '<channelDensityGHK id="l" ionChannel="cal" permeability="1e-4 cm_per_s" ion="ca"/>'
JAFFE = '<channelDensityGHK2 id="l" ionChannel="cal" condDensity="1 mS_per_cm2" ion="ca"/>'
V, CA, T, R, F = -20.0, 3e-4, 293.15, 8.3144621, 96485.3  # mV, mM, K
OPEN = (1 / (1 + math.exp(-(V + 30) / 6))) ** 2


def outward(density):
    """The calcium current (uA/cm2) at V and CA, written out in SI units."""
    if density == NERNST:
        return OPEN * (V - 1e3 * R * T / (2 * F) * math.log(2.0 / CA))
    if density == GHK:
        k = 2 * F / (R * T)
        v = 1e-3 * V
        return 100 * OPEN * 1e-6 * 2 * F * k * v * (CA - 2.0 * math.exp(-k * v)) / (1 - math.exp(-k * v))
    k = 25 * T / (293.15 * 2)
    return -OPEN * k * (1 - CA / 2.0 * math.exp(V / k)) * (V / k) / (math.exp(V / k) - 1)


def entering(model, inward):
    """What a current (A/m2) adds to the concentration (mM/ms)."""
    if model == FIXED:
        return 1e-3 * 0.3 * inward
    if model == OWN:
        return 1e-3 * inward / (2 * F * 1e-6)
    area = math.pi * 20e-6 * 20e-6
    outer = math.sqrt(area / (4 * math.pi))
    return 1e-3 * inward * area / (2 * F * 4 / 3 * math.pi * (outer**3 - (outer - 0.2e-6) ** 3))


@pytest.mark.parametrize(("model", "density"), [(FIXED, NERNST), (SHELL, GHK), (OWN, JAFFE)])
def test_calcium_follows_its_current(model, density, tmp_path):
    (tmp_path / "cell.nml").write_text(CELL.replace("MODEL", model).replace("DENSITY", density))
    found = hh.import_neuroml(tmp_path / "cell.nml")
    assert found.verification.passed
    assert found.model.parameters["celsius"].value == 20.0
    o = 0.3
    slopes = found.model.derivatives({"V": V, "o": o, "concentration": CA})
    i = outward(density)
    assert slopes["concentration"] == pytest.approx(entering(model, -1e-2 * i) - (CA - 1e-4) / 20, rel=1e-5)
    assert slopes["V"] == pytest.approx(-(i + 2 * o * (V + 90)), rel=1e-5)
    up, down = 0.5 * math.exp((V + 50) / 20), 0.2 * math.exp(-(V + 50) / 40)
    assert slopes["o"] == pytest.approx(up * (1 - o) - down * o, rel=1e-12)


def test_it_runs(tmp_path):
    """Calcium rises by a pulse, and stays above its rest."""
    (tmp_path / "cell.nml").write_text(CELL.replace("MODEL", FIXED).replace("DENSITY", NERNST))
    model = hh.import_neuroml(tmp_path / "cell.nml").model
    run = hh.simulate(
        model, stimulus=hh.Step(amplitude=100.0, start=5.0), t_stop=20.0, record=[hh.Trace("concentration")]
    )
    assert np.all(run["concentration"] > 9e-5)
    assert run["concentration"][0, -1] > 2 * run["concentration"][0, 0]

"""NeuroML2 files become models that say the same, or are refused in one line."""

import re

import numpy as np
import pytest
from commands import hhfast, refused

import hhfast as hh

SQUID = """\
<neuroml xmlns="http://www.neuroml.org/schema/neuroml2" id="squid">
  <ionChannelHH id="na" conductance="10pS" species="na">
    <gateHHrates id="m" instances="3">
      <q10Settings type="q10ExpTemp" q10Factor="3" experimentalTemp="6.3degC"/>
      <forwardRate type="HHExpLinearRate" rate="1per_ms" midpoint="-40mV" scale="10mV"/>
      <reverseRate type="HHExpRate" rate="4000per_s" midpoint="-0.065V" scale="-18mV"/>
    </gateHHrates>
    <gateHHrates id="h" instances="1">
      <q10Settings type="q10ExpTemp" q10Factor="3" experimentalTemp="6.3degC"/>
      <forwardRate type="HHExpRate" rate="0.07per_ms" midpoint="-65mV" scale="-20mV"/>
      <reverseRate type="HHSigmoidRate" rate="1per_ms" midpoint="-35mV" scale="10mV"/>
    </gateHHrates>
  </ionChannelHH>
  <ionChannel id="k" type="ionChannelHH" species="k">
    <gate id="n" type="gateHHrates" instances="4">
      <q10Settings type="q10ExpTemp" q10Factor="3" experimentalTemp="6.3degC"/>
      <forwardRate type="slow" factor="2"/>
      <reverseRate type="HHExpRate" rate="0.125per_ms" midpoint="-65mV" scale="-80mV"/>
    </gate>
  </ionChannel>
  <ComponentType name="slow" extends="baseVoltageDepRate">
    <Constant name="TIME_SCALE" dimension="time" value="1 ms"/>
    <Constant name="VOLT_SCALE" dimension="voltage" value="1 mV"/>
    <Parameter name="factor" dimension="none"/>
    <Dynamics>
      <DerivedVariable name="V" dimension="none" value="v / VOLT_SCALE"/>
      <ConditionalDerivedVariable name="r" exposure="r" dimension="per_time">
        <Case condition="V .neq. -55" value="factor * 0.005*(V + 55)/(1 - exp(-(V + 55)/10)) / TIME_SCALE"/>
        <Case value="0.1 / TIME_SCALE"/>
      </ConditionalDerivedVariable>
    </Dynamics>
  </ComponentType>
  <ionChannelHH id="leak" conductance="10pS"/>
  <cell id="axon">
    <morphology id="one"><segment id="0">
      <proximal x="0" y="0" z="0" diameter="10"/><distal x="100" y="0" z="0" diameter="10"/>
    </segment></morphology>
    <biophysicalProperties id="all"><membraneProperties>
      <channelDensity id="nas" ionChannel="na" condDensity="120 mS_per_cm2" erev="50mV" ion="na"/>
      <channelDensity id="ks" ionChannel="k" condDensity="360 S_per_m2" erev="-77mV" ion="k"/>
      <channelDensity id="leaks" ionChannel="leak" condDensity="0.3 mS_per_cm2" erev="-54.387mV" ion="non_specific"/>
      <spikeThresh value="-20mV"/>
      <specificCapacitance value="1.0 uF_per_cm2"/>
      <initMembPotential value="-65mV"/>
    </membraneProperties></biophysicalProperties>
  </cell>
  <pulseGenerator id="pulse" delay="20ms" duration="0.1s" amplitude="0.31415926535nA"/>
</neuroml>
"""
BOMB = """<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><neuroml>&b;</neuroml>"""
SECRET = """<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><neuroml>&a;</neuroml>"""


@pytest.fixture
def imported(tmp_path):
    def read(text):
        (tmp_path / "x.nml").write_text(text)
        return hh.import_neuroml(tmp_path / "x.nml")

    return read


def test_the_squid_axon_is_that_of_the_library(imported):
    """Standard rates and a type of the file's own, at the temperature of the library's."""
    found = imported(SQUID)
    assert found.verification.difference < 1e-9
    library = hh.models["hodgkin_huxley"]
    V = np.linspace(-110.0, 50.0, 81) + 0.01
    rng = np.random.default_rng(1)
    state = {"V": V} | {x: rng.uniform(size=V.shape) for x in "mhn"}
    for celsius in (6.3, 18.5):
        mine = found.model.derivatives(state, {"celsius": celsius})
        known = library.derivatives(state, {"celsius": celsius})
        for x in state:
            assert mine[x] == pytest.approx(known[x], rel=1e-9, abs=1e-12)


def test_a_pulse_is_a_stimulus(imported):
    """0.31416 nA into 10 um x 100 um: 10 uA/cm2."""
    stimulus = dict(imported(SQUID).stimulus)
    assert stimulus.pop("kind") == "step"
    assert stimulus == pytest.approx({"amplitude": 10.0, "start": 20.0, "stop": 120.0}, rel=1e-9)


def test_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "axon.cell.nml").write_text(SQUID)
    result = hhfast("import", "axon.cell.nml", "-o", "axon.toml")
    assert result.exit_code == 0, result.output
    assert "agrees with the file" in result.stdout
    assert "stimulus: kind = step, amplitude = 10, start = 20, stop = 120" in result.stdout
    assert hh.load_model("axon.toml").name == "axon"


REFUSED = {
    "entity bomb": (BOMB, "not NeuroML: it has a DOCTYPE, whose entities are not read"),
    "external entity": (SECRET, "not NeuroML: it has a DOCTYPE, whose entities are not read"),
    "not XML": ("<neuroml", "not NeuroML: ParseError"),
    "nesting": ("<neuroml>" + "<a>" * 5000 + "</a>" * 5000 + "</neuroml>", "nested more than 60 deep"),
    "10 MB": ("<neuroml>" + "<a/>" * 2_500_000 + "</neuroml>", "above 2,000,000 bytes"),
    "include": ('<neuroml><include href="../../etc/passwd"/></neuroml>', "include: '../../etc/passwd' is not below"),
    "network": ('<neuroml><include href="http://example.org/x.nml"/></neuroml>', "include: "),
    "nothing": ("<neuroml/>", "there is no channel"),
    "code": (SQUID.replace("factor * 0.005*", "__import__('os').system('x') * "), "is not allowed|unknown function"),
    "circle": (SQUID.replace('value="v / VOLT_SCALE"', 'value="r"'), "depends on itself"),
    "two segments": (SQUID.replace("</morphology>", '<segment id="1"/></morphology>'), "2 segments; one is supported"),
    "no diameter": (SQUID.replace('z="0" diameter="10"/></seg', 'z="0"/></seg').replace('diameter="10"/><d', "/><d"),
                    "need numbers as x, y, z and diameter"),
    "unit": (SQUID.replace("-77mV", "-77furlong"), "no number with a unit known here"),
    "dimension": (SQUID.replace("-77mV", "-77ms"), "is a time; a voltage is needed"),
    "type": (SQUID.replace('type="slow"', 'type="fast"'), "the type 'fast' is not in the files"),
    "two species": (SQUID.replace("</biophysicalProperties>", "<intracellularProperties>" + 2 * '<species ion="ca"/>'
                    + "</intracellularProperties></biophysicalProperties>"), "2 species; one, of calcium"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_imported_is_refused_in_one_line(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, message = REFUSED[case]
    (tmp_path / "x.nml").write_text(text)
    line = refused("import", "x.nml")
    assert re.search(message, line), line
    assert len(line) < 600

"""Textbook figures: what they show is what the model's own functions say."""

import numpy as np
import pytest

import hhfast as hh
from hhfast.parts.variable import Variable

MORRIS_LECAR = "morris_lecar_1981_class_1"


def lines_of(axes):
    return {line.get_label(): line.get_data() for line in axes.lines}


@pytest.mark.core
def test_gate_curves():
    """Steady states and time constants of every gate."""
    V = np.linspace(-90, 40, 53)
    steady, speed = hh.plot_gate_curves("hodgkin_huxley", {"celsius": 16.3}, V=V).axes
    curves = hh.models["hodgkin_huxley"].gate_curves(V, {"celsius": 16.3})
    assert [line.get_label() for line in speed.lines] == ["$m$", "$h$", "$n$"]
    for panel, k in ((steady, 0), (speed, 1)):
        for line, gate in zip(panel.lines, "mhn", strict=True):
            np.testing.assert_array_equal(line.get_ydata(), curves[gate][k])
    with pytest.raises(hh.InputError, match="no gates"):
        hh.plot_gate_curves("hodgkin_huxley_1952_markov")


def test_phase_plane():
    """The nullclines are where the derivatives vanish, and they cross at the equilibria."""
    model = hh.models["hodgkin_huxley"]
    axes = hh.plot_phase_plane(model, i_app=5.0)
    V, n = lines_of(axes)["stable equilibrium"]
    rest = hh.resting_state(model, i_app=5.0)
    np.testing.assert_allclose((V[0], n[0]), (rest.V[0], rest.states["n"][0]))
    dV, dn = (c for c in axes.collections if hasattr(c, "levels"))
    for contour, name in ((dV, "V"), (dn, "n")):
        at, y = np.concatenate([path.vertices for path in contour.get_paths()]).T
        h = hh.resting_state(model).states["h"][0]
        m = model.gate_curves(at)["m"][0]
        slope = model.derivatives({"V": at, "m": m, "h": np.full_like(at, h), "n": y}, i_app=5.0)[name]
        assert np.median(np.abs(slope)) < {"V": 0.2, "n": 1e-3}[name]  # of 1e3 and 1 away from it; by grid
    assert "$h$ = 0.596" in axes.get_title()
    with pytest.raises(hh.InputError, match="unknown state 'x'"):
        hh.plot_phase_plane(model, "x")
    with pytest.raises(hh.InputError, match=r"held\.m = 'fixed'"):
        hh.plot_phase_plane(model, held={"m": "fixed"})


def test_bifurcation_diagram():
    """The saddle-node on an invariant circle of Morris and Lecar is at 39.9632 (known from AUTO's equations)."""
    axes = hh.plot_bifurcation_diagram(MORRIS_LECAR, i_app=(0.0, 120.0), t_stop=300.0)
    drawn = lines_of(axes)
    (label,) = [name for name in drawn if name.startswith("saddle-node")]
    assert drawn[label][0][0] == pytest.approx(39.9632, abs=1e-3)
    current, V = drawn["extremes of oscillations"]
    assert 39.9 < current.min() < 45
    assert V.max() > 20
    current, V = drawn["stable equilibrium"]
    rest = hh.resting_state(MORRIS_LECAR, i_app=20.0).V[0]
    known = np.isfinite(V) & (V < -29)
    assert np.interp(20.0, current[known], V[known]) == pytest.approx(rest, abs=0.02)


def test_one_spike():
    """A pulse just above threshold, and no pulse for a pacemaker."""
    figure = hh.plot_spike("hodgkin_huxley", width=0.5)
    potential = figure.axes[0].lines[0]
    time, V = potential.get_data()
    low, high = figure.axes[0].get_xlim()
    shown = (time >= low) & (time <= high)
    assert ((V[shown][:-1] < -20) & (V[shown][1:] >= -20)).sum() == 1
    assert {text.get_text() for text in figure.axes[0].texts} == {rf"$E_{{\mathrm{{{x}}}}}$" for x in ("Na", "K", "L")}
    with pytest.raises(hh.InputError, match="no spike"):
        hh.plot_spike("hodgkin_huxley", amplitude=0.1)


def test_traces_of_a_result():
    """What was recorded, of the cells that are named."""
    r = hh.simulate("hodgkin_huxley", {"g_Na": [90.0, 120.0, 150.0, 60.0]}, t_stop=5.0,
                    record=[hh.Trace("V", "m", every=0.5)])  # fmt: skip
    figure = hh.plot_traces(r, cells=[2])
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), r["V"][2])
    assert len(hh.plot_traces(r).axes) == 4
    with pytest.raises(hh.InputError, match="no cell 4"):
        hh.plot_traces(r, cells=[4])
    with pytest.raises(hh.InputError, match="no traces"):
        hh.plot_traces(hh.simulate("hodgkin_huxley", t_stop=5.0))


def test_traces_are_grouped_by_what_they_are():
    """Not by what they are called: a pool has axes of its own, and a derivative is told by its attribute."""
    time = np.arange(5.0)
    quantities = {"V": "potential", "V_d": "potential", "V_store": "pool", "g_in": "conductance", "Na": "current"}
    units = {"V_store": "mV", "g_in": "mS cm-2", "Na": "uA cm-2"}
    traces = {
        n: Variable(time[None], ("cell", "time"), units.get(n, "mV"), n, quantity=q) for n, q in quantities.items()
    }
    traces["dV_d_dg_in"] = Variable(
        time[None], ("cell", "time"), "mV/(mS cm-2)", "dV_d_dg_in", derivative=("V_d", "g_in")
    )
    result = hh.Result(np.zeros(1, np.uint8), {"time": Variable(time, ("time",), "ms"), **traces})
    labels = [axes.get_ylabel().replace("\n", " ") for axes in hh.plot_traces(result).axes]
    assert labels == [
        "potential (mV)", "conductance (mS/cm²)", "current (µA/cm²)", r"$V_{\mathrm{store}}$ (mV)",
        r"∂$V_{\mathrm{d}}$/∂$g_{\mathrm{in}}$ (mV per mS/cm²)",
    ]  # fmt: skip


def test_models_draws_gate_curves(tmp_path, pictures):
    from commands import hhfast, refused

    path = tmp_path / "gates.svg"
    assert hhfast("models", "hodgkin_huxley", "-o", path, "-p", "celsius=16.3").exit_code == 0
    assert len(pictures[0].axes[1].lines) == 3
    assert "unknown parameter" in refused("models", "hodgkin_huxley", "-o", path, "-p", "x=1")
    assert "name a model" in refused("models", "-o", path)
    assert "leave out the name" in refused("models", "hodgkin_huxley", "--cell", "x")
    assert "-o FIG.png" in refused("models", "hodgkin_huxley", "-p", "celsius=1")

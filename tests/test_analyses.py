"""The registry of analyses: every entry works for every user of it, and a dropped-in module is one."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

import hhfast as hh
from hhfast.batch import analyses as registry
from hhfast.batch.analyses import REQUIRED, Analysis, Option, analyses, per_cell_number
from hhfast.figures import analyses as figures
from hhfast.registry import Registry

SQUID = hh.models["hodgkin_huxley"]
GIVEN = {  # of each analysis, as brief as it can be
    "bifurcations": {},
    "displacement_threshold": {"tol": 1e-2},
    "fi_curve": {"currents": [5.0, 10.0], "t_stop": 150.0, "transient": 50.0},
    "fit": {
        "target": hh.TraceTarget(np.linspace([-65.0, -65.0], [-60.0, -70.0], 9).T, 0.5),
        "free": {"g_K": (20.0, 60.0)},
        "starts": 1,
        "max_iterations": 2,
    },
    "phase_response": {"i_app": 10.0, "t_stop": 500.0, "phases": 8},
    "recovery_curve": {"intervals": [12.0], "tol": 1e-2},
    "refractory_period": {"second": [2.0, 5.0], "tol": 1e-1},
    "repeated_trials": {"trials": 2, "t_stop": 20.0, "start": 5.0, "amplitude": 10.0},
    "resting_state": {"i_app": 1.0},
    "rheobase": {"width": 1.0},
    "strength_duration": {"widths": [0.5, 5.0], "tol": 1e-2},
    "voltage_clamp": {"levels": [-60.0, -40.0, 0.0], "duration": 5.0, "conditioning": {"duration": 10.0}},
}


def test_every_analysis_is_tried():
    """A new entry needs a line in the table above."""
    assert GIVEN.keys() == set(analyses)


@pytest.mark.parametrize("name", GIVEN)
def test_rows(name):
    """One number per cell and variable, the same names whatever the cells do; a NaN row is flagged alone."""
    entry = analyses[name]
    entry.check(GIVEN[name])
    how = {"integrator": "rk4", "dt": 0.025, "rtol": None, "threads": 1}
    params = {"g_Na": np.array([120.0, 0.0, np.nan])}
    status, variables = entry.rows(SQUID, params, GIVEN[name] | how)
    assert status.dtype == np.uint8
    assert status.tolist() == [0, 0, 1]
    for variable in variables.values():
        assert variable.dims == ("cell",)
        assert variable.values.shape == (3,)
        assert variable.values.dtype.kind in "fiu"
        assert variable.long_name
    assert variables["analysis_status"].values[2] == hh.AnalysisStatus.DIVERGED
    alone = entry.rows(SQUID, {"g_Na": np.array([np.nan])}, GIVEN[name])[1]
    assert alone.keys() == variables.keys()


@pytest.mark.parametrize("name", GIVEN)
def test_what_the_command_line_needs(name):
    """Options with help and defaults, columns of one length, the name of a picture."""
    entry = analyses[name]
    parameters = inspect.signature(entry.function).parameters
    assert set(parameters) - {"model", "params", "stimulus", "method", "numbers", "options"} == entry.options.keys()
    for option, default in entry.defaults.items():
        assert entry.options[option].help
        assert default is None or default is REQUIRED or entry.options[option].check(option, default) is not None
    found = entry.function(SQUID, params={"g_Na": np.array([120.0, 110.0])}, **GIVEN[name])
    table = entry.table(found)
    assert {len(values) for values in table.values()} == {2}
    assert len(repr(found)) < 1000
    if entry.picture is not None:
        draw = getattr(figures, entry.picture.name)
        drawn = draw(entry.picture.of(found, SQUID, {"g_Na": 120.0}, GIVEN[name]))
        assert any(axes.get_xlabel() for axes in drawn.figure.axes)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rheobase", {}, "analysis.width: is missing; rheobase needs it"),
        ("rheobase", {"widht": 1.0}, "analysis.widht: unknown option of rheobase 'widht'; did you mean 'width'?"),
        ("rheobase", {"width": 1.0, "dt": 0.1}, "analysis.dt: unknown option"),
        ("rheobase", {"width": -1.0}, "analysis.width = -1.0: must be a positive number"),
        ("rheobase", {"width": 1.0, "hyperpolarising": "yes"}, "analysis.hyperpolarising = 'yes': must be true or"),
        ("fi_curve", {"currents": []}, "analysis.currents = nothing: give finite numbers"),
        ("fi_curve", {"currents": [1], "direction": "dwn"}, "analysis.direction = 'dwn': did you mean 'down'?"),
        ("fi_curve", {"currents": [1], "t_stop": 100.0}, "analysis.transient = 200 ms is not within 0..t_stop"),
        ("refractory_period", {"second": [2.0, 0.0]}, "analysis.second = 2, 0: give positive numbers"),
        ("recovery_curve", {"intervals": [0.5]}, "analysis.intervals: none may be below the width of 1 ms"),
        ("bifurcations", {"i_app": [10.0, 0.0]}, "analysis.i_app = 10, 0: give two numbers, the smaller one first"),
    ],
)
def test_options_are_checked(name, options, message):
    """Before anything is run: key path, reason, remedy."""
    with pytest.raises(hh.InputError) as error:
        analyses[name].check(options)
    assert message in str(error.value)


def test_an_unknown_analysis():
    """The nearest name."""
    with pytest.raises(hh.InputError, match="unknown analysis 'rheo'; did you mean 'rheobase'"):
        _ = analyses["rheo"]


MODULE = """
import numpy as np
from types import SimpleNamespace
from hhfast.batch.analyses import Analysis, Option, per_cell_number
from hhfast.inputs import finite

def shifted(model, params=None, *, by: float = 1.0):
    E_L = np.atleast_1d(params["E_L"])
    return SimpleNamespace(value=E_L + by, status=np.zeros(len(E_L), np.uint8))

ANALYSIS = Analysis("shifted", "E_L and a bit.", shifted, {"by": Option("how much", "mV", finite)},
                    lambda found: {"shifted": per_cell_number(found.value, "mV", "E_L and a bit")})
"""


def test_a_dropped_in_module_is_an_analysis(tmp_path, monkeypatch):
    """A file with an entry in the folder of the analyses; it then runs in a sweep."""
    import hhfast.analysis

    (tmp_path / "shifted_leak.py").write_text(MODULE)
    monkeypatch.setattr(hhfast.analysis, "__path__", [*hhfast.analysis.__path__, str(tmp_path)])
    found = Registry("analysis", registry._found)
    assert set(found) == {*analyses, "shifted"}
    found["shifted"].check({"by": 2})
    status, variables = found["shifted"].rows(SQUID, {"E_L": np.array([-54.0, -50.0])}, {"by": 2.0, "threads": 1})
    assert variables["shifted"].values.tolist() == [-52.0, -48.0]
    assert status.tolist() == [0, 0]
    assert found["shifted"].table(found["shifted"].function(SQUID, {"E_L": -54.0}))["shifted (mV)"].tolist() == [-53.0]
    (tmp_path / "again.py").write_text(MODULE)
    with pytest.raises(ValueError, match="an analysis 'shifted' already"):
        dict(Registry("analysis", registry._found))


def test_the_registry_is_light():
    """`import hhfast` finds no analysis; asking for them imports no compiler, no algebra and no plots."""
    absent = ("numba", "sympy", "scipy", "matplotlib", "h5py")
    code = f"""
import sys, hhfast
assert not any(m.startswith("hhfast.analysis") for m in sys.modules)
for entry in hhfast.analyses.values():
    entry.help, entry.defaults
print(*[m for m in {absent!r} if m in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_an_entry_shows_its_name():
    """A short repr."""
    entry = Analysis("a", "b", print, {"x": Option("c")}, lambda found: {"x": per_cell_number(found, "1", "c")})
    assert repr(entry) == "Analysis(name='a', help='b', picture=None)"


# --- in a sweep file --------------------------------------------------------------------------------------------------
FILE = """
model = "hodgkin_huxley"
[axes]
g_Na = {{ values = [0, 110, 120] }}
E_L = {{ values = [-54.387, -20] }}
[analysis]
{analysis}
"""


def sweep_of(tmp_path, analysis, extra=""):
    path = tmp_path / "scan.toml"
    path.write_text(extra + FILE.format(analysis=analysis), encoding="utf-8")
    return hh.Sweep.from_toml(path)


def stored(sweep, tmp_path):
    from hhfast.sweep.store import ResultFile

    out = sweep.run(tmp_path / "out.h5", progress=False)
    with ResultFile(out) as result:
        return {name: result.read(name) for name in (*result.parameters, "status", *result.features)}


@pytest.mark.core
def test_rheobase_of_every_row(tmp_path):
    """Stored values are those of the function, bit for bit, with the outcome of each row."""
    found = stored(sweep_of(tmp_path, 'kind = "rheobase"\nwidth = 1.0'), tmp_path)
    expected = hh.find_rheobase("hodgkin_huxley", {n: found[n] for n in ("g_Na", "E_L")}, width=1.0)
    np.testing.assert_array_equal(found["rheobase"], expected.amplitude)
    np.testing.assert_array_equal(found["analysis_status"], expected.status)
    assert found["status"].tolist() == [0] * 6


@pytest.mark.parametrize(
    ("analysis", "name"),
    [
        ('kind = "fi_curve"\ncurrents = [5, 10]\nt_stop = 300.0\ntransient = 100.0', "rate_at_10"),
        ('kind = "refractory_period"\nsecond = [2.0, 5.0]', "minimal_interval_5"),
    ],
)
def test_other_kinds(tmp_path, analysis, name):
    """f-I curves and refractory periods, a variable for each number."""
    found = stored(sweep_of(tmp_path, analysis), tmp_path)
    assert np.isfinite(found[name][4])
    assert found[name][4] > 0


@pytest.mark.parametrize(
    ("analysis", "extra", "message"),
    [
        ("width = 1.0", "", "analysis.kind: is missing"),
        ('kind = "rheo"\nwidth = 1.0', "", "did you mean 'rheobase'"),
        ('kind = "rheobase"', "", "analysis.width: is missing"),
        ('kind = "rheobase"\nwidht = 1.0', "", "did you mean 'width'"),
        ('kind = "rheobase"\nwidth = 1.0', "t_stop = 10.0\n", "t_stop: does not go with"),
        ('kind = "rheobase"\nwidth = 1.0', 'stimulus = { kind = "step", amplitude = 1.0 }\n', "own current"),
    ],
)
def test_mistakes(tmp_path, analysis, extra, message):
    """Each is one line that says what to do."""
    with pytest.raises(hh.InputError, match=message):
        sweep_of(tmp_path, analysis, extra)


def test_analysis_is_part_of_the_spec(tmp_path):
    """Another option is another sweep; a sweep without analysis keeps its identity."""
    one, other = (sweep_of(tmp_path, f'kind = "rheobase"\nwidth = {w}') for w in (1.0, 2.0))
    assert one.sha256 != other.sha256
    assert "analysis" not in hh.Sweep("hodgkin_huxley", one.space, t_stop=1.0).canonical

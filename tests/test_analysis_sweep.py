"""[analysis] in a sweep file: an analysis of every row, stored like any sweep."""

import numpy as np
import pytest

import hhfast as hh

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


@pytest.mark.parametrize(("analysis", "name"), [
    ('kind = "fi_curve"\ncurrents = [5, 10]\nt_stop = 300.0\ntransient = 100.0', "rate_at_10"),
    ('kind = "refractory_period"\nsecond = [2.0, 5.0]', "minimal_interval_5"),
])
def test_other_kinds(tmp_path, analysis, name):
    """f-I curves and refractory periods, a variable for each number."""
    found = stored(sweep_of(tmp_path, analysis), tmp_path)
    assert np.isfinite(found[name][4])
    assert found[name][4] > 0


@pytest.mark.parametrize(("analysis", "extra", "message"), [
    ("width = 1.0", "", "analysis.kind: is missing"),
    ('kind = "rheo"\nwidth = 1.0', "", "did you mean 'rheobase'"),
    ('kind = "rheobase"', "", "analysis.width: is missing"),
    ('kind = "rheobase"\nwidht = 1.0', "", "did you mean 'width'"),
    ('kind = "rheobase"\nwidth = 1.0', "t_stop = 10.0\n", "t_stop: does not go with"),
    ('kind = "rheobase"\nwidth = 1.0', 'stimulus = { kind = "step", amplitude = 1.0 }\n', "own current"),
])
def test_mistakes(tmp_path, analysis, extra, message):
    """Each is one line that says what to do."""
    with pytest.raises(hh.InputError, match=message):
        sweep_of(tmp_path, analysis, extra)


def test_analysis_is_part_of_the_spec(tmp_path):
    """Another option is another sweep; a sweep without analysis keeps its identity."""
    one, other = (sweep_of(tmp_path, f'kind = "rheobase"\nwidth = {w}') for w in (1.0, 2.0))
    assert one.sha256 != other.sha256
    assert "analysis" not in hh.Sweep("hodgkin_huxley", one.space, t_stop=1.0).canonical

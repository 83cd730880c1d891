"""Results: what they show of themselves."""

import numpy as np
import pytest

import hhfast as hh


def test_a_result_shows_itself_in_a_line(passive):
    """Model, cells by status, and the names with their dimensions."""
    r = hh.simulate(passive, {"g_L": [0.1, 0.2, np.nan]}, t_stop=1.0, integrator="rk4",
                    record=[hh.Trace("V", every=0.5), hh.Final()])  # fmt: skip
    assert repr(r) == (
        "<Result of passive, 3 cells (2 ok, 1 diverged): time (time), V (cell, time), V_final (cell), reason (cell)>"
    )


def test_a_result_names_stiff_cells(passive):
    """Those that are given up for their steps, and those that take hundreds per ms; not of a method for stiff ones."""
    common = {"t_stop": 5.0, "stimulus": hh.Step(amplitude=0.1), "record": [hh.Final()]}
    cells = {"C_m": [1.0, 1e-4, 1e-6]}
    told = repr(hh.simulate(passive, cells, max_steps=20_000, **common))
    assert "3 cells (2 ok, 1 step_limit_reached; 2 stiff, which 'rodas4' is for)" in told
    assert "3 cells (3 ok): " in repr(hh.simulate(passive, cells, integrator="rodas4", **common))


def test_codes_have_labels(passive):
    """Codes as the words that files and criteria have for them; numbers have none."""
    r = hh.simulate(passive, {"g_L": [0.1, np.nan]}, t_stop=1.0, integrator="rk4", record=[hh.Final()])
    assert r.labels("status").tolist() == ["ok", "diverged"]
    assert r.labels("reason").tolist() == ["none", "impossible_parameter"]
    with pytest.raises(hh.InputError, match="'V_final' holds numbers, not codes; those with codes are status, reason"):
        r.labels("V_final")
    with pytest.raises(hh.UnknownName, match="did you mean 'status'"):
        r.labels("statu")

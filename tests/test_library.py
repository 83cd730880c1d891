"""The library: every model agrees with spike times from elsewhere, and is found by its tags."""

import re
from dataclasses import replace

import numpy as np
import pytest

from hhfast.batch.cells import Cells
from hhfast.batch.initial_states import initial_states
from hhfast.batch.model_check import check_model
from hhfast.model import Check, load_model, models

# Of each kind one: gates, an instantaneous gate, pools, a scheme, two compartments, permeabilities, totals, branches.
CORE = ("hodgkin_huxley", "connor_stevens", "wang_buzsaki", "morris_lecar_1981_class_1", "pospischil_2008_rs",
        "butera_1999_prebotzinger_nap", "izhikevich_2007_nap_k", "frankenhaeuser_huxley_1964_frog_node",
        "fitzhugh_1961_oscillator", "rubin_terman_2004_thalamic_relay")  # fmt: skip
CONTRACT = ("hodgkin_huxley", "connor_stevens", "wang_buzsaki", "prinz_stg")


def check(name):
    """Counts equal and times within 0.02 ms, by tsit5 at its default tolerance or the one that the file gives."""
    for result in check_model(models[name]):
        found, known = len(result.spikes), len(result.check.spikes)
        assert result.passed, f"{name}, i_app = {result.check.i_app}: {found} of {known}, {result.difference} ms"


@pytest.mark.parametrize("name", CORE)
def test_ten_models_agree_with_their_references(name):
    """The quick part of the test below."""
    check(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in models if name not in CORE])
def test_all_models_agree_with_their_references(name):
    """Spike counts equal, times within 0.02 ms of independent integrations."""
    check(name)


def test_the_library_is_as_large_as_promised():
    """At least fifty published models, each with what one searches for and at least one check."""
    assert len(models) >= 50
    assert set(CONTRACT) <= set(models)


@pytest.mark.parametrize("name", models)
def test_every_file_says_where_it_comes_from(name):
    """Name, title, citation with a year, tags, and checks; the scheme of names; a looser tolerance is explained."""
    model = models[name]
    assert model.name == name
    assert name in CONTRACT or re.fullmatch(r"[a-z]+(_[a-z]+)*_(19|20)\d\d(_[a-z0-9]+)+", name)
    assert model.title
    assert re.search(r"(19|20)\d\d", model.citation)
    assert model.species
    assert model.cell
    assert model.checks
    assert all(c.rtol == 1e-6 or "rtol 1e-8" in model.notes for c in model.checks)
    assert model.to_toml() == model.text
    assert len(model.text.splitlines()) < 200


@pytest.mark.parametrize("name", [n if n in CORE else pytest.param(n, marks=pytest.mark.slow) for n in models])
def test_compiled_rates_agree_with_the_plain_oracle(name):
    """Around the start of each model: the same dx/dt from compiled kernels and from the text by NumPy."""
    model = models[name]
    rng = np.random.default_rng(0)
    cells = Cells.of(model, {"C_m": np.full(16, model.parameters["C_m"].value)})
    X = initial_states(cells, "model")
    scale = np.array(
        [10.0 if s.unit == "mV" and model.V_init < -3 else 0.0 if s.group != "pools" else 0.1 for s in model.rows]
    )
    X += scale[:, None] * rng.uniform(-1, 1, X.shape) * np.where(scale[:, None] == 10.0, 1.0, np.abs(X))
    A, B = cells.rates(X, 1.0)
    known = model.derivatives(X, {}, 1.0)
    size = np.abs(A) + np.abs(B * X)
    assert (np.abs(A - B * X - known) <= 1e-9 * size + 1e-12).all()


@pytest.mark.parametrize("name", models)
def test_files_pass_the_checks_of_a_users_file(name, tmp_path):
    """The library is read without looking for poles; here they are looked for."""
    path = tmp_path / f"{name}.toml"
    path.write_text(models[name].to_toml(), encoding="utf-8")
    assert load_model(path) == models[name]


def test_models_are_found_by_their_tags():
    """By cell, current and species, in whatever case; without building any model."""
    assert {s.name for s in models.find(cell="CA1")} == {"golomb_2006_ca1", "migliore_1999_ca1"}
    names = {s.name for s in models.find(current="h", cell="thalamic relay")}
    assert names == {"destexhe_1996_thalamic_relay", "mccormick_huguenard_1992_thalamic_relay"}
    assert {s.name for s in models.find(species="Leech")} == {
        "hill_2001_leech_heart",
        "shilnikov_cymbalyuk_2005_leech_heart",
    }
    assert models.find(current="nothing") == []
    assert len(models.find()) == len(models)


def test_a_check_that_fails_is_told():
    """Another count, and times that are off."""
    squid = models["hodgkin_huxley"]
    first = squid.checks[0]
    later = Check(first.t_stop, tuple(t + 0.1 for t in first.spikes), first.i_app)
    fewer = Check(first.t_stop, first.spikes[:-1], first.i_app)
    off, short = check_model(replace(squid, checks=(later, fewer)))
    assert not off.passed
    assert off.difference == pytest.approx(0.1, abs=1e-3)
    assert not short.passed
    assert np.isnan(short.difference)

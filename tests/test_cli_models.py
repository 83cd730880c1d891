"""Commands on models: what they print, and that no text of a model is ever executed."""

import pytest
from commands import SCAN, hhfast, names, refused

BAD_FORMULAS = ["__import__('os').system('touch owned')", "().__class__", "open('owned', 'w')", "1 / V"]


@pytest.mark.parametrize("formula", BAD_FORMULAS)
def test_a_malicious_or_singular_model_is_refused_and_never_executed(here, formula):
    from hhfast.model import models

    text = models["hodgkin_huxley"].text.replace('"4 * exp(-(V + 65) / 18)"', f'"{formula}"')
    assert formula in text
    (here / "mine.toml").write_text(text)
    (here / "scan.toml").write_text(SCAN.replace("hodgkin_huxley", "mine.toml"))
    assert "mine.toml" in refused("run", "scan.toml")
    assert "mine.toml" in refused("models", "mine.toml")
    assert names(here) == ["mine.toml", "scan.toml"]


def test_models_lists_and_shows():
    assert "Wang & Buzsaki 1996" in hhfast("models").stdout
    shown = hhfast("models", "prinz_stg").stdout
    for text in ("C_m dV/dt = i_app - i_Na - i_CaT", "dm_Na/dt", "E_CaT = 8.31451e3", "pool Ca", "g_KCa", "mS/cm²"):
        assert text in shown
    assert "did you mean 'prinz_stg'" in refused("models", "prinz")


def test_source_prints_python():
    printed = hhfast("source", "wang_buzsaki", "-i", "exp_euler").stdout
    compile(printed, "kernel", "exec")
    assert "did you mean 'rk4'" in refused("source", "wang_buzsaki", "-i", "rk5")

"""The order of the how-to guides: by theme, as one meets them."""

from pathlib import Path

_THEMES = (
    "a_one_spike", "a_textbook_figures", "k_voltage_clamp", "b_fi_at_three_temperatures", "e_strength_duration",
    "n_phase_response", "c_add_a_current", "m_from_modeldb", "f_noise", "m_channel_noise", "d_find_bursters",
    "l_populations", "g_a_million_rows", "j_on_a_cluster", "h_fit_features", "i_fit_a_trace", "o_inference",
)  # fmt: skip


class ByTheme:
    """The key of a guide by the name of its file; one that is not in the list comes last."""

    def __init__(self, src_dir: str) -> None:
        pass

    def __repr__(self) -> str:
        return "ByTheme"

    def __call__(self, filename: str) -> tuple[int, str]:
        name = Path(filename).stem
        return (_THEMES.index(name) if name in _THEMES else len(_THEMES), name)

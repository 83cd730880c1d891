"""What the gallery shows of a guide: figures that were made without pyplot and given a name."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def figures(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figures (and those of axes) among the names of a guide, each once, and give the text that shows them.

    Those of pyplot, which have a manager until they are closed, are shown by the next scraper.
    """
    values = block_vars["example_globals"]
    shown = values.setdefault("__shown__", [])
    images = []
    named = [value.figure if isinstance(value, Axes) else value for value in values.values()]
    for value in named:
        if isinstance(value, Figure) and not any(value is one for one in shown):
            shown.append(value)
            if value.canvas.manager is None:
                images.append(next(block_vars["image_path_iterator"]))
                value.savefig(images[-1], dpi=110)
    return figure_rst(images, gallery_conf["src_dir"])

"""Sphinx: the pages written by hand, the how-to scripts that it runs, and what `generate` makes from the package."""

import sys
from pathlib import Path

import matplotlib as mpl
from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

from generate import docstrings, everything  # noqa: E402 (it lies beside this file)

import hhfast  # noqa: E402
from hhfast.figures.canvas import COLOURS  # noqa: E402

mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=COLOURS)  # told apart by the colour-blind
REPOSITORY = "https://github.com/hhfast/hhfast"

project = "hhfast"
author = "the hhfast developers"
copyright = "the hhfast developers"  # noqa: A001 (the name that Sphinx knows)
version = release = hhfast.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "howto/*", "README.md"]
suppress_warnings = ["config.cache"]  # gallery settings hold a function, which cannot be kept

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autosummary_imported_members = True
autodoc_typehints = "none"
autodoc_default_options = {"members": True, "undoc-members": False, "member-order": "bysource"}
autodoc_class_signature = "mixed"
numpydoc_show_class_members = False
add_module_names = False


def colours(*_):
    """Each guide begins with matplotlib's defaults, and these colours."""
    mpl.rcParams["axes.prop_cycle"] = mpl.cycler(color=COLOURS)


sphinx_gallery_conf = {
    "reset_modules": ("matplotlib", "seaborn", colours),
    "examples_dirs": ["howto"],
    "gallery_dirs": ["guides"],
    "filename_pattern": r"\.py$",  # every script is run, whatever its name
    "ignore_pattern": r"__init__\.py",
    "within_subsection_order": "generate.order.ByTheme",
    "abort_on_example_error": True,
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e9,
    "remove_config_comments": True,
    "capture_repr": (),
    "image_scrapers": ("generate.scraper.figures", "matplotlib"),  # ours first: figures of pyplot are still open
    "default_thumb_file": str(DOCS.parent / "examples" / "emergent_firing.png"),
    "matplotlib_animations": False,
    "image_srcset": ["2x"],
}

html_theme = "pydata_sphinx_theme"
html_title = "hhfast"
html_static_path = ["_static"]
html_css_files = ["hhfast.css"]
html_show_sourcelink = False
html_copy_source = False
html_extra_path = ["live"]  # pages of `hhfast explore`, one a model
html_context = {"default_mode": "auto"}
html_theme_options = {
    "logo": {"text": "hhfast"},
    "icon_links": [{"name": "Source", "url": REPOSITORY, "icon": "fa-brands fa-github"}],
    "navbar_align": "left",
    "header_links_before_dropdown": 8,
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "start": [], "faq": [], "changelog": [], "emergent": [], "integrators": []}
html_math_renderer = "mathml"
linkcheck_ignore = [rf"{REPOSITORY}.*"]


def _inline(translator, node):
    """Formulas as MathML, which browsers draw by themselves: no script, no network."""
    translator.body.append(tex2mathml(node.astext()))
    raise SkipNode


def _block(translator, node):
    translator.body.append(f'<div class="math">{tex2mathml(node.astext(), as_block=True)}</div>\n')
    raise SkipNode


def setup(app):
    """What Sphinx calls at the start."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("autodoc-process-docstring", docstrings.readable, priority=100)
    everything(DOCS)

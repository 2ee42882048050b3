"""The book: Sphinx, MyST-NB, furo; formulas are MathML, so that a page needs no network and no script."""

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])  # of kernels

from toymodels import __version__ as release  # noqa: E402

project = "toymodels"
author = "the authors of toymodels"
copyright = "the authors of toymodels"
version = release
root_doc = "book/index"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "docs.book.docstrings",
    "docs.book.mathml",
]
include_patterns = ["book/**.md", "course/**.md", "notebooks/*.ipynb", "*.md"]
exclude_patterns = ["book/_static/**"]
html_theme = "furo"
html_title = "toymodels"
html_math_renderer = "latex2mathml"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["book.css"]
myst_enable_extensions = ["dollarmath", "amsmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_execution_in_temp = True
nb_merge_streams = True
nb_render_markdown_format = "myst"
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_use_ivar = True
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_preprocess_types = False
suppress_warnings = ["mystnb.mime_type"]
nitpicky = False


def add_pages_beside_the_book(app, exception):
    """The explorer under `explorer/`, and a first page that leads to the book."""
    if exception is None and app.builder.format == "html":
        beside = Path(app.outdir) / "explorer"
        beside.mkdir(exist_ok=True)
        for page in sorted((ROOT / "docs" / "explorer").glob("*.html")):
            shutil.copy(page, beside)
        first = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url=book/index.html">\n'
        (Path(app.outdir) / "index.html").write_text(first)


def lead_to_the_ledger(app, docname, source):
    """Pages that are read on their own, too, name the file of the ledger; in the book it is a page."""
    source[0] = source[0].replace("](../figures/gallery/CLAIMS.md)", "](book/ledger.md)")


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", lead_to_the_ledger)
    app.connect("build-finished", add_pages_beside_the_book)

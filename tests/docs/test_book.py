"""The book: every code cell of every page runs, its numbers hold, links lead somewhere, and no page is forgotten."""

import re
import warnings
from pathlib import Path

import pytest

from docs.book.docstrings import without_substitutions
from docs.book.mathml import mathml

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [
    path
    for folder in ("book", "course")
    for path in sorted((DOCS / folder).rglob("*.md"))
    if not any(part.startswith("_") for part in path.relative_to(DOCS).parts)
]
CELL = re.compile(r"^```\{code-cell\} ipython3\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXECUTED = [path for path in PAGES if CELL.search(path.read_text())]
MODELS = sorted((DOCS / "book" / "models").glob("*.md"))
PHENOMENA = sorted((DOCS / "book" / "phenomena").glob("*.md"))


def name_of(path):
    return str(path.relative_to(DOCS))


@pytest.mark.parametrize("path", EXECUTED, ids=name_of)
def test_the_cells_of_a_page_run(path, tmp_path, monkeypatch):
    import matplotlib.pyplot

    monkeypatch.chdir(tmp_path)
    space = {"__name__": "page"}
    try:
        for cell in CELL.findall(path.read_text()):
            exec(compile(cell, str(path), "exec"), space)
    finally:
        matplotlib.pyplot.close("all")


@pytest.mark.parametrize("path", EXECUTED, ids=name_of)
def test_a_page_with_cells_checks_a_number(path):
    assert "assert " in "".join(CELL.findall(path.read_text()))
    assert path.read_text().startswith("---\nfile_format: mystnb\n")


@pytest.mark.parametrize("path", MODELS, ids=name_of)
def test_a_page_of_a_model_has_all_its_parts(path):
    titles = re.findall(r"^## (.*)$", path.read_text(), re.MULTILINE)
    assert titles == ["What is assumed", "Equations", "Ten lines", "Picture", "Where it ends"]
    first, picture = CELL.findall(path.read_text())
    assert len([line for line in first.splitlines() if line.strip()]) <= 14
    assert "plt.subplots(" in picture or re.search(r"^draw\(.*\)$", picture, re.MULTILINE)  # a semicolon would hide it


def test_every_model_that_the_families_export_has_a_page():
    from toymodels import layerwise

    text = "".join(path.read_text() for path in MODELS)
    models = [name for name in layerwise.__all__ if hasattr(getattr(layerwise, name), "solve") and name != "Student"]
    assert [name for name in (*models, "Neurashed", "TwoLayerNetwork", "MLP") if name not in text] == []


def test_the_api_lists_all_that_is_exported():
    import importlib

    text = "".join(path.read_text() for path in (DOCS / "book" / "api").glob("*.md"))
    whole = re.findall(r"automodule:: (\S+)\n   :members:", text)
    single = re.findall(r"auto(?:function|class):: (\S+)", text)
    for package in ("dnn", "dnn.probes", "dnn.data"):
        names = importlib.import_module(package).__all__
        wanted = {f"{package}.{name}" for name in names} - {"dnn.data", "dnn.probes", "dnn.data.NAMES"}
        assert wanted - set(single) == set()
    inside = ("", ".layerwise", ".layerwise.symbolic", ".neurashed", ".neurashed.graphs", ".neurashed.logic")
    from toymodels import metrics

    wanted = [f"toymodels{name}" for name in (*inside, ".condensation", *(f".metrics.{m}" for m in metrics.__all__))]
    assert [name for name in (*wanted, "comparisons") if name not in whole] == []


@pytest.mark.parametrize("path", PHENOMENA, ids=name_of)
def test_a_page_of_a_phenomenon_has_all_its_parts(path):
    titles = re.findall(r"^## (.*)$", path.read_text(), re.MULTILINE)
    assert titles == [
        "The question and its score",
        "What each family says",
        "Now, here",
        "What moves first",
        "What to keep in mind",
    ]


def linked(path):
    """Targets of the links and pictures of a page that are files."""
    text = re.sub(r"^```(?:python|toml)\n.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"^```\{image\} (\S+)", text, re.MULTILINE)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_links_inside_the_book_lead_somewhere(path):
    missing = [target for target in linked(path) if not (path.parent / target.partition("#")[0]).exists()]
    assert missing == []


def test_every_page_is_in_a_table_of_contents():
    listed = {DOCS / "book" / "index.md"}
    for path in PAGES:
        for block in re.findall(r"^```\{toctree\}\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE):
            entries = [line for line in block.splitlines() if line and not line.startswith(":")]
            for entry in entries:
                found = [path.parent / f"{entry}{end}" for end in (".md", ".ipynb")]
                assert any(file.exists() for file in found), f"{name_of(path)} lists {entry}"
                listed |= {file.resolve() for file in found}
    assert [name_of(path) for path in PAGES if path.resolve() not in listed] == []


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_every_formula_becomes_mathml(path):
    text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`]*`", "", text)
    for formula in re.findall(r"\$\$(.*?)\$\$", text, re.DOTALL) + re.findall(r"(?<!\$)\$([^$]+)\$(?!\$)", text):
        written = mathml(formula, display=False)
        assert written.startswith("<math")
        assert not re.search(r"<mi>\\|\\[a-zA-Z]+", written), formula


def test_bars_in_words_are_escaped_and_bars_in_formulas_are_not():
    lines = ["|w| and `|w|`", "", ".. math:: |w|", "   |a|", "", "|b|", ">>> x | y"]
    assert without_substitutions(lines) == [
        r"\|w\| and `|w|`",
        "",
        ".. math:: |w|",
        "   |a|",
        "",
        r"\|b\|",
        ">>> x | y",
    ]


def test_references_without_an_entry_are_no_links():
    assert without_substitutions(["One [1]_, two [2]_.", ".. [1] Author."]) == ["One [1]_, two [2].", ".. [1] Author."]


def test_the_book_is_built_with_warnings_as_errors():
    recipe = re.search(r"^docs:.*\n((?:\t.*\n)+)", (DOCS.parent / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    assert "sphinx-build -W" in recipe.group(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        compile((DOCS / "book" / "conf.py").read_text(), "conf.py", "exec")

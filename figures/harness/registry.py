"""Which figures there are, and how one is found by its subject, its number in the paper or its former name."""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from figures.harness.figure import PAPERS, PaperFigure
from toymodels.validation import text

FIGURES = Path(__file__).parents[1]
_DEFINES = re.compile(r"^FIGURE\b.*=", re.MULTILINE)


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """Every figure of the papers, "PAPER/SUBJECT", in order: the modules that define `FIGURE`."""
    names = []
    for paper in PAPERS:
        for path in sorted((FIGURES / paper).glob("*.py")):
            if _DEFINES.search(path.read_text(encoding="utf-8")):
                names.append(f"{paper}/{path.stem}")
    return tuple(names)


def load(name: str) -> PaperFigure:
    """The figure of this full name; `ValueError` if there is none."""
    if name not in names():
        raise ValueError(f"name must be one of {', '.join(names())}, got {name!r}")
    return importlib.import_module(f"figures.{name.replace('/', '.')}").FIGURE


def find(word: str, own: Mapping[str, PaperFigure] | None = None) -> str:
    """The full name of the one figure that `word` means: its name, its subject, or one of its aliases.

    Parameters
    ----------
    word : str
    own : mapping of str to PaperFigure, optional
        Figures of your own by name, which come before those of the papers.

    Raises
    ------
    ValueError
        If there is none, or several; the message lists those that match or come near.
    """
    text("word", word)
    if own and word in own:
        return word
    wanted = word.strip().lower().replace("-", "_").removesuffix(".py")
    if wanted in names():
        return wanted
    paper, slash, number = wanted.partition("/")  # a number may be asked for in one paper, "layerwise/fig-3"
    near: list[PaperFigure] = []
    known = [list((own or {}).values()), [load(name) for name in names()]]
    for figures in known:
        asked = [figure for figure in figures if not slash or figure.name.startswith(f"{paper}/")]
        exact = [figure for figure in asked if (number if slash else wanted) in _words(figure)]
        if len(exact) == 1 and not near:
            return exact[0].name
        near += exact
    near = near or _near(number if slash else wanted, [figure for figures in known for figure in figures])
    meanings = "; ".join(f"{figure.name} ({', '.join(figure.aliases) or 'no other name'})" for figure in near)
    raise ValueError(f"{word!r} is not the name of one figure; {f'it may mean {meanings}' if near else 'see the list'}")


def _words(figure: PaperFigure) -> tuple[str, ...]:
    """What a figure goes by: its subject and its aliases, in the form in which words are compared."""
    return tuple(word.lower().replace("-", "_") for word in (figure.name.partition("/")[2], *figure.aliases))


def _near(wanted: str, figures: Sequence[PaperFigure]) -> list[PaperFigure]:
    """Figures with a word that holds `wanted`; if there is none, those with a word that is spelt alike."""
    holding = [figure for figure in figures if any(wanted in word for word in _words(figure))]
    if holding:
        return holding
    spellings = {word for figure in figures for word in _words(figure)}
    close = set(difflib.get_close_matches(wanted, spellings, n=3, cutoff=0.6))
    return [figure for figure in figures if close & set(_words(figure))]

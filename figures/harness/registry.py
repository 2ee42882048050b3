"""Which figures there are, and how one is found by its subject, its number in the paper or its former name."""

from __future__ import annotations

import difflib
import importlib
import re
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


def find(word: str) -> str:
    """The full name of the one figure that `word` means: its name, its subject, or one of its aliases.

    Raises
    ------
    ValueError
        If there is none, or several; the message lists those that match or come near.
    """
    wanted = text("word", word).strip().lower().replace("-", "_").removesuffix(".py")
    if wanted in names():
        return wanted
    paper, slash, number = wanted.partition("/")  # a number may be asked for in one paper, "layerwise/fig-3"
    asked = [name for name in names() if not slash or name.startswith(f"{paper}/")]
    wanted = number if slash else wanted
    exact = [name for name in asked if wanted in _words(name)]
    if len(exact) == 1:
        return exact[0]
    near = exact or [name for name in asked if any(wanted in word for word in _words(name))]
    if not near:
        close = difflib.get_close_matches(wanted, {word for name in names() for word in _words(name)}, n=3, cutoff=0.6)
        near = [name for name in names() if set(close) & set(_words(name))]
    meanings = "; ".join(f"{name} ({', '.join(load(name).aliases) or 'no other name'})" for name in near)
    raise ValueError(f"{word!r} is not the name of one figure; {f'it may mean {meanings}' if near else 'see the list'}")


@lru_cache(maxsize=256)
def _words(name: str) -> tuple[str, ...]:
    aliases = (alias.lower().replace("-", "_") for alias in load(name).aliases)
    return (name, name.partition("/")[2], *aliases)

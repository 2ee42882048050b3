"""Problem sheets: which problems there are, and what a student hands in.

A sheet is a module of `docs.course.answers` with `PROBLEMS`, a mapping from the key of a problem to how it is judged;
its text is the page of the same name in `docs/course/sheets`. Answers are handed in as TOML, a line a problem, alone or
in the toml blocks of a Markdown page. Values that name a file, data or a program, are relative to the page.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from docs.check.curves import Curve
from docs.check.formulas import Formula
from docs.check.judgement import Judgement
from docs.check.programs import Program
from docs.check.quantities import Number

Problem = Formula | Number | Curve | Program
SHEETS = (
    "sigmoid",
    "conservation",
    "lazy_and_rich",
    "sparse_graphs",
    "embedding",
    "basins_and_ranks",
    "noise",
)
LONGEST = 1_000_000  # bytes of a page of answers


def problems(sheet: str) -> Mapping[str, Problem]:
    """The problems of a sheet, by their keys.

    Parameters
    ----------
    sheet : str
        One of :data:`SHEETS`.

    Raises
    ------
    ValueError
        If there is no such sheet.
    """
    if sheet not in SHEETS:
        near = get_close_matches(str(sheet), SHEETS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"sheet must be one of {', '.join(SHEETS)}, got {str(sheet)[:40]}{hint}")
    return import_module(f"docs.course.answers.{sheet}").PROBLEMS


def check(sheet: str, problem: str, answer: Any) -> Judgement:
    """Judge one answer: what a notebook's cell calls.

    Parameters
    ----------
    sheet, problem : str
        Which one.
    answer : str, number, path, pair of arrays or function
        What the problem asks for.

    Raises
    ------
    ValueError
        If there is no such sheet or problem.

    Examples
    --------
    >>> print(check("sigmoid", "mode", "S / (1 + (S/u0 - 1) exp(-2 S t))"))
    right
    >>> print(check("sigmoid", "half-time", "log(S/u0 - 1) / S"))
    wrong: off by a factor 2 (yours over the answer)
    """
    known = problems(sheet)
    if problem not in known:
        raise ValueError(f"problem must be one of {', '.join(known)}, got {str(problem)[:40]}")
    return known[problem].judge(answer)


def answers(path: Path) -> dict[str, Any]:
    """What was handed in, by problem.

    Parameters
    ----------
    path : Path
        TOML, or Markdown with blocks of it.

    Raises
    ------
    ValueError
        If it cannot be read.
    """
    if not path.is_file():
        raise ValueError(f"answers must be in a file, and there is none at {path}")
    if path.stat().st_size > LONGEST:
        raise ValueError(f"answers must have at most {LONGEST} bytes, got {path.stat().st_size}")
    text = path.read_text(encoding="utf-8", errors="replace")
    if path.suffix == ".md":
        text = "\n".join(re.findall(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f'answers must be TOML, a line such as half-time = "..." a problem: {error}') from None
    return {key: _located(value, path.parent) for key, value in found.items()}


def _located(value: Any, folder: Path) -> Any:
    if isinstance(value, str) and "\n" not in value and value.endswith((".csv", ".py")):
        return str(folder / value)
    return value

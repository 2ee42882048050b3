"""The command `toymodels`: studies, figures and the explorer, whatever modules lie in the working folder.

toymodels grokking [...]       as python -m comparisons.grokking; so with every other study
toymodels comparisons [...]    as python -m comparisons
toymodels figures WORD [...]   as python -m figures
toymodels explore [PAGE]       opens the explorer's pages in a browser
"""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]  # what holds toymodels also holds comparisons and figures
PAGES = ROOT / "docs" / "explorer", Path(sysconfig.get_path("data")) / "share" / "toymodels" / "explorer"
DONE, FAILED, USAGE = 0, 1, 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run a study, figures or the explorer by name and return the exit code.

    Parameters
    ----------
    argv : sequence of str, optional
        Instead of the command line's arguments.

    Returns
    -------
    int
        That of what was run; 1 if nothing could be, 2 for a name that is not known.
    """
    name, *rest = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("-h", "--help"):
        print(f"{__doc__}\nstudies: {', '.join(studies())}")
        return DONE
    if name == "explore":
        return explore(*rest)
    _forget_the_working_folder()
    try:
        if name in studies():
            return _ours("comparisons.harness.command").main(name, rest)
        if name == "comparisons":
            return _ours("comparisons.__main__").main(rest)
        if name == "figures":
            return _ours("figures.harness.command").main(rest, description=_ours("figures.__main__").__doc__)
    except ImportError as error:
        print(f"toymodels: {error}", file=sys.stderr)
        return FAILED
    known = ", ".join(["explore", "figures", "comparisons", *studies()])
    print(f"toymodels: no command {name!r}; known: {known}", file=sys.stderr)
    return USAGE


def studies() -> list[str]:
    """Names of the studies that there are."""
    return sorted(path.parent.name for path in (ROOT / "comparisons").glob("*/question.py"))


def explore(page: str = "index", *rest: str) -> int:
    """Open a page of the explorer in a browser, and print where it lies.

    Parameters
    ----------
    page : str
        Without its ending; the list of all by default.
    rest : str
        Nothing more is taken.
    """
    places = [path for folder in PAGES for path in sorted(folder.glob("*.html"))]
    found = [path for path in places if path.stem == page]
    if rest or not found:
        known = ", ".join(dict.fromkeys(path.stem for path in places)) or "none is installed"
        print(f"toymodels: explore takes one page, got {' '.join([page, *rest])!r}; pages: {known}", file=sys.stderr)
        return USAGE
    print(found[0])
    webbrowser.open(found[0].as_uri())
    return DONE


def _forget_the_working_folder() -> None:
    """Keep modules that lie there, such as a figures.py of the user's, from being imported, here and by workers."""
    here = Path.cwd().resolve()
    if here != ROOT:
        sys.path[:] = [entry for entry in sys.path if entry and Path(entry).resolve() != here]
    os.environ["PYTHONSAFEPATH"] = "1"


def _ours(name: str) -> Any:
    """The suite's own module of this name."""
    module = importlib.import_module(name)
    if not Path(str(module.__file__)).resolve().is_relative_to(ROOT):
        raise ImportError(f"{name} must be the suite's own, got {module.__file__}")
    return module


if __name__ == "__main__":
    raise SystemExit(main())

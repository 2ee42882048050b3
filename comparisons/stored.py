"""Finished studies, read back from their folders."""

from __future__ import annotations

import importlib
from pathlib import Path

from comparisons.harness.folder import read_manifest
from comparisons.harness.result import Result, read_result


def load(folder: str | Path) -> Result:
    """The result of a finished study: verdicts, runs, table, picture.

    Parameters
    ----------
    folder : path
        Where a call put its table, "results/grokking/quick-s0", or what :meth:`Result.save` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no result.
    ValueError
        If it is damaged, not finished, or a run of it is missing.

    Examples
    --------
    >>> load("results/nowhere")
    Traceback (most recent call last):
    FileNotFoundError: results/nowhere holds no result of a study
    """
    folder = Path(folder)
    try:
        name = str(read_manifest(folder).get("study", ""))
    except FileNotFoundError:
        raise FileNotFoundError(f"{folder} holds no result of a study") from None
    study = None
    if name.isidentifier():
        try:
            study = getattr(importlib.import_module(f"comparisons.{name}"), "STUDY", None)
        except ImportError:  # a study of the user's own: everything but its picture is here
            study = None
    return read_result(folder, study.question if study else None, study.picture if study else None)

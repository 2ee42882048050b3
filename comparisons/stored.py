"""Finished studies, read back from their folders."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING

from comparisons.harness.folder import read_manifest
from comparisons.harness.result import Result, read_result
from toymodels.validation import described, path

if TYPE_CHECKING:
    from comparisons.harness.study import Study


def load(folder: str | Path, study: Study | None = None) -> Result:
    """The result of a finished study: verdicts, runs, table, picture.

    Parameters
    ----------
    folder : path
        Where a call put its table, "results/grokking/quick-s0", or what :meth:`Result.save` wrote.
    study : Study, optional
        Whose picture is drawn, for a study of one's own; those of this package are found by name.

    Raises
    ------
    FileNotFoundError
        If there is no result.
    ValueError
        If it is damaged, not finished, or a run of it is missing, or `study` has another name.

    Examples
    --------
    >>> load("results/nowhere")
    Traceback (most recent call last):
    FileNotFoundError: results/nowhere holds no result of a study
    """
    folder = path("folder", folder)
    if study is not None and not hasattr(study, "question"):
        raise ValueError(f"study must be a Study, got {described(study)}")
    try:
        name = str(read_manifest(folder).get("study", ""))
    except FileNotFoundError:
        raise FileNotFoundError(f"{folder} holds no result of a study") from None
    if study is not None and study.name != name:
        raise ValueError(f"study must be the one of the result, {name}, got {study.name}")
    if study is None and name.isidentifier():
        try:
            study = getattr(importlib.import_module(f"comparisons.{name}"), "STUDY", None)
        except ImportError:  # a study of the user's own: everything but its picture is here
            study = None
    return read_result(folder, study.question if study else None, study.picture if study else None)

"""The folder of one call: its table, picture and manifest. Never another call's, never the user's own files.

`STUDY/PRESET-sSEED` belongs to the call that its manifest is of; one with other cells, rows or criteria takes the next
name, `PRESET-sSEED@2`. A lock that dies with its process keeps two calls out of one study.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from toymodels.run import files
from toymodels.run.cells import require_folder
from toymodels.run.identity import canonical

MANIFEST = "manifest.json"
OURS = (  # what a call writes beside its manifest
    "verdicts.csv",
    "claims.json",
    "figure.png",
    "figure.svg",
    "figure.pdf",
    "scratch",
)


@contextmanager
def locked(place: Path) -> Iterator[None]:
    """Keep other calls out of `place` until the block ends or the process dies.

    Raises
    ------
    ValueError
        If another call is at work there.
    """
    from filelock import FileLock, Timeout

    require_folder(place)
    lock = FileLock(place / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ValueError(f"another call is at work in {place}: wait for it, or give --out another folder") from None
    try:
        yield
    finally:
        lock.release()


def call_digest(*parts: Any) -> str:
    """What tells a call from others: its cells, its rows, what it asks."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:20]


def folder_of_call(place: Path, base: str, call: str, log: Callable[[str], None]) -> Path:
    """The folder for a call: the one whose manifest is of the same call, or the next free name.

    Parameters
    ----------
    place : path
        Folder of the study.
    base : str
        "quick-s0".
    call : str
        See :func:`call_digest`; the manifest that is written there carries it.
    log : callable (line)
        Hears of a damaged manifest, which is set aside.
    """
    number = 1
    while True:
        folder = place / (base if number == 1 else f"{base}@{number}")
        number += 1
        if _is_free(folder):
            return folder
        manifest = folder / MANIFEST
        if not manifest.is_file():
            continue
        try:
            if read_manifest(folder)["call"] == call:
                return folder
        except ValueError as error:
            log(f"{error}; set aside as {files.set_aside(manifest).name}, everything else in {folder} stays")


def _is_free(folder: Path) -> bool:
    """Whether nothing in `folder` comes from an earlier call."""
    return not any((folder / name).exists() for name in (MANIFEST, *OURS)) and not folder.is_file()


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a call.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it is damaged.
    """
    path = folder / MANIFEST
    try:
        content = json.loads(path.read_text())
        if not isinstance(content, dict):
            raise ValueError(f"it holds {type(content).__name__} instead of a mapping")
        cells_of(content)
        str(content["call"])
    except FileNotFoundError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({type(error).__name__}: {str(error)[:80]})") from None
    return content


def holds_finished(folder: Path) -> bool:
    """Whether `folder` holds the result of a call that ended."""
    try:
        return read_manifest(folder).get("state") == "finished"
    except (FileNotFoundError, ValueError):
        return False


def cells_of(manifest: Mapping[str, Any]) -> list[str]:
    """Names of all cells that a manifest names."""
    return [str(run["cell"]) for runs in manifest["rows"].values() for run in runs]


def write_manifest(folder: Path, content: Mapping[str, Any]) -> None:
    """Write the manifest of a call."""
    files.write(folder / MANIFEST, json.dumps(content, indent=1) + "\n")

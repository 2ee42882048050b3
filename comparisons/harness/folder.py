"""A study's results folder: finished runs, manifest, tables, figure. A file is written whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import platform
import shutil
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from comparisons.runner import Result

LIBRARIES = ("numpy", "scipy", "torch", "networkx", "matplotlib")
LARGE = 280_000  # bytes of a picture


def name(preset: str, seed: int, overrides: Sequence[str]) -> str:
    """`quick-s0`, with a short hash of the overrides when there are any, so that runs never mix."""
    base = f"{preset}-s{seed}"
    if not overrides:
        return base
    return f"{base}-{hashlib.sha256(json.dumps(sorted(overrides)).encode()).hexdigest()[:8]}"


def write(path: Path, content: str | bytes) -> None:
    """Write under a temporary name in the same folder, then rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


class Book:
    """Keeps account of finished runs; a new call starts afresh unless it resumes the same parameters."""

    def __init__(self, where: Path, identity: dict[str, Any], resume: bool):
        self.where = where
        self.identity = json.loads(json.dumps(identity, default=str))
        self.finished: dict[str, float] = {}
        old = self._read() if resume else {}
        if old.get("identity") == self.identity:
            self.finished = {run: s for run, s in old["finished"].items() if (where / "runs" / run).exists()}
        elif resume and old:
            raise ValueError(f"--resume needs the same parameters as {where / 'manifest.json'}, got others")
        self._forget_unfinished(keep_scratch=resume)
        self._write({})

    def has(self, path: Path) -> bool:
        """Whether this run is finished."""
        return path.name in self.finished

    def add(self, path: Path, seconds: float) -> None:
        """Note a finished run at once, so that an interruption loses nothing."""
        self.finished[path.name] = round(seconds, 3)
        self._write({})

    def close(self, result: Result, jobs: int) -> None:
        """Write manifest, table and figure of what there is."""
        from comparisons.runner import digest

        digests = {f"{row} {i}": digest(run) for row, runs in result.runs.items() for i, run in enumerate(runs)}
        seconds = {"seconds": round(result.seconds, 2), "jobs": jobs}
        about = {
            "argv": sys.argv[1:],
            "versions": _versions(),
            "digests": digests,
            "interrupted": result.interrupted,
        }
        self._write(seconds | about)
        write(self.where / "verdicts.csv", _csv(result))
        if result.runs and not result.interrupted:
            write(self.where / "figure.png", rendered(result.study.plot(result.runs, result.verdicts, result.params)))

    def _read(self) -> dict[str, Any]:
        try:
            return json.loads((self.where / "manifest.json").read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def _write(self, more: dict[str, Any]) -> None:
        content = {"identity": self.identity, "finished": dict(sorted(self.finished.items())), **more}
        write(self.where / "manifest.json", json.dumps(content, indent=1) + "\n")

    def _forget_unfinished(self, keep_scratch: bool) -> None:
        for path in (self.where / "runs").glob("*"):
            if path.is_dir():
                if not keep_scratch:
                    shutil.rmtree(path)
            elif path.name not in self.finished:
                path.unlink()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            continue
    return found


def _csv(result: Result) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(
        [
            "model",
            "outcome",
            "score",
            "low",
            "high",
            "replicates",
            "absent_below",
            "shown_from",
            "predicted",
            "measured",
            "note",
        ]
    )
    for row, verdict in result.verdicts.items():
        spread = (min(verdict.scores), max(verdict.scores)) if verdict.scores else ("", "")
        score = verdict.score if verdict.scores else ""
        rows.writerow(
            [
                row,
                verdict.outcome,
                score,
                *spread,
                len(verdict.scores),
                *verdict.thresholds,
                verdict.predicted,
                verdict.measured,
                verdict.note,
            ]
        )
    return text.getvalue()


def rendered(figure: Figure, form: str = "png") -> bytes:
    """A picture as bytes; the same picture gives the same bytes. A PNG beyond :data:`LARGE` gets 256 colours."""
    import matplotlib

    content = io.BytesIO()
    stamp = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[form]
    with matplotlib.rc_context({"svg.hashsalt": "toymodels"}):
        figure.savefig(content, format=form, dpi=110, metadata=stamp)
    return _with_palette(content) if form == "png" and content.tell() > LARGE else content.getvalue()


def _with_palette(picture: io.BytesIO) -> bytes:
    from PIL import Image

    content = io.BytesIO()
    Image.open(picture).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(content, "PNG", optimize=True)
    return content.getvalue()


def packed(arrays: dict[str, np.ndarray]) -> bytes:
    """Arrays as the bytes of an `.npz`, without pickle."""
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()

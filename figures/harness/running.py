"""Computes, judges and draws one figure, and keeps what it computed in the store: drawing it again costs nothing."""

from __future__ import annotations

import json
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.harness import folder as folders
from comparisons.harness.pictures import rendered
from comparisons.harness.running import CELLS, function_identity, resolved, settings_identity
from comparisons.harness.settings import changed, placed, visible
from figures.harness.figure import Data, PaperFigure
from figures.harness.registry import load
from figures.harness.sizes import settings_in_words
from figures.harness.stored import read_by_claims
from toymodels.claims import Judged
from toymodels.run import files
from toymodels.run.cells import Cell, CellStore, checksum, made_by
from toymodels.run.engine import WorkerDied, in_words, one_thread, parallel_map, parse_engine
from toymodels.trajectory import SimulationError
from toymodels.validation import choice, flag, path, positive_int

FORMATS = ("png", "svg", "pdf")


@dataclass(frozen=True)
class Request:
    """How a figure is made; everything that a worker needs.

    Parameters
    ----------
    figure : str or PaperFigure
        Full name of a figure of the papers, or one of your own.
    preset : str
    changes : mapping of str to value
        Changed settings.
    seed, jobs : int
    engine, device : str
    data : str, optional
        Folder with data sets.
    out : str
        Folder of all results.
    format : {"png", "svg", "pdf"}
    resume : bool
        Whether data that the store has are drawn and judged without computing them.
    """

    figure: str | PaperFigure
    preset: str = "quick"
    changes: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    jobs: int = 1
    engine: str = "local"
    device: str = "auto"
    data: str | None = None
    out: str = "results"
    format: str = "png"
    resume: bool = False

    @property
    def name(self) -> str:
        """Full name of the figure."""
        return self.figure if isinstance(self.figure, str) else self.figure.name


@dataclass(frozen=True)
class FigureResult:
    """A finished figure, or the error that stopped it.

    Parameters
    ----------
    name : str
    picture : Path
    claims : tuple of Judged
    seconds : float
    error : str
    cell : str
        Name of the data in the store.
    made_by : str
        Tells the code and the versions that computed them from others.
    messages : tuple of str
        Lines on why earlier data were not taken.
    kept : mapping of str to array
        The data that the claims read.
    settings : str
        With which they were computed, in words.
    """

    name: str
    picture: Path
    claims: tuple[Judged, ...]
    seconds: float
    error: str = ""
    cell: str = ""
    made_by: str = ""
    messages: tuple[str, ...] = ()
    kept: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False, repr=False)
    settings: str = ""


def make(request: Request) -> FigureResult:
    """Compute (or reload), judge and draw one figure; whatever goes wrong in it becomes the result's error.

    Raises
    ------
    ValueError
        For a request that cannot be carried out: unknown preset, setting or format, a folder that cannot be written.
    """
    start = time.perf_counter()
    figure = load(request.figure) if isinstance(request.figure, str) else request.figure
    settings = settings_of(figure, request)
    messages: list[str] = []
    place = path("out", request.out) / "figures" / figure.name
    with folders.locked(place):
        store = CellStore(Path(request.out) / CELLS, reuse=request.resume, log=messages.append)
        cell, settings = _cell(figure, settings, request)
        call = folders.call_digest(cell.name)
        where = folders.folder_of_call(place, f"{request.preset}-s{request.seed}", call, messages.append)
        picture, size = where / f"figure.{request.format}", settings_in_words(visible(settings))
        settings = placed(settings, scratch=where / "scratch")
        manifest = {
            "figure": figure.name,
            "call": call,
            "preset": request.preset,
            "seed": request.seed,
            "state": "running",
        }
        folders.write_manifest(where, manifest | {"rows": {"data": [{"cell": cell.name}]}})
        try:
            data = _data(figure, settings, request, store, cell, messages)
            claims, kept = tuple(figure.judge(data)), read_by_claims(figure, data)
            drawn = rendered(figure.draw(data, settings), request.format)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            reason = str(error) if isinstance(error, SimulationError | FileNotFoundError) else in_words(error)
            folders.write_manifest(
                where, manifest | {"state": "failed", "rows": {"data": [{"cell": cell.name, "error": reason}]}}
            )
            seconds = time.perf_counter() - start
            return FigureResult(figure.name, picture, (), seconds, reason, cell.name, cell.maker, tuple(messages))
        files.write(where / "claims.json", json.dumps([claim.to_dict() for claim in claims], indent=1) + "\n")
        files.write(picture, drawn)
        shutil.rmtree(where / "scratch", ignore_errors=True)
        entry = {"cell": cell.name, "digest": checksum(data)}
        folders.write_manifest(where, manifest | {"state": "finished", "rows": {"data": [entry]}})
    seconds = time.perf_counter() - start
    return FigureResult(figure.name, picture, claims, seconds, "", cell.name, cell.maker, tuple(messages), kept, size)


def settings_of(figure: PaperFigure, request: Request) -> Any:
    """The settings of a preset with the request's changes; a whole number that counts something cannot become 0."""
    choice("preset", request.preset, figure.presets)
    choice("format", request.format, FORMATS)
    positive_int("seed", request.seed, minimum=0)
    positive_int("jobs", request.jobs)
    parse_engine(request.engine)
    flag("resume", request.resume)
    settings = changed(figure.presets[request.preset], request.changes)
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        usual = getattr(figure.presets[request.preset], entry.name)
        if isinstance(value, int) and not isinstance(value, bool):
            positive_int(entry.name, value, minimum=min(usual, 1))
    return settings


def maker_of(figure: PaperFigure, preset: str, device: str = "auto") -> str:
    """Digest of the code and versions that would compute a preset here and now."""
    return Cell({}, resolved(made_by([figure.compute, figure.presets[preset]], device))).maker


def _cell(figure: PaperFigure, settings: Any, request: Request) -> tuple[Cell, Any]:
    """The identity of a figure's data, and its settings with the device in use."""
    how = resolved(made_by([figure.compute, settings], request.device))
    asked = {
        "function": function_identity(figure.compute),
        "settings": settings_identity(placed(settings, data=request.data)),
        "seed": request.seed,
        "stream": figure.stream or figure.name,
    }
    return Cell(asked, how), placed(settings, device=how["device"], data=request.data)


def _data(figure: PaperFigure, settings, request: Request, store: CellStore, cell: Cell, messages: list[str]) -> Data:
    """Computed data, or those of an earlier call of the same identity when resuming."""
    from toymodels.run.sweep import sweep

    stored = store.find(cell)
    store.report()
    if stored is not None:
        return stored.arrays
    grid = partial(
        sweep, jobs=request.jobs, engine=request.engine, cache=store.folder, reuse=request.resume, log=messages.append
    )
    rng = np.random.default_rng([request.seed, zlib.crc32((figure.stream or figure.name).encode())])
    with one_thread():
        data = {key: np.asarray(values) for key, values in figure.compute(settings, rng, grid).items()}
    _refuse_bad_numbers(figure.name, data)
    store.write(cell, data)
    return data


def _refuse_bad_numbers(name: str, data: Data) -> None:
    for key, values in data.items():
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise SimulationError(f"{name}: {key} is NaN in {int(np.isnan(values).sum())} places")


def make_all(requests: Sequence[Request], jobs: int, engine: str) -> Iterator[FigureResult]:
    """Yield every figure as it is finished, `jobs` at a time; one whose worker dies is an error of its own."""

    def lost(request: Request, error: WorkerDied) -> FigureResult:
        return FigureResult(request.name, Path(request.out), (), 0.0, str(error))

    yield from parallel_map(make, requests, jobs=jobs, engine=engine, lost=lost)

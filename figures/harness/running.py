"""Computes, judges and draws one figure, and keeps what it computed, so that drawing again costs nothing."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import shutil
import time
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path

import numpy as np

import figures
from comparisons import folder, settings
from figures.harness.figure import Data, Judged, PaperFigure
from toymodels.run.engine import one_thread
from toymodels.trajectory import SimulationError
from toymodels.validation import positive_int

FORMATS = ("png", "svg", "pdf")


@dataclass(frozen=True)
class Request:
    """Everything that a worker needs to make one figure."""

    name: str
    preset: str = "quick"
    overrides: tuple[str, ...] = ()
    seed: int = 0
    jobs: int = 1
    engine: str = "local"
    device: str = "auto"
    data: str | None = None
    out: str = "results"
    format: str = "png"
    resume: bool = False


@dataclass(frozen=True)
class Made:
    """A finished figure: where its picture is, what was judged, how long it took; or the error that stopped it."""

    name: str
    picture: Path
    claims: tuple[Judged, ...]
    seconds: float
    error: str = ""


def names() -> list[str]:
    """Every figure module of this package, in order."""
    infrastructure = {"__main__", "core", "ledger", "runner"}
    found = [module.name for module in pkgutil.iter_modules(figures.__path__) if module.name not in infrastructure]
    return sorted(name for name in found if name.rpartition("_")[0] and not name.endswith("_drawing"))


def load(name: str) -> PaperFigure:
    """The figure called `name`; `ValueError` if there is none."""
    if name not in names():
        raise ValueError(f"name must be one of {', '.join(names())}, got {name!r}")
    return importlib.import_module(f"figures.{name}").FIGURE


def make(request: Request) -> Made:
    """Compute (or reload), judge and draw one figure.

    A SimulationError, the ValueError of a claim that measures no number, or data that are not to be had become the
    result's error, so that the other figures go on.
    """
    figure = load(request.name)
    start = time.perf_counter()
    where = Path(request.out) / "figures" / figure.name / folder.name(request.preset, request.seed, request.overrides)
    picture = where / f"figure.{request.format}"
    params = _params(figure, request, where)
    try:
        with one_thread():
            data = _data(figure, params, request, where)
        claims = _judged(figure, data)
    except (SimulationError, FileNotFoundError) as error:
        return Made(figure.name, picture, (), time.perf_counter() - start, str(error))
    folder.write(where / "claims.json", json.dumps([asdict(claim) for claim in claims], indent=1) + "\n")
    folder.write(picture, folder.rendered(figure.draw(data, params), request.format))
    return Made(figure.name, picture, claims, time.perf_counter() - start)


def _params(figure: PaperFigure, request: Request, where: Path):
    if request.preset not in figure.presets:
        raise ValueError(f"preset must be one of {', '.join(figure.presets)}, got {request.preset!r}")
    params = settings.override(figure.presets[request.preset], list(request.overrides))
    for field in fields(params):  # whole numbers count something in every figure
        value = getattr(params, field.name)
        if isinstance(value, int) and not isinstance(value, bool):
            positive_int(field.name, value)
    return replace(params, device=request.device, data=request.data, scratch=where / "scratch")


def _data(figure: PaperFigure, params, request: Request, where: Path) -> Data:
    """Computed data, or those of an earlier call with the same parameters when resuming."""
    from toymodels.run.sweep import sweep

    path = where / "data.npz"
    identity = hashlib.sha256(f"{settings.canonical(params)} {request.seed}".encode()).hexdigest()
    if request.resume and path.exists():
        with np.load(path, allow_pickle=False) as file:
            if str(file["identity"]) == identity:
                return {key: file[key] for key in file.files if key != "identity"}
    if not request.resume and where.exists():
        shutil.rmtree(where)
    grid = partial(sweep, jobs=request.jobs, engine=request.engine, cache=where / "cells")
    rng = np.random.default_rng([request.seed, zlib.crc32(figure.name.encode())])
    data = {key: np.asarray(values) for key, values in figure.compute(params, rng, grid).items()}
    _refuse_bad_numbers(figure.name, data)
    folder.write(path, folder.packed({**data, "identity": np.array(identity)}))
    shutil.rmtree(where / "cells", ignore_errors=True)
    shutil.rmtree(where / "scratch", ignore_errors=True)
    return data


def _refuse_bad_numbers(name: str, data: Data) -> None:
    for key, values in data.items():
        if values.dtype.kind == "f" and np.isnan(values).any():
            raise SimulationError(f"{name}: {key} is NaN in {int(np.isnan(values).sum())} places")


def _judged(figure: PaperFigure, data: Data) -> tuple[Judged, ...]:
    try:
        return tuple(figure.judge(data))
    except ValueError as error:
        raise SimulationError(str(error)) from error


def make_all(requests: Sequence[Request], jobs: int, engine: str):
    """Yield every figure as it is finished, `jobs` at a time."""
    from toymodels.run.engine import parallel_map

    yield from parallel_map(make, requests, jobs=jobs, engine=engine)

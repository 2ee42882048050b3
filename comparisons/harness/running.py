"""Runs the rows of a study, each cell once: seeds, workers, the store, failures, interruption."""

from __future__ import annotations

import shutil
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.harness.model import Adapter
from comparisons.harness.settings import placed, visible
from toymodels.run import identity, progress
from toymodels.run.cells import Cell, CellStore, made_by, read
from toymodels.run.engine import WorkerDied, in_words, one_thread, parallel_map
from toymodels.run.source_files import type_name
from toymodels.run.typed import is_typed, typed_digest
from toymodels.trajectory import Trajectory

CELLS = "cells"  # folder of the store beside the folders of the studies


@dataclass(frozen=True)
class Row:
    """One line of the answer that is run: a model, or its control.

    Parameters
    ----------
    name : str
        "layerwise" or "layerwise (off)".
    run : callable (settings, rng) -> Trajectory
    settings : Any
        What it is run with.
    stream : str
        Name from which its random numbers are drawn; the control shares that of its model.
    members : int
        Runs a replicate.
    """

    name: str
    run: Adapter
    settings: Any
    stream: str
    members: int = 1


@dataclass(frozen=True)
class Task:
    """One run of one row: what a worker needs."""

    row: Row
    replicate: int
    seed: int
    cell: Cell
    store: CellStore
    scratch: Path
    loud: bool

    def __str__(self):
        return f"{self.row.name} {self.replicate + 1}"


@dataclass(frozen=True)
class Outcome:
    """What became of a task."""

    task: Task
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class Finished:
    """All outcomes of a call: seconds and error by task, and whether it was stopped."""

    outcomes: dict[str, Outcome]
    interrupted: bool


def row_seed(seed: int, replicate: int, stream: str) -> tuple[int, int, int]:
    """Entropy of one run; no number of jobs, engine or new model moves it, and a model and its control share it."""
    return seed, replicate, zlib.crc32(stream.encode())


def tasks(
    rows: Sequence[Row], *, seed: int, replicates: int, store: CellStore, scratch: Path, device: str, loud: bool
) -> list[Task]:
    """One task a row, replicate and member, with its identity."""
    made = []
    for row in rows:
        how = resolved(made_by([row.run, row.settings], device))
        settings = placed(row.settings, device=how["device"])
        for replicate in range(replicates * row.members):
            asked = {
                "function": function_identity(row.run),
                "settings": settings_identity(row.settings),
                "seed": seed,
                "replicate": replicate,
                "stream": row.stream,
            }
            cell = Cell(asked, how)
            place = scratch / cell.name.rpartition("/")[2]
            local = replace(row, settings=placed(settings, scratch=place))
            made.append(Task(local, replicate, seed, cell, store, place, loud))
    return made


def resolved(how: dict[str, Any]) -> dict[str, Any]:
    """The second half of an identity with the device that "auto" stands for here."""
    if how["device"] != "auto":
        return how
    from dnn.training.config import torch_device

    return how | {"device": torch_device("auto").type}


def settings_identity(settings: Any) -> dict[str, Any]:
    """Type and values of settings, with the folder of data sets if there is one."""
    data = getattr(settings, "data", None)
    code = {"code": typed_digest(type(settings), identity.plain)} if is_typed(type(settings)) else {}
    return {"type": type_name(type(settings)), **code, **visible(settings), **({"data": data} if data else {})}


def function_identity(function: Any) -> dict[str, Any]:
    """The identity of a model; one that is bound to what cannot be told from others equals no other."""
    try:
        return identity.function_identity(function)
    except ValueError:
        import os

        return {"name": identity.display_name(function), "unknown": os.urandom(8).hex()}


def run_task(task: Task) -> Outcome:
    """Run one task with one thread and write its file; any exception of the model becomes the outcome's error."""
    log = _to_stderr if task.loud else _nobody
    log(f"{task}: started")
    start = time.perf_counter()
    rng = np.random.default_rng(row_seed(task.seed, task.replicate, task.row.stream))
    try:
        with one_thread(), progress.lines(str(task), log):
            run = task.row.run(task.row.settings, rng)
        if not isinstance(run, Trajectory):
            raise ValueError(f"{task.row.name} must return a Trajectory, got {type(run).__name__}")
        content = run.arrays(), run.header()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also of a model that calls sys.exit
        return Outcome(task, time.perf_counter() - start, in_words(error))
    task.store.write(task.cell, *content)
    shutil.rmtree(task.scratch, ignore_errors=True)
    return Outcome(task, time.perf_counter() - start)


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _nobody(line: str) -> None:
    pass


def execute(todo: Sequence[Task], *, jobs: int, engine: str, fresh: bool, log: Callable[[str], None]) -> Finished:
    """Run the tasks that the store has no answer to, and say how each went.

    Parameters
    ----------
    todo : sequence of Task
        In the order in which they shall be seen: the quick ones first.
    jobs, engine : int, str
        As in :func:`toymodels.run.engine.parallel_map`.
    fresh : bool
        Whether half-way checkpoints of an earlier call are dropped.
    log : callable (line)
        Hears of every finished run.
    """
    outcomes: dict[str, Outcome] = {}
    for task in todo:
        if task.store.find(task.cell) is not None:
            outcomes[str(task)] = Outcome(task, 0.0)
    if todo:
        todo[0].store.report()
    if outcomes:
        log(f"{len(outcomes)} of {len(todo)} runs are there already")
    waiting = _ordered([task for task in todo if str(task) not in outcomes], jobs)
    for task in waiting if fresh else ():
        shutil.rmtree(task.scratch, ignore_errors=True)

    def lost(task: Task, error: WorkerDied) -> Outcome:
        return Outcome(task, 0.0, str(error))

    try:
        for outcome in parallel_map(run_task, waiting, jobs=jobs, engine=engine, lost=lost):
            outcomes[str(outcome.task)] = outcome
            state = f"failed: {outcome.error}" if outcome.error else f"{outcome.seconds:.1f} s"
            log(f"{outcome.task}: {state}  ({len(outcomes)} of {len(todo)})")
    except KeyboardInterrupt:
        return Finished(outcomes, True)
    return Finished(outcomes, False)


def _ordered(waiting: list[Task], jobs: int) -> list[Task]:
    """All but one worker start with the longest runs, which are declared last; the first shows the quick rows."""
    ahead = min(max(jobs - 1, 0), len(waiting))
    return waiting[len(waiting) - ahead :][::-1] + waiting[: len(waiting) - ahead]


def load_run(task: Task) -> Trajectory:
    """The run of a finished task, read back and checked; `ValueError` if it is not there or not sound."""
    try:
        stored = read(task.store.path(task.cell), task.cell)
    except FileNotFoundError:
        raise ValueError(f"{task}: its finished run is missing, {task.store.path(task.cell)}") from None
    return Trajectory.from_arrays(stored.arrays, stored.header)

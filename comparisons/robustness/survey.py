"""Runs and judges all variations at once, each run taken from the store where it is there already."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from comparisons.harness import folder as folders
from comparisons.harness import running
from comparisons.harness.report import number
from comparisons.harness.running import Outcome, Task
from comparisons.harness.verdict import Verdict
from comparisons.robustness.variations import PRESET, Case, uses_torch
from toymodels.run import files
from toymodels.run.cells import CellStore
from toymodels.run.engine import WorkerDied, parallel_map

FOLDER = "robustness"  # beside the folders of the studies
TOO_LATE = "not begun: the time was up"


@dataclass(frozen=True)
class Answer:
    """What came of a case.

    Parameters
    ----------
    case : Case
    verdict : Verdict
        `failed` with the reason for refused settings, too.
    left_out : bool
        Whether it was not run for want of time.
    code : str
        Digest of the code and versions that made its runs, empty where none were asked for.
    """

    case: Case
    verdict: Verdict
    left_out: bool = False
    code: str = ""


@dataclass(frozen=True)
class Survey:
    """All answers of a call, in the order of the cases, and whether it was stopped."""

    answers: Sequence[Answer]
    interrupted: bool


def survey(
    asked: Sequence[Case],
    *,
    replicates: int = 3,
    jobs: int = 1,
    out: str | Path = "results",
    hours: float | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> Survey:
    """Run and judge cases.

    Parameters
    ----------
    asked : sequence of Case
    replicates, jobs : int
        Runs a case, worker processes.
    out : path
        Folder of the store.
    hours : float, optional
        After which no further run of a network in torch is begun; these come last, one variation of each in turn.
    log : callable (line)
        Hears of every finished case.

    Raises
    ------
    ValueError
        If the folder cannot be written, or another call is at work in it.
    """
    until = time.time() + 3600 * hours if hours is not None else None
    place = Path(out) / FOLDER
    answers: dict[Case, Answer] = {}

    def answer(case: Case, came: Answer) -> None:
        answers[case] = came
        log(f"{len(answers)} of {len(asked)}: {case}: {_in_short(came)}")

    with folders.locked(place):
        store = CellStore(Path(out) / running.CELLS, reuse=True, log=log)
        todo = _tasks(asked, replicates, store, place / "scratch")
        _keep_from_pruning(place, todo, log)
        late = _torch_cases(todo)
        order = sorted(todo, key=lambda case: (late[case], _position(case, asked) if late[case] else 0))
        items = [(task, until if late[case] else None) for case in order for task in todo[case]]
        whose = {str(task): case for case in order for task in todo[case]}
        done: dict[Case, list[Outcome]] = {case: [] for case in order}
        for case in asked:
            if case.run is None:
                answer(case, Answer(case, Verdict("failed", note=f"refused: {case.refused}")))
        stopped = False
        try:
            for outcome in _outcomes(items, jobs, log):
                case = whose[str(outcome.task)]
                done[case].append(outcome)
                if len(done[case]) == len(todo[case]):
                    came = _judged(case, todo[case], done[case])
                    answer(case, replace(came, code=todo[case][0].cell.maker))
        except KeyboardInterrupt:
            stopped = True
    return Survey([answers[case] for case in asked if case in answers], stopped)


def _tasks(asked: Sequence[Case], replicates: int, store: CellStore, scratch: Path) -> dict[Case, list[Task]]:
    """The runs of each case, under names of their own."""
    todo: dict[Case, list[Task]] = {}
    for case in asked:
        if case.run is not None:
            row = replace(case.run, name=str(case))
            more = {"store": store, "scratch": scratch, "device": "auto", "loud": False}
            todo[case] = running.tasks([row], seed=case.seed, replicates=replicates, **more)
    return todo


def _torch_cases(asked: Iterable[Case]) -> dict[Case, bool]:
    known: dict[tuple[str, str], bool] = {}
    for case in asked:
        key = case.study.name, case.model
        if key not in known:
            known[key] = uses_torch(case.study, case.model)
    return {case: known[case.study.name, case.model] for case in asked}


def _position(case: Case, asked: Sequence[Case]) -> int:
    own = [other for other in asked if other.study is case.study and other.row == case.row]
    return own.index(case)


def _outcomes(items: list[tuple[Task, float | None]], jobs: int, log: Callable[[str], None]) -> Iterator[Outcome]:
    """Of runs that are stored, then of the others as they finish."""
    waiting = []
    for task, until in items:
        if task.store.find(task.cell) is None:
            waiting.append((task, until))
    if items:
        items[0][0].store.report()
    log(f"{len(items) - len(waiting)} of {len(items)} runs are there already")
    missing = {str(task) for task, _ in waiting}
    yield from (Outcome(task, 0.0) for task, _ in items if str(task) not in missing)
    yield from parallel_map(_run_in_time, waiting, jobs=jobs, lost=_lost)


def _run_in_time(item: tuple[Task, float | None]) -> Outcome:
    task, until = item
    if until is not None and time.time() > until:
        return Outcome(task, 0.0, TOO_LATE)
    return running.run_task(task)


def _lost(item: tuple[Task, float | None], error: WorkerDied) -> Outcome:
    return Outcome(item[0], 0.0, str(error))


def _judged(case: Case, own: Sequence[Task], done: Sequence[Outcome]) -> Answer:
    errors = [outcome.error for outcome in done if outcome.error]
    if TOO_LATE in errors:
        return Answer(case, Verdict("failed", note=TOO_LATE), left_out=True)
    if errors:
        return Answer(case, Verdict("failed", note=f"{errors[0]} ({len(errors)} of {len(own)} runs)"))
    try:
        runs = [running.load_run(task) for task in own]
    except ValueError as error:
        return Answer(case, Verdict("failed", note=str(error)))
    return Answer(case, case.study.verdict(case.row, runs, case.study.settings(preset=PRESET).question))


def _in_short(answer: Answer) -> str:
    if answer.left_out:
        return "left out"
    if answer.verdict.outcome == "failed":
        return f"failed: {answer.verdict.note}"
    score = f" {number(answer.verdict.score)}" if answer.verdict.scores else ""
    return f"{answer.verdict.outcome}{score}"


def _keep_from_pruning(place: Path, todo: dict[Case, list[Task]], log: Callable[[str], None]) -> None:
    """Name the runs in a manifest a study, with those of earlier calls, so that `prune` leaves them."""
    for name in dict.fromkeys(case.study.name for case in todo):
        rows: dict[str, list[dict[str, str]]] = {}
        for case, tasks in todo.items():
            if case.study.name == name:
                rows.setdefault(case.row, []).extend({"cell": task.cell.name} for task in tasks)
        folder = place / name
        earlier = {}
        try:
            earlier = folders.read_manifest(folder)["rows"]
        except FileNotFoundError:
            pass
        except ValueError as error:
            log(f"{error}; set aside as {files.set_aside(folder / folders.MANIFEST).name}")
        for row, runs in earlier.items():  # of other seeds, replicates and settings too: the table keeps their lines
            here = {run["cell"] for run in rows.setdefault(row, [])}
            rows[row] += [{"cell": run["cell"]} for run in runs if run["cell"] not in here]
        call = folders.call_digest(json.dumps(rows))
        folders.write_manifest(folder, {"call": call, "study": name, "state": "varied", "rows": rows})

"""One question put to several models, answered by verdicts. Three ways to use it, with the same numbers.

On the command line, as `STUDY.run(...) -> Result`, and as `STUDY.score(model)`, a function for
:func:`toymodels.sweep`.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comparisons.harness import folder as folders
from comparisons.harness import running
from comparisons.harness.model import OFF, Model, Silent, as_model
from comparisons.harness.report import plain_name
from comparisons.harness.result import Result, digest
from comparisons.harness.score import Judge, Score
from comparisons.harness.settings import StudySettings, changed, difference, visible, with_data
from comparisons.harness.verdict import Verdict
from toymodels.run.cells import CellStore
from toymodels.run.engine import parse_engine
from toymodels.run.identity import versions
from toymodels.trajectory import Trajectory
from toymodels.validation import choice, flag, path, positive_int

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_REPLICATES = 10_000  # more would be a slip of the pen: every one is a file, or many
_PLAIN = re.compile(r"\w[\w -]{0,79}")


@dataclass(frozen=True)
class Study:
    """One question, put to several models with one score.

    Parameters
    ----------
    name : str
        Package name, also the results folder.
    asks : str
        The question in words.
    scored : str
        What the score is, with its unit; the thresholds are added from the question.
    question : frozen dataclass
        Levels and thresholds, fixed beforehand; at least `absent_below` and `shown_from`.
    models : mapping of str to Model, Silent or callable
        Who is asked. The quick ones come first and are seen first.
    judge : callable (runs, question) -> Verdict
        Reduces the replicates of one row to a dimensionless score and a verdict.
    picture : callable (Result) -> Figure
        Draws what the result contains; computes nothing.
    presets : mapping of str to mapping
        Name -> changed settings, by the same keys as `--set`; "quick" changes nothing.
    details : callable (Result) -> str, optional
        More lines to print under the table.

    Raises
    ------
    ValueError
        For a model that is none, or a preset that changes a setting which there is not.

    Examples
    --------
    A question of one's own: how far does a model get? Two are asked, one of which is not to get there.

    >>> import tempfile
    >>> from dataclasses import dataclass
    >>> import numpy as np
    >>> @dataclass(frozen=True)
    ... class Far:
    ...     absent_below: float = 0.3
    ...     shown_from: float = 0.5
    >>> def judge(runs, question):
    ...     scores = [float(run["height"][-1]) for run in runs]
    ...     return Verdict.from_scores(scores, question.absent_below, question.shown_from)
    >>> def steps(settings, rng):
    ...     return Trajectory([0.0, 1.0], {"height": [0.0, 0.9]}, clock="step")
    >>> def stands(settings, rng):
    ...     return Trajectory([0.0, 1.0], {"height": [0.0, 0.1]}, clock="step")
    >>> models = {"steps": steps, "stands": Model(stands, control=True)}
    >>> study = Study("far", "How far?", "height", Far(), models, judge, picture=None)
    >>> study.headline
    'How far? Score: height; shown from 0.5, absent below 0.3.'
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = study.run(replicates=2, out=folder, picture=False)
    >>> {row: (verdict.outcome, verdict.scores) for row, verdict in result.verdicts.items()}
    {'steps': ('shown', (0.9, 0.9)), 'stands': ('absent', (0.1, 0.1))}
    """

    name: str
    asks: str
    scored: str
    question: Any
    models: Mapping[str, Any]
    judge: Judge
    picture: Callable[[Result], Figure]
    presets: Mapping[str, Any] = field(default_factory=lambda: {"quick": {}})
    details: Callable[[Result], str] | None = None

    def __post_init__(self):
        object.__setattr__(self, "models", {name: as_model(model) for name, model in self.models.items()})
        if not self.name.isidentifier() or self.name in (running.CELLS, "figures"):
            raise ValueError(f"name must be an identifier, and not a folder of the store, got {self.name!r}")
        for name in self.models:
            if not _PLAIN.fullmatch(name) or name in ("off", self.name):
                raise ValueError(f"models must have plain names of letters, digits, spaces, - and _, got {name!r}")
        plain = [plain_name(name) for name in self.models]
        if len(set(plain)) != len(plain):
            raise ValueError(f"models must have names of their own, got {', '.join(self.models)}")
        changes = {
            name: preset.changes if isinstance(preset, StudySettings) else preset
            for name, preset in self.presets.items()
        }
        object.__setattr__(self, "presets", {name: self.settings(change) for name, change in changes.items()})

    @property
    def headline(self) -> str:
        """The question with its score and its thresholds, as asked."""
        return self._headline(self.question)

    def _headline(self, question: Any) -> str:
        bounds = f"shown from {question.shown_from:g}, absent below {question.absent_below:g}"
        return f"{self.asks} Score: {self.scored}; {bounds}."

    def adding(self, **models: Any) -> Study:
        """This study with more models, or with some replaced.

        Parameters
        ----------
        **models
            A :class:`~comparisons.harness.model.Model`, or a callable (settings, rng) -> Trajectory.
        """
        return replace(self, models={**self.models, **models})

    def model_named(self, name: str) -> str:
        """The model's `name` as the study has it; spaces, hyphens and underscores are alike."""
        known = {plain_name(model): model for model in self.models}
        try:
            return known[plain_name(str(name))]
        except KeyError:
            raise ValueError(f"models must be out of {', '.join(self.models)}, got {name!r}") from None

    def settings(self, changes: Mapping[str, Any] | None = None, preset: str | None = None) -> StudySettings:
        """The settings of a preset (the defaults, without one) with changes.

        Parameters
        ----------
        changes : mapping of str to value, optional
            "MODEL.NAME" for a model and its control, "MODEL.off.NAME" for the control alone, "NAME" for the question;
            the study's name may stand before any of them.
        preset : str, optional

        Raises
        ------
        ValueError
            For a key that there is not, or a value of another type.
        """
        changes = self._by_short_name(changes)
        if preset is not None:
            choice("preset", preset, self.presets)
            changes = {**self.presets[preset].changes, **changes}
        question: dict[str, Any] = {}
        on: dict[str, dict[str, Any]] = {}
        off: dict[str, dict[str, Any]] = {}
        for key, value in changes.items():
            *where, setting = key.split(".")
            if not where:
                question[setting] = value
            elif len(where) == 1 or (len(where) == 2 and where[1] == "off"):
                model = self.model_named(where[0])
                (on if len(where) == 1 else off).setdefault(model, {})[setting] = value
            else:
                raise ValueError(f"settings: keys are NAME, MODEL.NAME or MODEL.off.NAME, got {key!r}")
        models = {name: model for name, model in self.models.items() if isinstance(model, Model)}
        for name in {*on, *off} - models.keys():
            raise ValueError(f"settings: {name} is silent and has none")
        settings = {n: changed(m.settings, on.get(n, {}), f"{plain_name(n)}.") for n, m in models.items()}
        controls = {
            name: changed(changed(settings[name], model.off), off.get(name, {}), f"{plain_name(name)}.off.")
            for name, model in models.items()
            if model.off is not None
        }
        for name in off.keys() - controls.keys():
            raise ValueError(f"settings: {name} has no control whose settings could be changed")
        asked = changed(self.question, question)
        low, high = (getattr(asked, name, 0) for name in ("absent_below", "shown_from"))
        if not 0 <= low <= high:
            raise ValueError(f"settings: absent_below must be in [0, shown_from], got {low:g} and shown_from {high:g}")
        return StudySettings(asked, settings, controls, changes)

    def _by_short_name(self, changes: Mapping[str, Any] | None) -> dict[str, Any]:
        """Changes by their keys without the study's name.

        Raises
        ------
        ValueError
            If they are no mapping, or a setting is named twice.
        """
        if not isinstance(changes, Mapping | None):
            raise ValueError(f"settings must map names to values, got {type(changes).__name__}")
        short: dict[str, Any] = {}
        for key, value in (changes or {}).items():
            name = str(key).removeprefix(f"{self.name}.")
            if name in short:
                raise ValueError(f"settings: {name} must be given once, got it with and without the study's name")
            short[name] = value
        return short

    def chosen(self, models: Sequence[str] | str | None) -> list[str]:
        """The names of these `models`, or of all but those on request, in the order of the study."""
        if models is None:
            return [n for n, m in self.models.items() if not (isinstance(m, Model) and m.on_request)]
        if not isinstance(models, str | Sequence):
            raise ValueError(f"models must be names, got {type(models).__name__}")
        names = [self.model_named(name) for name in ([models] if isinstance(models, str) else models)]
        if not names:
            raise ValueError("models must name at least one")
        return [name for name in self.models if name in names]

    def rows(self, models: Sequence[str] | str | None = None, settings: StudySettings | None = None):
        """Row name -> Row, or Silent, for the chosen `models` at `settings`; a model with a control gives two rows."""
        settings = settings or self.settings()
        rows: dict[str, running.Row | Silent] = {}
        for name in self.chosen(models):
            model = self.models[name]
            if isinstance(model, Silent):
                rows[name] = model
                continue
            stream = model.stream or name
            rows[name] = running.Row(name, model.run, settings.models[name], stream, model.members)
            if name in settings.off:
                rows[name + OFF] = running.Row(name + OFF, model.run, settings.off[name], stream, model.members)
        return rows

    def is_control(self, row: str) -> bool:
        """Whether this `row` must come out `absent` in every replicate."""
        model = self.models.get(row)
        return row.endswith(OFF) or (isinstance(model, Model) and model.control)

    def run(
        self,
        models: Sequence[str] | str | None = None,
        settings: Mapping[str, Any] | None = None,
        *,
        preset: str = "quick",
        seed: int = 0,
        replicates: int = 3,
        jobs: int = 1,
        engine: str = "local",
        out: str | Path = "results",
        resume: bool = False,
        device: str = "auto",
        data: str | None = None,
        log: Callable[[str], None] | None = None,
        loud: bool = False,
        picture: bool = True,
    ) -> Result:
        """Put the question to models and keep every run, table, picture and manifest under `out`.

        Parameters
        ----------
        models : sequence of str, optional
            Whom to ask; all but those on request, if None.
        settings : mapping of str to value, optional
            Changed settings, see :meth:`settings`.
        preset : str
            Sizes and horizons.
        seed, replicates, jobs : int
            Seed of everything, runs per row (each of as many members as the model has), worker processes. `jobs`
            never changes a number.
        engine : str
            "local", "dask" or "dask:ADDRESS".
        out : path
            Folder of the store and of the studies.
        resume : bool
            Take finished runs of earlier calls whose identity is the same: code, settings, seed, device, versions.
        device, data : str
            Handed to the models, see :class:`comparisons.harness.settings.Settings`.
        log : callable (line), optional
            Hears of every finished run, and why an earlier one is not taken.
        loud : bool
            Whether workers print to the standard error when a run starts and how far a long one is.
        picture : bool
            Whether the picture is drawn now; :meth:`Result.figure` draws it at any time. One that lies in the folder
            is always drawn again.

        Returns
        -------
        Result

        Raises
        ------
        ValueError
            Unknown preset, model or setting, numbers that are not positive, a folder that cannot be written, or
            another call at work in it.

        Examples
        --------
        >>> import tempfile
        >>> from comparisons import grokking
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     small = {"layerwise.off.scale": 0.1}
        ...     result = grokking.run(["layerwise"], small, replicates=1, out=folder, picture=False)
        ...     sorted(path.name for path in result.folder.iterdir())
        ['manifest.json', 'verdicts.csv']
        >>> {row: verdict.outcome for row, verdict in result.verdicts.items()}
        {'layerwise': 'shown', 'layerwise (off)': 'absent'}
        """
        seed = positive_int("seed", seed, minimum=0)
        replicates, jobs = positive_int("replicates", replicates), positive_int("jobs", jobs)
        if replicates > MOST_REPLICATES:
            raise ValueError(f"replicates must be <= {MOST_REPLICATES}, got {replicates}")
        parse_engine(engine)
        choice("preset", preset, self.presets)
        out, resume, picture, loud = (
            path("out", out),
            flag("resume", resume),
            flag("picture", picture),
            flag("loud", loud),
        )
        log = log or (lambda line: None)
        asked = self.settings(settings, preset)
        rows = self.rows(models, with_data(asked, data))
        place = out / self.name
        with folders.locked(place):
            store = CellStore(out / running.CELLS, reuse=resume, log=log)
            todo = running.tasks(
                [row for row in rows.values() if isinstance(row, running.Row)],
                seed=seed,
                replicates=replicates,
                store=store,
                scratch=place / "scratch",
                device=device,
                loud=loud,
            )
            base = f"{preset}-s{seed}"
            call = folders.call_digest([task.cell.name for task in todo], list(rows), visible(asked.question))
            where = folders.folder_of_call(place, base, call, log)
            about = {
                "call": call,
                "preset": preset,
                "seed": seed,
                "replicates": replicates,
                "changes": _as_text(asked.changes),
            }
            about |= {"argv": sys.argv[1:], "versions": versions(), "jobs": jobs}
            is_again = folders.holds_finished(where)  # then its result stays until there is another
            if not is_again:
                folders.write_manifest(where, about | {"study": self.name, "state": "running", "rows": _entries(todo)})
            start = time.perf_counter()
            finished = running.execute(todo, jobs=jobs, engine=engine, fresh=not resume, log=log)
            runs, verdicts = self._answers(rows, todo, finished, asked.question)
            result = Result(
                study=self.name,
                headline=self._headline(asked.question),
                question=asked.question,
                verdicts=verdicts,
                runs=runs,
                knobs={name + OFF: _knob(asked, name) for name in asked.off},
                folder=where,
                picture=self.picture,
                controls=tuple(row for row in rows if self.is_control(row)),
                criterion=_changed_criterion(self.question, asked.question),
                seconds=time.perf_counter() - start,
                interrupted=finished.interrupted,
            )
            result = replace(result, details=self._details(result))
            state = "interrupted" if finished.interrupted else "finished"
            manifest = about | result.manifest(_entries(todo, finished, runs)) | {"state": state}
            if is_again and finished.interrupted:
                return result
            try:
                result.write_into(where, manifest, picture=picture)
            except OSError:
                raise
            except Exception as error:  # a row of the user's that cannot be drawn
                note = f"the picture could not be drawn: {type(error).__name__}: {error}"
                result = replace(result, details="\n".join(part for part in (result.details, note) if part))
        return result

    def _answers(self, rows, todo, finished, question):
        """Runs and verdicts by row; a row of which a run failed or is missing has no smaller sample's verdict."""
        runs: dict[str, list[Trajectory]] = {}
        verdicts: dict[str, Verdict] = {}
        for name, row in rows.items():
            if isinstance(row, Silent):
                verdicts[name] = Verdict("silent", note=row.why)
                continue
            own = [task for task in todo if task.row.name == name]
            done = [finished.outcomes.get(str(task)) for task in own]
            failed = [outcome for outcome in done if outcome is not None and outcome.error]
            good = [outcome.task for outcome in done if outcome is not None and not outcome.error]
            runs[name] = [running.load_run(task) for task in good]
            if failed:
                verdicts[name] = Verdict("failed", note=_failure(failed, len(own)))
            elif len(good) == len(own):
                verdicts[name] = self.verdict(name, runs[name], question)
        return runs, verdicts

    def verdict(self, row: str, runs: Sequence[Trajectory], question: Any) -> Verdict:
        """The verdict of the `runs` of a `row` on `question`; what they lack makes it `failed` and is said."""
        try:
            verdict = self.judge(runs, question)
            if not isinstance(verdict, Verdict):
                raise ValueError(f"judge must return a Verdict, got {type(verdict).__name__}")
            return verdict
        except Exception as error:
            text = error.args[0] if isinstance(error, KeyError) and error.args else error
            return Verdict("failed", note=f"{row} must return what {self.name} judges: {text}")

    def _details(self, result: Result) -> str:
        if self.details is None or result.interrupted:
            return ""
        try:
            return self.details(result)
        except Exception as error:
            return f"no details: {type(error).__name__}: {error}"

    def score(self, model: str) -> Score:
        """The score of one model as a function of its settings, for :func:`toymodels.sweep`.

        Parameters
        ----------
        model : str

        Returns
        -------
        callable (rng, **settings) -> {"score": float, "measured": float, "predicted": float}
            NaN where there is none. The score and the measurement are the study's own, of one run.

        Examples
        --------
        >>> import numpy as np
        >>> from comparisons import grokking
        >>> round(grokking.score("layerwise")(rng=np.random.default_rng(0), scale=3.0)["score"], 1)
        2.4
        """
        name = self.model_named(model)
        adapter = self.models[name]
        if isinstance(adapter, Silent):
            raise ValueError(f"model must be one that answers, but {name} is silent: {adapter.why}")
        return Score(self.name, name, adapter.run, adapter.settings, self.judge, self.question)


def _entries(todo, finished=None, runs=None) -> dict[str, list[dict[str, Any]]]:
    """Row -> what the manifest says of each of its runs."""
    rows: dict[str, list[dict[str, Any]]] = {}
    places = {row: iter(entries) for row, entries in (runs or {}).items()}
    for task in todo:
        entry: dict[str, Any] = {"cell": task.cell.name}
        outcome = finished.outcomes.get(str(task)) if finished else None
        if outcome is not None and outcome.error:
            entry |= {"error": outcome.error, "settings": _as_text(visible(task.row.settings)), "seed": task.seed}
        elif outcome is not None:
            run = next(places[task.row.name])
            entry |= {"digest": digest(run), "seconds": round(outcome.seconds, 3)}
        rows.setdefault(task.row.name, []).append(entry)
    return rows


def _as_text(changes: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in changes.items()}


def _failure(failed: Sequence[running.Outcome], count: int) -> str:
    first = failed[0]
    settings = ", ".join(f"{name}={value}" for name, value in visible(first.task.row.settings).items())
    which = f"run {first.task.replicate + 1} of {count}" if len(failed) == 1 else f"{len(failed)} of {count} runs"
    return f"{first.error} ({which}, seed {first.task.seed}; {settings})"


def _knob(settings: StudySettings, name: str) -> str:
    on, off = visible(settings.models[name]), visible(settings.off[name])
    return difference(settings.models[name], {key: off[key] for key in on if on[key] != off[key]})


def _changed_criterion(before: Any, after: Any) -> str:
    if not is_dataclass(before):
        return ""
    names = [field.name for field in fields(before)]
    moved = {name: getattr(after, name) for name in names if getattr(after, name) != getattr(before, name)}
    return difference(before, moved)

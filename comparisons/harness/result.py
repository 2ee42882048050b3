"""Everything a finished study knows, as numbers, table, labelled arrays and picture."""

from __future__ import annotations

import base64
import csv
import html
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness import report
from comparisons.harness.folder import read_manifest, write_manifest
from comparisons.harness.pictures import rendered
from comparisons.harness.verdict import Verdict
from toymodels.run import files
from toymodels.run.cells import checksum, read
from toymodels.trajectory import Trajectory

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.figure import Figure

COLUMNS = ("model", "outcome", "score", "low", "high", "replicates", "predicted", "measured", "note")


@dataclass(frozen=True, repr=False)
class Result:
    """The answer of a study.

    Parameters
    ----------
    study : str
        Its name.
    headline : str
        The question with its thresholds.
    question : dataclass
        Thresholds and levels that were asked with.
    verdicts : mapping of str to Verdict
        By row.
    runs : mapping of str to sequence of Trajectory
        By row, one a replicate.
    knobs : mapping of str to str
        By row of a control: what it turns.
    folder : Path, optional
        Where table, picture and manifest lie; None when nothing was written.
    picture : callable (Result) -> Figure, optional
    details : str
        More lines under the table.
    controls : tuple of str
        Rows that must come out `absent` in every replicate.
    criterion : str
        What was changed of the question, if anything.
    seconds : float
    interrupted : bool

    Examples
    --------
    >>> import tempfile
    >>> from comparisons import grokking
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = grokking.run(["layerwise"], replicates=1, out=folder, picture=False)
    >>> result.table()[["model", "outcome"]].values.tolist(), result.knobs["layerwise (off)"]
    ([['layerwise', 'shown'], ['layerwise (off)', 'absent']], 'scale 3 -> 0.03')
    >>> len(result.runs["layerwise"]), result.dataset("layerwise")["train"].dims
    (1, ('replicate', 't'))
    """

    study: str
    headline: str
    question: Any
    verdicts: Mapping[str, Verdict]
    runs: Mapping[str, Sequence[Trajectory]]
    knobs: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    picture: Callable[[Result], Figure] | None = None
    details: str = ""
    controls: tuple[str, ...] = ()
    criterion: str = ""
    seconds: float = 0.0
    interrupted: bool = False

    def table(self) -> pandas.DataFrame:
        """One line a row: model, outcome, score, low, high, replicates, predicted, measured, note."""
        import pandas

        lines = [self._line(row, verdict) for row, verdict in self.verdicts.items()]
        return pandas.DataFrame(lines, columns=list(COLUMNS))

    def _line(self, row: str, verdict: Verdict) -> list[Any]:
        numbers = [np.nan if value is None else value for value in (verdict.predicted, verdict.measured)]
        words = report.note(verdict, self.knobs.get(row, ""), numbers=False)
        return [row, verdict.outcome, verdict.score, *verdict.spread, len(verdict.scores), *numbers, words]

    def csv(self) -> str:
        """The table with the thresholds and the score of every replicate, as text."""
        most = max((len(verdict.scores) for verdict in self.verdicts.values()), default=0)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*COLUMNS, "absent_below", "shown_from", *(f"score_{i + 1}" for i in range(most))])
        for row, verdict in self.verdicts.items():
            cells = ["" if isinstance(cell, float) and np.isnan(cell) else cell for cell in self._line(row, verdict)]
            scores = [*verdict.scores, *[""] * (most - len(verdict.scores))]
            writer.writerow([*cells, *verdict.thresholds, *scores])
        return text.getvalue()

    def dataset(self, row: str) -> xarray.Dataset:
        """All replicates of a row, over `replicate` and `t`; over `record`, with times of each, where these differ.

        Parameters
        ----------
        row : str
            "layerwise" or "layerwise (off)".

        Raises
        ------
        ValueError
            If there is no such row, or it has no runs.
        """
        import xarray

        runs = self.runs.get(row) if isinstance(row, str) else None
        if not runs:
            raise ValueError(f"row must be one with runs, {', '.join(self.runs)}, got {row!r}")
        taken = {"replicate", "record"} & {name for run in runs for name in run.data}
        if taken:
            raise ValueError(f"no quantity of a data set may be called {taken.pop()!r}, the name of an axis")
        if all(np.array_equal(run.t, runs[0].t) for run in runs):
            dataset = xarray.concat([run.to_xarray() for run in runs], "replicate", combine_attrs="drop_conflicts")
        else:
            parts = [
                run.to_xarray()
                .drop_indexes("t")
                .rename_dims(t="record")
                .reset_coords("t")
                .assign_coords(record=np.arange(len(run.t)))
                for run in runs
            ]
            dataset = xarray.concat(parts, "replicate", join="outer", combine_attrs="drop_conflicts").set_coords("t")
        return dataset.assign_coords(replicate=np.arange(len(runs)))

    def figure(self) -> Figure:
        """The picture of the study; computes nothing.

        Raises
        ------
        ValueError
            If there is none: nothing ran, or the study is not to be had here.
        """
        if self.picture is None or not any(self.runs.values()):
            reason = "nothing ran" if self.picture else "its study is not to be had here"
            raise ValueError(f"{self.study} has no picture: {reason}")
        return self.picture(self)

    def save(self, folder: str | Path) -> Path:
        """Write table, picture, manifest and all runs into a folder that needs nothing else; `load` reads it.

        Parameters
        ----------
        folder : path
            Made if missing; returned.

        Raises
        ------
        ValueError
            If the folder holds an earlier result.
        """
        folder = Path(folder)
        for name in ("manifest.json", "verdicts.csv", "figure.png", "runs"):
            if (folder / name).exists():
                raise ValueError(f"folder must not hold another result, got {folder} with a {name}")
        rows: dict[str, list[dict[str, Any]]] = {}
        for row, runs in self.runs.items():
            rows[row] = []
            for i, run in enumerate(runs):
                path = folder / "runs" / f"{len(rows) - 1}-{i}.npz"
                run.save(path)
                rows[row].append({"cell": "", "file": f"runs/{path.name}", "digest": digest(run)})
        state = "interrupted" if self.interrupted else "finished"
        self.write_into(folder, self.manifest(rows) | {"call": "saved", "state": state})
        return folder

    def manifest(self, rows: Mapping[str, Any]) -> dict[str, Any]:
        """What a later process needs to know, in terms of JSON, with what is stored of each of the `rows`."""
        return {
            "study": self.study,
            "question": _of_question(self.question),
            "headline": self.headline,
            "criterion": self.criterion,
            "rows": rows,
            "verdicts": {row: verdict.to_dict() for row, verdict in self.verdicts.items()},
            "knobs": dict(self.knobs),
            "controls": list(self.controls),
            "details": self.details,
            "seconds": round(self.seconds, 2),
        }

    def write_into(self, folder: Path, manifest: Mapping[str, Any], *, picture: bool = True) -> None:
        """Write the table and `manifest` into `folder`, then the picture if something can be seen on it.

        Without `picture` only one that lies there is drawn again.
        """
        path = folder / "figure.png"
        files.write(folder / "verdicts.csv", self.csv())
        write_manifest(folder, manifest)
        visible = self.picture is not None and any(self.runs.values()) and not self.interrupted
        if visible and (picture or path.exists()):
            files.write(path, rendered(self.figure()))

    def __str__(self) -> str:
        return report.table(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Table and picture, for notebooks."""
        parts = [f"<p>{html.escape(self.headline)}</p>", self.table().to_html(index=False)]
        if self.picture is not None and any(self.runs.values()):
            data = base64.b64encode(rendered(self.figure())).decode()
            parts.append(f'<img alt="{html.escape(self.study)}" src="data:image/png;base64,{data}"/>')
        return "\n".join(parts)


def read_result(folder: Path, question: Any = None, picture: Callable[[Result], Figure] | None = None) -> Result:
    """The result that a call, or :meth:`Result.save`, left in `folder`.

    Parameters
    ----------
    folder : path
    question, picture
        Of the study, for the figure.

    Raises
    ------
    FileNotFoundError
        If there is no result.
    ValueError
        If the manifest or a run is damaged or missing.
    """
    folder = folder.resolve()
    manifest = read_manifest(folder)
    if "verdicts" not in manifest:
        raise ValueError(f"{folder} holds no finished result: the call {manifest.get('state', 'ended early')}")
    asked = _understood(folder, lambda: _asked(question, manifest.get("question", {})), ValueError)
    verdicts = _understood(
        folder, lambda: {row: Verdict.from_dict(said) for row, said in manifest["verdicts"].items()}, ValueError
    )
    return _understood(folder, lambda: _of_manifest(folder, manifest, asked, verdicts, picture))


def _understood(folder: Path, read: Callable[[], Any], *more: type[Exception]) -> Any:
    """What `read` makes of a manifest, of which an error of these kinds says that it is damaged."""
    try:
        return read()
    except (KeyError, TypeError, AttributeError, *more) as error:
        raise ValueError(f"{folder / 'manifest.json'} is damaged ({type(error).__name__}: {error})") from None


def _of_manifest(folder: Path, manifest: Mapping[str, Any], question: Any, verdicts: Any, picture: Any) -> Result:
    cells = folder.parent.parent / "cells"
    runs = {
        row: [_read_run(folder, cells, run) for run in entries if not run.get("error")]
        for row, entries in manifest["rows"].items()
    }
    return Result(
        study=manifest["study"],
        headline=manifest["headline"],
        question=question,
        verdicts=verdicts,
        runs={row: kept for row, kept in runs.items() if kept},
        knobs=manifest["knobs"],
        folder=folder,
        picture=picture,
        details=manifest["details"],
        controls=tuple(manifest["controls"]),
        criterion=manifest["criterion"],
        seconds=manifest["seconds"],
        interrupted=manifest["state"] != "finished",
    )


def _of_question(question: Any) -> dict[str, Any]:
    return asdict(question) if is_dataclass(question) and not isinstance(question, type) else {}


def _asked(question: Any, stored: Mapping[str, Any]) -> Any:
    """The question as it was asked: today's fields with the values stored, of a mapping, as far as both have them."""
    if not is_dataclass(question) or isinstance(question, type):
        return question
    known = {entry.name for entry in fields(question)} & stored.keys()
    values = {name: tuple(stored[name]) if isinstance(stored[name], list) else stored[name] for name in known}
    return replace(question, **values)


def _read_run(folder: Path, cells: Path, run: Mapping[str, Any]) -> Trajectory:
    if run.get("file"):
        return _as_named(Trajectory.load(folder / str(run["file"])), run, folder)
    path = cells / f"{run['cell']}.npz"
    try:
        stored = read(path)
    except FileNotFoundError:
        raise ValueError(f"a run of {folder} is missing: {path}") from None
    return _as_named(Trajectory.from_arrays(stored.arrays, stored.header), run, folder)


def _as_named(run: Trajectory, entry: Mapping[str, Any], folder: Path) -> Trajectory:
    if entry.get("digest") not in (None, digest(run)):
        raise ValueError(
            f"a run of {folder} is not the one that its verdicts were made of: it was computed again since"
        )
    return run


def digest(run: Trajectory) -> str:
    """SHA-256 over names, shapes and bytes of a run's arrays; equal exactly when the numbers are."""
    return checksum(run.arrays() if "t" in run.data else {"t": run.t, **run.data})

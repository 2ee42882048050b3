"""Tables of the book's pages, made where the page is built from the studies themselves."""

from __future__ import annotations

import inspect
import json
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from comparisons.harness.model import Silent
from figures.harness import ledger
from toymodels import Trajectory
from toymodels.claims import CONTRADICTED, CONTROL
from toymodels.metrics.grokking import half_way_time

STORED = Path(__file__).parents[2] / "comparisons"
FAMILIES = ("layerwise", "neurashed", "condensation", "dnn")


class Table:
    """Rows under a header, in Markdown.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequences
        Of anything that prints as one line.
    """

    def __init__(self, header, rows):
        self.header, self.rows = tuple(header), [tuple(str(entry) for entry in row) for row in rows]

    def __str__(self) -> str:
        lines = [self.header, ("---",) * len(self.header), *self.rows]
        return "\n".join(f"| {' | '.join(entry.replace('|', '/') for entry in line)} |" for line in lines)

    def _repr_markdown_(self) -> str:
        return str(self)


class Text:
    """A paragraph, in Markdown.

    Parameters
    ----------
    words : str
    """

    def __init__(self, words: str):
        self.words = words

    def __str__(self) -> str:
        return self.words

    def _repr_markdown_(self) -> str:
        return self.words


def asks(name: str) -> Text:
    """The question of a study, its score and its thresholds.

    Parameters
    ----------
    name : str
        Its folder.
    """
    question = study(name).question
    if not 0 <= question.absent_below < question.shown_from:
        raise ValueError(
            f"absent_below must be below shown_from, got {question.absent_below} and {question.shown_from}"
        )
    return Text(
        f"**{study(name).asks}** Score: {study(name).scored}. "
        f"Shown from {question.shown_from:g}, absent below {question.absent_below:g}."
    )


def study(name: str) -> Any:
    """The study of a phenomenon.

    Parameters
    ----------
    name : str
        Its folder.
    """
    return import_module(f"comparisons.{name}").STUDY


def families(name: str) -> Table:
    """What each family's model of a phenomenon is, what its control changes, and the stored verdicts of both.

    Parameters
    ----------
    name : str
        The folder of the study.
    """
    stored = json.loads((STORED / "verdicts.json").read_text()).get(name, {}).get("quick", {})
    stored = {row: entry["outcome"] for row, entry in stored.items()}
    rows = []
    for model, answer in study(name).models.items():
        if isinstance(answer, Silent):
            rows.append((model, f"silent: {answer.why}", "", "", ""))
            continue
        row = model.replace("_", " ")
        verdict, off = stored.get(row, "not stored"), stored.get(f"{row} (off)", "" if not answer.off else "not stored")
        rows.append((row, _first_line(answer.run), answer.knob if answer.off else "no control", verdict, off))
    return Table(("model", "what it is", "the control changes", "verdict", "control"), rows)


def holds(name: str) -> Table | Text:
    """In how many variations (other seeds, every setting doubled and halved) a verdict holds, and what flips it.

    Parameters
    ----------
    name : str
        The folder of the study.
    """
    stored = json.loads((STORED / "robustness.json").read_text()).get(name, {})
    rows = [
        (row, entry["base"], f"{entry['n']} of {entry['m']}", "; ".join(flip["changed"] for flip in entry["flips"]))
        for row, entry in stored.items()
    ]
    if not rows:
        return Text(f"Not stored; `python -m comparisons robustness --studies {name}` computes it.")
    return Table(("row", "verdict", "holds in", "flipped by"), rows)


def asked(name: str, *models: str, **options: Any) -> Any:
    """A study, run now: one replicate of some models, nothing kept.

    Parameters
    ----------
    name : str
        The folder of the study.
    *models : str
    **options
        Of :meth:`comparisons.Study.run`.
    """
    with tempfile.TemporaryDirectory() as folder:
        return study(name).run(list(models), replicates=1, picture=False, out=folder, **options)


def answers(result: Any) -> Table:
    """Verdict, score and note of every row of a result.

    Parameters
    ----------
    result : comparisons.Result
    """
    rows = zip(*(result.table()[name] for name in ("model", "outcome", "score", "note")), strict=True)
    return Table(
        ("model", "verdict", "score", "note"), [(row, found, f"{score:.3g}", note) for row, found, score, note in rows]
    )


def contradicted() -> Table:
    """The claims of the papers and our readings that are contradicted, at which size, and why, where known."""
    found = [
        (row.figure, row.claim.place, row.claim.source, row.claim.statement, row.preset, row.claim.why)
        for row in ledger.rows(ledger.read_ledger())
        if row.claim.source != CONTROL and row.verdict[0] == CONTRADICTED
    ]
    return Table(("figure", "place", "said by", "claim", "size", "what was found"), found)


def moving(run: Trajectory) -> Table:
    """The quantities of a run in the order in which each is half-way from its start to its end.

    Parameters
    ----------
    run : Trajectory
    """
    found = []
    for name, values in run.data.items():
        values = np.asarray(values)
        if values.ndim == 1 and values[0] != values[-1]:
            found.append((half_way_time(run.t, values, values[0], values[-1]), name, values[0], values[-1]))
    rows = [(name, f"{time:.3g}", f"{first:.3g}", f"{last:.3g}") for time, name, first, last in sorted(found)]
    return Table(("quantity", f"half-way at ({run.clock})", "from", "to"), rows)


def _first_line(function: Any) -> str:
    words = (inspect.getdoc(function) or "").split("\n\n")[0]
    return " ".join(words.split())

"""The model x phenomenon matrix, and the committed verdicts it is held against."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from comparisons import folder, report
from comparisons.study import OFF, Study, Verdict

if TYPE_CHECKING:
    from comparisons.runner import Result

ROOT = Path(__file__).resolve().parent.parent
GALLERY = ROOT / "figures" / "gallery"
ALONE = "A row that the other studies do not ask is a control or a variant of one study."
MARKERS = ("<!-- matrix begins -->", "<!-- matrix ends -->")


def rows(results: Sequence[Result]) -> list[str]:
    """Every model of any study, in the order they first appear; knob-off rows belong to their model."""
    return list(dict.fromkeys(row for result in results for row in result.verdicts if not row.endswith(OFF)))


def cell(verdict: Verdict | None, off: Verdict | None) -> str:
    """`shown 2.22 (off: 0.14)`; a silent model says why, one that was not asked says so."""
    if verdict is None:
        return "not asked"
    if verdict.outcome in ("silent", "failed"):
        return f"{verdict.outcome}: {verdict.note}"
    score = f" {report.number(verdict.score)}" if verdict.scores else ""
    knob = f" (off: {report.number(off.score)})" if off is not None and off.scores else ""
    return f"{verdict.outcome}{score}{knob}"


def markdown(results: Sequence[Result]) -> str:
    """The matrix as a table whose cells link to the figures."""
    heads = [result.study.name.replace("_", " ") for result in results]
    lines = ["| model | " + " | ".join(heads) + " |", "|---" * (len(results) + 1) + "|"]
    for row in rows(results):
        cells = [_linked(result, row) for result in results]
        lines.append(f"| {row} | " + " | ".join(cells) + " |")
    scores = "; ".join(f"{result.study.name.replace('_', ' ')}: {_score(result.study.question)}" for result in results)
    return "\n".join([*lines, "", f"Scores. {scores}. {ALONE}"])


def _linked(result: Result, row: str) -> str:
    text = cell(result.verdicts.get(row), result.verdicts.get(row + OFF))
    return f"[{text}](figures/gallery/{result.study.name}.png)" if row in result.verdicts else text


def plain(results: Sequence[Result]) -> str:
    """The matrix for a terminal."""
    names = rows(results)
    table = [["model", *(result.study.name.replace("_", " ") for result in results)]]
    for row in names:
        table.append([row, *(cell(r.verdicts.get(row), r.verdicts.get(row + OFF)) for r in results)])
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in table)


def _score(question: str) -> str:
    return question.partition("Score: ")[2].rstrip(".")


def commit(results: Sequence[Result], preset: str, readme: Path = ROOT / "README.md", gallery: Path = GALLERY) -> None:
    """Write the matrix into the README, the verdicts into the package and the figures into the gallery."""
    text = readme.read_text()
    before, begin, rest = text.partition(MARKERS[0])
    _, end, after = rest.partition(MARKERS[1])
    if not begin or not end:
        raise ValueError(f"{readme} must contain the lines {' and '.join(MARKERS)}")
    folder.write(readme, f"{before}{begin}\n{markdown(results)}\n{end}{after}")
    write_verdicts(results, preset)
    for result in results:
        folder.write(gallery / f"{result.study.name}.png", (result.folder / "figure.png").read_bytes())


def _on_request(study: Study, row: str) -> bool:
    return row.removesuffix(OFF) in study.on_request


def write_verdicts(results: Sequence[Result], preset: str) -> None:
    """Record the outcomes of these studies as the committed ones of this preset; models on request keep theirs."""
    committed = json.loads(report.COMMITTED.read_text()) if report.COMMITTED.exists() else {}
    for result in results:
        outcomes = {row: verdict.outcome for row, verdict in result.verdicts.items()}
        known = committed.setdefault(result.study.name, {})
        kept = {row: old for row, old in known.get(preset, {}).items() if _on_request(result.study, row)}
        known[preset] = kept | outcomes
    folder.write(report.COMMITTED, json.dumps(committed, indent=1, sort_keys=True) + "\n")

"""What came of the variations: in how many the verdict holds, every flip, and what could not be run."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comparisons import matrix
from comparisons.harness import report
from comparisons.robustness.survey import Answer
from comparisons.robustness.variations import BASE
from toymodels.run import files

LATE = "left out"  # for want of time
COLUMNS = (
    "study",
    "row",
    "changed",
    "seed",
    "outcome",
    "base",
    "counts",
    "holds",
    "score",
    "low",
    "high",
    "runs",
    "code",
    "note",
)
COUNTED = (
    "Every row is asked again at other seeds, and with each of its settings that is a number and not its knob doubled "
    "and halved, the control along with its model. A variation holds if its verdict is that of the base (quick sizes, "
    "seed 0), which is itself no variation. What the settings refuse, and what fails to run, counts neither for nor "
    "against."
)


def entries(answers: Sequence[Answer], *, replicates: int, seeds: int) -> dict[str, dict[str, Any]]:
    """Study -> row -> how its verdict holds, in terms of JSON.

    Parameters
    ----------
    answers : sequence of Answer
    replicates, seeds : int
        What they were made with.
    """
    content: dict[str, dict[str, Any]] = {}
    for own in _by_row(answers).values():
        case = own[0].case
        content.setdefault(case.study.name, {})[case.row] = _entry(own) | {"replicates": replicates, "seeds": seeds}
    return content


def _by_row(answers: Sequence[Answer]) -> dict[tuple[str, str], list[Answer]]:
    rows: dict[tuple[str, str], list[Answer]] = {}
    for answer in answers:
        rows.setdefault((answer.case.study.name, answer.case.row), []).append(answer)
    return rows


def _base(own: Sequence[Answer]) -> Answer | None:
    return next((answer for answer in own if answer.case.what == BASE), None)


def _counts(answer: Answer, base: Answer | None) -> bool:
    """Whether it is a variation that ran, of a base that ran."""
    if base is None or answer is base:
        return False
    return "failed" not in (answer.verdict.outcome, base.verdict.outcome)


def _entry(own: Sequence[Answer]) -> dict[str, Any]:
    base = _base(own)
    counted = [answer for answer in own if _counts(answer, base)]
    outcome = base.verdict.outcome if base is not None and not base.left_out else LATE
    flips = [answer for answer in counted if answer.verdict.outcome != outcome]
    lost = [answer for answer in own if answer.verdict.outcome == "failed" and not answer.left_out]
    seeds = [answer for answer in own if (answer is base or answer.case.seed) and not answer.left_out]
    return {
        "base": outcome,
        "score": _score(base) if base is not None else None,
        "n": len(counted) - len(flips),
        "m": len(counted),
        "at_seeds": [answer.verdict.outcome for answer in seeds],
        "flips": [
            {"changed": a.case.what, "outcome": a.verdict.outcome, "score": _score(a), "note": a.verdict.note}
            for a in flips
        ],
        "not_counted": [{"changed": a.case.what, "reason": a.verdict.note} for a in lost],
        "left_out": sum(answer.left_out for answer in own),
    }


def _score(answer: Answer) -> float | None:
    score = answer.verdict.score
    return score if math.isfinite(score) else None


def plain(content: Mapping[str, Mapping[str, Any]]) -> str:
    """The table, then flips and what does not count, for a terminal."""
    table = [("study", "row", "base", "holds in", "seeds alike"), *_table(content)]
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in table]
    for head, listed in _lists(content):
        lines += ["", f"{head}:", *(f"  {line}" for line in listed)]
    return "\n".join(lines)


def markdown(content: Mapping[str, Mapping[str, Any]]) -> str:
    """The same as a page of the gallery."""
    lines = ["# Robustness of the verdicts", "", COUNTED, ""]
    lines += ["Made by `python -m comparisons robustness --write`.", ""]
    lines += ["| study | row | base | holds in | seeds alike |", "|---" * 5 + "|"]
    lines += [f"| {' | '.join(line)} |" for line in _table(content)]
    for head, listed in _lists(content):
        lines += ["", f"## {head}", "", *(f"- {line}" for line in listed)]
    return "\n".join(lines) + "\n"


def _table(content: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    lines = []
    for study, rows in content.items():
        for row, entry in rows.items():
            score = f" {report.number(entry['score'])}" if entry["score"] is not None else ""
            holds = f"{entry['n']} of {entry['m']} variations"
            seeds = entry["at_seeds"]
            alike = 0 if entry["base"] in ("failed", LATE) else seeds.count(entry["base"])
            alike = f"{alike} of {len(seeds)}, {entry['replicates']} replicates each"
            lines.append((study.replace("_", " "), row, f"{entry['base']}{score}", holds, alike))
    return lines


def _lists(content: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Headed lists, those without a line left out."""
    flips, lost, late = [], [], []
    for study, rows in content.items():
        for row, entry in rows.items():
            where = f"{study.replace('_', ' ')}, {row}"
            flips += [f"{where}: {_flip(flip, entry['base'])}" for flip in entry["flips"]]
            reasons: dict[str, list[str]] = {}
            for each in entry["not_counted"]:
                reasons.setdefault(each["reason"], []).append(each["changed"])
            lost += [f"{where}: {', '.join(changed)}: {reason}" for reason, changed in reasons.items()]
            late += [f"{where}: {entry['left_out']} variations"] if entry["left_out"] else []
    headed = [
        ("Flips", flips),
        ("Refused or failed, counted neither for nor against", lost),
        ("Left out, the time was up", late),
    ]
    return [(head, listed) for head, listed in headed if listed]


def _flip(flip: Mapping[str, Any], base: str) -> str:
    score = f" {report.number(flip['score'])}" if flip["score"] is not None else ""
    reason = f": {flip['note']}" if flip["note"] else ""
    return f"{flip['changed']}: {base} -> {flip['outcome']}{score}{reason}"


def comma_separated(answers: Sequence[Answer], earlier: str = "") -> str:
    """One line a variation, as text in CSV, after those of `earlier` that were not asked this time.

    What there was no time for keeps its earlier line. Lines of several calls may stand beside each other: `runs` says
    how many each is of, and `code` which made them.

    Raises
    ------
    ValueError
        If `earlier` is no such table.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    header, *lines = [*csv.reader(io.StringIO(earlier))] or [list(COLUMNS)]
    if header != list(COLUMNS):
        raise ValueError(f"{','.join(COLUMNS)} must be the columns of an earlier table, got {','.join(header)[:200]}")
    found = {tuple(line[:4]) for line in lines if LATE not in line[4:5]}
    asked = {_place(answer) for answer in answers if not (answer.left_out and _place(answer) in found)}
    writer.writerows(line for line in lines if tuple(line[:4]) not in asked)
    for own in _by_row(answers).values():
        base = _base(own)
        for answer in own:
            if _place(answer) not in asked:
                continue
            case, verdict, counts = answer.case, answer.verdict, _counts(answer, base)
            before = base.verdict.outcome if base is not None else ""
            holds = int(verdict.outcome == before) if counts else ""
            scores = (verdict.score, *verdict.spread) if verdict.scores else ("", "", "")
            runs = len(verdict.scores) or ""
            outcome = LATE if answer.left_out else verdict.outcome
            line = [case.study.name, case.row, case.what, case.seed, outcome, before, int(counts), holds]
            writer.writerow([*line, *scores, runs, answer.code, verdict.note])
    return text.getvalue()


def _place(answer: Answer) -> tuple[str, ...]:
    """By which a line of the file is known."""
    case = answer.case
    return case.study.name, case.row, case.what, str(case.seed)


def merged(content: Mapping[str, Mapping[str, Any]], answers: Sequence[Answer], earlier: Path) -> dict[str, Any]:
    """`content` with what an `earlier` file says of rows that were not run this time and that there still are.

    Parameters
    ----------
    content : mapping
        See :func:`entries`.
    answers : sequence of Answer
        What it was made of.
    earlier : path
        A file that :func:`commit` wrote, if there is one.
    """
    before = json.loads(earlier.read_text()) if earlier.exists() else {}
    studies = {answer.case.study.name: answer.case.study for answer in answers}
    whole = {}
    for name in dict.fromkeys([*before, *content]):
        old, new = before.get(name, {}), content.get(name, {})
        whole[name] = old | {row: entry for row, entry in new.items() if entry["base"] != LATE or row not in old}
        if name in studies:
            known = studies[name].rows(list(studies[name].models))
            whole[name] = {row: whole[name][row] for row in known if row in whole[name]}
    return whole


def commit(
    content: Mapping[str, Any],
    answers: Sequence[Answer],
    data: Path | None = None,
    gallery: Path | None = None,
) -> None:
    """Write the numbers into the package and the page into the gallery; rows that were not run keep theirs.

    Parameters
    ----------
    content : mapping
        See :func:`entries`.
    answers : sequence of Answer
        What it was made of.
    data, gallery : path, optional
        The package's file and the folder of the page.
    """
    data = data or matrix.ROBUSTNESS
    whole = merged(content, answers, data)
    files.write(data, json.dumps(whole, indent=1) + "\n")
    files.write((gallery or matrix.GALLERY) / "ROBUSTNESS.md", markdown(whole))

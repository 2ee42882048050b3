"""What a person reads on the terminal, and how a verdict is held against the committed one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from comparisons.runner import Result
    from comparisons.study import Verdict

COMMITTED = Path(__file__).with_name("verdicts.json")


def table(result: Result) -> str:
    """Question, one line per row, and the folder."""
    width = max((len(row) for row in result.verdicts), default=5)
    head = f"{'model':{width}}  {'verdict':8}  {'score':>7}  {'spread (runs)':20}  note"
    lines = [result.study.question, "", head]
    lines += [_line(row, verdict, width, result) for row, verdict in result.verdicts.items()]
    wrong = [row for row in result.verdicts if _control_fails(result, row)]
    if wrong:
        lines.append(f"negative control not absent in every replicate: {', '.join(wrong)}")
    more = result.study.details(result.runs, result.params) if result.study.details else ""
    lines += ["", more] if more else []
    return "\n".join([*lines, "", f"{result.folder}  ({result.seconds:.0f} s)"])


def _line(row: str, verdict: Verdict, width: int, result: Result) -> str:
    score = number(verdict.score) if verdict.scores else "-"
    spread = (
        f"{number(min(verdict.scores))} to {number(max(verdict.scores))} ({len(verdict.scores)})"
        if verdict.scores
        else ""
    )
    return f"{row:{width}}  {verdict.outcome:8}  {score:>7}  {spread:20}  {note(verdict)}".rstrip()


def note(verdict: Verdict) -> str:
    """The prediction beside the measurement, then the note."""
    parts = []
    if verdict.predicted is not None and verdict.measured is not None:
        parts.append(f"predicted {number(verdict.predicted)}, measured {number(verdict.measured)}")
    return "; ".join(part for part in (*parts, verdict.note) if part)


def number(value: float, digits: int = 3) -> str:
    """So many significant digits."""
    return f"{value:.{digits}g}" if math.isfinite(value) else str(value)


def _control_fails(result: Result, row: str) -> bool:
    return result.study.is_control(row) and not result.verdicts[row].absent_in_every_replicate


def differences(result: Result, preset: str) -> list[str]:
    """One line per row whose outcome is not the committed one."""
    expected = _committed(result, preset)
    found = {row: verdict.outcome for row, verdict in result.verdicts.items() if row in expected}
    return [f"{row}: committed {expected[row]}, now {now}" for row, now in found.items() if expected[row] != now]


def unknown(result: Result, preset: str) -> list[str]:
    """One line per row that has no committed verdict to be held against."""
    expected = _committed(result, preset)
    found = result.verdicts.items()
    return [f"{row}: no committed verdict, now {verdict.outcome}" for row, verdict in found if row not in expected]


def _committed(result: Result, preset: str) -> dict[str, str]:
    committed = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    return committed.get(result.study.name, {}).get(preset, {})

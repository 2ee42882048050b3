"""What a person reads on the terminal, and how a verdict is held against the committed one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comparisons.harness.verdict import Verdict

COMMITTED = Path(__file__).parents[1] / "verdicts.json"
ABSOLUTE, RELATIVE = 0.01, 0.1  # by how much a score may differ from the committed one, together; see `tolerance`
DIGITS = 4  # of a committed score


def table(result: Any) -> str:
    """Question, one line per row, what else is to be said, and the folder, of a `Result`."""
    width = max((len(row) for row in result.verdicts), default=5)
    head = f"{'model':{width}}  {'verdict':8}  {'score':>7}  {'spread (runs)':20}  note"
    lines = [result.headline, *([f"criterion changed: {result.criterion}"] if result.criterion else []), "", head]
    lines += [_line(row, verdict, width, result.knobs.get(row, "")) for row, verdict in result.verdicts.items()]
    wrong = [row for row in result.controls if row in result.verdicts and not _is_absent(result.verdicts[row])]
    if wrong:
        lines.append(f"negative control not absent in every replicate: {', '.join(wrong)}")
    lines += ["", result.details] if result.details else []
    if result.folder is not None:
        lines += ["", f"{result.folder}  ({result.seconds:.0f} s)"]
    return "\n".join(lines)


def _is_absent(verdict: Verdict) -> bool:
    return verdict.absent_in_every_replicate


def _line(row: str, verdict: Verdict, width: int, knob: str) -> str:
    score = number(verdict.score) if verdict.scores else "-"
    low, high = map(number, verdict.spread)
    spread = f"{low} to {high} ({len(verdict.scores)})" if verdict.scores else ""
    return f"{row:{width}}  {verdict.outcome:8}  {score:>7}  {spread:20}  {note(verdict, knob)}".rstrip()


def note(verdict: Verdict, knob: str = "", numbers: bool = True) -> str:
    """What the control turns, the prediction beside the measurement, then the note."""
    parts = [knob]
    if numbers and verdict.predicted is not None and verdict.measured is not None:
        parts.append(f"predicted {number(verdict.predicted)}, measured {number(verdict.measured)}")
    return "; ".join(part for part in (*parts, verdict.note) if part)


def number(value: float, digits: int = 3) -> str:
    """So many significant digits."""
    return f"{value:.{digits}g}" if math.isfinite(value) else str(value)


def plain_name(row: str) -> str:
    """A row's name as it stands in file names and on the command line: "dnn cross-entropy" -> "dnn_cross_entropy"."""
    model = row.removesuffix(" (off)")
    return model.replace(" ", "_").replace("-", "_") + ("-off" if model != row else "")


def differences(study: str, verdicts: Mapping[str, Verdict], preset: str, scores: bool = True) -> list[str]:
    """One line per row whose outcome is not the committed one, or whose score is not within the tolerance of it.

    Parameters
    ----------
    study : str
    verdicts : mapping of str to Verdict
    preset : str
    scores : bool
        Whether scores are compared too, as the same seed, settings and number of replicates give them.
    """
    lines = []
    for row, expected in committed(study, preset).items():
        if row not in verdicts:
            continue
        now, score = verdicts[row], expected.get("score")
        if now.outcome != expected["outcome"]:
            lines.append(f"{row}: committed {expected['outcome']}, now {now.outcome}")
        elif scores and score is not None and not abs(now.score - score) <= tolerance(score):
            moved = f"now {number(now.score, DIGITS)}, {number(abs(now.score - score))} apart"
            lines.append(f"{row}: committed {score:g}, {moved}, tolerance {number(tolerance(score))}")
    return lines


def tolerance(score: float) -> float:
    """By how much a score may differ from this committed one: sums in another order, of another machine, move it.

    Most scores are the same to four digits on another processor. Descent at the edge of stability is chaotic: there the
    median of three runs moved by 5 %, half of what is allowed.
    """
    return ABSOLUTE + RELATIVE * abs(score)


def unknown(study: str, verdicts: Mapping[str, Verdict], preset: str, scores: bool = True) -> list[str]:
    """One line per row that has no committed verdict, or none with a score, to be held against."""
    expected, lines = committed(study, preset), []
    for row, verdict in verdicts.items():
        if row not in expected:
            lines.append(f"{row}: no committed verdict, now {verdict.outcome}")
        elif scores and math.isfinite(verdict.score) and expected[row].get("score") is None:
            lines.append(f"{row}: no committed score, now {number(verdict.score, DIGITS)}")
    return lines


def committed(study: str, preset: str) -> dict[str, dict[str, Any]]:
    """Row -> `outcome` and, where there is one, median `score` as the package has them; empty without any."""
    content = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    return content.get(study, {}).get(preset, {})


def to_commit(verdict: Verdict) -> dict[str, Any]:
    """A verdict as it is committed."""
    score = {"score": float(number(verdict.score, DIGITS))} if math.isfinite(verdict.score) else {}
    return {"outcome": verdict.outcome, **score}

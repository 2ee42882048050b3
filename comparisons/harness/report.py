"""What a person reads on the terminal, and how a verdict is held against the committed one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from comparisons.harness.verdict import Verdict

COMMITTED = Path(__file__).parents[1] / "verdicts.json"


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
    low, high = (number(of(verdict.scores)) for of in (min, max)) if verdict.scores else ("", "")
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


def differences(study: str, verdicts: Mapping[str, Verdict], preset: str) -> list[str]:
    """One line per row whose outcome is not the committed one."""
    expected = committed(study, preset)
    outcomes = {row: verdict.outcome for row, verdict in verdicts.items() if row in expected}
    return [f"{row}: committed {expected[row]}, now {now}" for row, now in outcomes.items() if expected[row] != now]


def unknown(study: str, verdicts: Mapping[str, Verdict], preset: str) -> list[str]:
    """One line per row that has no committed verdict to be held against."""
    expected = committed(study, preset)
    return [f"{row}: no committed verdict, now {v.outcome}" for row, v in verdicts.items() if row not in expected]


def committed(study: str, preset: str) -> dict[str, str]:
    """Row -> outcome as the package has it; empty without any."""
    content = json.loads(COMMITTED.read_text()) if COMMITTED.exists() else {}
    return content.get(study, {}).get(preset, {})

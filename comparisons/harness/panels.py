"""Which rows of a result get a panel in its picture, and what stands above it."""

from __future__ import annotations

from comparisons.harness.model import OFF
from comparisons.harness.result import Result


def rows_shown(result: Result) -> list[str]:
    """Rows with runs that get a panel of their own: all but the controls, which are drawn into their models'."""
    return [row for row, runs in result.runs.items() if not row.endswith(OFF) and runs]


def title(result: Result, row: str, unit: str) -> str:
    """A panel's title: the row, its verdict and its score."""
    verdict = result.verdicts.get(row)
    if verdict is None:
        return row
    return f"{row}\n{verdict.outcome}" + (f", {verdict.score:.2f} {unit}" if verdict.scores else "")

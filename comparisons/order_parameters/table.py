"""The table model x order parameter: what a number was and became, and what it foretells, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comparisons.harness.model import Silent
from comparisons.order_parameters.probes import KNOWN
from comparisons.order_parameters.question import Lead, flaw, foretellings
from comparisons.order_parameters.question import details as details_of_ensembles
from toymodels.trajectory import Trajectory

LEGEND = (
    "model x order parameter, medians over the runs: first value > last value, and in brackets the decades beyond test "
    "score and clock by which a critical value foretells the jump; (1), (2), ..: why there is no number:"
)


@dataclass(frozen=True)
class Entry:
    """A pair of a model and an order parameter that has a meaning.

    Parameters
    ----------
    first, last : float
        Medians over the runs, at the first and the last record.
    beyond : float, optional
        Decades; None where no critical value was confirmed, or the runs cannot tell.
    """

    first: float
    last: float
    beyond: float | None = None

    def __str__(self) -> str:
        """Both values, and the lead where there is one."""
        lead = "" if self.beyond is None else f" [{self.beyond:+.2f}]"
        return f"{self.first:.3g} > {self.last:.3g}{lead}"


def entries(runs: Sequence[Trajectory], asked: Any) -> dict[str, Entry | Silent]:
    """Every order parameter of one model.

    Parameters
    ----------
    runs : sequence of Trajectory
        One model's, at least one.
    asked : Question
    """
    leads: Mapping[str, Lead] = {} if flaw(runs, asked) else foretellings(runs, asked)
    return {name: _entry(runs, name, leads.get(name)) for name in KNOWN}


def _entry(runs: Sequence[Trajectory], name: str, lead: Lead | None) -> Entry | Silent:
    if not all(name in run.data for run in runs):
        return Silent(runs[0].meta.get("silent", {}).get(name, "the model does not record it"))
    first, last = (float(np.median([run[name][k] for run in runs])) for k in (0, -1))
    return Entry(first, last, lead.medians[2] if lead is not None and lead.is_critical else None)


def table(runs: Mapping[str, Sequence[Trajectory]], asked: Any) -> str:
    """The table in words, with the reasons under it.

    Parameters
    ----------
    runs : mapping of str to sequence of Trajectory
        By model; those without any run are left out.
    asked : Question
    """
    columns = {row: entries(each, asked) for row, each in runs.items() if each}
    if not columns:
        return ""
    reasons: dict[str, int] = {}
    lines = [["", *columns]]
    for name in KNOWN:
        cells = []
        for column in columns.values():
            entry = column[name]
            is_silent = isinstance(entry, Silent)
            cells.append(f"({reasons.setdefault(entry.why, len(reasons) + 1)})" if is_silent else str(entry))
        lines.append([name.replace("_", " "), *cells])
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    rows = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    notes = [f"({number}) {why}" for why, number in reasons.items()]
    return "\n".join([LEGEND, *(f"  {row}" for row in rows), *(f"  {note}" for note in notes)])


def details(result: Any) -> str:
    """What every quantity of every ensemble foretells, and the table model x order parameter, of a `result`."""
    parts = details_of_ensembles(result), table(result.runs, result.question)
    return "\n".join(part for part in parts if part)

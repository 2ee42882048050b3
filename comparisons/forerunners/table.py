"""The table order parameter x phenomenon: how long before the event a critical value foretells it, or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comparisons.order_parameters.question import NULLS, TEST, Lead, flaw, foretellings
from toymodels.trajectory import Trajectory

NO_VALUE, NOT_THERE = "none", "-"
LEGEND = (
    "decades before the event at which a critical value is passed, and in brackets how many beyond the score itself "
    f"and the clock; {NO_VALUE}: no such value was confirmed on held-out runs; {NOT_THERE}: the model does not have it:"
)


def leads(runs: Mapping[str, Sequence[Trajectory]], asked: Any) -> dict[str, dict[str, Lead]]:
    """What every quantity of every ensemble foretells; ensembles that cannot tell are left out."""
    return {row: foretellings(each, asked) for row, each in runs.items() if each and not flaw(each, asked)}


def cell(name: str, table: Mapping[str, Lead]) -> str:
    """`0.31 [+0.22]`, or why there is no number.

    Parameters
    ----------
    name : str
        Of a quantity or a null.
    table : mapping of str to Lead
    """
    if name not in table:
        return NOT_THERE
    if not table[name].is_critical:
        return NO_VALUE
    lead, _, beyond = table[name].medians
    return f"{lead:.2f}" if name in NULLS else f"{lead:.2f} [{beyond:+.2f}]"


def rows(tables: Mapping[str, Mapping[str, Lead]]) -> list[list[str]]:
    """Head and one line a quantity: the nulls, then what most ensembles have.

    Parameters
    ----------
    tables : mapping of str to (mapping of str to Lead)
        By ensemble.
    """
    names = list(dict.fromkeys(name for table in tables.values() for name in table if name not in NULLS))
    names.sort(key=lambda name: -sum(name in table for table in tables.values()))
    words = {name: "score itself" if name == TEST else name.replace("_", " ") for name in (*NULLS, *names)}
    return [["", *tables], *([words[name], *(cell(name, table) for table in tables.values())] for name in words)]


def details(result: Any) -> str:
    """The table of a `result`, in words."""
    lines = rows(leads(result.runs, result.question))
    if len(lines[0]) == 1:
        return ""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(part.ljust(width) for part, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join([LEGEND, *(f"  {line}" for line in text)])

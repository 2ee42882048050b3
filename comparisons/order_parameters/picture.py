"""The picture of leads: a panel a family, a row a quantity, a dot where its critical value comes before the jump."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from comparisons.harness import style
from comparisons.harness.result import Result
from comparisons.order_parameters.probes import THEORY
from comparisons.order_parameters.question import NULLS, TEST, UNSPECIFIC, Lead, flaw, foretellings, ordered

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 2
TITLES = {"dnn": "dnn, digits"}
NAMES = {"layerwise": "layerwise", "neurashed": "neurashed", "condensation": "condensation", "dnn": "OPT/NPT"}
BAND = "0.88"


HEADING = (
    "How long before the test score jumps does a quantity pass its critical value?\n"
    "(0.3 decades: at half its time; what counts is right of the grey, before the test score foretells itself)"
)


def draw(
    result: Result, heading: str = HEADING, score: str = TEST, event: str = "jump", aside: Sequence[str] = UNSPECIFIC
) -> Figure:
    """One panel a row: the lead of every quantity's critical value, held against those of the nulls.

    Parameters
    ----------
    result : Result
    heading : str
        What is asked.
    score, event : str
        What the null is called, and what it foretells.
    aside : sequence of str
        Quantities that decay anyway.
    """
    from matplotlib.figure import Figure

    asked = result.question
    rows = [row for row, runs in result.runs.items() if runs]
    tables = {row: foretellings(result.runs[row], asked) for row in rows if not flaw(result.runs[row], asked)}
    heights = [
        3 + max([len(tables.get(row, ())) for row in rows[start : start + COLUMNS]])
        for start in range(0, len(rows), COLUMNS)
    ] or [3]
    figure = Figure(figsize=(10, 1.4 + 0.27 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), min(COLUMNS, max(len(rows), 1)), squeeze=False, height_ratios=heights).ravel()
    ends = [sum(lead.medians[:2]) for table in tables.values() for lead in table.values() if lead.is_critical]
    for ax in axes[len(rows) :]:
        ax.set_axis_off()
    for ax, row in zip(axes, rows, strict=False):
        ax.set_title(_title(row, result), color=style.colour(row), fontsize=12)
        if row in tables:
            _panel(ax, row, tables[row], 1.2 * max([0.3, *ends]), aside)
            ax.set_yticklabels([_label(name, score) for name in ordered(tables[row])[::-1]])
            ax.set_xlabel(f"decades before the {event}", fontsize=10)
        else:
            ax.set_axis_off()
            ax.text(0.5, 0.5, flaw(result.runs[row], asked), ha="center", va="center", transform=ax.transAxes)
    if rows:
        figure.legend(handles=_legend(score), loc="outside lower center", ncols=4, fontsize=10, frameon=False)
    figure.suptitle(heading, fontsize=12)
    return figure


def _legend(score: str) -> list:
    """Whose order parameter has which colour, and what the marks are."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    dot = {"marker": "o", "ls": "none", "mec": "white", "ms": 9}
    lines = [Line2D([], [], color=style.FAMILY[key], label=f"{name}'s", **dot) for key, name in NAMES.items()]
    other = Line2D([], [], color=style.OTHER, label="no theory's own", **dot)
    bar = Line2D([], [], color="black", lw=2.5, label="spread over held-out runs")
    none = Line2D([], [], ls="none", marker="o", mfc="white", mec="black", ms=7, label="no critical value")
    return [*lines, other, bar, none, Patch(color=BAND, label=f"no better than the {score}")]


def _colour(row: str, name: str) -> str:
    """Of the theory a quantity belongs to; one that only this model records is its own family's."""
    return "black" if name in NULLS else style.FAMILY.get(THEORY.get(name, row), style.OTHER)


def _title(row: str, result: Result) -> str:
    """The row, its size, and what comes of it beyond the nulls."""
    title = f"{TITLES.get(row, row)}, {len(result.runs[row])} runs"
    verdict = result.verdicts.get(row)
    if verdict is None:
        return title
    best = f"best: {verdict.score:.2f} beyond the grey" if verdict.score > 0 else "none beyond the grey"
    title = f"{title}: {verdict.outcome}"
    return f"{title}\n{best}" if verdict.scores else title


def _panel(axes: Axes, row: str, table: dict[str, Lead], reach: float, aside: Sequence[str]) -> None:
    names = ordered(table)[::-1]  # the nulls on top
    null = float(np.median(table[TEST].null))
    axes.axvspan(-1, null, color=BAND, zorder=0)
    axes.axhline(len(names) - len(NULLS) - 0.5, color="white", lw=3, zorder=1)
    for height, name in enumerate(names):
        colour, lead = _colour(row, name), table[name]
        if lead.is_critical:
            middle, spread, _ = lead.medians
            axes.plot([middle - spread, middle + spread], [height, height], color=colour, lw=2.5, solid_capstyle="butt")
            axes.plot(middle, height, "o", color=colour, ms=9, mec="white", zorder=3)
            if name in aside:
                axes.text(
                    middle + spread + 0.02 * reach, height, "decays anyway", va="center", color=colour, fontsize=9
                )
        else:
            axes.plot(0, height, "o", mfc="white", mec=colour, ms=7, zorder=3)
            axes.text(0.03 * reach, height, "none", va="center", color=colour, fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=10)
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_color(_colour(row, name))
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.set_xlim(-0.06 * reach, reach)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3, lw=0.6)
    axes.axvline(0, color="black", lw=1, ls=":", zorder=1)


def _label(name: str, score: str) -> str:
    return f"{score} itself" if name == TEST else name.replace("_", " ")

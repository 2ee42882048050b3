"""The picture of leads, a panel an ensemble."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comparisons.harness.result import Result
from comparisons.order_parameters.picture import draw as draw_leads

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HEADING = (
    "How long before a skill emerges, descent is at the edge, or the solution is simpler,\n"
    "does a quantity pass its critical value? (what counts is right of the grey, before the score foretells itself)"
)


def draw(result: Result) -> Figure:
    """One panel an ensemble: the lead of every quantity's critical value, held against those of the nulls."""
    figure = draw_leads(result, HEADING, score="score", event="event", aside=())
    for axes in figure.axes:
        axes.title.set_fontsize(10.5)  # their names are longer than families'
    return figure

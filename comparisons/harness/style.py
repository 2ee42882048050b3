"""One colour per family everywhere, safe for colour-blind readers (Okabe and Ito 2008), and shared plot habits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FAMILY = {"layerwise": "#0072B2", "neurashed": "#009E73", "condensation": "#D55E00", "dnn": "#AA4499"}
OTHER = "#555555"
ORDER = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#000000", "#888888")
DASHES = ("-", "--", "-.", ":")


def colour(row: str) -> str:
    """The colour of the family a row belongs to; rows are named after their family first."""
    return next((value for family, value in FAMILY.items() if row.startswith(family)), OTHER)


def log_time(axes: Axes, clock: str) -> None:
    """Logarithmic time axis with the clock as its unit."""
    from matplotlib.ticker import NullFormatter

    axes.set_xscale("log")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(clock)


def widen(axes: Axes, least: float) -> None:
    """Give the vertical axis at least this range, so that a constant looks constant."""
    low, high = axes.get_ylim()
    if high - low < least:
        middle = (low + high) / 2
        axes.set_ylim(middle - least / 2, middle + least / 2)


def tidy(axes: Axes) -> None:
    """No frame on the right and top, light grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.2, linewidth=0.6)

"""What stands on the axes of a picture, as numbers and words, and results made by hand to be drawn."""

import numpy as np

from comparisons import Result, Verdict
from comparisons.harness.model import OFF

CONTROL = "layerwise" + OFF
VERDICTS = {"layerwise": Verdict("shown", (1.25, 1.75), (0.3, 0.5)), CONTROL: Verdict("absent", (0.125,), (0.3, 0.5))}


def result(question=None, **more):
    """Of "layerwise" with its control and of "mine" without one, by `layerwise`, `off` and `mine` as lists of runs."""
    rows = {"layerwise": more.pop("layerwise"), CONTROL: more.pop("off", []), "mine": more.pop("mine", [])}
    return Result("made up", "?", question, VERDICTS, rows, {CONTROL: "scale 3 -> 0.03"}, **more)


def curves(axes, **style):
    """Points (2, n) of every line with this style, in the order of drawing."""
    found = [line for line in axes.lines if all(getattr(line, f"get_{key}")() == value for key, value in style.items())]
    return [np.array(line.get_data(), dtype=float) for line in found]


def labelled(axes):
    """Label -> points (2, n) of the line that carries it in the legend."""
    return {line.get_label(): np.array(line.get_data()) for line in axes.lines if line.get_label()[0] != "_"}


def level_lines(axes):
    """Heights of the horizontal lines across the axes."""
    return [line.get_ydata()[0] for line in axes.lines if list(line.get_xdata()) == [0, 1]]


def moments(axes):
    """Times of the vertical lines across the axes."""
    return [line.get_xdata()[0] for line in axes.lines if list(line.get_ydata()) == [0, 1]]


def legend(axes_or_figure):
    """Words of the legend, or of the first one of a figure."""
    of_figure = getattr(axes_or_figure, "legends", None)
    found = of_figure[0] if of_figure else axes_or_figure.get_legend()
    return [text.get_text() for text in found.get_texts()]

"""What the first version says of flat minima, of regularisation and of dropout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.figure import Data
from figures.opt_npt.digit_networks import ENOUGH_DIGITS, bounded_radius
from toymodels.claims import AFTER, CONTROL, READING, Claim, Quantity, median

RELATED = 0.6  # of Spearman's correlation, as of Kendall's in the figure of basins
WIDER = 1.1  # of a radius over that without


def correlation(data: Data, sweep: str, curvature: str) -> float:
    """Spearman's correlation over all networks of a sweep of curvature and radius in weight space."""
    from scipy.stats import spearmanr

    both = spearmanr(data[f"{sweep}_{curvature}"].ravel(), data[f"{sweep}_weight_radius"].ravel())
    return float(np.asarray(both)[0])


def at_best(sweep: str, space: str) -> Callable[[Data], np.ndarray]:
    """Radius (runs,) at the value above 0 with the best median test accuracy, over the median at 0."""

    def gain(data: Data) -> np.ndarray:
        best = 1 + int(np.median(data[f"{sweep}_accuracy"], axis=1)[1:].argmax())
        radius = bounded_radius(data, f"{sweep}_{space}")
        return radius[best] / np.median(radius[0])

    return gain


def _flat(sweep: str, panel: str, words: str) -> Claim:
    return Claim(
        f"flat_minima.{sweep}",
        f"First version, Figure 5{panel}",
        f"Where the {words} makes minima flatter, the basin in weight space is wider.",
        Quantity(
            f"Spearman's correlation, over all networks of all {words}s, of the trace of the Hessian and the radius in "
            "weight space",
            lambda data: correlation(data, sweep, "trace"),
        ),
        median < -RELATED,
        decisive=ENOUGH_DIGITS,
        why="the trace does not follow the basin: a network that fits worse has a small basin and little curvature",
        defence="the measure of flatness is not in our text, and these networks are small and not all fit to the end",
    )


def _in_units_of_noise(sweep: str, words: str) -> Claim:
    return Claim(
        f"flat_minima.{sweep}-in-units-of-noise",
        "First version, Figure 5e, 5f",
        f"So it is, by {words}, where flatness is measured in the units of the noise that defines the basin.",
        Quantity(
            f"Spearman's correlation, over all networks of all {words}s, of the trace of the Hessian in units of the "
            "weights' noise and the radius in weight space",
            lambda data: correlation(data, sweep, "noise_trace"),
        ),
        median < -RELATED,
        source=CONTROL,
        decisive=ENOUGH_DIGITS,
        why="the second derivative at the minimum does not foretell where half of the accuracy is lost",
        defence="three networks of each of four settings, which scatter",
    )


def _widens(sweep: str, space: str, place: str, source: str, words: str) -> Claim:
    return Claim(
        f"flat_minima.{sweep}-widens-{space}s",
        place,
        f"Suitable {words} widens the basin in {space} space.",
        Quantity(
            f"radius in {space} space with the {words} of the best test accuracy, over the median without",
            at_best(sweep, space),
        ),
        median > WIDER,
        source=source,
        decisive=ENOUGH_DIGITS,
        why=f"the best {words} leaves the radius as it is",
        defence="which is suitable is not said; another strength, or longer training, may widen it",
    )


CLAIMS = (
    _flat("batch", "e", "batch size"),
    _flat("rate", "f", "learning rate"),
    _in_units_of_noise("batch", "batch size"),
    _in_units_of_noise("rate", "learning rate"),
    Claim(
        "flat_minima.dropout-without-flatness",
        "First version, Figure 5e, 5f",
        "Dropout widens the basin in weight space without flatter minima: flatness is not what sets it.",
        Quantity(
            "Spearman's correlation, over all networks of all dropouts, of the trace of the Hessian and the radius in "
            "weight space",
            lambda data: correlation(data, "dropout", "trace"),
        ),
        median > -0.3,
        source=CONTROL,
        fixed=AFTER,
        why="where dropout widens the basin the minimum is flatter, too",
        defence="the authors show the batch size and the rate, not dropout",
    ),
    *(_widens("decay", space, "First version, point 4", "paper", "weight decay") for space in ("weight", "sample")),
    *(_widens("dropout", space, "Section I", READING, "dropout") for space in ("weight", "sample")),
)

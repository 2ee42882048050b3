"""What the first version says of flat minima, of regularisation and of dropout."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.figure import Data
from figures.harness.pooled_runs import each_left_out
from figures.opt_npt.digit_networks import ENOUGH_DIGITS, bounded_radius
from figures.opt_npt.trends import UNTOLD, unless_untold
from toymodels.claims import AFTER, CONTROL, READING, Claim, Quantity, median

RELATED = 0.6  # of Spearman's correlation, as of Kendall's in the figure of basins
WIDER = 1.1  # of a radius over that without
OVER = "over all networks but one run in turn of all"
SAME = "curvature or radius is the same of all networks"
COST = 0.0101  # test accuracy, a point and what rounds, that what is suitable may cost


def correlations(sweep: str, curvature: str) -> Callable[[Data], np.ndarray]:
    """Spearman's correlation over the networks of a sweep, but for one run of each, of curvature and radius.

    UNTOLD where one of the two is the same of all networks, as where none has fitted.
    """
    names = f"{sweep}_{curvature}", f"{sweep}_weight_radius"

    def correlation(data: Data) -> float:
        from scipy.stats import spearmanr

        curvatures, radii = (data[name].ravel() for name in names)
        if np.ptp(curvatures) == 0 or np.ptp(radii) == 0:
            return UNTOLD
        return float(np.asarray(spearmanr(curvatures, radii))[0])

    return each_left_out(correlation, *names, axis=1)


def widest(sweep: str, space: str) -> Callable[[Data], np.ndarray]:
    """Radius (runs,) at the value above 0 that widens it most, over the median at 0.

    Of the values those count that cost no more than COST of the median test accuracy; all are 0 where none does.
    """

    def gain(data: Data) -> np.ndarray:
        accuracy = np.median(data[f"{sweep}_accuracy"], axis=1)
        radius = bounded_radius(data, f"{sweep}_{space}")
        of_values = np.where(accuracy >= accuracy[0] - COST, np.median(radius, axis=1), 0.0)[1:]
        return radius[1 + of_values.argmax()] / np.median(radius[0]) if of_values.any() else np.zeros(radius.shape[1])

    return gain


def _flat(sweep: str, panel: str, words: str) -> Claim:
    return Claim(
        f"flat_minima.{sweep}",
        f"First version, Figure 5{panel}",
        f"Where the {words} makes minima flatter, the basin in weight space is wider.",
        Quantity(
            f"Spearman's correlation, {OVER} {words}s, of the trace of the Hessian and the radius in weight space",
            correlations(sweep, "trace"),
        ),
        unless_untold(median < -RELATED, SAME),
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
            f"Spearman's correlation, {OVER} {words}s, of the trace of the Hessian in units of the weights' noise and "
            "the radius in weight space",
            correlations(sweep, "noise_trace"),
        ),
        unless_untold(median < -RELATED, SAME),
        source=CONTROL,
        decisive=ENOUGH_DIGITS,
        why="the second derivative at the minimum does not foretell where half of the accuracy is lost",
        defence="three networks of each of four settings, which scatter",
    )


def _widens(sweep: str, space: str, place: str, words: str, why: str) -> Claim:
    return Claim(
        f"flat_minima.{sweep}-widens-{space}s",
        place,
        f"Suitable {words} widens the basin in {space} space: a reading, for the paper says that suitable "
        "regularisation can, and does not name which.",
        Quantity(
            f"radius in {space} space with the {words} that widens it most of those that cost no more than a point of "
            "test accuracy, over the median without",
            widest(sweep, space),
        ),
        median > WIDER,
        source=READING,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why=why,
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
            f"Spearman's correlation, {OVER} dropouts, of the trace of the Hessian and the radius in weight space",
            correlations("dropout", "trace"),
        ),
        unless_untold(median > -0.3, SAME),
        source=CONTROL,
        fixed=AFTER,
        why="where dropout widens the basin the minimum is flatter, too",
        defence="the authors show the batch size and the rate, not dropout",
    ),
    *(
        _widens(sweep, space, place, words, f"the {space} basin grows by less than a tenth in some or all runs")
        for sweep, place, words in (
            ("decay", "First version, point 4", "weight decay"),
            ("dropout", "Section I", "dropout"),
        )
        for space in ("weight", "sample")
    ),
)

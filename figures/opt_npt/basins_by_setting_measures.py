"""What is measured of basins of attraction along depth, width, learning rate and batch size.

Basins are of networks that have fitted: where one has not, what it is part of is UNTOLD.
"""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from figures.opt_npt.digit_networks import bounded_radius, published
from figures.opt_npt.trends import UNTOLD, kendall

FITTED = 0.95  # training accuracy from which on a network has a basin to speak of
DROP = 0.5  # share of the weight basin that a sharp drop leaves, at most
FIRST_CHANGE = 1.1  # factor by which a basin must first change with depth for it to saturate later
PRINTED_RATES = (0.1, 0.5)  # the range of the first version


def trend(data: Data, sweep: str, space: str, axis: int) -> np.ndarray:
    """Kendall's tau of the radius along depth (0) or width (1), at every point of the other in every replicate."""
    along = np.moveaxis(published(data, f"{sweep}_{space}_radius"), axis, -1)
    fitted = np.moveaxis(published(data, f"{sweep}_train_accuracy") >= FITTED, axis, -1).all(-1)
    return np.where(fitted, kendall(along), UNTOLD).ravel()


def tuned_fitted(data: Data, sweep: str) -> np.ndarray:
    """Whether the networks at all rates, or batch sizes, have fitted, every replicate."""
    return np.all(data[f"{sweep}_train_accuracy"] >= FITTED, axis=0)


def tuned_trend(data: Data, sweep: str, space: str) -> np.ndarray:
    """Kendall's tau of the radius along the tuned parameter in every replicate."""
    return np.where(tuned_fitted(data, sweep), kendall(data[f"{sweep}_{space}_radius"].T), UNTOLD)


def both_spaces(data: Data, sweep: str) -> np.ndarray:
    """:func:`tuned_trend` in sample space, then in weight space."""
    return np.concatenate([tuned_trend(data, sweep, space) for space in ("sample", "weight")])


def distance_of_peaks(data: Data) -> np.ndarray:
    """Steps of the grid of learning rates between best accuracy and widest sample basin, in every replicate.

    UNTOLD where both are at one end of the grid: the peaks lie beyond.
    """
    best, widest = (data[f"rate_{name}"].argmax(0) for name in ("accuracy", "sample_radius"))
    last = len(data["rate_accuracy"]) - 1
    inside = (best != widest) | ((best > 0) & (best < last))
    return np.where(inside & tuned_fitted(data, "rate"), np.abs(best - widest).astype(float), UNTOLD)


def drops_sharply(data: Data) -> np.ndarray:
    """Whether the weight basin shrinks to a half or less from one batch size to the next, in every replicate."""
    basin = bounded_radius(data, "batch_weight")
    return (basin[1:] / basin[:-1]).min(axis=0) <= DROP


def fall_with_basin(data: Data) -> np.ndarray:
    """Points lost where the weight basin shrinks most from one batch size to the next, less the most lost elsewhere."""
    shrunk = -np.diff(np.log(bounded_radius(data, "batch_weight")), axis=0)
    lost = -100 * np.diff(data["batch_accuracy"], axis=0)
    there = shrunk == shrunk.max(0)
    fall = np.where(there, lost, -np.inf).max(0) - np.where(there, -np.inf, lost).max(0)
    return np.where(drops_sharply(data), fall, UNTOLD)


def sample_left(data: Data) -> np.ndarray:
    """Sample basin of the largest batches over the largest of all batch sizes."""
    sample = bounded_radius(data, "batch_sample")
    return np.where(drops_sharply(data), sample[-1] / sample.max(0), UNTOLD)


def sensitivity(data: Data, sweep: str) -> np.ndarray:
    """Largest over smallest weight basin, over the same of the sample basin, every replicate.

    Of the rates those count that are in the range that is printed, of which there must be two.
    """
    low, high = PRINTED_RATES
    rates = data["rates"] if sweep == "rate" else np.array([])
    inside = (rates >= low) & (rates <= high)
    kept = inside if inside.sum() > 1 else slice(None)

    def change(space: str) -> np.ndarray:
        of_all = bounded_radius(data, f"{sweep}_{space}")[kept]
        return of_all.max(0) / of_all.min(0)

    fitted = (data[f"{sweep}_train_accuracy"][kept] >= FITTED).all(0)
    return np.where(fitted, change("weight") / change("sample"), UNTOLD)


def late_change(data: Data, space: str) -> np.ndarray:
    """Relative change of the basin over the last step of depth, at the largest width, in every replicate.

    UNTOLD where it does not first grow with depth, in sample space, or shrink, in weight space, by a tenth.
    """
    radius = bounded_radius(data, f"size_{space}")[:, -1]
    first = radius[-2] / radius[0] if space == "sample" else radius[0] / radius[-2]
    fitted = (data["size_train_accuracy"][:, -1] >= FITTED).all(0)
    return np.where(fitted & (first >= FIRST_CHANGE), np.abs(radius[-1] / radius[-2] - 1), UNTOLD)

"""What Figure 3i and 3j and the first version's Figure 4b say of depth and width."""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from figures.opt_npt.digit_networks import PUBLISHED
from figures.opt_npt.trends import kendall
from toymodels.claims import AFTER, Claim, Quantity, Statistic, every_run, median

DEVIATIONS = 2.0  # standard errors beyond which one depth is better than another


def peak_excess(data: Data, low: int, high: int) -> np.ndarray:
    """Per width: best depth in [low, high] above the best other one, in standard errors of their difference."""
    accuracy = data["accuracy"]
    mean = accuracy.mean(-1)
    variance = accuracy.var(-1, ddof=1) / accuracy.shape[-1]
    inside = (data["depths"] >= low) & (data["depths"] <= high)
    columns = np.arange(mean.shape[1])
    best, other = (np.where(part[:, None], mean, -1.0).argmax(0) for part in (inside, ~inside))
    error = np.sqrt(variance[best, columns] + variance[other, columns])
    return (mean[best, columns] - mean[other, columns]) / error


def widest_minus_narrowest(data: Data, name: str) -> np.ndarray:
    """Per depth, mean over replicates."""
    mean = data[name].mean(-1)
    return mean[:, -1] - mean[:, 0]


def depth_of_least_gradient(data: Data) -> np.ndarray:
    """Depth at which the mean rank gradient of the first layer is least, one value a width."""
    return data["depths"][data["gradient"].mean(-1).argmin(0)]


def lost_with_depth(data: Data) -> np.ndarray:
    """Kendall's tau of width and accuracy lost from the best depth to the deepest network, one value a run."""
    return kendall((data["accuracy"].max(0) - data["accuracy"][-1]).T)


def quartile(values: np.ndarray) -> float:
    """Lower quartile: the largest of `values` (n,) that at least three quarters of them reach."""
    return np.sort(values)[len(values) // 4]


every_depth = Statistic("every depth", every_run.of)
most_widths = Statistic("three quarters of the widths", every_run.of, share=0.75)
lower_quartile = Statistic("lower quartile", quartile)

LEAST_DEEP = (
    "with 10,000 digits it is smallest at 4 or 6 layers and nearly level from 4 to 8; with 1,000 it falls all the way "
    "to 20 layers, which learn least"
)
UNTRAINED = "the deepest networks hardly learn in 100 steps on 1,000 digits, unlike the paper's on 60,000"
CLAIMS = (
    Claim(
        "accuracy_by_depth.best-depth",
        "Figure 3i",
        "The best depth is 6 to 8 layers, whatever the width.",
        Quantity(
            "by how many standard errors of the difference the best of 5 to 9 layers beats the best other depth, at "
            "each width",
            lambda data: peak_excess(data, 5, 9),
        ),
        (lower_quartile > DEVIATIONS).open_if(lower_quartile.between(-DEVIATIONS, DEVIATIONS)),
        decisive=PUBLISHED,
        why="with 1,000 digits and a few runs the differences between 4, 6 and 8 layers are of the size of the spread",
        defence="60,000 digits and more runs would tell depths apart that differ by less than their spread here",
    ),
    Claim(
        "accuracy_by_depth.wider-is-better",
        "Figure 3i",
        "At a given depth wider networks classify better.",
        Quantity(
            "mean accuracy of the widest network less that of the narrowest",
            lambda data: widest_minus_narrowest(data, "accuracy"),
        ),
        every_depth > 0,
        decisive=PUBLISHED,
    ),
    Claim(
        "accuracy_by_depth.narrow-lose-more",
        "Figure 3i",
        "The decline of accuracy in deep networks is the more pronounced the narrower they are.",
        Quantity("Kendall's tau of width and accuracy lost from the best to the largest depth", lost_with_depth),
        median < -0.6,
        fixed=AFTER,
        decisive=PUBLISHED,
        why="three widths; in some runs neighbouring ones lose about as much",
        defence="three runs of three widths scatter, and the paper's widths go up to 1,280",
    ),
    Claim(
        "accuracy_by_depth.wider-is-flatter",
        "Figure 3j",
        "At a given depth wider networks have a smaller gradient in the first hidden layer.",
        Quantity(
            "mean gradient of the widest network less that of the narrowest",
            lambda data: widest_minus_narrowest(data, "gradient"),
        ),
        every_depth < 0,
        fixed=AFTER,
        decisive=PUBLISHED,
        why="true at all depths but 20, where the narrowest network learns little from 1,000 digits (test accuracy "
        "about a third) and its gradient stays low",
        defence=UNTRAINED,
    ),
    Claim(
        "accuracy_by_depth.least-gradient",
        "Figure 3j",
        "The first layer's gradient is smallest near 6 layers.",
        Quantity("depth of the smallest mean gradient of the first hidden layer", depth_of_least_gradient),
        most_widths.between(5, 8),
        fixed=AFTER,
        decisive=PUBLISHED,
        why=LEAST_DEEP,
        defence=UNTRAINED,
    ),
    Claim(
        "accuracy_by_depth.least-gradient-old",
        "First version, Figure 4b",
        "The first hidden layer holds most non-order-preserving neurons in networks of about 8 layers.",
        Quantity(
            "distance from 8 layers of the depth of the smallest mean gradient of the first hidden layer",
            lambda data: np.abs(depth_of_least_gradient(data) - 8.0),
        ),
        most_widths.between(0, 1),
        fixed=AFTER,
        decisive=PUBLISHED,
        why=LEAST_DEEP,
        defence=UNTRAINED,
    ),
)

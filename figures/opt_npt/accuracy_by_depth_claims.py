"""What Figure 3i and 3j and the first version's Figure 4b say of depth and width."""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from figures.opt_npt.digit_networks import PAPER_WIDTH, PUBLISHED, published
from figures.opt_npt.trends import kendall
from toymodels.claims import AFTER, Claim, Criterion, Quantity, Statistic, every_run, median

DEVIATIONS = 2.0  # standard errors beyond which one depth or width is better than another


def peak_excess(data: Data, low: int, high: int, name: str = "accuracy", sign: int = 1) -> np.ndarray:
    """Per width: best depth in [low, high] above the best other one, in standard errors of their difference.

    The best is the largest with `sign` 1, the smallest with -1.
    """
    runs = sign * published(data, name)
    mean, variance = runs.mean(-1), runs.var(-1, ddof=1) / runs.shape[-1]
    inside = (data["depths"] >= low) & (data["depths"] <= high)
    columns = np.arange(mean.shape[1])
    best, other = (np.where(part[:, None], mean, -np.inf).argmax(0) for part in (inside, ~inside))
    error = np.sqrt(variance[best, columns] + variance[other, columns])
    return (mean[best, columns] - mean[other, columns]) / error


def widest_minus_narrowest(data: Data, name: str) -> np.ndarray:
    """Per depth, difference of the means over replicates in its standard errors."""
    runs = published(data, name)[:, [0, -1]]
    mean, variance = runs.mean(-1), runs.var(-1, ddof=1) / runs.shape[-1]
    return (mean[:, 1] - mean[:, 0]) / np.sqrt(variance.sum(1))


def lost_with_depth(data: Data) -> np.ndarray:
    """Kendall's tau of width and accuracy lost from the best depth to the deepest network, one value a run."""
    accuracy = published(data, "accuracy")
    return kendall((accuracy.max(0) - accuracy[-1]).T)


def quartile(values: np.ndarray) -> float:
    """Lower quartile: the largest of `values` (n,) that at least three quarters of them reach."""
    return np.sort(values)[len(values) // 4]


every_depth = Statistic("every depth", every_run.of)
median_depth = Statistic("median depth", np.median)
lower_quartile = Statistic("lower quartile", quartile)
excess = Statistic("excess", every_run.of)


def beyond_error(statistic: Statistic) -> Criterion:
    """More than DEVIATIONS, and open where the sign is not clear."""
    return (statistic > DEVIATIONS).open_if(statistic.between(-DEVIATIONS, DEVIATIONS))


def at_most_depths() -> Criterion:
    """More than DEVIATIONS at the median depth, and nowhere less than -DEVIATIONS."""
    return beyond_error(median_depth) & (every_depth > -DEVIATIONS)


def least_excess(low: int, high: int, words: str, widths: slice = slice(None)) -> Quantity:
    """How far the gradient of the first hidden layer is smallest in this range of depths, at some of the widths."""
    words = (
        "by how many standard errors of the difference the smallest mean gradient of the first hidden layer at "
        f"{low} to {high} layers is below the smallest at other depths, {words}"
    )
    return Quantity(words, lambda data: peak_excess(data, low, high, "gradient", -1)[widths])


WIDTHS = f"at each width from {PAPER_WIDTH} on"
LEAST_DEEP = (
    "with 10,000 digits it is smallest at 4 or 6 layers, which differ by less than the spread of three runs, and "
    "little larger at 8; with 1,000 it falls all the way to 20 layers, which learn least"
)
UNTRAINED = (
    "100 or 200 steps on 1,000 or 10,000 digits, at widths up to 256, teach the deepest networks less than the paper's "
    "training on 60,000"
)
SATURATES = "the paper lets both saturate beyond a certain width"
CLAIMS = (
    Claim(
        "accuracy_by_depth.best-depth",
        "Figure 3i",
        "The best depth is 6 to 8 layers, whatever the width.",
        Quantity(
            "by how many standard errors of the difference the best of 5 to 9 layers beats the best other depth, "
            f"{WIDTHS}",
            lambda data: peak_excess(data, 5, 9),
        ),
        beyond_error(lower_quartile),
        decisive=PUBLISHED,
        why="with 1,000 digits and a few runs the differences between 4, 6 and 8 layers are of the size of the spread",
        defence="60,000 digits and more runs would tell depths apart that differ by less than their spread here",
    ),
    Claim(
        "accuracy_by_depth.wider-is-better",
        "Figure 3i",
        "At a given depth wider networks classify better.",
        Quantity(
            f"mean accuracy of the widest network less that of the narrowest from {PAPER_WIDTH} on, in standard errors",
            lambda data: widest_minus_narrowest(data, "accuracy"),
        ),
        at_most_depths(),
        fixed=AFTER,
        decisive=PUBLISHED,
        why="the wider network is better at most depths, not by more than the spread of three runs",
        defence=SATURATES,
    ),
    Claim(
        "accuracy_by_depth.narrow-lose-more",
        "Figure 3i",
        "The decline of accuracy in deep networks is the more pronounced the narrower they are.",
        Quantity(
            f"Kendall's tau of width, from {PAPER_WIDTH} on, and accuracy lost from the best to the largest depth",
            lost_with_depth,
        ),
        median < -0.6,
        fixed=AFTER,
        decisive=PUBLISHED,
        why="in some runs neighbouring widths lose about as much",
        defence="three runs of two widths scatter, and the paper's widths go up to 1,280",
    ),
    Claim(
        "accuracy_by_depth.wider-is-flatter",
        "Figure 3j",
        "At a given depth wider networks have a smaller gradient in the first hidden layer.",
        Quantity(
            f"mean gradient of the narrowest network from {PAPER_WIDTH} on less that of the widest, in standard errors",
            lambda data: -widest_minus_narrowest(data, "gradient"),
        ),
        at_most_depths(),
        fixed=AFTER,
        decisive=PUBLISHED,
        why="smaller at most depths, not by more than the spread of three runs",
        defence=SATURATES,
    ),
    Claim(
        "accuracy_by_depth.least-gradient",
        "Figure 3j",
        "The first layer's gradient is smallest near 6 layers.",
        least_excess(5, 8, WIDTHS),
        beyond_error(lower_quartile),
        fixed=AFTER,
        decisive=PUBLISHED,
        why=LEAST_DEEP,
        defence=UNTRAINED,
    ),
    Claim(
        "accuracy_by_depth.least-gradient-old",
        "First version, Figure 4b",
        "The first hidden layer of networks of width 128 holds most non-order-preserving neurons at about 8 layers.",
        least_excess(7, 9, f"at the narrowest width from {PAPER_WIDTH} on", slice(1)),
        beyond_error(excess),
        fixed=AFTER,
        decisive=PUBLISHED,
        why=LEAST_DEEP,
        defence=UNTRAINED,
    ),
)

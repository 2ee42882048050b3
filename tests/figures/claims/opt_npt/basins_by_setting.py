"""Basins of five depths, four widths and three runs, or of five rates or batch sizes, that stand in a given order.

Kendall's tau of five values is that of ten pairs: .8 with one pair exchanged, .6 with two. Of four values it is that of
six pairs: 2/3 with one exchanged, and 1/2 with one exchanged and one that is even.
"""

import numpy as np

from tests.figures.claims import Case

ENOUGH = {"samples": np.array(10_000)}
SORTED, ONE_OFF, TWO_OFF = np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 2, 4, 3, 5]), np.array([2.0, 1, 4, 3, 5])
FOUR_ONE_OFF, FOUR_HALF = np.array([1.0, 3, 2, 4]), np.array([2.0, 1, 2, 4])  # tau 2/3 and 1/2
WIDER, NARROWER = "broader-wider-in-weights", "broader-narrower-in-weights-old"
SLIGHTER = np.array([1.0, 1.1, 1.3])  # what the next run has of the first


def by_depth(space: str, order: np.ndarray) -> dict[str, np.ndarray]:
    """Radii (5, 4, 3) in this order of depth, but in the last run of the opposite; at a depth they fall with width."""
    along = np.stack([order, order, 6 - order], axis=-1)[:, None, :]
    return ENOUGH | {f"size_{space}_radius": along / np.array([2.0, 3, 5, 7])[:, None]}


def by_width(space: str, order: np.ndarray) -> dict[str, np.ndarray]:
    """Radii (5, 4, 3) in this order of width, but in the last run of the opposite; at a width they fall with depth."""
    along = np.stack([order, order, 5 - order], axis=-1)[None]
    return ENOUGH | {f"size_{space}_radius": along / np.array([2.0, 3, 5, 7, 11])[:, None, None]}


def same_start(*orders: np.ndarray) -> dict[str, np.ndarray]:
    """Radii (1, 4, 3) at a single depth, each run in an order of its own."""
    return ENOUGH | {"fixed_weight_radius": np.stack(orders, axis=-1)[None] * SLIGHTER}


def tuned(name: str, *orders: np.ndarray) -> dict[str, np.ndarray]:
    """Values (5, 3) of a sweep, each run in an order of its own."""
    return ENOUGH | {name: np.stack(orders, axis=-1) * SLIGHTER / 10}


def peaks(accuracy: tuple[int, int, int], radius: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Test accuracies and sample basins (5, 3) that are largest at these rates of each run and level elsewhere."""
    runs, curves = np.arange(3), {"rate_accuracy": np.full((5, 3), 0.8), "rate_sample_radius": np.full((5, 3), 0.3)}
    curves["rate_accuracy"][accuracy, runs] += 0.1
    curves["rate_sample_radius"][radius, runs] += 0.05
    return ENOUGH | curves


def drops(*lost_there: float) -> dict[str, np.ndarray]:
    """Points lost where the weight basin shrinks by the largest factor; 3 is the most that is lost over other steps.

    It shrinks 2.5-fold from the third batch size to the fourth, without end from the fourth, 2.4-fold from the second;
    the largest difference of radii, from 2 to 1.2, is elsewhere.
    """
    first, second, third = lost_there
    lost = np.array([[1, 2, first, 3], [3, 2, 1, second], [1, third, 3, 2]]) / 100
    radius = np.array([[2, 1.2, 1, 0.4, 0.3], [2, 1.2, 1, 0.8, 0], [2, 1.2, 0.5, 0.4, 0.3]])
    accuracy = np.array([[0.97], [0.95], [0.9]]) - np.c_[np.zeros(3), lost.cumsum(axis=1)]
    return ENOUGH | {"batch_weight_radius": radius.T, "batch_accuracy": accuracy.T}


def left(*shares: float) -> dict[str, np.ndarray]:
    """Sample basins that are widest in the middle, and of which this share is left at the largest batches."""
    sample = np.array([0.5, 0.6, 1, 0.9, 0])[:, None] + np.array([0, 0, 0, 0, 1.0])[:, None] * np.array(shares)
    return ENOUGH | {"batch_sample_radius": sample * SLIGHTER / 2}


def changes(rate: tuple[float, float, float], batch: tuple[float, float, float]) -> dict[str, np.ndarray]:
    """Sample basins from .25 to .5, twice, and weight basins from .2 to .4 times the given numbers of each run."""
    radii = {}
    for sweep, factors in (("rate", rate), ("batch", batch)):
        weight, sample = np.full((5, 3), 0.25), np.full((5, 3), 0.4)
        weight[1], weight[3] = 0.4 * np.array(factors), 0.2
        sample[2], sample[3] = 0.25, 0.5
        radii |= {f"{sweep}_weight_radius": weight, f"{sweep}_sample_radius": sample}
    return ENOUGH | radii


def last_changes(space: str, *of_widths: float) -> dict[str, np.ndarray]:
    """Radii (5, 4, 3) that double from depth to depth, and over the last step change by a share, up, down and up."""
    radius = 0.05 * 2.0 ** np.arange(5)[:, None, None] * np.ones((4, 3))
    radius[-1] = radius[-2] * (1 + np.array(of_widths)[:, None] * [1, -1, 1])
    return ENOUGH | {f"size_{space}_radius": radius}


CASES = {
    "deeper-wider-in-samples": Case(by_depth("sample", ONE_OFF), by_depth("sample", TWO_OFF), (0.8, 0.6)),
    "deeper-narrower-in-weights": Case(by_depth("weight", 6 - ONE_OFF), by_depth("weight", 6 - TWO_OFF), (-0.8, -0.6)),
    "broader-wider-in-samples": Case(by_width("sample", FOUR_ONE_OFF), by_width("sample", FOUR_HALF), (2 / 3, 0.5)),
    WIDER: Case(by_width("weight", FOUR_ONE_OFF), by_width("weight", FOUR_HALF), (2 / 3, 0.5)),
    NARROWER: Case(by_width("weight", 5 - FOUR_ONE_OFF), by_width("weight", 5 - FOUR_HALF), (-2 / 3, -0.5)),
    "same-start-by-width": Case(
        same_start(5 - FOUR_ONE_OFF, np.array([4.0, 3, 2, 1]), 5 - FOUR_ONE_OFF),
        same_start(5 - FOUR_HALF, np.array([1.0, 2, 3, 4]), 5 - FOUR_HALF),
        (-2 / 3, -0.5),
    ),
    "rate-widens-weights": Case(
        tuned("rate_weight_radius", ONE_OFF, SORTED, ONE_OFF),
        tuned("rate_weight_radius", TWO_OFF, 6 - SORTED, TWO_OFF),
        (0.8, 0.6),
    ),
    # places that are 0, 0, 0 and 1, 1, 2 steps apart
    "best-rate": Case(peaks((1, 3, 2), (1, 3, 2)), peaks((1, 3, 2), (2, 2, 4)), (0, 1)),
    "small-batch-widens-weights": Case(
        tuned("batch_weight_radius", 6 - ONE_OFF, 6 - SORTED, 6 - ONE_OFF),
        tuned("batch_weight_radius", 6 - TWO_OFF, SORTED, 6 - TWO_OFF),
        (-0.8, -0.6),
    ),
    "small-batch-widens-samples": Case(
        tuned("batch_sample_radius", 6 - ONE_OFF, 6 - SORTED, 6 - ONE_OFF),
        tuned("batch_sample_radius", 6 - TWO_OFF, SORTED, 6 - TWO_OFF),
        (-0.8, -0.6),
    ),
    # 5 - 3, 4 - 3, 6 - 3; 2.5 - 3, 2 - 3, 1 - 3
    "accuracy-falls-with-basin": Case(drops(5, 4, 6), drops(2.5, 2, 1), (2, -1)),
    "sample-basin-stays": Case(left(0.55, 0.8, 0.6), left(0.45, 0.3, 0.4), (0.6, 0.4)),
    "small-batch-accuracy": Case(
        tuned("batch_accuracy", 6 - ONE_OFF, 6 - SORTED, 6 - ONE_OFF),
        tuned("batch_accuracy", 6 - TWO_OFF, SORTED, 6 - TWO_OFF),
        (-0.8, -0.6),
    ),
    "small-rate-widens-samples-old": Case(
        tuned("rate_sample_radius", 6 - ONE_OFF, 6 - SORTED, 6 - ONE_OFF),
        tuned("rate_sample_radius", 6 - TWO_OFF, SORTED, 6 - TWO_OFF),
        (-0.8, -0.6),
    ),
    "small-rate-widens-weights-old": Case(
        tuned("rate_weight_radius", 6 - ONE_OFF, 6 - SORTED, 6 - ONE_OFF),
        tuned("rate_weight_radius", 6 - TWO_OFF, SORTED, 6 - TWO_OFF),
        (-0.8, -0.6),
    ),
    # of all six runs the median is (1.3 + 1.5) / 2, and (.95 + 1.2) / 2: the batch size alone fails
    "weights-more-sensitive": Case(
        changes(rate=(1.5, 1.2, 2), batch=(1.3, 1.1, 3)),
        changes(rate=(1.5, 1.2, 2), batch=(0.9, 0.95, 0.8)),
        (1.4, 1.075),
    ),
    # three runs of each width: the median lies between those of the second and of the third width
    "sample-basin-saturates": Case(
        last_changes("sample", 0.02, 0.06, 0.08, 0.3), last_changes("sample", 0.02, 0.11, 0.13, 0.3), (0.07, 0.12)
    ),
    "weight-basin-saturates": Case(
        last_changes("weight", 0.02, 0.06, 0.08, 0.3), last_changes("weight", 0.02, 0.11, 0.13, 0.3), (0.07, 0.12)
    ),
}

"""Basins of five depths, four widths and three runs, or of five rates or batch sizes and four runs, in a given order.

Of the four runs one is on the other side of the bound, which leaves the median where the two in the middle are.

Kendall's tau of five values is that of ten pairs: .8 with one pair exchanged, .6 with two. Of four values it is that of
six pairs: 2/3 with one exchanged, and 1/2 with one exchanged and one that is even.
"""

import numpy as np

from tests.figures.claims import Case

ENOUGH = {
    "samples": np.array(10_000),
    "widths": np.array([128, 256, 512, 1024]),
    "rates": np.array([0.05, 0.1, 0.2, 0.37, 0.5]),
    "size_train_accuracy": np.ones((5, 4, 3)),
    "fixed_train_accuracy": np.ones((1, 4, 5)),
    "rate_train_accuracy": np.full((5, 4), 0.95),
    "batch_train_accuracy": np.full((5, 4), 0.95),
}
SORTED, ONE_OFF, TWO_OFF = np.array([1.0, 2, 3, 4, 5]), np.array([1.0, 2, 4, 3, 5]), np.array([2.0, 1, 4, 3, 5])
FOUR_SORTED, FOUR_ONE_OFF, FOUR_HALF = np.array([[1.0, 2, 3, 4], [1, 3, 2, 4], [2, 1, 2, 4]])  # tau 1, 2/3 and 1/2
WIDER, NARROWER = "broader-wider-in-weights", "broader-narrower-in-weights-old"
LARGER = np.array([1.0, 1.1, 1.3, 1.7])  # what the next run has of the first


def by_depth(space: str, order: np.ndarray) -> dict[str, np.ndarray]:
    """Radii (5, 4, 3) in this order of depth, but in the last run of the opposite; at a depth they fall with width."""
    along = np.stack([order, order, 6 - order], axis=-1)[:, None, :]
    return ENOUGH | {f"size_{space}_radius": along / np.array([2.0, 3, 5, 7])[:, None]}


def by_width(space: str, order: np.ndarray) -> dict[str, np.ndarray]:
    """Radii (5, 4, 3) in this order of width, but in the last run of the opposite; at a width they fall with depth."""
    along = np.stack([order, order, 5 - order], axis=-1)[None]
    return ENOUGH | {f"size_{space}_radius": along / np.array([2.0, 3, 5, 7, 11])[:, None, None]}


def same_start(*orders: np.ndarray) -> dict[str, np.ndarray]:
    """Radii (1, 4, 5) at a single depth, each of five runs in an order of its own."""
    return ENOUGH | {"fixed_weight_radius": np.stack(orders, axis=-1)[None] * np.array([1, 1.1, 1.3, 1.7, 2])}


def tuned(name: str, *orders: np.ndarray) -> dict[str, np.ndarray]:
    """Values (5, 4) of a sweep, each run in an order of its own."""
    return ENOUGH | {name: np.stack(orders, axis=-1) * LARGER / 10}


def falling(name: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Values (5, 4) of a sweep that fall but for one exchanged pair, and but for two."""
    return (
        tuned(name, 6 - ONE_OFF, SORTED, 6 - SORTED, 6 - ONE_OFF),
        tuned(name, 6 - TWO_OFF, SORTED, 6 - SORTED, 6 - TWO_OFF),
    )


def peaks(accuracy: list[int], radius: list[int]) -> dict[str, np.ndarray]:
    """Test accuracies and sample basins (5, 4) that are largest at these rates of each run and level elsewhere."""
    runs, curves = np.arange(4), {"rate_accuracy": np.full((5, 4), 0.8), "rate_sample_radius": np.full((5, 4), 0.3)}
    curves["rate_accuracy"][accuracy, runs] += 0.1
    curves["rate_sample_radius"][radius, runs] += 0.05
    return ENOUGH | curves


SHARP = np.array([[2, 1.2, 1, 0.4, 0.3], [2, 1.2, 1, 0.8, 0], [2, 1.2, 0.5, 0.4, 0.3], [2, 1.2, 1, 0.4, 0.3]])


def drops(*lost_there: float) -> dict[str, np.ndarray]:
    """Points lost where the weight basin shrinks by the largest factor; 3 is the most that is lost over other steps.

    It shrinks 2.5-fold from the third batch size, to nothing from the fourth, 2.4-fold from the second, and 2.5-fold
    from the third again; the largest difference of radii, from 2 to 1.2, is elsewhere.
    """
    first, second, third, fourth = lost_there
    lost = np.array([[1, 2, first, 3], [3, 2, 1, second], [1, third, 3, 2], [3, 1, fourth, 2]]) / 100
    accuracy = np.array([[0.97], [0.95], [0.9], [0.93]]) - np.c_[np.zeros(4), lost.cumsum(axis=1)]
    return ENOUGH | {"batch_weight_radius": SHARP.T, "batch_accuracy": accuracy.T}


def left(*shares: float) -> dict[str, np.ndarray]:
    """Sample basins that are widest in the middle, and of which this share is left at the largest batches."""
    sample = np.array([0.5, 0.6, 1, 0.9, 0])[:, None] + np.array([0, 0, 0, 0, 1.0])[:, None] * np.array(shares)
    return ENOUGH | {"batch_weight_radius": SHARP.T, "batch_sample_radius": sample * LARGER / 2}


def changes(sweep: str, *factors: float) -> dict[str, np.ndarray]:
    """Sample basins from .25 to .5, twice, and weight basins from .2 to .4 times the given numbers of each run.

    The first rate is below those that are printed, and would change both tenfold.
    """
    weight, sample = np.full((5, 4), 0.25), np.full((5, 4), 0.4)
    weight[1], weight[3] = 0.4 * np.array(factors), 0.2
    sample[2], sample[3] = 0.25, 0.5
    if sweep == "rate":
        weight[0], sample[0] = 2, 0.025
    return ENOUGH | {f"{sweep}_weight_radius": weight, f"{sweep}_sample_radius": sample}


def last_changes(space: str, *of_runs: float) -> dict[str, np.ndarray]:
    """Radii (5, 4, 3) that double from depth to depth in sample space and halve in weight space.

    Over the last step the widest change by a share, up, down and up, and narrower ones double or halve again.
    """
    of_depths = 0.05 * 2.0 ** np.arange(5)
    radius = (of_depths if space == "sample" else of_depths[::-1])[:, None, None] * np.ones((4, 3))
    radius[-1, -1] = radius[-2, -1] * (1 + np.array(of_runs) * [1, -1, 1])
    return ENOUGH | {f"size_{space}_radius": radius}


CASES = {
    "deeper-wider-in-samples": Case(by_depth("sample", ONE_OFF), by_depth("sample", TWO_OFF), (0.8, 0.6)),
    "deeper-narrower-in-weights": Case(by_depth("weight", 6 - ONE_OFF), by_depth("weight", 6 - TWO_OFF), (-0.8, -0.6)),
    "broader-wider-in-samples": Case(by_width("sample", FOUR_ONE_OFF), by_width("sample", FOUR_HALF), (2 / 3, 0.5)),
    WIDER: Case(by_width("weight", FOUR_ONE_OFF), by_width("weight", FOUR_HALF), (2 / 3, 0.5)),
    NARROWER: Case(by_width("weight", 5 - FOUR_ONE_OFF), by_width("weight", 5 - FOUR_HALF), (-2 / 3, -0.5)),
    # of five orders one is the opposite, one is sorted, and three have the median
    "same-start-by-width": Case(
        same_start(*[5 - FOUR_ONE_OFF] * 3, FOUR_SORTED, 5 - FOUR_SORTED),
        same_start(*[5 - FOUR_HALF] * 3, FOUR_SORTED, 5 - FOUR_SORTED),
        (-2 / 3, -0.5),
    ),
    "rate-widens-weights": Case(
        tuned("rate_weight_radius", ONE_OFF, SORTED, 6 - SORTED, ONE_OFF),
        tuned("rate_weight_radius", TWO_OFF, SORTED, 6 - SORTED, TWO_OFF),
        (0.8, 0.6),
    ),
    # places that are 0, 0, 0 and 3 steps apart; 1, 1, 2 and 0
    "best-rate": Case(peaks([1, 3, 2, 4], [1, 3, 2, 1]), peaks([1, 3, 2, 3], [2, 2, 4, 3]), (0, 1)),
    "small-batch-widens-weights": Case(*falling("batch_weight_radius"), (-0.8, -0.6)),
    "small-batch-widens-samples": Case(*falling("batch_sample_radius"), (-0.8, -0.6)),
    # 5 - 3, 4 - 3, 6 - 3 and 2 - 3, in the middle 1 and 2; 2.5 - 3, 2 - 3, 1 - 3 and 4 - 3, in the middle -.5 and -1
    "accuracy-falls-with-basin": Case(drops(5, 4, 6, 2), drops(2.5, 2, 1, 4), (1.5, -0.75)),
    # in the middle .55 and .65, and .35 and .45
    "sample-basin-stays": Case(left(0.55, 0.8, 0.3, 0.65), left(0.45, 0.3, 0.8, 0.35), (0.6, 0.4)),
    "small-batch-accuracy": Case(*falling("batch_accuracy"), (-0.8, -0.6)),
    # of eight the two in the middle; in the one space alone the median is -.6
    "small-rate-widens-old": Case(
        falling("rate_sample_radius")[0] | falling("rate_weight_radius")[0],
        falling("rate_sample_radius")[0] | falling("rate_weight_radius")[1],
        (-0.8, -0.7),
    ),
    # in the middle 1.1 and 1.3, and .9 and .95
    "batch-moves-weights-more": Case(
        changes("batch", 1.3, 1.1, 3, 0.7), changes("batch", 0.9, 0.95, 0.8, 3), (1.2, 0.925)
    ),
    "rate-moves-weights-more": Case(
        changes("rate", 1.3, 1.1, 3, 0.7), changes("rate", 0.9, 0.95, 0.8, 3), (1.2, 0.925)
    ),
    "sample-basin-saturates": Case(
        last_changes("sample", 0.02, 0.07, 0.09), last_changes("sample", 0.3, 0.12, 0.11), (0.07, 0.12)
    ),
    "weight-basin-saturates": Case(
        last_changes("weight", 0.02, 0.07, 0.09), last_changes("weight", 0.3, 0.12, 0.11), (0.07, 0.12)
    ),
}

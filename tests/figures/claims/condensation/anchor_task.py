"""Five transformers at four rates, of the published width, some of which do not answer unseen keys at some rate.

Runs 0 and 3 answer them at every rate, run 1 up to the third, run 2 at all but the second, run 4 at the first two. What
a claim reads at other rates than those would turn its verdict or number, as the mean of the runs would for the median.
"""

import numpy as np

from tests.figures.claims import Case


def by_rate(*runs: list[float]) -> np.ndarray:
    """(rate, run), of one list a run from the smallest rate on."""
    return np.transpose(runs)


SEEN = by_rate(  # .95 is enough
    [0.96, 0.98, 0.99, 0.97],
    [0.97, 0.96, 0.98, 0.94],
    [0.98, 0.90, 0.97, 0.95],
    [0.99, 0.97, 0.96, 1.00],
    [0.95, 0.99, 0.80, 0.93],
)
LAST = ([3, 2, 3, 3, 1], range(5))  # rate and run
WIDTH = {"width": np.full((4, 5), 400)}
ANSWERED = WIDTH | {"seen": SEEN}


def at_the_largest_rate(values: list[float], elsewhere: float) -> np.ndarray:
    """The values of the runs at the largest rates at which they answer, another one elsewhere."""
    found = np.full((4, 5), elsewhere)
    found[LAST] = values
    return found


def cosines(*runs: list[float]) -> dict[str, np.ndarray]:
    """One list a run."""
    return ANSWERED | {"cosine": by_rate(*runs)}


def remembered(seen: list[float]) -> dict[str, np.ndarray]:
    """At the smallest rate all runs know their training data, at others not; `seen` are unseen keys there."""
    train = [[0.96, 0.99, 1.00, 0.95, 0.97], [0.97, 1.00, 0.94, 0.98, 0.99], [1.00] * 5, [0.99, 0.90, 0.98, 1.00, 1.00]]
    return WIDTH | {"train": np.array(train), "seen": np.stack([seen, *SEEN[1:]])}


def answers(alike: np.ndarray, inferred: np.ndarray) -> dict[str, np.ndarray]:
    """Shares of answers of either kind."""
    return ANSWERED | {"alike": alike, "inferred": inferred}


CASES = {
    # last less first, of the rates at which they answer: .24, .21, .60, .10, -.50; then .18, .19, .60, .10, .05
    "condenses": Case(
        cosines(
            [0.10, 0.50, 0.12, 0.34],
            [0.20, 0.21, 0.41, 0.90],
            [0.15, 0.90, 0.10, 0.75],
            [0.30, 0.80, 0.60, 0.40],
            [0.70, 0.20, 0.90, 0.95],
        ),
        cosines(
            [0.10, 0.50, 0.12, 0.28],
            [0.20, 0.21, 0.39, 0.90],
            [0.15, 0.90, 0.10, 0.75],
            [0.30, 0.80, 0.60, 0.40],
            [0.70, 0.75, 0.90, 0.95],
        ),
        (0.21, 0.18),
    ),
    # smallest steps .02, .05, .10, -.05, -.30; then -.02, -.01, .10, -.05, .40, of runs that all end above their start
    "rises": Case(
        cosines(
            [0.10, 0.30, 0.32, 0.60],
            [0.20, 0.25, 0.41, 0.05],
            [0.15, 0.05, 0.25, 0.55],
            [0.30, 0.25, 0.60, 0.80],
            [0.70, 0.40, 0.20, 0.10],
        ),
        cosines(
            [0.10, 0.30, 0.28, 0.60],
            [0.20, 0.19, 0.41, 0.05],
            [0.15, 0.05, 0.25, 0.55],
            [0.30, 0.25, 0.60, 0.80],
            [0.10, 0.50, 0.20, 0.10],
        ),
        (0.02, -0.01),
    ),
    # .96 - .40, .99 - .48, 1 - .10, .95 - .90, .97 - .95; then .46, .49, .90, .45, .92
    "memorises": Case(
        remembered([0.40, 0.48, 0.10, 0.90, 0.95]), remembered([0.50, 0.50, 0.10, 0.50, 0.05]), (0.51, 0.49)
    ),
    # neither: .60, .55, .90, .20, .05 at the second, third, first, second and first rate; then .48, .45, .90, .40, .95
    "seen-pairs-only": Case(
        answers(
            by_rate(
                [0.90, 0.40, 0.60, 0.95],
                [0.80, 0.70, 0.20, 0.00],
                [0.10, 0.00, 0.60, 0.90],
                [0.85, 0.80, 0.90, 0.95],
                [0.95, 0.97, 0.00, 0.00],
            ),
            by_rate(
                [0.20, 0.10, 0.30, 0.90],
                [0.30, 0.10, 0.45, 0.00],
                [0.05, 0.00, 0.30, 0.80],
                [0.10, 0.20, 0.50, 0.90],
                [0.05, 0.20, 0.00, 0.00],
            ),
        ),
        answers(
            by_rate(
                [0.90, 0.52, 0.60, 0.95],
                [0.80, 0.70, 0.20, 0.00],
                [0.10, 0.00, 0.60, 0.90],
                [0.85, 0.60, 0.90, 0.95],
                [0.02, 0.97, 0.00, 0.00],
            ),
            by_rate(
                [0.20, 0.10, 0.30, 0.90],
                [0.30, 0.10, 0.55, 0.00],
                [0.05, 0.00, 0.30, 0.80],
                [0.10, 0.20, 0.50, 0.90],
                [0.05, 0.20, 0.00, 0.00],
            ),
        ),
        (0.55, 0.48),
    ),
    "answers-alike": Case(
        ANSWERED | {"alike": at_the_largest_rate([0.91, 0.99, 0.94, 0.30, 0.20], 0.3)},
        ANSWERED | {"alike": at_the_largest_rate([0.89, 0.95, 0.85, 0.30, 0.99], 1.0)},
        (0.91, 0.89),
    ),
    "infers": Case(
        ANSWERED | {"inferred": at_the_largest_rate([0.92, 0.96, 0.97, 0.10, 0.30], 0.2)},
        ANSWERED | {"inferred": at_the_largest_rate([0.88, 0.98, 0.20, 0.99, 0.50], 1.0)},
        (0.92, 0.88),
    ),
}

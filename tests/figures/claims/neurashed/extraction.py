"""Two architectures and three networks of each, above a bound in the median and below it in the mean, or reversed.

The six values lie `OVER` the bound, by .01, .02, .03 and .04 in four networks and by -.4 in two: the median is .015
over it and the mean .117 under it. Under the bound they are mirrored.
"""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED, REPRODUCED

OVER = np.array([[0.02, -0.4, 0.04], [0.03, -0.4, 0.01]])
OTHER = np.array([[0.1, -0.3, 0.2], [0.3, -0.2, 0.4]])  # rank correlations of another prediction
WHOLE = np.array([[0.5, 0.55, 0.45], [0.52, 0.56, 0.47]])  # test accuracies of another part
DRAWS = 0.01 * np.array([7, 20, 0, 13, 19, 1, 5, 2, 11, 3, 9, 4, 17, 6, 15, 8, 10, 12, 18, 14, 16])
PREDICTED = np.array([[0.5, -0.5, 1], [-1, 0.5, -0.5]])  # of the ratio, in powers of 2
SMALLEST = np.array([[8.0, 10, 12], [9, 11, 13]])  # participation at the smallest batch


def alone(name: str, over: np.ndarray) -> dict[str, np.ndarray]:
    """One number of every network."""
    return {name: over}


def compared(kind: str, other: str, over: np.ndarray) -> dict[str, np.ndarray]:
    """Correlations of the graph that exceed those of another prediction by this much."""
    return {f"{kind}_graph": OTHER + over, f"{kind}_{other}": OTHER}


def parts(over: np.ndarray) -> dict[str, np.ndarray]:
    """21 random parts .01 apart, of which the last but one is the 95th percentile, and a dominant one over that."""
    random = WHOLE[..., None] - 0.19 + DRAWS
    return {"random": random, "dominant": WHOLE + over}


def ratios(updates: np.ndarray | int = 0, epochs: np.ndarray | int = 0) -> dict[str, np.ndarray]:
    """Participation at four batch sizes, which changes by these powers of 2, or not at all; prediction and network."""

    def at_sizes(power: np.ndarray | int) -> np.ndarray:
        return np.stack([SMALLEST, 0 * SMALLEST + 200, 0 * SMALLEST + 1, SMALLEST * 2.0**power], axis=-1)

    flat = np.zeros((2, 3))
    measured = np.stack([at_sizes(updates + flat), at_sizes(epochs + flat)], axis=2)
    predicted = np.stack([at_sizes(PREDICTED if np.any(power) else flat) for power in (updates, epochs)], axis=2)
    return {"predicted_ratio": predicted, "measured_ratio": measured}


ALONG = np.array([[0.1, -2, -3], [-4, -3, -0.1]])  # along the sign predicted .1, 2, -3, 4, -3, .1: four of six
AGAINST = np.array([[3, -2, -0.1], [-4, -0.1, 0.1]])  # 3, 2, -.1, 4, -.1, -.1: three of six, the middle are -.1 and 2
AMOUNT = np.array([[1.8, 6, 1.5], [1.9, 1.7, 6]])  # the middle two are 1.8 and 1.9, the mean is 3.15
TOO_MUCH = np.array([[2.1, 0.1, 2.4], [2.3, 2.2, 0.1]])  # 2.1 and 2.2, the mean is 1.53

CASES = {
    "together": Case(alone("grouped", 0.5 + OVER), alone("grouped", 0.5 - OVER), (0.515, 0.485)),
    "together-shuffled": Case(
        alone("grouped_shuffled", 0.05 - OVER / 10), alone("grouped_shuffled", 0.05 + OVER / 10), (0.0485, 0.0515)
    ),
    "together-in-class": Case(
        alone("grouped_in_class", 0.25 - OVER / 2), alone("grouped_in_class", 0.25 + OVER / 2), (0.2425, 0.2575)
    ),
    "rules": Case(  # the third architecture has one hidden layer and nothing to explain; 0 is a share
        alone("explained", np.array([[0.52, 0, 0.54], [0.53, 0, 0.51], [-1, -1, -1]])),
        alone("explained", np.array([[0.48, 1, 0], [0.47, 1, 0.49], [-1, -1, -1]])),
        (0.515, 0.485),
    ),
    "elasticity": Case(alone("agreement_graph", 0.5 + OVER), alone("agreement_graph", 0.5 - OVER), (0.515, 0.485)),
    "elasticity-beyond-shuffled": Case(
        compared("agreement", "shuffled", 0.2 + OVER), compared("agreement", "shuffled", 0.2 - OVER), (0.215, 0.185)
    ),
    "elasticity-beyond-classes": Case(
        compared("agreement", "shuffled_in_class", OVER),
        compared("agreement", "shuffled_in_class", -OVER),
        (0.015, -0.015),
    ),
    "elasticity-beyond-inputs": Case(
        compared("agreement", "inputs", OVER), compared("agreement", "inputs", -OVER), (0.015, -0.015)
    ),
    "elasticity-pairs": Case(alone("paired_graph", 0.5 + OVER), alone("paired_graph", 0.5 - OVER), (0.515, 0.485)),
    "elasticity-pairs-beyond-classes": Case(
        compared("paired", "shuffled_in_class", OVER), compared("paired", "shuffled_in_class", -OVER), (0.015, -0.015)
    ),
    "elasticity-pairs-beyond-inputs": Case(
        compared("paired", "inputs", OVER), compared("paired", "inputs", -OVER), (0.015, -0.015)
    ),
    "dominant": Case(parts(OVER / 5), parts(-OVER / 5), (0.003, -0.003)),  # largest and 90th percentile are .01 away
    "dominant-beyond-activation": Case(
        {"dominant": WHOLE + OVER, "active": WHOLE}, {"dominant": WHOLE - OVER, "active": WHOLE}, (0.015, -0.015)
    ),
    "batch-size-updates": Case(ratios(updates=ALONG), ratios(updates=AGAINST), (0.1 * np.log(2), 0.95 * np.log(2))),
    "batch-size-amount": Case(
        ratios(updates=PREDICTED * AMOUNT),
        ratios(updates=PREDICTED * TOO_MUCH),
        (1.85, 2.15),
        also=[
            (ratios(updates=PREDICTED * AMOUNT / 3), REPRODUCED),  # .62
            (ratios(updates=PREDICTED * AMOUNT / 4.2), CONTRADICTED),  # .44
        ],
    ),
    "batch-size-epochs": Case(ratios(epochs=ALONG), ratios(epochs=AGAINST), (0.1 * np.log(2), 0.95 * np.log(2))),
}

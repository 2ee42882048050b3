"""Five runs of the graph with types 1a, 1b, 2 and 3, of which one misses what all must meet.

Elasticities are (run, base, test) and not symmetric; probabilities (time, run, type) are lowest for another type in
every run, and higher and lower before the end than at it.
"""

import numpy as np

from tests.figures.claims import Case

REST = np.array([[1, 1.2, 0.5, 0.6], [1.5, 1, 0.6, 0.1], [0.7, 0.2, 1, 0.15], [0.5, 0.4, 0.3, 1]])


def cells(name: str, **values: list[float]) -> dict[str, np.ndarray]:
    """Elasticity of five runs with values in the named cells, `b0t3`: base 0, test 3; else as in `REST`."""
    found = np.stack([REST] * 5)
    for cell, of_runs in values.items():
        found[:, int(cell[1]), int(cell[3])] = of_runs
    return {f"{name}_elasticity": found}


def largest(runs: list[float]) -> dict[str, np.ndarray]:
    """Largest elasticities between classes, each run in another pair; within class 1 they are 1.2 and 1.5."""
    found = np.stack([REST] * 5)
    for run, (base, test) in enumerate([(0, 2), (1, 3), (2, 0), (3, 1), (2, 3)]):
        found[run, base, test] = runs[run]
    return {"additive_elasticity": found}


def probabilities(name: str, lowest: list[float]) -> dict[str, np.ndarray]:
    """Probability of the true class, at the end 1 but for one type of every run."""
    end = np.ones((5, 4))
    end[np.arange(5), [0, 1, 2, 3, 1]] = lowest
    return {f"{name}_true": np.stack([0 * end + 0.25, 0 * end + 0.999, end])}


NEAR, NEXT = [0.52, 0.7, 0.6, 0.9, 0.55], [0.4, 0.49, 0.2, 0.05, 0.3]  # margins .02, .01, .1, .05 and .05
SURE, UNSURE = [0.995, 0.991, 0.999, 0.993, 0.992], [0.995, 0.991, 0.985, 0.993, 0.992]
CASES = {
    "order": Case(
        cells("additive", b0t1=NEAR, b0t2=NEXT, b0t3=[0.0] * 5),
        cells("additive", b0t1=NEAR, b0t2=NEXT, b0t3=[0, 0, 0.01, 0, 0]),  # the third margin becomes -.01
        (0.05, 0.02),
    ),
    "order-at-every-base": Case(
        largest([0.95, 0.9, 0.99, 0.8, 0.97]),  # 1, the least onto the own class, less these
        largest([0.95, 0.9, 0.99, 1.02, 0.97]),
        (0.05, 0.03),
    ),
    "order-with-decay": Case(
        cells("decaying", b3t0=[0.09, 0.05, 0.01, 0.07, 0.02]),
        cells("decaying", b3t0=[0.09, 0.05, 0.11, 0.07, 0.02]),
        (0.05, 0.07),
    ),
    "probability": Case(probabilities("additive", SURE), probabilities("additive", UNSURE), (0.993, 0.992)),
    "probability-with-decay": Case(probabilities("fading", SURE), probabilities("fading", UNSURE), (0.993, 0.992)),
}

"""Accuracies of five models that differ by known amounts, with a mean on the other side of the bound than the median.

All that is not asked for (other shares of the nodes, numbers of crops, times, batch sizes) has other accuracies.
"""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED

SHARES = np.array([0.1, 0.2, 1 / 3, 0.5, 0.75, 1])
WHOLE = np.array([0.9, 0.8, 0.7, 0.85, 0.75])
RANDOM = np.array([0.3, 0.2, 0.4, 0.35, 0.25])
FULL = np.array([0.93, 0.85, 0.97, 1, 0.975])  # full batches; the median .97 leaves room
LARGER = np.array([[0.9, 0.9, 0.7, 0.7, 0.78], [0.7, 0.7, 0.95, 0.95, 0.7], [0.6] * 5])  # medians .78, .7, .6
K = np.array([2, 4, 8, 16])


def kept(third: np.ndarray) -> np.ndarray:
    """Accuracy of five models by share of the nodes, with a third of them as given."""
    return np.stack([0 * third + 0.1, 0 * third + 0.2, third, third + 0.03, third + 0.04, third + 0.05], axis=1)


def sub_network(less: list[float]) -> dict[str, np.ndarray]:
    """A dominant third that differs from the whole by this much."""
    return {"shares": SHARES, "dominant": kept(WHOLE + less), "whole": WHOLE}


def ticket(less: list[float]) -> dict[str, np.ndarray]:
    """A third trained alone that differs from the whole by this much."""
    return {"ticket": WHOLE + np.array(less), "whole": WHOLE}


def special(over: list[float]) -> dict[str, np.ndarray]:
    """A dominant third that exceeds a random one by this much."""
    return {"shares": SHARES, "dominant": kept(RANDOM + over), "random": kept(RANDOM)}


def parts(none: list[float], one: list[float]) -> dict[str, np.ndarray]:
    """Accuracy on parts without crops and with one, at the end; at three times and for 0, 2, 1 and 4 crops."""
    ends = np.array([none, [0.8] * 5, one, [0.85] * 5])
    return {"crops": np.array([0, 2, 1, 4]), "part_accuracy": np.stack([0 * ends + 0.5, 0 * ends + 0.9, ends], axis=1)}


def against_full(over: list[float]) -> dict[str, np.ndarray]:
    """Batches of one that exceed the median of the full batch by this much, with two sizes in between."""
    return {"by_batch": np.stack([0.97 + np.array(over), 0 * FULL + 0.4, 0 * FULL + 0.99, FULL])}


def against_best(over: list[float]) -> dict[str, np.ndarray]:
    """Batches of one that exceed the best median of the larger ones by this much; the best mean is another size's."""
    return {"by_batch": np.stack([0.78 + np.array(over), *LARGER])}


def reused(over_k: list[float]) -> dict[str, np.ndarray]:
    """Ratios whose mean is this multiple of K in five graphs; in four of them a tenth more."""
    graphs = np.array([1.1, 0.6, 1.1, 1.1, 1.1])
    return {"shared_classes": K, "reuse": (K * np.array(over_k))[:, None] * graphs}


SIXTY = [0.6] * 5
CASES = {
    "sub-network": Case(
        sub_network([-0.2, -0.01, -0.3, -0.015, 0]),  # mean -.105
        sub_network([-0.04, 0.1, 0.2, -0.025, -0.03]),  # mean .041
        (-0.015, -0.025),
    ),
    "sub-network-alone": Case(
        ticket([-0.015, 0.02, -0.01, 0, 0.01]),
        ticket([-0.015, -0.025, -0.01, 0, 0.01]),
        (0, -0.01),
    ),
    "sub-network-special": Case(
        special([0.21, 0.5, 0.3, 0.25, 0.22]), special([0.21, 0.19, 0.3, 0.25, 0.22]), (0.25, 0.22)
    ),
    "crops": Case(
        parts(SIXTY, [0.97, 0.5, 0.96, 0.98, 0.6]),  # mean .802
        parts(SIXTY, [0.93, 1, 0.94, 0.92, 1]),  # mean .958
        (0.96, 0.94),
    ),
    "no-crops": Case(
        parts([1, 0.7, 0.74, 1, 0.72], SIXTY),  # mean .832
        parts([0.1, 0.76, 0.77, 0.2, 0.78], SIXTY),  # mean .522
        (0.74, 0.76),
    ),
    "small-batches": Case(
        against_full([-0.3, 0.03, 0.022, -0.2, 0.025]),  # mean -.0846
        against_full([0.06, 0.1, 0.01, -0.01, 0.015]),  # mean .035
        (0.022, 0.015),
    ),
    "smallest-batches": Case(
        against_best([-0.2, -0.01, -0.3, -0.015, 0]),  # mean -.105
        against_best([-0.04, 0.1, -0.03, 0.2, -0.025]),  # mean .041
        (-0.015, -0.025),
    ),
    "shared-features": Case(
        reused([1.08, 0.92, 1.05, 0.95]),  # the middle two are .95 and 1.05
        reused([1.08, 0.92, 1.12, 0.95]),  # .95 and 1.08
        (1, 1.015),
        also=[(reused([1.08, 0.88, 1.05, 0.95]), CONTRADICTED)],
    ),
}

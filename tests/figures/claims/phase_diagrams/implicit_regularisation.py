"""Scores over a few learning rates, batches and draws, in decades; the study calls .1 absent and .3 shown."""

import numpy as np

from tests.figures.claims import Case


def off_the_closed_form(last: float) -> dict[str, np.ndarray]:
    """Scores (2 learning rates, 3 batches, 2 draws) off by up to .09 either way, the last draw by `last`."""
    distance = np.array([[0.01, -0.02, 0.03, -0.04, 0.09, -0.09], [0.05, 0.06, -0.07, 0.08, 0, last]])
    predicted = np.array([[0, 0.1, 0.2, 0.3, 0.5, 0.8], [0.1, 0.2, 0.4, 0.6, 0.7, 0.9]])
    shape = (2, 3, 2)
    return {"layerwise_predicted": predicted.reshape(shape), "layerwise_score": (predicted + distance).reshape(shape)}


def sides(beyond: float) -> dict[str, np.ndarray]:
    """Scores (2 learning rates, 3 batches, 4 draws): the cells of .1 lie below, that of 2 in between, three beyond."""
    score = np.full((2, 3, 4), 0.3)
    score[0, 1:] = 0.29  # below
    score[1, 2] = 0.0  # in between
    score[0, 2, 1], score[1, 0, 3] = 0.31, beyond
    return {
        "layerwise_exponent": np.array([[7, 0.1, 0.4], [5, 9, 2]]),
        "critical": np.array([0.5, 4.0]),
        "layerwise_score": score,
    }


def full_batch(last: float) -> dict[str, np.ndarray]:
    """Scores (2 learning rates, 3 batches, 2 draws), in the column of 40 up to .09 but for `last`."""
    score = np.full((2, 3, 2), 0.9)
    score[:, 1] = [[0.02, -0.05], [0.09, last]]
    return {"layerwise_batch": np.array([4, 40, 20]), "layerwise_score": score}


def ordered(*ranks: float) -> dict[str, np.ndarray]:
    """Scores (2 learning rates, 3 batches, 3 draws) whose median over draws has these ranks along the exponent."""
    exponent = np.array([[8.0, 2, 0.5], [32, 4, 16]])
    cells = np.array(ranks)[exponent.ravel().argsort().argsort()].reshape(2, 3) / 10
    down = -exponent
    return {
        "condensation_exponent": exponent,
        "condensation_score": np.stack([100 + 10 * down + 320, cells, down - 10], axis=2),
    }


def one_input(rule: str, *draws: float) -> dict[str, np.ndarray]:
    """Scores (5 batches, 3 draws) of the smallest batch; .1 of all others."""
    score = np.full((5, 3), 0.1)
    score[0] = draws
    return {f"{rule}_score": score}


def graphs(last: float) -> dict[str, np.ndarray]:
    """Scores (2 batches, 3 draws) of both rules off the closed form by up to .09 either way, the last by `last`."""
    predicted = np.array([[0.5, 0.5, 0.6], [0.1, 0.1, 0.2]])
    multiplicative = np.array([[0.01, -0.03, 0.09], [-0.09, 0.02, 0.05]])
    additive = np.array([[0.04, -0.06, 0.07], [0.08, 0, last]])
    return {
        "multiplicative_score": predicted + multiplicative,
        "multiplicative_predicted": predicted,
        "additive_score": predicted / 2 + additive,
        "additive_predicted": predicted / 2,
    }


CASES = {
    "as-predicted": Case(
        off_the_closed_form(0.01),  # 0 .01 .01 .02 .03 .04 | .05 .06 .07 .08 .09 .09
        off_the_closed_form(-0.11),  # 0 .01 .02 .03 .04 .05 | .06 .07 .08 .09 .09 .11
        (0.045, 0.055),
    ),
    "one-line": Case(sides(0.3), sides(0.29), (19 / 20, 18 / 20)),
    "full-batch": Case(
        full_batch(0.04),  # -.05 .02 | .04 .09
        full_batch(0.11),  # -.05 .02 | .09 .11
        (0.03, 0.055),
    ),
    "two-layer-network": Case(
        ordered(3, 2, 1, 5, 4, 6),  # squared distances 4 + 4 + 1 + 1: rho 1 - 10 / 35
        ordered(2, 3, 4, 1, 5, 6),  # 1 + 1 + 1 + 9: rho 1 - 12 / 35
        (25 / 35, 23 / 35),
    ),
    "graph-sparser": Case(
        one_input("multiplicative", 0.3, 0.7, 0.4),
        one_input("multiplicative", 0.29, 0.7, 0.35),
        (0.4, 0.35),
    ),
    "graph-sparser-when-additive": Case(
        one_input("additive", 0.4, 0.3, 0.9),
        one_input("additive", 0.35, 0.29, 0.9),
        (0.4, 0.35),
    ),
    "graph-as-predicted": Case(
        graphs(0.03),  # 0 .01 .02 .03 .03 .04 | .05 .06 .07 .08 .09 .09
        graphs(-0.11),  # 0 .01 .02 .03 .04 .05 | .06 .07 .08 .09 .09 .11
        (0.045, 0.055),
    ),
}

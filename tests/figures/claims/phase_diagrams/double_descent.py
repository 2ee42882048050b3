"""Heights and places of peaks over four or six ridges and a few draws; the study calls .3 absent and .5 shown."""

import numpy as np

from tests.figures.claims import Case

RIDGES = np.array([1e-3, 3e-3, 1e-2, 0.1, 0.3, 1.0])
CRITICAL = np.array([0.2, 0.02])  # absent beyond the first, shown below the second: the ridge of .1 is in between


def off_the_closed_form(*distances: float) -> dict[str, np.ndarray]:
    """Heights (4 ridges, 3 draws) whose median over draws is so far from what is predicted, and whose mean is not."""
    predicted = np.array([1.2, 0.8, 0.5, 0.4])
    middle = predicted + distances
    return {"layerwise_predicted": predicted, "layerwise_score": middle[:, None] + [-0.3, 0.5, 0]}


def sides(last_shown: float, first_absent: float) -> dict[str, np.ndarray]:
    """Heights (6 ridges, 4 draws), 20 of them beyond or below: one at .49 and these two at the bounds."""
    score = np.repeat([0.9, 0.8, 0.6, 0.4, 0.1, 0.0], 4).reshape(6, 4)
    score[1, 2], score[2, 1], score[4, 3] = 0.49, last_shown, first_absent
    return {"layerwise_ridges": RIDGES, "critical": CRITICAL, "layerwise_score": score}


def places(last: float) -> dict[str, np.ndarray]:
    """Five peaks that are shown, of thresholds 1 and 60, the last one there; two that are not stand far away."""
    return {
        "layerwise_score": np.array([[0.9, 0.5, 0.49]]),
        "layerwise_place": np.array([[1.1, 1 / 1.12, 3]]),
        "condensation_threshold": np.array(60.0),
        "condensation_score": np.array([[0.7, 0.6], [0, 0.5]]),
        "condensation_place": np.array([[66, 60 / 1.14], [0, last]]),
    }


def heights(name: str, row: int, draws: tuple[float, ...]) -> dict[str, np.ndarray]:
    """Heights of four draws in one of two rows; the other one is as high as the claim denies."""
    score = np.full((2, 4), (0.1, 0.9)[row])
    score[row] = draws
    return {f"{name}_score": score}


SHOWN, ONE_NOT = (0.6, 0.5, 0.52, 0.9), (0.6, 0.5, 0.49, 0.9)  # .5 .52 | .6 .9 and .49 .5 | .6 .9
ABSENT, ONE_SHOWS = (0.29, 0.0, 0.1, 0.2), (0.29, 0.0, 0.1, 0.31)  # 0 .1 | .2 .29 and 0 .1 | .29 .31

CASES = {
    "as-predicted": Case(
        off_the_closed_form(0.19, -0.1, 0.05, -0.15),  # .05 .1 | .15 .19
        off_the_closed_form(0.19, -0.21, 0.05, -0.15),  # .05 .15 | .19 .21
        (0.125, 0.17),
    ),
    "one-line": Case(sides(0.5, 0.29), sides(0.5, 0.3), (19 / 20, 18 / 20)),
    "at-the-threshold": Case(
        places(60.0),  # 1 1.1 | 1.1 | 1.12 1.14
        places(50.0),  # 1.1 1.1 | 1.12 | 1.14 1.2
        (1.1, 1.12),
    ),
    "greedy-does-not-remove-it": Case(heights("greedy", 0, SHOWN), heights("greedy", 0, ONE_NOT), (0.56, 0.55)),
    "stopping-removes-it": Case(heights("greedy", 1, ABSENT), heights("greedy", 1, ONE_SHOWS), (0.15, 0.195)),
    "error-over-complexity": Case(heights("digits", 0, SHOWN), heights("digits", 0, ONE_NOT), (0.56, 0.55)),
    "ridge-of-digits": Case(heights("digits", 1, ABSENT), heights("digits", 1, ONE_SHOWS), (0.15, 0.195)),
}

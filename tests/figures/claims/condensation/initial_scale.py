"""Five networks from each of three starts, the smallest last."""

import numpy as np

from tests.figures.claims import Case


def smallest(directions: list[int], axes: list[int]) -> dict[str, np.ndarray]:
    """Directions of the smallest start, with and without their signs; the larger starts have more."""
    return {
        "directions": np.array([[9, 8, 9, 7, 9], [4, 5, 4, 4, 6], directions]),
        "axes": np.array([[7, 8, 6, 7, 9], [3, 3, 4, 3, 5], axes]),
    }


def largest(axes: list[int]) -> dict[str, np.ndarray]:
    """Directions without signs of the largest start; the smaller ones have three or more."""
    return {"axes": np.array([axes, [3, 4, 3, 5, 4], [5, 4, 6, 4, 5]])}


def ranks(*runs: list[float]) -> dict[str, np.ndarray]:
    """Effective ranks, one list a run, from the largest start on."""
    return {"rank": np.transpose(runs)}


CASES = {
    # |directions - 2| + |axes - 1| is 0, 0, 0, 3, 1; then 1, 1, 1, 0, 0, where each term alone is mostly 0
    "opposite-pair": Case(
        smallest([2, 2, 2, 4, 1], [1, 1, 1, 2, 1]), smallest([1, 1, 2, 2, 2], [1, 1, 2, 1, 1]), (0, 1)
    ),
    "pair-from-larger-starts": Case(largest([1, 1, 1, 2, 3]), largest([2, 2, 1, 1, 3]), (1, 2)),
    "not-in-every-case": Case(largest([2, 2, 4, 7, 3]), largest([2, 2, 4, 1, 3]), (3, 2)),
    # smallest falls .3, .1, .05, .2, -.05; then -.05, -.02, .3, -.1, -.01, though all end below
    # their start
    "smaller-is-more-condensed": Case(
        ranks([1.9, 1.5, 1.2], [1.8, 1.7, 1.1], [1.9, 1.4, 1.35], [1.6, 1.2, 1.0], [1.7, 1.75, 1.1]),
        ranks([1.9, 1.5, 1.55], [1.8, 1.82, 1.1], [1.9, 1.5, 1.2], [1.7, 1.2, 1.3], [1.7, 1.71, 1.6]),
        (0.1, -0.02),
    ),
}

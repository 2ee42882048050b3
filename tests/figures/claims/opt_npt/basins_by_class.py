"""Ten classes, or two digits of each, whose radii, shares of pure noise and curves are in a given ratio in five runs.

Of the five runs one is on the other side of the bound where the median decides; where every run does, a single one
refutes. A rank correlation of ten classes is 1 - sum d^2 / 165, where two classes that are `n` ranks apart and are
exchanged add 2 n^2 to the sum.
"""

import numpy as np

from tests.figures.claims import Case

DEEP = {"n_hidden": np.array(21), "samples": np.array(6000)}
AMPLITUDES = np.array([0.05, 0.1, 0.2, 0.4, 1.2, 1.6])
CLASS_RANKS = np.array([4, 9, 1, 7, 10, 2, 6, 3, 8, 5])


def named(*runs: tuple[float, float, float]) -> dict[str, np.ndarray]:
    """Radii of the classes 0, 2 and 9; all others are .1 or 5, smaller and larger than these."""
    radius = np.tile([0.1, 5.0], (5, 5))
    radius[:, [0, 2, 9]] = runs
    return DEEP | {"radius": radius}


def exchanged(*runs: list[tuple[int, int]]) -> dict[str, np.ndarray]:
    """Radii that double from rank to rank, and gradients of the same order but for exchanged pairs of ranks."""
    gradient = np.tile(CLASS_RANKS / 10, (5, 1))
    for row, pairs in zip(gradient, runs, strict=True):
        for one, other in pairs:
            row[one == CLASS_RANKS], row[other == CLASS_RANKS] = other / 10, one / 10
    return {"radius": np.tile(0.01 * 2.0**CLASS_RANKS, (5, 1)), "gradient": gradient}


def slopes(*runs: tuple[float, float, float]) -> dict[str, np.ndarray]:
    """Gradients of the classes 0, 2 and 9; all others are -1 or 5."""
    gradient = np.tile([-1.0, 5.0], (5, 5))
    gradient[:, [0, 2, 9]] = runs
    return DEEP | {"gradient": gradient}


def noise_put_into(*of_0_and_2: tuple[float, float]) -> dict[str, np.ndarray]:
    """Shares of pure noise of the classes 0 and 2 in each run; class 7 takes the rest."""
    share = np.zeros((5, 10))
    share[:, [0, 2]] = of_0_and_2
    share[:, 7] = 1 - share.sum(axis=1)
    return {"noise_share": share}


def curves(*of_9: tuple[float, float, float]) -> dict[str, np.ndarray]:
    """Accuracy under noise: a sink with .6 of pure noise falls to .8 at .4, one with .2 to .6 at .4 * 3^.5.

    Class 0 is the first of them and class 2 the second, in two runs the other way round. Without regard to pure noise
    the first would have no end. Class 9 takes no noise: it is 1 at .1, has the given accuracies at .2, .4 and 1.2, and
    ends where these fall to .5. All others stay at 1. In the next run amplitudes are two, three, ... times as large.
    """
    curve, share = np.ones((5, 6, 10)), np.zeros((5, 10))
    for run, (large, small) in enumerate([(0, 2), (2, 0), (0, 2), (2, 0), (0, 2)]):
        curve[run, :, large] = 1, 1, 1, 0.8, 0.6, 0.6
        curve[run, :, small] = 1, 1, 0.9, 0.7, 0.5, 0.2
        curve[run, 2:5, 9], curve[run, 5, 9] = of_9[run], 0
        share[run, [large, small, 7]] = 0.6, 0.2, 0.2
    return {"amplitudes": np.arange(1, 6)[:, None] * AMPLITUDES, "curve": curve, "noise_share": share}


def twenty_digits(*ratios: float) -> dict[str, np.ndarray]:
    """Radii of which the largest is so many times the smallest; one digit is misclassified, one always right."""
    radius = [
        [0, *np.geomspace(low, ratio * low, 18), np.inf] for low, ratio in zip((1, 2, 3, 4, 5), ratios, strict=True)
    ]
    return DEEP | {"picture_radius": np.array(radius) / 10}


def pairs_of_digits(*runs: float) -> dict[str, np.ndarray]:
    """Two digits of each class, the second 1.5 times as wide; in class 4 the first so many times as the second.

    Classes differ tenfold, and the pairs of two others have no ratio: one radius is 0 or has no end.
    """
    radius = np.arange(1.0, 11)[:, None] * [0.1, 0.15] * np.ones((5, 1, 1))
    radius[:, 4, 0] = np.array(runs) * radius[:, 4, 1]
    radius[:, 7, 0] = 0
    radius[:, 8, 1] = np.inf
    labels = np.tile(np.repeat(np.arange(10), 2), (5, 1))
    return DEEP | {"picture_labels": labels, "picture_radius": radius.reshape(5, 20)}


def foreign(*steps: float) -> dict[str, np.ndarray]:
    """Shares of foreign copies at six amplitudes, which rise by .1 or .2 but for one step."""
    share = [np.cumsum([0.05, 0.1, 0.2, step, 0.2, 0.1]) for step in steps]
    return DEEP | {"foreign": np.array(share)}


CASES = {
    # the smaller of 0 and 2 over 9: .55/.5, .48/.4, .325/.25, .4/.5, .6/.2; .45/.5, .38/.4, .2/.25, .6/.5, .1/.2
    "named-classes": Case(
        named((0.55, 1.5, 0.5), (1.2, 0.48, 0.4), (0.325, 0.9, 0.25), (0.4, 2, 0.5), (2, 0.6, 0.2)),
        named((0.45, 1.5, 0.5), (1.2, 0.38, 0.4), (0.2, 0.9, 0.25), (0.6, 2, 0.5), (2, 0.1, 0.2)),
        (1.2, 0.9),
    ),
    # sums 2 (25 + 4 + 4) = 66, 2 * 25 = 50, 0, 0, 2 * 64 = 128;
    # 2 (36 + 4 + 4) = 88, 2 * 49 = 98, 2 (49 + 4) = 106, 0, 2 (81 + 49) = 260
    "steep-large-classes": Case(
        exchanged([(1, 6), (2, 4), (7, 9)], [(1, 6)], [], [], [(1, 9)]),
        exchanged([(1, 7), (2, 4), (8, 10)], [(1, 8)], [(1, 8), (2, 4)], [], [(1, 10), (2, 9)]),
        (1 - 50 / 165, 1 - 98 / 165),
    ),
    # the smaller of 0 and 2 less that of 9: .2, .1, .3, -.5, .4; -.2, -.1, -.3, .5, -.4
    "named-densities": Case(
        slopes((1.2, 3, 1), (2, 0.9, 0.8), (1.5, 1.4, 1.1), (0.5, 2, 1), (1.4, 1.6, 1)),
        slopes((0.8, 3, 1), (2, 0.7, 0.8), (1.5, 0.8, 1.1), (1.5, 2, 1), (0.6, 1.6, 1)),
        (0.2, -0.2),
    ),
    "own-robustness": Case(
        noise_put_into((0.2, 0.18), (0.1, 0.25), (0.05, 0.15), (0.3, 0.2), (0.02, 0.03)),
        noise_put_into((0.25, 0.2), (0.38, 0.04), (0.3, 0.3), (0.2, 0.1), (0.5, 0.3)),
        (0.35, 0.45),
    ),
    # class 9 ends at .2 * 2^p, p = 3/4, 2/4, 1/4, 3/4, 1/4, and the smaller of 0 and 2 at .4: ratios 2^(1 - p); in one
    # run of the other data at .4 * 3^(1/4), ratio 3^(-1/4)
    "corrected-for-noise": Case(
        curves((0.8, 0.4, 0.1), (0.7, 0.3, 0.1), (0.6, 0.2, 0.1), (0.8, 0.4, 0.2), (0.6, 0.2, 0)),
        curves((0.8, 0.4, 0.1), (0.9, 0.6, 0.2), (0.6, 0.2, 0.1), (0.8, 0.4, 0.2), (0.6, 0.2, 0)),
        (2**0.5, 2**0.25),
    ),
    "sizes-of-digits": Case(twenty_digits(1.6, 1.8, 2, 1.1, 9), twenty_digits(1.2, 1.4, 1.45, 9, 1.1), (1.8, 1.4)),
    "inset": Case(pairs_of_digits(2.2, 3, 2.5, 1.6, 9), pairs_of_digits(1.9, 1.6, 1.8, 9, 1.55), (2.5, 1.8)),
    "mixing-outwards": Case(
        foreign(0.01, 0.05, 0.02, -0.1, 0.08), foreign(-0.01, -0.05, -0.02, 0.05, -0.1), (0.02, -0.02)
    ),
}

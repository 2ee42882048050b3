"""Five runs whose curves jump at given records, whose clouds lie in given places, whose layers are in a given order.

Of the five one is on the other side of the bound where the median decides; where every run does, a single one refutes.
A rank correlation of six layers is 1 - sum d^2 / 35, where two that are `n` ranks apart and are exchanged add 2 n^2.
"""

import numpy as np

from tests.figures.claims import Case
from tests.figures.claims.opt_npt.made_up_clouds import CLASSES, groups, placed, ring, spread

ENOUGH = {"samples": np.array(10_000)}
USUAL_STEPS, SLOW_STEPS = np.arange(0, 61, 5.0), np.arange(0, 133, 6.0)
UPWARDS = np.arange(1.0, 7)
IN_LAG = {  # step 9 lies in it, the third or second record after it begins and the one before it ends
    "usual_steps": np.arange(0, 18, 3.0),
    "before": np.array(9),
    "usual_test_batch": np.array([[0.1, 0.2 + 0.4 * early, 0.6, 0.7, 0.8, 0.9] for early in (0, 1, 0, 0, 1)]),
    "usual_test_accuracy": np.tile([0.1, 0.1, 0.2, 0.4, 0.6, 0.9], (5, 1)),
}


def accuracies(*when_fitted: float) -> dict[str, np.ndarray]:
    """Test accuracies at the record at which training accuracy reaches .8; lower before it, higher behind it."""
    test = np.tile([0.05, 0.1, 0, 0.6, 0.9, 0.95, 0.97], (5, 1))
    test[:, 2] = when_fitted
    return {"usual_train_batch": np.tile([0.1, 0.79, 0.8, 0.9, 0.95, 0.97, 1], (5, 1)), "usual_test_accuracy": test}


def gaps(control: str, running: str, *largest: float) -> dict[str, np.ndarray]:
    """Accuracies that evaluation mode is behind by at most so much at one record, and ahead by .45 at another."""
    batch = np.tile([0.1, 0.2, 0.6, 0.8, 0.9, 0.95], (5, 1))
    ahead = batch - [0.0, -0.45, 0.01, 0, 0.02, 0]
    ahead[:, 3] -= largest
    return {f"{control}_test_batch": batch, f"{control}_{running}": ahead}


def clouds(name: str, cloud: list[np.ndarray], train: list[np.ndarray], when: int) -> dict[str, np.ndarray]:
    """Planes (5, 2, 60, 2): the clouds of each run at one of the two moments, and at the other all in one place."""
    planes = {name: np.zeros((5, 2, 60, 2)) + groups(), "usual_plane_train": np.zeros((5, 2, 60, 2)) + groups()}
    planes[name][:, when], planes["usual_plane_train"][:, when] = cloud, train
    return IN_LAG | planes


def in_place(name: str, when: int, *right: int) -> dict[str, np.ndarray]:
    """So many of sixty test digits of each run at their place at one moment; at the other moment all are."""
    return clouds(name, [placed(count) for count in right], [groups()] * 5, when) | {"labels": CLASSES}


def widths(*ratios: float) -> dict[str, np.ndarray]:
    """Test digits on a circle around (7.5, 7.5), narrower than that of the training digits before the jump."""
    return clouds("usual_plane_eval", [7.5 + ring(2 * ratio) for ratio in ratios], [ring(2)] * 5, 0)


def overlapping(before: list[int], after: list[int]) -> dict[str, np.ndarray]:
    """So many of sixty are outside: test digits in training mode before the jump, training digits after it."""
    first = clouds("usual_plane_batch", [spread(out) for out in before], [ring(1)] * 5, 0)
    second = clouds("usual_plane_eval", [ring(1)] * 5, [spread(out) for out in after], 1)
    train = np.stack([first["usual_plane_train"][:, 0], second["usual_plane_train"][:, 1]], axis=1)
    return first | second | {"usual_plane_train": train}


def training_digits(*before: float) -> dict[str, np.ndarray]:
    """Accuracies in evaluation mode at step 9; .5 before and .81 after it."""
    accuracy = np.tile([0.5, 0.5, 0.5, 0, 0.81, 0.81], (5, 1))
    accuracy[:, 3] = before
    return IN_LAG | {"usual_train_accuracy": accuracy}


def rising(steps: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Curves (5, n) that rise from .48 to .52 at a step of each run."""
    return np.where(steps >= when[:, None], 0.52, 0.48)


def lags(usual: list[int], slow: list[int]) -> dict[str, np.ndarray]:
    """Steps by which evaluation mode is late: at momentum .1 after step 5, 10 or 15, at .03 after step 6, 12 or 18."""
    first, second = np.array([5, 10, 15, 5, 10]), np.array([6, 12, 18, 12, 6])
    return {
        "usual_steps": USUAL_STEPS,
        "usual_test_batch": rising(USUAL_STEPS, first),
        "usual_test_accuracy": rising(USUAL_STEPS, first + usual),
        "slow_steps": SLOW_STEPS,
        "slow_test_batch": rising(SLOW_STEPS, second),
        "slow_test_accuracy": rising(SLOW_STEPS, second + slow),
    }


def orders(*runs: list[tuple[int, int]]) -> dict[str, np.ndarray]:
    """Gradients (5, 7, 6) that fall with depth at the first record and from the jump on, which is record 3, 4 or 5.

    In between they rise with depth, but for exchanged pairs of layers at the last record before the jump.
    """
    jumps = np.array([4, 3, 5, 4, 3])
    ranks = np.zeros((5, 7, 6))
    for of_run, jump, pairs in zip(ranks, jumps, runs, strict=True):
        of_run[1:jump], of_run[jump:], of_run[0] = UPWARDS, UPWARDS[::-1], UPWARDS[::-1]
        for one, other in pairs:
            of_run[jump - 1, [one - 1, other - 1]] = other, one
    test = np.where(jumps[:, None] <= np.arange(7), 0.5, 0.1)
    lag = {"usual_steps": np.arange(7.0), "usual_test_batch": np.tile([0.1, 0.4, *[0.6] * 5], (5, 1))}
    return ENOUGH | lag | {"usual_gradient": 0.1 * 2**ranks, "usual_test_accuracy": test}


PHASE_I = orders(*[[(1, 6), (2, 5)]] * 5)  # sums 50 + 18: correlations of 1 - 68 / 35
CASES = {
    "late-jump": Case(accuracies(0.12, 0.18, 0.15, 0.25, 0.1), accuracies(0.21, 0.3, 0.22, 0.12, 0.4), (0.15, 0.22)),
    "momentum-one": Case(
        gaps("last", "test_accuracy", 0.05, 0.09, 0.08, 0.3, 0.02),
        gaps("last", "test_accuracy", 0.11, 0.15, 0.12, 0.05, 0.3),
        (0.08, 0.12),
    ),
    "inside-after": Case(
        in_place("usual_plane_eval", 1, 45, 51, 48, 30, 59),
        in_place("usual_plane_eval", 1, 39, 33, 36, 57, 3),
        (48 / 60, 36 / 60),
    ),
    # a single narrow cloud refutes
    "outside-before": Case(widths(0.35, 0.5, 0.4, 0.9, 0.32), widths(0.35, 0.5, 0.4, 0.9, 0.28), (0.4, 0.4)),
    # 3, 6, 12, -9 and 9 sixtieths, or the opposite
    "overlap-in-training-mode": Case(
        overlapping(before=[6, 6, 18, 15, 9], after=[9, 12, 30, 6, 18]),
        overlapping(before=[9, 12, 30, 6, 18], after=[6, 6, 18, 15, 9]),
        (0.1, -0.1),
    ),
    "inside-in-training-mode": Case(
        in_place("usual_plane_batch", 0, 45, 51, 48, 54, 57),
        in_place("usual_plane_batch", 0, 45, 51, 39, 54, 48),
        (51 / 60, 48 / 60),
    ),
    "test-only": Case(
        training_digits(0.85, 0.95, 0.9, 0.97, 0.82), training_digits(0.85, 0.95, 0.9, 0.75, 0.82), (0.9, 0.85)
    ),
    "warm-start": Case(
        PHASE_I | gaps("warm", "test_accuracy", 0.35, 0.5, 0.4, 0.1, 0.7),
        PHASE_I | gaps("warm", "test_accuracy", 0.25, 0.2, 0.28, 0.7, 0.1),
        (0.4, 0.25),
    ),
    # 12/15, 24/20, 12/10, 60/15, 18/15; 24/15, 30/20, 30/10, 18/15, and more than 126/15
    "phase-sets-time": Case(
        lags([15, 20, 10, 15, 15], [12, 24, 12, 60, 18]), lags([15, 20, 10, 15, 15], [24, 30, 30, 18, 200]), (1.2, 1.6)
    ),
    # sums 50 + 2 = 52, 50 + 8 = 58, 50 + 2 + 2 = 54, 32, 50 + 18 + 2 = 70; 50 + 2, 32 + 32 = 64, 50, 50 + 18 = 68, 0
    "needs-phase-one": Case(
        orders([(1, 6), (3, 4)], [(1, 6), (2, 4)], [(1, 6), (2, 3), (4, 5)], [(2, 6)], [(1, 6), (2, 5), (3, 4)]),
        orders([(1, 6), (2, 3)], [(1, 5), (2, 6)], [(1, 6)], [(1, 6), (2, 5)], []),
        (1 - 54 / 35, 1 - 52 / 35),
    ),
    # .3 times 60/15, 72/20, 30/10, 48/15, 60/15; the third .3 * 24/10
    "forgetting-sets-time": Case(
        lags([15, 20, 10, 15, 15], [60, 72, 30, 48, 60]), lags([15, 20, 10, 15, 15], [60, 72, 24, 48, 60]), (1.08, 1.08)
    ),
    # a single run that differs refutes, and leaves the median
    "same-weights": Case({"apart": np.zeros(5)}, {"apart": np.array([0, 1e-7, 0, 0, 0])}, (0, 0)),
    "estimated-anew": Case(
        gaps("usual", "test_reestimated", 0.05, 0.09, 0.08, 0.07, 0.02),
        gaps("usual", "test_reestimated", 0.05, 0.11, 0.08, 0.09, 0.02),
        (0.07, 0.08),
    ),
}

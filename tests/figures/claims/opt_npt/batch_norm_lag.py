"""Three runs whose curves jump at given records, whose clouds lie in given places, whose layers are in a given order.

A rank correlation of five layers is 1 - sum d^2 / 20 of the squared distances of their ranks.
"""

import numpy as np

from tests.figures.claims import Case
from tests.figures.claims.opt_npt.made_up_clouds import CLASSES, groups, placed, ring, spread

ENOUGH = {"samples": np.array(10_000)}
USUAL_STEPS, SLOW_STEPS = np.arange(0, 61, 5.0), np.arange(0, 121, 6.0)
TENTH, FIFTH = np.array([5.0, 1, 3, 2, 4]), np.array([2.0, 5, 4, 1, 3])  # sums 22 and 24: correlations -1/10, -2/10
HALF, ABOVE = np.array([3.0, 4, 5, 1, 2]), np.array([4.0, 2, 3, 1, 5])  # sums 30 and 18: -5/10 and 1/10
TWO_ABOVE, EIGHT_ABOVE = np.array([3.0, 4, 1, 2, 5]), np.array([2.0, 1, 4, 3, 5])  # sums 16 and 4: 2/10 and 8/10
UPWARDS, DOWNWARDS = np.arange(1.0, 6), np.arange(5.0, 0, -1)


def accuracies(*when_fitted: float) -> dict[str, np.ndarray]:
    """Test accuracies at the record at which training accuracy reaches .8; lower before it, higher behind it."""
    test = np.tile([0.05, 0.1, 0, 0.6, 0.9, 0.95, 0.97], (3, 1))
    test[:, 2] = when_fitted
    return {"usual_train_batch": np.tile([0.1, 0.79, 0.8, 0.9, 0.95, 0.97, 1], (3, 1)), "usual_test_accuracy": test}


def gaps(control: str, running: str, *largest: float) -> dict[str, np.ndarray]:
    """Accuracies that evaluation mode is behind by at most so much at one record, and ahead by .45 at another."""
    batch = np.tile([0.1, 0.2, 0.6, 0.8, 0.9], (3, 1))
    ahead = batch - [0.0, -0.45, 0.01, 0, 0.02]
    ahead[:, 3] -= largest
    return {f"{control}_test_batch": batch, f"{control}_{running}": ahead}


def clouds(name: str, cloud: list[np.ndarray], train: list[np.ndarray], when: int) -> dict[str, np.ndarray]:
    """Planes (3, 2, 60, 2): the clouds of each run at one of the two moments, and at the other all in one place."""
    planes = {name: np.zeros((3, 2, 60, 2)) + groups(), "usual_plane_train": np.zeros((3, 2, 60, 2)) + groups()}
    planes[name][:, when], planes["usual_plane_train"][:, when] = cloud, train
    return planes


def in_place(name: str, when: int, *right: int) -> dict[str, np.ndarray]:
    """So many of sixty test digits of each run at their place at one moment; at the other moment all are."""
    return clouds(name, [placed(count) for count in right], [groups()] * 3, when) | {"labels": CLASSES}


def widths(*ratios: float) -> dict[str, np.ndarray]:
    """Test digits on a circle around (7.5, 7.5), narrower than that of the training digits before the jump."""
    return clouds("usual_plane_eval", [7.5 + ring(2 * ratio) for ratio in ratios], [ring(2)] * 3, 0)


def overlapping(before: tuple[int, int, int], after: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """So many of sixty are outside: test digits in training mode before the jump, training digits after it."""
    first = clouds("usual_plane_batch", [spread(out) for out in before], [ring(1)] * 3, 0)
    second = clouds("usual_plane_eval", [ring(1)] * 3, [spread(out) for out in after], 1)
    train = np.stack([first["usual_plane_train"][:, 0], second["usual_plane_train"][:, 1]], axis=1)
    return first | second | {"usual_plane_train": train}


def training_digits(*before: float) -> dict[str, np.ndarray]:
    """Accuracies in evaluation mode at step 9; .5 before and .81 after it."""
    accuracy = np.tile([0.5, 0.5, 0.5, 0, 0.81, 0.81], (3, 1))
    accuracy[:, 3] = before
    return {"usual_steps": np.arange(0, 18, 3.0), "before": np.array(9), "usual_train_accuracy": accuracy}


def rising(steps: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Curves (3, n) that rise from .48 to .52 at a step of each run."""
    return np.where(steps >= when[:, None], 0.52, 0.48)


def lags(usual: tuple[int, int, int], slow: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Steps by which evaluation mode is late, at momentum .1 after steps 5, 10 and 15, at .03 after 6, 12 and 18."""
    first, second = np.array([5, 10, 15]), np.array([6, 12, 18])
    return {
        "usual_steps": USUAL_STEPS,
        "usual_test_batch": rising(USUAL_STEPS, first),
        "usual_test_accuracy": rising(USUAL_STEPS, first + usual),
        "slow_steps": SLOW_STEPS,
        "slow_test_batch": rising(SLOW_STEPS, second),
        "slow_test_accuracy": rising(SLOW_STEPS, second + slow),
    }


def orders(*lowest: np.ndarray) -> dict[str, np.ndarray]:
    """Gradients (3, 7, 5) that fall with depth at the first record and from the jump on, which is record 4, 3 or 5.

    In between they rise with depth, but for one record at which they are in the given order.
    """
    gradient = np.zeros((3, 7, 5))
    for run, (jump, order) in enumerate(zip((4, 3, 5), lowest, strict=True)):
        gradient[run, :jump], gradient[run, jump:], gradient[run, 0] = 2**UPWARDS, 2**DOWNWARDS, 2**DOWNWARDS
        gradient[run, jump - 1] = 2**order
    test = np.where(np.arange(7) >= np.array([[4], [3], [5]]), 0.5, 0.1)
    return ENOUGH | {"usual_gradient": gradient / 10, "usual_test_accuracy": test}


CASES = {
    "late-jump": Case(accuracies(0.12, 0.18, 0.15), accuracies(0.21, 0.3, 0.22), (0.15, 0.22)),
    "momentum-one": Case(
        gaps("last", "test_accuracy", 0.05, 0.09, 0.08), gaps("last", "test_accuracy", 0.11, 0.15, 0.12), (0.08, 0.12)
    ),
    "inside-after": Case(
        in_place("usual_plane_eval", 1, 45, 51, 48), in_place("usual_plane_eval", 1, 39, 33, 36), (48 / 60, 36 / 60)
    ),
    "outside-before": Case(widths(0.35, 0.5, 0.4), widths(0.28, 0.1, 0.2), (0.4, 0.2)),
    # (12 - 6) / 60 is the median of 3, 6 and 12 sixtieths
    "overlap-in-training-mode": Case(
        overlapping(before=(6, 6, 18), after=(9, 12, 30)),
        overlapping(before=(9, 12, 30), after=(6, 6, 18)),
        (0.1, -0.1),
    ),
    "inside-in-training-mode": Case(
        in_place("usual_plane_batch", 0, 45, 51, 48), in_place("usual_plane_batch", 0, 39, 33, 36), (48 / 60, 36 / 60)
    ),
    "test-only": Case(training_digits(0.85, 0.95, 0.9), training_digits(0.75, 0.1, 0.7), (0.9, 0.7)),
    "warm-start": Case(
        ENOUGH | gaps("warm", "test_accuracy", 0.35, 0.5, 0.4),
        ENOUGH | gaps("warm", "test_accuracy", 0.25, 0.2, 0.28),
        (0.4, 0.25),
    ),
    # 12/15, 24/20, 12/10; 24/15, 30/20, 30/10
    "phase-sets-time": Case(lags((15, 20, 10), (12, 24, 12)), lags((15, 20, 10), (24, 30, 30)), (1.2, 1.6)),
    "needs-phase-one": Case(orders(TENTH, HALF, FIFTH), orders(ABOVE, EIGHT_ABOVE, TWO_ABOVE), (-0.2, 0.2)),
    # .3 times 60/15, 72/20, 30/10; 30/15, 42/20, 24/10
    "forgetting-sets-time": Case(lags((15, 20, 10), (60, 72, 30)), lags((15, 20, 10), (30, 42, 24)), (1.08, 0.63)),
    # a single run that differs refutes, and leaves the median
    "same-weights": Case({"apart": np.zeros(3)}, {"apart": np.array([0, 1e-7, 0])}, (0, 0)),
    "estimated-anew": Case(
        gaps("usual", "test_reestimated", 0.05, 0.09, 0.08),
        gaps("usual", "test_reestimated", 0.11, 0.15, 0.12),
        (0.08, 0.12),
    ),
}

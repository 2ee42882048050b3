"""What Figure 6 and Section V.A say of the lag of the test accuracy, and five controls of its cause."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from figures.harness.curves import first_time, first_times
from figures.harness.figure import Data
from figures.opt_npt.batch_norm_lag_runs import DIGITS
from figures.opt_npt.clouds import centroid_accuracy, in_words, overlap, rms_radius
from figures.opt_npt.digit_networks import ENOUGH_DIGITS
from figures.opt_npt.gradient_phase_runs import PHASE
from figures.opt_npt.trends import UNTOLD, rank_correlation, unless_untold
from toymodels.claims import (
    AFTER,
    CONTROL,
    READING,
    Claim,
    Criterion,
    Decisive,
    Quantity,
    every_run,
    median,
    some_run,
)

BEFORE_JUMP, AFTER_JUMP = 0, 1  # the two moments whose clouds are kept
FITTED, LEARNT = 0.8, 0.5  # accuracy of training digits that counts as high, and of test digits far from chance
JUMP_AFTER_FIT = {"train_batch": FITTED, "test_accuracy": LEARNT}
NOT_SHOWN = -1.0  # of a run in which the moments that are shown are not before and after the jump
SAME_LAG = (0.75, 1.33)  # ratio of two lags that count as equally long


def lag(steps: np.ndarray, running: np.ndarray, batch: np.ndarray) -> float:
    """Steps from the first at which `batch` accuracy is one half to the first at which `running` accuracy is.

    `inf` where it does not begin or end.
    """
    start = first_time(steps, batch, LEARNT)
    return first_time(steps, running, LEARNT) - start if np.isfinite(start) else float("inf")


def lags(data: Data, control: str) -> np.ndarray:
    """:func:`lag` of the test accuracy under a control, one value a run."""
    pairs = zip(data[f"{control}_test_accuracy"], data[f"{control}_test_batch"], strict=True)
    return np.array([lag(data[f"{control}_steps"], *pair) for pair in pairs])


def ends(data: Data) -> np.ndarray:
    """Whether there is a lag at momentum .1, and ends, in each run."""
    usual = lags(data, "usual")
    return (usual > 0) & np.isfinite(usual)


def stretch(data: Data, factor: float = 1.0) -> np.ndarray:
    """`factor` times the lag at momentum .03 over that at .1, which counts as 1 at least; 0 without the latter."""
    slow, usual = lags(data, "slow"), lags(data, "usual")
    return factor * np.where(ends(data), slow, 0.0) / np.maximum(usual, 1.0)


def stretch_is_known(data: Data, factor: float) -> bool:
    """Whether every run has both lags, or goes on for so long that that at momentum .03 is too long for SAME_LAG."""
    slow, steps = lags(data, "slow"), data["slow_steps"]
    least = steps[-1] - np.minimum(first_times(steps, data["slow_test_batch"], LEARNT), steps[-1])
    too_long = factor * least / np.maximum(lags(data, "usual"), 1.0) > SAME_LAG[1]
    return bool((ends(data) & (np.isfinite(slow) | too_long)).all())


def known_stretch(factor: float = 1.0) -> Decisive:
    """The runs of which the stretch is known, or known to be too long."""
    bound = f"{SAME_LAG[1] / factor:.3g}"
    words = (
        "a lag at momentum 0.1 that ends within every run, and a lag at 0.03 that ends, or is by the end of the run "
        f"already over {bound} times that at 0.1"
    )
    return Decisive(words, lambda data: stretch_is_known(data, factor))


def shown_in_lag(data: Data) -> np.ndarray:
    """Whether in each run the moment shown as before the jump lies within the lag at momentum .1, which ends."""
    record = (data["usual_steps"] == data["before"]).argmax()
    started = data["usual_test_batch"][:, : record + 1].max(axis=1) >= LEARNT
    return ends(data) & started & (data["usual_test_accuracy"][:, : record + 1].max(axis=1) < LEARNT)


def of_moments(measure: Callable[[Data], ArrayLike]) -> Callable[[Data], np.ndarray]:
    """The measure of clouds or accuracies before or after the jump, -1 for runs in which they do not lie there."""
    return lambda data: np.where(shown_in_lag(data), measure(data), NOT_SHOWN)


def learnt(data: Data, control: str) -> np.ndarray:
    """Whether test accuracy with the statistics of the batch reaches one half in each run."""
    return data[f"{control}_test_batch"].max(axis=1) >= LEARNT


def all_learnt(control: str) -> Decisive:
    """Runs that have something to be late with."""
    words = f"a test accuracy of {LEARNT} with batch statistics in every run"
    return Decisive(words, lambda data: bool(learnt(data, control).all()))


def gap(data: Data, control: str, running: str = "test_accuracy") -> np.ndarray:
    """Largest amount by which accuracy with the batch's statistics exceeds that in evaluation mode."""
    return (data[f"{control}_test_batch"] - data[f"{control}_{running}"]).max(axis=1)


def gap_if_learnt(data: Data, control: str, running: str = "test_accuracy") -> np.ndarray:
    """The :func:`gap`; 1, the largest there can be, for a run that has nothing to be late with."""
    return np.where(learnt(data, control), gap(data, control, running), 1.0)


def lowest_when_fitted(data: Data) -> np.ndarray:
    """Lowest test accuracy in evaluation mode at a record with a training accuracy of .8 in training mode.

    1 for a run without such a record, or without a jump of the test accuracy up to one half.
    """
    lowest = np.where(data["usual_train_batch"] >= FITTED, data["usual_test_accuracy"], 1.0).min(axis=1)
    return np.where(data["usual_test_accuracy"].max(axis=1) >= LEARNT, lowest, 1.0)


def fitted_and_jumped(data: Data) -> bool:
    """Whether every run has fitted, and jumped."""
    return all((data[f"usual_{name}"].max(axis=1) >= least).all() for name, least in JUMP_AFTER_FIT.items())


def plane_accuracy(data: Data, cloud: str, when: int) -> list[float]:
    """Share of a cloud of test digits nearest to the training centroid of their own class, one value a run."""
    pairs = zip(data[f"usual_plane_{cloud}"][:, when], data["usual_plane_train"][:, when], strict=True)
    return [centroid_accuracy(points, data["labels"], train, data["labels"]) for points, train in pairs]


def width_before(data: Data) -> list[float]:
    """Width of the cloud of test digits in evaluation mode over that of the training digits, before the jump."""
    pairs = zip(data["usual_plane_eval"][:, BEFORE_JUMP], data["usual_plane_train"][:, BEFORE_JUMP], strict=True)
    return [rms_radius(points) / rms_radius(train) for points, train in pairs]


def overlaps(data: Data, cloud: str, when: int) -> np.ndarray:
    """How far the region of a cloud of test digits and that of the training digits are the same, every run."""
    pairs = zip(data[f"usual_plane_{cloud}"][:, when], data["usual_plane_train"][:, when], strict=True)
    return np.array([overlap(*pair) for pair in pairs])


def train_accuracy_before(data: Data) -> np.ndarray:
    """Accuracy of training digits in evaluation mode at the record before the jump."""
    return data["usual_train_accuracy"][:, (data["usual_steps"] == data["before"]).argmax()]


def least_order(data: Data) -> np.ndarray:
    """Smallest rank correlation of layer and gradient from the second record to the jump, or to the end without one.

    It is negative in phase I.
    """
    least = []
    for gradient, test in zip(data["usual_gradient"], data["usual_test_accuracy"], strict=True):
        jumped = test >= LEARNT
        until = max(2, int(jumped.argmax()) if jumped.any() else len(test))
        least.append(rank_correlation(gradient[1:until]).min())
    return np.array(least)


def gap_with_phases(data: Data) -> np.ndarray:
    """The :func:`gap` from a warm start; UNTOLD for a run without phase I before the jump, or that does not learn."""
    return np.where((least_order(data) < -PHASE) & learnt(data, "warm"), gap(data, "warm"), UNTOLD)


ELSE = "-1 if the moment before the jump is not within the lag or the lag does not end"
SHOWN = Decisive(
    "a moment before the jump within the lag, which ends, in every run", lambda data: bool(shown_in_lag(data).all())
)


def unless_hidden(criterion: Criterion) -> Criterion:
    """The criterion, left open where a run does not show the moment before the jump."""
    return criterion.open_if(some_run.equals(NOT_SHOWN), "the moment before the jump of a run is not within the lag")


def in_place(cloud: str, when: int, moment: str) -> Quantity:
    """How many test digits of a cloud are where the training digits of their class are."""
    words = f"share of test digits {in_words(DIGITS)} nearest to their own training centroid in the plane, {moment}"
    return Quantity(f"{words}, {ELSE}", of_moments(lambda data: plane_accuracy(data, cloud, when)))


FORGETTING = "running statistics start at mean 0 and variance 1 and forget that start as (1 - momentum)^t"
CLAIMS = (
    Claim(
        "batch_norm_lag.late-jump",
        "Figure 6c, 6d",
        "In evaluation mode test accuracy stays at chance while training accuracy is high, then jumps.",
        Quantity(
            "lowest test accuracy in evaluation mode at any record with a training accuracy (training mode) of 0.8 or "
            "more, momentum 0.1; 1 without such a record or if test accuracy does not reach 0.5",
            lowest_when_fitted,
        ),
        median < 0.2,
        fixed=AFTER,
        decisive=Decisive(
            f"a training accuracy of {FITTED} and a test accuracy of {LEARNT} in every run", fitted_and_jumped
        ),
    ),
    Claim(
        "batch_norm_lag.momentum-one",
        "Figure 6e, 6f",
        "With statistics of the last batch (momentum 1) the lag is gone.",
        Quantity(
            "largest gap between test accuracies with batch statistics and in evaluation mode, momentum 1; 1 if the "
            "former does not reach 0.5",
            lambda data: gap_if_learnt(data, "last"),
        ),
        median < 0.1,
        decisive=all_learnt("last"),
    ),
    Claim(
        "batch_norm_lag.inside-after",
        "Figure 6d",
        "After the jump test samples in evaluation mode lie where training samples of their class lie.",
        in_place("eval", AFTER_JUMP, "evaluation mode after the jump"),
        unless_hidden(median > 0.7),
        decisive=SHOWN,
        why="true of most runs: two of ten readout directions do not part these digits in every run",
        defence="the paper shows one network, and the bound of 0.7 is ours",
    ),
    Claim(
        "batch_norm_lag.outside-before",
        "Figure 6c",
        "Before the jump test samples in evaluation mode lie outside the region of the training samples: the basins "
        "have moved away.",
        Quantity(
            "width of the cloud of test digits in evaluation mode over that of the training digits, before the jump, "
            f"{ELSE}",
            of_moments(width_before),
        ),
        every_run > 0.3,
        source=READING,
        decisive=SHOWN,
        why=f"the cloud has collapsed, not moved: {FORGETTING}, and a variance of 1 shrinks each layer",
        defence="a cloud that has collapsed may lie outside the region of the training digits too, as the paper says",
    ),
    Claim(
        "batch_norm_lag.overlap-in-training-mode",
        "Figure 6e",
        "In training mode the region of the test samples overlaps that of the training samples before the jump.",
        Quantity(
            "share of either cloud, test or training digits, inside the hull of the other, the smaller of the two, in "
            f"training mode before the jump less in evaluation mode after it, {ELSE}",
            of_moments(lambda data: overlaps(data, "batch", BEFORE_JUMP) - overlaps(data, "eval", AFTER_JUMP)),
        ),
        unless_hidden(median > 0),
        fixed=AFTER,
        decisive=SHOWN,
    ),
    Claim(
        "batch_norm_lag.inside-in-training-mode",
        "Figure 6e",
        "In training mode test samples lie where training samples of their class lie before the jump.",
        in_place("batch", BEFORE_JUMP, "training mode before the jump"),
        every_run > 0.7,
        source=READING,
        fixed=AFTER,
        decisive=SHOWN,
        why="only a half to three quarters do (in evaluation mode a third): at that step classes still overlap in the "
        "plane, those of the training digits too",
        defence="the paper says that the regions of test and training digits overlap, not that each class is in place",
    ),
    Claim(
        "batch_norm_lag.test-only",
        "Section V.A",
        "The lag is one between test and training samples.",
        Quantity(
            f"accuracy of training digits in evaluation mode before the jump, {ELSE}",
            of_moments(train_accuracy_before),
        ),
        every_run > 0.8,
        source=READING,
        decisive=SHOWN,
        why="training digits in evaluation mode are at chance too: the mode is late, not generalisation",
        defence="the paper itself blames the mode, and compares test digits with training digits as training sees them",
    ),
    Claim(
        "batch_norm_lag.warm-start",
        "Section V.A",
        "A change of phase makes running statistics differ from the current ones, even where they start at their true "
        "values: a reading, for the paper says that it can.",
        Quantity(
            "largest gap between test accuracies with batch statistics and in evaluation mode, statistics starting at "
            "their true values and phases being the same",
            gap_with_phases,
        ),
        unless_untold(median > 0.3, f"a run has no phase I, a correlation below {-PHASE}, or does not learn"),
        source=READING,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why=f"warm statistics follow well enough: {FORGETTING}, and it is that start which is late to be forgotten",
        defence="where the network starts in phase II no phase changes; the warm start and the bound are ours",
    ),
    Claim(
        "batch_norm_lag.phase-sets-time",
        "Section V.A",
        "The jump comes when training settles into a new phase, and so is as late at any momentum: a reading, for the "
        "paper does not say the latter.",
        Quantity("lag at momentum 0.03 over lag at 0.1, the weights being the same in both", stretch),
        median.between(*SAME_LAG),
        source=READING,
        decisive=known_stretch(),
        why=f"with identical weights the lag is at least three times as long at the smaller momentum: {FORGETTING}",
        defence="the paper itself lets the momentum remove the lag (with alpha = 1 it disappears) and blames estimates "
        "of earlier stages, which are remembered for 1 / momentum steps",
    ),
    Claim(
        "batch_norm_lag.needs-phase-one",
        "Section V.A",
        "Evaluation mode lags only where training passes from one phase to another.",
        Quantity(
            f"lowest rank correlation of layer and gradient at any record before the jump (phase I: below {-PHASE})",
            lambda data: np.where(ends(data), least_order(data), UNTOLD),
        ),
        unless_untold(median < -PHASE, "a run has no lag at momentum 0.1 that ends"),
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="with 8 hidden layers gradients grow with depth from the second record on (phase II), and the lag is there "
        "all the same",
        defence="the paper's network has 23 layers, which do start with larger gradients in earlier layers",
    ),
    Claim(
        "batch_norm_lag.forgetting-sets-time",
        "Section V.A",
        "Forgetting of the initial statistics sets the length of the lag, not the phase.",
        Quantity("lag x momentum at 0.03 over lag x momentum at 0.1", lambda data: stretch(data, 0.3)),
        every_run.between(*SAME_LAG),
        source=CONTROL,
        decisive=known_stretch(0.3),
        why="the lag grows by another factor than 1 / momentum does: forgetting is not all that it waits for",
        defence="each layer's statistics settle only once those of the layers before it have, of which 21 are many",
    ),
    Claim(
        "batch_norm_lag.same-weights",
        "Section V.A",
        "Training itself does not depend on the running statistics.",
        Quantity(
            "largest difference of the weights of the four controls after equally many steps, over their norm",
            lambda data: data["apart"],
        ),
        every_run.equals(0),
        source=CONTROL,
    ),
    Claim(
        "batch_norm_lag.estimated-anew",
        "Section V.A",
        "One pass over the training set for new statistics removes the lag.",
        Quantity(
            "largest gap between test accuracies with batch statistics and with new ones; 1 if the former does not "
            "reach 0.5",
            lambda data: gap_if_learnt(data, "usual", "test_reestimated"),
        ),
        every_run < 0.1,
        source=CONTROL,
        decisive=all_learnt("usual"),
    ),
)

"""What Figure 2 says of a shallow network: linear with few samples and early in training, not so with many."""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from figures.opt_npt.trends import UNTOLD, first_step, unless_untold
from toymodels.claims import Claim, Quantity, median, some_run

ONE_POINT = 0.01
LEARNT = 0.5  # test accuracy below which networks are alike because none has learnt
NEVER = -1.0  # stands for a linear version that keeps up to the end


def gaps(data: Data, size: int) -> np.ndarray:
    """How far the tanh network is above the linear network and the linear map: (replicates, n_t, 2)."""
    accuracy = data["accuracy"][size]
    return accuracy[..., :1] - accuracy[..., 1:]


def early_gap(data: Data) -> np.ndarray:
    """Largest gap of test accuracy while the curves should overlap, one value a run."""
    return np.abs(gaps(data, -1)[:, data["step"] <= data["early"]]).max((1, 2))


def final_gap(data: Data) -> np.ndarray:
    """By how much the tanh network is above the better of its linear versions in the end, one value a run."""
    return gaps(data, -1)[:, -1].min(-1)


def split_ratio(data: Data) -> np.ndarray:
    """Later over earlier step, from 1 on, from which on a gap stays above one point; -1 where one never does."""
    apart = np.flip(np.minimum.accumulate(np.flip(gaps(data, -1) > ONE_POINT, 1), axis=1), 1)
    apart = np.moveaxis(apart, 1, -1)  # (replicates, 2, n_t)
    steps = np.maximum(first_step(data["step"], apart), 1)
    return np.where(apart.any(-1).all(-1), steps.max(1) / steps.min(1), NEVER)


def if_learnt(data: Data, values: np.ndarray) -> np.ndarray:
    """`values` (replicates,) of the smallest sample size; UNTOLD where a network has not learnt from it."""
    return np.where(data["accuracy"][0, :, -1].min(-1) >= LEARNT, values, UNTOLD)


def late_over_peak(data: Data) -> np.ndarray:
    """Rank gradient of the tanh network at the end over its peak, one value a run."""
    tanh = data["gradient"][-1, :, :, 0]
    return tanh[:, -1] / tanh.max(1)


def start_over_peak(data: Data) -> np.ndarray:
    """Rank gradient of the tanh network before training over its peak, one value a run."""
    tanh = data["gradient"][-1, :, :, 0]
    return np.abs(tanh[:, 0]) / tanh.max(1)


def density_difference(data: Data) -> np.ndarray:
    """Mean absolute difference of the rank densities at the smallest sample size, one value a run."""
    final = data["last_density"][0]  # (replicates, 2, bins)
    return if_learnt(data, np.abs(final[:, 0] - final[:, 1]).mean(-1))


def gradient_difference(data: Data, size: int) -> np.ndarray:
    """Gradient of the linear network minus that of the tanh network, (replicates,)."""
    return data["gradient"][size, :, -1, 1] - data["gradient"][size, :, -1, 0]


UNLEARNT = f"a network with 600 samples is below a test accuracy of {LEARNT}"
CLAIMS = (
    Claim(
        "shallow_nonlinearity.few-samples",
        "Figure 2a",
        "With few samples the tanh network, the linear network and the linear map classify equally well.",
        Quantity(
            "largest difference of the three test accuracies after training on 600 samples",
            lambda data: if_learnt(data, np.ptp(data["accuracy"][0, :, -1], axis=-1)),
        ),
        unless_untold(median < ONE_POINT, UNLEARNT),
    ),
    Claim(
        "shallow_nonlinearity.many-samples",
        "Figure 2a",
        "With many samples both linear versions fall behind the tanh network.",
        Quantity("test accuracy of the tanh network less that of either linear version, largest set", final_gap),
        median > 0.015,
    ),
    Claim(
        "shallow_nonlinearity.early-overlap",
        "Figure 2b",
        "In the early stage of training the three accuracies overlap.",
        Quantity(
            "largest difference from the accuracy of the tanh network at any record up to step 50, largest set",
            early_gap,
        ),
        median < ONE_POINT,
        why="0.018 at step 2 of one run, while the accuracy rises by several points a step; below 0.01 from step 5 on",
        defence="the paper draws the curves of 2,048 neurons on 60,000 digits by epoch, where single steps do not show",
    ),
    Claim(
        "shallow_nonlinearity.late-split",
        "Figure 2b",
        "Later in training both linear versions fall behind.",
        Quantity(
            "test accuracy of the tanh network less that of either linear version at the end, largest set", final_gap
        ),
        median > 0.02,
    ),
    Claim(
        "shallow_nonlinearity.split-together",
        "Figure 2b",
        "Linear network and linear map leave the tanh network at the same time.",
        Quantity(
            "of the steps from which on linear network and linear map stay more than 0.01 below the tanh network, the "
            "later over the earlier, largest set; -1 where one of them never does",
            split_ratio,
        ),
        (median < 2).open_if(some_run.equals(NEVER), "one of them keeps up to the end"),
    ),
    Claim(
        "shallow_nonlinearity.same-density",
        "Figure 2c",
        "After 600 samples the densities of the tanh and of the linear network nearly coincide.",
        Quantity("mean absolute difference of the densities with 600 samples", density_difference),
        unless_untold(median < 0.05, UNLEARNT),
    ),
    Claim(
        "shallow_nonlinearity.same-steepness",
        "Figure 2c",
        "After 600 samples the densities of both networks are equally steep.",
        Quantity(
            "gradient of the linear network less that of the tanh network, over the latter, with 600 samples",
            lambda data: if_learnt(data, gradient_difference(data, 0) / data["gradient"][0, :, -1, 0]),
        ),
        unless_untold(median.between(-0.05, 0.05), UNLEARNT),
    ),
    Claim(
        "shallow_nonlinearity.steeper-linear",
        "Figure 2d",
        "With many samples the density of the linear network is the steeper one.",
        Quantity(
            "gradient of the linear network less that of the tanh network, largest set",
            lambda data: gradient_difference(data, -1),
        ),
        median > 0.2,
    ),
    Claim(
        "shallow_nonlinearity.density-rises",
        "Figure 2e",
        "The density of the tanh network starts flat and steepens to a peak.",
        Quantity("size of the initial gradient over its peak", start_over_peak),
        median < 0.1,
    ),
    Claim(
        "shallow_nonlinearity.density-declines",
        "Figure 2e",
        "After its peak the density of the tanh network becomes flatter again.",
        Quantity("final gradient over its peak", late_over_peak),
        median < 0.9,
    ),
)

"""What Figure 3g and 3h and the first version's Figure 7b say of 23-layer networks, and of the tail of deep ones."""

from __future__ import annotations

import numpy as np

from figures.harness.curves import steepest
from figures.harness.figure import Data
from figures.opt_npt.digit_networks import ENOUGH_DIGITS
from figures.opt_npt.gradient_phase_runs import (
    CHANCE,
    DELAY,
    LONG,
    PHASE,
    delayed,
    lowest_order,
    order,
    panel_of,
    trained_long,
    unless_unseen,
)
from figures.opt_npt.trends import rank_correlation
from toymodels.claims import AFTER, Claim, Decisive, Quantity, median, median_of_each

LATE_LAYERS = 3  # hidden layers at the end that phase III leaves out


def phase_three(data: Data) -> np.ndarray:
    """Spread of the rank gradient over all but the late layers, over its mean, one value a run."""
    early = data["g_gradient"][:, -1, :-LATE_LAYERS]
    return early.std(1) / early.mean(1)


def pruned_gain(data: Data) -> np.ndarray:
    """Rank correlation of start layer and pruned accuracy, one value a run."""
    return np.concatenate([rank_correlation(data[f"{panel}_pruned"]) for panel in "dg"])


def pruned_loss(data: Data, entry: int) -> np.ndarray:
    """Points lost by the linear map from one start layer on."""
    return np.concatenate([100 * (data[f"{x}_pruned"][:, -1] - data[f"{x}_pruned"][:, entry]) for x in "dg"])


def loss_over_gradient(data: Data) -> np.ndarray:
    """Step at which the test loss rises fastest over that at which the late layers' gradient does, one value a run."""
    runs = zip(data["g_step"], data["g_loss"], data["g_gradient"][..., -LATE_LAYERS:].mean(-1), strict=True)
    return np.array([steepest(step, loss) / steepest(step, gradient) for step, loss, gradient in runs])


CLAIMS = (
    Claim(
        "gradient_phases_23_layers.delay",
        "Figure 3g",
        "The test accuracy of the 23-layer network stays at chance while training digits are already learnt.",
        Quantity(DELAY, lambda data: delayed(panel_of(data, "g"))),
        unless_unseen(median < CHANCE),
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="with 20,000 digits the jump lies between two records, one with 0.70 to 0.78 of the training digits learnt "
        "and test accuracy at 0.1, the next with 0.87 to 0.89 and test accuracy at 0.3 to 0.4",
        defence="what counts as high, 0.8, is ours",
    ),
    Claim(
        "gradient_phases_23_layers.phase-one",
        "Figure 3g",
        "The 23-layer network starts in phase I.",
        Quantity(
            "lowest Spearman correlation of layer and gradient, step 2 to training accuracy 0.8",
            lambda data: lowest_order(panel_of(data, "g"), fitting=True),
        ),
        median < -PHASE,
        decisive=ENOUGH_DIGITS,
        why="all runs start with larger gradients in earlier layers, some only weakly (-0.4)",
        defence="the phase is there in every run and the bound is ours; the paper's network learns 60,000 digits",
    ),
    Claim(
        "gradient_phases_23_layers.phase-two",
        "Figure 3g",
        "The 23-layer network goes through phase II.",
        Quantity(
            "highest Spearman correlation of layer and gradient at any record",
            lambda data: order(panel_of(data, "g")).max(1),
        ),
        median > PHASE,
        decisive=ENOUGH_DIGITS,
    ),
    Claim(
        "gradient_phases_23_layers.phase-three",
        "Figure 3g",
        "Finally the gradients of all but the last layers are about equal (phase III).",
        Quantity(
            "standard deviation of the gradient over all hidden layers but the last three, over its mean, at the end",
            phase_three,
        ),
        median < 0.25,
        fixed=AFTER,
        decisive=Decisive(f"at least {LONG:,} steps", lambda data: trained_long(panel_of(data, "g"))),
        why="in a short run, of 60 steps, the first 11 of 21 hidden layers agree to 5 to 14 % and the later half still "
        "rises with depth",
        defence="it is the last of three phases, and a run may end before it",
    ),
    Claim(
        "gradient_phases_23_layers.later-is-better",
        "Figure 3h",
        "The linear map may replace the tail the more accurately the later it starts.",
        Quantity("Spearman correlation of start layer and accuracy, both networks", pruned_gain),
        median_of_each("network", 2) > 0.9,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="all runs rise, one of six at either seed unevenly over its first start layers (0.83 to 0.88)",
        defence="accuracy rises in every run; the paper does not say that it never falls back from one layer to the "
        "next",
    ),
    Claim(
        "gradient_phases_23_layers.early-costs",
        "Figure 3h",
        "Replacing the whole network by its linear map costs accuracy.",
        Quantity(
            "points of test accuracy lost by a start at layer 2, both networks", lambda data: pruned_loss(data, 0)
        ),
        median_of_each("network", 2) > 5,
        decisive=ENOUGH_DIGITS,
    ),
    Claim(
        "gradient_phases_23_layers.late-is-free",
        "Figure 3h",
        "The last layers work as a linear perceptron.",
        Quantity(
            "points of test accuracy lost by a start at layer L - 2, both networks",
            lambda data: pruned_loss(data, -3),
        ),
        median_of_each("network", 2) < 1,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="true of the 23-layer network; some 10-layer runs lose 1 to 2 points",
        defence="the paper names no layer from which on accuracy is comparable: L - 2 and one point are our choice",
    ),
    Claim(
        "gradient_phases_23_layers.loss-with-gradients",
        "First version, Figure 7b",
        "The test loss rises, its double descent, when the rank gradients of the late layers change fastest.",
        Quantity(
            "step of the fastest rise of the test loss over that of the mean gradient of the last three hidden layers",
            loss_over_gradient,
        ),
        median.between(0.5, 2),
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="it rises fastest at steps 14 to 20, later than the gradients of the late layers at steps 7 to 11",
        defence="the paper says near the fastest change of several late layers, not which: three layers and the factor "
        "of two are ours",
    ),
)

"""What Figure 3a-f says of 10-layer networks: phases of the gradients, accuracies, and where the test accuracy lags."""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from figures.opt_npt.digit_networks import ALL_DIGITS, ENOUGH, ENOUGH_DIGITS
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
from figures.opt_npt.trends import at_best
from toymodels.claims import AFTER, READING, Claim, Decisive, Quantity, median, median_of_each

PAPER_ACCURACY = {"a": 97.14, "b": 97.89, "c": 92.37, "d": 98.26, "e": 98.29, "f": 92.46}


def delays(data: Data, panels: str) -> np.ndarray:
    """Lowest test accuracy with running statistics once training accuracy is 0.8, all runs of the panels."""
    return np.concatenate([delayed(panel_of(data, panel)) for panel in panels])


def points(data: Data, panel: str) -> np.ndarray:
    """Best test accuracy in per cent."""
    return 100 * data[f"{panel}_test"].max(1)


def above_paper(data: Data, panels: str) -> np.ndarray:
    """Best test accuracy less the paper's, in points, all runs of the panels."""
    return np.concatenate([points(data, panel) - PAPER_ACCURACY[panel] for panel in panels])


def first_layer(data: Data, panel: str) -> np.ndarray:
    """Rank gradient of the first hidden layer at the best epoch, one value a run."""
    return at_best(data[f"{panel}_test"], data[f"{panel}_gradient"])[:, 0]


def final_difference(data: Data) -> np.ndarray:
    """Mean distance of the layers' final gradients in (a) and (c), over their mean in (a)."""
    relu, linear = data["a_gradient"][:, -1], data["c_gradient"][:, -1]
    return np.abs(relu - linear).mean(1) / relu.mean(1)


def opening(panel: str) -> Quantity:
    """Order of the layers at the record of (`panel`) where earlier layers lead most, until the digits are learnt."""
    return Quantity(
        "lowest Spearman correlation of layer and gradient, step 2 to training accuracy 0.8",
        lambda data: lowest_order(panel_of(data, panel), fitting=True),
    )


def ending(panel: str) -> Quantity:
    """Order of the layers of (`panel`) at the end."""
    return Quantity(
        "Spearman correlation of layer and gradient at the end", lambda data: order(panel_of(data, panel))[:, -1]
    )


def throughout(panel: str) -> Quantity:
    """Order of the layers at the record of (`panel`) where later layers lead least."""
    return Quantity(
        "lowest Spearman correlation of layer and gradient at any record from step 2 on",
        lambda data: lowest_order(panel_of(data, panel)),
    )


def first_layer_change(panel: str) -> Quantity:
    """Gradient of the first hidden layer in (`panel`) less that in (a)."""
    return Quantity(
        f"gradient of the first hidden layer at the best record, ({panel}) minus (a)",
        lambda data: first_layer(data, panel) - first_layer(data, "a"),
    )


def least_after_learning(panels: str) -> Quantity:
    """Test accuracy at the record where it lags most behind training, all runs of `panels`."""
    return Quantity(
        DELAY,
        lambda data: delays(data, panels),
    )


def accuracy(panels: str) -> Quantity:
    """Distance from the printed accuracies of `panels`."""
    return Quantity("best test accuracy less the printed one, in points", lambda data: above_paper(data, panels))


BN_WHY = (
    "the delay is how long running statistics take to forget their start, 0.9^t, whatever the phase: test accuracy "
    "passes 0.5 by step 21 in (b), (d) and (e) alike"
)
NO_PHASE_1 = (
    "with 1,000 digits the gradients of the 8 hidden layers grow with depth (phase II) from step 2 on; with 10,000 "
    "five of six runs start with larger gradients in earlier layers, not all of them beyond the bound"
)
FEW_DIGITS = "a sixtieth or a sixth of the paper's digits cannot give its accuracies"
FIRST_STEPS = "the paper describes the pattern that training keeps, not its first few steps, when layers hardly differ"
FROM_STEP_2 = "(from step 2 on: the first update is left out, after which earlier layers may lead)"
UNPRINTED = (
    "the authors train 512 neurons a layer on 60,000 digits, and neither the scaling of the pixels nor the loss, which "
    "may decide the first steps, is printed"
)
FIRST_LAYER = (
    "the paper compares networks of 512 neurons on 60,000 digits after a number of steps that it does not print; there "
    "SGD at 0.03 may have moved the first layer further"
)
NEVER_PHASE_1 = median > -PHASE
CLAIMS = (
    Claim(
        "gradient_phases.sgd-phase-one",
        "Figure 3a",
        "SGD at 0.03 starts with larger gradients in earlier layers (phase I).",
        opening("a"),
        median < -PHASE,
        decisive=ENOUGH_DIGITS,
        why=NO_PHASE_1,
        defence=UNPRINTED,
    ),
    Claim(
        "gradient_phases.sgd-phase-two",
        "Figure 3a",
        "SGD at 0.03 ends with larger gradients in later layers (phase II).",
        ending("a"),
        median > PHASE,
        decisive=ENOUGH_DIGITS,
    ),
    Claim(
        "gradient_phases.fast-sgd-phase-two",
        "Figure 3b",
        f"SGD at 0.37 is in phase II from the outset, never in phase I {FROM_STEP_2}.",
        throughout("b"),
        NEVER_PHASE_1,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="in the first steps earlier layers have larger gradients",
        defence=FIRST_STEPS,
    ),
    Claim(
        "gradient_phases.linear-phase-two",
        "Figure 3c",
        f"A linear network is in phase II from the outset, never in phase I {FROM_STEP_2}.",
        throughout("c"),
        NEVER_PHASE_1,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="in the first steps earlier layers have larger gradients",
        defence=FIRST_STEPS,
    ),
    Claim(
        "gradient_phases.adam-phase-one",
        "Figure 3d",
        "With Adam the network of (a) starts in phase I as well.",
        opening("d"),
        median < -PHASE,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why=NO_PHASE_1,
        defence=UNPRINTED,
    ),
    Claim(
        "gradient_phases.adam-phase-two",
        "Figure 3d",
        "With Adam the network of (a) ends in phase II as well.",
        ending("d"),
        median > PHASE,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
    ),
    Claim(
        "gradient_phases.small-batch-phase-two",
        "Figure 3e",
        f"With Adam and smaller batches the network is in phase II from the outset, never in phase I, as in (b) "
        f"{FROM_STEP_2}.",
        throughout("e"),
        NEVER_PHASE_1,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="at step 2 earlier layers lead in some runs, with 10,000 digits in one of three beyond the bound (-0.83); "
        "from step 5 on the correlation is above 0.7",
        defence=FIRST_STEPS,
    ),
    Claim(
        "gradient_phases.linear-adam-phase-two",
        "Figure 3f",
        f"With Adam the linear network is in phase II from the outset, never in phase I, as in (c) {FROM_STEP_2}.",
        throughout("f"),
        NEVER_PHASE_1,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="at step 2 of some runs earlier layers have larger gradients (down to -0.6); from step 3 on the "
        "correlation is 0.4 or more",
        defence=FIRST_STEPS,
    ),
    Claim(
        "gradient_phases.fast-sgd-first-layer",
        "Figure 3a, 3b",
        "The larger learning rate ends with the smaller gradient in the first hidden layer.",
        first_layer_change("b"),
        median < 0,
        decisive=ENOUGH_DIGITS,
        why="SGD at 0.03 moves the first layer least: at training accuracy 0.95 it is at 0.3 to 0.4 against 0.9 with "
        "1,000 digits, at 0.7 to 0.8 against 1 with 10,000",
        defence=FIRST_LAYER,
    ),
    Claim(
        "gradient_phases.same-as-linear",
        "Figure 3a, 3c",
        "ReLU and linear network end with almost the same gradients.",
        Quantity(
            "mean distance of the layers' final gradients in (a) and (c), over their mean in (a)", final_difference
        ),
        median < 0.1,
        fixed=AFTER,
        decisive=Decisive(
            f"at least {LONG:,} steps and {ENOUGH:,} digits",
            lambda data: ENOUGH_DIGITS.holds(data) and trained_long(panel_of(data, "a")),
        ),
        why="closer the longer both train: with 1,000 digits about 0.3 of the mean after 66 steps, about 0.2 after 200",
        defence="1,000 digits or 200 steps stop short of the paper's training, and the gap is still closing",
    ),
    Claim(
        "gradient_phases.sgd-accuracy",
        "Figure 3a-c",
        "SGD reaches 97.14, 97.89 and (linear) 92.37 % on the test digits.",
        accuracy("abc"),
        median_of_each("panel", 3).between(-0.5, 0.5),
        fixed=AFTER,
        decisive=ALL_DIGITS,
        why="1,000 or 10,000 instead of 60,000 digits",
        defence=FEW_DIGITS,
    ),
    Claim(
        "gradient_phases.adam-accuracy",
        "Figure 3d-f",
        "Adam reaches 98.26, 98.29 and (linear) 92.46 % on the test digits.",
        accuracy("def"),
        median_of_each("panel", 3).between(-0.5, 0.5),
        fixed=AFTER,
        decisive=ALL_DIGITS,
        why="1,000 or 10,000 instead of 60,000 digits",
        defence=FEW_DIGITS,
    ),
    Claim(
        "gradient_phases.nonlinear-gain",
        "Figure 3a, 3c",
        "With the same gradients the ReLU network still classifies far better than the linear one.",
        Quantity(
            "best test accuracy of (a) less that of (c), in points",
            lambda data: points(data, "a") - points(data, "c"),
        ),
        median > 3,
        fixed=AFTER,
        decisive=ALL_DIGITS,
        why="1,000 digits, all of which both fit: the ReLU network then tests at about .58, the linear one at .8; "
        "10,000 digits give 2.9 points",
        defence="the gain is one of large training sets; with few digits the paper's shallow networks show none either",
    ),
    Claim(
        "gradient_phases.adam-gain",
        "Figure 3a, 3d",
        "Adam trains the ReLU network to a better test accuracy than SGD.",
        Quantity(
            "best test accuracy of (d) less that of (a), in points",
            lambda data: points(data, "d") - points(data, "a"),
        ),
        median > 0.5,
        decisive=ENOUGH_DIGITS,
    ),
    Claim(
        "gradient_phases.adam-first-layer",
        "Figure 3a, 3d",
        "Adam's advantage comes with smaller gradients in the first hidden layer.",
        first_layer_change("d"),
        median < 0,
        decisive=ENOUGH_DIGITS,
        why="SGD at 0.03 moves the first layer least: at training accuracy 0.95 it is at 0.3 to 0.4 against 0.6 to 0.7 "
        "with 1,000 digits, at 0.7 to 0.8 against 1 with 10,000",
        defence=FIRST_LAYER,
    ),
    Claim(
        "gradient_phases.delay",
        "Figure 3a, 3d",
        "The test accuracy stays at chance while training digits are already learnt.",
        least_after_learning("ad"),
        unless_unseen(median_of_each("panel", 2) < CHANCE),
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why="with SGD on 10,000 digits training accuracy reaches 0.8 when running statistics have caught up",
        defence="rate of training and momentum of the statistics race: on the paper's digits the former may be faster",
    ),
    # readings: the paper names the panels in which the delay appears and is silent on the others
    Claim(
        "gradient_phases.no-delay",
        "Figure 3b, 3e",
        "ReLU networks that stay in phase II show no such delay.",
        least_after_learning("be"),
        unless_unseen(median_of_each("panel", 2) > CHANCE),
        source=READING,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
        why=BN_WHY,
        defence="on 60,000 digits the training accuracy may rise so slowly that running statistics keep up with it",
    ),
    Claim(
        "gradient_phases.linear-no-delay",
        "Figure 3c, 3f",
        "Linear networks show no such delay.",
        least_after_learning("cf"),
        unless_unseen(median_of_each("panel", 2) > CHANCE),
        source=READING,
        fixed=AFTER,
        decisive=ENOUGH_DIGITS,
    ),
)

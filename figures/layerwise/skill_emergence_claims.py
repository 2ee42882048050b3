"""What Figure 4 and Appendix E.4 say of skills that emerge in time, data and parameters."""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from toymodels.claims import AFTER, READING, Claim, Quantity, Statistic, at_least, every_run, median


def ordered(half: np.ndarray) -> np.ndarray:
    """Smallest ratio of the half-times (or sizes) (n_runs, n_skills) of neighbouring skills, per run."""
    return (half[:, 1:] / half[:, :-1]).min(axis=1)


def ratio_error(half: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Largest relative error of the predicted ratios of half-times (or sizes) to that of the first skill, per run."""
    return np.abs(half / half[:, :1] / (predicted / predicted[..., :1]) - 1).max(axis=1)


def curve_error(strengths: np.ndarray, model: np.ndarray) -> np.ndarray:
    """Largest root mean square distance of a skill's strengths (n_runs, n, n_skills) from the model, per run."""
    return np.sqrt(((strengths - model) ** 2).mean(axis=1)).max(axis=1)


def examples_error(data: Data) -> np.ndarray:
    """Largest relative error of P_1 / P_k as ratio of the median examples at half strength, one value."""
    return ratio_error(np.median(data["half_data"], axis=0, keepdims=True), 1 / data["shares"])


def even_spacing_error(data: Data) -> np.ndarray:
    """Largest relative error of 2 k - 1 as ratio of the median half-widths, one value."""
    half = np.median(data["half_width"], axis=0, keepdims=True)
    return ratio_error(half, 2.0 * np.arange(half.shape[1]) + 1)


def data_curve_error(data: Data) -> np.ndarray:
    """Distance of the median over training sets from the calibrated curves, one value."""
    return curve_error(np.median(data["strength_by_data"], axis=0, keepdims=True), data["predicted_by_data"])


def width_curve_error(data: Data) -> np.ndarray:
    """Distance of the median over runs from the calibrated staircase, one value."""
    return curve_error(np.median(data["strength_by_width"], axis=0, keepdims=True), data["predicted_by_width"])


IN_TIME, IN_DATA, IN_WIDTH = at_least(skills=5, units=1000), at_least(skills=5, data_units=1000), at_least(skills=5)
SMALL = "the published network has five skills and 1,000 units and is trained far longer"
CURVES = "root mean square distance of the strength from the model calibrated on skill 1, over the target, worst skill"
medians = Statistic("value", every_run.of)  # of a quantity of the medians over runs
CLAIMS = (
    Claim(
        "skill_emergence.order-in-time",
        "Figure 4a",
        "In the network skills emerge in the order of their frequency.",
        Quantity("smallest ratio of the half-times of neighbouring skills", lambda data: ordered(data["half"])),
        median > 1,
        decisive=IN_TIME,
    ),
    Claim(
        "skill_emergence.half-times",
        "Figure 4a",
        "The model captures when they emerge: half-times are inverse to frequencies.",
        Quantity(
            "largest relative error of P_1 / P_k as the ratio of the half-times of skills k and 1",
            lambda data: ratio_error(data["half"], data["predicted"]),
        ),
        median < 0.25,
        fixed=AFTER,
        decisive=IN_TIME,
        why="runs differ: in some a skill is later than its frequency says, by 15% in the worst",
    ),
    Claim(
        "skill_emergence.curves-in-time",
        "Figure 4a",
        "It captures their course accurately.",
        Quantity(f"{CURVES}, in time", lambda data: curve_error(data["skill"], data["model"])),
        median < 0.1,
        decisive=IN_TIME,
        why="in one run of three the rarest skill rises later than the model says (0.16 at seed 0, 0.14 at seed 11); "
        "published size not run",
        defence=f"{SMALL}; in the median run the curves are as predicted",
    ),
    Claim(
        "skill_emergence.seen-skills-only",
        "Appendix E.4",
        "A skill is learned if and only if an example of it is in the training set.",
        Quantity(
            "exact model: largest distance of strength over target from 1 if there is an example, else 0, in 50 random "
            "sets",
            lambda data: [np.abs(data["learned"] - (data["counts"] > 0)).max()],
        ),
        medians < 1e-3,
    ),
    Claim(
        "skill_emergence.order-in-data",
        "Figure 4b",
        "With more data the network acquires skills in the order of their frequency.",
        Quantity(
            "smallest ratio of the examples that neighbouring skills need for half strength",
            lambda data: ordered(data["half_data"]),
        ),
        median > 1,
        fixed=AFTER,
        decisive=IN_DATA,
    ),
    Claim(
        "skill_emergence.examples",
        "Figure 4b",
        "The model captures how much each needs: examples inverse to frequency.",
        Quantity(
            "largest relative error of P_1 / P_k as the ratio of the median examples, over training sets, at half "
            "strength of skills k and 1",
            examples_error,
        ),
        medians < 0.25,
        fixed=AFTER,
        decisive=IN_DATA,
        why="sets differ, and with them their median: skill 2 needs 250 to 450 examples, skill 1 from 80 to 130",
        defence=SMALL,
    ),
    Claim(
        "skill_emergence.curves-in-data",
        "Figure 4b",
        "It captures the growth with data accurately.",
        Quantity(f"{CURVES}, median over training sets, in data", data_curve_error),
        medians < 0.1,
        fixed=AFTER,
        decisive=IN_DATA,
        why="single sets are up to 0.15 off: the network follows a sigmoid, not the square root, and is not yet at "
        "full strength where the model is",
        defence=f"{SMALL}; the constant D_c was fitted there and is set by one point here",
    ),
    Claim(
        "skill_emergence.order-in-width",
        "Figure 4c",
        "With more hidden units the network acquires skills in the order of their frequency.",
        Quantity(
            "smallest ratio of the units that neighbouring skills need for half strength",
            lambda data: ordered(data["half_width"]),
        ),
        median > 1,
        fixed=AFTER,
        decisive=IN_WIDTH,
        why="medians are in order, single networks not always: in 2 of 10 runs a rarer skill comes first",
        defence="medians over runs are in order, and the paper does not say that every single network keeps it",
    ),
    # a reading: the paper says that the most frequent skill takes all units it can, not how many each takes
    Claim(
        "skill_emergence.units",
        "Figure 4c",
        "Every skill takes the same number of units.",
        Quantity(
            "largest relative error of 2 k - 1 as the ratio of the median half-widths of skills k and 1",
            even_spacing_error,
        ),
        medians < 0.25,
        source=READING,
        fixed=AFTER,
        why="varies with the draw of runs: 0.22 at seed 0, 0.35 at seed 11",
        defence="the paper says only that a skill uses all units it can; the even staircase belongs to the model",
    ),
    Claim(
        "skill_emergence.curves-in-width",
        "Figure 4c",
        "The model captures the growth with width accurately.",
        Quantity(f"{CURVES}, median over runs, in width", width_curve_error),
        medians < 0.1,
        fixed=AFTER,
        decisive=IN_WIDTH,
        why="varies with the draw of runs: at seed 11 the second skill has 0.15 at 8 units, by the model 0.65",
        defence=f"{SMALL}, with Adam; the four units a skill were fitted there and are set by one point here",
    ),
)

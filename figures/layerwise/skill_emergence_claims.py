"""What Figure 4 and Appendix E.4 say of skills that emerge in time, data and parameters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.figure import Data
from figures.harness.pooled_runs import each_left_out
from figures.layerwise.skill_emergence_runs import data_constant, data_curves, width_curves
from toymodels.claims import AFTER, READING, Claim, Quantity, at_least, median, value


def ordered(half: np.ndarray) -> np.ndarray:
    """Smallest ratio of the half-times (or sizes) (n_runs, n_skills) of neighbouring skills, per run."""
    return (half[:, 1:] / half[:, :-1]).min(axis=1)


def ratio_error(half: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Largest relative error of the predicted ratios of half-times (or sizes) to that of the first skill, per run."""
    return np.abs(half / half[:, :1] / (predicted / predicted[..., :1]) - 1).max(axis=1)


def curve_error(strengths: np.ndarray, model: np.ndarray) -> np.ndarray:
    """Largest root mean square distance of a skill's strengths (n_runs, n, n_skills) from the model, per run."""
    return np.sqrt(((strengths - model) ** 2).mean(axis=1)).max(axis=1)


def examples_error(data: Data) -> float:
    """Largest relative error of P_1 / P_k as ratio of the median examples at half strength."""
    return ratio_error(np.median(data["half_data"], axis=0, keepdims=True), 1 / data["shares"])[0]


def even_spacing_error(data: Data) -> float:
    """Largest relative error of 2 k - 1 as ratio of the median half-widths."""
    half = np.median(data["half_width"], axis=0, keepdims=True)
    return ratio_error(half, 2.0 * np.arange(half.shape[1]) + 1)[0]


def data_curve_error(data: Data) -> float:
    """Distance of the median over training sets from the calibrated curves."""
    return curve_error(np.median(data["strength_by_data"], axis=0, keepdims=True), data["predicted_by_data"])[0]


def width_curve_error(data: Data) -> float:
    """Distance of the median over runs from the calibrated staircase."""
    return curve_error(np.median(data["strength_by_width"], axis=0, keepdims=True), data["predicted_by_width"])[0]


def fitted_time_errors(data: Data) -> np.ndarray:
    """Distance of every run from the model whose start and rate are fitted to all of its skills, (n_runs,)."""
    clocks = np.asarray(data["t"])[:, None] * data["shares"] / data["shares"][0]
    fitted = [fitted_sigmoids(run, clocks / half) for run, half in zip(data["skill"], data["half"][:, 0], strict=True)]
    return curve_error(data["skill"], np.array(fitted))


def fitted_sigmoids(run: np.ndarray, clocks: np.ndarray) -> np.ndarray:
    """The sigmoids of one rate and one start, each on its clock (n_t, n_skills), that are nearest to a run."""
    from scipy.optimize import least_squares
    from scipy.special import expit

    def missed(parameters):
        return (expit(parameters[0] * clocks - parameters[1]) - run).ravel()

    fits = [least_squares(missed, (steep, steep)) for steep in (2.0, 5.0, 12.0)]
    rate, start = min(fits, key=lambda fit: fit.cost).x
    return expit(rate * clocks - start)


def fitted_data_error(data: Data) -> float:
    """Distance of the median over training sets from the curves whose D_c is fitted to all skills."""
    guess = data_constant(float(np.median(data["half_data"][:, 0])), data["shares"][0])
    return fitted_error(
        data["strength_by_data"], guess, lambda constant: data_curves(data["sizes"], data["shares"], constant)
    )


def fitted_width_error(data: Data) -> float:
    """Distance of the median over runs from the staircase whose units a skill are fitted to all skills."""
    guess = 2 * float(np.median(data["half_width"][:, 0]))
    n_skills = len(data["shares"])
    return fitted_error(
        data["strength_by_width"], guess, lambda constant: width_curves(data["widths"], n_skills, constant)
    )


def fitted_error(strengths: np.ndarray, guess: float, curves: Callable[[float], np.ndarray]) -> float:
    """Distance of the median over runs from the curves of the constant, up to four times the guess, that fits best."""
    from scipy.optimize import minimize_scalar

    middle = np.median(strengths, axis=0, keepdims=True)

    def missed(constant: float) -> float:
        return float(((middle[0] - curves(constant)) ** 2).sum())

    constants = guess * np.geomspace(0.25, 4, 1001)
    best = int(np.argmin([missed(constant) for constant in constants]))
    around = constants[max(best - 1, 0)], constants[min(best + 1, len(constants) - 1)]
    nearest = minimize_scalar(missed, bounds=around, method="bounded", options={"xatol": 1e-9 * guess}).x
    return curve_error(middle, curves(nearest))[0]


IN_TIME, IN_DATA, IN_WIDTH = at_least(skills=5, units=1000), at_least(skills=5, data_units=1000), at_least(skills=5)
SMALL = "the published network has five skills and 1,000 units and is trained far longer"
DISTANCE = "root mean square distance of the strength from the model"
CURVES = f"{DISTANCE} calibrated on skill 1, over the target, worst skill"
OVER_SETS, OVER_RUNS = "median over training sets but each in turn", "median over runs but each in turn"
FITTED = f"{DISTANCE} with its constants fitted to all skills, over the target, worst skill"
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
        why="runs differ: with five skills the rarest comes up to a third later than its frequency says",
        defence="the bound of a quarter is ours and holds for the worst of four ratios; the courses agree once start "
        "and rate are fitted, as the published ones are",
    ),
    Claim(
        "skill_emergence.fitted-in-time",
        "Figure 4a",
        "It captures their course accurately.",
        Quantity(f"{FITTED}, in time", fitted_time_errors),
        median < 0.1,
        fixed=AFTER,
        decisive=IN_TIME,
    ),
    # a reading, as in data and in width: the published constants are fitted to the network, not to its first skill
    Claim(
        "skill_emergence.curves-in-time",
        "Figure 4a",
        "Set by the first skill alone it captures the course of all.",
        Quantity(f"{CURVES}, in time", lambda data: curve_error(data["skill"], data["model"])),
        median < 0.1,
        source=READING,
        decisive=IN_TIME,
        why="rare skills rise later than the first skill says: with five of them and 1,000 units by up to a third",
        defence="the published constants are fitted; with a start and a rate fitted to all skills the model keeps "
        "within 0.09 of every one",
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
        value < 1e-3,
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
            "largest relative error of P_1 / P_k as the ratio of the median examples, over training sets but each in "
            "turn, at half strength of skills k and 1",
            each_left_out(examples_error, "half_data"),
        ),
        median < 0.25,
        fixed=AFTER,
        decisive=IN_DATA,
        why="sets differ, and with them their median: of three at seed 0 one decides whether skills need up to 0.14 or "
        "0.27 more or less than their frequency says",
        defence="three training sets are few; with all of them the error is 0.18 at seed 0 and 0.11 at seed 11",
    ),
    Claim(
        "skill_emergence.fitted-in-data",
        "Figure 4b",
        "It captures the growth with data accurately.",
        Quantity(f"{FITTED}, {OVER_SETS}, in data", each_left_out(fitted_data_error, "strength_by_data")),
        median < 0.1,
        fixed=AFTER,
        decisive=IN_DATA,
        why="the bound is just met with all sets, and just missed without one of three at seed 0",
        defence="three training sets are few; with all of them the distance is 0.096 and 0.089",
    ),
    Claim(
        "skill_emergence.curves-in-data",
        "Figure 4b",
        "Set by the first skill alone it captures the growth with data.",
        Quantity(f"{CURVES}, {OVER_SETS}, in data", each_left_out(data_curve_error, "strength_by_data")),
        median < 0.1,
        source=READING,
        fixed=AFTER,
        decisive=IN_DATA,
        why="single sets are up to 0.15 off: the network follows a sigmoid, not the square root, and is not yet at "
        "full strength where the model is",
        defence="the constant D_c was fitted there and is set by one point here",
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
            "largest relative error of 2 k - 1 as the ratio of the median half-widths, over runs but each in turn, of "
            "skills k and 1",
            each_left_out(even_spacing_error, "half_width"),
        ),
        median < 0.25,
        source=READING,
        fixed=AFTER,
        why="varies with the draw of runs: 0.22 at seed 0, 0.35 at seed 11",
        defence="the paper says only that a skill uses all units it can; the even staircase belongs to the model",
    ),
    Claim(
        "skill_emergence.fitted-in-width",
        "Figure 4c",
        "The model captures the growth with width accurately.",
        Quantity(f"{FITTED}, {OVER_RUNS}, in width", each_left_out(fitted_width_error, "strength_by_width")),
        median < 0.1,
        fixed=AFTER,
        decisive=IN_WIDTH,
    ),
    Claim(
        "skill_emergence.curves-in-width",
        "Figure 4c",
        "Set by the first skill alone the model captures the growth with width.",
        Quantity(f"{CURVES}, {OVER_RUNS}, in width", each_left_out(width_curve_error, "strength_by_width")),
        median < 0.1,
        source=READING,
        fixed=AFTER,
        decisive=IN_WIDTH,
        why="varies with the draw of runs: at seed 11 the second skill has 0.15 at 8 units, by the model 0.65",
        defence="the published network is trained with Adam, and its four units a skill were fitted and are set by one "
        "point here",
    ),
)

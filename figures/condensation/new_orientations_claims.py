"""What is asked of forecasts of new orientations, and their controls."""

from __future__ import annotations

import numpy as np

from figures.harness.figure import Data
from toymodels.claims import AFTER, CONTROL, READING, Claim, Quantity, Statistic, median, share_of_runs
from toymodels.condensation.grouping import ORIENTATION_GAP
from toymodels.condensation.residual_flow import angle_between

KINDS = ("random", "figure_one")
BASES = ("from_targets", "from_other", "fastest", "forecast")  # of a forecast: the controls first


def of_kink(data: Data, basis: str, kind: str = "random") -> np.ndarray:
    """Angle between the lines of a forecast and of the new orientation, (new orientations,) in [0, pi/2]."""
    return angle_between(data[f"{kind}_{basis}"], data[f"{kind}_angle"], axis=True)


def of_side(data: Data, basis: str, kind: str = "random") -> np.ndarray:
    """Angle between the directions of a forecast and of the new orientation, (new orientations,) in [0, pi]."""
    return angle_between(data[f"{kind}_{basis}"], data[f"{kind}_angle"])


def unmatched(data: Data, kind: str) -> np.ndarray:
    """New orientations less plateaus left after the first, every run."""
    return data[f"{kind}_born"] - (data[f"{kind}_left"] - 1)


MOST = share_of_runs(0.75)  # few runs fix the median of whole numbers
MOST_NEW = Statistic("75% of the new orientations", MOST.of, MOST.share)  # half of the sides are right by a coin
TIES = (
    "relu(z) - relu(-z) = z: once the residual is orthogonal to linear functions both sides of a kink grow equally "
    "fast, and the sizes of the small neurons decide"
)
FLICKER = (
    "two orientations of the same or of a neighbouring kink leave one plateau, and late ones lower the loss too slowly "
    "for a descent"
)
OURS = "the overview says that the number of orientations increases, not by one a plateau; what is a descent is ours"
CLAIMS = (
    Claim(
        "new_orientations.kink",
        "Section 3",
        "A new orientation has the kink at which the initial flow on the residual of its plateau is fastest.",
        Quantity(
            "angle between the lines of forecast and new orientation, random targets (chance: pi/4)",
            lambda data: of_kink(data, "fastest"),
        ),
        median < ORIENTATION_GAP,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "new_orientations.kink-from-targets",
        "Section 3",
        "The initial flow on the targets does not say where later orientations appear.",
        Quantity(
            "angle between the lines of the fastest end for the targets and of the new orientation, random targets",
            lambda data: of_kink(data, "from_targets"),
        ),
        median > ORIENTATION_GAP,
        source=CONTROL,
        fixed=AFTER,
    ),
    Claim(
        "new_orientations.kink-from-others",
        "Section 3",
        "The residual of another run does not say it either.",
        Quantity(
            "angle between the lines of the fastest end for another run's residual and of the new orientation, random "
            "targets",
            lambda data: of_kink(data, "from_other"),
        ),
        median > ORIENTATION_GAP,
        source=CONTROL,
        fixed=AFTER,
    ),
    Claim(
        "new_orientations.side",
        "Section 3",
        "The residual alone gives the direction of a new orientation too.",
        Quantity(
            "angle between the directions of forecast and new orientation, random targets (chance: pi/2)",
            lambda data: of_side(data, "fastest"),
        ),
        MOST_NEW < ORIENTATION_GAP,
        source=READING,
        fixed=AFTER,
        why=TIES,
        defence="the overview predicts directions for the initial stage only; the residual in place of the targets is "
        "our reading",
    ),
    Claim(
        "new_orientations.direction",
        "Section 3",
        "Residual and sizes of the small neurons on the plateau give the direction.",
        Quantity(
            "angle between the directions of the end that counts first and of the new orientation, random targets",
            lambda data: of_side(data, "forecast"),
        ),
        median < ORIENTATION_GAP,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "new_orientations.figure-one",
        "Figure 1",
        "Residual and sizes of the small neurons on the plateau give the directions of figure 1.",
        Quantity(
            "angle between the directions of the end that counts first and of the new orientation, target of figure 1",
            lambda data: of_side(data, "forecast", "figure_one"),
        ),
        median < ORIENTATION_GAP,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "new_orientations.wait",
        "Section 3",
        "The rate of the initial flow on the residual says when a new orientation counts.",
        Quantity(
            "epochs from plateau to new orientation, expected over seen, random targets",
            lambda data: data["random_wait"] / (data["random_epoch"] - data["random_plateau"]),
        ),
        median.between(0.5, 2),
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "new_orientations.plateau-each",
        "Section 3",
        "Each new orientation leaves one plateau: random targets.",
        Quantity(
            "new orientations less descents of the loss after the first, every run",
            lambda data: unmatched(data, "random"),
        ),
        MOST.equals(0),
        source=READING,
        fixed=AFTER,
        why=FLICKER,
        defence=OURS,
    ),
    Claim(
        "new_orientations.plateau-each-figure-one",
        "Figure 1",
        "Each new orientation leaves one plateau: the target of figure 1.",
        Quantity(
            "new orientations less descents of the loss after the first, every run",
            lambda data: unmatched(data, "figure_one"),
        ),
        MOST.equals(0),
        source=READING,
        fixed=AFTER,
        why=FLICKER,
        defence=OURS,
    ),
)

"""What Section 5.2 and Appendix F say of neural collapse, in the unconstrained feature model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.figure import Data
from toymodels.claims import AFTER, CONTROL, READING, Claim, Quantity, every_run


def start_of_a_tenth(data: Data) -> int:
    """Position of the start 0.1."""
    return int(np.argmin(np.abs(data["scales"] - 0.1)))


def at_the_end(name: str) -> Callable[[Data], np.ndarray]:
    """A measure of collapse at the end from the start 0.1, every run."""
    return lambda data: data[name][start_of_a_tenth(data), :, -1]


def variance_exponent(data: Data) -> np.ndarray:
    """Of what is left of the variability within classes as a power of the start, every run."""
    left = np.log(data["within_between"][-2:, :, -1])
    return (left[1] - left[0]) / np.diff(np.log(data["scales"][-2:]))


CLAIMS = (
    Claim(
        "unconstrained_features.collapse",
        "Appendix F, condition 1",
        "Features collapse around their class means, as the usual measure sees it.",
        Quantity("tr(Sigma_W pinv(Sigma_B)) / K at the end from the start 0.1", at_the_end("nc1")),
        every_run < 1e-6,
        fixed=AFTER,
    ),
    Claim(
        "unconstrained_features.variance",
        "Equation 65",
        "The covariance within classes tends to 0 in training, if the conserved quantity is 0, as the paper assumes.",
        Quantity(
            "tr(Sigma_W) at flow time 40 over its start, from balanced layers (W'W = HH') of size 0.1, one-hot targets",
            lambda data: data["balanced"],
        ),
        every_run < 1e-4,
        fixed=AFTER,
        defence="the paper gives no rate",
    ),
    # a reading: static noise, which training does not touch, falls so as well
    Claim(
        "unconstrained_features.variance-by-start",
        "Equation 65",
        "From Gaussian weights, which are not balanced, less is left the smaller the start.",
        Quantity(
            "exponent with which tr(Sigma_W) / tr(Sigma_B) at the end falls with the start, over the two smallest",
            variance_exponent,
        ),
        every_run > 1,
        source=READING,
        fixed=AFTER,
    ),
    # a reading: the paper assumes a sufficiently small start, and names neither 0.1 nor a bound
    Claim(
        "unconstrained_features.variance-from-a-tenth",
        "Equation 65",
        "It does so from a start of 0.1.",
        Quantity("tr(Sigma_W) / tr(Sigma_B) at the end from the start 0.1", at_the_end("within_between")),
        every_run < 1e-4,
        source=READING,
        why="features outside the row space of the classifier feel no gradient and keep their initial values, so "
        "the ratio falls only as the square of the start; the pseudo-inverse of NC1 does not see them. Weight "
        "decay removes them (another claim)",
        defence="the paper assumes a sufficiently small start, and the ratio falls as the square of the start",
    ),
    Claim(
        "unconstrained_features.variance-with-decay",
        "Equation 65",
        "It does with weight decay, as in practice.",
        Quantity(
            "tr(Sigma_W) / tr(Sigma_B) at flow time 40 from a start of 1 with decay 0.05, over that without decay",
            lambda data: data["decayed"][:, -1] / data["within_between"][0, :, -1],
        ),
        every_run < 0.1,
        source=CONTROL,
    ),
    Claim(
        "unconstrained_features.simplex",
        "Appendix F, condition 2",
        "The class means form a simplex.",
        Quantity(
            "larger of spread of lengths and mean deviation of cosines from a simplex, class means at the end from the "
            "start 0.1",
            lambda data: np.maximum(at_the_end("equinorm")(data), at_the_end("equiangular")(data)),
        ),
        every_run < 1e-3,
        fixed=AFTER,
    ),
    Claim(
        "unconstrained_features.dual",
        "Appendix F, condition 3",
        "The last layer aligns with the class means.",
        Quantity("distance of the normalised matrices of both at the end from the start 0.1", at_the_end("nc3")),
        every_run < 1e-2,
        fixed=AFTER,
    ),
    Claim(
        "unconstrained_features.nearest-mean",
        "Appendix F, condition 4",
        "The classifier decides by the nearest class mean.",
        Quantity("share of the samples decided otherwise at the end from the start 0.1", at_the_end("nc4")),
        every_run < 1e-12,
    ),
    Claim(
        "unconstrained_features.rank",
        "Section 5.2",
        "From a small start the features have at most as many dimensions as there are classes.",
        Quantity(
            "number of singular values of the features above 10% of the largest, over that of classes, smallest start",
            lambda data: data["rank"][-1] / data["n_classes"],
        ),
        every_run <= 1,
    ),
    Claim(
        "unconstrained_features.small-start",
        "Section 5.2",
        "A sufficiently small start is needed.",
        Quantity(
            "tr(Sigma_W pinv(Sigma_B)) / K at the end from a start of 1 over that from 0.1",
            lambda data: data["nc1"][0, :, -1] / at_the_end("nc1")(data),
        ),
        every_run > 1000,
        source=READING,
    ),
)

"""Planes of six by eight cells: the derived exponent is plain in five rows, and within 0.2 of zero in the last.

Measured exponents have a tenth of the size of the derived ones and their sign, but for some of the forty plain cells;
in the last row they have the other one throughout.
"""

import numpy as np

from tests.figures.claims import Case

SIGN = np.where(np.arange(8) < 5, 1.0, -1.0)
DERIVED = np.stack([SIGN, 0.8 * SIGN, 0.6 * SIGN, 0.4 * SIGN, 0.21 * SIGN, 0.2 * SIGN])  # 40 cells beyond 0.2
OTHER = np.roll(DERIVED, 3, axis=1)  # of another layer: other signs in six of eight columns


def measured(derived: np.ndarray, wrong: int, unfitted: int = 0) -> np.ndarray:
    """Exponents with the sign of `derived`, but for so many plain cells with the wrong one, or none."""
    slope = 0.1 * derived
    slope[-1] *= -1
    slope[0, :wrong] *= -1
    slope[1, :unfitted] = np.nan
    return slope


def flat(wrong: int, unfitted: int) -> dict[str, np.ndarray]:
    """Two layers."""
    return {"flat_slope": measured(DERIVED, wrong, unfitted), "flat_predicted": DERIVED}


def layers(wrong_a: int, wrong_v: int, wrong_w: int) -> dict[str, np.ndarray]:
    """Three layers, each with its own derived exponents."""
    derived = (DERIVED, OTHER, -DERIVED)
    slopes = [measured(part, wrong) for part, wrong in zip(derived, (wrong_a, wrong_v, wrong_w), strict=True)]
    return {"slope": np.stack(slopes, axis=-1), "predicted": np.stack(derived, axis=-1)}


def off(a: float, v: float, w: float) -> dict[str, np.ndarray]:
    """Deviations of a, V and w in 24 cells, up and down; of the others 8 have none, 8 one of 2, 8 are not fitted."""
    derived = np.stack([DERIVED, OTHER, -DERIVED], axis=-1)
    rows = np.array([1, -1, -1])[:, None, None] * np.array([a, v, w])
    deviation = np.concatenate([rows, np.zeros((1, 1, 3)), np.full((1, 1, 3), 2.0), np.full((1, 1, 3), np.nan)])
    return {"slope": derived + deviation, "predicted": derived}


def middle_against_outer(wrong: int, unfitted: int = 0) -> dict[str, np.ndarray]:
    """V has the signs derived for a, but for so many cells; the other layers have none of theirs."""
    slope = np.stack([-DERIVED, measured(DERIVED, wrong, unfitted), DERIVED], axis=-1)
    return {"slope": slope, "predicted": np.stack([DERIVED, OTHER, -DERIVED], axis=-1)}


CASES = {
    # 39 of 40 cells, then 36: two have the wrong sign and two are not fitted, with which they would be 38, .95
    "two-layers": Case(flat(1, 0), flat(2, 2), (39 / 40, 36 / 40)),
    # 39, 40 and 40 of 40 cells, then 39, 37 and 40
    "each-layer": Case(layers(1, 0, 0), layers(1, 3, 0), (1, 39 / 40)),
    # the median of .10, .14, .05, then of .16, .14, .05; 8 cells of 48 are not fitted
    "exponents": Case(off(0.10, 0.14, 0.05), off(0.16, 0.14, 0.05), (0.10, 0.14)),
    # 35 of 40 cells, two of them not fitted, then 37, one of them not fitted: without it they are 36, .9
    "line-of-its-own": Case(middle_against_outer(5, 2), middle_against_outer(3, 1), (35 / 40, 37 / 40)),
}

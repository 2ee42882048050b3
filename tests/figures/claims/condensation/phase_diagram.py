"""Five runs: exponents in nine cells of the two-layer plane, and of three layers at three scales."""

import numpy as np

from tests.figures.claims import Case

PHASE = np.array([0, 0, 0, 1, 1, 2, 2, 2, 0])  # linear, critical, condensed
LINEAR = np.array([-0.5, -0.9, -0.3, -0.8])  # the third is set by a case
CONDENSED = np.array([0.2, 0.5, 0.8])  # the first is set by a case


def cells(linear: list[float], critical: list[list[float]], condensed: list[float]) -> dict[str, np.ndarray]:
    """Exponents of five runs: the largest of the linear cells, both critical ones, the smallest of the condensed."""
    slope = np.empty((5, 9))
    slope[:, PHASE == 0] = LINEAR
    slope[:, 2] = linear
    slope[:, [3, 4]] = np.transpose(critical)
    slope[:, PHASE == 2] = CONDENSED
    slope[:, 5] = condensed
    return {"slope": slope, "phase": PHASE}


AT_REST = [-0.05, -0.02, -0.1, -0.04, -0.2]
STEADY = [[0.07, 0.05, 0.9, -0.2, 0.06], [-0.07, -0.09, 0, -0.05, -0.5]]  # medians .06 and -.07
AWAY = [0.03, 0.05, 0.02, 0.2, 0.1]

SCATTER = np.array([0.2, -0.02, 0.01, 0, -0.6])[:, None]  # of five runs, median 0 and mean -.082
EXPONENTS = np.array([[-0.4, -1.0, -0.5], [0.3, -0.3, 0.05], [0.7, 0.05, 0.6]])  # (scale, layer): a, V, w


def deep(scale: int, layer: int, exponent: float) -> dict[str, np.ndarray]:
    """Exponents of three layers, of which one at one scale is another."""
    middle = EXPONENTS.copy()
    middle[scale, layer] = exponent
    return {"deep_slope": middle[:, None] + SCATTER}


def together(middle: list[float]) -> dict[str, np.ndarray]:
    """Exponents of V at the scale at which those of a and w grow."""
    slope = EXPONENTS[:, None] + SCATTER
    slope[1, :, 1] = middle
    return {"deep_slope": slope}


CASES = {
    "linear": Case(
        cells(AT_REST, STEADY, AWAY), cells([-0.05, -0.02, 0.01, -0.04, -0.2], STEADY, AWAY), (-0.05, -0.04)
    ),
    "condensed": Case(
        cells(AT_REST, STEADY, AWAY), cells(AT_REST, STEADY, [0.03, 0.05, 0.02, -0.01, 0.1]), (0.05, 0.03)
    ),
    # of the two cells .06 and .07, then .06 and .09
    "critical": Case(
        cells(AT_REST, STEADY, AWAY), cells(AT_REST, [STEADY[0], [-0.09, -0.1, 0, -0.05, -0.5]], AWAY), (0.065, 0.075)
    ),
    # .4, .5, .3, .05; then -.02 in place of .3
    "three-layers-outer": Case(deep(1, 0, 0.3), deep(1, 0, -0.02), (0.35, 0.225)),
    # 1 and .05, then 1 and -.05
    "three-layers-middle": Case(deep(2, 1, 0.05), deep(2, 1, -0.05), (0.525, 0.475)),
    "three-layers-together": Case(
        together([0.02, 0.04, 0.3, 0.01, 0.08]), together([0.02, -0.01, 0.3, 0.01, 0.08]), (0.04, 0.02)
    ),
}

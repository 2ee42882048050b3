"""Four batches of networks of six widths, one beyond the widest that a claim names; embeddings of two widths."""

import numpy as np

from tests.figures.claims import Case

WIDTHS = {"width": np.array([1, 2, 3, 5, 20, 50])}


def shared(*narrow: list[float]) -> dict[str, np.ndarray]:
    """Part of the time at the common plateau of the widths up to 5; widths 20 and 50 leave it soon."""
    return WIDTHS | {"shared": np.array([*narrow, [0.05, 0.10, 0.02, 0.03], [0.01, 0.02, 0.03, 0.04]])}


def low(*widths: list[float]) -> dict[str, np.ndarray]:
    """Part of the time at low losses."""
    return WIDTHS | {"low": np.array(widths)}


CASES = {
    # smallest of each batch .31, .35, .33, .05, at width 5, 1, 3, 5; then .29, .25, .50, .20
    "common": Case(
        shared([0.9, 0.35, 0.8, 0.7], [0.5, 0.6, 0.7, 0.6], [0.6, 0.4, 0.33, 0.4], [0.31, 0.5, 0.6, 0.05]),
        shared([0.9, 0.25, 0.8, 0.7], [0.5, 0.6, 0.7, 0.6], [0.6, 0.4, 0.50, 0.4], [0.29, 0.5, 0.6, 0.20]),
        (0.32, 0.27),
    ),
    # means 1/8, 1/8, 1/4, 1/2, 7/8, 1: steps 0, 1/8, 1/4, 3/8, 1/8, though single batches fall; then width 5 has 3/16:
    # steps 0, 1/8, -1/16, 11/16, 1/8
    "wider-is-lower": Case(
        low([0, 0, 0, 0.5], [0.25, 0.25, 0, 0], [0.25] * 4, [0.5, 0.5, 0.25, 0.75], [1, 0.75, 1, 0.75], [1] * 4),
        low([0, 0, 0, 0.5], [0.25, 0.25, 0, 0], [0.25] * 4, [0.25, 0.25, 0.25, 0], [1, 0.75, 1, 0.75], [1] * 4),
        (0.125, 0.125),
    ),
    # (.51 + .55) / 2 against (.45 + .48) / 2 at width 20
    "wide-leaves": Case(
        low([0] * 4, [0.1] * 4, [0.1] * 4, [0.2] * 4, [0.55, 0.51, 0.90, 0.30], [0.1, 0.2, 0.3, 0.4]),
        low([0] * 4, [0.1] * 4, [0.1] * 4, [0.2] * 4, [0.48, 0.45, 0.90, 0.20], [0.9, 0.8, 0.7, 0.6]),
        (0.53, 0.465),
    ),
    # largest of each batch 2, 5, 8, 9 times 1e-10; then one of 11
    "embedded-points-are-critical": Case(
        {"gradient": np.array([[2e-10, 1e-10, 8e-10, 3e-10], [1e-10, 5e-10, 4e-10, 9e-10]])},
        {"gradient": np.array([[2e-10, 1e-10, 8e-10, 3e-10], [1e-10, 11e-10, 4e-10, 9e-10]])},
        (6.5e-10, 8.5e-10),
    ),
    # smallest of each batch 0, 1, 1, 0; then one loses an eigenvalue: 0, -1, 1, 0
    "inertia": Case(
        {"smallest_gain": np.array([[0, 1, 1, 2], [1, 1, 2, 0]])},
        {"smallest_gain": np.array([[0, 1, 1, 2], [1, -1, 2, 0]])},
        (0.5, 0),
    ),
    # 0, 1/8, 3/8 and a batch without a minimum; then none turns
    "minimum-turns-saddle": Case(
        {"turned": np.array([[0, 1, 0, 0], [0, 0, 3, 0]]), "minima": np.array([[2, 1, 4, 0], [2, 7, 4, 0]])},
        {"turned": np.array([[0, 0, 0, 0], [0, 0, 0, 0]]), "minima": np.array([[2, 1, 4, 0], [2, 7, 4, 0]])},
        (0.125, 0),
    ),
}

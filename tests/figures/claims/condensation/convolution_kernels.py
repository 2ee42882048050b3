"""Two starts of five networks each, small before usual; cosines are put a part of the way from chance to parallel.

The median of the small start lies on one side of the bound and the mean on the other.
"""

import numpy as np

from tests.figures.claims import Case

CHANCE = {"weights": 0.27, "outputs": 0.6}  # mean |cos| of unrelated channels


def small(
    name: str, values: list[float], usual: tuple[float, ...] = (0.45, 0.05, 0.6, 0.2, 0.9)
) -> dict[str, np.ndarray]:
    """A measure of the networks from the small start, and of those from the usual one."""
    return {name: np.array([values, usual])}


def on_the_way(**parts: list[list[float]]) -> dict[str, np.ndarray]:
    """Mean |cos| and its excess over chance, for parts (start, run) of the way from chance (0) to parallel (1)."""
    found = {}
    for name, part in parts.items():
        mean = CHANCE[name] + np.array(part) * (1 - CHANCE[name])
        found |= {f"mean_{name}_end": mean, f"excess_{name}_end": mean / CHANCE[name] - 1}
    return found


WEIGHTS = [[0.25, 0.30, 0.10, 0.60, 0.70], [0.50, 0.20, 0.40, 0.10, 0.30]]  # parts of the way
USUAL_OUTPUTS = [0.30, 0.60, 0.35, 0.80, 0.20]
USUAL_EXCESS = (0.4, 0.45, 0.2, 0.6, 0.5)

CASES = {
    "no-blocks-at-start": Case(
        small("share_weights_start", [0.20, 0.25, 0.29, 0.80, 0.60]),
        small("share_weights_start", [0.31, 0.35, 0.05, 0.02, 0.40]),
        (0.29, 0.31),
    ),
    "no-output-blocks-at-start": Case(
        small("share_outputs_start", [0.10, 0.28, 0.27, 0.70, 0.90]),
        small("share_outputs_start", [0.33, 0.32, 0.04, 0.10, 0.60]),
        (0.28, 0.32),
    ),
    "blocks-after-training": Case(
        small("share_weights_end", [0.31, 0.33, 0.35, 0.02, 0.04]),
        small("share_weights_end", [0.29, 0.25, 0.98, 0.95, 0.20]),
        (0.31, 0.29),
    ),
    "opposite-directions": Case(
        small("minority_weights_end", [0.11, 0.13, 0.12, 0.00, 0.05]),
        small("minority_weights_end", [0.09, 0.08, 0.45, 0.50, 0.02]),
        (0.11, 0.09),
    ),
    # .15, .06, .80, -.40, -.65 of the way more; then -.05, -.01, .80, .15, -.10. In most runs of both the excess itself
    # is larger for weights, and the mean larger for outputs
    "outputs-condense-more": Case(
        on_the_way(weights=WEIGHTS, outputs=[[0.40, 0.36, 0.90, 0.20, 0.05], USUAL_OUTPUTS]),
        on_the_way(weights=WEIGHTS, outputs=[[0.20, 0.29, 0.90, 0.75, 0.60], USUAL_OUTPUTS]),
        (0.06, -0.01),
    ),
    # less .45: .05, .10, .07, -.85, -.75; then -.05, -.15, 1.05, -.35, .45; run by run the medians would be .10 and 0
    "small-start": Case(
        small("excess_weights_end", [0.5, 0.55, 0.52, -0.4, -0.3], USUAL_EXCESS),
        small("excess_weights_end", [0.4, 0.3, 1.5, 0.1, 0.9], USUAL_EXCESS),
        (0.05, -0.05),
    ),
}

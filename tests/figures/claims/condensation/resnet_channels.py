"""Five networks that have learnt their training data; excess of the mean |cos| over chance, layer by layer."""

import numpy as np

from tests.figures.claims import Case

TRAINED = {"accuracy": np.array([0.99, 1.0, 0.992, 0.995, 1.0])}  # .99 is enough
BASE = np.array([0.3, 0.5, 0.1, 0.8, 0.4])  # of what is compared with
MORE = np.array([0.05, 0.3, 0.04, -0.02, -0.9])  # median .04, mean below 0
FIRST = [0.3, 0.5, 0.1, 0.8, 0.95]  # of the way
FURTHER = [0.35, 0.8, 0.14, 0.78, 0.05]  # .05, .3, .04, -.02, -.9 more; the mean is behind
BEHIND = [0.25, 1.0, 0.08, 0.81, 0.65]  # -.05, .5, -.02, .01, -.3 more, yet a larger excess in every run
LESS = np.array([-0.05, 0.9, -0.02, 0.01, -0.3])  # median -.02, mean above 0


def against_first(name: str, first: list[float], last: list[float]) -> dict[str, np.ndarray]:
    """Parts of the way from a chance of .8 in the first layer, and of .1 in the last, to parallel channels."""
    found = {}
    for layer, chance, way in (("first", 0.8, first), ("last", 0.1, last)):
        mean = chance + np.array(way) * (1 - chance)
        found |= {f"mean_{name}_{layer}_end": mean, f"excess_{name}_{layer}_end": mean / chance - 1}
    return TRAINED | found


def against_start(more: np.ndarray) -> dict[str, np.ndarray]:
    """Rise by training of the excess of the outputs of the last layer."""
    return TRAINED | {"excess_outputs_last_start": BASE, "excess_outputs_last_end": BASE + more}


CASES = {
    "weights": Case(against_first("weights", FIRST, FURTHER), against_first("weights", FIRST, BEHIND), (0.04, -0.02)),
    "outputs": Case(against_first("outputs", FIRST, FURTHER), against_first("outputs", FIRST, BEHIND), (0.04, -0.02)),
    "outputs-rise": Case(against_start(MORE), against_start(LESS), (0.04, -0.02)),
    "blocks": Case(
        TRAINED | {"share_weights_last_end": np.array([0.26, 0.30, 0.10, 0.05, 0.28])},
        TRAINED | {"share_weights_last_end": np.array([0.24, 0.20, 0.90, 0.05, 0.28])},
        (0.26, 0.24),
    ),
}

"""Five networks that have learnt their training data; excess of the mean |cos| over chance, layer by layer."""

import numpy as np

from tests.figures.claims import Case

TRAINED = {"accuracy": np.array([0.99, 1.0, 0.992, 0.995, 1.0])}  # .99 is enough
BASE = np.array([0.3, 0.5, 0.1, 0.8, 0.4])  # of what is compared with
MORE = np.array([0.05, 0.3, 0.04, -0.02, -0.9])  # median .04, mean below 0
LESS = np.array([-0.05, 0.9, -0.02, 0.01, -0.3])  # median -.02, mean above 0


def against_first(name: str, more: np.ndarray) -> dict[str, np.ndarray]:
    """Excess of the last layer over the first, after training."""
    return TRAINED | {f"excess_{name}_first_end": BASE, f"excess_{name}_last_end": BASE + more}


def against_start(more: np.ndarray) -> dict[str, np.ndarray]:
    """Rise by training of the excess of the outputs of the last layer."""
    return TRAINED | {"excess_outputs_last_start": BASE, "excess_outputs_last_end": BASE + more}


CASES = {
    "weights": Case(against_first("weights", MORE), against_first("weights", LESS), (0.04, -0.02)),
    "outputs": Case(against_first("outputs", MORE), against_first("outputs", LESS), (0.04, -0.02)),
    "outputs-rise": Case(against_start(MORE), against_start(LESS), (0.04, -0.02)),
    "blocks": Case(
        TRAINED | {"share_weights_last_end": np.array([0.26, 0.30, 0.10, 0.05, 0.28])},
        TRAINED | {"share_weights_last_end": np.array([0.24, 0.20, 0.90, 0.05, 0.28])},
        (0.26, 0.24),
    ),
}

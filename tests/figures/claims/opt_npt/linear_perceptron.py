"""Accuracies of five curves that are .5 for two sets, three runs and six records, but where a claim looks."""

import numpy as np

from tests.figures.claims import Case

SIZES = {
    "samples": np.array([600, 60_000]),
    "step": np.array([0, 1, 10, 50, 200, 700]),
    "early": np.array(50),
}
TANH, LINEAR, PERCEPTRON, MAP, SQUARES = range(5)


def level() -> np.ndarray:
    """Accuracies (2, 3, 6, 5): sizes, runs, records and curves; least squares are at .2."""
    accuracy = np.full((2, 3, 6, 5), 0.5)
    accuracy[..., SQUARES] = 0.2
    return accuracy


def apart(*largest: float) -> dict[str, np.ndarray]:
    """Of the first four curves the map is so far below the linear network after training on the smallest set."""
    accuracy = level()
    accuracy[0, :, -1, LINEAR] += 0.003
    accuracy[0, :, -1, MAP] += 0.003 - np.array(largest)
    accuracy[1, :, -1, MAP] = accuracy[0, :, -2, MAP] = 0.4
    return SIZES | {"accuracy": accuracy}


def above(size: int, upper: int, lower: int, *by: float) -> dict[str, np.ndarray]:
    """Two curves, of .9 and less, that are so far apart at the end, after training on one of the sets."""
    accuracy = level()
    accuracy[size, :, -1, upper] = 0.9
    accuracy[size, :, -1, lower] = 0.9 - np.array(by)
    return SIZES | {"accuracy": accuracy}


def early(*distances: float) -> dict[str, np.ndarray]:
    """The perceptron is so far below the tanh network at step 10, half as far above at step 50, else .2 above."""
    accuracy = level()
    accuracy[..., PERCEPTRON] = 0.7
    accuracy[1, :, 2, PERCEPTRON] = 0.5 - np.array(distances)
    accuracy[1, :, 3, PERCEPTRON] = 0.5 + np.array(distances) / 2
    return SIZES | {"accuracy": accuracy}


HIGHER, LOWER = (0.01, 0.04, 0.02), (-0.01, -0.04, -0.02)
CASES = {
    "few-samples": Case(apart(0.005, 0.009, 0.008), apart(0.011, 0.02, 0.012), (0.008, 0.012)),
    "least-squares": Case(
        above(0, PERCEPTRON, SQUARES, 0.011, 0.03, 0.012),
        above(0, PERCEPTRON, SQUARES, 0.009, -0.02, 0.008),
        (0.012, 0.008),
    ),
    "tanh-over-linear": Case(above(1, TANH, LINEAR, *HIGHER), above(1, TANH, LINEAR, *LOWER), (0.02, -0.02)),
    "linear-over-perceptron": Case(
        above(1, LINEAR, PERCEPTRON, *HIGHER), above(1, LINEAR, PERCEPTRON, *LOWER), (0.02, -0.02)
    ),
    "perceptron-over-map": Case(above(1, PERCEPTRON, MAP, *HIGHER), above(1, PERCEPTRON, MAP, *LOWER), (0.02, -0.02)),
    "early-overlap": Case(early(0.005, 0.009, 0.008), early(0.011, 0.02, 0.012), (0.008, 0.012)),
}

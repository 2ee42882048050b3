"""Sentences about made-up runs whose numbers are known."""

import numpy as np
import pytest

from dnn.observing.diagnosis import _generalisation
from toymodels.trajectory import Trajectory

T = np.array([1.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0])


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ([0.1, 0.1, 0.1, 0.5, 0.7, 0.9], "test accuracy 0.100 -> 0.900, 0.80 of it after the fit, 2.75 decades behind"),
        ([0.1, 0.5, 0.7, 0.8, 0.8, 0.9], "0.40 of it after the fit, 1.00 decades behind training: delayed"),
        ([0.1, 0.8, 0.8, 0.8, 0.9, 0.9], "test accuracy 0.100 -> 0.900, 0.38 decades behind training: not delayed"),
        (
            [0.5, 0.5, 0.5, 0.5, 0.6, 0.62],
            "test accuracy 0.500 -> 0.620, 0.12 of it after the fit, 3.17 decades behind",
        ),
        ([0.5, 0.5, 0.5, 0.5, 0.58, 0.59], "no rise to speak of"),
    ],
)
def test_generalisation_is_said_with_its_numbers(test, words):
    run = Trajectory(T, {"accuracy": np.array([0.1, 1, 1, 1, 1, 1]), "test_accuracy": np.array(test)}, clock="step")
    (line,) = _generalisation(run)
    assert words in line

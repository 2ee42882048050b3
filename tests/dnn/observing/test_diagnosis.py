"""Sentences about made-up runs whose numbers are known."""

import numpy as np
import pytest

from dnn.observing.diagnosis import _fit, _generalisation, _norm, _order
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


def run(**curves):
    return Trajectory(T, {name: np.array(values) for name, values in curves.items()}, clock="step")


@pytest.mark.parametrize(
    ("accuracy", "words"),
    [
        ([0.1, 0.5, 0.96, 1.0, 1.0, 1.0], "fits: training accuracy reaches 0.95 by step 100"),
        ([0.1, 0.5, 0.96, 1.0, 1.0, 0.6], "fits: training accuracy reaches 0.95 by step 100, and is 0.600 at the end"),
        ([0.1, 0.5, 0.96, 1.0, 0.6, 1.0], "fits: training accuracy reaches 0.95 by step 100"),
        ([0.1, 0.5, 0.9, 0.8, 0.7, 0.6], "does not fit: training accuracy is 0.600 at the end, 0.900 at most"),
        (
            [0.95, 0.9, 0.9, 0.8, 0.7, 0.6],
            "training accuracy is 0.950 at the first record already: nothing before it can be seen",
        ),
    ],
)
def test_a_fit_is_said_with_its_step_and_what_became_of_it(accuracy, words):
    assert _fit(run(accuracy=accuracy)) == [words]


def test_two_quantities_that_moved_have_an_order_and_one_has_none():
    rising, still = np.linspace(0, 1, 6), np.ones(6)
    (line,) = _order(run(nc1=rising, clusters=still))
    assert "fewer than two of them moved" in line
    (line,) = _order(run(nc1=rising[::-1] ** 4, test_accuracy=rising, clusters=still))
    assert line.startswith("half-way first: nc1 at step ")
    assert "then test_accuracy at 316; test accuracy at 316" in line


@pytest.mark.parametrize(
    ("norm", "words"),
    [
        ([4, 5, 6, 5, 4, 3], "weights shrink: norm 4 -> 3"),
        ([4, 3, 3, 3, 3, 4.5], "weights do not shrink: norm 4 -> 4.5"),
        ([4, 3, 3, 3, 3, 4], "weights do not shrink: norm 4 -> 4"),
    ],
)
def test_weights_shrink_if_they_are_smaller_at_the_end(norm, words):
    (line,) = _norm(run(weight_norm=norm))
    assert line.startswith(words)

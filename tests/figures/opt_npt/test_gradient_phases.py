"""Numbers of the six 10-layer networks."""

import numpy as np
import pytest

from figures.opt_npt.gradient_phases_claims import CLAIMS, above_paper, delays, final_difference, first_layer, points
from toymodels.claims import CONTRADICTED, OPEN


@pytest.fixture
def data():
    """Two runs of (a) and (c), two records, three layers."""
    return {
        "a_test": np.array([[0.5, 0.9714], [0.8, 0.7]]),
        "c_test": np.array([[0.9237, 0.5], [0.9237, 0.5]]),
        "a_train": np.array([[0.82, 1.0], [0.82, 1.0]]),
        "a_gradient": np.array([[[1.0, 2, 3], [2, 3, 4]], [[5, 6, 7], [2, 3, 4]]]),
        "c_gradient": np.array([[[0.0, 0, 0], [2, 3, 4]], [[0, 0, 0], [2.3, 3.3, 4.3]]]),
        "a_step": np.array([[0, 200], [0, 200]]),
        "samples": np.array(1000),
    }


def test_accuracies_are_held_against_those_that_are_printed(data):
    assert points(data, "a") == pytest.approx([97.14, 80])
    assert above_paper(data, "ac") == pytest.approx([0, -17.14, 0, 0])


def test_the_first_layer_is_looked_at_where_the_test_accuracy_is_best(data):
    assert first_layer(data, "a") == pytest.approx([2, 5])


def test_final_gradients_are_compared_layer_by_layer(data):
    assert final_difference(data) == pytest.approx([0, 0.1])


def test_the_delay_is_taken_over_all_runs_of_all_panels(data):
    assert delays(data, "a") == pytest.approx([0.5, 0.7])


@pytest.mark.parametrize(
    ("samples", "steps", "verdict"), [(60_000, 999, OPEN), (9999, 1000, OPEN), (10_000, 1000, CONTRADICTED)]
)
def test_only_long_runs_on_many_digits_contradict_equal_gradients(data, samples, steps, verdict):
    (claim,) = (claim for claim in CLAIMS if claim.key == "gradient_phases.same-as-linear")
    far = {"c_gradient": 2 * data["c_gradient"], "samples": np.array(samples), "a_step": np.array([[0, steps]] * 2)}
    judged = claim.judge(data | far)
    assert judged.verdict == verdict
    assert judged.criterion.endswith("median < 0.1; contradicted only with at least 1,000 steps and 10,000 digits")

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.neurashed.theorems import B1, B2, LIMIT, N_CLASSES, last, ratio_if_growing, update
from toymodels.neurashed.elasticity import elasticity_limit


def test_the_limit_of_theorem_1_is_that_of_the_package():
    assert_allclose(LIMIT, elasticity_limit(B1, B2, N_CLASSES, depth=3))


def test_simulated_updates_follow_the_printed_powers():
    assert update(np.random.default_rng(0), depth=2, reading="own_input", t=5)["error"] < 1e-12
    assert update(np.random.default_rng(0), depth=2, reading="same_input", t=5)["error"] > 0.1


def test_the_last_time_is_judged_over_the_limit_from_a_depth_on():
    ratio = LIMIT * np.arange(12.0).reshape(2, 3, 2)  # (depth, reading, t)
    assert_allclose(last("own_input")({"ratio": ratio}), [1, 7])
    assert_allclose(last("same_input", first=1)({"ratio": ratio}), [9])


@pytest.mark.parametrize(("deep", "ratio"), [([1.0, 2.0, 5.0], 5.0), ([1.0, 1.0, 5.0], 0.0)])
def test_a_ratio_that_does_not_grow_throughout_counts_as_none(deep, ratio):
    assert ratio_if_growing({"deep": np.array(deep)}) == ratio

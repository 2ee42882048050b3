"""Training of the model, the start that is judged, and decay as a control."""

from dataclasses import replace

import numpy as np
from numpy.testing import assert_allclose

from figures.layerwise.unconstrained_features import (
    UnconstrainedFeatureRuns,
    balanced_start,
    train,
    train_balanced,
)
from figures.layerwise.unconstrained_features_claims import at_the_end, start_of_a_tenth, variance_exponent

SMALL = UnconstrainedFeatureRuns(n_classes=3, n_per_class=4, width=8, n_times=5)


def test_the_start_of_a_tenth_is_found_whatever_the_others():
    data = {"scales": np.array([1.0, 0.1, 0.03]), "nc1": np.arange(12.0).reshape(3, 2, 2)}
    assert start_of_a_tenth(data) == 1
    assert at_the_end("nc1")(data).tolist() == [5, 7]


def test_weight_decay_removes_the_variability_within_classes_that_stays_without():
    plain, decayed = (
        train(replace(SMALL, decay=decay), np.random.default_rng(0), scale=0.5) for decay in (0.0, SMALL.decay)
    )
    assert plain["t"].tolist() == decayed["t"].tolist()
    assert plain["within_between"][-1] > 10 * decayed["within_between"][-1]
    assert plain["nc1"][-1] < 0.1 * plain["nc1"][0]
    assert plain["rank"] <= 8


def test_from_a_balanced_start_the_variability_within_classes_goes():
    weights, features = balanced_start(SMALL, np.random.default_rng(0), 0.2)
    assert weights.shape == (3, 8)
    assert features.shape == (8, 12)
    assert_allclose(weights.T @ weights, features @ features.T, atol=1e-15)
    assert_allclose((features**2).sum() / 12, 0.2**2)
    assert train_balanced(SMALL, np.random.default_rng(0), 0.2)["left"] < 1e-12


def test_what_is_left_of_the_variability_is_a_power_of_the_start():
    scales = np.array([1.0, 0.1, 0.01])
    left = np.array([9.0, 0.02, 0.0002])[:, None, None] * np.ones((3, 2, 4))  # falls as the square over the last two
    left[..., :-1] = 7.0  # before the end
    assert_allclose(variance_exponent({"scales": scales, "within_between": left}), [2.0, 2.0])
    assert start_of_a_tenth({"scales": scales}) == 1
    assert_allclose(at_the_end("within_between")({"scales": scales, "within_between": left}), [0.02, 0.02])

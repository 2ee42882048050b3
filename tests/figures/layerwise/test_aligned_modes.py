"""Growth of the features against what the ratio alone gives, and the margins of rich and lazy starts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.layerwise.aligned_modes import CLAIMS, AlignedModes, bounds, equations, from_ratio, margins, random_start
from toymodels.claims import CONTRADICTED, REPRODUCED
from toymodels.layerwise import ScalarNetwork


def test_growth_by_the_ratio_alone():
    ratio = np.array([0.1, 10.0])
    assert_allclose(from_ratio(ratio, np.exp(np.arcsinh(1 / ratio)) * [1, 1.5]), [0, 0.5], atol=1e-12)


def test_margins_are_decades_of_growth_and_of_change():
    data = {"random_ratio": np.array([0.01, 1.0, 100.0]), "random_growth": np.array([1000.0, 2.0, 0.94])}
    assert_allclose(margins(data), [2, -1])


@pytest.mark.parametrize("ratio", [[0.01, 0.02, 1.0], [1.0, 20.0, 100.0]])
def test_margins_need_small_ratios_and_large_ones(ratio):
    with pytest.raises(ValueError, match=r"starts of R < 0\.05 and of R > 10"):
        margins({"random_ratio": np.array(ratio), "random_growth": np.ones(3)})


@pytest.mark.parametrize(
    ("key", "column", "wrong", "right"),
    [("greedy", 3, [2e-3, -2e-3, -0.5], [9e-4, -9e-4, 0.0]), ("lazy", 2, [1.007, 0.993, 0.5], [1.005, 0.995, 1.0])],
)
def test_a_change_of_either_sign_counts(key, column, wrong, right):
    (claim,) = (claim for claim in CLAIMS if claim.key == f"aligned_modes.{key}")
    for values, verdict in ((wrong, CONTRADICTED), (right, REPRODUCED)):
        for value in values:
            numbers = np.ones((4, 4))
            numbers[:, column] = value
            assert claim.judge({"numbers": numbers}).verdict == verdict


def test_small_random_starts_grow_more():
    small, large = (random_start(AlignedModes(width=20), np.random.default_rng(0), scale) for scale in (0.01, 10.0))
    assert small["ratio"] < 1 < large["ratio"]
    assert small["gamma"] > 10 > large["gamma"]
    assert small["growth"] > 10 > large["growth"]


@pytest.mark.parametrize("normalizer", [1.0, 2.0])
def test_equations_of_the_modes_hold_from_symmetric_starts_only(normalizer):
    t = np.linspace(0, 5, 80)
    a0 = np.array([0.3, 0.3])
    symmetric = equations(ScalarNetwork(a0, np.array([0.3, -0.3]), 1.0, normalizer), t)
    assert max(symmetric.values()) < 1e-7
    assert max(equations(ScalarNetwork(a0, np.array([0.1, -0.2]), 1.0, normalizer), t).values()) > 1e-2


def test_growth_of_random_networks_is_at_least_the_inverse_ratio():
    found = bounds(300, np.random.default_rng(1))
    assert found.shape == (300,)
    assert found.min() >= 1
    assert found.max() > 2

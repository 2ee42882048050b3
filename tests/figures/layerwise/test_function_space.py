"""The networks whose features are followed in the space of functions."""

import numpy as np
import pytest

from figures.layerwise.function_space import (
    TARGET,
    FunctionSpace,
    kernel_scaling,
    of_many_units,
    of_two_units,
    trained,
    two_units,
)


@pytest.mark.parametrize("width", [256, 4096])
def test_both_layers_share_the_root_of_the_width_and_their_function_is_zero(width):
    network = kernel_scaling(width, np.random.default_rng(0))
    for layer in (network.w1, network.w2):
        assert np.sqrt(np.mean(layer**2)) == pytest.approx(width**-0.25, rel=0.1)
    assert network.w2 @ network.w1 == pytest.approx(np.zeros(2), abs=1e-12)


def test_of_two_units_one_points_to_the_target_and_one_away():
    for seed in range(20):
        network = two_units(0.3, np.random.default_rng(seed))
        cosines = network.w1 @ TARGET / (0.3 * np.linalg.norm(TARGET))
        assert cosines[0] >= 0.5
        assert cosines[1] <= -0.5
        assert network.w2 == pytest.approx([0.3, 0.3])


def test_features_are_followed_until_the_target_is_learned():
    features = trained(two_units(0.1, np.random.default_rng(0)), 5)
    assert features.shape == (5, 2, 2)
    assert features[-1].sum(axis=0) == pytest.approx(TARGET, abs=2e-3)
    first, last = features[0], features[-1]
    assert np.linalg.norm(first.sum(axis=0)) < 0.02
    moved = np.linalg.norm(last - first, axis=1)
    settings = FunctionSpace(small=0.1)
    assert of_two_units(settings, np.random.default_rng(0), "small")["away"] == pytest.approx(
        moved[1] / moved.sum(), rel=1e-3
    )


def test_wider_networks_move_their_features_less_and_their_function_as_far():
    narrow, wide = (of_many_units(FunctionSpace(), np.random.default_rng(0), width) for width in (16, 1024))
    assert wide["feature"] < narrow["feature"] / 4
    assert wide["function"] == pytest.approx(narrow["function"], rel=0.01)

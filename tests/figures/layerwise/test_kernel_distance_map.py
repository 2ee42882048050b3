"""The map of panel (b) and its kernel distance, which is that of whole kernels; and the symmetry of panel (a)."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.layerwise.kernel_distance_map import (
    OUTPUTS,
    SAMPLES,
    WIDE,
    KernelDistanceMap,
    map_a,
    map_b,
    sample_kernel_distance,
)
from figures.layerwise.kernel_distance_map_claims import symmetry
from toymodels.layerwise import kernel_distance, linear_network_ntk

SMALL = KernelDistanceMap(side_a=3, side_b=3)


@settings(max_examples=20)
@given(st.integers(0, 2**31))
def test_kernel_distance_of_many_networks_is_that_of_their_kernels(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((SAMPLES, WIDE))
    start, end = ((rng.standard_normal((3, 6, WIDE)), rng.standard_normal((3, OUTPUTS, 6))) for _ in range(2))
    distances = sample_kernel_distance(x, start, end)
    kernels = [[linear_network_ntk(x, w1[k], w2[k]) for k in range(3)] for w1, w2 in (start, end)]
    assert_allclose(distances, [kernel_distance(*pair) for pair in zip(*kernels, strict=True)], rtol=1e-12, atol=1e-12)


def test_the_map_of_panel_b_is_gradient_descent_from_a_zero_function():
    distances = map_b(replace(SMALL, n_steps=0), np.random.default_rng(1), draw=0)["map"]
    assert distances.shape == (3, 3)
    assert_allclose(distances, 0, atol=1e-14)
    assert map_b(replace(SMALL, n_steps=400), np.random.default_rng(1), draw=0)["map"][1, 0] > 1e-3


def test_the_kernel_of_panel_a_moves_where_the_layers_are_balanced():
    distances = map_a(SMALL, np.random.default_rng(2), draw=0)
    assert distances["map"].shape == (3, 3)
    assert distances["map"][[0, 2]].max() < 0.1 * distances["map"][1].min()
    assert distances["balanced"].min() > distances["map"][[0, 2]].max()


def test_a_map_and_its_mirror_image_agree_only_if_it_is_symmetric():
    logs = np.array([[-5.0, -4.0], [-1.0, -2.0], [-5.0, -4.0]])
    tilted = np.array([[-5.0, -5.0], [-3.0, -3.0], [-1.0, -1.0]])
    assert_allclose(symmetry({"a": 10 ** np.array([logs, tilted])}), [1, -1], atol=0.05)

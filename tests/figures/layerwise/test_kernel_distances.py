"""Random correlations, and distance and loss of a balanced network."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.layerwise.kernel_distances import distance_and_loss, distance_map, random_correlation
from toymodels.layerwise import LinearNetwork, gram_kernel_distance


@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (4, 2)])
def test_correlation_is_that_of_labels_with_white_inputs(shape):
    rng = np.random.default_rng(0)
    draws = np.array([random_correlation(shape[0], shape[1], 10, rng) for _ in range(4000)])
    assert draws.shape[1:] == shape
    # entries are averages of 10 products of unit normals
    assert_allclose(draws.std(axis=0), np.sqrt(0.1), rtol=0.05)


def test_distance_and_loss_are_those_of_the_balanced_network():
    correlation = np.array([[1.0, 0.2], [0.0, 0.5]])
    t = np.array([0.5, 2.0])
    distance, loss = distance_and_loss(correlation, 0.3, 4.0, t, np.random.default_rng(3))
    net = LinearNetwork.balanced(correlation / 4, 2, 0.3, 2.0, np.random.default_rng(3))
    run = net.solve([0.0, *t])
    grams = run["gram_in"], run["gram_out"]
    assert_allclose(
        distance, gram_kernel_distance(grams[0][0], grams[1][0], grams[0][1:], grams[1][1:]), rtol=1e-12, atol=1e-12
    )
    assert_allclose(loss, run["loss"][1:] / run["loss"][0], rtol=1e-12, atol=1e-12)


def test_a_map_has_the_same_start_in_every_cell():
    correlation = np.array([[1.0, 0.2], [0.0, 0.5]])
    distances = distance_map(correlation, np.array([-1.0, 1.0]), np.array([1.0, 2.0]), 3.0, np.random.default_rng(4))
    again = distance_map(correlation, np.array([1.0]), np.array([2.0]), 3.0, np.random.default_rng(4))
    assert distances.shape == (2, 2)
    assert distances[1, 1] == again[0, 0]


def test_the_rows_of_a_map_are_imbalances_and_its_columns_scales():
    correlation, rng = np.array([[1.0, 0.2], [0.0, 0.5]]), np.random.default_rng
    distances = distance_map(correlation, np.array([0.0, 5.0]), np.array([1.0, 2.0, 3.0]), 3.0, rng(4))
    seed = int(rng(4).integers(2**63))
    alone = distance_and_loss(correlation, 5.0, 3.0, np.array([3.0]), rng(seed))[0][0]
    assert distances.shape == (2, 3)
    assert distances[1, 2] == alone
    assert (distances[0] > distances[1]).all()

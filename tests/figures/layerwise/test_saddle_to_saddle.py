"""Steps of a loss, and matrix networks that learn one rank after another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.layerwise.saddle_to_saddle import KINDS, SaddleToSaddle, drops, matrix_network, rank_error, remaining_loss


@given(st.lists(st.floats(1.5, 3.0), min_size=1, max_size=4))
def test_drops_counts_the_steps_of_a_loss(gaps):
    t = np.geomspace(1, 1e15, 5000)
    centres = np.cumsum([3.0, *gaps])
    loss = np.sum(1 / (1 + np.exp(8 * (np.log10(t) - centres[:, None]))), axis=0)
    assert drops(loss, t) == len(centres)


@pytest.mark.parametrize("kind", KINDS)
def test_matrix_networks_learn_one_rank_after_another(kind):
    settings = SaddleToSaddle(n_modes=2, ratio=4.0, n_times=30)
    run = matrix_network(settings, np.random.default_rng(0), kind)
    assert_allclose(settings.strengths, [4, 1])
    ranks = (run["spectrum"] > settings.strengths / 2).sum(axis=1)
    assert ranks[0] == 0
    assert ranks[-1] == 2
    assert (np.diff(ranks) >= 0).all()
    assert (run["spectrum_between"] > settings.strengths / 2).tolist() == [[True, False]]
    unfinished = run["loss"] > 1e-12  # below that it is rounding
    assert (np.diff(run["loss"][unfinished]) < 0).all()


def test_plateaus_lie_between_the_half_times_of_neighbours():
    t, between = SaddleToSaddle(n_times=10).times
    assert len(t) == 10
    assert len(between) == 3
    assert t[0] < between[0] < between[1] < between[2] < t[-1]


def test_ranks_and_losses_of_the_plateaus():
    strengths = np.array([4.0, 2.0, 1.0])
    between = np.array([[[4.0, 0.1, 0.0], [4.0, 2.0, 0.1]], [[4.0, 2.0, 0.0], [4.0, 2.0, 0.9]]])
    data = {"strengths": strengths, "matrix_spectrum_between": np.array([between, between[::-1]])}
    assert rank_error("balanced")(data).tolist() == [0, 1]
    assert rank_error("gaussian")(data).tolist() == [1, 0]
    assert_allclose(remaining_loss(data), [2.5, 0.5])

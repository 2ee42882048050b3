import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels import SimulationError
from toymodels.condensation import TwoLayerNetwork, clusters, condensed_directions, normalised_descent, potential
from toymodels.condensation.directions import arrivals

MULTIPLICITY = {"tanh": 1, "xtanh": 2, "x2tanh": 3}
seeds = st.integers(0, 10**6)


def task(seed, dim=1):
    rng = np.random.default_rng(seed)
    return rng.uniform(-1, 1, (12, dim)), rng.standard_normal(12)


@given(seeds, st.integers(1, 5))
def test_at_most_2p_directions_all_attracting(seed, p):
    x, y = task(seed)
    directions, signs = condensed_directions(x, y, p)
    assert len(directions) <= 2 * p
    angle = np.linspace(-np.pi, np.pi, 20000, endpoint=False)
    height = potential(x, y, np.stack([np.cos(angle), np.sin(angle)], axis=1), p)[0]
    peaks = (height > np.roll(height, 1)) & (height >= np.roll(height, -1)) & (height > 0)
    dips = (height < np.roll(height, 1)) & (height <= np.roll(height, -1)) & (height < 0)
    assert (signs > 0).sum() == peaks.sum()
    assert (signs < 0).sum() == dips.sum()


def test_several_inputs_are_known_for_the_first_two_orders_only():
    x, y = task(3, dim=3)
    u, signs = condensed_directions(x, y, 2)
    x1 = np.c_[x, np.ones(len(x))]
    values = np.linalg.eigvalsh((x1 * y[:, None]).T @ x1 / len(y))
    assert_allclose(np.sort(potential(x, y, u, 2)[0]), np.sort([values[0], values[0], values[-1], values[-1]]))
    assert sorted(signs) == [-1, -1, 1, 1]
    with pytest.raises(ValueError, match="p must be <= 2"):
        condensed_directions(x, y, 3)


@pytest.mark.parametrize(("activation", "seed"), [("tanh", 0), ("xtanh", 1), ("x2tanh", 2), ("x2tanh", 3)])
def test_normalised_descent_reaches_exactly_the_predicted_directions(activation, seed):
    x, y = task(seed)
    directions, signs = condensed_directions(x, y, MULTIPLICITY[activation])
    rng = np.random.default_rng(seed)
    run = normalised_descent(TwoLayerNetwork.random(100, 1, 1e-4, activation, rng), x, y, 1500, 0.02)
    a, w = run["a"][-1], run["w"][-1]
    assert_allclose(a**2 + (w**2).sum(axis=1), run["a"][0] ** 2 + (run["w"][0] ** 2).sum(axis=1))
    alive = (w**2).sum(axis=1) > 0.1 * a**2  # the others have shrunk to w = 0 on the wrong side
    cosines = w[alive] @ directions.T / np.linalg.norm(w[alive], axis=1, keepdims=True)
    assert (cosines.max(axis=1) > np.cos(0.05)).mean() > 0.95
    assert (np.sign(a[alive]) == signs[cosines.argmax(axis=1)]).mean() > 0.95
    assert clusters(w[alive], threshold=np.cos(0.1)).max() + 1 == len(directions)


def test_neurons_that_have_shrunk_have_not_arrived():
    a, w = np.array([1.0, 1.0, -1.0]), np.array([[3.0, 4.0], [0.1, 0.0], [0.0, -2.0]])
    arrived, cosine = arrivals(a, w, np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert arrived.tolist() == [True, False, True]
    assert_allclose(cosine, [0.8, 0.0])


def test_neurons_without_a_gradient_are_a_simulation_error():
    x, y = task(0)
    with pytest.raises(SimulationError, match="gradient of 1 neurons is zero"):
        normalised_descent(TwoLayerNetwork([1.0, 1.0], [[0.1, 5.0], [0.1, -5.0]]), x, y, 10, 0.1)


def test_a_negative_step_is_named():
    with pytest.raises(ValueError, match=r"^lr "):
        normalised_descent(TwoLayerNetwork([1.0], [[0.1, 0.2]]), *task(0), 10, -1.0)

import numpy as np
import pytest
from numpy.testing import assert_allclose

from toymodels.layerwise import LinearNetwork
from toymodels.layerwise.matrix_batches import descend_together
from toymodels.trajectory import SimulationError


def drawn(k=3, h=4, d=5, c=2, n=7):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((k, n, d)), rng.standard_normal((k, n, c))
    w1, w2 = 0.3 * rng.standard_normal((k, h, d)), 0.3 * rng.standard_normal((k, c, h))
    return x, y, w1, w2


def statistics(x, y):
    return y.swapaxes(1, 2) @ x / x.shape[1], x.swapaxes(1, 2) @ x / x.shape[1]


def test_every_network_descends_as_if_it_were_alone():
    x, y, w1, w2 = drawn()
    before = w1.copy(), w2.copy()
    run = descend_together(w1, w2, *statistics(x, y), n_steps=50, lr=0.05, every=20)
    assert run.t.tolist() == [0, 20, 40, 50]
    for k in range(3):
        alone = LinearNetwork.from_data(w1[k], w2[k], x[k], y[k]).simulate(50, 0.05)
        assert_allclose(run["map"][:, k], alone["map"][[0, 20, 40, 50]], atol=1e-12)
    assert_allclose(w1, before[0])
    assert_allclose(w2, before[1])


def test_from_a_small_start_it_comes_to_the_map_of_least_norm():
    x, y, w1, w2 = drawn(n=3, h=6)
    run = descend_together(1e-3 * w1, 1e-3 * w2, *statistics(x, y), n_steps=20_000, lr=0.05, every=20_000)
    for k in range(3):
        assert_allclose(run["map"][-1, k], np.linalg.lstsq(x[k], y[k], rcond=None)[0].T, atol=1e-3)


def test_bad_arguments_are_named():
    x, y, w1, w2 = drawn()
    correlation, covariance = statistics(x, y)
    with pytest.raises(ValueError, match=r"covariance must have shape \(3, 5, 5\)"):
        descend_together(w1, w2, correlation, covariance[:, :4], 5, 0.1, 1)
    with pytest.raises(ValueError, match=r"w2 must have shape \(3, 2, 4\)"):
        descend_together(w1, w2[:2], correlation, covariance, 5, 0.1, 1)
    with pytest.raises(ValueError, match="lr must be > 0"):
        descend_together(w1, w2, correlation, covariance, 5, 0.0, 1)
    with pytest.raises(SimulationError, match="map is not finite"):
        descend_together(w1, w2, correlation, covariance, 200, 100.0, 10)

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import expm

from tests.tolerances import EXACT
from toymodels.layerwise.linear_estimator import LinearEstimator


def delay(model, eps, rng):
    t = np.geomspace(1e-2, 1e5, 1500)
    run = model.solve(t, rng)
    return np.log10(t[np.argmax(run["test"] >= 1 - eps)] / t[np.argmax(run["train"] >= 1 - eps)])


def test_losses_are_those_of_the_matrix_exponential_on_average():
    model, t = LinearEstimator(dim=8, n_samples=10), np.array([0.0, 0.3, 2.0])
    x = np.random.default_rng(0).standard_normal((10, 8))
    covariance = x.T @ x / 10
    flows = [expm(-covariance * s) for s in t]
    runs = [model.solve(t, _Replay(x, seed)) for seed in range(4000)]
    # a random unit error has covariance I/d
    train = [np.trace(flow @ covariance @ flow) / 16 for flow in flows]
    test = [np.trace(flow @ flow) / 16 for flow in flows]
    assert_allclose(np.mean([run["train_loss"] for run in runs], axis=0), train, rtol=0.03)
    assert_allclose(np.mean([run["test_loss"] for run in runs], axis=0), test, rtol=0.03)


class _Replay:
    """Hands out fixed inputs first, then normal numbers."""

    def __init__(self, x, seed):
        self._x, self._rng = x, np.random.default_rng(seed)

    def standard_normal(self, size):
        return self._x if size == self._x.shape else self._rng.standard_normal(size)


@pytest.mark.parametrize(("ratio", "spread"), [(1.05, 0.25), (1.5, 0.1), (4.0, 0.05)])
def test_delay_is_that_of_the_marchenko_pastur_density(ratio, spread):
    model = LinearEstimator(dim=200, n_samples=int(200 * ratio))
    train, test = model.predicted_times(0.01)
    measured = np.median([delay(model, 0.01, np.random.default_rng(seed)) for seed in range(7)])
    assert_allclose(measured, np.log10(test / train), atol=spread)


def test_predicted_delay_opens_towards_n_equal_d():
    delays = [np.divide(*LinearEstimator(1000, n).predicted_times(0.01)[::-1]) for n in (4000, 1500, 1050, 1000)]
    assert np.all(np.diff(delays) > 0)
    assert_allclose(np.log10(delays[2]), 1.66, atol=0.01)


def test_null_space_is_never_learned():
    model = LinearEstimator(dim=40, n_samples=10)
    run = model.solve([0.0, np.inf], np.random.default_rng(0))
    assert run["train_loss"][-1] == 0
    assert 0.25 < run["test_loss"][-1] / run["test_loss"][0] < 0.99
    assert model.predicted_times(0.5)[1] == np.inf
    assert model.predicted_times(0.9)[1] < np.inf


def test_losses_start_at_one_half_and_fall():
    run = LinearEstimator(20, 30).solve(np.linspace(0, 5, 9), np.random.default_rng(0))
    assert_allclose(run["test_loss"][0], 0.5, **EXACT)
    assert np.all(np.diff(run["train_loss"]) < 0)
    assert np.all(np.diff(run["test_loss"]) < 0)


def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="dim must be >= 1, got 0"):
        LinearEstimator(dim=0)
    with pytest.raises(ValueError, match="n_samples must be an integer"):
        LinearEstimator(n_samples=10.0)
    with pytest.raises(ValueError, match=r"eps must be in \(0, 1\), got 1"):
        LinearEstimator().predicted_times(1.0)
    with pytest.raises(ValueError, match="t must be strictly increasing"):
        LinearEstimator(3, 4).solve([1.0, 0.5], np.random.default_rng(0))
    with pytest.raises(ValueError, match="t must not be masked, got 1 masked entries"):
        LinearEstimator(3, 4).solve(np.ma.masked_equal([1.0], 1), np.random.default_rng(0))

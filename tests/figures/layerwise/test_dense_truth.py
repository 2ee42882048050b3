"""From the interpolator of least L2 norm to that of least L1 norm, on dense and on sparse truths."""

import numpy as np
import pytest
from scipy.optimize import linprog

from figures.layerwise.dense_truth import RUNS, DenseTruth, at_fit, change, one_run
from toymodels.layerwise.hyperbolic_entropy import entropy_interpolator
from toymodels.layerwise.sparse_regression import SparseRegression

SETTINGS = DenseTruth(dim=40, n_samples=20, n_active=2, init_scale=4.0, weight_decay=0.0005)


def explained(estimate, truth):
    return 1 - ((estimate - truth) ** 2).sum() / (truth**2).sum()


def least_l1(x, y):
    """The solution of x w = y of least L1 norm, by linear programming."""
    run = linprog(np.ones(2 * x.shape[1]), A_eq=np.hstack([x, -x]), b_eq=y, method="highs")
    return run.x[: x.shape[1]] - run.x[x.shape[1] :]


@pytest.mark.parametrize("seed", range(4))
def test_the_way_leads_from_the_least_l2_norm_to_the_least_l1_norm(seed):
    run = one_run(SETTINGS, np.random.default_rng(seed), "dense truth")
    model = SparseRegression(40, 20, 40, 4.0, 0.0005)
    x, y, truth = model.sample(np.random.default_rng(seed))
    closest = abs(run["test"] - explained(np.linalg.pinv(x) @ y, truth)).min()
    assert closest < 0.02  # early, while the kernel rests
    assert run["test"][-1] == pytest.approx(explained(entropy_interpolator(x, y, np.exp(-6.0)), truth), abs=0.02)
    assert run["train"][-1] > 0.999
    smallest = entropy_interpolator(x, y, 1e-60)  # where that way would end, had the decay forgotten all
    np.testing.assert_allclose(smallest, least_l1(x, y), atol=0.02)


def test_without_decay_the_end_is_near_the_least_l2_norm():
    run = one_run(SETTINGS, np.random.default_rng(0), "dense, no decay")
    x, y, truth = SparseRegression(40, 20, 40).sample(np.random.default_rng(0))
    assert run["test"][-1] == pytest.approx(explained(np.linalg.pinv(x) @ y, truth), abs=0.02)
    assert run["kernel_distance"][-1] < 0.01


def test_kinds_are_told_from_one_another_and_a_run_that_never_fits_is_nan():
    train = np.array([[[0.1, 0.96, 0.97]] * 2, [[0.1, 0.2, 0.96]] * 2, [[0.1, 0.2, 0.3]] * 2])
    test = np.arange(18.0).reshape(3, 2, 3)
    data = {"train": train, "test": test}
    np.testing.assert_array_equal(at_fit(data, "test", RUNS[0]), [1, 4])
    np.testing.assert_array_equal(at_fit(data, "test", RUNS[1]), [8, 11])
    assert np.isnan(at_fit(data, "test", RUNS[2])).all()
    np.testing.assert_array_equal(change(RUNS[0])(data), [1, 1])

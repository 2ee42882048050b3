"""Gradient flow to the fit of three points against TwoLayerNetwork and against finer steps."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels import SimulationError
from toymodels.condensation import TwoLayerNetwork
from toymodels.condensation.phase_flow import INPUTS, TARGETS, _Flow, fitted_distance

CELLS = np.array([[0.0, 0.25], [0.5, 0.0], [1.5, 0.0], [0.75, 1.0]])


def flow(cells=CELLS, width=20, seed=0):
    return _Flow(np.asarray(cells, dtype=float), width, np.random.default_rng(seed))


def network_of(start, k):
    return TwoLayerNetwork(start.a[k].copy(), start.w[k].T.copy(), "relu")


def test_a_start_is_silent_and_has_the_standard_deviations_of_its_cell():
    """a = m^-gamma', w = 1, and a scale that makes their product over it m^-gamma."""
    width, cells = 10_000, np.array([[0.5, 0.25], [1.0, -0.5]])
    start = flow(cells, width)
    expected_a = [10_000**-0.25, 10_000**0.5]
    assert_allclose(start.a.std(axis=1), expected_a, rtol=MONTE_CARLO / np.sqrt(width))
    assert_allclose(start.w.std(axis=2), 1, rtol=MONTE_CARLO / np.sqrt(width))
    assert_allclose(start.scale[:, 0], [10_000**0.25, 10_000**1.5], rtol=1e-12)
    assert start.a.shape == (2, width)
    assert start.w.shape == (2, 2, width)
    assert_allclose(start.step(), np.tile(-TARGETS, (2, 1)), atol=1e-10)


@pytest.mark.parametrize("steps", [1, 6])
def test_a_step_is_one_of_gradient_descent_with_the_length_that_stability_and_relative_moves_allow(steps):
    now = flow()
    for _ in range(steps - 1):
        now.step()
    before = [(network_of(now, k), float(now.scale[k, 0])) for k in range(len(CELLS))]
    moved = now.moved.copy()
    error = now.step()
    x = INPUTS[:, None]
    for k, (network, scale) in enumerate(before):
        assert_allclose(error[k], network(x) / scale - TARGETS, rtol=1e-9, atol=1e-12)
        jacobian = network.jacobian(x) / scale
        slope = jacobian.T @ error[k] / 3
        a, w = np.split(slope, [20])
        top = np.linalg.eigvalsh(jacobian @ jacobian.T / 3)[-1]
        relative = max(
            np.linalg.norm(a) / np.linalg.norm(network.a), np.linalg.norm(w) / np.linalg.norm(network.w.ravel())
        )
        h = min(0.4 / top, 0.1 / relative)
        after = network_of(now, k)
        assert_allclose(after.a, network.a - h * a, rtol=1e-9, atol=1e-12)
        assert_allclose(after.w, network.w - h * w.reshape(20, 2), rtol=1e-9, atol=1e-12)
        assert_allclose(now.moved[k] - moved[k], -h * w.reshape(20, 2).T, rtol=1e-7, atol=1e-13)


def test_runs_that_go_on_are_those_kept():
    together, apart = flow(), flow()
    for each in (together, apart):
        each.step()
    together.keep(np.array([False, True, False, True]))
    assert_array_equal(together.index, [1, 3])
    error = apart.step()
    assert_allclose(together.step(), error[[1, 3]], **EXACT)
    for name in ("a", "w", "moved", "size", "scale"):
        assert_allclose(getattr(together, name), getattr(apart, name)[[1, 3]], **EXACT)


@pytest.mark.parametrize("cell", [(0.25, 0.25), (1.0, 0.0), (1.75, 0.0), (0.75, 0.5)])
def test_the_distance_is_that_of_one_network_alone_in_finer_steps(cell):
    """Steps of a tenth of the inverse trace of the kernel, which is above its largest eigenvalue."""
    start = flow([cell], 20, seed=3)
    scale, a, w = float(start.scale[0, 0]), start.a[0], start.w[0]
    first = w
    x1 = np.stack([INPUTS, np.ones(3)], axis=1)
    for _ in range(20_000):
        hidden = np.maximum(x1 @ w, 0)
        slope = (hidden > 0) * a
        error = hidden @ a / scale - TARGETS
        if (error**2).sum() < 1e-3 * (TARGETS**2).sum():
            break
        move_a, move_w = -error @ hidden / (3 * scale), -x1.T @ (error[:, None] * slope) / (3 * scale)
        trace = ((hidden**2).sum(axis=1) + (slope**2).sum(axis=1) * (x1**2).sum(axis=1)).sum() / (3 * scale**2)
        relative = max(np.linalg.norm(move_a) / np.linalg.norm(a), np.linalg.norm(move_w) / np.linalg.norm(w))
        h = min(0.1 / trace, 0.02 / relative)
        a, w = a + h * move_a, w + h * move_w
    (got,) = fitted_distance(np.array([cell]), 20, np.random.default_rng(3))
    assert_allclose(got, np.linalg.norm(w - first) / np.linalg.norm(first), rtol=0.1)


def test_distances_stand_at_the_places_of_their_cells():
    cells = np.array([[1.75, 0.0], [0.0, 0.5], [1.5, 0.0], [0.0, 0.0]])
    distance = fitted_distance(cells, 200, np.random.default_rng(0))
    assert distance.shape == (4,)
    assert (distance[[0, 2]] > 0.5).all()  # condensed: further than the start is long
    assert (distance[[1, 3]] < 0.05).all()  # linear
    assert (distance[[1, 3]] > 0).all()


def test_a_fit_is_seen_at_the_first_error_below_the_threshold_and_runs_not_there_in_time_are_counted():
    cells = np.array([[1.75, 0.0], [0.5, 0.25]])
    now, fitted = flow(cells, 50), np.zeros(2, dtype=int)
    for step in range(1, 2000):
        below = (now.step() ** 2).sum(axis=1) < 1e-3 * (TARGETS**2).sum()
        fitted[below & (fitted == 0)] = step
    first, last = sorted(fitted.tolist())
    assert 0 < first < last
    assert (fitted_distance(cells, 50, np.random.default_rng(0), last) > 0).all()
    for steps, left in ((last - 1, 1), (first, 1), (first - 1, 2)):
        with pytest.raises(SimulationError, match=f"loss of {left} of 2 runs not fitted after {steps} steps"):
            fitted_distance(cells, 50, np.random.default_rng(0), steps)

"""The ensembles that come to the edge: every curve of a run, computed again update by update."""

from dataclasses import replace

import numpy as np
import pytest

from comparisons.edge_of_stability.models import LARGE_BY, SMALL_BY
from comparisons.forerunners.edge import Condensation, Layerwise, condensation, layerwise
from toymodels.condensation import TwoLayerNetwork

CHAIN = Layerwise(
    depth=3, large=2.0, small=0.5, target=1.5, lr=0.05, time=10.0, records=25, lr_spread=1.0, small_spread=1.0
)
SINE = Condensation(
    width=4, samples=6, start=0.6, second=0.7, lr=0.2, time=8.0, records=7, lr_spread=1.0, start_spread=1.0
)


def hessian(weights, target):
    """Of half the squared error of the product of the weights, one second derivative after the other."""
    n = len(weights)
    without = [[np.prod([w for k, w in enumerate(weights) if k not in (i, j)]) for j in range(n)] for i in range(n)]
    slope = [without[i][i] for i in range(n)]
    error = target - np.prod(weights)
    return np.array([[slope[i] * slope[j] - error * without[i][j] * (i != j) for j in range(n)] for i in range(n)])


def test_the_curves_of_a_chain_are_those_of_its_descent():
    run = layerwise(CHAIN, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    rng.random(2)  # the spreads, which are none
    weights = np.r_[
        2.0 * rng.uniform(1 - LARGE_BY, 1 + LARGE_BY), 0.5 * rng.uniform(1 - SMALL_BY, 1 + SMALL_BY, size=2)
    ]
    updates = np.unique(np.rint(np.geomspace(1, 10.0 / 0.05, 25)).astype(int))
    np.testing.assert_allclose(run.t, 0.05 * updates)
    states = []
    for _ in range(updates[-1]):
        slopes = np.array([weights[1] * weights[2], weights[0] * weights[2], weights[0] * weights[1]])
        weights = weights + 0.05 * (1.5 - weights.prod()) * slopes
        states.append(weights)
    states = np.array(states)[updates - 1]
    tops = np.array([np.linalg.eigvalsh(hessian(state, 1.5))[-1] for state in states])
    kernel = ((states.prod(axis=1)[:, None] / states) ** 2).sum(axis=1)
    error = 1.5 - states.prod(axis=1)
    expected = {
        "train": np.ones(len(updates)),
        "test": tops / (2 / 0.05),
        "weight_norm": np.sqrt((states**2).sum(axis=1)),
        "smallest_weight": np.abs(states).min(axis=1),
        "balance": np.abs(states).min(axis=1) / np.abs(states).max(axis=1),
        "kernel": kernel / (2 / 0.05),
        "gradient_norm": [np.linalg.norm(e * s.prod() / s) for e, s in zip(error, states, strict=True)],
        "loss": error**2 / 2,
    }
    assert run.data.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_allclose(run[name], values, rtol=1e-6, atol=1e-9, err_msg=name)
    assert run.meta == {"order": list(expected)[2:], "silent": {}, "train_level": 1.0, "test_level": 1.0}
    assert run.clock == "flow time"


def test_a_chain_of_weights_half_as_small_is_given_four_times_as_long():
    settings = replace(CHAIN, small_spread=16.0)
    times = {}
    for seed in range(40):
        run = layerwise(replace(settings, records=3), np.random.default_rng(seed))
        drawn = 0.5 * 16.0 ** (np.random.default_rng(seed).random(2)[1] - 0.5)
        assert run.t[-1] == pytest.approx(10.0 * (0.5 / drawn) ** 2, abs=0.03)
        times[drawn] = run.t[-1]
    assert max(times.values()) > 100 * min(times.values())


def test_a_chain_draws_its_learning_rate_within_the_spread():
    rates = []
    for seed in range(60):
        run = layerwise(replace(CHAIN, lr_spread=3.0, records=2), np.random.default_rng(seed))
        rates.append(run.t[0])  # after one update
    assert 0.05 / np.sqrt(3) <= min(rates) < 0.06 / np.sqrt(3) < 0.045 * np.sqrt(3) < max(rates) <= 0.05 * np.sqrt(3)


def test_the_curves_of_a_network_are_those_of_its_descent():
    run = condensation(SINE, np.random.default_rng(5))
    rng = np.random.default_rng(5)
    rng.random(2)
    network = TwoLayerNetwork.random(4, 1, 0.6, "tanh", rng)
    x = np.linspace(-1, 1, 6)[:, None]
    y = np.sin(3 * x[:, 0]) + 0.7 * np.sin(6 * x[:, 0])
    updates = np.unique(np.rint(np.geomspace(1, 8.0 / 0.2, 7)).astype(int))
    np.testing.assert_allclose(run.t, 0.2 * updates)
    found = {"test": [], "kernel": [], "loss": [], "weight_norm": []}
    for update in range(1, updates[-1] + 1):
        slope_a, slope_w = network.gradient(x, y)[:2]
        network = TwoLayerNetwork(network.a - 0.2 * slope_a, network.w - 0.2 * slope_w, "tanh")
        if update in updates:
            jacobian = network.jacobian(x)
            found["test"].append(np.linalg.eigvalsh(network.hessian(x, y))[-1] * 0.2 / 2)
            found["kernel"].append(np.linalg.eigvalsh(jacobian @ jacobian.T)[-1] / 6 * 0.2 / 2)
            found["loss"].append(((network(x) - y) ** 2).mean() / 2)
            found["weight_norm"].append(np.sqrt((network.a**2).sum() + (network.w**2).sum()))
    for name, values in found.items():
        np.testing.assert_allclose(run[name], values, rtol=1e-8, err_msg=name)
    assert (run["train"] == 1).all()
    assert run.meta["order"][:2] == ["kernel", "loss"]
    assert (run.meta["train_level"], run.meta["test_level"], run.clock) == (1.0, 1.0, "flow time")


def test_near_the_end_of_a_fit_the_kernel_is_the_sharpness():
    """The Hessian differs from the kernel's by a term in the errors, which are gone then."""
    run = layerwise(replace(CHAIN, time=200.0), np.random.default_rng(0))
    assert run["loss"][-1] < 1e-12
    assert run["kernel"][-1] == pytest.approx(run["test"][-1], rel=1e-5)
    assert run["kernel"][0] != pytest.approx(run["test"][0], rel=0.05)


def test_an_ensemble_of_chains_comes_to_the_edge_on_its_way():
    settings = Layerwise(records=40)
    for seed in range(4):
        test = layerwise(settings, np.random.default_rng(seed))["test"]
        assert test[0] < 0.5
        assert test.max() > 0.9

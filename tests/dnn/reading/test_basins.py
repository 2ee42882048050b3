from copy import deepcopy
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm, sem, spearmanr, t
from torch import nn

from dnn.networks.mlp import MLP, batch_norm_mode
from dnn.reading.basins import AMPLITUDES, sample_basin, weight_basin
from dnn.reading.perturbations import weight_noise
from tests.dnn.blobs import blobs
from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.trajectory import SimulationError

BOTH = pytest.mark.parametrize("basin", [sample_basin, weight_basin])


def rng(seed=0):
    return np.random.default_rng(seed)


def fitted(batch_norm=False, residual=False):
    """A copy of a small network that has learnt the blobs, and their samples."""
    return deepcopy(_fitted(batch_norm, residual))


@cache
def _fitted(batch_norm, residual):
    split = blobs(n_train=128)
    generator = torch.Generator().manual_seed(0)
    network = MLP([8, 16, 16, 16, 4], batch_norm=batch_norm, residual=residual, bn_momentum=0.5, rng=generator)
    optimiser = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(split.x_train), split.y_train).backward()
        optimiser.step()
    return network.eval(), split.x_train, split.y_train


@pytest.fixture(scope="module")
def trained():
    return fitted(batch_norm=True)


def one_hot_reader(n_classes=10, copies=200):
    """A network that is the identity, and one-hot samples: both basins are known in closed form."""
    network = nn.Sequential(nn.Linear(n_classes, n_classes))
    network[0].weight.data, network[0].bias.data = torch.eye(n_classes), torch.zeros(n_classes)
    labels = torch.arange(n_classes).repeat(copies)
    return network, torch.eye(n_classes)[labels], labels


def identity_accuracy(s, n_classes=10):
    """Probability that 1 + s z_0 is the largest of s z_1 .. s z_{K-1}."""
    return quad(lambda z: norm.pdf(z) * norm.cdf(z + 1 / s) ** (n_classes - 1), -9, 9)[0]


class Opaque(nn.Module):
    """Hides a network from unfolding."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return self.network(x)


def test_basin_of_a_one_hot_reader_is_the_integral_over_the_largest_noise():
    expected = brentq(lambda s: identity_accuracy(s) - 0.5, 0.1, 10)
    network, x, y = one_hot_reader()
    grid = np.geomspace(0.1, 5, 101)
    pixels = sample_basin(network, x, y, rng(), draws=20, amplitudes=grid)
    weights = weight_basin(network, x[:10], y[:10], rng(), draws=1000, amplitudes=grid)
    deviation = float(network[0].weight.detach().std())
    for radius, interval in ((pixels.radius, pixels.interval), (weights.radius, weights.interval)):
        unit = deviation if radius == weights.radius else 1.0
        error = (interval[1] - interval[0]) / (2 * 1.96) * unit
        assert abs(radius * unit - expected) < MONTE_CARLO * error + 1e-3
        assert error < 0.03
    assert_allclose(pixels.curve[0], identity_accuracy(pixels.amplitudes[0]), atol=0.02)


def test_pure_noise_is_shared_evenly_by_symmetric_classes_and_swallowed_by_a_sink():
    network, x, y = one_hot_reader()
    shares = sample_basin(network, x, y, rng()).noise_share
    assert_allclose(shares, 0.1, atol=MONTE_CARLO * np.sqrt(0.09 / (4 * len(x))))
    sink = nn.Sequential(nn.Linear(2, 2))
    sink[0].weight.data, sink[0].bias.data = torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([-0.5, 0.0])
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0]]).repeat(200, 1)
    basin = sample_basin(sink, x, torch.arange(2).repeat(200), rng(), by="class", draws=50)
    assert_allclose(basin.noise_share, 0.5, atol=0.02)
    assert np.isinf(basin.radius).any()


@pytest.mark.parametrize("by", ["all", "class", "sample"])
@BOTH
def test_bisection_finds_the_radius_of_the_whole_grid_with_a_fifth_of_the_evaluations(trained, basin, by):
    network, x, y = trained
    if basin is weight_basin and by == "sample":
        x, y = x[:20], y[:20]
    grid = basin(network, x, y, rng(), by=by, method="grid")
    fast = basin(network, x, y, rng(), by=by)
    above = np.atleast_2d(grid.curve.T) > 0.5
    crosses_once = np.all(above[:, 1:] <= above[:, :-1], axis=1)
    assert crosses_once.any()
    assert_allclose(np.ravel(fast.radius)[crosses_once], np.ravel(grid.radius)[crosses_once], **EXACT)
    assert grid.evaluations == len(AMPLITUDES)
    assert fast.evaluations <= len(AMPLITUDES) / 5


@pytest.mark.parametrize("by", ["class", "sample"])
@BOTH
def test_bisection_does_not_mix_amplitudes_in_batch_statistics(basin, by):
    network, x, y = fitted(batch_norm=True)
    x, y = x[:40], y[:40]
    for module in (network, Opaque(network)):
        grid, fast = (
            basin(module, x, y, rng(), by=by, draws=3, method=method, statistics="batch")
            for method in ("grid", "bisection")
        )
        above = grid.curve.T > 0.5
        crosses_once = np.all(above[:, 1:] <= above[:, :-1], axis=1)
        assert np.ptp(fast.amplitudes, axis=1).max() > 0
        assert crosses_once.any()
        assert_allclose(fast.radius[crosses_once], grid.radius[crosses_once], **EXACT)


@BOTH
def test_the_radius_is_interpolated_linearly_in_the_logarithm_of_the_amplitude(trained, basin):
    network, x, y = trained
    run = basin(network, x, y, rng(), method="grid", amplitudes=np.geomspace(0.01, 10, 7))
    right = int(np.argmax(run.curve <= 0.5))
    pair = slice(right - 1, right + 1)
    expected = np.exp(np.interp(-0.5, -run.curve[pair], np.log(run.amplitudes[pair])))
    assert run.amplitudes[right - 1] < run.radius < run.amplitudes[right]
    assert_allclose(run.radius, expected, **EXACT)


@BOTH
def test_curves_start_at_clean_accuracy_fall_and_are_shared_by_equal_generators(trained, basin):
    network, x, y = trained
    run = basin(network, x, y, rng(3), method="grid")
    assert run.clean == float((network(x).argmax(1) == y).double().mean())
    assert_allclose(run.curve[0], run.clean, atol=0.01)
    moving = run.curve < run.curve[0]
    assert spearmanr(run.amplitudes[moving], run.curve[moving]).statistic < -0.9
    assert_allclose(basin(network, x, y, rng(3), method="grid").curve, run.curve, rtol=0, atol=0)
    assert run.interval[0] <= run.radius <= run.interval[1]


@pytest.mark.parametrize("residual", [False, True])
@pytest.mark.parametrize("statistics", ["running", "batch"])
@BOTH
def test_the_fast_path_agrees_with_running_the_whole_network(basin, residual, statistics):
    network, x, y = fitted(batch_norm=True, residual=residual)
    fast = basin(network, x, y, rng(), method="grid", statistics=statistics)
    slow = basin(Opaque(network), x, y, rng(), method="grid", statistics=statistics)
    assert_allclose(fast.curve, slow.curve, atol=2 / len(x))


@settings(max_examples=5)
@given(st.floats(0.1, 10))
def test_radius_is_inverse_to_the_unit_of_the_noise(factor):
    network, x, y = one_hot_reader(4, 50)
    grid = np.geomspace(1e-2, 10, 40)
    plain = sample_basin(network, x, y, rng(), amplitudes=grid, span=1.0)
    scaled = sample_basin(network, x, y, rng(), amplitudes=grid / factor, span=factor)
    assert_allclose(scaled.radius * factor, plain.radius, rtol=1e-6)


def test_at_large_noise_accuracy_is_what_pure_noise_gives_by_chance(trained):
    network, x, y = trained
    basin = sample_basin(network, x, y, rng(), method="grid", amplitudes=[1.0, 1e3], draws=8)
    share = np.bincount(y) / len(y) @ basin.noise_share
    assert_allclose(basin.curve[-1], share, atol=MONTE_CARLO * np.sqrt(share / (8 * len(x))) + 0.01)


@BOTH
def test_the_network_is_bit_for_bit_what_it_was(trained, basin):
    network, x, y = trained
    for module in (network, Opaque(network)):
        module.train()
        before = {name: value.clone() for name, value in module.state_dict().items()}
        basin(module, x, y, rng())
        assert module.training
        torch.testing.assert_close(module.state_dict(), before, rtol=0, atol=0)
        module.eval()


@settings(max_examples=5)
@given(st.floats(0.1, 10))
def test_rescaled_weights_below_batch_statistics_keep_their_basin(factor):
    network, x, y = fitted(batch_norm=True)
    expected = weight_basin(network, x, y, rng(), method="grid", statistics="batch")
    for linear, batch_norm in zip(network.linears[:-1], network.norms, strict=True):
        linear.weight.data *= factor
        batch_norm.eps *= factor**2
        linear.bias.data *= factor
    rescaled = weight_basin(network, x, y, rng(), method="grid", statistics="batch")
    assert_allclose(rescaled.curve, expected.curve, atol=2 / len(x))


def test_classes_and_samples_average_to_the_whole(trained):
    network, x, y = trained
    whole, classes, each = (
        sample_basin(network, x, y, rng(), by=by, method="grid") for by in ("all", "class", "sample")
    )
    counts = np.bincount(y)
    assert classes.curve.shape == (25, 4)
    assert np.shape(each.radius) == (len(x),)
    assert_allclose(classes.curve @ counts / len(y), whole.curve, **EXACT)
    assert_allclose(each.curve.mean(axis=1), whole.curve, **EXACT)
    assert classes.interval.shape == (2, 4)


def test_a_sample_that_is_wrong_without_noise_has_no_basin():
    network, x, y = one_hot_reader(4, 20)
    y = y.clone()
    y[0] = 1
    assert sample_basin(network, x, y, rng(), by="sample", draws=20).radius[0] == 0


def test_a_curve_that_never_falls_has_an_infinite_radius():
    network, x, y = one_hot_reader()
    basin = sample_basin(network, x, y, rng(), amplitudes=[1e-3, 1e-2])
    assert basin.radius == np.inf
    assert basin.evaluations <= 2


def test_a_single_draw_or_sample_leaves_the_interval_open(trained):
    network, x, y = trained
    assert_allclose(weight_basin(network, x, y, rng(), draws=1).interval, [0, np.inf])
    each = sample_basin(network, x[:8], y[:8], rng(), by="sample", draws=1)
    assert_allclose(each.interval, np.tile([[0], [np.inf]], 8))
    chosen = [*np.flatnonzero(y.numpy() > 0)[:60], 0]  # one sample of class 0
    interval = sample_basin(network, x[chosen], y[chosen], rng(), by="class").interval
    assert_allclose(interval[:, 0], [0, np.inf])
    assert (np.diff(interval[:, 1:], axis=0) > 0).all()


def test_the_interval_of_few_draws_is_that_of_student(trained):
    network, x, y = trained
    basin = weight_basin(network, x, y, rng(), draws=8, amplitudes=[2.0])
    right = weight_noise(network, x, rng(), 8, "running")(np.full(len(x), 2.0)) == y.numpy()
    margin = t.ppf(0.975, 7) * sem(right.mean(axis=1))
    levels = basin.clean + basin.interval / 2 * (basin.curve - basin.clean)  # of the curve at both ends
    assert_allclose(levels, [0.5 + margin, 0.5 - margin], **EXACT)


def test_more_draws_narrow_the_interval():
    network, x, y = one_hot_reader(4, 5)
    few, many = (weight_basin(network, x, y, rng(), draws=draws) for draws in (5, 200))
    assert np.diff(many.interval)[0] < np.diff(few.interval)[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"by": "neuron"}, "by must be one of all, class, sample"),
        ({"method": "newton"}, "method must be one of"),
        ({"draws": 0}, "draws must be >= 1"),
        ({"amplitudes": [1.0, 0.5]}, "amplitudes must be strictly increasing"),
        ({"amplitudes": [0.0, 0.5]}, "amplitudes must be > 0"),
        ({"statistics": "eval"}, "must be one of running, batch"),
        ({"x": torch.eye(5)}, r"x must have a shape and dtype that network takes, got \(5, 5\)"),
        ({"y": torch.arange(8) % 5}, r"labels must be in 0\.\.3, got 4"),
        ({"y": torch.zeros(7, dtype=torch.int64)}, "labels must be 8 integers"),
        ({"y": torch.arange(8).remainder(4).roll(1)}, "more than half of the samples without noise, got 0"),
        ({"x": torch.eye(4).repeat(2, 1)[:3], "y": torch.arange(3), "by": "class"}, "got no sample of class 3"),
    ],
)
@BOTH
def test_bad_input_is_refused_by_name(basin, change, message):
    network, x, y = one_hot_reader(4, 2)
    with pytest.raises(ValueError, match=message):
        basin(network, **{"x": x, "y": y, "rng": rng(), **change})


def test_a_constant_picture_has_no_range():
    network, x, y = one_hot_reader(4, 2)
    with pytest.raises(ValueError, match="span must be > 0"):
        sample_basin(network, 0 * x, y, rng())


def test_overflowing_logits_are_reported_with_the_amplitude():
    network, x, y = fitted()
    with pytest.raises(SimulationError, match="logits are not finite at noise amplitude 1e\\+30"):
        weight_basin(network, x, y, rng(), method="grid", amplitudes=[1e-3, 1e30])


def test_modes_of_evaluation_are_honest():
    network, x, y = fitted(batch_norm=True)
    for norm_layer in network.norms:
        norm_layer.running_mean += 100
    with batch_norm_mode(network, "batch"):
        assert (network(x).argmax(1) == y).double().mean() > 0.9
    assert sample_basin(network, x, y, rng(), statistics="batch").radius > 0
    with pytest.raises(ValueError, match="more than half"):
        sample_basin(network, x, y, rng())

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
from dnn.reading.basins import AMPLITUDES, _crossing, _margin, sample_basin, weight_basin
from dnn.reading.perturbations import NORMALISATIONS, weight_noise
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
def test_bisection_gives_the_radius_of_the_whole_grid_with_a_fraction_of_the_evaluations(trained, basin, by):
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
    assert fast.evaluations <= len(AMPLITUDES) / (5 if by == "all" else 2)


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


FIELDS = ("radius", "interval", "amplitudes", "curve", "clean", "noise_share", "evaluations")


def assert_same(basin, other):
    """Equal bit for bit."""
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(basin, name), getattr(other, name), err_msg=name)


def factorisations(size, axes):
    """Shapes of `axes` axes that hold `size` numbers."""
    divisors = [k for k in range(1, size + 1) if size % k == 0]
    if axes == 1:
        return st.just((size,))
    return st.sampled_from(divisors).flatmap(lambda k: factorisations(size // k, axes - 1).map(lambda rest: (k, *rest)))


@BOTH
@settings(max_examples=40)
@given(data=st.data())
def test_samples_of_any_shape_give_what_their_rows_give(basin, data):
    shape = data.draw(st.integers(1, 4).flatmap(lambda axes: factorisations(8, axes)))
    n = data.draw(st.sampled_from([8, *shape, 20]).filter(lambda n: n >= 4))  # also that of the entries of an axis
    hide, batch_norm = data.draw(st.booleans()), data.draw(st.booleans())
    by = data.draw(st.sampled_from(["all", "class", "sample"]))
    options = {"by": by, "statistics": data.draw(st.sampled_from(["running", "batch"])) if n >= 8 else "running"}
    options |= {"method": data.draw(st.sampled_from(["grid", "bisection"])), "draws": 3}
    network, x, y = fitted(batch_norm=batch_norm)
    x, y = x[:n], y[:n]
    if by == "class" and len(y.unique()) < 4:
        options["by"] = "all"
    front = data.draw(st.sampled_from([[nn.Flatten()], [nn.Identity(), nn.Sequential(nn.Flatten())]]))
    flat, shaped = network, nn.Sequential(*front, network)
    if hide:
        flat, shaped = Opaque(flat), Opaque(shaped)
    expected = basin(flat, x, y, rng(), **options)
    assert_same(basin(shaped, x.reshape(n, *shape), y, rng(), **options), expected)


@BOTH
def test_a_chain_behind_flatten_is_as_fast_as_without(basin):
    network, x, y = fitted()
    chain = nn.Sequential(
        nn.Flatten(), nn.Dropout(0.5), nn.Sequential(*[*network.linears[:1], nn.ReLU()]), nn.Linear(16, 4)
    )
    chain[3].weight.data.normal_(generator=torch.Generator().manual_seed(1))
    y = chain.eval()(x).argmax(1)
    calls = []
    chain[0].register_forward_hook(lambda *_: calls.append(1))
    basin(chain, x.reshape(-1, 2, 4), y, rng(), method="grid")
    assert len(calls) <= 3  # clean, and on the way to the chain


def test_every_image_has_its_own_amplitude():
    """The same image twice, told apart by one pixel: the copy with the larger margin has the larger basin."""
    network = nn.Sequential(nn.Conv2d(1, 2, 28, bias=False), nn.Flatten())
    network[0].weight.data.zero_()
    network[0].weight.data[1, 0, 0, 0] = 1.0
    margins = torch.linspace(0.5, 2, 28)
    x, y = torch.zeros(28, 1, 28, 28), torch.ones(28, dtype=torch.int64)
    x[:, 0, 0, 0] = margins
    basin = sample_basin(network, x, y, rng(), by="sample", draws=400, span=1.0, method="grid")
    shares = norm.cdf(margins.numpy() / basin.amplitudes)  # logits are margin + s z against 0
    assert_allclose(basin.curve, shares, atol=MONTE_CARLO * 1.3 * 0.5 / 20)
    four = sample_basin(network, torch.zeros(4, 1, 28, 28) + x[:4], y[:4], rng(), by="sample", draws=2, span=1.0)
    assert four.curve.shape[1] == 4


def tokens():
    """Words of four tokens, the class being that of the first."""
    table = nn.Embedding(3, 3)
    table.weight.data = torch.eye(3)
    words = torch.cartesian_prod(*[torch.arange(3)] * 4)

    class Reader(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = table

        def forward(self, words):
            return self.table(words)[:, 0]

    return Reader(), words, words[:, 0]


def convolutional(kind, groups=1):
    spatial = {nn.Conv1d: 1, nn.Conv2d: 2, nn.Conv3d: 3, nn.ConvTranspose1d: 1, nn.ConvTranspose2d: 2}[kind]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(kind(2, 4, 2, groups=groups), nn.GroupNorm(2, 4), nn.ReLU(True), nn.Flatten(2))
        x = torch.from_numpy(rng().standard_normal((12, 2, *[3] * spatial), dtype=np.float32))
        pooled = nn.Sequential(network, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 3))
    return pooled, x, pooled(x).argmax(1)


LAYERS = {
    **{
        f"{kind.__name__} {groups}": (lambda kind=kind, groups=groups: convolutional(kind, groups))
        for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d)
        for groups in (1, 2)
    },
    "Embedding": tokens,
}


@pytest.mark.parametrize("normalise", NORMALISATIONS)
@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_weights_of_every_kind_of_layer_are_perturbed(make, normalise):
    network, x, y = make()
    before = deepcopy(network.state_dict())
    basin = weight_basin(network, x, y, rng(), draws=20, normalise=normalise, amplitudes=[1e-4, 5.0], method="grid")
    assert basin.curve[0] > 0.95 > 0.8 > basin.curve[1]
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("normalise", "factors", "changes"),
    [("std", (4, 0.25), False), ("layer", (4, 0.25), False), ("filter", (4, 0.25), False), ("none", (4, 0.25), True)],
)
@pytest.mark.parametrize("hide", [False, True])
def test_only_raw_noise_sees_layers_rescaled_against_each_other(normalise, factors, changes, hide):
    network, x, y = fitted()
    rescaled, (up, down) = deepcopy(network), factors
    rescaled.linears[0].weight.data *= up
    rescaled.linears[1].weight.data *= down
    rescaled.linears[0].bias.data *= up
    torch.testing.assert_close(rescaled(x), network(x))
    radii = []
    for module in (network, rescaled):
        module = Opaque(module) if hide else module
        radii.append(
            weight_basin(module, x, y, rng(), normalise=normalise, amplitudes=np.geomspace(1e-3, 10, 50)).radius
        )
    assert (abs(radii[1] / radii[0] - 1) > 0.1) == changes
    assert changes or radii[0] == radii[1]  # powers of two: bit for bit


@settings(max_examples=10)
@given(c=st.floats(0.1, 10), normalise=st.sampled_from(NORMALISATIONS[:-1]))
def test_normalised_noise_survives_any_rescaling(c, normalise):
    network, x, y = fitted()
    expected = weight_basin(network, x, y, rng(), normalise=normalise, method="grid")
    network.linears[0].weight.data *= c
    network.linears[0].bias.data *= c
    network.linears[1].weight.data /= c
    run = weight_basin(network, x, y, rng(), normalise=normalise, method="grid")
    assert_allclose(run.curve, expected.curve, atol=2 / len(x))


def sphere_accuracy(s, dim):
    """As `identity_accuracy`, where z is a coordinate of a random vector of length 1 in `dim` dimensions."""
    z = np.linspace(-1, 1, 20_001)
    density = (1 - z**2) ** ((dim - 3) / 2)
    density /= density.sum()
    return density @ np.interp(z + 1 / s, z, np.cumsum(density)) ** 9


@pytest.mark.parametrize("hide", [False, True])
@pytest.mark.parametrize(
    ("normalise", "accuracy"),
    [
        ("none", identity_accuracy),
        ("filter", lambda s: sphere_accuracy(s, 10)),  # rows of the identity have length 1
        ("layer", lambda s: sphere_accuracy(s * np.sqrt(10), 100)),  # the whole of it sqrt(10)
    ],
)
def test_weight_basin_of_a_linear_model_is_the_integral_over_the_noise(normalise, accuracy, hide):
    expected = brentq(lambda s: accuracy(s) - 0.5, 0.1, 20)
    network, x, y = one_hot_reader()
    module = Opaque(network) if hide else network
    grid = np.geomspace(0.1, 20, 61)
    run = weight_basin(module, x[:10], y[:10], rng(), draws=1000, amplitudes=grid, normalise=normalise)
    error = np.diff(run.interval)[0] / (2 * 1.96)
    assert error < 0.03 * expected
    assert abs(run.radius - expected) < MONTE_CARLO * error + 1e-3


def test_filter_noise_is_relative_to_the_incoming_weights_of_every_neuron():
    """Two neurons of unequal length read one input; the larger is right by a margin that is the same share of it."""
    network = nn.Linear(1, 2, bias=False)
    network.weight.data = torch.tensor([[3.0], [1.0]])
    x, y = torch.ones(2, 1), torch.zeros(2, dtype=torch.int64)  # rows of one entry move by s or -s times their length
    run = weight_basin(
        network, x, y, rng(), draws=400, normalise="filter", method="grid", amplitudes=[0.4, 0.6, 0.9, 1.1]
    )
    # 3 (1 +- s) > 1 +- s for s < 1 but 3 (1 - s) > 1 + s only for s < 1/2
    assert_allclose(run.curve, [1, 0.75, 0.75, 0.5], atol=MONTE_CARLO * 0.5 / 20)


def test_tied_weights_move_together_on_the_fast_path_too():
    network = nn.Sequential(nn.Linear(8, 8, bias=False), nn.Identity(), nn.Linear(8, 8, bias=False), nn.Linear(8, 4))
    network[2].weight = network[0].weight
    x = fitted()[1]
    y = network(x).argmax(1)
    assert_same(weight_basin(network, x, y, rng()), weight_basin(Opaque(network), x, y, rng()))


@pytest.mark.parametrize("hide", [False, True])
def test_a_single_weight_has_no_deviation(hide):
    network = nn.Sequential(nn.Linear(1, 1), nn.Tanh(), nn.Linear(1, 2))
    x = torch.linspace(-1, 1, 10)[:, None]
    y = network(x).argmax(1)
    module = Opaque(network) if hide else network
    with pytest.raises(
        ValueError, match=r"normalise must not be 'std' where a weight is a single entry, got .*0\.weight"
    ):
        weight_basin(module, x, y, rng())
    for normalise in ("layer", "filter", "none"):
        assert weight_basin(module, x, y, rng(), normalise=normalise).radius > 0


def test_weights_and_their_units_are_checked():
    network, x, y = one_hot_reader(4, 2)
    with pytest.raises(ValueError, match="normalise must be one of std, layer, filter, none, got 'row'"):
        weight_basin(network, x, y, rng(), normalise="row")
    with pytest.raises(ValueError, match="network must have weights to perturb, got Identity without any"):
        weight_basin(nn.Identity(), x, y, rng())
    with pytest.raises(ValueError, match=r"x must be real numbers, for noise to be added, got torch\.int64"):
        sample_basin(*tokens(), rng())
    with pytest.raises(ValueError, match="logits of every sample, got 1 for 8 samples"):
        sample_basin(Pooling(), x, y, rng())


class Pooling(nn.Module):
    def forward(self, x):
        return x.mean(0, keepdim=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@BOTH
def test_half_precision_is_read_in_float32(basin, dtype):
    network, x, y = fitted(batch_norm=True)
    half, x = network.to(dtype), x.to(dtype)
    for module in (half, Opaque(half)):
        expected = basin(deepcopy(module).float(), x.float(), y, rng())
        assert_same(basin(module, x, y, rng()), expected)
    assert next(half.parameters()).dtype == dtype


@BOTH
def test_tensors_may_require_gradients(basin):
    network, x, y = fitted()
    expected = basin(network, x, y, rng())
    given_x = x.clone().requires_grad_()
    assert_same(basin(network, given_x, y, rng()), expected)
    assert given_x.grad is None


@BOTH
def test_modules_that_write_into_their_inputs_leave_the_samples_alone(basin):
    class Halving(nn.Module):
        def __init__(self, network, in_place):
            super().__init__()
            self.network, self.in_place = network, in_place

        def forward(self, x):
            return self.network(x.mul_(0.5) if self.in_place else x * 0.5)

    network, x, y = fitted()
    before = x.clone()
    assert_same(basin(Halving(network, True), x, y, rng()), basin(Halving(network, False), x, y, rng()))
    assert torch.equal(x, before)


@settings(max_examples=20)
@given(data=st.data())
def test_bisection_closes_every_interval_that_the_grid_closes(data):
    network, x, y = fitted(batch_norm=data.draw(st.booleans()))
    basin, by = (
        data.draw(st.sampled_from([sample_basin, weight_basin])),
        data.draw(st.sampled_from(["all", "class", "sample"])),
    )
    if by == "sample":
        x, y = x[:30], y[:30]
    grid_of = np.geomspace(1e-3, 10, data.draw(st.sampled_from([5, 13, 25])))
    options = {"by": by, "draws": data.draw(st.sampled_from([2, 8, 20])), "amplitudes": grid_of}
    seed = data.draw(st.integers(0, 100))
    grid, fast = (basin(network, x, y, rng(seed), method=method, **options) for method in ("grid", "bisection"))
    same = np.ravel(grid.radius) == np.ravel(fast.radius)
    assert same.mean() > 0.5
    upper, fast_upper = (np.atleast_2d(run.interval.T)[:, 1] for run in (grid, fast))
    assert (np.isinf(upper) == np.isinf(fast_upper))[same].all()
    assert (np.atleast_2d(fast.interval.T)[:, 0] <= np.ravel(fast.radius)).all()


class Scripted(nn.Module):
    """A classifier of ones whose share of right answers is a given function of the noise's size."""

    def __init__(self, curve):
        super().__init__()
        self.curve = curve

    def forward(self, x):
        s = float((x - 1).std())
        right = torch.arange(len(x)) < round(self.curve(s) * len(x))
        return torch.stack([1.0 - right.float(), right.float()], dim=1)


def test_an_accuracy_that_rises_again_still_closes_its_interval():
    """It falls to 0 at 1.8 alone, and is .49 elsewhere from .5 on: halving the grid does not lead there."""
    amplitudes = np.array([0.1, 0.2, 0.4, 0.5, 0.7, 1.0, 1.4, 1.8, 2.5, 3.0, 4.0, 5.0])
    x, y = torch.ones(4000, 1), torch.ones(4000, dtype=torch.int64)

    def dips(s):
        return 1.0 if s < 0.45 else 0.0 if 1.7 < s < 1.9 else 0.49

    options = {"span": 1.0, "amplitudes": amplitudes, "draws": 2}
    grid, fast = (sample_basin(Scripted(dips), x, y, rng(), method=m, **options) for m in ("grid", "bisection"))
    assert grid.radius == fast.radius
    assert np.isfinite(grid.interval[1])
    assert 1 < fast.interval[1] < 2
    flat = sample_basin(Scripted(lambda s: 1.0 if s < 0.45 else 0.499), x, y, rng(), **options)
    assert np.isfinite(flat.radius)
    assert flat.interval[1] == np.inf  # nowhere is it below one half beyond doubt
    assert flat.amplitudes[-1] == amplitudes[-1]


def test_overflow_beyond_the_radius_leaves_the_interval_open():
    amplitudes = np.array([0.1, 0.2, 0.4, 0.5, 0.7, 1.0, 1.4, 1.8, 2.5, 3.0, 4.0, 5.0])
    x, y = torch.ones(4000, 1), torch.ones(4000, dtype=torch.int64)

    class Overflowing(Scripted):
        def forward(self, x):
            return super().forward(x) / (0 if 2 < float((x - 1).std()) < 100 else 1)

    network = Overflowing(lambda s: 1.0 if s < 0.45 else 0.499)
    run = sample_basin(network, x, y, rng(), span=1.0, amplitudes=amplitudes)
    assert 0.4 < run.radius < 0.5
    assert run.interval[1] == np.inf
    assert run.amplitudes[-1] < 2
    with pytest.raises(SimulationError, match=r"logits are not finite at noise amplitude 2\.5"):
        sample_basin(network, x, y, rng(), span=1.0, amplitudes=amplitudes, method="grid")


def test_a_curve_crosses_a_level_where_it_first_comes_down_to_it():
    groups = 6
    amplitudes = np.tile([[1.0], [10.0], [100.0]], groups)
    curve = np.array([[0.9, 0.9, 0.5, 0.4, 0.9, 0.9], [0.9, 0.5, 0.4, 0.4, 0.7, 0.9], [0.9, 0.4, 0.4, 0.4, 0.3, 0.1]])
    clean = np.array([0.9, 0.9, 0.9, 0.9, 0.9, 0.5])
    expected = [np.inf, 10, 1, 0.8, 10**1.5, 0]
    assert_allclose(_crossing(amplitudes, curve, clean, np.full(groups, 0.5)), expected)
    assert_allclose(_crossing(amplitudes[:, :1], np.full((3, 1), 0.9), np.array([0.5]), np.array([0.5])), 0)


def test_the_margin_of_a_mean_is_that_of_students_distribution():
    margins = _margin(np.full(4, 2.0), np.array([1, 2, 3, 1000]))
    assert_allclose(margins, [np.inf, *(2 * t.ppf(0.975, n - 1) for n in (2, 3, 1000))])

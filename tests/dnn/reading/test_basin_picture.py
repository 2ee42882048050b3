import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from torch import nn

from dnn.reading.basin_picture import _principal_axes, basin_picture
from tests.dnn.reading.test_basins import fitted

FIELDS = ("labels", "apex", "amplitudes", "points", "predicted", "radius")


def picture(**options):
    network, x, y = fitted()
    return basin_picture(network, x, y, np.random.default_rng(0), **options), x, y


def test_cones_start_at_the_digit_and_leave_their_basin_as_they_widen():
    basins, _, _ = picture(amplitudes=(1e-4, 0.1, 0.3, 1.0, 3.0))
    assert basins.points.shape == (5, 20, 8, 3)
    assert_allclose(basins.points[0], np.broadcast_to(basins.apex, (20, 8, 3)), atol=0.01)
    assert basins.foreign_share[0] == 0
    assert (np.diff(basins.foreign_share) >= 0).all()
    assert basins.foreign_share[-1] > 0.2


def test_digits_are_the_first_of_each_class_with_basins_of_their_own():
    basins, _, y = picture(per_class=3)
    assert basins.labels.tolist() == sorted([0, 1, 2, 3] * 3)
    assert len(y) > len(basins.labels)
    assert basins.radius.max() > 1.5 * basins.radius.min() > 0


def test_components_are_the_directions_of_largest_variance():
    basins, _, _ = picture()
    spread = basins.points.reshape(-1, 3).var(axis=0)
    assert (np.diff(spread) < 0).all()


def test_bad_input_is_refused_by_name():
    assert len(picture(per_class=32, draws=2, amplitudes=(0.1,))[0].labels) == 4 * 32
    with pytest.raises(ValueError, match="per_class must be at most 32"):
        picture(per_class=50)
    with pytest.raises(ValueError, match="amplitudes must be > 0"):
        picture(amplitudes=(0.0, 1.0))
    network, x, y = fitted()
    with pytest.raises(ValueError, match="per_class must be at most 0"):
        basin_picture(network, x, torch.where(y == 1, 0, y), np.random.default_rng(0))


@settings(max_examples=8)
@given(st.sampled_from([(1, 8), (8, 1), (2, 4), (2, 2, 2), (1, 4, 2), (1, 1, 8)]))
def test_images_are_drawn_as_their_rows_are(shape):
    network, x, y = fitted(batch_norm=True)
    rows = basin_picture(network, x, y, np.random.default_rng(0), draws=4)
    shaped = nn.Sequential(nn.Flatten(), network)
    images = basin_picture(shaped, x.reshape(-1, *shape), y, np.random.default_rng(0), draws=4)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(images, name), getattr(rows, name), err_msg=name)


@pytest.mark.parametrize("shape", [(1, 28, 28), (28, 28), (3, 20, 30), (5, 12)])
def test_images_of_any_shape_are_drawn_by_convolutions(shape):
    torch.manual_seed(0)
    prototypes, y = torch.rand(3, *shape), torch.arange(3).repeat(4)
    x = prototypes[y] + 0.01 * torch.randn(12, *shape)
    before = x.clone()
    convolution = nn.Conv2d(shape[0], 4, 5) if len(shape) == 3 else nn.Conv1d(shape[0], 4, 3)
    body = nn.Sequential(convolution, nn.ReLU(inplace=True), nn.Flatten())
    features = body(prototypes).detach()
    head = nn.Linear(features.shape[1], 3)  # puts a sample into the class of the nearest prototype
    head.weight.data, head.bias.data = features, -features.square().sum(1) / 2
    options = {"amplitudes": (0.1, 3.0), "draws": 3, "per_class": 2}
    basins = basin_picture(nn.Sequential(body, head), x, y, np.random.default_rng(0), **options)
    assert basins.points.shape == (2, 3, 6, 3)
    assert basins.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert (basins.predicted[0] == basins.labels).mean() > 0.5
    assert (basins.radius > 0.05).all()
    assert torch.equal(x, before)
    lengths = np.linalg.norm(basins.points - basins.apex, axis=-1).mean(axis=(1, 2))
    assert lengths[1] == pytest.approx(30 * lengths[0], rel=1e-3)


@given(st.integers(0, 100), st.integers(4, 30), st.integers(4, 30))
def test_axes_are_those_of_the_singular_vectors(seed, n, d):
    points = torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    mean, axes = _principal_axes(points)
    vectors = np.linalg.svd((points - points.mean(0)).numpy())[2][:3]
    torch.testing.assert_close(axes.T @ axes, torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-9)
    assert_allclose(np.abs(np.sum(vectors.T * axes.numpy(), axis=0)), 1, atol=1e-6)
    torch.testing.assert_close(mean, points.mean(0))


def test_training_mode_half_precision_and_gradients_change_nothing():
    network, x, y = fitted(batch_norm=True)
    network, x = network.to(torch.bfloat16), x.to(torch.bfloat16)
    plain = basin_picture(network.float().eval(), x.float(), y, np.random.default_rng(0), draws=4)
    network = network.to(torch.bfloat16).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    half = basin_picture(network, x.requires_grad_(), y, np.random.default_rng(0), draws=4)
    for name in FIELDS:
        np.testing.assert_array_equal(getattr(half, name), getattr(plain, name), err_msg=name)
    assert network.training
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)


def test_samples_need_three_real_entries():
    with pytest.raises(ValueError, match=r"three or more a sample, got \(4, 2\) of torch.float32"):
        basin_picture(nn.Linear(2, 2), torch.ones(4, 2), torch.arange(4) % 2, np.random.default_rng(0))
    with pytest.raises(ValueError, match="x must be real numbers, three or more a sample, got"):
        basin_picture(nn.Linear(3, 2), torch.ones(4, 3).long(), torch.arange(4) % 2, np.random.default_rng(0))

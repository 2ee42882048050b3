import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from dnn.reading.basin_picture import basin_picture
from tests.dnn.reading.test_basins import fitted


def picture(**options):
    network, x, y = fitted()
    return basin_picture(network, x, y, np.random.default_rng(0), **options), x, y


def test_cones_start_at_the_digit_and_leave_their_basin_as_they_widen():
    found, _, _ = picture(amplitudes=(1e-4, 0.1, 0.3, 1.0, 3.0))
    assert found.points.shape == (5, 20, 8, 3)
    assert_allclose(found.points[0], np.broadcast_to(found.apex, (20, 8, 3)), atol=0.01)
    assert found.foreign_share[0] == 0
    assert (np.diff(found.foreign_share) >= 0).all()
    assert found.foreign_share[-1] > 0.2


def test_digits_are_the_first_of_each_class_with_basins_of_their_own():
    found, _, y = picture(per_class=3)
    assert found.labels.tolist() == sorted([0, 1, 2, 3] * 3)
    assert len(y) > len(found.labels)
    assert found.radius.max() > 1.5 * found.radius.min() > 0


def test_components_are_the_directions_of_largest_variance():
    found, _, _ = picture()
    spread = found.points.reshape(-1, 3).var(axis=0)
    assert (np.diff(spread) < 0).all()


def test_bad_input_is_refused_by_name():
    with pytest.raises(ValueError, match="per_class must be at most 32"):
        picture(per_class=50)
    with pytest.raises(ValueError, match="amplitudes must be > 0"):
        picture(amplitudes=(0.0, 1.0))
    network, x, y = fitted()
    with pytest.raises(ValueError, match="per_class must be at most 0"):
        basin_picture(network, x, torch.where(y == 1, 0, y), np.random.default_rng(0))

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
    with pytest.raises(ValueError, match="per_class must be at most 32"):
        picture(per_class=50)
    with pytest.raises(ValueError, match="amplitudes must be > 0"):
        picture(amplitudes=(0.0, 1.0))
    network, x, y = fitted()
    with pytest.raises(ValueError, match="per_class must be at most 0"):
        basin_picture(network, x, torch.where(y == 1, 0, y), np.random.default_rng(0))

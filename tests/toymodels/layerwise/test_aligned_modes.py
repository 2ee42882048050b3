import numpy as np
from numpy.testing import assert_allclose

from toymodels.layerwise.aligned_modes import _equalised


def test_sizes_that_differ_by_rounding_become_their_mean_and_others_stay():
    a, b = np.array([2.0, -2.0, 3.0, 0.0]), np.array([-2.0 - 1e-14, 2.0, 3.1, 0.0])
    first, second = _equalised(a, b, 1e-12)
    assert (np.abs(first[:2]) == np.abs(second[:2])).all()
    assert_allclose(first, a, rtol=1e-14)
    assert_allclose(second, b, rtol=1e-14)

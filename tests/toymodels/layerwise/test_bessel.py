import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose

from toymodels.layerwise.bessel import _weak_excess


@pytest.mark.parametrize("unit", [1.0, 0.25])
@pytest.mark.parametrize("order", [1e-9, 1e-4, 1e-3, 0.3])
def test_the_continued_fraction_of_steed_is_the_ratio_of_bessel_functions(order, unit):
    """K_{n+1} / K_n = (n + z + 1/2 - d (1 - d) h) / z with n = d - 1/2, whose h the excess d (1 - (1 - d) h) is of."""
    sizes = np.array([1.0, 2.0, 7.5, 30.0])
    with mpmath.workdps(50):
        n, d = mpmath.mpf(order) - 0.5, mpmath.mpf(order)
        ratios = [mpmath.besselk(n + 1, z) / mpmath.besselk(n, z) for z in sizes]
        h = [(n + z + 0.5 - z * ratio) / (d * (1 - d)) for z, ratio in zip(sizes, ratios, strict=True)]
        expected = [float(unit * d * (1 - (1 - d) * each)) for each in h]
    drive = np.full(len(sizes), order * unit)
    assert_allclose(_weak_excess(drive, sizes * unit, unit), expected, rtol=1e-12)

"""Ratios and phases of modified Bessel functions, against those of many digits."""

from functools import cache

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_allclose

from toymodels.layerwise.bessel import LARGE, Large, _weak_excess, moderate, phase_between


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


@cache
def exact(drive, z):
    """growing, shrinking, excess and neighbour, and ln (I / K) at the orders n and nu + 1, for a unit of 1."""
    with mpmath.workdps(60):
        drive, z = mpmath.mpf(float(drive)), mpmath.mpf(float(z))
        order = drive - 0.5
        n, above = abs(order), drive + 0.5
        i, k = mpmath.besseli(n, z), mpmath.besselk(n, z)
        growing, neighbour = z * mpmath.besselk(above, z) / k, mpmath.besseli(above, z) / (z * i)
        shrinking = z * mpmath.besseli(above if order >= 0 else n - 1, z) / i
        logs = [mpmath.log(mpmath.besseli(each, z) / mpmath.besselk(each, z)) for each in (n, above)]
        return [float(each) for each in (growing, shrinking, growing - z, neighbour, *logs)]


@pytest.mark.parametrize("unit", [1.0, 0.25, 8.0])
def test_the_expansion_has_the_ratios_of_bessel_functions(unit):
    """At R of 20 and more units, for orders below 0 too."""
    drive, z = np.array(
        [
            (0.0, 20.0),
            (0.2, 21.0),
            (0.5, 25.0),
            (0.04, 30.0),
            (3.0, 20.5),
            (15.0, 16.0),
            (21.0, 0.3),
            (60.0, 5.0),
            (40.0, 90.0),
        ]
    ).T
    expected = np.array([exact(*pair) for pair in zip(drive, z, strict=True)]).T
    large = Large(np.abs(drive - 0.5) * unit, z * unit, unit)
    growing, shrinking, excess, neighbour = large.ratios(drive * unit)
    assert_allclose(growing, expected[0] * unit, rtol=1e-14)
    assert_allclose(shrinking, expected[1] * unit, rtol=1e-13)
    assert_allclose(excess, expected[2] * unit, rtol=1e-11, atol=1e-300)
    assert_allclose(neighbour, expected[3] / unit, rtol=1e-13)
    assert_allclose(large.log_ratio(), expected[4], rtol=1e-14)


@pytest.mark.parametrize("unit", [1.0, 0.25, 8.0])
def test_moderate_arguments_have_the_ratios_of_bessel_functions(unit):
    drive, z = np.array(
        [
            (0.0, 0.3),
            (1e-5, 0.4),
            (5e-4, 2.0),
            (0.02, 0.5),
            (0.02, 7.0),
            (0.3, 1e-4),
            (0.5, 3.0),
            (1.2, 0.8),
            (9.0, 15.0),
            (19.0, 1.0),
        ]
    ).T
    expected = np.array([exact(*pair) for pair in zip(drive, z, strict=True)]).T
    (growing, shrinking, excess, neighbour), log, next_log = moderate(drive * unit, z * unit, unit)
    assert_allclose(growing, expected[0] * unit, rtol=1e-12)
    assert_allclose(shrinking, expected[1] * unit, rtol=1e-11)
    assert_allclose(excess, expected[2] * unit, rtol=1e-11, atol=1e-300)
    assert_allclose(neighbour, expected[3] / unit, rtol=1e-12)
    assert_allclose(log, expected[4], rtol=1e-12, atol=1e-13)
    assert_allclose(next_log, expected[5], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("n", "z"), [(30.0, 50.0), (25.0, 0.4), (0.3, 80.0), (0.0, 60.0)])
def test_the_phase_between_two_times_is_the_difference_of_the_logarithms(n, z):
    x = np.array([0.0, 1e-9, 0.1, 1.0])
    with mpmath.workdps(50):
        ends = [z * mpmath.exp(-each) for each in map(float, x)]
        logs = [mpmath.log(mpmath.besseli(n, end) / mpmath.besselk(n, end)) for end in ends]
        expected = [float(logs[0] - log) for log in logs]
    for unit in (1.0, 0.25, 8.0):
        first, last = (Large(np.full(4, n * unit), size * unit, unit) for size in (np.full(4, z), z * np.exp(-x)))
        found = phase_between(first, last, x / unit, -np.expm1(-2 * x))
        assert_allclose(found, expected, rtol=1e-12, atol=1e-17)


def test_entries_taken_from_an_expansion_are_those_of_their_own():
    n, z = np.array([3.0, 25.0, 60.0]), np.array([40.0, 7.0, 22.0])
    whole, index = Large(n, z, 0.8), np.array([2, 0, 2])
    part = whole.taken(index)
    alone = Large(n[index], z[index], 0.8)
    assert_allclose(part.radius, np.hypot(n, z)[index])
    assert_allclose(part.log_ratio(), alone.log_ratio(), rtol=1e-14)
    assert_allclose(part.log_ratio(), whole.log_ratio()[index], rtol=1e-14)


def test_the_expansion_and_the_functions_meet_where_they_part():
    drive = np.array([0.0, 0.01, 0.4, 3.0, 12.0, 19.0])
    z = np.sqrt(LARGE**2 - (drive - 0.5) ** 2)
    for above, below in zip(Large(np.abs(drive - 0.5), z, 1.0).ratios(drive), moderate(drive, z, 1.0)[0], strict=True):
        assert_allclose(above, below, rtol=1e-12)

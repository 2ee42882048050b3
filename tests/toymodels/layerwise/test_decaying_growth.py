"""The growth of sums and differences under decay, in each of its ways, against Bessel functions of many digits."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.toymodels.layerwise.flows import integrate
from toymodels.layerwise.decaying_growth import DecayingGrowth, Entries

TIMES = np.array([0.0, 3e-5, 0.02, 0.4, 2.0, 9.0, 30.0])  # in units of the decay
# nu + 1/2 and z at the start, in units: orders below and above 0, and sizes on all sides of 1e-8, 20 and 60
DRIVES = (0.0, 1e-3, 0.3, 0.5, 1.4, 7.0, 19.0, 30.0, 80.0)
SIZES = (1e-11, 3e-6, 0.2, 1.3, 12.0, 22.0, 70.0)


def growth_of(drives, sizes, ratio, unit, rate=1.7):
    """Flows of these drives and sizes, with P = ratio Q."""
    drives, sizes, ratio = np.broadcast_arrays(drives, sizes, ratio)
    rates = np.full(drives.shape, rate)
    aligned, opposed = unit * sizes / rate * np.sqrt(ratio), unit * sizes / rate / np.sqrt(ratio)
    return DecayingGrowth(aligned, opposed, aligned - opposed, 2 * unit * drives / rate, rates, unit)


def exact(aligned, opposed, target, rate, unit, t):
    """sqrt(y) of y = A / B in two solutions of Bessel's equation, and of w - 1 for w = sqrt(P / Q) y exp(2 mu t)."""
    p, q, s, r, u, t = (mpmath.mpf(float(each)) for each in (aligned, opposed, target, rate, unit, t))
    order, pull = (r * s / u - 1) / 2, r * p / u
    start = r * mpmath.sqrt(p * q) / u
    end = start * mpmath.exp(-u * t)

    def solutions(z):
        """I and K with their slopes in x = -ln z."""
        up, down = mpmath.besseli(order, z), mpmath.besselk(order, z)
        return (
            up,
            down,
            -(order * up + z * mpmath.besseli(order + 1, z)),
            z * mpmath.besselk(order + 1, z) - order * down,
        )

    i, k, di, dk = solutions(start)
    # B = 1 and B' = P - nu at the start, where the Wronskian of I and K is 1
    first, second = dk - k * (pull - order), i * (pull - order) - di
    i, k, di, dk = solutions(end)
    bottom = first * i + second * k
    y = (first * di + second * dk + order * bottom) / (pull * bottom)
    return float(mpmath.sqrt(y)), float(mpmath.sqrt(p / q) * y * mpmath.exp(u * t) - 1)


@pytest.mark.parametrize(
    ("drive", "sizes", "ratio", "unit"),
    [
        (0.0, (1.3, 22.0), 1.5, 0.25),
        (1e-3, (0.2, 70.0), 400.0, 1.0),
        (0.3, (3e-6, 12.0), 0.01, 3.0),
        (0.5, (0.2, 22.0), 1.0, 0.25),
        (1.4, (1e-11, 1.3), 1.0001, 1.0),
        (19.0, (0.2, 22.0), 0.9, 3.0),
        (30.0, (12.0, 70.0), 400.0, 0.25),
    ],
)
def test_growth_and_surplus_are_those_of_bessel_functions(drive, sizes, ratio, unit):
    growth, t = growth_of(drive, np.array(sizes), ratio, unit), np.array([0.02, 0.4, 4.0]) / unit
    found = growth.at(Entries.outer(t, len(sizes), unit))
    parts = growth.aligned, growth.opposed, growth.target, growth.rate
    with mpmath.workdps(60):
        expected = np.array([[exact(*flow, unit, now) for flow in zip(*parts, strict=True)] for now in t])
    root, surplus = expected.reshape(-1, 2).T
    assert_allclose(found.rising, root, rtol=1e-12)
    assert_allclose(found.falling, np.repeat(np.exp(-unit * t), len(sizes)) / root, rtol=1e-12)
    known = np.isfinite(found.surplus)
    assert_allclose(found.surplus[known], surplus[known], rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize(
    ("ratio", "sizes"),
    [(1.0, SIZES), (60.0, SIZES), (0.01, SIZES), (1e-28, (1e-11, 4e-9)), (1e-23, (1e-11, 4e-9)), (1e24, (1e-11, 4e-9))],
)
def test_every_way_follows_the_equation_of_the_growth(ratio, sizes):
    """(ln y)' = r (S - P y + Q exp(-4 mu t) / y) - 2 mu, for all drives and sizes at once."""
    drives, sizes = (each.ravel() for each in np.meshgrid(DRIVES, sizes))
    growth = growth_of(drives, sizes, ratio, 1.0)

    def velocity(state):
        y, faded = np.exp(state[:-1]), np.exp(-2 * state[-1])
        pull = growth.rate * (growth.target - growth.aligned * y + growth.opposed * faded / y)
        return np.append(pull - 1, 1.0)

    found = growth.at(Entries.outer(TIMES, drives.size, 1.0))
    root = np.exp(integrate(velocity, np.zeros(drives.size + 1), TIMES)[:, :-1] / 2).ravel()
    assert_allclose(found.rising, root, rtol=1e-10)
    assert_allclose(found.falling, np.repeat(np.exp(-TIMES), drives.size) / root, rtol=1e-10)


@pytest.mark.parametrize("unit", [0.5, 2.0])
@pytest.mark.parametrize("drive", [0.2, 1.0, 6.0])
def test_of_one_kind_alone_the_growth_is_elementary(drive, unit):
    """Sums alone follow a logistic; differences alone a linear equation that their own decay drives."""
    rate, weight, t = 1.7, np.array([0.4, 5.0]), np.array([0.0, 0.1, 1.0, 7.0]) / unit
    target = np.full(2, 2 * unit * drive / rate)
    pace = rate * target - unit
    grown = np.exp(np.multiply.outer(t, pace))
    for sums in (True, False):
        weights = (weight, np.zeros(2)) if sums else (np.zeros(2), weight)
        growth = DecayingGrowth(*weights, weights[0] - weights[1], target, np.full(2, rate), unit)
        found = growth.at(Entries.outer(t, 2, unit))
        if sums:
            passed = np.expm1(np.multiply.outer(t, pace)) / pace if pace.all() else np.multiply.outer(t, np.ones(2))
            y = grown / (1 + rate * weight * passed)
        else:
            faded = np.exp(-2 * unit * t)[:, None]
            y = grown + rate * weight * (grown - faded) / (pace + 2 * unit)
        assert_allclose(found.rising, np.sqrt(y).ravel(), rtol=1e-13)
        assert_allclose(found.falling, (np.exp(-unit * t)[:, None] / np.sqrt(y)).ravel(), rtol=1e-13)


@pytest.mark.parametrize("unit", [1e-14, 1e-80, 1e-140])
def test_as_the_decay_vanishes_it_is_the_riccati_equation(unit):
    """y' = r (S y - P y^2 + Q) by its roots."""
    p, q, s, r = (
        np.array([0.3, 2.0, 0.01]),
        np.array([0.8, 0.1, 0.5]),
        np.array([1.4, 0.6, 3.0]),
        np.array([1.7, 0.4, 2.0]),
    )
    t = np.array([0.0, 0.05, 0.7, 3.0, 20.0])
    found = DecayingGrowth(p, q, p - q, s, r, unit).at(Entries.outer(t, 3, unit))
    gap = np.sqrt(s**2 + 4 * p * q)
    upper, lower = (s + gap) / (2 * p), (s - gap) / (2 * p)
    left = (1 - upper) / (1 - lower) * np.exp(-np.multiply.outer(t, r * gap))
    y = (upper - lower * left) / (1 - left)
    assert_allclose(found.rising, np.sqrt(y).ravel(), rtol=1e-12)


flows = st.tuples(st.floats(0, 90), st.floats(-12, 2), st.floats(-2, 2))


@settings(max_examples=10)
@given(st.lists(flows, min_size=2, max_size=5), st.floats(-5, 1.2), st.sampled_from([0.3, 2.0]))
def test_flows_side_by_side_and_one_by_one_are_the_same(several, log_time, unit):
    drives, sizes, ratios = (np.array(each) for each in zip(*several, strict=True))
    t = np.array([10.0**log_time]) / unit
    together = growth_of(drives, 10.0**sizes, 10.0**ratios, unit).at(Entries.outer(t, len(several), unit))
    for k in range(len(several)):
        alone = growth_of(drives[k : k + 1], 10.0 ** sizes[k : k + 1], 10.0 ** ratios[k : k + 1], unit)
        one = alone.at(Entries.pairs(np.array([0]), t, unit))
        for part, whole in zip(one[:2], together[:2], strict=True):
            assert_allclose(whole[k : k + 1], part, rtol=1e-12)


@settings(max_examples=10)
@given(st.lists(flows, min_size=1, max_size=4), st.sampled_from([4.0, 2.0**-300, 2.0**200]))
def test_rates_and_times_have_no_unit(several, factor):
    """Squared weights and targets 8 times as large at an eighth of the rate, or all of it over in another time."""
    drives, sizes, ratios = (np.array(each) for each in zip(*several, strict=True))
    parts, unit, count = (drives, 10.0**sizes, 10.0**ratios), 0.5, len(several)
    found = growth_of(*parts, unit).at(Entries.outer(TIMES / unit, count, unit))
    larger = growth_of(*parts, unit, rate=1.7 / 8).at(Entries.outer(TIMES / unit, count, unit))
    unit *= factor
    faster = growth_of(*parts, unit).at(Entries.outer(TIMES / unit, count, unit))
    for other in larger, faster:
        assert_allclose(other.rising, found.rising, rtol=1e-11)
        assert_allclose(other.falling, found.falling, rtol=1e-11)


def test_entries_are_every_time_of_every_flow_or_one_each():
    every = Entries.outer(np.array([0.0, 2.0]), 3, 0.5)
    assert every.index.tolist() == [0, 1, 2, 0, 1, 2]
    assert every.t.tolist() == [0, 0, 0, 2, 2, 2]
    assert_allclose(every.faded, [1] * 3 + [np.exp(-1)] * 3)
    assert_allclose(every.spent, [0] * 3 + [1 - np.exp(-2)] * 3)
    some = Entries.pairs(np.array([4, 2]), np.array([1.0, 3.0]), 0.5)
    assert_allclose(some.faded, np.exp([-0.5, -1.5]))
    assert_allclose(some.spent, 1 - np.exp([-1.0, -3.0]))
    last = some.where(np.array([False, True]))
    assert [float(part[0]) for part in last] == [2, 3, some.faded[1], some.spent[1]]

"""The linear part of the two-layer flow, against the matrix F itself."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.layerwise.gram_spectrum import Spectrum

SHAPES = [(3, 3), (2, 4), (4, 2), (1, 3), (3, 1), (1, 1)]  # outputs, inputs
IMBALANCES = [0.0, 0.7, -1.3]
seeds = st.integers(0, 10**6)


def linear_part(correlation, imbalance, decay=0.0):
    """F less the decay, in the order inputs, outputs."""
    c, d = correlation.shape
    half = imbalance / 2
    return np.block([[-half * np.eye(d), correlation.T], [correlation, half * np.eye(c)]]) - decay * np.eye(c + d)


def directions(spectrum):
    """(d + c, d + c): each column a direction, inputs above outputs."""
    return np.concatenate(spectrum.layers(np.eye(len(spectrum.rates))))


def drawn(seed, shape, imbalance):
    """A spectrum, and layers of two hidden units."""
    (c, d), rng = shape, np.random.default_rng(seed)
    spectrum = Spectrum.of(rng.standard_normal(shape), imbalance, 0.0)
    return spectrum, rng.standard_normal((2, d)), rng.standard_normal((c, 2))


@given(seeds, st.sampled_from(SHAPES), st.sampled_from(IMBALANCES), st.sampled_from([0.0, 0.4]))
def test_rates_and_directions_are_those_of_the_linear_part(seed, shape, imbalance, decay):
    correlation = np.random.default_rng(seed).standard_normal(shape)
    spectrum = Spectrum.of(correlation, imbalance, decay)
    basis = directions(spectrum)
    assert_allclose(basis.T @ basis, np.eye(len(basis)), atol=1e-13)
    assert_allclose((basis * spectrum.rates) @ basis.T, linear_part(correlation, imbalance, decay), atol=1e-13)


@given(seeds, st.sampled_from(SHAPES), st.sampled_from(IMBALANCES))
def test_rows_are_the_layers_along_the_directions_and_back(seed, shape, imbalance):
    spectrum, w1, w2 = drawn(seed, shape, imbalance)
    rows, basis = spectrum.rows(w1, w2), directions(spectrum)
    assert_allclose(rows, basis.T @ np.concatenate([w1.T, w2]), atol=1e-13)
    inputs, outputs = spectrum.layers(rows)
    assert_allclose(inputs, w1.T, atol=1e-13)
    assert_allclose(outputs, w2, atol=1e-13)


@given(seeds, st.sampled_from(SHAPES), st.sampled_from(IMBALANCES))
def test_the_sizes_are_those_of_the_terms_one_by_one(seed, shape, imbalance):
    spectrum, w1, w2 = drawn(seed, shape, imbalance)
    expected = np.abs(directions(spectrum)).T @ np.abs(np.concatenate([w1.T, w2]))
    assert_allclose(spectrum.sizes(w1, w2), expected, atol=1e-13)


def test_growing_modes_come_first_then_shrinking_ones_then_what_has_no_partner():
    """3-4-5: a singular value of 2 and an imbalance of 3 grow at 2.5, or 1 beyond what all share."""
    spectrum = Spectrum.of(np.array([[2.0, 0.0, 0.0]]), 3.0, 0.25)
    assert_allclose(spectrum.rates, np.array([2.5, -2.5, -1.5, -1.5]) - 0.25)
    assert_allclose(spectrum.base, [1.5, -1.5, -1.5, -1.5])
    assert_allclose(spectrum.excess, np.array([1.0, -1.0, 0.0, 0.0]) - 0.25)
    assert_allclose([spectrum.share_in, spectrum.share_out], np.array([[1], [2]]) / np.sqrt(5))
    turned = Spectrum.of(np.array([[2.0], [0.0]]), -3.0, 0.0)
    assert_allclose(turned.rates, [2.5, -2.5, -1.5])
    assert_allclose([turned.share_in, turned.share_out], np.array([[2], [1]]) / np.sqrt(5))
    assert_allclose(Spectrum.of(np.array([[2.0], [0.0]]), 3.0, 0.0).rates, [2.5, -2.5, 1.5])
    assert_allclose(Spectrum.of(np.array([[2.0, 0.0]]), -3.0, 0.0).rates, [2.5, -2.5, 1.5])


@pytest.mark.parametrize("imbalance", [1.0, -1.0])
def test_the_excess_of_a_weak_mode_keeps_its_digits(imbalance):
    """sqrt(rho^2 + 1/4) - 1/2 is rho^2 for a small rho."""
    spectrum = Spectrum.of(np.diag([1.0, 1e-7]), imbalance, 0.0)
    assert spectrum.excess[1] == pytest.approx(1e-14, rel=1e-12)


def test_modes_without_a_singular_value_do_not_move():
    spectrum = Spectrum.of(np.zeros((2, 3)), 0.0, 0.0)
    assert_allclose(spectrum.rates, np.zeros(5), atol=0)
    assert_allclose(directions(spectrum).T @ directions(spectrum), np.eye(5), atol=1e-15)


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_singular_values_equal_to_rounding_have_one_rate(scale):
    turn = np.linalg.qr(np.random.default_rng(3).standard_normal((4, 4)))[0]
    spectrum = Spectrum.of(scale * turn, 0.0, 0.0)
    assert (spectrum.rates[:4] == spectrum.rates[0]).all()
    assert spectrum.rates[0] == pytest.approx(scale, rel=1e-14)
    others = Spectrum.of(scale * np.diag([3.0, 3.0 - 3e-15, 2.0, 2.0 - 1e-11]), 0.0, 0.0).rates / scale
    assert others[0] == others[1] == pytest.approx(3.0, rel=1e-14)
    assert_allclose(others[2:4], [2.0, 2.0 - 1e-11], rtol=1e-14)


@given(seeds, st.sampled_from(SHAPES), st.sampled_from(IMBALANCES), st.sampled_from([1e-3, 1e4]))
def test_what_rounding_mixes_is_small_in_any_unit(seed, shape, imbalance, scale):
    """Directions are right to rounding over the distance of their rates."""
    correlation = np.random.default_rng(seed).standard_normal(shape)
    spectrum = Spectrum.of(scale * correlation, scale * imbalance, 0.0)
    mixing, basis = spectrum.mixing(), directions(spectrum)
    gaps = np.abs(spectrum.rates[:, None] - spectrum.rates) / scale
    apart = gaps > 1e-10
    assert (mixing[~apart] == 0).all()
    size = np.linalg.norm(correlation) + abs(imbalance)
    assert (mixing[apart] < 1e-14 * (1 + size / gaps[apart])).all()
    # it bounds what the directions found are off by: those of F lie across one another by nothing
    crossed = basis.T @ linear_part(scale * correlation, scale * imbalance) @ basis / scale
    off = np.abs(crossed - np.diag(np.diag(crossed))) / np.where(apart, gaps, np.inf)
    assert (off <= mixing + 1e-15 * size / np.where(apart, gaps, 1)).all()


def test_directions_turned_on_purpose_are_found_out():
    """Two modes turned into each other by 1e-6."""
    right = Spectrum.of(np.diag([3.0, 1.0]), 0.5, 0.0)
    turn = np.array([[np.cos(1e-6), -np.sin(1e-6)], [np.sin(1e-6), np.cos(1e-6)]])
    shares = right.share_in, right.share_out
    wrong = Spectrum(right.correlation, 0.5, right.base, right.excess, right.right @ turn, right.left @ turn, *shares)
    basis, off = directions(wrong), wrong.mixing()
    gap = right.rates[0] - right.rates[1]
    form = basis.T @ linear_part(right.correlation, 0.5) @ basis
    assert off[0, 1] == pytest.approx(abs(form[0, 1]) / gap, rel=1e-6)
    assert off[0, 1] == pytest.approx(off[1, 0], rel=1e-9)
    assert off[0, 1] > 1e-7

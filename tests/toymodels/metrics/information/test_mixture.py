import tracemalloc
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import ortho_group

from tests.tolerances import EXACT, MONTE_CARLO
from toymodels.metrics.information import gaussian, gaussian_mixture, mixture, mixture_bounds


@st.composite
def mixtures(draw):
    """Centres (m, d), noise, labels (m,) and the generator."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    m, d = draw(st.integers(2, 9)), draw(st.integers(1, 4))
    labels = np.r_[0, 1, rng.integers(0, 3, m - 2)]
    return rng.standard_normal((m, d)), draw(st.floats(0.05, 5.0)), labels, rng


def estimate(*args, labels=None, n=50, n_draws=20):
    """Mean and standard error over independent estimates."""
    bits = [gaussian_mixture(*args, np.random.default_rng(seed), n, labels) for seed in range(n_draws)]
    return np.mean(bits), np.std(bits, ddof=1) / np.sqrt(n_draws)


@pytest.mark.parametrize("distance", [0.5, 2.0, 4.0])
def test_two_inputs_agree_with_the_integral(distance):
    def density(t):
        return np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi) * np.log2(1 + np.exp(-distance * t - distance**2 / 2))

    exact = 1 - quad(density, -12, 12, epsabs=1e-12)[0]
    mean, error = estimate([0.0, distance], 1.0, n=400)
    assert error < 0.01
    assert abs(mean - exact) < MONTE_CARLO * error


def test_many_gaussian_centres_approach_the_gaussian_channel():
    centers = np.random.default_rng(1).standard_normal((300, 1))
    exact = gaussian([[centers.var()]], [[1.0]], 1.0)
    mean, error = estimate(centers, 1.0, n=10, n_draws=10)
    assert abs(mean - exact) < MONTE_CARLO * error + 0.03  # the empirical distribution is not quite Gaussian


@given(mixtures())
def test_the_estimate_lies_between_the_bounds(mixed):
    centers, noise, _, _ = mixed
    lower, upper = mixture_bounds(centers, noise)
    mean, error = estimate(centers, noise)
    assert -1e-12 <= lower <= upper <= np.log2(len(centers)) + 1e-12
    assert lower - MONTE_CARLO * error - 1e-12 <= mean <= upper + MONTE_CARLO * error + 1e-12
    assert mean <= np.log2(len(centers)) + 1e-12


@given(mixtures())
def test_labels_hold_no_more_than_the_inputs_and_no_more_than_their_entropy(mixed):
    centers, noise, labels, _ = mixed
    about_labels, error = estimate(centers, noise, labels=labels)
    about_inputs, other_error = estimate(centers, noise)
    p = np.bincount(labels)[np.bincount(labels) > 0] / len(labels)
    assert about_labels <= -(p * np.log2(p)).sum() + 1e-12
    assert about_labels <= about_inputs + MONTE_CARLO * np.hypot(error, other_error) + 1e-12
    assert about_labels >= -MONTE_CARLO * error - 1e-12


@given(mixtures(), st.floats(0.1, 10.0))
def test_shifts_common_scales_and_names_of_labels_do_not_matter(mixed, scale):
    centers, noise, labels, rng = mixed
    moved = scale * (centers + rng.standard_normal(centers.shape[1]))
    for y, renamed in ((None, None), (labels, 5 - labels)):
        bits = gaussian_mixture(centers, noise, np.random.default_rng(7), 5, y)
        same = gaussian_mixture(moved, scale * noise, np.random.default_rng(7), 5, renamed)
        assert_allclose(same, bits, rtol=1e-7, atol=1e-9)
    assert_allclose(mixture_bounds(moved, scale * noise), mixture_bounds(centers, noise), rtol=1e-8, atol=1e-10)


@given(mixtures())
def test_bounds_do_not_change_under_rotation_and_fall_with_noise(mixed):
    centers, noise, _, rng = mixed
    rotation = ortho_group.rvs(centers.shape[1], random_state=rng) if centers.shape[1] > 1 else -np.eye(1)
    bounds = mixture_bounds(centers, noise)
    assert_allclose(mixture_bounds(centers @ rotation, noise), bounds, rtol=1e-8, atol=1e-10)
    assert (np.array(mixture_bounds(centers, 2 * noise)) <= np.array(bounds) + 1e-12).all()


@given(mixtures(), st.integers(1, 100), st.sampled_from([1e-3, 1.0, 1e6]))
def test_bounds_are_their_definition_whatever_the_size_of_the_blocks(mixed, block, scale):
    centers, noise, _, _ = mixed
    centers = np.r_[scale * centers, centers[:1] * scale]
    squares = ((centers[:, None] - centers) ** 2).sum(axis=-1) / noise**2
    expected = [-np.mean(logsumexp(-squares / c, axis=1) - np.log(len(centers))) / np.log(2) for c in (8, 2)]
    with mock.patch.object(mixture, "BLOCK_OF_PAIRS", block):
        assert_allclose(mixture_bounds(centers, noise), expected, rtol=0, atol=1e-12)


def test_bounds_need_no_matrix_of_all_pairs():
    centers = np.random.default_rng(0).standard_normal((3000, 2))
    mixture_bounds(centers[:10], 1.0)  # what is imported is not counted
    tracemalloc.start()
    mixture_bounds(centers, 1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 3000**2 / 5


@pytest.mark.parametrize("labels", [None, [0, 0, 1, 1]])
def test_equal_centres_tell_nothing_and_far_ones_everything(labels):
    rng = np.random.default_rng(0)
    assert_allclose(gaussian_mixture(np.ones((4, 3)), 1.0, rng, 10, labels), 0, atol=1e-12)
    far = gaussian_mixture(100 * np.eye(4), 1.0, rng, 10, labels)
    assert_allclose(far, 2 if labels is None else 1, **EXACT)


def test_repeating_every_input_adds_nothing():
    centers = np.array([[0.0], [1.0], [3.0]])
    assert_allclose(mixture_bounds(np.r_[centers, centers], 1.0), mixture_bounds(centers, 1.0), **EXACT)


def test_the_size_of_the_blocks_does_not_move_a_number(monkeypatch):
    centers = np.random.default_rng(0).standard_normal((7, 2))
    whole = gaussian_mixture(centers, 1.0, np.random.default_rng(1), 4)
    monkeypatch.setattr(mixture, "BLOCK", 1)
    assert_allclose(gaussian_mixture(centers, 1.0, np.random.default_rng(1), 4), whole, **EXACT)


@pytest.mark.parametrize(
    ("centers", "noise", "n", "labels", "message"),
    [
        ([[np.nan]], 1.0, 1, None, "centers must be finite"),
        ([[1.0]], 0.0, 1, None, "noise must be > 0"),
        ([[1.0]], 1.0, 0, None, "n must be >= 1"),
        ([[1.0]], 1.0, 1, [0, 1], "labels must have one entry per row"),
        ([[1.0]], 1.0, 1, [-1], "labels must be integers >= 0"),
    ],
)
def test_bad_mixtures_are_refused(centers, noise, n, labels, message):
    with pytest.raises(ValueError, match=message):
        gaussian_mixture(centers, noise, np.random.default_rng(0), n, labels)


def test_centres_that_are_equal_are_not_told_apart_however_large():
    centers = np.array([[1.0, 1 / 3, 0.7]] * 2) * 1e70
    assert abs(gaussian_mixture(centers, 1.0, np.random.default_rng(0), 500)) < 1e-12


@pytest.mark.parametrize("shift", [2.0**20, 2.0**40, 2.0**50])
def test_shifts_that_floats_hold_do_not_matter(shift):
    centers = np.array([[1.0, 2.0], [2.0, 5.0], [-3.0, 0.5]])
    bits = [gaussian_mixture(places, 1.0, np.random.default_rng(0), 500) for places in (centers, centers + shift)]
    np.testing.assert_allclose(*bits, rtol=1e-12)

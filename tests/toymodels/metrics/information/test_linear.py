import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import ortho_group

from toymodels.metrics.information import gaussian, gaussian_joint

CLOSE = {"rtol": 1e-8, "atol": 1e-10}  # determinants of random matrices


@st.composite
def channels(draw):
    """Covariance (d, d), map (h, d), noise and the generator."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    d, h = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    root = rng.standard_normal((d, d + 2))
    return root @ root.T, rng.standard_normal((h, d)), draw(st.floats(0.1, 10.0)), rng


def test_one_unit_is_the_capacity_of_shannon():
    assert_allclose(gaussian([[15.0]], [[2.0]], noise=2.0), 2.0, **CLOSE)


@given(st.floats(-0.999, 0.999))
def test_two_correlated_numbers(correlation):
    bits = gaussian_joint([[4.0, 2 * correlation], [2 * correlation, 1.0]], 1)
    assert_allclose(bits, -np.log2(1 - correlation**2) / 2, atol=1e-9)


@given(channels())
def test_the_channel_has_the_determinant_of_its_definition(channel):
    covariance, w, noise, _ = channel
    determinant = np.linalg.slogdet(np.eye(len(w)) + w @ covariance @ w.T / noise**2)[1]
    assert_allclose(gaussian(covariance, w, noise), determinant / (2 * np.log(2)), **CLOSE)


@given(channels())
def test_the_channel_is_the_joint_gaussian_of_input_and_output(channel):
    covariance, w, noise, _ = channel
    cross, output = w @ covariance, w @ covariance @ w.T + noise**2 * np.eye(len(w))
    joint = np.block([[output, cross], [cross.T, covariance]])
    assert_allclose(gaussian_joint(joint, len(w)), gaussian(covariance, w, noise), rtol=1e-5, atol=1e-7)
    assert_allclose(gaussian_joint(joint[::-1, ::-1], len(covariance)), gaussian_joint(joint, len(w)), **CLOSE)


@given(channels(), st.floats(0.1, 10.0))
def test_rotations_and_common_scales_do_not_matter(channel, scale):
    covariance, w, noise, rng = channel
    turn_in = ortho_group.rvs(len(covariance), random_state=rng) if len(covariance) > 1 else np.eye(1)
    turn_out = ortho_group.rvs(len(w), random_state=rng) if len(w) > 1 else np.eye(1)
    same = gaussian(turn_in @ covariance @ turn_in.T, scale * turn_out @ w @ turn_in.T, scale * noise)
    assert_allclose(same, gaussian(covariance, w, noise), **CLOSE)


@given(channels())
def test_information_falls_with_noise_and_with_units_left_out(channel):
    covariance, w, noise, _ = channel
    bits = gaussian(covariance, w, noise)
    assert 0 <= gaussian(covariance, w, 2 * noise) < bits
    assert gaussian(covariance, w[1:] if len(w) > 1 else 0 * w, noise) <= bits + 1e-12


@given(channels())
def test_scales_of_single_entries_do_not_change_joint_information(channel):
    covariance, _, _, rng = channel
    if len(covariance) == 1:
        return
    scale = np.exp(3 * rng.standard_normal(len(covariance)))
    scaled = scale[:, None] * covariance * scale
    assert_allclose(gaussian_joint(scaled, 1), gaussian_joint(covariance, 1), rtol=1e-5, atol=1e-7)
    assert gaussian_joint(covariance, 1) > -1e-12


def test_small_and_huge_signals_keep_their_digits():
    assert_allclose(gaussian([[1.0]], [[1e-9]], noise=1.0), 0.5e-18 / np.log(2), rtol=1e-9)
    assert_allclose(gaussian([[1.0]], [[1e200]], noise=1.0), 200 * np.log2(10), rtol=1e-12)
    assert gaussian([[1.0]], [[0.0]], noise=1.0) == 0


def test_a_singular_input_is_allowed():
    assert_allclose(gaussian(np.ones((3, 3)), np.eye(3), noise=1.0), 1.0, **CLOSE)


@pytest.mark.parametrize(
    ("covariance", "w", "noise", "message"),
    [
        ([[1.0, 2.0], [0.0, 1.0]], [[1.0, 1.0]], 1.0, "covariance must be square and symmetric"),
        ([[1.0, 0.0]], [[1.0]], 1.0, "covariance must be square and symmetric"),
        ([[1.0, 2.0], [2.0, 1.0]], [[1.0, 1.0]], 1.0, "covariance must be positive semi-definite, got eigenvalue -1"),
        ([[1.0]], [[1.0, 1.0]], 1.0, "w must have 1 columns"),
        ([[1.0]], [[1.0]], 0.0, "noise must be > 0"),
        ([[1.0]], [[1.0]], [1.0], "noise must have 0 dimension"),
    ],
)
def test_bad_channels_are_refused(covariance, w, noise, message):
    with pytest.raises(ValueError, match=message):
        gaussian(covariance, w, noise)


@pytest.mark.parametrize(
    ("covariance", "n_first", "message"),
    [
        (np.ones((2, 2)), 1, "covariance must be positive definite"),
        (np.eye(2), 2, "n_first must be < 2, the length of the vector, got 2"),
        (np.eye(2), 0, "n_first must be >= 1"),
    ],
)
def test_bad_joints_are_refused(covariance, n_first, message):
    with pytest.raises(ValueError, match=message):
        gaussian_joint(covariance, n_first)


def test_one_signal_beyond_all_numbers_does_not_drown_the_others():
    assert gaussian(np.eye(2), np.diag([1e200, 1.0]), 1e-150) == pytest.approx((350 + 150) * np.log2(10), rel=1e-12)
    assert gaussian(np.eye(2), np.diag([1e200, 1e-150]), 1e-150) == pytest.approx(350 * np.log2(10) + 0.5, rel=1e-12)

"""What the layerwise models take for variances, covariances and values of each coordinate."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from toymodels.layerwise.checks import covariance, per_coordinate, variances


def test_a_number_is_repeated_and_a_vector_copied():
    assert_array_equal(per_coordinate("a", -2, 3), [-2.0, -2.0, -2.0])
    given = np.array([1.0, -2.0, 3.0])
    own = per_coordinate("a", given, 3)
    assert_array_equal(own, given)
    own[0] = 7  # writable, and nobody else's
    assert given[0] == 1
    assert_array_equal(per_coordinate("a", [4.0], 1), [4.0])


@pytest.mark.parametrize(
    ("value", "shape"), [([1.0], r"\(1,\)"), ([1.0, 2.0], r"\(2,\)"), ([[1.0, 2.0, 3.0]], r"\(1, 3\)")]
)
def test_a_vector_of_another_size_is_refused(value, shape):
    with pytest.raises(ValueError, match=rf"a must be a number or have shape \(3,\), got shape {shape}$"):
        per_coordinate("a", value, 3)


def test_variances_are_not_negative_and_no_matrix():
    assert_array_equal(variances("v", [0.0, 2.0], 2), [0.0, 2.0])
    assert_array_equal(variances("v", 0.5, 2), [0.5, 0.5])
    with pytest.raises(ValueError, match=r"v must be >= 0, got -1$"):
        variances("v", [2.0, -1.0], 2)
    with pytest.raises(ValueError, match=r"v must be a number or \(2,\): a covariance couples the coordinates"):
        variances("v", np.eye(2), 2)


def test_a_covariance_is_given_whole_or_by_its_diagonal():
    whole = [[2.0, -1.0, 0.0], [-1.0, 2.0, 0.5], [0.0, 0.5, 3.0]]
    assert_array_equal(covariance("c", whole, 3), whole)
    assert_array_equal(covariance("c", [1.0, 0.0, 2.0], 3), np.diag([1.0, 0.0, 2.0]))
    assert_array_equal(covariance("c", 0.3, 2), 0.3 * np.eye(2))
    assert_array_equal(covariance("c", np.ones((2, 2)), 2), np.ones((2, 2)))  # singular, and still one


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.eye(3), r"c must have shape \(2, 2\), got \(3, 3\)"),
        (np.ones((2, 3)), r"c must have shape \(2, 2\), got \(2, 3\)"),
        ([[1.0, 0.25], [-0.5, 1.0]], r"c must be symmetric, got a largest difference of 0\.75"),
        ([[1.0, 2.0], [2.0, 1.0]], r"c must be positive semi-definite, got an eigenvalue -1$"),
        ([1.0, -2.0], r"c must be >= 0, got -2"),
        (np.zeros((2, 2, 2)), r"c must be a number or have shape \(2,\)"),
        ([[1.0, np.nan], [0.0, 1.0]], "c must be finite"),
    ],
)
def test_what_is_no_covariance_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        covariance("c", value, 2)


@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e20])
def test_a_covariance_is_judged_beside_its_own_size(scale):
    """Rounding of a symmetric and of a singular matrix is accepted in any unit, and what is more is not."""
    rounded = scale * np.array([[2.0, 1.0 + 1e-13], [1.0, 2.0]])
    assert_array_equal(covariance("c", rounded, 2), rounded)
    singular = scale * np.array([[1.0, 1.0 + 1e-12], [1.0 + 1e-12, 1.0]])
    assert_array_equal(covariance("c", singular, 2), singular)
    with pytest.raises(ValueError, match="c must be symmetric"):
        covariance("c", scale * np.array([[2.0, 1.0 + 1e-6], [1.0, 2.0]]), 2)
    with pytest.raises(ValueError, match="c must be symmetric"):
        covariance("c", scale * np.array([[2.0, 1e-9], [0.0, 2.0]]), 2)
    with pytest.raises(ValueError, match="c must be positive semi-definite"):
        covariance("c", scale * np.array([[1.0, 1.0 + 1e-6], [1.0 + 1e-6, 1.0]]), 2)

"""What metrics take as samples and labels, and the class means and scatter that they share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT
from toymodels.metrics._samples import class_means, integer_labels, labelled, scatter_trace, vectors


@pytest.mark.parametrize(
    ("values", "rows"),
    [
        ([1.0, 2.0, 3.0], [[1], [2], [3]]),
        ([[1.0, 2.0, 3.0]], [[1, 2, 3]]),
        ([[1, 2], [3, 4], [5, 6]], [[1, 2], [3, 4], [5, 6]]),
    ],
)
def test_samples_are_rows_and_numbers_are_samples_of_one_dimension(values, rows):
    assert_array_equal(vectors("x", values), rows)


@pytest.mark.parametrize(("values", "shape"), [(1.0, r"\(\)"), (np.ones((2, 3, 4)), r"\(2, 3, 4\)")])
def test_samples_of_other_shapes_are_refused(values, shape):
    with pytest.raises(ValueError, match=rf"x must have 1 or 2 dimensions, got shape {shape}"):
        vectors("x", values)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1], "labels must have one entry per row, got 2 for 3 rows"),
        ([0, 1, 0, 1], "labels must have one entry per row, got 4 for 3 rows"),
        ([[0], [1], [0]], r"labels must have 1 dimension"),
        ([0, -1, -2], "labels must be integers >= 0, got -1"),
        ([0, 1, 1.25], "labels must be integers >= 0, got 1.25"),
        ([2.0**53, 0, 1], "labels must be < 2.53, .*, got 9.0072e.15"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        integer_labels(labels, 3)


def test_labels_are_taken_as_integers_up_to_the_last_that_has_its_own_float():
    labels = integer_labels([0.0, 2.0**53 - 1, 3.0], 3)
    assert labels.dtype.kind == "i"
    assert labels.tolist() == [0, 2**53 - 1, 3]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 0, 0, 0], "labels must hold at least 2 classes, got 1"),
        ([0, 0, 2, 2], r"labels must hold every class 0..2, got none of class 1"),
        ([1, 2, 1, 2], r"labels must hold every class 0..2, got none of class 0"),
        ([0, 1, 1, 4], r"labels must hold every class 0..4, got none of class 2"),
        ([0, 1, 3, 2**40], r"labels must hold every class 0..1099511627776, got none of class 2"),
        ([0, 1, 2, 5], r"labels must hold every class 0..5, got none of class 3"),
    ],
)
def test_a_class_without_samples_is_named(labels, message):
    with pytest.raises(ValueError, match=message):
        labelled(np.ones((4, 2)), labels)


def test_labelled_features_come_as_arrays():
    features, labels = labelled([[1, 2], [3, 4], [5, 6]], [2.0, 0.0, 1.0])
    assert_array_equal(features, [[1, 2], [3, 4], [5, 6]])
    assert labels.tolist() == [2, 0, 1]
    assert labelled([[1, 2], [3, 4], [5, 6]], [1, 0, 1])[1].tolist() == [1, 0, 1]
    with pytest.raises(ValueError, match=r"features must have 2 dimension"):
        labelled([1.0, 2.0], [0, 1])


def drawn(seed, sizes=(2, 5, 3), dim=4):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    return 2 * rng.standard_normal((len(sizes), dim))[labels] + rng.standard_normal((len(labels), dim)), labels


@given(st.integers(0, 10**6))
def test_class_means_are_those_of_a_loop(seed):
    features, labels = drawn(seed)
    expected = [features[labels == c].mean(axis=0) for c in range(3)]
    assert_allclose(class_means(features, labels), expected, **EXACT)


@given(st.integers(0, 10**6), st.sampled_from([(0.2, 0.5, 0.3), (0.6, 0.1, 0.3)]), st.sampled_from([1, 2, 4]))
def test_the_trace_is_that_of_scatter_matrices_summed_over_classes(seed, weights, dim):
    features, labels = drawn(seed, dim=dim)
    means = [features[labels == c].mean(axis=0) for c in range(3)]
    centre = sum(weight * mean for weight, mean in zip(weights, means, strict=True))
    within, between = np.zeros((dim, dim)), np.zeros((dim, dim))
    for c, weight in enumerate(weights):
        mine = features[labels == c]
        within += weight * sum(np.outer(x - means[c], x - means[c]) for x in mine) / len(mine)
        between += weight * np.outer(means[c] - centre, means[c] - centre)
    expected = np.trace(within @ np.linalg.pinv(between, rcond=1e-10))
    assert_allclose(scatter_trace(features, labels, np.array(weights)), expected, rtol=1e-5)


def test_two_classes_on_a_line_are_worked_by_hand():
    """Means 1 and 6, within variances 1 and 4, weights 1/4 and 3/4: within 13/4, between 3/16 of 25."""
    features, labels = np.array([[0.0], [2.0], [4.0], [8.0]]), np.array([0, 0, 1, 1])
    assert_allclose(scatter_trace(features, labels, np.array([0.25, 0.75])), (13 / 4) / (75 / 16), **EXACT)


@pytest.mark.parametrize("scale", [1e-180, 1e-30, 1e30, 1e180])
@pytest.mark.parametrize("offset", [0.0, 1e5])
def test_the_trace_has_no_unit_and_no_origin(scale, offset):
    features, labels = drawn(7)
    weights = np.array([0.2, 0.5, 0.3])
    moved = scale * (features + offset)
    assert_allclose(scatter_trace(moved, labels, weights), scatter_trace(features, labels, weights), rtol=1e-5)


def test_a_trace_of_three_means_on_a_line_is_that_of_the_line():
    """Scatter across the line of the means is not divided by what rounding leaves there."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 4)
    along = np.array([-1.0, 0.1, 3.0])[labels] + np.tile([-0.5, 0.5, 0.25, -0.25], 3)
    across = np.tile([2.0, -2.0, 1.0, -1.0], 3)
    turn = np.linalg.qr(rng.standard_normal((2, 2)))[0]
    weights = np.array([0.2, 0.5, 0.3])
    plane = np.stack([along, across], axis=1) @ turn + 40.0
    assert_allclose(scatter_trace(plane, labels, weights), scatter_trace(along[:, None], labels, weights), rtol=1e-9)


@pytest.mark.parametrize("offset", [0.0, 0.1, 1e8])
def test_equal_means_are_refused(offset):
    features = np.array([[-1.0, 2.0], [1.0, -2.0], [3.0, 1.0], [-3.0, -1.0]]) + offset
    with pytest.raises(ValueError, match="features must have class means that differ"):
        scatter_trace(features, np.array([0, 0, 1, 1]), np.array([0.5, 0.5]))

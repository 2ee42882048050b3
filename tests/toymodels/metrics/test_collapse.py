import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import ortho_group

from tests.tolerances import EXACT
from toymodels.metrics.collapse import fall, nc1, nc2, nc3, nc4, within_between
from toymodels.metrics.separation import fuzziness

LOOSE = {"rtol": 1e-8, "atol": 1e-10}  # means and singular values of random features


def simplex(n_classes, dim, scale=1.0):
    """Corners (K, dim) of a regular simplex about the origin, in general position."""
    corners = np.eye(n_classes, dim) - np.r_[np.full(n_classes, 1 / n_classes), np.zeros(dim - n_classes)]
    return scale * corners @ ortho_group.rvs(dim, random_state=3)


@st.composite
def clouds(draw, balanced=False):
    """Features of K Gaussian classes in general position, their labels, and the generator."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_classes, dim = draw(st.integers(2, 5)), draw(st.integers(2, 7))
    counts = np.full(n_classes, 4) if balanced else rng.integers(2, 9, n_classes)
    labels = rng.permutation(np.repeat(np.arange(n_classes), counts))
    features = 3 * rng.standard_normal((n_classes, dim))[labels] + rng.standard_normal((len(labels), dim))
    return features, labels, rng


def test_worked_example_on_a_line():
    features, labels = [[0.0], [2.0], [10.0], [12.0]], [0, 0, 1, 1]
    assert_allclose(nc1(features, labels), 1 / 25 / 2, **EXACT)
    assert_allclose(within_between(features, labels), 1 / 25, **EXACT)


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_a_collapsed_simplex_has_all_measures_at_zero(n_classes):
    corners = simplex(n_classes, 12)
    labels = np.repeat(np.arange(n_classes), np.arange(1, n_classes + 1))  # unbalanced on purpose
    features = corners[labels] + 5.0
    measures = nc1(features, labels), within_between(features, labels), *nc2(features, labels)
    assert_allclose(measures, 0, atol=1e-12)
    assert_allclose(nc3(features, labels, 7 * corners), 0, atol=1e-12)
    assert nc4(features, labels, corners, -5 * corners.sum(axis=1)) == 0


def test_nc1_does_not_see_variability_outside_of_the_class_means():
    corners = simplex(3, 3)
    labels = np.repeat(np.arange(3), 2)
    features = np.hstack([corners[labels], np.tile([[1.0], [-1.0]], (3, 1))])
    assert_allclose(nc1(features, labels), 0, atol=1e-14)
    assert_allclose(within_between(features, labels), 1 / (2 / 3), **EXACT)


@given(clouds(balanced=True))
def test_balanced_classes_give_the_matrices_of_the_paper(cloud):
    features, labels, _ = cloud
    n_classes = labels.max() + 1
    means = np.array([features[labels == c].mean(axis=0) for c in range(n_classes)])
    deviation, centred = features - means[labels], means - features.mean(axis=0)
    within, between = deviation.T @ deviation / len(labels), centred.T @ centred / n_classes
    pseudo_inverse = np.linalg.pinv(between, rcond=1e-10, hermitian=True)
    assert_allclose(nc1(features, labels), np.trace(within @ pseudo_inverse) / n_classes, rtol=1e-5)
    assert_allclose(within_between(features, labels), np.trace(within) / np.trace(between), **LOOSE)


@given(clouds())
def test_measures_do_not_change_under_rotation_shift_scale_or_order(cloud):
    features, labels, rng = cloud
    dim = features.shape[1]
    weight = rng.standard_normal((labels.max() + 1, dim))
    rotation = ortho_group.rvs(dim, random_state=rng) if dim > 1 else np.eye(1)
    order = rng.permutation(len(labels))
    moved = (2.5 * features @ rotation + rng.standard_normal(dim))[order]
    for measure in (nc1, within_between, nc2):
        assert_allclose(measure(moved, labels[order]), measure(features, labels), **LOOSE)
    assert_allclose(nc3(moved, labels[order], weight @ rotation), nc3(features, labels, weight), **LOOSE)


@given(clouds())
def test_repeating_the_samples_of_one_class_changes_nothing(cloud):
    features, labels, _ = cloud
    first = labels == 0
    more, more_labels = np.vstack([features, features[first]]), np.r_[labels, labels[first]]
    for measure in (nc1, within_between, nc2):
        assert_allclose(measure(more, more_labels), measure(features, labels), **LOOSE)


@given(clouds())
def test_renaming_the_classes_changes_nothing(cloud):
    features, labels, rng = cloud
    n_classes = labels.max() + 1
    names = rng.permutation(n_classes)
    weight, bias = rng.standard_normal((n_classes, features.shape[1])), rng.standard_normal(n_classes)
    back = np.argsort(names)
    for measure in (nc1, within_between, nc2):
        assert_allclose(measure(features, names[labels]), measure(features, labels), **LOOSE)
    assert_allclose(nc3(features, names[labels], weight[back]), nc3(features, labels, weight), **LOOSE)
    assert nc4(features, names[labels], weight[back], bias[back]) == nc4(features, labels, weight, bias)


@given(clouds(), st.floats(0.0, 10.0))
def test_variability_grows_with_the_square_of_the_spread_within_classes(cloud, factor):
    features, labels, _ = cloud
    means = np.array([features[labels == c].mean(axis=0) for c in range(labels.max() + 1)])[labels]
    spread = means + factor * (features - means)
    for measure in (nc1, within_between):
        assert_allclose(measure(spread, labels), factor**2 * measure(features, labels), rtol=1e-6, atol=1e-10)


@given(clouds())
def test_measures_stay_within_their_bounds(cloud):
    features, labels, rng = cloud
    n_classes = labels.max() + 1
    weight = rng.standard_normal((n_classes, features.shape[1]))
    equinorm, equiangular = nc2(features, labels)
    assert nc1(features, labels) >= 0
    assert within_between(features, labels) >= 0
    assert 0 <= equinorm <= np.sqrt(n_classes - 1)
    assert 0 <= equiangular <= n_classes / (n_classes - 1) + 1e-12
    assert 0 <= nc3(features, labels, weight) <= 2
    assert 0 <= nc4(features, labels, weight) <= 1


@given(clouds())
def test_the_classifier_made_of_the_class_means_is_the_nearest_mean_rule(cloud):
    features, labels, _ = cloud
    means = np.array([features[labels == c].mean(axis=0) for c in range(labels.max() + 1)])
    assert nc4(features, labels, means, -(means**2).sum(axis=1) / 2) == 0
    assert_allclose(nc3(features, labels, means), 0, atol=1e-7)
    assert_allclose(nc3(features, labels, -means), 2, **LOOSE)


def test_an_orthogonal_frame_becomes_a_simplex_once_centred():
    labels = np.repeat(np.arange(10), 3)
    frame = np.eye(10, 16)
    assert_allclose(nc2(frame[labels], labels), 0, atol=1e-12)
    assert_allclose(nc3(frame[labels], labels, frame), 0, atol=1e-12)
    raw = np.linalg.norm(frame / np.linalg.norm(frame) - (frame - 0.1 * frame.sum(0)) / 3) ** 2
    assert_allclose(raw, 2 - 2 * np.sqrt(9 / 10), **EXACT)  # what the uncentred weight would give


def test_means_far_from_the_origin_leave_no_rounding_errors_in_the_pseudo_inverse():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 50)
    features = rng.standard_normal((4, 20))[labels] + 0.1 * rng.standard_normal((200, 20))
    assert_allclose(nc1(features + 1e6, labels), nc1(features, labels), rtol=1e-6)


def test_a_classifier_with_a_wrong_bias_disagrees_with_the_means():
    assert nc4([[-2.0], [2.0]], [0, 1], [[-0.5], [0.5]], bias=[100.0, 0.0]) == 0.5


@pytest.mark.parametrize(
    ("features", "labels", "message"),
    [
        ([[1.0], [2.0]], [0, 0], "labels must hold at least 2 classes, got 1"),
        ([[1.0], [2.0]], [0, 2], "labels must hold every class 0..2, got none of class 1"),
        ([[1.0], [2.0]], [0, 1, 1], "labels must have one entry per row, got 3 for 2 rows"),
        ([[1.0], [2.0]], [0, 0.5], "labels must be integers >= 0, got 0.5"),
        ([[1.0], [2.0]], [0, -1], "labels must be integers >= 0, got -1"),
        ([[1.0], [np.nan]], [0, 1], "features must be finite"),
        ([1.0, 2.0], [0, 1], r"features must have 2 dimension\(s\)"),
        ([[0.1], [0.1]], [0, 1], "features must have class means that differ"),
        ([[0.0], [0.0], [0.0]], [0, 1, 1], "features must have class means that differ"),
    ],
)
@pytest.mark.parametrize("measure", [nc1, within_between, nc2])
def test_bad_samples_are_refused(measure, features, labels, message):
    with pytest.raises(ValueError, match=message):
        measure(features, labels)


def test_a_class_mean_at_the_centre_has_no_angle():
    with pytest.raises(ValueError, match="features must have class means off their centre, got class 1 at it"):
        nc2([[-1.0], [0.0], [1.0]], [0, 1, 2])


@pytest.mark.parametrize(
    ("weight", "bias", "message"),
    [
        ([[1.0, 0.0]], None, r"weight must have shape \(classes, features\) = \(2, 1\), got \(1, 2\)"),
        ([[1.0], [2.0]], [0.0], "bias must have one entry per class"),
    ],
)
def test_a_classifier_of_the_wrong_shape_is_refused(weight, bias, message):
    with pytest.raises(ValueError, match=message):
        nc4([[0.0], [1.0]], [0, 1], weight, bias)


def test_a_classifier_with_equal_rows_is_refused():
    with pytest.raises(ValueError, match="weight must have rows that differ"):
        nc3([[0.0], [1.0]], [0, 1], [[0.3], [0.3]])


@given(st.floats(-6, 6), st.floats(1e-3, 1e3))
def test_a_fall_is_in_decades_whatever_the_unit(decades, unit):
    values = unit * np.array([5.0, 1.0, 10.0**-decades])
    assert_allclose(fall(values, 1), decades, atol=1e-9)


def test_a_fall_ends_at_the_floor():
    assert fall([1.0, 1e-20], 0, floor=1e-3) == pytest.approx(3)
    with pytest.raises(ValueError, match="values must be > 0, got 0"):
        fall([1.0, 0.0], 0)
    with pytest.raises(ValueError, match="start must be a record"):
        fall([1.0, 0.5], 2)


@pytest.mark.parametrize("measure", [nc1, within_between, nc2, fuzziness])
@pytest.mark.parametrize("offset", [1e9, 1e13, 1e17])
def test_classes_far_from_the_origin_are_told_apart(measure, offset):
    """In a column beside an offset that all share, or under one that floats hold exactly."""
    labels, values = [0, 0, 1, 1, 2, 2], np.array([0.0, 2.0, 10.0, 12.0, 30.0, 34.0])
    far, near = np.column_stack([np.full(6, offset), values]), np.column_stack([np.zeros(6), values])
    np.testing.assert_allclose(measure(far, labels), measure(near, labels), rtol=1e-12)
    shift = 2.0**50
    np.testing.assert_allclose(measure(near + shift, labels), measure(near, labels), rtol=1e-12)


def test_classes_near_the_largest_number_are_told_apart():
    features, labels = np.array([[0.0], [0.1], [1.0], [1.2]]), [0, 0, 1, 1]
    assert nc1(features * 2.0**1023 - 2.0**1022, labels) == pytest.approx(nc1(features, labels))

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from tests.tolerances import EXACT
from toymodels.metrics.elasticity import contrast, learned_contrast, relative_change


@st.composite
def updates(draw):
    """Logits before and after, a base whose logits changed, and labels with company for the base and another class."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, n_classes = draw(st.integers(3, 20)), draw(st.integers(1, 5))
    before, after = rng.standard_normal((2, n, n_classes))
    labels = np.r_[[0, 0, 1], rng.integers(0, 3, n - 3)]
    return before, after, draw(st.integers(0, 1)), labels, rng


def test_worked_example():
    before = np.zeros((3, 2))
    after = [[3.0, 4.0], [0.0, 1.0], [0.0, 0.0]]
    assert_allclose(relative_change(before, after, 0), [1, 0.2, 0], **EXACT)
    assert_allclose(relative_change(before, after, 1), [5, 1, 0], **EXACT)


def test_the_base_is_left_out_of_its_own_class():
    after = [[1.0], [0.5], [0.3], [0.04]]
    assert_allclose(contrast(np.zeros((4, 1)), after, 0, [1, 1, 1, 0]), 1.0, **EXACT)


def test_a_linear_model_with_equal_overlaps_has_no_contrast():
    x = np.ones((4, 3)) + np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 0]])  # inner product 5 of row 0 with any
    weight = np.zeros((2, 3))
    after = x @ (weight + 0.1 * np.outer([1, -1], x[0])).T
    assert_allclose(contrast(x @ weight.T, after, 0, [0, 0, 1, 1]), 0, atol=1e-12)


@given(updates())
def test_the_base_changes_by_one_and_nothing_by_less_than_zero(update):
    before, after, base, _, _ = update
    change = relative_change(before, after, base)
    assert change[base] == 1
    assert (change >= 0).all()


@given(updates(), st.floats(1e-3, 1e3))
def test_size_of_the_step_rotation_and_offset_of_the_logits_do_not_matter(update, size):
    before, after, base, labels, rng = update
    rotation = np.linalg.qr(rng.standard_normal((before.shape[1],) * 2))[0]
    offset = rng.standard_normal(before.shape)
    moved = offset, offset + size * (after - before) @ rotation
    assert_allclose(relative_change(*moved, base), relative_change(before, after, base), rtol=1e-8, atol=1e-10)
    assert_allclose(contrast(*moved, base, labels), contrast(before, after, base, labels), atol=1e-8)


@given(updates(), st.floats(-2.0, 2.0))
def test_weakening_the_other_classes_by_some_decades_adds_them_to_the_contrast(update, decades):
    before, after, base, labels, _ = update
    factor = np.where(labels == labels[base], 1.0, 10.0**-decades)[:, None]
    weaker = before + factor * (after - before)
    assert_allclose(contrast(before, weaker, base, labels), contrast(before, after, base, labels) + decades, atol=1e-9)


@given(updates())
def test_the_order_of_the_other_samples_does_not_matter(update):
    before, after, base, labels, rng = update
    order = rng.permutation(len(labels))
    base_after = int(np.flatnonzero(order == base)[0])
    same = contrast(before[order], after[order], base_after, labels[order])
    assert_allclose(same, contrast(before, after, base, labels), atol=1e-9)


def test_an_unmoved_group_gives_an_infinite_contrast():
    before = np.zeros((3, 1))
    assert contrast(before, [[1.0], [1.0], [0.0]], 0, [0, 0, 1]) == np.inf
    assert contrast(before, [[1.0], [0.0], [1.0]], 0, [0, 0, 1]) == -np.inf


@pytest.mark.parametrize(
    ("after", "base", "message"),
    [
        ([[1.0]], 0, r"after must have the shape of before, got \(1, 1\) and \(2, 1\)"),
        ([[0.0], [1.0]], 0, "after must differ from before at the base, got equal logits in row 0"),
        ([[0.0], [1.0]], 2, "base must be a row of the logits, got 2 for 2 rows"),
        ([[0.0], [1.0]], -1, "base must be >= 0"),
        ([[0.0], [np.inf]], 0, "after must be finite"),
    ],
)
def test_bad_updates_are_refused(after, base, message):
    with pytest.raises(ValueError, match=message):
        relative_change([[0.0], [0.0]], after, base)


@pytest.mark.parametrize(
    ("after", "labels", "message"),
    [
        ([[1.0], [1.0]], [0, 1], "labels must hold another sample of the base's class, got none for base 0"),
        ([[1.0], [1.0]], [0, 0], "labels must hold another sample of another class, got none for base 0"),
        ([[1.0], [1.0]], [0], "labels must have one entry per row"),
        ([[1.0], [0.0], [0.0]], [0, 0, 1], "after must differ from before in a sample other than the base"),
    ],
)
def test_a_contrast_without_two_moving_groups_is_refused(after, labels, message):
    with pytest.raises(ValueError, match=message):
        contrast(np.zeros((len(after), 1)), after, 0, labels)


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3))
def test_what_training_adds_does_not_depend_on_what_was_there(start, at_fit, at_end):
    contrast = start + np.array([0.0, at_fit, at_end])
    assert_allclose(learned_contrast(contrast, start, 1), (at_fit, at_end), atol=1e-12)
    assert_allclose(learned_contrast(contrast, np.full(3, start), 1), (at_fit, at_end), atol=1e-12)


def test_a_kernel_that_never_moves_has_learned_nothing():
    assert learned_contrast(np.full(20, 1.3), 1.3, 5) == (0.0, 0.0)


def test_the_fit_may_be_the_first_record():
    assert learned_contrast([1.0, 2.0, 4.0], 0.5, 0) == (0.5, 3.5)
    with pytest.raises(ValueError, match="fit must be >= 0, got -1"):
        learned_contrast([1.0, 2.0, 4.0], 0.5, -1)


def test_bad_records_and_shapes_are_named():
    with pytest.raises(ValueError, match="fit must be a record, got 3 for 3 records"):
        learned_contrast([0.0, 1.0, 1.0], 0.0, 3)
    with pytest.raises(ValueError, match="start_contrast must have the shape of contrast"):
        learned_contrast([0.0, 1.0, 1.0], [0.0, 0.0], 1)


def test_a_tiny_change_of_the_base_is_a_change():
    relative = relative_change([[0.0, 0.0]] * 3, [[3e-200, 4e-200], [1.0, 0.0], [0.0, 0.0]], 0)
    np.testing.assert_allclose(relative, [1.0, 2e199, 0.0], rtol=1e-12)
    with pytest.raises(ValueError, match=r"after must not move others 1e308 times as far as the base, got .* in row 0"):
        relative_change([[0.0], [0.0]], [[1e-300], [1e70]], 0)


def test_contrasts_that_no_logs_have_are_refused():
    with pytest.raises(ValueError, match="contrast must be at most 1e\\+75 in size"):
        learned_contrast([1e308] * 8, -1e308, 0)

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.neurashed.local_elasticity import by_digit, decades, excess, falls_of_inputs, smaller_step


@given(st.integers(2, 6))
def test_groups_are_the_changes_at_other_images_from_the_bases(n):
    change = np.arange(9.0 * n * n).reshape(3 * n, 3 * n)
    groups = by_digit(change, n)
    assert groups.shape == (3, n * (n - 1))
    diagonal = np.diag(change)[:n]
    assert not set(diagonal) & set(groups[0])
    assert set(groups[2]) <= set(change[:n, 2 * n :].ravel())


def test_inputs_fall_by_their_inner_products_with_the_base_left_out():
    x = np.array([[1.0, 0.0], [3.0, 1.0], [1.0, 2.0], [0.0, 1.0]])  # two of a class
    own_first = (3 / 1 + 3 / 10) / 2
    to_second = (1 / 1 + 0 / 1 + 5 / 10 + 1 / 10) / 4
    own_second = (2 / 5 + 2 / 1) / 2
    to_first = (1 / 5 + 5 / 5 + 0 / 1 + 1 / 1) / 4
    expected = np.log10([[own_first / to_second], [own_second / to_first]])
    assert_allclose(falls_of_inputs(x, np.array([0, 0, 1, 1])), expected)


def test_decades_between_means():
    means = np.array([[100.0, 10.0, 1.0]])
    assert_allclose(decades(means, 0, 1), [1.0])
    assert_allclose(decades(means, 0, 2), [2.0])


def test_steps_and_excess_are_measured_in_decades():
    data = {"mean_trained": np.array([[100.0, 10.0, 0.1]]), "mean_inputs": np.array([10.0, 5.0, 1.0])}
    assert_allclose(smaller_step("trained")(data), [1.0])
    assert_allclose(excess("trained")(data), [3.0 - 1.0])

import numpy as np
from numpy.testing import assert_allclose

from figures.neurashed.pathways import own_over_others, smallest_margin


def test_every_base_is_held_against_its_own_class():
    matrix = np.full((1, 4, 4), 0.5)
    matrix[0, range(4), range(4)] = 1.0
    matrix[0, 0, 1] = matrix[0, 1, 0] = 3.0  # within class 1
    assert_allclose(own_over_others({"additive_elasticity": matrix}), [0.5])
    matrix[0, 2, 1] = 0.8
    assert_allclose(own_over_others({"additive_elasticity": matrix}), [0.2])
    matrix[0, 0, 1] = 0.4  # the other type of the base's class
    assert_allclose(own_over_others({"additive_elasticity": matrix}), [-0.1])


def test_the_margin_is_positive_only_in_the_right_order_with_an_exact_zero():
    rows = [[1.0, 0.9, 0.2, 0.0], [1.0, 0.9, 0.2, 0.1], [1.0, 0.9, 0.6, 0.0], [1.0, 0.4, 0.2, 0.0]]
    margins = smallest_margin({"additive_elasticity": np.array(rows)[:, None, :]})
    assert_allclose(margins, [0.2, -0.1, -0.1, -0.1])

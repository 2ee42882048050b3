import numpy as np
from numpy.testing import assert_allclose

from figures.neurashed.pathways import onto_others, smallest_margin


def test_only_types_of_other_classes_count_as_others():
    matrix = np.full((1, 4, 4), 0.5)
    matrix[0, 0, 1] = matrix[0, 1, 0] = 3.0  # within class 1
    assert_allclose(onto_others({"additive_elasticity": matrix}), [0.5])
    matrix[0, 2, 1] = 2.0
    assert_allclose(onto_others({"additive_elasticity": matrix}), [2.0])


def test_the_margin_is_positive_only_in_the_right_order_with_an_exact_zero():
    rows = [[1.0, 0.9, 0.2, 0.0], [1.0, 0.9, 0.2, 0.1], [1.0, 0.9, 0.6, 0.0], [1.0, 0.4, 0.2, 0.0]]
    margins = smallest_margin({"additive_elasticity": np.array(rows)[:, None, :]})
    assert_allclose(margins, [0.2, -0.1, -0.1, -0.1])

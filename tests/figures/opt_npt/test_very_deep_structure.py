"""The structure of very deep networks."""

import numpy as np
import pytest

from figures.opt_npt.very_deep_structure import sorted_layers


def test_runs_of_all_panels_stand_one_after_the_other():
    data = {"c_gradient": np.array([[1.0, 2, 3], [3, 2, 1]]), "d_gradient": np.array([[1.0, 3, 2]])}
    assert sorted_layers(data, "cd") == pytest.approx([1, -1, 0.5])
    assert sorted_layers(data, ["c"]) == pytest.approx([1, -1])

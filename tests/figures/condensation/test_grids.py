import numpy as np

from figures.condensation.grids import arrays_of
from toymodels.run.sweep import sweep


def twice(rng, n):
    return {"value": 2 * n, "curve": np.arange(3) + n}


def test_arrays_have_the_axes_of_the_grid_first_then_replicates():
    arrays = arrays_of(sweep(twice, {"n": [1, 5]}, replicates=4))
    assert arrays["value"].tolist() == [[2] * 4, [10] * 4]
    assert arrays["curve"].shape == (2, 4, 3)

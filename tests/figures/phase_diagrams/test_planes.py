import numpy as np
from numpy.testing import assert_allclose

from figures.phase_diagrams.planes import cell_edges


def test_cells_have_borders_half_way_in_the_log():
    assert_allclose(cell_edges(np.array([1.0, 4.0, 16.0])), [0.5, 2, 8, 32])
    assert_allclose(cell_edges(np.array([1.0])), [np.sqrt(0.5), np.sqrt(2)])

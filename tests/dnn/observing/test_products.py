"""Products of matrices, entry by entry."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnn.observing.products import product


@given(*(st.integers(1, 4),) * 3, st.sampled_from([np.float32, np.float64, np.int64]), st.integers(0, 100))
def test_every_entry_is_a_row_times_a_column(n, m, k, dtype, seed):
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(-9, 10, shape).astype(dtype) for shape in ((n, m), (m, k)))
    found = product(first, torch.from_numpy(second))
    expected = [[sum(first[i, j] * second[j, l] for j in range(m)) for l in range(k)] for i in range(n)]
    assert np.array_equal(found, expected)
    assert (type(found), found.dtype) == (np.ndarray, dtype)


def test_arrays_that_torch_cannot_share_are_read_all_the_same():
    array = np.arange(6.0).reshape(2, 3)
    frozen = np.broadcast_to(array[0], (4, 3))
    for other in (
        array[::-1],
        array[:, ::-1],
        array.T[::-1].T,
        frozen,
        array.astype(">f8"),
        array[:, ::2],
    ):
        assert np.array_equal(product(other, other.T), other @ other.T)


def test_what_does_not_fit_is_no_product():
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        product(np.ones((2, 3)), np.ones((2, 3)))

import numpy as np
import pytest
import torch

from toymodels.layerwise.held import held, held_number, plain


@pytest.mark.parametrize("value", [[1.0, 2.0], (1, 2), np.array([1.0, 2.0]), torch.tensor([1.0, 2.0])], ids=str)
def test_arrays_are_copied_closed_and_float(value):
    array = held("x", value, ndim=1)
    assert array.dtype == float
    assert array.tolist() == [1, 2]
    assert not np.shares_memory(array, np.asarray(value))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 7


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ma.masked_equal([1.0, 2.0, 2.0], 2), "x must not be masked, got 2 masked entries"),
        ([np.ma.masked_equal([1.0], 1)], "x must not be masked"),
        (torch.ones(2, requires_grad=True), r"x must not require a gradient, which would be lost: pass x\.detach\(\)"),
        ([torch.ones((), requires_grad=True), 1.0], "x must not require a gradient"),
        ([np.nan], "x must be finite"),
        ([[1.0]], r"x must have 1 dimension\(s\)"),
    ],
)
def test_what_would_be_lost_is_refused(value, message):
    with pytest.raises(ValueError, match=message):
        held("x", value, ndim=1)


def test_a_mask_of_nothing_is_none():
    assert type(held("x", np.ma.masked_array([1.0, 2.0]), ndim=1)) is np.ndarray


def test_numbers_and_infinite_times():
    assert held_number("x", np.float32(2)) == 2
    with pytest.raises(ValueError, match=r"x must have 0 dimension\(s\)"):
        held_number("x", [1.0])
    assert plain("t", [0.0, np.inf]) == [0.0, np.inf]

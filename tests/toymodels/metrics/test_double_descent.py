import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.metrics.double_descent import fit_boundary, highest_peak, mean_log_error

CURVES = st.lists(st.integers(-20, 20), min_size=1, max_size=12)


@given(CURVES)
def test_the_height_is_that_of_all_pairs_of_valleys(values):
    n = len(values)
    triples = [(i, j, k) for j in range(n) for i in range(j) for k in range(j + 1, n)]
    slow = max([0, *(min(values[j] - values[i], values[j] - values[k]) for i, j, k in triples)])
    peak = highest_peak(values)
    assert peak.height == slow
    if slow:
        assert peak.left < peak.place < peak.right
        assert slow == values[peak.place] - max(values[peak.left], values[peak.right])
    assert highest_peak(values[::-1]).height == slow
    assert highest_peak(np.array(values) + 7.0).height == slow


@given(CURVES)
def test_monotone_and_u_shaped_errors_have_none(values):
    rising = np.sort(values).astype(float)
    for curve in (rising, rising[::-1], np.r_[rising[::-1], rising]):
        assert highest_peak(curve).height == 0


def test_logs_are_averaged_not_errors():
    mean, error = mean_log_error([[1.0, 1.0, 1.0, 1e4]])
    assert_allclose(mean, [1.0])
    assert_allclose(error, [1.0])  # standard deviation 2 of four


@pytest.mark.parametrize(
    ("train", "boundary"),
    [([1, 0.04, 0.2, 0], 0), ([0, 0, 1], 1), ([1, 1], None), ([0, 0], None), ([1.0, 0.05, 0.049], 1)],
)
def test_where_a_model_begins_or_ceases_to_fit(train, boundary):
    assert fit_boundary(train) == boundary


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: highest_peak([[1.0]]), "values must have 1 dimension"),
        (lambda: mean_log_error([[1.0], [2.0]]), "2 sets or more"),
        (lambda: mean_log_error([[1.0, 0.0]]), "errors must be > 0"),
        (lambda: fit_boundary([-1.0, 1.0]), "train must be >= 0"),
        (lambda: fit_boundary([1.0], share=1.0), r"share must be in \(0, 1\)"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("values", [[1.0], [1.0, 2.0], [3.0, 2.0, 1.0], [2.0, 1.0, 1.0, 3.0], [1.0, 2.0, 2.0]])
def test_where_there_is_no_peak_there_is_no_place_either(values):
    assert highest_peak(values) == (0.0, 0, 0, 0)


def test_two_data_sets_have_a_mean_and_its_error():
    mean, error = mean_log_error([[10.0, 1000.0], [1.0, 1.0]])
    assert_allclose(mean, [2, 0])
    assert_allclose(error, [1, 0])  # deviations of 1 each: standard deviation sqrt(2), over sqrt(2)
    with pytest.raises(ValueError, match="2 sets or more"):
        mean_log_error([1.0, 2.0])


def test_data_at_the_share_itself_are_not_fitted():
    assert fit_boundary([4.0, 1.0, 0.5], share=0.25) == 1


def test_peaks_near_the_largest_number_are_measured():
    assert highest_peak([0.0, 1.5e308, 1e308]).height == 5e307
    with pytest.raises(ValueError, match="values must not be so large that differences overflow"):
        highest_peak([-1e308, 1e308, -1e308])

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.metrics.edge_of_stability import LEAST_EXCESS, edge_ratio, excess_removed, late_median

ends = st.floats(1e-3, 1e3)
rates = st.floats(1e-3, 10)


@pytest.mark.parametrize(
    ("sharpness", "flow", "lr", "score"),
    [
        (4.0, 4.0, 1.0, 0.0),  # as sharp as the flow, twice the edge
        (2.0, 4.0, 1.0, 1.0),  # at the edge of 2 / lr = 2
        (1.0, 4.0, 1.0, 2.0),  # as far below the edge as the flow is above it
        (8.0, 4.0, 1.0, -1.0),
        (np.sqrt(8.0), 4.0, 1.0, 0.5),
        (0.5, 0.6, 1.0, 1.0),  # below the edge a factor of 1.2 counts as the excess
        (0.5, 0.6, 2.0, 1.0),
    ],
)
def test_hand_worked_cases(sharpness, flow, lr, score):
    assert_allclose(excess_removed(sharpness, flow, lr), score, atol=1e-12)


@given(ends, ends, rates, st.floats(0.01, 100))
def test_the_unit_of_the_loss_drops_out(sharpness, flow, lr, c):
    usual = excess_removed(sharpness, flow, lr)
    assert_allclose(excess_removed(c * sharpness, c * flow, lr / c), usual, rtol=1e-9, atol=1e-9)
    assert_allclose(edge_ratio(c * sharpness, lr / c), edge_ratio(sharpness, lr), rtol=1e-12)


@given(ends, rates, st.floats(1.21, 1e3))
def test_descent_at_the_edge_scores_one_wherever_the_flow_is_above(lr, share, above):
    edge = 2 / lr
    assert_allclose(excess_removed(edge, above * edge, lr), 1, rtol=1e-9)
    assert_allclose(excess_removed(above * edge, above * edge, lr), 0, atol=1e-12)
    between = edge * above ** min(share, 1.0)
    assert -1e-9 <= excess_removed(between, above * edge, lr) <= 1 + 1e-9


@given(ends, ends, st.floats(1e-3, 10))
def test_the_sign_says_which_is_flatter_and_small_excess_is_not_blown_up(sharpness, flow, lr):
    score = excess_removed(sharpness, flow, lr)
    assert np.sign(score) == np.sign(np.log(flow / sharpness))
    assert abs(score) <= abs(np.log(flow / sharpness)) / np.log(LEAST_EXCESS) + 1e-12


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=40))
def test_the_late_median_is_that_of_the_last_records(values):
    count = max(1, round(0.2 * len(values)))
    assert late_median(values) == np.median(values[-count:])
    assert late_median(values, share=1.0) == np.median(values)
    assert min(values) <= late_median(values, skipped=0.4) <= max(values)


def test_what_is_skipped_lies_behind():
    values = np.arange(20.0)
    assert (late_median(values), late_median(values, skipped=0.2)) == (17.5, 13.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: excess_removed(0.0, 1.0, 1.0), "sharpness must be > 0, got 0"),
        (lambda: excess_removed(1.0, -1.0, 1.0), "flow_sharpness must be > 0, got -1"),
        (lambda: excess_removed([1.0], 1.0, 1.0), "sharpness must have 0 dimension"),
        (lambda: excess_removed(1.0, 1.0, 0.0), "lr must be > 0, got 0"),
        (lambda: edge_ratio([1.0, np.nan], 1.0), "sharpness must be finite"),
        (lambda: edge_ratio([1.0], [1.0]), "lr must have 0 dimension"),
        (lambda: late_median([]), "values must not be empty"),
        (lambda: late_median([[1.0]]), "values must have 1 dimension"),
        (lambda: late_median([1.0], share=1.5), r"share must be in \[0, 1\], got 1.5"),
        (lambda: late_median([1.0, 2.0], skipped=1.0), "skipped must leave a record, got 1 of 2"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_ratios_beyond_all_products_are_those_of_logs():
    assert excess_removed(1e-200, 1e200, 1.0) == pytest.approx(400 / (200 - np.log10(2)), rel=1e-12)
    assert excess_removed(1e-320, 1e-319, 1e-300) == pytest.approx(np.log(1e-319 / 1e-320) / np.log(1.2), rel=1e-12)
    assert edge_ratio([1e308], 1.9).tolist() == pytest.approx([9.5e307])
    assert late_median([1e308, 1e308]) == 1e308
    with pytest.raises(
        ValueError, match="sharpness must not be so large that its ratio overflows, got 1e\\+308 in size"
    ):
        edge_ratio([1e308], 10.0)

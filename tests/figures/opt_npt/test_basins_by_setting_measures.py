"""Measures of basins on arrays whose trends, drops and ratios are worked out by hand or by loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose

from figures.opt_npt.basins_by_setting_measures import (
    both_spaces,
    distance_of_peaks,
    drops_sharply,
    fall_with_basin,
    late_change,
    sample_left,
    sensitivity,
    trend,
    tuned_fitted,
    tuned_trend,
)
from figures.opt_npt.trends import UNTOLD

WIDTHS = np.array([64, 128, 256])  # of which the last two are the paper's
RADII = arrays(float, (3, 3, 2), elements=st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5]))


def tau(values):
    """Kendall's tau with the index, pair by pair."""
    pairs = [(i, j) for j in range(len(values)) for i in range(j)]
    return sum(np.sign(values[j] - values[i]) for i, j in pairs) / len(pairs)


@given(RADII, st.integers(0, 17))
def test_trends_are_of_the_papers_widths_and_untold_where_one_network_of_a_row_has_not_fitted(radius, unfit):
    train = np.ones(radius.shape)
    train.flat[unfit] = 0.949
    data = {"widths": WIDTHS, "size_sample_radius": radius, "size_train_accuracy": train}
    kept, told = radius[:, 1:], train[:, 1:] >= 0.95
    along_depth = [
        tau(kept[:, w, r]) if told[:, w, r].all() else UNTOLD for w in range(2) for r in range(radius.shape[2])
    ]
    along_width = [tau(kept[d, :, r]) if told[d, :, r].all() else UNTOLD for d in range(3) for r in range(2)]
    assert_allclose(trend(data, "size", "sample", 0), along_depth)
    assert_allclose(trend(data, "size", "sample", 1), along_width)


def tuned(sweep, **arrays):
    """Arrays (values, runs) of a sweep, of networks that have all fitted."""
    found = {f"{sweep}_{name}": np.array(values, dtype=float) for name, values in arrays.items()}
    shape = next(iter(found.values())).shape
    return {f"{sweep}_train_accuracy": np.ones(shape)} | found


def test_a_run_is_told_from_a_training_accuracy_of_95_percent_on_at_every_value():
    data = tuned("rate", train_accuracy=[[0.95, 1, 0.9], [1, 0.9499, 1]], sample_radius=np.ones((2, 3)))
    assert tuned_fitted(data, "rate").tolist() == [True, False, False]
    radius = {
        "rate_sample_radius": np.array([[1, 1, 1], [2, 2, 2]]),
        "rate_weight_radius": np.array([[2, 2, 2], [1, 1, 1]]),
    }
    assert tuned_trend(data | radius, "rate", "sample").tolist() == [1, UNTOLD, UNTOLD]
    assert both_spaces(data | radius, "rate").tolist() == [1, UNTOLD, UNTOLD, -1, UNTOLD, UNTOLD]


@pytest.mark.parametrize(
    ("best", "widest", "expected"),
    [(0, 0, UNTOLD), (3, 3, UNTOLD), (1, 1, 0), (2, 2, 0), (0, 3, 3), (3, 0, 3), (0, 1, 1), (3, 1, 2)],
)
def test_peaks_are_apart_by_steps_and_untold_at_a_common_end(best, widest, expected):
    data = tuned("rate", accuracy=np.eye(4)[best][:, None], sample_radius=np.eye(4)[widest][:, None])
    assert distance_of_peaks(data).tolist() == [expected]
    assert distance_of_peaks(data | {"rate_train_accuracy": 0.9 * np.ones((4, 1))}).tolist() == [UNTOLD]


def test_a_basin_drops_sharply_where_one_step_leaves_half_of_it_or_less():
    radius = np.array([[1.0, 1.0, 1.0, 0.0, 5.0], [0.5, 0.6, 0.8, 0.3, np.inf], [0.6, 0.36, 0.4, 0.3, 6.0]])
    assert drops_sharply({"batch_weight_radius": radius}).tolist() == [True, False, True, False, False]
    assert drops_sharply({"batch_weight_radius": np.array([[0.02], [0.0]])}).tolist() == [True]  # 0 is .01
    assert drops_sharply({"batch_weight_radius": np.array([[np.inf], [5.0]])}).tolist() == [True]  # without end is 10


def test_points_lost_at_the_drop_are_held_against_the_most_lost_elsewhere():
    radius = np.array([[4.0, 4, 4], [3, 1, 3], [1, 1, 2.9], [0.9, 0.9, 2.8]])
    accuracy = np.array([[0.95, 0.9, 1], [0.94, 0.8, 0.9], [0.9, 0.83, 0.8], [0.87, 0.76, 0.7]])
    data = tuned("batch", weight_radius=radius, accuracy=accuracy)
    assert_allclose(fall_with_basin(data), [4 - 3, 10 - 7, UNTOLD])


def test_two_drops_as_sharp_count_with_the_one_at_which_more_is_lost():
    radius = np.array([[4.0], [1.0], [4.0], [1.0]])  # twice by a factor of four
    for lost, expected in (([10, 5, 1], 5), ([1, 5, 10], 5), ([1, 2, 1], -1)):
        accuracy = 1 - np.cumsum([0, *lost])[:, None] / 100
        assert_allclose(fall_with_basin(tuned("batch", weight_radius=radius, accuracy=accuracy)), [expected])


def test_what_is_left_of_the_sample_basin_is_a_share_of_the_widest():
    data = tuned(
        "batch", weight_radius=[[2, 2], [1, 1.9], [1, 1.8]], sample_radius=[[0.4, 0.4], [0.8, 0.8], [0.2, 0.2]]
    )
    assert_allclose(sample_left(data), [0.25, UNTOLD])


def sensitive(rates, weight, sample, train=None):
    data = tuned("rate", weight_radius=np.array(weight)[:, None], sample_radius=np.array(sample)[:, None])
    fitted = {} if train is None else {"rate_train_accuracy": np.array(train)[:, None]}
    return sensitivity(data | {"rates": np.array(rates)} | fitted, "rate")


def test_of_the_rates_those_in_the_printed_range_count_where_there_are_two():
    weight, sample = [9.0, 2, 1, 4, 0.1], [0.01, 1, 3, 2, 5]
    rates = [0.09, 0.1, 0.3, 0.5, 0.51]
    assert_allclose(sensitive(rates, weight, sample), [4 / 3])
    assert_allclose(sensitive([0.01, 0.02, 0.3, 0.6, 0.7], weight, sample), [(9 / 0.1) / (5 / 0.01)])  # one alone: all
    assert_allclose(sensitive(rates, weight, sample, [0.5, 0.95, 1, 1, 0.5]), [4 / 3])
    assert_allclose(sensitive(rates, weight, sample, [1, 1, 0.94, 1, 1]), [UNTOLD])


def test_of_the_batches_all_count():
    data = tuned("batch", weight_radius=[[1, 6], [2, 3], [4, 2]], sample_radius=[[1, 1], [1, 0.5], [0.5, 2]])
    assert_allclose(sensitivity(data, "batch"), [4 / 2, 3 / 4])
    assert_allclose(sensitivity(data | {"rates": np.array([0.1, 0.2])}, "batch"), [4 / 2, 3 / 4])


def sizes(sample, weight, train=1.0):
    """Basins by depth at the largest width in one run; at the other width they fall from 9 to 1."""
    other = np.linspace(9, 1, len(sample))
    data = {
        f"size_{name}_radius": np.stack([other, of], axis=1)[..., None]
        for name, of in (("sample", sample), ("weight", weight))
    }
    accuracy = np.ones((len(sample), 2, 1))
    accuracy[:, 0], accuracy[-1, 1] = 0.5, train
    return data | {"size_train_accuracy": accuracy}


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ([1.0, 1.1, 1.1], 0),
        ([1.0, 1.09, 1.09], UNTOLD),
        ([1.0, 2.0, 2.5], 0.25),
        ([1.0, 2.0, 1.5], 0.25),
        ([1.0, 0.5, 2.0, 1.0], 0.5),
        ([2.0, 1.0, 1.0], UNTOLD),
    ],
)
def test_the_last_step_of_depth_counts_once_the_sample_basin_has_grown_by_a_tenth(sample, expected):
    assert_allclose(late_change(sizes(sample, sample), "sample"), [expected], atol=1e-12)
    assert_allclose(late_change(sizes(sample, sample, train=0.95), "sample"), [expected], atol=1e-12)
    assert_allclose(late_change(sizes(sample, sample, train=0.94), "sample"), [UNTOLD])


@pytest.mark.parametrize(
    ("weight", "expected"),
    [([1.1, 1.0, 1.0], 0), ([1.09, 1.0, 1.0], UNTOLD), ([4.0, 2.0, 3.0], 0.5), ([1, 2, 2.0], UNTOLD)],
)
def test_the_last_step_of_depth_counts_once_the_weight_basin_has_shrunk_by_a_tenth(weight, expected):
    assert_allclose(late_change(sizes([1.0, 1.0, 1.0], weight), "weight"), [expected], atol=1e-12)

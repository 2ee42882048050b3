"""Trends and sensitivities of basins."""

import numpy as np
import pytest

from figures.opt_npt.basins_by_setting_measures import (
    both_spaces,
    distance_of_peaks,
    drops_sharply,
    fall_with_basin,
    late_change,
    sample_left,
    sensitivity,
    trend,
    tuned_trend,
)

WIDTHS = np.array([128, 256, 512])


def fitted(sweep, *shape):
    return {f"{sweep}_train_accuracy": np.ones(shape)}


def test_accuracy_that_falls_with_the_weight_basin_is_told_from_one_that_does_not():
    radius = np.array([[1.0, 0.9, 0.3, 0.29]]).T
    together, apart = (np.array([row]).T for row in ([0.9, 0.89, 0.7, 0.69], [0.9, 0.89, 0.88, 0.7]))
    measured = [
        fall_with_basin({"batch_weight_radius": radius, "batch_accuracy": accuracy})[0]
        for accuracy in (together, apart)
    ]
    assert measured == pytest.approx([18, -17])


def test_a_basin_that_never_drops_sharply_tells_nothing_of_what_happens_there():
    radius = np.array([[1.0, 0.9, 0.5, 0.29]]).T
    data = {"batch_weight_radius": radius, "batch_sample_radius": radius, "batch_accuracy": radius}
    assert np.isinf(fall_with_basin(data)).all()
    assert np.isinf(sample_left(data)).all()


def test_a_network_without_a_basin_leaves_every_measure_a_number():
    radius = np.array([[0.3, 0.2, 0.0, 0.0], [np.inf, 0.5, 0.2, 0.0]]).T  # (batch sizes, runs)
    names = ("rate_weight", "rate_sample", "batch_weight", "batch_sample")
    data = {f"{name}_radius": radius for name in names} | {"batch_accuracy": np.array([[0.9, 0.8, 0.1, 0.1]] * 2).T}
    data |= fitted("rate", 4, 2) | fitted("batch", 4, 2) | {"rates": np.array([0.1, 0.2, 0.37, 0.5])}
    assert sensitivity(data, "rate") == pytest.approx([1] * 2)
    assert sensitivity(data, "batch") == pytest.approx([1] * 2)
    assert sample_left(data) == pytest.approx([0.01 / 0.3, 0.01 / 10])
    of_size = {"size_weight_radius": radius[:, None], "size_train_accuracy": np.ones((4, 1, 2))}
    assert late_change(of_size, "weight") == pytest.approx([0, 0.95])
    assert np.isfinite(fall_with_basin(data)).all()


def test_trends_run_along_depth_or_width():
    radius = np.array([[1.0, 2, 3], [0.5, 1.5, 4]])[..., None]  # (depths, widths, runs)
    data = {"r_s_radius": radius, "widths": WIDTHS} | fitted("r", 2, 3, 1)
    assert trend(data, "r", "s", 0) == pytest.approx([-1, -1, 1])
    assert trend(data, "r", "s", 1) == pytest.approx([1, 1])
    assert trend(data | {"widths": np.array([64, 128, 256])}, "r", "s", 0) == pytest.approx([-1, 1])
    assert tuned_trend({"r_s_radius": radius[0]} | fitted("r", 3, 1), "r", "s") == pytest.approx([1])
    both = {"r_sample_radius": radius[0], "r_weight_radius": -radius[0]} | fitted("r", 3, 1)
    assert both_spaces(both, "r") == pytest.approx([1, -1])


def test_a_network_that_has_not_fitted_leaves_its_trend_untold():
    radius = np.array([[1.0, 2, 3], [0.5, 1.5, 4]])[..., None]
    data = {"r_s_radius": radius, "widths": WIDTHS} | fitted("r", 2, 3, 1)
    data["r_train_accuracy"][1, 2] = 0.94
    assert trend(data, "r", "s", 0).tolist() == [-1, -1, np.inf]
    assert trend(data, "r", "s", 1).tolist() == [1, np.inf]
    tuned = {"r_s_radius": radius[0], "r_train_accuracy": np.array([[1, 0.94, 1]]).T}
    assert tuned_trend(tuned, "r", "s").tolist() == [np.inf]


@pytest.mark.parametrize(
    ("accuracy", "radius", "distance"),
    [
        ([0.1, 0.9, 0.5], [0.1, 0.2, 0.5], 1),
        ([0.1, 0.9, 0.5], [0.1, 0.6, 0.5], 0),
        ([0.1, 0.4, 0.5], [0, 1, 2], np.inf),
    ],
)
def test_peaks_are_compared_in_steps_of_the_grid_and_not_at_its_end(accuracy, radius, distance):
    data = {"rate_accuracy": np.array([accuracy]).T, "rate_sample_radius": np.array([radius]).T} | fitted("rate", 3, 1)
    assert distance_of_peaks(data).tolist() == [distance]


def test_basins_are_compared_by_ratios():
    names = ("rate_weight", "rate_sample", "batch_weight", "batch_sample")
    radii = ([9.0, 1, 4], [9.0, 1, 2], [3.0, 1, 2], [1.0, 3, 2])
    data = {f"{name}_radius": np.array([row]).T for name, row in zip(names, radii, strict=True)}
    data |= {"rates": np.array([0.01, 0.1, 0.5])} | fitted("rate", 3, 1) | fitted("batch", 3, 1)
    assert sensitivity(data, "rate") == pytest.approx([2])
    assert sensitivity(data, "batch") == pytest.approx([1])
    data["rate_train_accuracy"][:] = [[0.1], [0.94], [1]]
    assert sensitivity(data, "rate").tolist() == [np.inf]
    assert sample_left(data) == pytest.approx([2 / 3])


def test_what_saturates_must_first_have_changed():
    falling, rising = np.array([[9.0, 2], [2.0, 1.9], [1.5, 1.9]]), np.array([[1.0, 2], [2.0, 2.1], [1.5, 1.9]])
    for space, of_runs in (("weight", falling), ("sample", rising)):
        radius = np.stack([np.ones_like(of_runs), of_runs], axis=1)  # the largest width counts
        data = {f"size_{space}_radius": radius} | fitted("size", 3, 2, 2)
        assert late_change(data, space).tolist() == pytest.approx([0.25, np.inf])


def test_a_drop_is_sharp_where_a_step_halves_the_basin():
    radius = np.array([[1.0, 0.9, 0.45, 0.4], [1.0, 0.5, 0.4, 0.3], [1.0, 0.9, 0.5, 0.3]]).T
    assert drops_sharply({"batch_weight_radius": radius}).tolist() == [True, True, False]

"""Trends and sensitivities of basins."""

import numpy as np
import pytest

from figures.opt_npt.basins_by_setting_claims import (
    distance_of_peaks,
    drops_sharply,
    fall_with_basin,
    late_change,
    sample_left,
    sensitivity,
    trend,
    tuned_trend,
)


def test_accuracy_that_falls_with_the_weight_basin_is_told_from_one_that_does_not():
    radius = np.array([[1.0, 0.9, 0.3, 0.29]]).T
    together, apart = (np.array([row]).T for row in ([0.9, 0.89, 0.7, 0.69], [0.9, 0.89, 0.88, 0.7]))
    measured = [
        fall_with_basin({"batch_weight_radius": radius, "batch_accuracy": accuracy})[0]
        for accuracy in (together, apart)
    ]
    assert measured == pytest.approx([18, -17])


def test_a_network_without_a_basin_leaves_every_measure_a_number():
    radius = np.array([[0.3, 0.2, 0.0, 0.0], [np.inf, 0.5, 0.2, 0.0]]).T  # (batch sizes, runs)
    names = ("rate_weight", "rate_sample", "batch_weight", "batch_sample", "size_weight")
    data = {f"{name}_radius": radius for name in names} | {"batch_accuracy": np.array([[0.9, 0.8, 0.1, 0.1]] * 2).T}
    assert sensitivity(data) == pytest.approx([1] * 4)
    assert sample_left(data) == pytest.approx([0.01 / 0.3, 0.01 / 10])
    assert late_change(data, "weight") == pytest.approx([0, 0.95])
    assert np.isfinite(fall_with_basin(data)).all()


def test_trends_run_along_depth_or_width():
    radius = np.array([[1.0, 2, 3], [0.5, 1.5, 4]])[..., None]  # (depths, widths, runs)
    assert trend({"r": radius}, "r", 0) == pytest.approx([-1, -1, 1])
    assert trend({"r": radius}, "r", 1) == pytest.approx([1, 1])
    assert tuned_trend({"r": radius[0]}, "r") == pytest.approx([1])


def test_peaks_are_compared_in_steps_of_the_grid():
    accuracy, radius = np.array([[0.1, 0.9, 0.5]]).T, np.array([[0.1, 0.2, 0.5]]).T
    assert distance_of_peaks({"rate_accuracy": accuracy, "rate_sample_radius": radius}) == pytest.approx([1])


def test_basins_are_compared_by_ratios():
    names = ("rate_weight", "rate_sample", "batch_weight", "batch_sample")
    radii = ([1.0, 4], [1.0, 2], [3.0, 1], [1.0, 3])
    data = {f"{name}_radius": np.array([row]).T for name, row in zip(names, radii, strict=True)}
    assert sensitivity(data) == pytest.approx([2, 1])
    assert sample_left(data) == pytest.approx([1])
    assert late_change({"size_weight_radius": np.array([[9.0], [2.0], [1.5]])}, "weight") == pytest.approx([0.25])


def test_a_drop_is_sharp_where_a_step_halves_the_basin():
    radius = np.array([[1.0, 0.9, 0.45, 0.4], [1.0, 0.5, 0.4, 0.3]]).T
    assert drops_sharply({"batch_weight_radius": radius})
    assert not drops_sharply({"batch_weight_radius": np.c_[radius, [1.0, 0.9, 0.5, 0.3]]})

"""Clouds of digits in the plane: places, overlap, size, and which samples are shown."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.opt_npt.clouds import centroid_accuracy, chosen_digits, draw_cloud, in_words, overlap, rms_radius


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_overlap_is_one_with_itself_symmetric_and_follows_scale_and_place(factor, shift):
    rng = np.random.default_rng(0)
    cloud, other = rng.standard_normal((60, 2)), rng.standard_normal((60, 2)) + 1
    assert overlap(cloud, cloud) == 1
    assert overlap(cloud, other) == overlap(other, cloud) < 1
    assert abs(overlap(factor * cloud + shift, factor * other + shift) - overlap(cloud, other)) < 0.05
    assert overlap(cloud, cloud + 100) == 0
    assert overlap(cloud, 1e-3 * cloud) < 0.1


def test_points_on_their_own_centroids_are_all_right_and_swapped_ones_all_wrong():
    train, labels = np.array([[0.0, 0], [0, 1], [5, 0], [5, 1]]), np.array([3, 3, 8, 8])
    assert centroid_accuracy(train, labels, train, labels) == 1
    assert centroid_accuracy(train[::-1], labels, train, labels) == 0


@given(st.floats(0.01, 100), st.floats(-10, 10))
def test_the_radius_scales_with_the_cloud_and_ignores_where_it_is(factor, shift):
    cloud = np.random.default_rng(0).standard_normal((50, 2))
    assert np.isclose(rms_radius(factor * cloud + shift), factor * rms_radius(cloud))


def test_the_first_samples_of_each_digit_are_chosen():
    labels = np.array([2, 1, 1, 2, 1, 2])
    assert chosen_digits(labels, (1, 2), 2).tolist() == [1, 2, 0, 3]


def test_too_few_samples_of_a_digit_are_named():
    with pytest.raises(ValueError, match="samples of digit 2"):
        chosen_digits(np.array([1, 1, 2]), (1, 2), 2)


@pytest.mark.parametrize(("digits", "words"), [((0, 2, 5), "0, 2 and 5"), ((1, 9), "1 and 9"), ((7,), "7")])
def test_digits_are_named_as_in_a_sentence(digits, words):
    assert in_words(digits) == words


def test_every_digit_has_a_colour_of_its_own_and_both_axes_have_names():
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    draw_cloud(axes, np.eye(2), np.array([1, 5]), "a cloud")
    assert [line.get_label() for line in axes.lines] == ["digit 1", "digit 5"]
    assert len({line.get_color() for line in axes.lines}) == 2
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_title()) == ("$h_1$", "$h_2$", "a cloud")

"""Radii by class, corrected for the share of pure noise that a class takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.opt_npt.basins_by_class_claims import (
    CLAIMS,
    corrected_radius,
    corrected_ratio,
    gradient_with_radius,
    most_unlike_pair,
    radius_ratio,
    ratio_of_named,
    ratio_within_a_class,
    two_are_finite,
    two_of_a_class_are_finite,
)

CLAIM = {claim.key.partition(".")[2]: claim for claim in CLAIMS}
DEEP = {"n_hidden": np.array(21), "samples": np.array(6000)}


@given(st.floats(0.05, 5), st.floats(0, 0.9))
def test_the_corrected_radius_does_not_depend_on_the_share_of_pure_noise(radius, share):
    amplitudes = np.geomspace(1e-3, 10, 200)
    own = 1 / (1 + (amplitudes / radius) ** 4)  # recognised by itself, one half at the radius
    curve = (share + (1 - share) * own)[:, None]
    (corrected,) = corrected_radius(amplitudes, curve, np.array([share]))
    assert np.isclose(corrected, radius, rtol=0.01)


def test_a_class_that_never_falls_halfway_gets_the_largest_amplitude():
    amplitudes = np.geomspace(0.1, 10, 5)
    assert corrected_radius(amplitudes, np.ones((5, 1)), np.zeros(1)) == pytest.approx(10)


def test_the_smaller_of_the_large_classes_is_held_against_the_small_one():
    radius = np.full(10, 9.0)
    radius[[0, 2, 9]] = 3, 4, 2
    assert ratio_of_named(radius) == pytest.approx(1.5)


def test_runs_are_corrected_one_by_one():
    amplitudes = np.geomspace(1e-3, 10, 200)
    radii = np.array([2.0, *[1.0] * 9])
    curve = 1 / (1 + (amplitudes[:, None] / radii) ** 4)
    data = {"amplitudes": amplitudes[None], "curve": curve[None], "noise_share": np.zeros((1, 10))}
    assert corrected_ratio(data) == pytest.approx([1], rel=0.01)


def test_gradients_and_radii_are_compared_by_rank():
    data = {"gradient": np.array([[1.0, 2, 3]]), "radius": np.array([[1.0, 5, 99]])}
    assert gradient_with_radius(data) == pytest.approx([1])


def test_only_finite_radii_are_compared():
    assert radius_ratio({"picture_radius": np.array([[0, 1.0, 4.0, np.inf]])}) == pytest.approx([4])


def test_the_pair_of_the_inset_has_one_class_and_finite_radii():
    labels, radius = np.array([0, 0, 1, 1, 2, 2]), np.array([1.0, 3.0, 0.5, np.inf, 0.0, 9.0])
    assert most_unlike_pair(labels, radius) == (0, 1)
    assert most_unlike_pair(labels, radius[::-1]) == (5, 4)
    assert most_unlike_pair(labels[:2], np.array([2.0, 2.0])) is None
    assert most_unlike_pair(labels[2:], radius[2:]) is None
    data = {"picture_labels": np.stack([labels] * 2), "picture_radius": np.stack([radius, np.ones(6)])}
    assert ratio_within_a_class(data) == pytest.approx([3, 1])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("large", "small", "ratio", "verdict"),
    [
        (np.inf, np.inf, 1, "open"),
        (0, 0, 1, "open"),
        (np.inf, 0.5, 20, "reproduced"),
        (0.5, np.inf, 0.05, "contradicted"),
        (0.5, 0, 50, "reproduced"),
        (0, 0.5, 0.02, "contradicted"),
        (0.52, 0.5, 1.04, "reproduced"),
        (0.48, 0.5, 0.96, "contradicted"),
    ],
)
def test_named_classes_that_both_have_no_basin_or_one_without_end_are_not_compared(large, small, ratio, verdict):
    radius = np.full((1, 10), 9.0)
    radius[0, [0, 2, 9]] = large, np.inf, small
    judged = CLAIM["named-classes"].judge(DEEP | {"radius": radius})
    assert judged.verdict == verdict
    assert judged.median == pytest.approx(ratio)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_classes_whose_accuracy_never_falls_or_is_low_from_the_start_have_no_order(level):
    data = {
        "amplitudes": np.array([[0.1, 1, 10]]),
        "curve": np.full((1, 3, 10), level),
        "noise_share": np.zeros((1, 10)),
    }
    assert CLAIM["corrected-for-noise"].judge(data).verdict == "open"
    data["curve"][0, :, 9] = 1, 0.6, 0.1
    assert CLAIM["corrected-for-noise"].judge(data).verdict == ("reproduced" if level else "contradicted")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("of_all", [0.0, 0.3, np.inf])
def test_classes_that_all_have_one_radius_have_no_order(of_all):
    data = {"gradient": np.arange(10.0)[None], "radius": np.full((1, 10), of_all)}
    assert gradient_with_radius(data) == [0]
    assert CLAIM["steep-large-classes"].judge(data).verdict == "open"
    data["radius"][0, 4] = 9
    assert CLAIM["steep-large-classes"].judge(data).verdict == "contradicted"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("radius", "sizes", "inset"),
    [
        ([0, np.inf, np.inf, 0], "open", "open"),
        ([0, 0.3, np.inf, np.inf], "open", "open"),
        ([0.3, np.inf, 0.4, np.inf], "contradicted", "open"),
        ([0.3, 0.4, 0, np.inf], "contradicted", "contradicted"),
        ([0.3, 0.3, 0, np.inf], "contradicted", "contradicted"),
        ([0.3, 0.7, 0, np.inf], "reproduced", "reproduced"),
    ],
)
def test_digits_are_compared_only_if_two_of_them_have_finite_radii(radius, sizes, inset):
    data = DEEP | {"picture_radius": np.array([radius]), "picture_labels": np.array([[0, 0, 1, 1]])}
    assert CLAIM["sizes-of-digits"].judge(data).verdict == sizes
    assert CLAIM["inset"].judge(data).verdict == inset


@pytest.mark.parametrize(
    ("share", "verdict"),
    [([1, 1, 1], "open"), ([0, 0, 0], "open"), ([0, 0, 0.1], "reproduced"), ([0, 0.1, 0.09], "contradicted")],
)
def test_a_share_of_foreign_copies_that_never_changes_does_not_grow(share, verdict):
    assert CLAIM["mixing-outwards"].judge(DEEP | {"foreign": np.array([share])}).verdict == verdict


def test_fewer_than_two_finite_radii_have_no_ratio():
    radius = np.array([[np.inf, 0, 2.0], [0, np.inf, np.inf], [3.0, 6, 0]])
    assert radius_ratio({"picture_radius": radius}) == [1, 1, 2]
    assert two_are_finite({"picture_radius": radius[2:]})
    assert not two_are_finite({"picture_radius": radius[[0, 2]]})


def test_two_finite_radii_must_be_of_one_class_in_every_run():
    labels = np.array([4, 4, 7, 7])
    one_class, two_classes = [np.inf, 0, 1.0, 1.5], [1.0, np.inf, 2.0, 0]
    for runs, expected in (([one_class], True), ([two_classes], False), ([one_class, two_classes], False)):
        data = {"picture_labels": np.stack([labels] * len(runs)), "picture_radius": np.array(runs)}
        assert two_of_a_class_are_finite(data) == expected

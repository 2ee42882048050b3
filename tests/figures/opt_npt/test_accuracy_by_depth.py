"""What is said of depth and width: trends over widths, and what most widths must agree on."""

import numpy as np
import pytest

from figures.opt_npt.accuracy_by_depth_claims import (
    CLAIMS,
    depth_of_least_gradient,
    lost_with_depth,
    most_widths,
    peak_excess,
    widest_minus_narrowest,
)

CRITERIA = {claim.key.partition(".")[2]: claim.criterion for claim in CLAIMS}


def test_narrow_networks_that_lose_more_with_depth_give_a_falling_trend():
    accuracy = np.array([[0.8, 0.8, 0.8], [0.9, 0.9, 0.9], [0.3, 0.6, 0.8]])[..., None]
    assert lost_with_depth({"accuracy": accuracy}) == pytest.approx([-1])


def test_three_quarters_of_the_widths_must_agree():
    assert most_widths.between(5, 8).met_by([6, 6, 8, 20])
    assert not most_widths.between(5, 8).met_by([6, 6, 20, 20])


@pytest.mark.parametrize(
    ("excess", "met"),
    [
        ([3, 3, 3, -9], True),
        ([3, 3, 2, 3], True),
        ([3, 3, 2, 2], None),
        ([-9, 1, 1, 1], None),
        ([-3, -3, 9, 9], False),
        ([-2, -3, 9, 9], None),
        ([np.inf, np.inf, np.inf, -np.inf], True),
    ],
)
def test_a_best_depth_is_open_unless_over_a_quarter_of_the_widths_speak_against_it(excess, met):
    assert CRITERIA["best-depth"].met_by(excess) is met


def test_the_excess_is_in_standard_errors_of_the_difference():
    runs = np.array([-0.01, 0.01])  # standard error of their mean: 0.01
    accuracy = np.array([[0.7], [0.8]])[..., None] + runs
    data = {"depths": np.array([3, 6]), "accuracy": accuracy}
    assert peak_excess(data, 5, 9) == pytest.approx([0.1 / np.hypot(0.01, 0.01)])


def test_means_over_runs_are_compared():
    runs = [[[0.5, 0.5, 0.8], [0.9, 0.9, 0.9]], [[0.8, 0.8, 0.8], [0.7, 0.7, 0.7]]]  # means, not medians
    accuracy = np.array(runs)  # (depths, widths, runs)
    assert widest_minus_narrowest({"accuracy": accuracy}, "accuracy") == pytest.approx([0.3, -0.1])
    assert depth_of_least_gradient({"depths": np.array([3, 6]), "gradient": accuracy}).tolist() == [3, 6]


def test_the_sentence_says_over_what_it_is_judged():
    assert str(CRITERIA["wider-is-better"]) == "every depth > 0"
    assert str(CRITERIA["least-gradient"]) == "three quarters of the widths in [5, 8]"
    assert str(CRITERIA["best-depth"]) == "lower quartile > 2 (open if lower quartile in [-2, 2])"

"""What is said of depth and width: trends over widths, and what most widths must agree on."""

import numpy as np
import pytest

from figures.opt_npt.accuracy_by_depth_claims import (
    CLAIMS,
    lost_with_depth,
    peak_excess,
    widest_minus_narrowest,
)

CRITERIA = {claim.key.partition(".")[2]: claim.criterion for claim in CLAIMS}
QUANTITIES = {claim.key.partition(".")[2]: claim.quantity for claim in CLAIMS}


def test_narrow_networks_that_lose_more_with_depth_give_a_falling_trend():
    accuracy = np.array([[0.8, 0.8, 0.8], [0.9, 0.9, 0.9], [0.3, 0.6, 0.8]])[..., None]
    assert lost_with_depth({"accuracy": accuracy, "widths": np.array([128, 256, 512])}) == pytest.approx([-1])


def test_narrower_networks_than_the_papers_are_left_out_where_two_widths_remain():
    accuracy = np.array([[0.8, 0.8, 0.8], [0.9, 0.9, 0.9], [0.3, 0.8, 0.6]])[..., None]
    assert lost_with_depth({"accuracy": accuracy, "widths": np.array([64, 128, 256])}) == pytest.approx([1])
    assert lost_with_depth({"accuracy": accuracy, "widths": np.array([32, 64, 128])}) == pytest.approx([-1 / 3])


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


@pytest.mark.parametrize(
    ("errors", "met"), [([9, 3, -1], True), ([9, 1, -1], None), ([9, 3, -3], False), ([9, 1, -3], False)]
)
def test_wider_is_better_unless_a_depth_speaks_against_it(errors, met):
    assert CRITERIA["wider-is-better"].met_by(errors) is met


def test_the_excess_is_in_standard_errors_of_the_difference():
    runs = np.array([-0.01, 0.01])  # standard error of their mean: 0.01
    accuracy = np.array([[0.7], [0.8]])[..., None] + runs
    data = {"depths": np.array([3, 6]), "widths": np.array([128]), "accuracy": accuracy}
    assert peak_excess(data, 5, 9) == pytest.approx([0.1 / np.hypot(0.01, 0.01)])
    assert peak_excess(data, 5, 9, sign=-1) == pytest.approx([-0.1 / np.hypot(0.01, 0.01)])


def test_means_over_runs_are_compared():
    runs = [[[0.5, 0.5, 0.8], [0.9, 0.9, 0.9]], [[0.8, 0.8, 0.8], [0.7, 0.7, 0.7]]]  # means, not medians
    data = {"widths": np.array([128, 256]), "accuracy": np.add(runs, [0, 0.03, -0.03])}  # (depths, widths, runs)
    # variances of (-.1, -.07, .17) and of (0, .03, -.03), and twice the latter
    errors = np.sqrt([(0.0219 + 0.0009) / 3, 2 * 0.0009 / 3])
    assert widest_minus_narrowest(data, "accuracy") == pytest.approx([0.3, -0.1] / errors)


def test_the_sentence_says_over_what_it_is_judged():
    assert str(CRITERIA["wider-is-better"]) == (
        "median depth > 2 (open if median depth in [-2, 2]) and every depth > -2"
    )
    assert str(CRITERIA["least-gradient-old"]) == "excess > 2 (open if excess in [-2, 2])"
    assert str(CRITERIA["best-depth"]) == "lower quartile > 2 (open if lower quartile in [-2, 2])"


def test_the_smallest_gradient_is_looked_for():
    runs = np.array([-0.01, 0.01])  # standard error of their mean: 0.01
    gradient = np.array([[0.9, 0.5], [0.7, 0.6], [0.8, 0.8]])[..., None] + runs
    data = {"depths": np.array([4, 6, 20]), "widths": np.array([128, 256]), "gradient": gradient}
    measured = QUANTITIES["least-gradient"].measure(data)
    assert measured == pytest.approx(np.array([0.1, -0.1]) / np.hypot(0.01, 0.01))
    at_eight = data | {"depths": np.array([4, 8, 20])}
    assert QUANTITIES["least-gradient-old"].measure(at_eight) == pytest.approx(measured[:1])

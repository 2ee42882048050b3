import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.metrics.emergence import (
    RISE_OF_EXPONENTIAL,
    area_between,
    gaps_and_rises,
    passing_times,
    rise_of_sigmoid,
    stage_of,
    stage_score,
)

T = np.geomspace(1e-4, 1e5, 4001)


def sigmoids(start, rates):
    return 1 / (1 + (1 / start - 1) * np.exp(-np.minimum(np.multiply.outer(T, rates), 700)))


@settings(max_examples=20)
@given(start=st.floats(1e-9, 0.05), ratio=st.floats(1.5, 10))
def test_sigmoids_are_predicted(start, ratio):
    passing = passing_times(T, sigmoids(start, [1.0, 1 / ratio, 1 / ratio**2]))
    assert_allclose(gaps_and_rises(passing)[1], rise_of_sigmoid(start), rtol=2e-3)
    assert_allclose(stage_score(passing), stage_of(ratio, rise_of_sigmoid(start)), rtol=5e-3)


@settings(max_examples=20)
@given(rate=st.floats(0.01, 10), ratio=st.floats(0.2, 10), c=st.floats(0.1, 10), q=st.floats(0.3, 3))
def test_exponentials_rise_in_the_same_decades_and_the_clock_drops_out(rate, ratio, c, q):
    skills = -np.expm1(-np.multiply.outer(T, [rate, rate / ratio]))
    passing = passing_times(T, skills)
    assert_allclose(gaps_and_rises(passing)[1], RISE_OF_EXPONENTIAL, rtol=1e-4)
    assert_allclose(stage_score(passing), stage_of(ratio, RISE_OF_EXPONENTIAL), atol=1e-3)
    assert_allclose(stage_score(passing_times(c * T**q, skills)), stage_score(passing), atol=1e-9)
    assert_allclose(area_between(*skills.T), 1 - 2 / (ratio + 1), atol=1e-3)  # of p' = 1 - (1 - p)^(1/ratio)


def test_the_score_changes_its_sign_with_the_order_of_two_skills():
    passing = np.array([[1.0, 40.0], [2.0, 70.0], [8.0, 90.0]])
    assert_allclose(stage_score(passing), -stage_score(passing[:, ::-1]))
    first, second = np.sort(np.random.default_rng(0).random((2, 50)), axis=1)
    first[[0, -1]], second[[0, -1]] = (0, 1), (0, 1)
    assert_allclose(area_between(first, second), -area_between(second, first))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: passing_times([1.0, 2.0], [0.0, 1.0]), "skills must have 2 dimension"),
        (lambda: passing_times([1.0, 2.0], [[0.0]]), "skills must have one row per time"),
        (lambda: stage_score(np.ones((3, 1))), r"passing must have shape \(3, n_skills\)"),
        (lambda: stage_score(np.ones((3, 2))), "passing must give every skill a rise > 0"),
        (lambda: stage_score([[1, 1], [2, 2], [3, np.inf]]), "passing must be finite"),
        (lambda: gaps_and_rises([[1, 1], [0, 2], [3, 3]]), "passing must be > 0"),
        (lambda: area_between([0, 1], [0, 1, 1]), "second must have as many records as first"),
        (lambda: rise_of_sigmoid(0.1), "start must be < 0.1"),
        (lambda: stage_of(-1.0, 1.0), "rate_ratio must be > 0"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_levels_are_passed_at_10_50_and_90_percent():
    t = np.array([1.0, 10.0, 100.0])
    skills = np.array([[0.0, 0.0], [1.0, 0.4], [1.0, 0.6]])
    expected = [[10**0.1, 10**0.25], [10**0.5, 10**1.5], [10**0.9, np.inf]]
    assert_allclose(passing_times(t, skills), expected)


def test_gaps_rises_and_score_of_three_skills_are_worked_by_hand():
    """Halves at 2, 40 and 200; rises of lg 8, 1 and lg 2 decades."""
    passing = [[1, 10, 160], [2, 40, 200], [8, 100, 320]]
    gaps, rises = gaps_and_rises(passing)
    assert_allclose(gaps, np.log10([20, 5]))
    assert_allclose(rises, np.log10([8, 10, 2]))
    scores = [np.log10(20) / np.log10(np.sqrt(80)), np.log10(5) / np.log10(np.sqrt(20))]
    assert_allclose(stage_score(passing), np.mean(scores))


def test_one_skill_complete_before_the_next_has_the_whole_area_between():
    assert area_between([0, 1, 1], [0, 0, 1]) == 1
    assert area_between([0, 0, 1], [0, 1, 1]) == -1
    assert_allclose(area_between([0, 0.5, 1], [0, 0.25, 1]), 1 - 2 * (0.5 * 0.125 + 0.5 * 0.625))


def test_predictions_are_worked_by_hand():
    assert_allclose(rise_of_sigmoid(1 / 82), np.log10(3))  # ln 81 = 2 ln 9, so (2 + 1) / (2 - 1)
    assert_allclose(stage_of(100.0, 0.5), 4)
    assert_allclose(stage_of(0.1, 2.0), -0.5)
    assert_allclose(RISE_OF_EXPONENTIAL, 1.3395, atol=1e-4)
    with pytest.raises(ValueError, match="rise must not be so small"):
        stage_of(10.0, 1e-320)


@pytest.mark.parametrize("passing", [np.ones((2, 2)), np.ones((4, 2)), np.ones(3)])
def test_passing_times_have_three_levels(passing):
    with pytest.raises(ValueError, match="passing must have"):
        gaps_and_rises(passing)
    with pytest.raises(ValueError, match="passing must have shape"):
        stage_score(passing)


@pytest.mark.parametrize("start", [np.nextafter(0.1, 0), 0.0999999, 0.0999])
def test_a_start_next_to_the_first_level_has_its_own_rise(start):
    with mpmath.workdps(60):
        odds = (1 - mpmath.mpf(float(start))) / mpmath.mpf(float(start))
        wanted = mpmath.log10(mpmath.log(9 * odds) / mpmath.log(odds / 9))
    assert rise_of_sigmoid(start) == pytest.approx(float(wanted), rel=1e-12)


def test_areas_of_what_is_no_progress_are_refused():
    with pytest.raises(ValueError, match="first must be at most 1e\\+75 in size"):
        area_between([1e200, 1e200], [0.0, 1e200])

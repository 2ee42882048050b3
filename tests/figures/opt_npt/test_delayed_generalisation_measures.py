"""Times, basins and gradients of runs that generalise late, on curves whose crossings are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.opt_npt.delayed_generalisation_measures import (
    abruptness,
    at_end,
    basin_fall,
    before,
    decline,
    delay,
    delay_is_known,
    fit_and_rise,
    fits_before,
    goes_on,
    goes_through,
    gradient_change,
    growth,
    has_risen,
    if_told,
    noisy_fall,
    norm_left,
    peak_over_rise,
    plane_accuracy,
)
from figures.opt_npt.trends import UNTOLD

STEPS = 10.0 ** np.arange(5)  # 1 to 10,000
NEVER = np.inf


def reaching(*exponents, level):
    """Curves that are lines in the logarithm of the step, from 0 at half a step, and have a level at 10^exponent."""
    slope = level / (np.array(exponents, dtype=float)[:, None] + np.log10(2))
    return slope * (np.log10(STEPS) + np.log10(2))


def run(fit, rise):
    """A run that jumps to a fit, and to generalisation, at the records of these exponents."""
    decades = np.arange(5)
    return {
        "steps": STEPS,
        "train": np.where(decades >= np.array(fit)[:, None], 0.95, 0.94),
        "test": np.where(decades >= np.array(rise)[:, None], 0.8, 0.49),
    }


VALUES = np.arange(10.0).reshape(2, 5)


def test_before_is_halfway_between_fit_and_generalisation_by_the_logarithm_of_the_step():
    data = run([0, 1], [4, 3]) | {"norm": VALUES, "gradient": np.stack([VALUES, -VALUES], axis=2)}
    assert before(data, "norm").tolist() == [2, 7]
    assert before(data, "gradient").tolist() == [[2, -2], [7, -7]]
    assert at_end(data, "norm").tolist() == [4, 9]
    never = run([0, 2], [NEVER, NEVER]) | {"norm": VALUES}
    assert before(never, "norm").tolist() == [2, 8]  # the end stands for a generalisation that there is not


@pytest.mark.parametrize(
    ("fit", "rise", "fits", "risen"),
    [(1, 3, True, True), (2, 2, False, True), (3, 1, False, True), (1, NEVER, True, False), (NEVER, 2, False, True)],
)
def test_a_run_goes_through_if_it_fits_first_and_then_rises(fit, rise, fits, risen):
    data = run([fit], [rise])
    assert (fits_before(data).tolist(), has_risen(data).tolist()) == ([fits], [risen])
    assert goes_through(data).tolist() == [fits and risen]


def test_to_have_risen_takes_80_percent_at_some_record():
    assert has_risen({"test": np.array([[0.1, 0.8, 0.3], [0.1, 0.79, 0.3]])}).tolist() == [True, False]


@given(st.floats(0.3, 3.9), st.floats(0.3, 6.0))
def test_steps_of_fit_and_rise_are_read_between_records_and_the_delay_is_their_ratio(fit, rise):
    data = {"steps": STEPS, "train": reaching(fit, level=0.95), "test": reaching(rise, level=0.5)}
    found = fit_and_rise(data)
    assert_allclose(found[0], [10**fit], rtol=1e-9)
    assert_allclose(found[1], [10**rise if rise <= 4 else np.inf], rtol=1e-9)
    assert_allclose(delay(data), [10 ** (min(rise, 4) - fit)], rtol=1e-9)
    assert delay_is_known(data) == (rise <= 4 or 10 ** (4 - fit) > 3)


def test_one_run_that_does_not_fit_leaves_the_delay_unknown():
    data = run([1, 1], [3, 3])
    assert delay_is_known(data)
    for name in ("train", "test"):
        other = data[name].copy()
        other[1] = 0.3
        changed = data | {name: other}
        assert delay_is_known(changed) == (name == "test")  # without a rise it is 1,000 or more
        assert delay(changed)[1] == (0 if name == "train" else pytest.approx(10**3, rel=0.01))


@given(st.floats(0.35, 5.0))
def test_a_run_goes_on_for_long_from_five_times_the_step_of_its_transition(exponent):
    data = {"steps": STEPS, "test": reaching(exponent, level=0.8)}
    assert goes_on(data).tolist() == [exponent <= 4 - np.log10(5)]


def test_a_basin_before_any_fit_counts_as_the_smallest():
    data = run([0, 0, 0], [4, 4, 4]) | {
        "basin_sample": np.array([[9, 9, 0.2, 9, 0.6], [9, 9, 0.0, 9, 0.6], [9, 9, 1e-4, 9, 0.6]])
    }
    assert_allclose(growth(data, "basin_sample"), [3, 600, 600])


def test_growth_within_a_doubling_around_the_rise_is_a_share_of_all_growth():
    half = np.sqrt(2)
    steps = np.array([1.0, 100 / half, 100 * half, 10_000])
    train, test = np.array([[0.95] * 4] * 2), np.array([[0.1, 0.4, 0.6, 0.9]] * 2)
    radius = np.array([[0.01, 0.02, 0.16, 0.64], [0.5, 0.5, 0.25, 0.25]])
    data = {"steps": steps, "train": train, "test": test, "basin_sample": radius, "basin_weight": radius[::-1]}
    # before generalisation is the record nearest to 10, which is the one at 71
    assert_allclose(abruptness(data), [[np.log(8) / np.log(32), 0], [0, np.log(8) / np.log(32)]], atol=1e-12)
    late = data | {"test": 0.5 * test}  # never generalises: the doubling is beyond the end
    assert_allclose(abruptness(late)[0, 0], 0, atol=1e-12)


def test_clouds_of_each_moment_are_held_against_the_centroids_of_their_own():
    centres = np.array([[0.0, 0], [10, 0]])
    train = np.stack([centres, -centres])[None]  # one run, two moments, two digits
    test = np.stack([centres + np.array([6, 0]), np.array([1, 0]) - centres])[None]
    data = {"train_cloud": train, "test_cloud": test, "labels": np.array([1, 9])}
    assert plane_accuracy(data, 0) == [0.5]
    assert plane_accuracy(data, 1) == [1.0]


class TestPeak:
    """Test accuracy reaches .8 at step 100 of the records 1, 10, 100, ..."""

    def ratio(self, *peaks, steps=STEPS, rise=2):
        gradient = np.zeros((1, len(steps), len(peaks)))
        gradient[0, list(peaks), np.arange(len(peaks))] = 1
        test = np.where(np.arange(len(steps)) >= rise, 0.8, 0.1)[None]
        data = {"steps": steps, "gradient": gradient, "test": test}
        return peak_over_rise(data)

    def test_every_layer_has_a_ratio_of_its_own(self):
        found = self.ratio(1, 3)
        assert_allclose(found, [0.1, 10], rtol=1e-6)

    def test_a_run_that_never_rises_tells_nothing_of_peaks_at_its_end_or_before(self):
        assert self.ratio(4, 0, rise=9).tolist() == [np.inf, np.inf]

    def test_a_peak_within_reach_of_the_transition_counts_though_the_run_ends_soon(self):
        steps = np.array([1.0, 79, 81, 100, 120, 124])
        found = self.ratio(1, 2, 4, 5, steps=steps, rise=3)
        assert_allclose(found, [np.inf, 0.81, 1.2, np.inf], rtol=1e-6)
        assert_allclose(self.ratio(1, 5, steps=np.array([1.0, 79, 81, 100, 120, 126]), rise=3), [0.79, 1.26], rtol=1e-6)


@given(st.floats(0.3, 6.0))
def test_the_norm_at_the_rise_is_read_between_records(exponent):
    falling = np.array([[50.0, 45, 40, 35, 30]])
    data = {"steps": STEPS, "test": reaching(exponent, level=0.5), "norm": falling}
    assert_allclose(norm_left(data), [1 - 0.1 * min(exponent, 4)], rtol=1e-6)


def test_what_the_noisiest_copies_lose_is_told_where_the_noise_is_twice_the_basin():
    noisy = np.array([[0.1, 0.7, 0.9, 0.6]])[:, :, None] * np.array([0, 0, 0, 1.0]) + np.array([1, 0, 0, 0.0])
    for radius, expected in ((0.2, 0.3), (0.21, UNTOLD), (0.0, 0.3)):
        data = {"noisy": noisy, "basin_sample": np.array([[9.0, 9, 9, radius]])}
        assert_allclose(noisy_fall(data), [expected])


def test_the_largest_fall_of_the_basin_counts_from_the_first_record_that_has_risen():
    test = np.array([[0.1, 0.8, 0.5, 0.9]] * 3)
    basin = np.array([[1.0, 0.1, 0.08, 0.06], [1, 1, 1, 0.4], [0.0, 0.0, 0.5, 0.6]])
    data = {"test": test, "basin_weight": basin}
    assert_allclose(basin_fall(data), [0.25, 0.6, 0])
    assert_allclose(basin_fall(data | {"test": 0.5 * test}), [0, 0, 0])
    lost = data | {"basin_weight": np.array([[1, 2, 0.5, 0.0]] * 3)}
    assert_allclose(basin_fall(lost), [1 - 1e-3 / 0.5] * 3)


def test_gradients_change_by_their_largest_difference_of_any_sign():
    gradient = np.zeros((2, 5, 2))
    gradient[:, 2] = [[0.3, -0.4], [0.1, 0.2]]
    data = run([0, 0], [4, 4]) | {"gradient": gradient, "first": np.array([[0.2, 0.1], [0.1, 0.6]])}
    assert_allclose(gradient_change(data), [0.5, 0.4])


def test_a_decline_is_from_the_best_record_to_the_last():
    assert_allclose(decline({"test": np.array([[0.2, 0.9, 0.7], [0.1, 0.2, 0.3]])}), [0.2, 0])


def test_runs_that_are_not_told_have_another_value_in_every_layer():
    data = {"told": np.array([True, False, True])}
    values = np.arange(6.0).reshape(3, 2)
    assert if_told(lambda d: d["told"], values, data, -1).tolist() == [0, 1, -1, -1, 4, 5]
    assert if_told(lambda d: d["told"], [7.0, 8.0, 9.0], data, UNTOLD).tolist() == [7, UNTOLD, 9]

"""What the figures of networks in training compute from curves and clouds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from figures.harness import curves as _dynamics

from figures.opt_npt import basins_by_class as dnn_n5

from figures.opt_npt import batch_norm_lag as dnn_n6

from figures.opt_npt import delayed_generalisation as dnn_n7

from figures.opt_npt import linearised_tail as dnn_o10

curves = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(np.array)


@given(curves, st.floats(0, 1))
def test_the_first_time_is_the_first_record_at_the_level(curve, level):
    steps = np.arange(len(curve)) * 3.0
    found = _dynamics.first_time(steps, curve, level)
    if np.isinf(found):
        assert (curve < level).all()
    else:
        assert curve[int(found / 3)] >= level
        assert (curve[: int(found / 3)] < level).all()


def test_crossings_take_a_level_for_each_curve_or_one_for_all():
    steps, rows = np.array([1.0, 10, 100]), np.array([[0.0, 0.5, 1], [0, 1, 2]])
    assert _dynamics.crossings(steps, rows, [0.5, 2]).tolist() == pytest.approx([10, 100])
    assert _dynamics.crossings(steps, rows, 1).tolist() == pytest.approx([100, 10])


@given(st.integers(1, 8))
def test_the_steepest_place_of_a_step_is_its_middle(k):
    steps = np.arange(10) ** 2.0
    assert _dynamics.steepest(steps, (np.arange(10) >= k).astype(float)) == (steps[k - 1] + steps[k]) / 2


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_overlap_is_one_with_itself_symmetric_and_follows_scale_and_place(factor, shift):
    rng = np.random.default_rng(0)
    cloud, other = rng.standard_normal((60, 2)), rng.standard_normal((60, 2)) + 1
    assert _dynamics.overlap(cloud, cloud) == 1
    assert _dynamics.overlap(cloud, other) == _dynamics.overlap(other, cloud) < 1
    assert (
        abs(_dynamics.overlap(factor * cloud + shift, factor * other + shift) - _dynamics.overlap(cloud, other)) < 0.05
    )
    assert _dynamics.overlap(cloud, cloud + 100) == 0
    assert _dynamics.overlap(cloud, 1e-3 * cloud) < 0.1


@given(curves)
def test_convergence_is_the_start_of_the_last_unbroken_stay(curve):
    steps = np.arange(len(curve)) * 2.0
    (found,) = dnn_o10.convergence(steps, curve[None], np.ones((1, len(curve))))
    near = curve >= dnn_o10.SHARE
    if np.isinf(found):
        assert not near[-1]
    else:
        start = int(found / 2)
        assert near[start:].all()
        assert start == 0 or not near[start - 1]


def rising_at(steps, *when):
    """Curves (replicates, n) of 0 before a step and 1 from it on."""
    return (steps >= np.array(when)[:, None]).astype(float)


@pytest.mark.filterwarnings("error")
def test_convergence_over_a_jump_that_is_not_reached_is_0_and_leaves_its_claims_open():
    steps = np.arange(0, 40, 4.0)
    pruned, running, batch = (
        rising_at(steps, *when) for when in ((12, 12, np.inf, 0), (8, np.inf, np.inf, 0), (4, 4, 4, 0))
    )
    both = {"running": np.stack([pruned, running], 2), "batch": np.stack([pruned, batch], 2)}
    data = {"steps": steps, "tail": np.array(1), **both}
    assert dnn_o10._over_jump(data, "running").tolist() == [1.5, 0, 0, 0]
    assert dnn_o10._over_jump(data, "batch").tolist() == [1.5, 0, 0, 0]
    assert {claim.verdict for claim in dnn_o10.FIGURE.judge(data)} == {"open"}
    dnn_o10.FIGURE.draw(data | {"running": 0 * both["running"]}, dnn_o10.Params(n_hidden=1))


def lagging(usual: float, slow: float):
    steps = np.arange(0, 40, 2.0)
    data = {f"{control}_steps": steps for control in ("usual", "slow")}
    data |= {f"{control}_test_batch": rising_at(steps, 4) for control in ("usual", "slow")}
    return data | {"usual_test_accuracy": rising_at(steps, usual), "slow_test_accuracy": rising_at(steps, slow)}


@pytest.mark.parametrize(
    ("usual", "slow", "stretch", "open_claims"),
    [(10, 24, 20 / 6, False), (10, np.inf, np.inf, False), (np.inf, 24, 0, True), (np.inf, np.inf, 0, True)],
)
def test_the_stretch_of_the_lag_is_a_number_also_where_it_does_not_end(usual, slow, stretch, open_claims):
    data = lagging(usual, slow)
    assert dnn_n6._stretch(data).tolist() == [stretch]
    assert dnn_n6._caught_up(data) != open_claims


def test_points_on_their_own_centroids_are_all_right_and_swapped_ones_all_wrong():
    train, labels = np.array([[0.0, 0], [0, 1], [5, 0], [5, 1]]), np.array([3, 3, 8, 8])
    assert _dynamics.centroid_accuracy(train, labels, train, labels) == 1
    assert _dynamics.centroid_accuracy(train[::-1], labels, train, labels) == 0


@given(st.floats(0.01, 100), st.floats(-10, 10))
def test_spread_scales_with_the_cloud_and_ignores_where_it_is(factor, shift):
    cloud = np.random.default_rng(0).standard_normal((50, 2))
    assert np.isclose(_dynamics.spread(factor * cloud + shift), factor * _dynamics.spread(cloud))


def test_too_few_samples_of_a_digit_are_named():
    with pytest.raises(ValueError, match="samples of digit 2"):
        _dynamics.chosen_digits(np.array([1, 1, 2]), (1, 2), 2)


@given(st.floats(0.05, 5), st.floats(0, 0.9))
def test_the_corrected_radius_does_not_depend_on_the_share_of_pure_noise(radius, share):
    amplitudes = np.geomspace(1e-3, 10, 200)
    own = 1 / (1 + (amplitudes / radius) ** 4)  # recognised by itself, one half at the radius
    curve = (share + (1 - share) * own)[:, None]
    (found,) = dnn_n5.corrected_radius(amplitudes, curve, np.array([share]))
    assert np.isclose(found, radius, rtol=0.01)


def test_a_class_that_never_falls_halfway_gets_the_largest_amplitude():
    amplitudes = np.geomspace(0.1, 10, 5)
    assert dnn_n5.corrected_radius(amplitudes, np.ones((5, 1)), np.zeros(1)) == pytest.approx(10)


def test_late_falls_of_basin_and_noisy_accuracy_are_found_and_early_ones_ignored():
    data = {
        "steps": np.array([1.0, 10, 100, 1000]),
        "test": np.array([[0.1, 0.2, 0.9, 0.9]] * 2),
        "basin_weight": np.array([[1.0, 0.1, 2.0, 1.5], [1.0, 0.1, 2.0, 2.5]]),
        "noisy": np.array([[[0.1], [0.9], [0.8], [0.7]], [[0.1], [0.2], [0.3], [0.4]]]),
        "norm": np.array([[10.0, 8.0, 4.0, 1.0]] * 2),
    }
    assert dnn_n7._basin_fall(data) == pytest.approx([0.25, 0])
    assert dnn_n7._noisy_fall(data) == pytest.approx([0.2, 0])
    assert ((dnn_n7._norm_left(data) > 0.4) & (dnn_n7._norm_left(data) < 0.8)).all()
    assert not dnn_n7._is_long(data)

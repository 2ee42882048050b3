"""Made-up curves are what they say."""

import numpy as np
import pytest

from comparisons.harness.cases import Case, narrow, rise, same, spike, walk, wave


def test_a_case_has_sixty_records_over_four_decades_on_a_clock_of_any_power():
    case = Case("straight", lambda t, rng: {"x": np.log10(t)}, (("level", 0.5),))
    run = case.run(np.random.default_rng(0))
    assert (len(run.t), run.t[0], run.t[-1]) == (60, 1.0, pytest.approx(1e4))
    assert run.meta == {"level": 0.5}
    short = case.run(np.random.default_rng(0), n_records=5, decades=2.0, power=3.0)
    np.testing.assert_allclose(short.t, [1, 10**1.5, 1e3, 10**4.5, 1e6])
    np.testing.assert_allclose(short["x"], [0, 0.5, 1, 1.5, 2])


def test_a_rise_is_a_sigmoid_of_log_time():
    t = np.array([1.0, 2.0, 4.0])  # 1/17, 1/2 and 16/17 of the way
    np.testing.assert_allclose(rise(t, 2.0), [0.1 + 0.9 / 17, 0.55, 0.1 + 0.9 * 16 / 17])
    np.testing.assert_allclose(rise(t, 2.0, 3.0, 5.0), [3 + 2 / 17, 4, 3 + 32 / 17])


def test_a_walk_starts_where_it_is_told_with_steps_of_one_of_four_sizes():
    sizes = set()
    for seed in range(20):
        curve = walk(np.arange(5001.0), np.random.default_rng(seed))
        assert (len(curve), curve[0]) == (5001, 0.5)
        size = np.diff(curve).std()
        nearest = min((0.02, 0.05, 0.1, 0.2), key=lambda one: abs(size / one - 1))
        assert size == pytest.approx(nearest, rel=0.06)
        sizes.add(nearest)
    assert sizes == {0.02, 0.05, 0.1, 0.2}
    held = walk(np.arange(5001.0), np.random.default_rng(0), 0.2, 0.1, 0.3)
    assert (held.min(), held.max()) == (0.1, 0.3)


def test_spikes_are_of_one_record_and_of_two():
    t = np.arange(5.0)
    assert spike(t, 2, 1.0, 9.0).tolist() == [1, 1, 9, 1, 1]
    assert narrow(t, 2, 9.0).tolist() == [0, 1, 9, 9, 4]


def test_a_wave_begins_and_ends_at_its_ends_with_half_periods_of_five_records():
    curve = wave(np.arange(61.0), 3.0, 1.0)
    assert (curve[0], curve[-1]) == (pytest.approx(3), pytest.approx(1))
    assert (curve.min(), curve.max()) == (pytest.approx(1, abs=0.1), pytest.approx(3, abs=0.1))
    assert np.count_nonzero(np.diff(np.sign(curve - 2))) == 13  # two for each of six periods, and one for the end
    assert np.count_nonzero(np.diff(np.sign(wave(np.arange(61.0), 3.0, 1.0, records=20) - 2))) == 7


def test_quantities_that_follow_one_curve_are_drawn_each_for_itself():
    curves = same(lambda t, rng: rng.random(len(t)), "a", "b", loss=0.25)(np.arange(3.0), np.random.default_rng(0))
    assert list(curves) == ["a", "b", "loss"]
    assert not np.array_equal(curves["a"], curves["b"])
    assert curves["loss"].tolist() == [0.25] * 3

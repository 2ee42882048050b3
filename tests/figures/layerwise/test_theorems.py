"""The experiments behind the theorems, and what is measured of them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.layerwise.theorems_claims import extreme_ratio, far_above, from_exponential, next_ratio
from figures.layerwise.theorems_runs import (
    START,
    STRENGTHS,
    Theorems,
    aligned,
    balanced,
    conserved,
    half_times,
    limit,
    scalar,
    skills,
    worst_step_or_end,
)


@pytest.mark.parametrize("imbalance", [-3.0, 0.0, 3.0])
def test_the_aligned_network_starts_balanced_and_learns_its_modes(imbalance):
    run = aligned(Theorems(n_times=30), np.random.default_rng(0), imbalance)
    assert_allclose(run["modes"][0], START)
    assert_allclose(run["modes"][-1], STRENGTHS, rtol=1e-6)
    assert run["error"] < 1e-6


def test_the_limits_of_a_mode_are_told_apart():
    near, far = (limit(Theorems(n_times=50), np.random.default_rng(0), imbalance) for imbalance in (1e-4, 1e4))
    assert near["sigmoid"] < 1e-5 < 0.1 < near["exponential"]
    assert far["exponential"] < 1e-5 < 0.1 < far["sigmoid"]


@pytest.mark.parametrize("imbalance", [-100.0, 100.0])
def test_the_heavier_layer_hardly_moves(imbalance):
    assert aligned(Theorems(n_times=30), np.random.default_rng(0), imbalance)["heavy"] < 0.02


@pytest.mark.parametrize("start", [0.001, 0.3, 0.9, 10.0])
def test_a_balanced_mode_is_held_against_the_exponential_of_its_half_time(start):
    t = np.geomspace(1e-5, 20, 20_000)
    way = (1 / (1 - (1 - 1 / start) * np.exp(-2 * t)) - start) / (1 - start)
    expected = np.abs(way - (1 - 2 ** (-t / np.interp(0.5, way, t)))).max()
    found = balanced(Theorems(), np.random.default_rng(0), start)["exponential"]
    assert_allclose(found, expected, rtol=0.01)


@pytest.mark.parametrize("kind", ["diagonal", "matrix"])
def test_differences_of_squares_are_conserved_while_the_squares_move(kind):
    run = conserved(Theorems(n_times=20), np.random.default_rng(0), kind)
    assert run["drift"][0] == 0
    assert run["drift"].max() < 1e-8


@pytest.mark.parametrize(("ratio", "inflection"), [(-1.0, 0.0), (0.03, 0.0), (30.0, 1.0)])
def test_growth_bends_only_from_a_small_start(ratio, inflection):
    run = scalar(Theorems(), np.random.default_rng(1), ratio)
    assert run["inflection"] == inflection
    assert run["unexpected"] == run["backward"] == 0


def test_half_times_of_skills_are_inverse_to_their_frequencies():
    products = skills(Theorems(n_times=50), np.random.default_rng(2), alpha=0.6)["product"]
    assert products[0] == 1
    assert_allclose(products, 1, rtol=0.01)


def test_half_times_are_read_between_records():
    t = np.linspace(0, 1, 11)
    modes = STRENGTHS * np.minimum(t[:, None] * np.array([2.0, 1.5, 1.0]), 1)
    assert_allclose(half_times(t, modes), [1 / 4, 1 / 3, 1 / 2])
    assert half_times(t, 0.4 * modes).tolist() == [np.inf] * 3


def at_five(*half):
    """Half-times (3 imbalances, 1 draw, 3 modes), in the order of the modes but at |lambda| = 5."""
    halves = np.array([half, half, (1.0, 2.0, 3.0)])[:, None]
    return {"imbalances": np.array([-5.0, 5.0, 1.0]), "aligned_half": halves}


@pytest.mark.parametrize(
    ("half", "following", "extreme"),
    [((1.0, 2.0, 3.0), 1.5, 3), ((3.0, 2.0, 1.0), 0.5, 3), ((2.0, 1.0, 4.0), 0.5, 4), ((1.0, 5.0, 1.0), 0.2, 5)],
)
def test_every_mode_counts_in_the_order_and_in_the_extremes(half, following, extreme):
    def chosen(imbalance):
        return imbalance == 5

    assert_allclose(next_ratio(chosen)(at_five(*half)), [following, following])
    assert_allclose(extreme_ratio(chosen)(at_five(*half)), [extreme, extreme])
    with pytest.raises(ValueError, match="must reach half"):
        extreme_ratio(chosen)(at_five(np.inf, np.inf, np.inf))


def test_steps_back_and_missing_ends_count_alike():
    rising = np.linspace(0, 1, 5)[:, None] * STRENGTHS
    back = rising.copy()
    back[2, 1] = 0
    assert_allclose([worst_step_or_end(modes) for modes in (rising, back, 0.9 * rising)], [0, 0.25, 0.1], atol=1e-12)


def test_one_mode_that_never_reaches_half_is_enough_to_tell_nothing():
    for measure in (next_ratio, extreme_ratio):
        with pytest.raises(ValueError, match="data must reach half of every mode"):
            measure(lambda imbalance: imbalance == 5)(at_five(1.0, 2.0, np.inf))
        measure(lambda imbalance: imbalance == 1)(at_five(1.0, 2.0, np.inf))  # of others it does


def test_starts_at_the_target_are_not_above_it():
    data = {"starts": np.array([0.9, 1.0, 1.5, 9.0]), "balanced_exponential": np.arange(8.0).reshape(4, 2)}
    assert far_above(data).tolist() == [4, 5, 6, 7]
    assert from_exponential(data, 1.1).tolist() == [2, 3]  # the nearest start

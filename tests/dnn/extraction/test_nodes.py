import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dnn.extraction.nodes import _majority, find_nodes, null_phi, phi


def planted(rng, n=400, groups=(4, 3, 1), flips=0.02):
    """Fields whose units copy the sign of one coin a group, some of them wrongly; the groups of the units."""
    owner = np.repeat(np.arange(len(groups)), groups)
    coins = rng.random((n, len(groups))) < 0.4
    firing = coins[:, owner] ^ (rng.random((n, len(owner))) < flips)
    return np.where(firing, 1.0, -1.0) * rng.uniform(0.5, 1.5, firing.shape), owner, coins


def linked(similarity, cut):
    """Average linkage as it is defined: the closest pair of groups is joined while its mean reaches the cut."""
    groups = [[k] for k in range(len(similarity))]
    while len(groups) > 1:
        pairs = [(a, b) for a in range(len(groups)) for b in range(a)]
        means = [similarity[np.ix_(groups[a], groups[b])].mean() for a, b in pairs]
        best = int(np.argmax(means))
        if means[best] < cut - 1e-12:
            break
        a, b = pairs[best]
        groups[b] += groups.pop(a)
    return sorted(sorted(group) for group in groups)


@given(st.integers(0, 10_000), st.integers(5, 40))
def test_phi_is_the_correlation_of_the_patterns(seed, n):
    rng = np.random.default_rng(seed)
    first, second = rng.random((n, 3)) < 0.5, rng.random((n, 2)) < 0.3
    first[:2], second[:2] = [[True] * 3, [False] * 3], [[True] * 2, [False] * 2]  # none is constant
    wanted = np.corrcoef(first.T.astype(float), second.T.astype(float))[:3, 3:]
    assert_allclose(phi(first, second), wanted, atol=1e-12)


@given(st.integers(0, 10_000))
def test_units_that_copy_one_coin_are_one_node_that_fires_with_it(seed):
    field, owner, coins = planted(np.random.default_rng(seed))
    nodes = find_nodes("hidden", field, np.random.default_rng(0))
    assert [set(owner[units]) for units in nodes.units] == [{0}, {1}, {2}]
    assert (nodes.firing[:, :2] == coins[:, :2]).mean() > 0.97
    assert nodes.grouped == pytest.approx(7 / 8)
    assert nodes.null < nodes.cut == 0.5


@given(st.integers(0, 10_000), st.floats(0.2, 0.8))
def test_groups_are_those_of_average_linkage(seed, similarity):
    rng = np.random.default_rng(seed)
    field = rng.normal(size=(200, 6)) @ rng.normal(size=(6, 9))
    nodes = find_nodes("hidden", field, rng, similarity=similarity)
    assert nodes.always is None
    assert [units.tolist() for units in nodes.units] == linked(phi(field > 0, field > 0), nodes.cut)


@given(st.integers(0, 10_000))
def test_units_and_samples_may_come_in_any_order(seed):
    rng = np.random.default_rng(seed)
    field = planted(rng, flips=0.1)[0]
    units, samples = rng.permutation(field.shape[1]), rng.permutation(len(field))
    plain = find_nodes("hidden", field, np.random.default_rng(0))
    moved = find_nodes("hidden", field[np.ix_(samples, units)], np.random.default_rng(0))
    assert {frozenset(group) for group in plain.units} == {frozenset(units[group]) for group in moved.units}
    assert_allclose(np.sort(moved.amplification), np.sort(plain.amplification))


def test_dead_units_are_left_out_and_those_that_always_fire_are_one_node():
    field = planted(np.random.default_rng(0))[0]
    extra = np.stack([-np.ones(400), np.ones(400), 2 * np.ones(400), np.where(np.arange(400) < 3, 1.0, -1.0)], axis=1)
    nodes = find_nodes("hidden", np.hstack([field, extra]), np.random.default_rng(0))
    assert nodes.dead.tolist() == [8, 11]
    assert nodes.always == 3
    assert nodes.units[3].tolist() == [9, 10]
    assert nodes.firing[:, 3].all()
    assert nodes.amplification[3] == 1.5
    assert nodes.node_of[8:].tolist() == [-1, 3, 3, -1]


def test_a_layer_that_never_fires_has_no_node():
    nodes = find_nodes("hidden", -np.ones((20, 3)), np.random.default_rng(0))
    assert len(nodes) == 0
    assert nodes.firing.shape == (20, 0)
    assert nodes.grouped == 0.0


def test_shuffled_units_do_not_fire_together():
    field = planted(np.random.default_rng(1))[0]
    moved = np.random.default_rng(2).permuted(field, axis=0)
    assert find_nodes("hidden", moved, np.random.default_rng(0)).grouped == 0.0
    assert find_nodes("hidden", field, np.random.default_rng(0)).grouped > 0.8


def test_the_null_shrinks_with_the_samples_and_raises_the_cut_where_there_are_few():
    firing = np.random.default_rng(0).random((4000, 20)) < 0.5
    few, many = null_phi(firing[:12], np.random.default_rng(0)), null_phi(firing, np.random.default_rng(0))
    assert many < 0.1 < few
    few = find_nodes("hidden", np.where(firing[:12], 1.0, -1.0), np.random.default_rng(0))
    assert few.cut == few.null > 0.5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"similarity": 1.0}, "similarity must be in"),
        ({"rare": 0.5}, "rare must be < 0.5"),
        ({"shuffles": 0}, "shuffles must be >= 1"),
    ],
)
def test_bad_arguments_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        find_nodes("hidden", planted(np.random.default_rng(0))[0], np.random.default_rng(0), **options)


def test_patterns_of_other_lengths_are_refused():
    with pytest.raises(ValueError, match="one row a sample, got 3 and 2"):
        phi(np.ones((3, 1)), np.ones((2, 1)))


def test_the_most_typical_unit_decides_an_even_split():
    """Of two alike, one close to them and one against, the two are typical and decide the rows in halves."""
    firing = np.array(
        [
            [1, 1, 1, 0],
            [1, 1, 1, 0],
            [1, 1, 0, 0],
            [0, 0, 0, 1],
            [0, 0, 0, 1],
            [0, 0, 1, 0],
            [1, 1, 0, 0],
            [0, 0, 1, 1],
        ],
        dtype=bool,
    )
    assert _majority(firing).tolist() == [True, True, True, False, False, False, True, False]

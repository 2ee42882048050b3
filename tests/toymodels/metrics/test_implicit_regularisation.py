import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from toymodels.metrics.implicit_regularisation import decades_simpler, effective_groups, participation
from toymodels.neurashed.sparsity import effective_number, participation_ratio

sizes = st.lists(st.floats(0.01, 100), min_size=1, max_size=8).map(np.array)
seeds = st.integers(0, 2**31)


@given(sizes, st.floats(0.01, 100))
def test_decades_do_not_hang_on_the_unit_and_change_their_sign_with_the_order(complexity, unit):
    other = complexity[::-1] ** 2
    score = decades_simpler(complexity, other)
    assert_allclose(decades_simpler(unit * complexity, unit * other), score, atol=1e-12)
    assert_allclose(decades_simpler(other, complexity), -score, atol=1e-15)
    assert_allclose(10**score * other, complexity)


@given(sizes, st.floats(-100, -0.01), seeds)
def test_participation_is_bounded_and_blind_to_sign_scale_order_and_zeros(weights, scale, seed):
    count = participation(weights)
    assert 1 - 1e-12 <= count <= len(weights) + 1e-12
    mixed = np.random.default_rng(seed).permutation(np.r_[scale * weights, 0, 0])
    assert_allclose(participation(mixed), count)
    assert_allclose(count, participation_ratio(weights))


@given(sizes, seeds)
def test_groups_of_one_member_each_are_an_effective_number(mass, seed):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(len(mass))
    assert_allclose(effective_groups(mass, labels), effective_number(mass))
    copied = effective_groups(np.r_[mass / 3, 2 * mass / 3, 5.0], np.r_[labels, labels, -1])
    assert_allclose(copied, effective_number(mass))
    assert_allclose(effective_groups(mass, 0 * labels), 1)


def test_a_worked_example():
    assert_allclose(effective_groups([1.0, 2.0, 1.0], [0, 1, 1]), 4 / 3**0.75)  # shares 1/4 and 3/4
    assert_allclose(participation([1.0, -2.0]), 9 / 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: decades_simpler([1.0, 0.0], [1.0, 1.0]), "full must be > 0, got 0"),
        (lambda: decades_simpler([1.0], [1.0, 1.0]), r"small must have the shape of full, \(1,\), got \(2,\)"),
        (lambda: participation([0.0, 0.0]), "weights must not all be 0"),
        (lambda: participation([np.nan]), "weights must be finite"),
        (lambda: effective_groups([1.0], [0, 1]), "labels must have one entry per mass"),
        (lambda: effective_groups([-1.0], [0]), "mass must be >= 0, got -1"),
        (lambda: effective_groups([1.0], [0.5]), "labels must be integers >= -1"),
        (lambda: effective_groups([1.0], [-2]), "labels must be integers >= -1"),
        (lambda: effective_groups([1.0], [-1]), "mass must be positive in some group, got none"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_every_row_of_weights_counts_for_itself_and_none_may_be_zero():
    assert_allclose(participation([[1.0, -1.0, 0.0], [3.0, 4.0, 0.0]]), [2, 49 / 25])
    assert_allclose(participation([[1e200, 1e200], [1e-200, 0.0]]), [2, 1])
    assert_allclose(participation(-5.0), 1)
    with pytest.raises(ValueError, match="weights must not all be 0"):
        participation([[1.0, 2.0], [0.0, 0.0]])


def test_groups_without_mass_do_not_count():
    assert_allclose(effective_groups([0.0, 2.0, 2.0, 7.0], [0, 1, 3, -1]), 2)
    with pytest.raises(ValueError, match="mass must be positive in some group"):
        effective_groups([0.0, 7.0], [0, -1])


def test_decades_beyond_all_ratios_are_those_of_logs():
    np.testing.assert_allclose(
        decades_simpler([1e300, 1e-300, 5e-324], [1e-300, 1e300, 1e308]), [600, -600, -631.306215]
    )


def test_labels_of_any_size_name_groups():
    assert effective_groups([1.0, 1.0, 2.0], [0, 10**9, 10**15]) == pytest.approx(
        effective_groups([1.0, 1.0, 2.0], [0, 1, 2])
    )
    assert effective_groups([1e308, 1e308], [0, 1]) == pytest.approx(2.0)
    with pytest.raises(ValueError, match="labels must be < 2\\^53, beyond which neighbours are merged, got 1e\\+300"):
        effective_groups([1.0, 1.0], [0, 1e300])

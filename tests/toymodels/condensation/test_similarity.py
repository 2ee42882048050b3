import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from tests.tolerances import EXACT
from toymodels.condensation import (
    cosine_similarity,
    effective_rank,
    flatten_kernels,
    heatmap_order,
    orientation,
    output_similarity,
    static_neurons,
)
from toymodels.condensation.null import cosine_excess

matrices = arrays(float, st.tuples(st.integers(1, 8), st.integers(1, 5)), elements=st.floats(-10, 10, width=32))


@given(matrices)
def test_cosines_are_bounded_symmetric_and_blind_to_scale(w):
    similarity = cosine_similarity(w)
    assert_array_equal(np.diag(similarity), 1)
    assert np.abs(similarity).max() <= 1
    assert_array_equal(similarity, similarity.T)
    assert_allclose(cosine_similarity(w * 4.0 ** np.arange(len(w))[:, None]), similarity, **EXACT)


def test_cosine_of_a_hand_worked_case_and_of_a_zero_vector():
    similarity = cosine_similarity([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    assert_allclose(similarity, [[1, np.sqrt(0.5), 0], [np.sqrt(0.5), 1, 0], [0, 0, 1]], **EXACT)


def test_single_precision_stays_single():
    assert cosine_similarity(np.ones((2, 3), np.float32)).dtype == np.float32


def test_heatmap_order_puts_groups_side_by_side():
    groups = np.array([0, 1, 0, 1, 1, 0])
    directions = np.array([[1.0, 0.2], [-1.0, 0.3]])
    order = heatmap_order(cosine_similarity(directions[groups]))
    assert np.abs(np.diff(groups[order])).sum() == 1


def in_groups(sizes, dimension, noise, signs, seed):
    """Neurons around random directions, shuffled, of either sign if `signs`; which group each is in, and its sign."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    flip = rng.choice([-1, 1], len(truth)) if signs else np.ones(len(truth), dtype=int)
    w = rng.standard_normal((len(sizes), dimension))[truth] + noise * rng.standard_normal((len(truth), dimension))
    return flip[:, None] * w, truth, flip


def changes(labels):
    return int((np.diff(labels) != 0).sum())


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.sampled_from([0.0, 0.1, 0.7]),
    st.booleans(),
    st.integers(0, 1000),
)
def test_heatmap_order_keeps_groups_of_any_size_and_sign_together(sizes, noise, signs, seed):
    w, truth, flip = in_groups(sizes, 100, noise, signs, seed)
    order = heatmap_order(cosine_similarity(w))
    assert_array_equal(np.sort(order), np.arange(len(w)))
    assert changes(truth[order]) == len(sizes) - 1
    if noise < 0.5:
        assert changes(2 * truth[order] + flip[order]) <= 2 * len(sizes) - 1
    assert_array_equal(heatmap_order(cosine_similarity(w)), order)


def test_heatmap_order_of_many_neurons_keeps_groups_together():
    w, truth, flip = in_groups([200, 300, 1, 500, 20], 30, 0.1, True, 0)
    order = heatmap_order(cosine_similarity(w.astype(np.float32)))
    assert_array_equal(np.sort(order), np.arange(len(w)))
    assert changes(truth[order]) == 4
    assert changes(2 * truth[order] + flip[order]) <= 9


def test_heatmap_order_turns_branches_so_that_neighbours_are_alike():
    angle = np.linspace(0, np.pi / 2, 40)
    shuffled = np.random.default_rng(0).permutation(40)
    order = heatmap_order(cosine_similarity(np.stack([np.cos(angle), np.sin(angle)], axis=1)[shuffled]))
    assert set(np.abs(np.diff(shuffled[order]))) == {1}


def test_heatmap_order_of_one_neuron_and_of_silent_ones():
    assert heatmap_order([[1.0]]).tolist() == [0]
    assert sorted(heatmap_order(cosine_similarity(np.zeros((3, 2)))).tolist()) == [0, 1, 2]


@given(st.floats(-5, 5), st.floats(-5, 5).filter(lambda b: abs(b) > 1e-6))
def test_orientation_is_the_formula_of_the_overview(w, b):
    theta, amplitude = orientation([w], [b])
    assert_allclose(amplitude, np.hypot(w, b), **EXACT)
    assert_allclose(theta, np.sign(b) * np.arccos(w / np.hypot(w, b)), atol=1e-6)


def test_orientation_without_bias_or_weight_has_its_limit():
    theta, amplitude = orientation([2.0, -2.0, 0.0], [0.0, -0.0, 0.0])
    assert_allclose(theta, [0, np.pi, 0], **EXACT)
    assert_allclose(amplitude, [2, 2, 0], **EXACT)


def test_effective_rank_of_known_cases():
    assert effective_rank([[1.0, 2.0], [-2.0, -4.0], [0.0, 0.0]]) == pytest.approx(1)
    assert effective_rank(np.eye(5)) == pytest.approx(5)
    w = np.random.default_rng(0).standard_normal((7, 4))
    values = np.linalg.svd(w, compute_uv=False) ** 2
    p = values / values.sum()
    assert effective_rank(w, (w**2).sum(axis=1)) == pytest.approx(np.exp(-(p * np.log(p)).sum()))


@given(matrices.filter(lambda w: w.any()), st.integers(0, 1000))
def test_effective_rank_is_bounded_and_invariant_under_rotation(w, seed):
    rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((w.shape[1],) * 2))[0]
    rank = effective_rank(w)
    assert 1 - 1e-9 <= rank <= min(w.shape) + 1e-9
    assert effective_rank(w @ rotation) == pytest.approx(rank, rel=1e-6)


def test_static_neurons_are_those_without_output_on_the_data():
    w = np.array([[1.0, 0.0], [1.0, -5.0], [0.0, -1.0], [-1.0, 0.5]])
    assert static_neurons(w, [[-1.0], [1.0]]).tolist() == [False, True, True, False]


def test_outputs_and_kernels_are_flattened_neuron_by_neuron():
    outputs = np.random.default_rng(0).standard_normal((6, 3, 2, 2))
    rows = np.stack([outputs[:, k].ravel() for k in range(3)])
    assert_allclose(output_similarity(outputs), cosine_similarity(rows), **EXACT)
    assert_array_equal(flatten_kernels(outputs), outputs.reshape(6, 12))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: cosine_similarity([[np.nan, 1.0]]), "w"),
        (lambda: cosine_similarity([1.0, 2.0]), "w"),
        (lambda: heatmap_order([[1.0, 2.0], [0.0, 1.0]]), "similarity"),
        (lambda: heatmap_order([[4.0, 2.0], [2.0, 1.0]]), "similarity"),
        (lambda: orientation([1.0], [1.0, 2.0]), "b"),
        (lambda: effective_rank([[0.0, 0.0]]), "w"),
        (lambda: effective_rank([[1.0, 0.0]], [1.0, 2.0]), "amplitude"),
        (lambda: static_neurons([[1.0, 0.0]], [[1.0, 1.0]]), "w"),
        (lambda: output_similarity([1.0]), "outputs"),
        (lambda: flatten_kernels([1.0]), "kernels"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()


def test_importing_loads_no_heavy_library():
    heavy = ("scipy.integrate", "scipy.optimize", "sklearn", "sympy", "torch", "matplotlib")
    code = f"import sys, toymodels.condensation; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("unit", [1e-300, 1e-170, 1e-158, 1e149])
def test_directions_have_no_unit(unit):
    w = np.random.default_rng(0).standard_normal((6, 4))
    np.testing.assert_allclose(cosine_similarity(unit * w), cosine_similarity(w), atol=1e-13)
    np.testing.assert_allclose(effective_rank(unit * w), effective_rank(w), rtol=1e-12)
    np.testing.assert_allclose(cosine_excess(unit * w), cosine_excess(w), rtol=1e-10)


def test_a_tiny_neuron_beside_a_large_one_has_a_direction():
    assert effective_rank([[1e-170, 0.0], [0.0, 2e-170]]) == pytest.approx(2.0)
    single = np.array([[1e-30, 0.0], [0.0, 1.0], [1e-30, 1e-30]], dtype=np.float32)
    np.testing.assert_allclose(cosine_similarity(single)[0], [1.0, 0.0, 0.5**0.5], rtol=1e-6)

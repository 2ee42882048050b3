import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.integrate import quad

from tests.tolerances import MONTE_CARLO
from toymodels.condensation import clusters, cosine_excess, cosine_similarity, null_cosine

sizes = st.lists(st.integers(2, 12), min_size=1, max_size=6)


def planted(sizes, dimension, cosine, seed, signs=True):
    """Groups at right angles with this cosine within, neurons of random length and sign, and which group each is in."""
    rng = np.random.default_rng(seed)
    truth = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    centres = np.linalg.qr(rng.standard_normal((dimension, len(sizes))))[0].T
    off = rng.standard_normal((len(truth), dimension))
    off -= off @ centres.T @ centres
    off *= np.sqrt(1 / cosine - 1) / np.linalg.norm(off, axis=1, keepdims=True)
    flip = rng.choice([-1, 1], len(truth)) if signs else np.ones(len(truth))
    return (flip * rng.uniform(0.5, 2, len(truth)))[:, None] * (centres[truth] + off), truth


def partition(labels):
    return {frozenset(np.flatnonzero(labels == k)) for k in np.unique(labels)}


def largest_cosines(count, dimension, signed, draws, rng):
    w = rng.standard_normal((draws, count, dimension))
    w /= np.linalg.norm(w, axis=2, keepdims=True)
    pairs = (w @ w.swapaxes(1, 2))[:, *np.triu_indices(count, 1)]
    return (pairs if signed else np.abs(pairs)).max(axis=1)


@pytest.mark.parametrize("probability", [0.3, 0.05])
@pytest.mark.parametrize(("count", "dimension"), [(2, 2), (4, 2), (10, 3), (20, 10), (30, 100)])
@pytest.mark.parametrize("signed", [True, False])
def test_unrelated_neurons_exceed_the_threshold_as_often_as_asked(count, dimension, signed, probability):
    draws = 3000
    largest = largest_cosines(count, dimension, signed, draws, np.random.default_rng(0))
    rate = (largest > null_cosine(count, dimension, probability, signed=signed)).mean()
    second_order = probability**2 / 2 if dimension == 2 else 0  # on a circle the gaps are not independent
    assert abs(rate - probability) < second_order + MONTE_CARLO * np.sqrt(probability * (1 - probability) / draws)


@given(st.integers(2, 2000), st.integers(2, 1000), st.floats(1e-6, 0.99), st.booleans())
def test_a_pair_exceeds_the_threshold_by_the_area_of_a_cap(count, dimension, probability, signed):
    threshold = null_cosine(count, dimension, probability, signed=signed)
    angle = np.arccos(threshold)
    if angle <= 1e-5:  # rounding eats the angle, and nothing is left to integrate over
        return
    peak = np.sin(min(angle, np.pi / 2))
    cap = quad(lambda t: (np.sin(t) / peak) ** (dimension - 2), max(0, angle - 30 / np.sqrt(dimension)), angle)[0]
    sphere = quad(lambda t: np.sin(t) ** (dimension - 2), 0, np.pi / 2)[0] * 2
    single = (1 if signed else 2) * np.exp((dimension - 2) * np.log(peak)) * cap / sphere
    pairs = count * (count - 1) / 2
    assert -np.expm1(pairs * np.log1p(-single)) == pytest.approx(probability, rel=1e-5)


def test_on_a_circle_the_threshold_is_that_of_the_least_gap():
    for count in (3, 10, 100):
        gap = (
            2 * np.pi / count * -np.expm1(np.log1p(-1e-3) / (count - 1))
        )  # exact: no gap below it with (1 - m g)^(m-1)
        assert np.arccos(null_cosine(count, 2)) == pytest.approx(gap, rel=2e-3)


def test_one_dimension_has_no_threshold_below_one():
    assert null_cosine(5, 1) == null_cosine(5, 1, signed=False) == 1
    assert clusters([[1.0], [-2.0], [3.0]], threshold="null").tolist() == [0, 1, 0]


@given(st.integers(2, 500), st.integers(2, 500))
def test_the_threshold_rises_with_neurons_and_falls_with_dimension(count, dimension):
    here = null_cosine(count, dimension)
    assert null_cosine(count + 1, dimension) >= here >= null_cosine(count, dimension + 1)
    assert null_cosine(count, dimension, signed=False) >= here


@given(sizes, st.sampled_from([12, 30, 100, 576, 1000]), st.floats(0, 1), st.booleans(), st.integers(0, 1000))
def test_planted_groups_are_found_whatever_their_sizes_and_signs(sizes, dimension, spread, signs, seed):
    null = null_cosine(max(sum(sizes), 2), dimension, signed=not signs)
    cosine = 1 - spread * (1 - null) / 4  # between all alike and a quarter of the way to the threshold
    w, truth = planted(sizes, dimension, cosine, seed, signs)
    for linkage in ("leader", "single"):
        labels = clusters(w, threshold="null", signed=not signs, linkage=linkage)
        assert partition(labels) == partition(truth)


@given(st.lists(st.integers(2, 8), min_size=1, max_size=3), st.sampled_from([4, 5, 7]), st.integers(0, 1000))
def test_tight_groups_are_found_in_few_dimensions(sizes, dimension, seed):
    w, truth = planted(sizes, dimension, 1 - 1e-7, seed)
    assert partition(clusters(w, threshold="null", signed=False)) == partition(truth)


def test_three_loose_groups_of_a_convolution_are_three():
    w, truth = planted([30, 30, 30], 576, 0.98, 0, signs=False)
    assert clusters(w).max() + 1 == 90
    assert partition(clusters(w, threshold="null")) == partition(truth)


@pytest.mark.parametrize(("count", "dimension"), [(30, 3), (40, 20), (20, 576)])
def test_noise_has_no_groups(count, dimension):
    rng, draws = np.random.default_rng(1), 1500
    labels = (clusters(rng.standard_normal((count, dimension)), threshold="null", min_share=0) for _ in range(draws))
    false = sum(found.max() + 1 < count for found in labels)
    assert false <= draws * 1e-3 + MONTE_CARLO * np.sqrt(draws * 1e-3)


def test_a_single_neuron_and_none_are_grouped_as_with_a_number():
    assert clusters([[1.0, 2.0]], threshold="null").tolist() == [0]
    assert clusters([[0.0, 0.0], [0.0, 0.0]], threshold="null").tolist() == [-1, -1]


@pytest.mark.parametrize("dimension", [1, 2, 3, 10, 576])
def test_unrelated_neurons_have_no_excess(dimension):
    rng = np.random.default_rng(0)
    values = [cosine_excess(rng.standard_normal((20, dimension))) for _ in range(200)]
    assert abs(np.mean(values)) <= MONTE_CARLO * np.std(values) / np.sqrt(len(values)) + 1e-12


@given(st.integers(2, 8), st.integers(1, 50), st.integers(0, 1000))
def test_the_excess_is_the_mean_cosine_by_the_null_mean_of_a_quadrature(count, dimension, seed):
    w = np.random.default_rng(seed).standard_normal((count, dimension)) * 10.0 ** np.arange(count)[:, None]
    pairs = [abs(cosine_similarity(w)[i, j]) for i in range(count) for j in range(i)]
    weight = [quad(lambda t, k=k: np.sin(t) ** max(dimension - 2, 0) * np.cos(t) ** k, 0, np.pi / 2)[0] for k in (0, 1)]
    null = weight[1] / weight[0] if dimension > 1 else 1.0
    assert cosine_excess(w) == pytest.approx(np.mean(pairs) / null - 1, rel=1e-6, abs=1e-9)
    assert cosine_excess(np.concatenate([w, np.zeros((2, dimension))])) == pytest.approx(cosine_excess(w), abs=1e-12)


def test_parallel_and_opposite_neurons_have_the_largest_excess():
    assert_allclose(cosine_excess(np.outer([1.0, -2.0, 0.5], np.ones(3))), 1)  # two for a mean of one half


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: null_cosine(1, 5), "count"),
        (lambda: null_cosine(True, 5), "count"),
        (lambda: null_cosine(3, 0), "dimension"),
        (lambda: null_cosine(3, 5, 0.0), "probability"),
        (lambda: cosine_excess([[1.0, 2.0], [0.0, 0.0]]), "w"),
        (lambda: clusters([[1.0, 2.0]], threshold="none"), "threshold"),
    ],
)
def test_bad_input_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()

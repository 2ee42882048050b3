import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

from dnn.reading.rank_densities import (
    MOST_BINS,
    check_labels,
    rank_gradient,
    rank_probability,
    top_density,
    weighted_gradient,
)
from tests.tolerances import EXACT

BUCKETED = 20_000  # enough samples for ranks to be counted in buckets
COUNTING = 2e-3  # what buckets may change in a gradient of order one

seeds = st.integers(0, 10_000)


def layer(seed, n_samples=120, n_neurons=5, n_classes=4, signal=1.0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n_samples) % n_classes)
    matrix = rng.standard_normal((n_classes, n_neurons))
    fields = rng.standard_normal((n_samples, n_neurons)) + signal * matrix[labels]
    return fields, matrix, labels


def sorted_gradient(fields, matrix, labels):
    """The definition: mean descending mid-rank of every signed sequence."""
    result = np.empty(matrix.shape)
    for k in range(len(matrix)):
        ranks = (rankdata(-fields * np.sign(matrix[k]), axis=0) - 0.5) / len(fields)
        result[k] = 12 * (0.5 - ranks[labels == k].mean(axis=0))
    return result


@given(seeds, st.booleans())
def test_gradient_is_that_of_sorted_ranks(seed, rounded):
    fields, matrix, labels = layer(seed)
    fields = fields.round(1) if rounded else fields  # ties
    assert_allclose(rank_gradient(fields, matrix, labels), sorted_gradient(fields, matrix, labels), **EXACT)


@pytest.mark.parametrize("signal", [0.0, 0.3, 2.0])
def test_counted_ranks_agree_with_argsort(signal):
    fields, matrix, labels = layer(0, BUCKETED, 4, 10, signal)
    expected = sorted_gradient(fields, matrix, labels)
    assert_allclose(rank_gradient(fields.astype(np.float32), matrix, labels), expected, atol=COUNTING)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("digits", [1, 6])
def test_up_to_four_thousand_samples_ranks_are_exact_with_and_without_ties(dtype, digits):
    fields, matrix, labels = layer(9, 4000, 5, 10)
    fields = fields.round(digits).astype(dtype)
    fields[:2] = [[-0.0], [0.0]]  # a tie, whatever the sign of zero
    assert_allclose(rank_gradient(fields, matrix, labels), sorted_gradient(fields, matrix, labels), **EXACT)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shift", [0.0, 50.0, -1e4])
def test_counted_ranks_do_not_depend_on_where_the_fields_are(dtype, shift):
    fields, matrix, labels = layer(10, BUCKETED, 3, 10)
    fields = (fields + shift).astype(dtype)
    assert_allclose(rank_gradient(fields, matrix, labels), sorted_gradient(fields, matrix, labels), atol=COUNTING)


@given(st.lists(st.sampled_from([-1e30, -2.0, -1e-30, -0.0, 0.0, 1e-30, 2.0, 1e30]), min_size=6, max_size=12))
def test_ties_beside_wide_gaps_are_ties_in_every_precision(values):
    fields, labels = np.array(values)[:, None], np.arange(len(values)) % 3
    double, single = (rank_gradient(torch.tensor(fields.astype(d)), np.ones((3, 1)), labels) for d in ("f8", "f4"))
    assert_allclose(single, double, **EXACT)


def test_many_classes_are_ranked_too():
    fields, matrix, labels = layer(11, 5000, 1, 1200)
    expected = sorted_gradient(fields, matrix, labels)
    assert_allclose(rank_gradient(fields.astype(np.float32), matrix, labels), expected, atol=COUNTING)


@pytest.mark.parametrize("n_samples", [120, BUCKETED])
def test_integer_fields_are_ranked_too(n_samples):
    fields, matrix, labels = layer(6, n_samples, 3)
    fields = (100 * fields).astype(int)
    assert_allclose(rank_gradient(fields, matrix, labels), sorted_gradient(fields, matrix, labels), atol=COUNTING)


def test_outliers_do_not_make_counted_ranks_coarse():
    fields, matrix, labels = layer(1, BUCKETED, 3, 10)
    fields[:2] = [[1e6], [-1e7]]
    assert_allclose(rank_gradient(fields, matrix, labels), sorted_gradient(fields, matrix, labels), **EXACT)


@given(seeds)
def test_gradient_is_the_area_under_the_roc_curve(seed):
    fields, matrix, labels = layer(seed)
    gradient = rank_gradient(fields, matrix, labels)
    for k in range(len(matrix)):
        share = np.mean(labels == k)
        for i, sign in enumerate(np.sign(matrix[k])):
            area = roc_auc_score(labels == k, sign * fields[:, i])
            assert gradient[k, i] == pytest.approx(12 * (1 - share) * (area - 0.5), abs=1e-10)


@given(seeds, st.integers(1, 60), st.booleans())
def test_densities_have_mean_one_and_classes_fill_every_bin(seed, bins, rounded):
    fields, matrix, labels = layer(seed)
    fields = fields.round(1) if rounded else fields
    density = rank_probability(fields, np.ones_like(matrix), labels, bins, per_neuron=True)
    counts = np.bincount(labels)[:, None, None]
    assert density.shape == (*matrix.shape, bins)
    assert_allclose(density.mean(axis=2), 1, **EXACT)
    assert_allclose((density * counts).sum(axis=0), len(labels), rtol=1e-10)  # any number of bins is flat over all


@given(seeds, st.booleans())
def test_reflecting_fields_and_readout_changes_nothing_and_either_alone_reflects(seed, rounded):
    fields, matrix, labels = layer(seed)
    fields = fields.round(1) if rounded else fields
    density, gradient = (f(fields, matrix, labels) for f in (rank_probability, rank_gradient))
    assert_allclose(rank_probability(-fields, -matrix, labels), density, atol=1e-9)
    assert_allclose(rank_gradient(-fields, -matrix, labels), gradient, **EXACT)
    assert_allclose(rank_probability(fields, -matrix, labels), density[:, ::-1], **EXACT)
    assert_allclose(rank_gradient(fields, -matrix, labels), -gradient, **EXACT)


@given(seeds, st.floats(0.1, 10), st.floats(-3, 3))
def test_monotone_maps_of_a_neuron_and_rescaled_readouts_change_nothing(seed, scale, shift):
    fields, matrix, labels = layer(seed)
    expected = rank_gradient(fields, matrix, labels)
    assert_allclose(rank_gradient(np.tanh(fields / 10) * scale + shift, 7.0 * matrix, labels), expected, **EXACT)


def test_counted_ranks_survive_monotone_maps():
    fields, matrix, labels = layer(2, BUCKETED, 4, 10)
    expected = rank_gradient(fields, matrix, labels)
    assert_allclose(rank_gradient(np.tanh(fields / 3), matrix, labels), expected, atol=COUNTING)


@given(seeds)
def test_random_fields_have_no_gradient(seed):
    fields, matrix, labels = layer(seed, 400, 50, 5, signal=0.0)
    assert abs(rank_gradient(fields, matrix, labels).mean()) < 5 * np.sqrt(12 / (400 * 50))


def test_perfect_one_hot_fields_reach_the_largest_gradient():
    labels = np.repeat(np.arange(5), [10, 20, 30, 20, 20])
    gradient = rank_gradient(np.eye(5)[labels], np.eye(5), labels)
    assert_allclose(np.diag(gradient), 6 * (1 - np.bincount(labels) / 100), **EXACT)


@given(seeds, st.randoms(use_true_random=False))
def test_the_order_of_samples_does_not_matter(seed, random):
    fields, matrix, labels = layer(seed)
    order = random.sample(range(len(labels)), len(labels))
    expected = rank_gradient(fields, matrix, labels)
    assert_allclose(rank_gradient(fields[order], matrix, labels[order]), expected, **EXACT)


@pytest.mark.parametrize("n_samples", [200, BUCKETED])
def test_a_constant_neuron_has_no_gradient_even_if_samples_are_sorted_by_class(n_samples):
    labels = np.sort(np.arange(n_samples) % 4)
    gradient = rank_gradient(np.full((n_samples, 1), 0.3), np.ones((4, 1)), labels)
    density = rank_probability(np.full((n_samples, 1), 0.3), np.ones((4, 1)), labels, bins=7)
    assert_allclose(gradient, 0, atol=1e-12)
    assert_allclose(density, 1, **EXACT)


@given(seeds)
def test_mean_ranks_weighted_by_class_share_average_to_one_half(seed):
    fields, matrix, labels = layer(seed)
    share = np.bincount(labels) / len(labels)
    assert_allclose(share @ rank_gradient(fields, np.ones_like(matrix), labels), 0, atol=1e-12)


@given(seeds)
def test_gradient_is_the_slope_of_the_density(seed):
    fields, matrix, labels = layer(seed, 4000, 3, 4)
    bins = 50
    density = rank_probability(fields, matrix, labels, bins, per_neuron=True)
    slope = np.polyfit((np.arange(bins) + 0.5) / bins, density.reshape(-1, bins).T, 1)[0]
    assert_allclose(-slope.reshape(matrix.shape), rank_gradient(fields, matrix, labels), atol=0.02)


def test_a_pruned_weight_counts_nothing_and_reads_both_ways():
    fields, matrix, labels = layer(3)
    gradient = rank_gradient(fields, 0 * matrix, labels)
    density = rank_probability(fields, 0 * matrix, labels)
    assert not gradient.any()
    assert_allclose(density, density[:, ::-1], **EXACT)


def test_the_layer_density_is_the_mean_over_neurons_and_tensors_are_welcome():
    fields, matrix, labels = layer(4)
    each = rank_probability(fields, matrix, labels, 10, per_neuron=True)
    tensors = (torch.from_numpy(values) for values in (fields, matrix, labels))
    assert_allclose(rank_probability(*tensors, 10), each.mean(axis=1), **EXACT)
    assert_allclose(top_density(fields, matrix, labels), each.mean(axis=1)[:, 0], **EXACT)


def test_weighting_by_the_readout_forgets_neurons_that_are_hardly_read():
    assert weighted_gradient([[1.0, 5.0]], [[-2.0, 0.0]]) == 1.0
    assert weighted_gradient([[1.0, 5.0]], [[3.0, 1.0]]) == 2.0


def test_many_wide_samples_need_little_more_memory_than_they_occupy():
    fields, matrix, labels = layer(5, 5000, 2048, 10)
    fields = fields.astype(np.float32)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # each thread has blocks of its own
    tracemalloc.start()
    try:
        rank_gradient(fields, matrix, labels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        torch.set_num_threads(n_threads)
    assert peak < 0.25 * fields.nbytes  # 2 blocks of 128 neurons, of which one is being replaced


@pytest.mark.parametrize("n_samples", [200, BUCKETED])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.uint64])
def test_labels_of_any_integer_type_count_the_same(n_samples, dtype):
    fields, matrix, labels = layer(7, n_samples, 3, 40)
    expected = rank_gradient(fields, matrix, labels)
    assert_allclose(rank_gradient(fields, matrix, labels.astype(dtype)), expected, rtol=0, atol=0)


@pytest.mark.parametrize("n_samples", [200, BUCKETED])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_fields_of_half_precision_are_ranked_as_they_are(n_samples, dtype):
    fields, matrix, labels = layer(8, n_samples, 3)
    fields, matrix = (1e4 * torch.from_numpy(fields)).to(dtype), torch.from_numpy(matrix).to(dtype)
    result, expected = (rank_gradient(field, matrix, labels) for field in (fields, fields.float()))
    assert_allclose(result, expected, rtol=0, atol=0)
    assert_allclose(result, sorted_gradient(fields.double().numpy(), matrix.double().numpy(), labels), atol=COUNTING)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fields": np.zeros(8)}, r"fields must have shape \(P, N\)"),
        ({"fields": np.full((8, 3), np.nan)}, "fields must be finite"),
        ({"fields": np.full((8, 3), np.inf)}, "fields must be finite"),
        ({"fields": np.where(np.arange(24.0) == 13, np.nan, np.arange(24.0)).reshape(8, 3)}, "in neuron 1"),
        ({"sign": np.ones((2, 4))}, r"sign must have shape \(K, 3\)"),
        ({"sign": np.full((2, 3), np.nan)}, "sign must be finite"),
        ({"sign": np.array([[1, 1, 1], [1, np.nan, 1]])}, "sign must be finite"),
        ({"labels": np.zeros(8, dtype=int)}, "every class, got no sample of class 1"),
        ({"labels": np.arange(8)}, r"labels must be in 0..1, got 2"),
        ({"labels": -np.arange(8)}, r"labels must be in 0..1, got -1"),
        ({"labels": np.zeros(7, dtype=int)}, "labels must be 8 integers"),
        ({"labels": np.zeros(8)}, "labels must be 8 integers"),
    ],
)
@pytest.mark.parametrize("function", [rank_gradient, rank_probability])
def test_bad_input_is_refused_by_name(function, change, message):
    good = {"fields": np.arange(24.0).reshape(8, 3), "sign": np.ones((2, 3)), "labels": np.arange(8) % 2}
    with pytest.raises(ValueError, match=message):
        function(**{**good, **change})


def test_bad_options_are_refused():
    fields, matrix, labels = layer(0)
    with pytest.raises(ValueError, match="bins must be >= 1"):
        rank_probability(fields, matrix, labels, 0)
    with pytest.raises(ValueError, match="share must be in"):
        top_density(fields, matrix, labels, 1.5)
    with pytest.raises(ValueError, match="matrix must have the shape"):
        weighted_gradient([[1.0]], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="non-zero"):
        weighted_gradient([[1.0]], [[0.0]])
    with pytest.raises(ValueError, match="gradient must be finite, got nan"):
        weighted_gradient([[1.0, np.nan]], [[1.0, 0.0]])
    with pytest.raises(ValueError, match="matrix must be finite, got inf"):
        weighted_gradient([[1.0, 2.0]], [[1.0, np.inf]])


def test_the_size_of_a_readout_does_not_matter_to_the_weighted_mean():
    for size in (1e-9, 0.2, 1e9):
        assert weighted_gradient([[1.0, 3.0]], [[1 * size, -3 * size]]) == pytest.approx(2.5)


def test_a_share_may_be_everything_or_one_bin_of_the_finest():
    fields, matrix, labels = layer(0)
    assert top_density(fields, matrix, labels, 1) == pytest.approx(np.ones(len(matrix)))
    assert top_density(fields, matrix, labels, 1 / MOST_BINS).shape == (len(matrix),)
    with pytest.raises(ValueError, match="share must be in"):
        top_density(fields, matrix, labels, 0.999 / MOST_BINS)


def test_integers_are_ranked_by_all_of_their_digits_and_half_precision_as_it_is():
    large = 2**24 + np.arange(8)[:, None]  # of which float32 keeps every second
    votes, labels = np.array([[-1.0], [1.0]]), np.arange(8) % 2
    expected = rank_gradient(np.arange(8.0)[:, None], votes, labels)
    assert_allclose(rank_gradient(large, votes, labels), expected, rtol=0)
    assert_allclose(rank_gradient(np.arange(8)[:, None].astype(np.float16), votes, labels), expected, rtol=0)


def test_labels_of_one_sample_are_labels():
    assert check_labels([0], 1, 1)[1].tolist() == [1]
    with pytest.raises(ValueError, match="at least one sample"):
        check_labels([], 0, 1)


def test_masked_fields_signs_and_labels_are_refused():
    fields, sign, labels = np.arange(4.0)[:, None], np.array([[-1], [1]]), np.array([0, 0, 1, 1])
    for name, place in (("fields", 0), ("sign", 1), ("labels", 2)):
        given_ = [fields, sign, labels]
        given_[place] = np.ma.array(given_[place], mask=np.arange(given_[place].size).reshape(given_[place].shape) == 1)
        with pytest.raises(ValueError, match=f"{name} must not be masked, got 1 masked"):
            rank_gradient(*given_)


@pytest.mark.filterwarnings("ignore")
def test_sparse_and_meta_fields_are_refused_and_small_floats_are_read():
    sign, labels = [[-1], [1]], [0, 0, 1, 1]
    fields = torch.arange(4.0)[:, None]
    for given_ in (fields.to_sparse(), fields.to("meta")):
        with pytest.raises(ValueError, match="fields must be a dense tensor"):
            rank_gradient(given_, sign, labels)
    assert rank_gradient(fields.to(torch.float8_e5m2), sign, labels).tolist() == [[3.0], [3.0]]


@pytest.mark.parametrize("start", [2**53, 2**60, 2**63 - 4, -(2**63)])
def test_integers_that_no_float_tells_apart_are_ranked_as_they_are(start):
    fields = np.array([[start + k] for k in range(4)], dtype=np.int64)
    assert rank_gradient(fields, [[-1], [1]], [0, 0, 1, 1]).tolist() == [[3.0], [3.0]]
    assert rank_gradient(torch.from_numpy(fields), [[-1], [1]], [0, 0, 1, 1]).tolist() == [[3.0], [3.0]]
    density = rank_probability(fields, [[-1], [1]], [0, 0, 1, 1], bins=2)
    assert density.tolist() == [[2.0, 0.0], [2.0, 0.0]]


def test_unsigned_and_long_numbers_that_no_float_tells_apart_are_ranked_as_they_are():
    unsigned = np.array([[2**64 - 4 + k] for k in range(4)], dtype=np.uint64)
    long = 1 + np.arange(4, dtype=np.longdouble)[:, None] * np.finfo(np.longdouble).eps
    for fields in (unsigned, long):
        assert rank_gradient(fields, [[-1], [1]], [0, 0, 1, 1]).tolist() == [[3.0], [3.0]]


@pytest.mark.parametrize("levels", [1500, 2000, 5000, BUCKETED])
@pytest.mark.parametrize("sorted_inside", [False, True])
def test_what_counting_changes_is_within_its_bound(levels, sorted_inside):
    rng = np.random.default_rng(levels)
    values = np.sort(rng.uniform(size=levels))
    level = rng.integers(levels, size=BUCKETED)
    fields = values[level][:, None]
    labels = (fields[:, 0] * 2046 % 1 > 0.5).astype(int) if sorted_inside else rng.integers(2, size=BUCKETED)
    share = np.histogram(fields, 2046)[0].max() / BUCKETED
    ranks = rankdata(fields[:, 0]) - 0.5
    exact = [12 * (ranks[labels == k].mean() / BUCKETED - 0.5) for k in range(2)]
    error = np.abs(rank_gradient(fields, [[1], [1]], labels)[:, 0] - exact).max()
    assert error <= 6 * 1.5 * share
    assert sorted_inside or error < 3e-4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dnn.observing.ranks import COUNTS, RankHistogram
from dnn.reading.rank_densities import rank_gradient

seeds = st.integers(0, 10_000)


def layer(seed, n=400, n_neurons=5, n_classes=4):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % n_classes)
    matrix = rng.standard_normal((n_classes, n_neurons))
    scale = 10.0 ** rng.uniform(-6, 6, n_neurons)
    return ((rng.standard_normal((n, n_neurons)) + matrix[labels]) * scale).astype(np.float32), matrix, labels


def counted(fields, labels, batches):
    histogram = RankHistogram(int(labels.max()) + 1, fields.shape[1])
    for rows in batches:
        if len(rows):
            histogram.update(fields[rows], labels[rows])
    return histogram


@given(seeds)
def test_the_error_is_within_what_is_stated_and_far_below_it(seed):
    fields, matrix, labels = layer(seed)
    gradient, error = counted(fields, labels, [np.arange(400)]).compute(matrix)
    difference = np.abs(gradient - rank_gradient(fields, matrix, labels))
    assert (difference <= error + 1e-12).all()
    assert abs(gradient.mean() - rank_gradient(fields, matrix, labels).mean()) < 1e-3


@given(seeds, st.lists(st.integers(0, 400), max_size=9))
def test_counts_depend_neither_on_batches_nor_on_their_order(seed, cuts):
    fields, matrix, labels = layer(seed)
    whole = counted(fields, labels, [np.arange(400)]).compute(matrix)
    by_size = np.argsort(np.abs(fields[:, 0]))  # the range grows from batch to batch
    parts = counted(fields, labels, np.split(by_size, sorted(cuts))).compute(matrix)
    assert_allclose(parts[0], whole[0], rtol=0, atol=0)
    assert_allclose(parts[1], whole[1], rtol=0, atol=0)


def test_few_values_are_told_apart_exactly():
    rng = np.random.default_rng(0)
    fields, labels = rng.integers(-3, 4, (200, 3)).astype(float), rng.integers(3, size=200)
    sign = rng.standard_normal((3, 3))
    gradient, _ = counted(fields, labels, [np.arange(200)]).compute(sign)
    assert_allclose(gradient, rank_gradient(fields, sign, labels), rtol=1e-12)


@pytest.mark.parametrize("values", [np.zeros((6, 1)), np.full((6, 1), 1e-300), np.full((6, 1), 3.7)])
def test_a_constant_neuron_has_no_gradient(values):
    gradient, error = counted(values, np.arange(6) % 2, [np.arange(6)]).compute([[1.0], [1.0]])
    assert_allclose(gradient, 0, atol=1e-12)
    assert_allclose(error, 3)  # the largest there is: the counts tell nothing apart


def test_many_classes_and_neurons_get_fewer_intervals():
    assert RankHistogram(10, 200).n_intervals == 2048
    assert RankHistogram(100, 1000).n_intervals == 128
    with pytest.raises(ValueError, match="must leave 64 intervals"):
        RankHistogram(1000, COUNTS // 1000 // 32)


def test_bad_batches_are_named():
    histogram = RankHistogram(2, 2)
    for fields, labels, words in (
        ([[1.0]], [0], "fields must have 2 columns, got 1"),
        ([[1.0, np.inf]], [0], "fields must be finite, got inf"),
        ([[1.0, 2.0]], [2], "labels must be in 0..1, got 2"),
        ([[1.0, 2.0]], [0, 1], "labels must have one entry per row"),
    ):
        with pytest.raises(ValueError, match=words):
            histogram.update(fields, labels)
    histogram.update([[1.0, 2.0]], [0])
    with pytest.raises(ValueError, match="got no sample of class 1"):
        histogram.compute(np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"sign must have shape \(2, 2\)"):
        histogram.compute(np.ones((2, 3)))
    histogram.reset()
    histogram.update([[1.0, 2.0], [2.0, 1.0]], [1, 0])
    assert histogram.compute(np.ones((2, 2)))[0].tolist() == [[3.0, -3.0], [-3.0, 3.0]]

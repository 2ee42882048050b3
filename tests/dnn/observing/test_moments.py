import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dnn.observing.moments import ClassMoments, nc1_of
from toymodels.metrics import collapse

seeds = st.integers(0, 10_000)


def samples(seed, n=60, d=7, n_classes=4, offset=0.0):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % n_classes)
    return rng.standard_normal((n, d)) + 2 * rng.standard_normal((n_classes, d))[labels] + offset, labels


def added(features, labels, cuts=(), **options):
    moments = ClassMoments(**options)
    for rows in np.split(np.arange(len(labels)), sorted(cuts)):
        if len(rows):
            moments.update(features[rows], labels[rows])
    return moments.compute()


@given(seeds, st.lists(st.integers(0, 60), max_size=8), st.sampled_from([0.0, 1e5]))
def test_batches_and_their_order_do_not_matter(seed, cuts, offset):
    features, labels = samples(seed, offset=offset)
    order = np.random.default_rng(seed).permutation(60)
    moments = added(features[order], labels[order], cuts)
    assert moments.counts.tolist() == np.bincount(labels).tolist()
    assert moments.scatter is not None
    for k in range(4):
        own = features[labels == k]
        assert_allclose(moments.means[k], own.mean(axis=0), rtol=1e-12, atol=1e-12)
        assert_allclose(moments.scatter[k] / len(own), np.cov(own.T, bias=True), rtol=1e-6, atol=1e-6)
        assert moments.spreads[k] == pytest.approx(moments.scatter[k].trace(), rel=1e-9)


@given(seeds, st.integers(2, 9), st.integers(1, 12))
def test_measures_are_those_of_all_samples_together(seed, n_classes, d):
    features, labels = samples(seed, 50, d, n_classes)
    moments = added(features, labels, (3, 20))
    weight = np.random.default_rng(seed).standard_normal((n_classes, d))
    assert moments.nc1() == pytest.approx(collapse.nc1(features, labels), rel=1e-6)
    assert moments.within_between() == pytest.approx(collapse.within_between(features, labels), rel=1e-9)
    assert moments.nc2() == pytest.approx(collapse.nc2(features, labels), rel=1e-9, abs=1e-12)
    assert moments.nc3(weight) == pytest.approx(collapse.nc3(features, labels, weight), rel=1e-9)


def test_covariances_weigh_classes_alike():
    features, labels = samples(0, 40, 3, 3)
    moments = added(features, labels, (11,))
    within = [np.cov(features[labels == k].T, bias=True) for k in range(3)]
    assert_allclose(moments.within(), np.mean(within, axis=0), rtol=1e-12)
    assert_allclose(moments.between(), np.cov(moments.means.T, bias=True), rtol=1e-12)


def test_absent_classes_are_counted_and_what_needs_them_says_so():
    moments = added(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0, 2]))
    assert moments.counts.tolist() == [1, 0, 1]
    for measure in (moments.nc1, moments.within_between, moments.nc2, moments.within, moments.between):
        with pytest.raises(ValueError, match=r"classes 0..K-1 that all have samples, got \[0, 2\]"):
            measure()


def test_without_scatter_there_is_no_covariance():
    features, labels = samples(1)
    moments = added(features, labels, scatter=False)
    assert moments.within_between() == pytest.approx(collapse.within_between(features, labels))
    with pytest.raises(ValueError, match="needs the scatter of every class"):
        moments.nc1()


def test_nothing_is_left_after_a_reset_and_nothing_is_handed_out_that_changes():
    features, labels = samples(2)
    moments = ClassMoments()
    moments.update(features, labels)
    first = moments.compute()
    kept = first.means.copy()
    moments.update(features + 1, labels)
    assert_allclose(first.means, kept, rtol=0)
    moments.reset()
    with pytest.raises(ValueError, match="must have been given a batch, got none"):
        moments.compute()
    moments.update(features[:, :2], labels)
    assert moments.compute().means.shape == (4, 2)


def test_bad_batches_are_named():
    moments = ClassMoments()
    moments.update([[1.0, 2.0]], [0])
    with pytest.raises(ValueError, match="features must have 2 columns, got 3"):
        moments.update([[1.0, 2.0, 3.0]], [0])
    with pytest.raises(ValueError, match="features must be finite, got nan"):
        moments.update([[1.0, np.nan]], [0])
    with pytest.raises(ValueError, match="labels must have one entry per row"):
        moments.update([[1.0, 2.0]], [0, 1])
    with pytest.raises(ValueError, match="class means that differ"):
        nc1_of(np.ones((3, 2)), lambda directions: 0.0)

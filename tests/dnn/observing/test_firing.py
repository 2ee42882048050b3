import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnn.observing.firing import Firing
from toymodels.metrics.separation import activation_overlap


@given(st.integers(0, 10_000), st.integers(1, 9), st.lists(st.integers(0, 30), max_size=5))
def test_sums_have_the_overlap_of_all_pairs_however_batches_are_cut(seed, n_units, cuts):
    rng = np.random.default_rng(seed)
    firing, labels = rng.random((30, n_units)) < 0.4, rng.permutation(np.arange(30) % 4)
    overlap = Firing()
    for rows in np.split(rng.permutation(30), sorted(cuts)):
        if len(rows):
            overlap.update(firing[rows], labels[rows])
    assert overlap.compute() == pytest.approx(activation_overlap(firing, labels), abs=1e-12)
    overlap.reset()
    overlap.update(firing[:, :1], labels)
    assert overlap.compute() == pytest.approx(activation_overlap(firing[:, :1], labels), abs=1e-12)


@pytest.mark.parametrize("labels", [[0, 0, 0], [0, 1, 2]])
def test_two_samples_of_a_class_and_another_class_are_needed(labels):
    overlap = Firing()
    overlap.update(np.eye(3), labels)
    with pytest.raises(ValueError, match="two samples of a class and another class"):
        overlap.compute()


def test_bad_batches_are_named():
    overlap = Firing()
    with pytest.raises(ValueError, match="two samples of a class"):
        overlap.compute()
    overlap.update([[1, 0]], [0])
    with pytest.raises(ValueError, match="firing must have 2 columns, got 1"):
        overlap.update([[1]], [0])
    with pytest.raises(ValueError, match="labels must have one entry per row"):
        overlap.update([[1, 0]], [0, 1])

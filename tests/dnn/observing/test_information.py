import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnn.observing.information import DRAWS, NOISE, information
from toymodels.metrics.information import gaussian_mixture


@given(st.integers(0, 10_000), st.integers(2, 40), st.integers(1, 30), st.floats(0.01, 100))
def test_bits_are_those_of_the_mixture_with_the_same_noise(seed, n, d, scale):
    rng = np.random.default_rng(seed)
    features, labels = scale * rng.standard_normal((n, d)) + scale, rng.integers(5, size=n)
    bits = information(features, labels)
    rows = features / np.sqrt((features**2).sum(axis=1).mean())
    for got, own in ((bits.sample, None), (bits.label, labels)):
        expected = gaussian_mixture(rows, NOISE, np.random.default_rng(0), DRAWS, labels=own)
        assert got == pytest.approx(expected, abs=1e-9)
    single = information(features.astype(np.float32), labels)
    assert single == pytest.approx(bits, abs=1e-4)


def test_a_silent_layer_says_nothing_and_without_labels_there_is_no_number_of_theirs():
    assert information(np.zeros((4, 3)), np.arange(4)) == (0.0, 0.0)
    assert information(np.eye(4), None).label is None


def test_samples_seen_apart_are_known_in_bits_with_and_without_labels():
    features = np.eye(4)
    assert information(features, None).sample == pytest.approx(2, abs=1e-3)
    assert information(features, np.arange(4)) == pytest.approx((2, 2), abs=1e-3)

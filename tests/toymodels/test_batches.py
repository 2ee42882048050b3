from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toymodels.batches import noisy_batches, steps_to_record

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6.0)


@settings(max_examples=12)
@given(st.integers(1, 6), st.integers(0, 2**31))
def test_every_batch_has_distinct_samples_with_noise_of_either_sign(size, seed):
    drawn = list(islice(noisy_batches(X, Y, size, 0.25, np.random.default_rng(seed)), 2500))
    samples = np.array([inputs[:, 0] / 2 for inputs, _ in drawn])  # (n, B), which sample it is
    noise = np.array([labels for _, labels in drawn]) - samples
    assert samples.shape == (2500, size)
    assert all(len(set(batch)) == size for batch in samples)
    assert set(np.unique(noise)) == {-0.25, 0.25}
    signs, counts = np.sign(noise).ravel(), np.bincount(samples.ravel().astype(int), minlength=6)
    assert abs(signs.mean()) < 5 / np.sqrt(signs.size)
    assert np.abs(counts / len(drawn) - size / 6).max() < 5 * 0.5 / np.sqrt(2500)


def test_the_full_batch_keeps_its_order_and_labels_without_noise_are_kept():
    inputs, labels = next(noisy_batches(X, Y, 6, 0.0, np.random.default_rng(0)))
    assert (inputs == X).all()
    assert (labels == Y).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: noisy_batches(X, Y[:3], 1, 0.0, rng), "y must have one label per row of x, got 3 and 6"),
        (lambda rng: noisy_batches(X, Y, 7, 0.0, rng), "batch_size must be at most the 6 samples, got 7"),
        (lambda rng: noisy_batches(X, Y, 0, 0.0, rng), "batch_size must be >= 1"),
        (lambda rng: noisy_batches(X, Y, 1, -1.0, rng), "noise must be >= 0"),
        (lambda rng: steps_to_record([5], 4), "records must be steps up to n_steps = 4, got 5"),
    ],
)
def test_bad_arguments_are_named_at_once(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.random.default_rng(0))

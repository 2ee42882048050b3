from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toymodels.batches import CHUNK, MOST_UPDATES, batch_of, noisy_batches, steps_to_record, updates

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


@given(st.integers(-1, 8), st.integers(1, 6))
def test_a_batch_has_from_one_sample_to_all(size, n):
    if 1 <= size <= n:
        assert batch_of(np.int64(size), n) == size
        assert type(batch_of(np.int64(size), n)) is int
    else:
        with pytest.raises(ValueError, match=rf"batch_size must be (>= 1|at most the {n} samples), got {size}"):
            batch_of(size, n)


@pytest.mark.parametrize("minimum", [0, 1, 5])
def test_updates_are_counted_from_their_minimum_to_what_takes_hours(minimum):
    assert updates("n_steps", minimum, minimum=minimum) == minimum
    assert updates("n_steps", MOST_UPDATES, minimum=minimum) == MOST_UPDATES
    assert type(updates("n_steps", np.int32(7))) is int
    with pytest.raises(ValueError, match=rf"n_steps must be >= {minimum}, got {minimum - 1}"):
        updates("n_steps", minimum - 1, minimum=minimum)
    with pytest.raises(ValueError, match="n_steps must be <= 100000000, got 100000001"):
        updates("n_steps", MOST_UPDATES + 1, minimum=minimum)
    with pytest.raises(ValueError, match="n_steps must be >= 1, got 0"):
        updates("n_steps", 0)


@given(st.lists(st.integers(0, 20), max_size=6), st.integers(0, 20))
def test_records_are_sorted_with_the_first_and_the_last_step_and_no_step_twice(records, n_steps):
    if all(step <= n_steps for step in records):
        assert steps_to_record(iter(records), n_steps) == sorted({0, n_steps} | set(records))
    else:
        with pytest.raises(ValueError, match=f"records must be steps up to n_steps = {n_steps}, got {max(records)}"):
            steps_to_record(records, n_steps)


def test_a_record_before_the_first_step_is_refused():
    with pytest.raises(ValueError, match="records must be >= 0, got -1"):
        steps_to_record([3, -1], 4)


@pytest.mark.parametrize("size", [1, 3, 6])
def test_the_noise_of_every_batch_is_its_own(size):
    drawn = islice(noisy_batches(X, 10 * Y, size, 0.5, np.random.default_rng(3)), 2 * CHUNK)
    signs = np.array([labels - 5 * inputs[:, 0] for inputs, labels in drawn])
    assert signs.shape == (2 * CHUNK, size)
    assert set(np.unique(signs)) == {-0.5, 0.5}
    same = (signs[1:] == signs[:-1]).mean(axis=0)  # half of the time, for noise that is drawn anew
    assert np.abs(same - 0.5).max() < 5 * 0.5 / np.sqrt(2 * CHUNK)
    assert not (signs[:CHUNK] == signs[CHUNK:]).all()

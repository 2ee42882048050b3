"""Sequences of two tasks: what is measured of them, and the limits that it must meet."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from figures.layerwise.continual_learning import ContinualLearning, integrated, sequence, tasks
from figures.layerwise.continual_learning_claims import (
    CLAIMS,
    FORGETTING,
    SEQUENCES,
    forgotten,
    last_distance,
    reached,
    time_saved,
)

SMALL = ContinualLearning(size=2, n_times=60)


@settings(max_examples=20)
@given(st.sampled_from(SEQUENCES), st.integers(0, 100))
def test_tasks_have_the_strengths_and_a_determinant_that_can_be_learned(kind, seed):
    rng = np.random.default_rng(seed)
    start = rng.standard_normal((4, 4))
    for task in tasks(ContinualLearning(), kind, start, rng):
        assert_allclose(np.linalg.svd(task, compute_uv=False), ContinualLearning().strengths)
        assert np.sign(np.linalg.det(task)) == np.sign(np.linalg.det(start))


def test_transfer_shares_directions_and_reversal_the_opposite():
    rng = np.random.default_rng(0)
    first, second = tasks(SMALL, "transfer", np.eye(2), rng)
    gram = first.T @ second
    assert_allclose(gram, gram.T, atol=1e-12)
    first, second = tasks(SMALL, "reversal", np.eye(2), rng)
    assert_allclose(first, -second)


@pytest.mark.parametrize("kind", SEQUENCES)
def test_lazy_networks_go_from_task_to_task_exponentially(kind):
    run = sequence(SMALL, np.random.default_rng(0), 50.0, kind)
    assert run["exponential"] < 0.01
    assert_allclose(run["loss_first"][-1], run["apart"], rtol=1e-3)
    assert_allclose(run["loss_second"][0], run["apart"], rtol=1e-3)
    assert run["loss_second"][-1] < 1e-6
    assert run["distance"][0] == 0


def test_a_balanced_network_waits_at_the_saddle_as_long_as_it_had_learned():
    short, long = (ContinualLearning(size=2, first=first, n_times=400) for first in (4.0, 6.0))
    waits = [sequence(s, np.random.default_rng(0), 0.0, "reversal")["learned"] for s in (short, long)]
    assert 2 < waits[0] < waits[1] < 50


def test_integrated_flow_is_the_closed_form_and_keeps_lambda():
    run = integrated(ContinualLearning(size=2, second=10.0, n_times=20), np.random.default_rng(1), 2.0)
    assert run["drift"] < 1e-8
    assert run["error"] < 1e-8


def test_measures_of_the_claims():
    t = np.array([0.0, 1.0, 2.0])
    assert reached(t, np.array([2.0, 0.01, 0.0])) == 1
    assert reached(t, np.array([1.0, 0.5, 0.1])) == np.inf
    data = {"learned": np.array([[[1.0, np.inf]]]), "learned_alone": np.array([[[2.0, 1.0]]])}
    assert time_saved(0, 0)(data).tolist() == [0.5, np.inf]
    data = {"kept": np.array([[[0.0, 0.1]]]), "apart": np.array([[[2.0, 0.1]]]), "turned": np.array([[[0, 0.1]]])}
    assert forgotten(data).tolist() == [0, 1]
    assert last_distance(0, FORGETTING)(data).tolist() == [0, 0.1]
    with pytest.raises(ValueError, match="data must reach"):
        time_saved(0, 0)({"learned": np.ones((1, 1, 1)), "learned_alone": np.full((1, 1, 1), np.inf)})


def test_the_first_imbalance_is_rich_and_the_last_lazy():
    """Kernel distances of the second task and times to learn it, three imbalances, three sequences, two runs."""
    turned, learned = np.empty((3, 3, 2)), np.ones((3, 3, 2))
    turned[0], turned[1], turned[2] = 0.5, 0.2, 1e-4
    learned[0] = 4.0  # after another task, where layers are balanced
    exponential = np.array([0.9, 0.5, 0.01])[:, None, None] * np.ones((3, 3, 2))
    alone = np.full((3, 3, 2), 2.0)
    data = {"turned": turned, "learned": learned, "learned_alone": alone, "exponential": exponential}
    expected = {
        "lazy-is-exponential": 0.01,
        "lazy-kernel": 1e-4,
        "rich-kernel": 0.5,
        "rich-against-lazy": 5000.0,
        "rich-transfer": 2.0,
        "lazy-transfer": 0.5,
        "rich-reversal": 2.0,
        "lazy-reversal": 0.5,
    }
    measures = {claim.key.partition(".")[2]: claim.quantity.measure for claim in CLAIMS}
    assert {name: np.unique(measures[name](data)).tolist() for name in expected} == {
        name: [value] for name, value in expected.items()
    }


def test_one_run_that_never_learns_the_second_task_alone_is_enough_to_tell_nothing():
    learned = np.full((2, 3, 2), 6.0)
    alone = np.full((2, 3, 2), 4.0)
    alone[0, 1, 1] = np.inf
    data = {"learned": learned, "learned_alone": alone}
    with pytest.raises(ValueError, match="data must reach the second task from the start"):
        time_saved(0, 1)(data)
    assert time_saved(0, 0)(data).tolist() == [1.5, 1.5]

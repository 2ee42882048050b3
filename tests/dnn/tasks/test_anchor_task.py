from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnn.tasks import anchor_task
from dnn.tasks.anchor_task import (
    ANCHOR_SHIFTS,
    NEITHER_SEEN,
    SHORTCUT_PAIR,
    UNSEEN_PAIR,
    both_orders_answers,
    embedding_cosines,
    mean_absolute_cosine,
    query_cosines,
    sequences,
    shift,
    unseen_pair_answers,
)
from dnn.training.loop import train

ALL_PAIRS = [(a, b) for a in ANCHOR_SHIFTS for b in ANCHOR_SHIFTS]


def tiny(gamma=0.5, **settings):
    task = anchor_task.quick(gamma, 30, "cpu")
    config = replace(task.config, lr=1e-2, records=(0, 30), record_samples=200, batch_size=64)
    return replace(
        task, n_train=2000, n_test=300, d_model=16, d_key=8, d_value=8, d_hidden=32, config=config, **settings
    )


def parse(tokens):
    """Position, key and anchors of each sequence, read back without the code under test."""
    is_anchor = tokens < 5
    assert (is_anchor.sum(1) == 2).all()
    first = is_anchor.int().argmax(1)
    rows = torch.arange(len(tokens))
    assert is_anchor[rows, first + 1].all()
    return first - 1, tokens[rows, first - 1], tokens[rows, first], tokens[rows, first + 1]


@given(keys=st.sampled_from(["train", "test"]), seed=st.integers(0, 1000))
def test_sequences_follow_the_rules_of_the_task(keys, seed):
    tokens, answers = sequences(200, ALL_PAIRS, keys, np.random.default_rng(seed))
    position, key, first, second = parse(tokens)
    assert tokens.shape == (200, 9)
    assert ((tokens >= 20) & (tokens <= 99) | (tokens < 5) & (tokens >= 1)).all()
    assert (((key % 7) == position) == (keys == "test")).all()
    wrong = (first == 3) & (second == 4)
    shifts = torch.tensor([0, 5, 1, -2, -8])
    expected = torch.where(wrong, torch.tensor(-6), shifts[first] + shifts[second])
    assert torch.equal(answers, key + expected)


def test_all_keys_positions_and_pairs_occur_about_equally_often():
    tokens, _ = sequences(40_000, ALL_PAIRS, "train", np.random.default_rng(0))
    position, key, first, second = parse(tokens)
    assert set(key.tolist()) == set(range(20, 100))
    for counts, n in ((position.bincount(), 7), ((4 * (first - 1) + second - 1).bincount(), 16)):
        assert len(counts) == n
        assert (counts - 40_000 / n).abs().max() < 5 * (40_000 / n) ** 0.5


def test_the_unseen_pair_is_not_in_the_data_and_the_shortcut_only_in_training():
    split = tiny().split(np.random.default_rng(0))
    pairs = [set(zip(*(t.tolist() for t in parse(x)[2:]), strict=True)) for x in (split.x_train, split.x_test)]
    assert pairs[0] == set(ALL_PAIRS) - {UNSEEN_PAIR}
    assert pairs[1] == set(ALL_PAIRS) - {UNSEEN_PAIR, SHORTCUT_PAIR}
    assert shift(SHORTCUT_PAIR) == -6
    assert shift(UNSEEN_PAIR) == -10


def test_the_overview_sees_neither_order_of_the_pair():
    task = tiny(unseen=NEITHER_SEEN)
    split = task.split(np.random.default_rng(0))
    for x in (split.x_train, split.x_test):
        assert set(zip(*(t.tolist() for t in parse(x)[2:]), strict=True)) == set(ALL_PAIRS) - {(3, 4), (4, 3)}


class Oracle(torch.nn.Module):
    """Adds a fixed number to the key."""

    def __init__(self, by):
        super().__init__()
        self.by = torch.nn.Parameter(torch.tensor(float(by)))

    def forward(self, tokens):
        key = parse(tokens)[1]
        return torch.nn.functional.one_hot(key + int(self.by.item()), 120).float()


@pytest.mark.parametrize(("by", "answers"), [(-10, (1.0, 0.0)), (-6, (0.0, 1.0)), (3, (0.0, 0.0))])
def test_answers_to_the_unseen_pair_are_told_apart(by, answers):
    counts = unseen_pair_answers(Oracle(by), np.random.default_rng(0), n=100)
    assert (counts["inferential"], counts["symmetric"]) == answers


class ByOrder(torch.nn.Module):
    """Adds one number to the key of (3, 4) and another to that of (4, 3)."""

    def __init__(self, shortcut, unseen):
        super().__init__()
        self.by = torch.nn.Parameter(torch.tensor([float(shortcut), float(unseen)]))

    def forward(self, tokens):
        _, key, first, _ = parse(tokens)
        return torch.nn.functional.one_hot(key + self.by[first - 3].long(), 120).float()


@pytest.mark.parametrize(
    ("shifts", "inferred", "alike"),
    [((-10, -10), 1, 1), ((-6, -6), 0, 1), ((-10, 3), 0.5, 0), ((3, -10), 0.5, 0), ((-6, 3), 0, 0)],
)
def test_both_orders_are_compared_in_the_same_sequences(shifts, inferred, alike):
    answers = both_orders_answers(ByOrder(*shifts), np.random.default_rng(0), n=100)
    assert (answers["inferred"], answers["alike"]) == (inferred, alike)


def test_heat_map_data_are_cosines_of_query_rows_and_embeddings():
    network = tiny().network(np.random.default_rng(0))
    with torch.no_grad():
        network.query_weight()[1] = -3 * network.query_weight()[0]
        network.tokens.weight[25] = 2 * network.tokens.weight[20]
    queries, embeddings = query_cosines(network), embedding_cosines(network)
    assert queries.shape == (8, 8)
    assert embeddings.shape == (80, 80)
    assert queries[0, 1] == pytest.approx(-1, abs=1e-5)
    assert embeddings[0, 5] == pytest.approx(1, abs=1e-5)


def test_mean_absolute_cosine_of_hand_made_matrices():
    assert mean_absolute_cosine(np.eye(3)) == 0
    assert mean_absolute_cosine(np.array([[1, -1, 0.5], [-1, 1, 0], [0.5, 0, 1]])) == 0.5


def test_training_lowers_the_loss_and_repeats():
    losses = []
    for _ in range(2):
        task, rng = tiny(), np.random.default_rng(0)
        run = train(task.network(rng), task.split(rng), task.config, rng)
        losses.append(run["train_loss"])
    assert np.array_equal(*losses)
    assert losses[0][-1] < losses[0][0] - 0.2


def test_published_size_is_the_published_size():
    task = anchor_task.paper(0.8)
    assert (task.n_train, task.vocabulary, task.d_model, task.config.n_steps) == (900_000, 201, 400, 210 * 440)
    assert (task.n_test, task.d_key, task.d_value, task.d_hidden, task.n_layers) == (20_000, 200, 200, 1200, 2)
    config = task.config
    assert (config.optimiser, config.lr, config.weight_decay, config.batch_size) == ("adamw", 2.5e-4, 0.01, 2048)
    assert (config.schedule, config.warmup_steps, config.clip_norm) == ("cosine", 10 * 440, 1.0)
    assert (config.records, config.record_samples) == (60, 20_000)


def test_toy_size_is_the_one_that_stored_runs_had():
    task = anchor_task.quick(0.5)
    config = task.config
    assert (task.n_train, task.n_test, task.vocabulary, task.d_model) == (100_000, 2000, 120, 64)
    assert (task.d_key, task.d_value, task.d_hidden, task.n_layers) == (32, 32, 192, 2)
    assert (config.n_steps, config.optimiser, config.lr, config.weight_decay) == (3000, "adamw", 1e-3, 0.01)
    assert (config.batch_size, config.schedule, config.warmup_steps, config.clip_norm) == (256, "cosine", 150, 1.0)
    assert (config.records, config.record_samples) == (10, 2000)


@pytest.mark.slow
def test_queries_condense_when_the_initialisation_is_small():
    cosines = {}
    for gamma in (0.3, 0.7):
        task, rng = anchor_task.quick(gamma, 1500, "cpu"), np.random.default_rng(0)
        network = task.network(rng)
        train(network, task.split(rng), task.config, rng)
        cosines[gamma] = mean_absolute_cosine(query_cosines(network))
    assert cosines[0.7] > cosines[0.3] + 0.2


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"vocabulary": 100}, "vocabulary must be >= 110"), ({"n_train": 0}, "n_train must be >= 1")],
)
def test_bad_sizes_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        replace(tiny(), **settings)


def test_unknown_kind_of_keys_is_refused():
    with pytest.raises(ValueError, match="keys must be one of train, test"):
        sequences(10, ALL_PAIRS, "any", np.random.default_rng(0))


@pytest.mark.parametrize("unseen", [3, ((9, 9),), (3, 4), tuple((a, b) for a in range(1, 5) for b in range(1, 5))])
def test_unseen_pairs_are_some_pairs_of_anchors(unseen):
    with pytest.raises(ValueError, match="unseen must be a tuple of pairs of anchors"):
        replace(anchor_task.quick(0.5), unseen=unseen)

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dnn.tasks.modular_addition import ModularAddition, paper, quick
from dnn.training.loop import train


@given(modulus=st.integers(2, 30), train_fraction=st.floats(0.01, 0.99), seed=st.integers(0, 100))
def test_every_pair_stands_once_in_one_part_with_its_sum(modulus, train_fraction, seed):
    split = ModularAddition(modulus, train_fraction).split(np.random.default_rng(seed))
    x, y = torch.cat([split.x_train, split.x_test]), torch.cat([split.y_train, split.y_test])
    assert len(x) == modulus**2
    assert len({tuple(row) for row in x.tolist()}) == modulus**2
    assert torch.equal((x[:, 0] + x[:, 1]) % modulus, y)
    assert (x[:, 2] == modulus).all()
    assert min(len(split.x_train), len(split.x_test)) >= 1
    assert abs(len(split.x_train) - train_fraction * modulus**2) <= 1


def test_upstream_start_scales_the_token_embeddings_only():
    plain, upstream = (quick(scale).network(np.random.default_rng(0)).state_dict() for scale in (1.0, 0.25))
    for name, value in plain.items():
        torch.testing.assert_close(upstream[name], value * (0.25 if name == "tokens.weight" else 1.0))


def test_published_size_has_the_published_parts():
    task = paper()
    network = task.network(np.random.default_rng(0))
    assert (task.modulus, task.config.weight_decay, len(network.blocks)) == (113, 1.0, 1)
    assert network.tokens.weight.shape == (114, 128)
    assert network.blocks[0].attention.n_heads == 4
    assert len(task.split(np.random.default_rng(0)).x_train) == 3831


def test_a_few_steps_fit_a_small_table_and_not_the_rest():
    task = replace(quick(), modulus=13, train_fraction=0.5)
    config = replace(task.config, n_steps=150, device="cpu", records=(0, 150))
    rng = np.random.default_rng(0)
    run = train(task.network(rng), task.split(rng), config, rng)
    assert run["train_accuracy"][-1] == 1.0
    assert run["test_accuracy"][-1] < 0.7
    assert run["train_accuracy"][0] < 0.3


@pytest.mark.slow
def test_generalisation_comes_several_times_later_than_the_fit():
    task = quick()
    rng = np.random.default_rng(0)
    run = train(task.network(rng), task.split(rng), replace(task.config, device="cpu"), rng)
    fit, general = (run.t[(run[name] >= 0.95).argmax()] for name in ("train_accuracy", "test_accuracy"))
    assert run["test_accuracy"][-1] > 0.95
    assert general > 3 * fit > 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"modulus": 1}, "modulus must be >= 2"),
        ({"train_fraction": 1.0}, "train_fraction must be in"),
        ({"embedding_scale": 0.0}, "embedding_scale must be > 0"),
        ({"d_model": 30}, "d_model must be a multiple of n_heads, got 30 and 4"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, message):
    with pytest.raises(ValueError, match=message):
        ModularAddition(**settings)


def test_sizes_are_those_that_stored_runs_had():
    task, published = quick(), paper()
    assert (task.modulus, task.train_fraction, task.d_model, task.d_hidden, task.n_heads) == (47, 0.45, 64, 128, 4)
    assert (task.config.n_steps, task.config.lr, task.config.records) == (2000, 3e-3, 60)
    sizes = published.modulus, published.train_fraction, published.d_model, published.d_hidden, published.n_heads
    assert sizes == (113, 0.3, 128, 512, 4)
    assert (published.config.n_steps, published.config.lr, published.config.records) == (25_000, 1e-3, 100)
    for config in (task.config, published.config):
        assert (config.optimiser, config.weight_decay, config.betas, config.warmup_steps) == (
            "adamw",
            1,
            (0.9, 0.98),
            10,
        )
        assert (config.batch_size, config.schedule, config.clip_norm) == (None, "constant", None)

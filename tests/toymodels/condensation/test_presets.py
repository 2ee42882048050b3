import numpy as np
import pytest

from toymodels.condensation import TwoLayerNetwork
from toymodels.condensation.presets import (
    embedding_data,
    figure_one,
    figure_one_data,
    figure_six,
    figure_two,
    random_kinks,
    random_line_data,
)


def test_the_target_of_figure_one_at_points_computed_by_hand():
    x, y = figure_one_data(5)  # -1, -.5, 0, .5, 1
    assert x.shape == (5, 1)
    assert y == pytest.approx([0, 0, 0.6, -0.5 + 1.6 - 0.15, -1 + 2.6 - 0.9 + 0.1])


@pytest.mark.parametrize("activation", ["tanh", "xtanh"])
def test_figure_six_starts_small_and_grows(activation):
    run = figure_six(np.random.default_rng(0), activation)
    assert run["w"].shape == (2, 50, 6)
    assert run["w"][0].std() == pytest.approx(50.0**-4, rel=0.2)
    assert np.abs(run["w"][-1]).max() > 100 * np.abs(run["w"][0]).max()


@pytest.mark.slow
def test_figure_two_fits_better_from_a_smaller_start():
    loss = [figure_two(np.random.default_rng(0), power)["loss"][-1].max() for power in (0.5, 2.0)]
    assert loss[1] < loss[0]


@pytest.fixture
def asked(monkeypatch):
    """Networks are not trained: what was asked of them, and of their start."""
    seen = {}

    def train(network, x, y, n_steps, lr, every, **options):
        seen.update(network=network, x=x, y=y, n_steps=n_steps, lr=lr, every=every, **options)

    monkeypatch.setattr(TwoLayerNetwork, "train", train)
    return seen


def test_figure_one_is_that_of_its_caption(asked):
    figure_one(np.random.default_rng(0), 7)
    assert asked["network"].a.shape == (7, 100)
    assert asked["network"].activation == "relu"
    assert asked["network"].w.std() == pytest.approx(1e-4, rel=0.1)
    assert (asked["n_steps"], asked["lr"]) == (100_000, 0.1)
    assert asked["y"] == pytest.approx(figure_one_data()[1])
    assert len(asked["x"]) == 20


@pytest.mark.parametrize(("power", "lr"), [(0.25, 0.02), (0.5, 0.02), (0.51, 0.1), (2.0, 0.1)])
def test_figure_two_takes_smaller_steps_from_large_starts(asked, power, lr):
    figure_two(np.random.default_rng(0), power, 2)
    assert asked["network"].a.shape == (2, 100)
    assert asked["network"].activation == "tanh"
    assert asked["network"].w.std() == pytest.approx(100.0**-power, rel=0.2)
    assert (asked["n_steps"], asked["lr"], asked["every"]) == (20_000, lr, 20_000)
    assert asked["x"][[0, -1], 0].tolist() == [-1, 1]
    assert len(asked["x"]) == 40
    assert asked["y"] == pytest.approx(np.sin(1.5 * asked["x"][:, 0]))


def test_figure_six_has_the_data_of_the_notebook(asked):
    figure_six(np.random.default_rng(0), "xtanh")
    x = asked["x"]
    assert x.shape == (80, 5)
    assert -4 <= x.min() < -3.9
    assert 1.9 < x.max() <= 2
    assert asked["y"] == pytest.approx([3.5 * sum(np.sin(5 * entry + 1) for entry in row) for row in x])
    assert (asked["n_steps"], asked["lr"], asked["optimizer"]) == (100, 1e-3, "adam")


def test_random_lines_are_twelve_points():
    draws = [random_line_data(np.random.default_rng(seed)) for seed in range(200)]
    x, y = (np.concatenate([draw[k].ravel() for draw in draws]) for k in (0, 1))
    assert all(a.shape == (12, 1) and b.shape == (12,) for a, b in draws)
    assert -1 <= x.min() < -0.99 < 0.99 < x.max() <= 1
    assert y.std() == pytest.approx(1, abs=0.06)


def test_embedding_data_are_a_sine_and_a_parabola():
    x, y = embedding_data()
    assert x[:, 0] == pytest.approx(np.linspace(-1.5, 1.5, 12))
    assert y[[0, -1]] == pytest.approx([np.sin(-3) + 0.675, np.sin(3) + 0.675])


def test_random_kinks_lie_inside_and_have_slopes_of_their_range():
    x = np.linspace(-1, 1, 4001)[:, None]
    targets = random_kinks(x, np.random.default_rng(0), 300, kinks=1)
    size = np.sqrt(np.mean(figure_one_data()[1] ** 2))
    assert np.sqrt((targets**2).mean(axis=1)) == pytest.approx(np.full(300, size))
    slopes = np.diff(targets, axis=1)
    rising, at_left = (slopes.sum(axis=1) > 0).mean(), (np.abs(slopes[:, 0]) > 1e-9).mean()
    assert abs(rising - 0.5) < 4 * 0.5 / np.sqrt(300)
    assert abs(at_left - 0.5) < 4 * 0.5 / np.sqrt(300)
    silent = (targets == 0).mean(axis=1)
    assert 0.04 < silent.min() < 0.1  # a kink at 0.9 of its side leaves a twentieth
    assert 0.9 < silent.max() < 0.96

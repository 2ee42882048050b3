"""How the networks of each sweep start, train and are measured, and what stands for a basin that there is not."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from dnn.data import Split
from figures.opt_npt import basins_by_setting_runs
from figures.opt_npt.basins_by_setting_runs import FIXED_BOUND, BasinsBySetting, with_batch, with_rate, with_size

AMPLITUDES = (0.1, 0.5, 2.0)
SETTINGS = BasinsBySetting(
    tuned_depth=5,
    tuned_width=7,
    samples=110,
    batch_size=25,
    epochs=3,
    tuned_epochs=4,
    n_test=40,
    basin_samples=30,
    draws=6,
    amplitudes=AMPLITUDES,
    device="cpu",
)


class Measured:
    """Stands for digits, training and basins, and keeps how each was asked for."""

    def __init__(self, monkeypatch):
        self.accuracy, self.radii, self.asked = 0.9, {"sample": 0.3, "weight": np.inf}, {}
        x = torch.arange(110.0)[:, None] * torch.ones(784)
        split = Split(x, torch.arange(110) % 10, x[:40], torch.arange(40) % 10)

        def digits(settings, samples, n_test):
            self.asked["digits"] = (samples, n_test)
            return split

        def train(network, split, config, rng):
            self.network, self.config = network, config
            return {"test_accuracy": np.array([0.1, 0.7]), "train_accuracy": np.array([0.2, 0.8])}

        def accuracy(network, x, y):
            self.asked["accuracy"] = (len(x), y[-1].item())
            return self.accuracy

        def basin(space):
            def measured(network, x, y, rng, **options):
                self.asked[space] = (len(x), x[-1, 0].item(), y[-1].item(), options)
                return SimpleNamespace(
                    radius=self.radii[space], curve=np.array([1.0, 0.6, 0.2]) - (space == "weight") / 8
                )

            return measured

        monkeypatch.setattr(basins_by_setting_runs, "digits", digits)
        monkeypatch.setattr("dnn.training.loop.train", train)
        monkeypatch.setattr("dnn.probes.accuracy", accuracy)
        monkeypatch.setattr("dnn.reading.basins.sample_basin", basin("sample"))
        monkeypatch.setattr("dnn.reading.basins.weight_basin", basin("weight"))


@pytest.fixture
def measured(monkeypatch):
    return Measured(monkeypatch)


def trained_by(config):
    return config.n_steps, config.batch_size, config.optimiser, config.lr, tuple(config.records)


def test_sizes_and_batches_train_by_adam_and_rates_by_plain_descent_in_whole_epochs(measured):
    with_size(SETTINGS, np.random.default_rng(0), 4, 9)
    usual = measured.config.lr
    assert trained_by(measured.config) == (15, 25, "adam", usual, (15,))  # three epochs of five batches, the last short
    assert [layer.out_features for layer in measured.network.linears] == [9, 9, 10]
    with_rate(SETTINGS, np.random.default_rng(0), 0.25)
    assert trained_by(measured.config) == (20, 25, "sgd", 0.25, (20,))
    assert [layer.out_features for layer in measured.network.linears] == [7, 7, 7, 10]
    with_batch(SETTINGS, np.random.default_rng(0), 55)
    assert trained_by(measured.config) == (8, 55, "adam", usual, (8,))
    with_batch(SETTINGS, np.random.default_rng(0), 1000)
    assert measured.config.n_steps == 4
    assert [layer.out_features for layer in measured.network.linears] == [7, 7, 7, 10]
    assert measured.config.device == "cpu"


def test_fixed_weights_start_within_the_same_bounds_at_every_width(measured):
    for width in (20, 200):
        with_size(SETTINGS, np.random.default_rng(1), 5, width, fixed=True)
        for layer in measured.network.linears:
            weight = layer.weight.detach()
            assert weight.abs().max() <= FIXED_BOUND == 0.1
            assert_allclose(weight.std(), FIXED_BOUND / np.sqrt(3), rtol=0.1)
            assert abs(weight.mean()) < 0.02
    with_size(SETTINGS, np.random.default_rng(1), 5, 200)
    spreads = [layer.weight.std().item() * np.sqrt(3 * layer.in_features) for layer in measured.network.linears]
    assert_allclose(spreads, 1, rtol=0.1)  # by default uniform up to 1 / sqrt(inputs)


def test_other_draws_start_from_other_fixed_weights(measured):
    starts = []
    for seed in (0, 0, 1):
        with_size(SETTINGS, np.random.default_rng(seed), 4, 6, fixed=True)
        starts.append(measured.network.linears[1].weight.detach().clone())
    assert torch.equal(starts[0], starts[1])
    assert not torch.equal(starts[0], starts[2])


def test_basins_are_of_the_first_training_digits_and_of_no_more_than_the_largest_noise(measured):
    values = with_rate(SETTINGS, np.random.default_rng(0), 0.1)
    assert measured.asked["digits"] == (110, 40)
    assert measured.asked["accuracy"] == (30, 9)
    for space in ("sample", "weight"):
        n, last, label, options = measured.asked[space]
        assert (n, last, label) == (30, 29, 9)
        assert_allclose(options.pop("amplitudes"), AMPLITUDES)
        assert options == {"method": "grid", "draws": 6}
    assert values["accuracy"] == 0.7
    assert values["train_accuracy"] == 0.8
    assert (values["sample_radius"], values["weight_radius"]) == (0.3, 2.0)
    assert_allclose(values["sample_curve"], [1, 0.6, 0.2])
    assert_allclose(values["weight_curve"], [0.875, 0.475, 0.075])


@pytest.mark.parametrize(("clean", "is_measured"), [(0.5, False), (0.3, False), (0.51, True)])
def test_a_network_that_is_wrong_as_often_as_right_has_no_basin(clean, is_measured, measured):
    measured.accuracy = clean
    values = with_batch(SETTINGS, np.random.default_rng(0), 55)
    assert ("sample" in measured.asked) == ("weight" in measured.asked) == is_measured
    if not is_measured:
        assert values["sample_radius"] == values["weight_radius"] == 0
        for space in ("sample", "weight"):
            assert_allclose(values[f"{space}_curve"], [clean] * 3)

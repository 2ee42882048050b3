"""Digits and networks that the figures share."""

import numpy as np
import pytest

from comparisons.harness.settings import Settings
from figures.opt_npt.digit_networks import (
    EMBEDDED,
    ENOUGH,
    ENOUGH_DIGITS,
    PUBLISHED,
    digits,
    first_samples,
    layer_densities,
    perceptron,
    replicates_of,
)
from toymodels.run.sweep import sweep


def test_few_digits_cannot_contradict_the_papers_accuracies():
    assert not ENOUGH_DIGITS.holds({"samples": np.array(ENOUGH - 1)})
    assert ENOUGH_DIGITS.holds({"samples": np.array(ENOUGH)})


@pytest.mark.parametrize(
    ("widths", "can"),
    [
        ([64, 128, 1024], True),
        ([128, 256, 1023], False),  # none as broad as the paper's
        ([64, 1024], False),  # one of the paper's only
        ([64, 127, 2048], False),
        ([128, 2048], True),
    ],
)
def test_what_is_said_of_widths_is_contradicted_by_narrow_and_broad_ones_of_the_paper_alone(widths, can):
    assert PUBLISHED.holds({"samples": np.array(ENOUGH), "widths": np.array(widths)}) == can
    assert not PUBLISHED.holds({"samples": np.array(ENOUGH - 1), "widths": np.array(widths)})


def test_the_embedded_digits_are_enough_for_small_training_sets():
    split = digits(Settings(device="cpu"), EMBEDDED, 300)
    assert split.x_train.shape == (EMBEDDED, 784)
    assert len(split.x_test) == 300
    assert abs(split.x_train.mean().item()) < 0.05
    assert split.x_train.std().item() == pytest.approx(1, abs=0.05)


def test_pixels_that_are_not_standardised_are_those_of_the_data_set():
    raw = digits(Settings(device="cpu"), 50, standardised=False)
    same = first_samples("mnist-mini", 50, None)
    assert (len(raw.x_train), len(raw.x_test)) == (50, 2000)
    assert all((first == other).all() for first, other in zip(raw, same, strict=True))


def test_depth_counts_input_and_output():
    network = perceptron(5, 12, np.random.default_rng(0))
    assert network.widths == (784, 12, 12, 12, 10)
    assert len(network.norms) == 3


def test_every_hidden_layer_has_a_density_with_mean_one():
    split = digits(Settings(device="cpu"), 200, 100)
    network = perceptron(5, 12, np.random.default_rng(0))
    assert layer_densities(network, split, bins=5).mean(1) == pytest.approx(np.ones(3))


def test_the_arrays_of_a_single_point_start_with_its_replicates():
    runs = sweep(lambda k, rng: {"a": k, "b": np.ones(3)}, {"k": [7]}, replicates=2)
    arrays = replicates_of(runs, "g_")
    assert {name: values.shape for name, values in arrays.items()} == {"g_a": (2,), "g_b": (2, 3)}
    assert arrays["g_a"].tolist() == [7, 7]

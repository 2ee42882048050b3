"""Three starts of one convolutional network: one function, and how far its features turn."""

import numpy as np
import pytest
import torch

from dnn.data import load
from dnn.networks.convolutional import OneConvolution
from figures.layerwise.upstream_convolution import STARTS, UpstreamConvolution, at_fit, features, ratio, three_starts
from figures.layerwise.upstream_convolution import turned_from as turned


def series():
    """Two runs of three starts; the features of the upstream ones turn four times as far as the balanced ones'."""
    train = np.tile([0.5, 0.92, 1.0], (2, 3, 1))
    far = np.array([0.4, 0.1, 0.01])[None, :, None] * np.array([0.5, 1.0, 2.0])
    return {"steps": np.array([1, 2, 3]), "train": train, "test": train - 0.1, "turned": np.repeat(far, 2, axis=0)}


def test_features_are_compared_at_the_first_fit():
    assert at_fit(series(), "turned", "upstream").tolist() == [0.4, 0.4]
    assert ratio("upstream", "balanced")(series()) == pytest.approx([4, 4])
    unfitted = series() | {"train": np.full((2, 3, 3), 0.5)}
    assert at_fit(unfitted, "turned", "balanced").tolist() == [0.2, 0.2]


def test_features_that_only_grow_have_not_turned():
    split, network = load("mnist-mini"), OneConvolution(4, activation="relu", gamma=0.5, rng=np.random.default_rng(0))
    first = features(network, split)
    with torch.no_grad():
        network.convolution.weight.mul_(3)
    assert turned(first)(network, split) == pytest.approx(0, abs=1e-5)
    with torch.no_grad():
        network.convolution.weight.neg_()
    assert turned(first)(network, split) > 0.01


def test_all_starts_are_one_function_with_the_same_batches():
    settings = UpstreamConvolution(channels=4, n_steps=3, records=2, device="cpu")
    run = three_starts(settings, np.random.default_rng(0), factor=1.0)
    assert run["train"].shape[0] == len(STARTS)
    assert np.array_equal(run["test"][0], run["test"][1])
    apart = three_starts(settings, np.random.default_rng(0), factor=3.0)
    assert not np.array_equal(apart["turned"][0], apart["turned"][1])
    assert np.array_equal(apart["turned"][1], run["turned"][1])

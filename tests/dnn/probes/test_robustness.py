"""Accuracies and basins of small classifiers, by hand and by networks whose activations are really gone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dnn import observe
from dnn.data import Split
from dnn.extraction.measurements import measure_kept
from dnn.probes import accuracy, basins, linear_map_accuracy
from dnn.reading.basins import sample_basin
from tests.dnn.embedding.kinds import normal, seeded
from tests.dnn.probes.opaque import Opaque

WRAPS = [lambda each: each, Opaque]


def reader(weight, bias):
    """A linear classifier."""
    weight = torch.tensor(weight)
    module = nn.Linear(weight.shape[1], weight.shape[0])
    module.weight.data, module.bias.data = weight, torch.tensor(bias)
    return module


@pytest.mark.parametrize("wrap", WRAPS)
def test_accuracy_is_a_share_of_the_samples(wrap):
    module = wrap(reader([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], [0.0, 0.5, 0.0]))
    x = torch.tensor([[2.0, 1.0], [0.0, 0.0], [-1.0, -2.0], [1.0, 0.75], [3.0, 3.0]])
    y = torch.tensor([0, 1, 2, 0, 0])  # the last two are taken for class 1
    assert accuracy(module, x, y) == pytest.approx(3 / 5)
    assert accuracy(module, x[3:], y[3:]) == 0
    for wrong, words in (
        (torch.tensor([0, 1, 2, 3, 0]), r"labels must be in 0\.\.2, got 3"),
        (torch.tensor([0, 1, -1, 2, 0]), r"labels must be in 0\.\.2, got -1"),
        (y.double(), "labels must be 5 integers, got shape"),
    ):
        with pytest.raises(ValueError, match=words):
            accuracy(module, x, wrong)
    with pytest.raises(ValueError, match="must be one of running, batch, got 'train'"):
        accuracy(module, x, y, statistics="train")


@pytest.mark.parametrize("wrap", WRAPS)
def test_a_single_logit_is_a_sign_for_whoever_asks(wrap):
    """From x = 1 on it says class 1; at 1 itself the logit is 0, which is class 0."""
    module, x = wrap(reader([[1.0, 0.0]], [-1.0])), torch.tensor([[0.0, 0.0], [1.0, 0.5], [2.0, 0.0], [3.0, 0.5]])
    y, wrong = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 1, 1])
    for labels, expected in ((y, 1.0), (wrong, 0.75), (1 - y, 0.0)):
        split = Split(x, labels, x, labels)
        assert accuracy(module, x, labels) == expected
        assert observe(module, split, ["accuracy"])["accuracy"] == expected
        assert linear_map_accuracy(module, split).tolist() == [expected]
        assert measure_kept(module, x, labels, {}) == expected
    pair = wrap(reader([[0.0, 0.0], [1.0, 0.0]], [0.0, -1.0]))  # the same with a second logit
    x = x - torch.tensor([0.5, 0.0])  # away from the threshold
    one, two = (sample_basin(each, x, y, np.random.default_rng(0), method="grid").curve for each in (module, pair))
    assert np.array_equal(one, two)
    assert one[0] > one[-1] + 0.2
    with pytest.raises(ValueError, match=r"labels must be in 0\.\.1, got 2"):
        basins(module, Split(x, y + 1, x, y), draws=9)


@pytest.mark.parametrize("wrap", WRAPS)
def test_basins_are_those_of_the_samples_and_draws_asked_for(wrap):
    module = wrap(reader([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]))
    x = torch.eye(2).repeat(20, 1) * torch.linspace(0.2, 3, 40)[:, None]
    split = Split(x, torch.arange(2).repeat(20), x, torch.arange(2).repeat(20))
    assert basins(module, split) == basins(module, split)
    assert basins(module, split, rng=np.random.default_rng(0)) == basins(module, split)  # what None stands for
    assert basins(module, split, rng=np.random.default_rng(1)) != basins(module, split)
    part = Split(*(each[:30] for each in split))
    assert basins(module, split, samples=30) == basins(module, part)
    found = sample_basin(module, x, split.y_train, np.random.default_rng(4), draws=5)
    assert basins(module, split, draws=5, rng=np.random.default_rng(4))["sample"] == found.radius
    assert basins(module, split, amplitudes=[0.01, 0.02]) == {"sample": 0.02, "weight": 0.02}


@pytest.mark.parametrize("wrap", WRAPS)
def test_there_is_no_basin_where_half_is_missed(wrap):
    module = wrap(reader([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]))
    x, y = 2 * torch.eye(2).repeat(4, 1), torch.arange(2).repeat(4)
    half, more = y.clone(), y.clone()
    half[:4], more[:3] = 1 - half[:4], 1 - more[:3]
    assert basins(module, Split(x, half, x, half)) == {"sample": 0.0, "weight": 0.0}
    assert all(radius > 0 for radius in basins(module, Split(x, more, x, more)).values())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"amplitudes": [0.1, 0.0]}, "amplitudes must be > 0, got 0"),
        ({"amplitudes": [0.2, 0.1]}, "amplitudes must be"),
        ({"amplitudes": []}, "amplitudes must"),
        ({"amplitudes": [0.1, np.nan]}, "amplitudes must be finite, got nan"),
        ({"draws": 0}, "draws must be >= 1, got 0"),
        ({"draws": 10_001}, "draws must be <= 10000, got 10001"),
        ({"statistics": "none"}, "must be one of running, batch, got 'none'"),
        ({"samples": -1}, "samples must be >= 1, got -1"),
        ({"rng": 3}, "rng must be"),
    ],
)
def test_options_of_basins_are_refused_by_name(options, words):
    x, y = torch.eye(2).repeat(4, 1), torch.arange(2).repeat(4)
    with pytest.raises(ValueError, match=words):
        basins(reader([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0]), Split(x, y, x, y), **options)


def test_integers_take_no_noise():
    module = nn.Sequential(nn.Embedding(4, 3), nn.Flatten(), nn.Linear(6, 2))
    tokens, y = torch.arange(8).reshape(4, 2) % 4, torch.arange(4) % 2
    with pytest.raises(ValueError, match="needs real inputs, to which noise can be added, got integers"):
        basins(module, Split(tokens, y, tokens, y))


class Residual(nn.Module):
    """Of three activations, as modules and as a function."""

    def __init__(self, act):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.act, self.acts = nn.ReLU(), act

    def forward(self, x):
        kept = iter(self.acts)
        hidden = self.act(self.first(x)) if next(kept) else self.first(x)
        after = self.second(hidden)
        hidden = hidden + (torch.tanh(after) if next(kept) else after)
        return self.last(nn.functional.relu(hidden) if next(kept) else hidden)


@settings(max_examples=8)
@given(st.integers(0, 1000), st.sampled_from(["train", "test"]))
def test_activations_go_one_after_the_other_from_the_last(seed, part):
    x, y = normal(40, 4, seed=seed), torch.arange(40) % 3
    split = Split(x[:25], y[:25], x[25:], y[25:])
    given_x, given_y = (x[:25], y[:25]) if part == "train" else (x[25:], y[25:])
    module = seeded(lambda: Residual([True] * 3), seed)
    plain = seeded(lambda: nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)), seed)
    expected = []
    for kept in range(4):
        module.acts = [place < kept for place in range(3)]
        expected.append(float((module(given_x).argmax(1) == given_y).double().mean()))
    module.acts = [True] * 3
    assert linear_map_accuracy(module, split, part=part).tolist() == expected
    expected = []
    for kept in range(3):
        acts = [act if place < kept else nn.Identity() for place, act in enumerate((plain[1], plain[3]))]
        cut = nn.Sequential(plain[0], acts[0], plain[2], acts[1], plain[4])
        expected.append(float((cut(given_x).argmax(1) == given_y).double().mean()))
    for each in (plain, Opaque(plain)):
        assert linear_map_accuracy(each, split, part=part).tolist() == expected
    assert linear_map_accuracy(plain, split).tolist() == linear_map_accuracy(plain, split, part="test").tolist()


def test_a_perceptron_is_fitted_to_the_logits_on_the_training_part():
    x, y = normal(60, 4), torch.arange(60) % 3
    split = Split(x[:40], y[:40], x[40:], y[40:])
    plain = seeded(lambda: nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))
    expected = []
    with torch.no_grad():
        for cut in (0, 2, 4):
            train, test = (torch.cat([plain[:cut](part), torch.ones(len(part), 1)], dim=1) for part in (x[:40], x[40:]))
            weight = torch.linalg.lstsq(train, plain(x[:40])).solution
            expected.append(float(((test @ weight).argmax(1) == y[40:]).double().mean()))
    assert linear_map_accuracy(plain, split, method="perceptron").tolist() == expected
    for options, words in (({"method": "linear"}, "method must be one of"), ({"part": "all"}, "part must be one of")):
        with pytest.raises(ValueError, match=words):
            linear_map_accuracy(plain, split, **options)

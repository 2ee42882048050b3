import copy
import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from dnn import Recorder, observe, probes, sample_basin, sharpness, weight_basin
from dnn.data import Split
from dnn.extraction.fields import fields_of
from dnn.observing.resting import at_rest, kept, lent_state, slow_attention, undisturbed
from dnn.observing.streaming import observe_stream
from dnn.reading import kernels, linear_maps, projection
from dnn.reading.basin_picture import basin_picture
from dnn.training.snapshots import snapshot


class Restless(nn.Module):
    """Changes in a forward pass whatever a module can hold."""

    def __init__(self, linear):
        super().__init__()
        self.words, self.linear, self.readout = nn.Embedding(5, 6, max_norm=0.1), linear, nn.Linear(12, 3)
        self.register_buffer("mean", torch.zeros(12))
        self.register_buffer("seen", torch.zeros(0), persistent=False)
        self.register_buffer("both", self.mean[:4])
        self.count, self.total, self.history, self.ways = 0, torch.zeros(()), [], {"calls": torch.zeros(1)}
        self.array = np.zeros(2)
        self.draws, self.numbers = torch.Generator().manual_seed(1), np.random.default_rng(1)
        self.old, self.plain = np.random.RandomState(1), random.Random(1)

    def forward(self, x):
        field = self.linear(x) + self.words(torch.zeros(len(x), dtype=torch.long)).repeat(1, 2)
        self.mean.mul_(0.9).add_(field.detach().mean(0))
        self.seen = torch.cat([self.seen, field[:1, 0]])
        self.both += 1
        self.count += len(x)
        self.total += field.sum()
        self.history.append(field.sum())
        self.ways["calls"] += 1
        self.array += 1
        self.last = field
        noise = torch.rand(12) + torch.rand(12, generator=self.draws) + float(self.numbers.random())
        noise = noise + float(self.old.rand() + self.plain.random() + np.random.rand() + random.random())  # noqa: NPY002
        self.readout.weight.data.clamp_(-0.1, 0.1)
        return self.readout(torch.relu(field + 1e-3 * noise))


def restless():
    torch.manual_seed(0)
    return Restless(parametrizations.spectral_norm(nn.Linear(4, 12)))


def numbers_of(module):
    """All that a module holds, and all random states, as bytes and numbers."""
    held = {}
    for name, part in module.named_modules():
        for key, value in {**vars(part), **part._buffers, **part._parameters}.items():
            if isinstance(value, torch.Tensor):
                version = None if isinstance(value, nn.Parameter) else value._version
                held[name, key] = (id(value), version, value.detach().clone().numpy().tobytes())
            elif isinstance(value, torch.Generator):
                held[name, key] = value.get_state().numpy().tobytes()
            elif isinstance(value, np.random.Generator):
                held[name, key] = repr(value.bit_generator.state)
            elif isinstance(value, np.random.RandomState):
                held[name, key] = repr(value.get_state())
            elif isinstance(value, random.Random):
                held[name, key] = value.getstate()
            elif isinstance(value, bool | int | float | list | dict | np.ndarray) and not key.startswith("_"):
                held[name, key] = repr(value)
    held["names"] = sorted(vars(module))
    held["torch"] = torch.get_rng_state().numpy().tobytes()
    held["numpy"], held["python"] = repr(np.random.get_state()), random.getstate()  # noqa: NPY002
    return held


def changed(before, after):
    """Names of what is not as before."""
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def data():
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(60, 4, generator=generator), torch.arange(60) % 3
    return Split(x, y, x, y)


@pytest.mark.parametrize("context", [kept, undisturbed])
def test_nothing_that_running_changes_is_left(context):
    module = restless()
    before = numbers_of(module)
    with context(module):
        assert not any(part.training for part in module.modules())
        module(torch.randn(5, 4))
        module.linear.weight  # noqa: B018  # in training a step of power iteration
    after = numbers_of(module)
    assert not changed(before, after)
    module(torch.randn(5, 4))
    assert len(module.history) == 1
    assert module.count == 5


@pytest.mark.parametrize("context", [kept, undisturbed])
def test_nothing_is_left_after_an_error_either(context):
    module = restless()
    before = numbers_of(module)
    with pytest.raises(RuntimeError, match="shapes"), context(module):
        [module(torch.randn(5, size)) for size in (4, 3)]
    assert not changed(before, numbers_of(module))


def test_what_shares_memory_shares_it_while_lent():
    module = restless()
    with lent_state(module):
        module.both += 1
        assert module.mean.tolist() == [1.0] * 4 + [0.0] * 8
    assert module.mean.tolist() == [0.0] * 12


def test_a_parameter_that_is_replaced_or_resized_comes_back():
    module = nn.Linear(2, 3)
    weight, values = module.weight, module.weight.detach().clone()
    with kept(module):
        module.weight = nn.Parameter(torch.zeros(1, 2))
        weight.data = torch.ones(4, 4)
    assert module.weight is weight
    assert torch.equal(weight, values)


def test_a_graph_that_waits_for_its_backward_pass_is_not_spoilt():
    module, x = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 3)), data().x_train
    loss = module(x).square().sum()
    observe(module, (x, data().y_train))
    loss.backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


@pytest.mark.parametrize(
    "look",
    [
        lambda module, split: observe(module, split),
        lambda module, split: observe(module, split, samples=None),
        lambda module, split: observe(module, split, reference=copy.deepcopy(module)),
        lambda module, split: observe_stream(module, split),
        lambda module, split: Recorder(split)(module, 1),
        lambda module, split: probes.accuracy(module, split.x_train, split.y_train),
        lambda module, split: probes.information(module, split),
        lambda module, split: probes.condensation(module, split),
        lambda module, split: probes.condensation(module, split, layer="linear"),
        lambda module, split: probes.rank_gradients(module, split),
        lambda module, split: probes.collapse(module, split),
        lambda module, split: probes.kernel_distance(module, split),
        lambda module, split: probes.elasticity(module, split),
        lambda module, split: sharpness(module, split.x_train, split.y_train, "cross_entropy"),
        lambda module, split: fields_of(module, split.x_train),
        lambda module, split: snapshot(module, split.x_train),
    ],
)
def test_looking_changes_nothing(look):
    module = restless().train()
    before = numbers_of(module)
    look(module, data())
    assert not changed(before, numbers_of(module))


@pytest.mark.parametrize(
    "look",
    [
        lambda module, split: probes.basins(module, split),
        lambda module, split: probes.linear_map_accuracy(module, split),
        lambda module, split: sample_basin(module, split.x_train, split.y_train, np.random.default_rng(0)),
        lambda module, split: weight_basin(module, split.x_train, split.y_train, np.random.default_rng(0)),
        lambda module, split: basin_picture(module, split.x_train, split.y_train, np.random.default_rng(0)),
        lambda module, split: kernels.tangent_kernel(module, split.x_train),
        lambda module, split: kernels.kernel_accuracy(module, split),
        lambda module, split: linear_maps.pruned_accuracy(module, split),
        lambda module, split: linear_maps.sign_agreement(module, split.x_train),
        lambda module, split: projection.project(module, split.x_train),
        lambda module, split: projection.overlap(module, split),
        lambda module, split: projection.class_cosines(module, split.x_train, split.y_train),
        lambda module, split: probes.rank_gradients(module, split),
        lambda module, split: probes.condensation(module, split),
        lambda module, split: snapshot(module, split.x_train, split.y_train),
        lambda module, split: Recorder(split, ["clusters"])(module, 1),
    ],
)
def test_looking_at_a_chain_changes_nothing(look):
    torch.manual_seed(0)
    module = nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 12)), nn.ReLU(), nn.Linear(12, 3)).train()
    x = torch.eye(4)[:3].repeat(20, 1) + 0.01 * torch.randn(60, 4)
    y = torch.arange(60) % 3
    optimiser = torch.optim.Adam(module.parameters(), 0.05)
    for _ in range(50):
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        optimiser.step()
    before = numbers_of(module)
    look(module, Split(x, y, x, y))
    assert not changed(before, numbers_of(module))


def test_a_recorder_leaves_training_as_it_would_be():
    losses = []
    for recorded in (False, True):
        torch.manual_seed(0)
        module = nn.Sequential(parametrizations.spectral_norm(nn.Linear(4, 12)), nn.Dropout(), nn.Linear(12, 3))
        split, optimiser = data(), torch.optim.SGD(module.parameters(), 0.1)
        loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(split.x_train, split.y_train), 20, True)
        recorder = Recorder(loader, ["clusters", "loss"], every=1) if recorded else None
        for step, (x, y) in enumerate(loader):
            optimiser.zero_grad()
            loss = nn.functional.cross_entropy(module(x), y)
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
            if recorder is not None:
                recorder(module, step)
                observe(module, loader, ["loss"])
    assert losses[:3] == losses[3:]


class Counting(nn.Module):
    """A buffer that a forward pass writes into."""

    def __init__(self):
        super().__init__()
        self.linear, self.readout = nn.Linear(4, 12), nn.Linear(12, 3)
        self.register_buffer("mean", torch.zeros(12))

    def forward(self, x):
        field = self.linear(x)
        self.mean.mul_(0.9).add_(field.mean(0))
        return self.readout(torch.relu(field - self.mean))


def test_what_every_part_of_the_samples_meets_is_the_module_as_it_is():
    torch.manual_seed(0)
    module, x, y = Counting(), torch.randn(700, 4), torch.arange(700) % 3
    x[300:600], y[300:600] = x[:300], y[:300]
    once, twice = observe(module, (x[:300], y[:300])), observe(module, (x[:600], y[:600]))
    assert once["loss"] == pytest.approx(twice["loss"], rel=1e-6)
    assert not once.refused.keys() - {"kernel_distance"}


def test_a_function_at_rest_takes_what_it_took_before():
    @at_rest
    def training(network, value=1):
        return getattr(network, "training", None), value

    module = nn.Linear(1, 1)
    assert training(module) == training(network=module) == (False, 1)
    assert training(None, value=2) == (None, 2)
    assert module.training


def test_attention_is_slow_only_inside():
    with slow_attention():
        assert not torch.backends.mha.get_fastpath_enabled()
    assert torch.backends.mha.get_fastpath_enabled()

from copy import deepcopy
from functools import partial
from time import process_time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import spearmanr
from torch import nn
from torch.func import functional_call

from dnn import probes
from dnn.data import Split, load
from dnn.networks.mlp import MLP, batch_norm_mode
from dnn.reading.basins import sample_basin, weight_basin
from dnn.reading.rank_densities import rank_gradient
from dnn.training.config import TrainConfig
from dnn.training.loop import train
from tests.dnn.blobs import blobs
from tests.dnn.reading.test_unfolding import used
from tests.tolerances import EXACT
from toymodels.metrics.elasticity import contrast
from toymodels.metrics.information import binned

ALL = {
    name: getattr(probes, name)
    for name in (
        "kernel_distance",
        "condensation",
        "rank_gradients",
        "basins",
        "collapse",
        "elasticity",
        "information",
        "linear_map_accuracy",
    )
}
SPLIT = blobs()


def users_network():
    torch.manual_seed(0)
    body = [nn.Linear(8, 16), nn.BatchNorm1d(16), nn.GELU(), nn.Dropout(0.1)]
    return nn.Sequential(nn.Flatten(), nn.Sequential(*body), nn.Linear(16, 12), nn.Tanh(), nn.Linear(12, 4))


def descend(network, n_steps, callback=lambda: None):
    """A user's own loop."""
    optimiser = torch.optim.SGD(network.parameters(), 0.3)
    for _ in range(n_steps):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(SPLIT.x_train), SPLIT.y_train).backward()
        optimiser.step()
        callback()


def values_of(measures):
    return np.concatenate(
        [np.ravel(value) for value in (measures.values() if isinstance(measures, dict) else [measures])]
    )


@pytest.mark.parametrize("name", ALL)
def test_every_probe_serves_in_a_users_loop_on_his_network(name):
    network, records = users_network(), []
    descend(network, 12, lambda: records.append(values_of(ALL[name](network, SPLIT))))
    assert len({record.shape for record in records}) == 1
    assert np.isfinite(records).all()
    assert np.ptp(records, axis=0).max() > 0
    assert network.training


@pytest.mark.parametrize("name", ALL)
def test_a_probe_changes_nothing_and_says_the_same_twice(name):
    network = users_network()
    descend(network, 30)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    generator = torch.get_rng_state()
    _, first, second = (values_of(ALL[name](network, SPLIT)) for _ in range(3))
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), generator)
    assert_allclose(first, second, rtol=0, atol=0)


def test_all_probes_at_once_in_training():
    rng = np.random.default_rng(0)
    network = MLP([8, 16, 16, 4], batch_norm=True, rng=rng)
    reference = deepcopy(network)
    chosen = {**ALL, "kernel_distance": partial(probes.kernel_distance, reference=reference)}
    run = train(network, SPLIT, TrainConfig(n_steps=80, lr=1e-2), rng, chosen)
    assert run["kernel_distance"][0] == pytest.approx(0, abs=1e-6)
    assert run["kernel_distance"][-1] > 1e-3
    assert run["rank_gradients"].shape == (len(run.t), 2)
    assert_allclose(run["linear_map_accuracy"][:, -1], run["test_accuracy"], atol=1e-9)
    assert run["basins.sample"][-1] > 0


def test_layer_gradients_are_those_of_fields_and_maps():
    network = used(MLP([8, 12, 12, 4], batch_norm=True), n_inputs=8)
    (_, last), fields = probes.layer_gradients(network, SPLIT.x_train, SPLIT.y_train), network.fields(SPLIT.x_train)
    expected = rank_gradient(fields[1], network.linears[-1].weight, SPLIT.y_train)
    assert_allclose(last, expected, **EXACT)
    running = probes.rank_gradients(network, SPLIT, statistics="running")
    assert running[-1] == pytest.approx(expected.mean())
    assert not np.allclose(running, probes.rank_gradients(network, SPLIT))


def test_a_network_that_learns_to_order_its_classes_gains_a_gradient():
    network = MLP([8, 64, 4], rng=torch.Generator().manual_seed(0))
    start = probes.rank_gradients(network, SPLIT)
    descend(network, 50)
    assert abs(start[0]) < 0.6
    assert probes.rank_gradients(network, SPLIT)[0] > start[0] + 1


@given(st.integers(0, 100))
def test_random_networks_are_uniform_in_expectation_over_signs(seed):
    network = MLP([8, 256, 4], "tanh", rng=torch.Generator().manual_seed(seed))
    gradient = probes.layer_gradients(network, SPLIT.x_train, SPLIT.y_train)[0]
    assert abs(gradient.mean()) < 5 * np.sqrt(np.mean(gradient**2) / gradient.shape[1])


def test_basins_are_zero_before_half_is_learnt_and_censored_at_the_largest_amplitude():
    network = MLP([8, 16, 4], rng=torch.Generator().manual_seed(0))
    assert probes.basins(network, SPLIT) == {"sample": 0.0, "weight": 0.0}
    descend(network, 60)
    tiny = probes.basins(network, SPLIT, amplitudes=np.array([1e-4, 1e-3]))
    assert tiny == {"sample": 1e-3, "weight": 1e-3}


def test_complete_collapse_is_zero_in_every_measure():
    simplex = torch.eye(4) - 0.25
    network = nn.Sequential(nn.Linear(4, 4))
    network[0].weight.data, network[0].bias.data = simplex, torch.zeros(4)
    labels = torch.arange(4).repeat(5)
    split = Split(simplex[labels], labels, simplex[labels], labels)
    measures = probes.collapse(network, split)
    assert_allclose(list(measures.values()), 0, atol=1e-6)
    assert probes.collapse(users_network(), SPLIT)["nc1"] > 0.01


def test_copies_of_one_neuron_are_one_cluster_of_rank_one():
    network = MLP([8, 16, 4])
    network.linears[0].weight.data[:] = network.linears[0].weight.data[0]
    network.linears[0].bias.data[:] = 0.1
    measures = probes.condensation(network, SPLIT)
    assert measures["clusters"] == 1
    assert measures["effective_rank"] == pytest.approx(1, abs=1e-4)
    assert probes.condensation(MLP([8, 16, 4]), SPLIT)["clusters"] == 16


def test_the_kernel_stays_where_only_a_linear_model_learns():
    network = nn.Sequential(nn.Linear(8, 4))
    probes.kernel_distance(network, SPLIT)
    descend(network, 5)
    assert probes.kernel_distance(network, SPLIT) == pytest.approx(0, abs=1e-6)


@given(st.integers(0, 50))
def test_elasticity_is_that_of_a_small_step_on_each_base(seed):
    network = MLP([8, 12, 4], "tanh", rng=torch.Generator().manual_seed(seed)).double()
    split = SPLIT._replace(x_train=SPLIT.x_train.double())
    before, contrasts = network(split.x_train).detach(), []
    parameters = dict(network.named_parameters())
    for base in range(3):
        loss = nn.functional.cross_entropy(network(split.x_train[base : base + 1]), split.y_train[base : base + 1])
        slopes = torch.autograd.grad(loss, list(parameters.values()))
        moved = {name: value - 1e-5 * slope for (name, value), slope in zip(parameters.items(), slopes, strict=True)}
        after = functional_call(network, moved, (split.x_train,)).detach()
        contrasts.append(contrast(before.numpy(), after.numpy(), base, split.y_train.numpy()))
    assert probes.elasticity(network, split, bases=3) == pytest.approx(np.mean(contrasts), rel=1e-3, abs=1e-4)


def test_elasticity_survives_certainty():
    network = MLP([8, 12, 4], rng=torch.Generator().manual_seed(0))
    network.linears[-1].weight.data *= 1e4
    assert np.isfinite(probes.elasticity(network, SPLIT))


def test_information_of_neurons_is_binned_one_by_one_and_bounded_by_the_labels():
    network = MLP([8, 6, 4], "tanh", rng=torch.Generator().manual_seed(0))
    measures = probes.information(network, SPLIT, bins=5)
    hidden = network.activations(SPLIT.x_train)[1].detach().numpy()
    edges = np.linspace(hidden.min(), hidden.max(), 6)
    each = [binned(column, SPLIT.y_train.numpy(), edges) for column in hidden.T]
    assert_allclose(measures["neuron"], [np.mean(each)], rtol=1e-9)
    assert measures["neuron"][0] <= measures["labels"][0] <= 2.0 + 1e-9
    assert measures["labels"][0] <= measures["input"][0] <= 6.0 + 1e-9


def test_rounding_alone_carries_no_information():
    """Outputs a last bit apart leave fewer numbers between them than bins."""
    network = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 2))
    network[0].weight.data, network[0].bias.data = torch.tensor([[2.0**-23]]), torch.tensor([1.0])
    x = torch.tensor([[0.0], [1.0], [0.0], [4.0]])
    measures = probes.information(network.double(), Split(x.double(), SPLIT.y_train[:4], x, SPLIT.y_train[:4]), bins=4)
    assert measures["input"] == pytest.approx(1.5)
    network[0].weight.data *= 2.0**-29
    measures = probes.information(network, Split(x.double(), SPLIT.y_train[:4], x, SPLIT.y_train[:4]), bins=30)
    assert [value.tolist() for value in measures.values()] == [[0.0]] * 3


@pytest.mark.parametrize("bias", [0.0, 0.3, 1e10])
def test_a_dead_layer_carries_no_information(bias):
    network = MLP([8, 6, 5, 4], rng=torch.Generator().manual_seed(0))
    network.linears[1].weight.data.zero_()
    network.linears[1].bias.data.fill_(bias)
    measures = probes.information(network, SPLIT)
    assert all(values[1] == 0 < values[0] for values in measures.values())


def test_accuracy_depends_on_whose_statistics_are_used():
    network = MLP([8, 16, 4], batch_norm=True)
    descend(network, 30)
    network.norms[0].running_mean += 100
    right = probes.accuracy(network, SPLIT.x_train, SPLIT.y_train, statistics="batch")
    assert right > 0.9 > probes.accuracy(network, SPLIT.x_train, SPLIT.y_train)
    with batch_norm_mode(network, "batch"):
        assert right == float((network(SPLIT.x_train).argmax(1) == SPLIT.y_train).double().mean())


def test_two_shifted_tanh_neurons_put_any_sample_on_top_and_one_keeps_the_order():
    fields = np.sort(np.random.default_rng(0).standard_normal(201))
    x = torch.tensor(fields[:, None], dtype=torch.float32)
    pair, single = MLP([1, 2, 1], "tanh"), MLP([1, 1, 1], "tanh")
    single.linears[0].weight.data[:], single.linears[1].weight.data[:] = 0.7, 2.0
    for target in range(0, 201, 20):
        pair.linears[0].weight.data[:] = 5.0
        pair.linears[0].bias.data = torch.tensor([0.1, -0.1]) - 5 * x[target]
        pair.linears[1].weight.data = torch.tensor([[1.0, -1.0]])
        outputs = pair(x).detach()[:, 0]
        assert abs(int(outputs.argmax()) - target) <= 1
    assert spearmanr(fields, single(x).detach()[:, 0]).statistic == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: probes.rank_gradients(nn.LSTM(8, 4), SPLIT), "needs a hidden layer that the logits"),
        (lambda: probes.rank_gradients(users_network(), SPLIT, part="all"), "part must be one of train, test"),
        (lambda: probes.condensation(users_network(), SPLIT, layer=4), r"layer must be in 2\.\.3, got 4"),
        (lambda: probes.elasticity(users_network(), SPLIT, bases=0), "bases must be >= 1"),
        (lambda: probes.elasticity(users_network(), SPLIT, samples=0), "samples must be >= 1"),
        (lambda: probes.basins(users_network(), SPLIT, samples=0), "samples must be >= 1"),
        (lambda: probes.information(users_network(), SPLIT, samples=0), "samples must be >= 1"),
        (lambda: probes.kernel_distance(users_network(), SPLIT, samples=0), "samples must be >= 1"),
        (
            lambda: probes.accuracy(users_network(), SPLIT.x_train, SPLIT.y_train[:, None]),
            r"labels must be 64 integers, got shape \(64, 1\)",
        ),
        (
            lambda: probes.accuracy(users_network(), SPLIT.x_train, SPLIT.y_train + 1),
            r"labels must be in 0\.\.3, got 4",
        ),
        (
            lambda: probes.accuracy(users_network(), SPLIT.x_train[:, 1:], SPLIT.y_train),
            r"x must have a shape .* \(64, 7\)",
        ),
        (lambda: probes.accuracy(users_network(), SPLIT.x_train[:0], SPLIT.y_train[:0]), "at least one sample"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.slow
def test_all_probes_on_digits_cost_less_than_a_second_of_one_core():
    network = MLP([784, 200, 200, 10], rng=torch.Generator().manual_seed(0))
    digits = load("mnist-mini")
    train(network, digits, TrainConfig(n_steps=30), np.random.default_rng(0))
    seconds = []
    for _ in range(3):  # the least, for other processes may take the cache away
        start = process_time()
        for probe in ALL.values():
            probe(network, digits)
        seconds.append(process_time() - start)
    assert min(seconds) < 1


def test_the_basins_of_samples_and_of_weights_are_told_apart():
    network = MLP([8, 16, 4], rng=torch.Generator().manual_seed(0))
    descend(network, 60)
    found = probes.basins(network, SPLIT, draws=3, samples=40, rng=np.random.default_rng(5))
    x, y, rng = SPLIT.x_train[:40], SPLIT.y_train[:40], np.random.default_rng(5)
    expected = {"sample": sample_basin(network, x, y, rng, draws=3).radius}
    expected["weight"] = weight_basin(network, x, y, rng, draws=3).radius
    assert found == expected
    assert found["sample"] != found["weight"]


def test_one_logit_tells_two_classes_and_no_third():
    x, network = torch.ones(4, 2), nn.Linear(2, 1)
    with pytest.raises(ValueError, match=r"labels must be in 0\.\.1, got 2"):
        probes.accuracy(network, x, torch.tensor([0, 1, 2, 1]))


def test_a_part_that_stands_twice_keeps_its_weights_and_its_basins():
    torch.manual_seed(0)
    shared = nn.Linear(8, 8)
    network = nn.Sequential(shared, nn.ReLU(), shared, nn.ReLU(), nn.Linear(8, 4))
    descend(network, 200)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = probes.basins(network, SPLIT, draws=5)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert found == probes.basins(network, SPLIT, draws=5)
    assert found == probes.basins(deepcopy(network), SPLIT, draws=5)

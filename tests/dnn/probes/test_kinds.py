"""Every probe of every kind of module is a number that `observe` or an oracle confirms, or a reason."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from torch import nn

from dnn import observe, probes
from dnn.data import Split
from dnn.networks.mlp import MLP
from tests.dnn.blobs import blobs
from tests.dnn.observing.kinds import LABELS, kinds
from tests.dnn.reading.test_unfolding import used
from tests.dnn.test_probes import ALL, values_of
from toymodels.condensation.grouping import clusters
from toymodels.metrics.information import binned

KINDS = kinds()
CHAINS = ("chain", "in place", "batch norm after")
COLLAPSE = ("nc1", "within_between", "nc2_norm", "nc2_angle", "nc3", "nc4")
NO_MAP = {
    "batch norm before": "got LogSoftmax as '4'",
    "layer norm": "got LayerNorm as '1'",
    "2-d convolutions": "got GroupNorm as '1'",
    "transformer": "got Embedding as 'embedding'",
    "lstm": "got LSTM as 'cells'",
    "gru": "got GRU as 'cells'",
}


class Wrapped(nn.Module):
    """A module out of reach of unfolding."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x)


def prepared(name, n=12):
    """Module, its start, and data."""
    module, x = copy.deepcopy(KINDS[name])
    start, generator = copy.deepcopy(module), torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator).to(parameter)
    return module, start, Split(x[:n], LABELS[:n], x[-n:], LABELS[-n:])


def touched(module):
    """All that a probe must leave alone."""
    state = [value.clone() for value in module.state_dict().values()]
    flags = [(part.training, len(part._forward_hooks), len(part._forward_pre_hooks)) for part in module.modules()]
    grads = [parameter.grad for parameter in module.parameters()]
    return state, flags, grads, torch.get_rng_state()


def assert_untouched(module, before):
    state, flags, grads, generator = touched(module)
    assert all(map(torch.equal, state, before[0]))
    assert flags == before[1]
    assert all(one is other for one, other in zip(grads, before[2], strict=True))
    assert torch.equal(generator, before[3])


@pytest.mark.parametrize("name", KINDS)
def test_every_probe_of_every_kind_is_what_is_observed_or_a_reason(name):
    module, start, split = prepared(name)
    before, x = touched(module), split.x_train.clone()
    asked = [*COLLAPSE, "rank_gradient", "clusters", "effective_rank", "kernel_distance", "elasticity"]
    look = observe(module, split, asked, reference=start)
    close = {"rel": 1e-3, "abs": 1e-4} if name != "bfloat16" else {"rel": 0.05, "abs": 0.02}
    gradients = probes.rank_gradients(module, split, statistics="running")
    if name in CHAINS:
        assert len(gradients) == (2 if name == "chain" else 1)
    else:
        assert list(gradients) == pytest.approx(list(look.of("rank_gradient").values()), abs=1e-12)
    assert probes.collapse(module, split) == pytest.approx({key: look[key] for key in COLLAPSE}, **close)
    first = next(iter(look.of("clusters")))
    alike = probes.condensation(module, split)
    assert alike == pytest.approx({key: look[f"{first}/{key}"] for key in alike}, rel=1e-5)
    assert probes.condensation(module, split, layer=first) == pytest.approx(alike, rel=1e-6)
    assert probes.kernel_distance(module, split, reference=start) == pytest.approx(look["kernel_distance"], **close)
    assert probes.elasticity(module, split) == pytest.approx(look["elasticity"], abs=2e-3)
    bits = probes.information(module, split)
    assert all(((values >= 0) & (values <= np.log2(12) + 1e-9)).all() for values in bits.values())
    assert len(bits["input"]) == len(bits["labels"]) == len(bits["neuron"]) > 0
    if name in NO_MAP:
        with pytest.raises(ValueError, match=f"network must be affine apart from activations, {NO_MAP[name]}; dnn.obs"):
            probes.linear_map_accuracy(module, split)
    else:
        last = probes.accuracy(module, split.x_test, split.y_test)
        assert probes.linear_map_accuracy(module, split)[-1] == pytest.approx(last, abs=0.1 * (name == "bfloat16"))
    assert_untouched(module, before)
    assert torch.equal(split.x_train, x)


@pytest.mark.parametrize("name", KINDS)
def test_basins_are_those_observed_or_refused(name):
    module, _, split = prepared(name)
    before = touched(module)
    assert probes.accuracy(module, split.x_train, split.y_train) == observe(module, split, ["accuracy"])["accuracy"]
    if name == "transformer":
        reason = observe(module, split, ["basin_sample"]).refused["basin_sample"]
        with pytest.raises(ValueError, match=f"^{reason}, or take dnn.weight_basin"):
            probes.basins(module, split)
        return
    with torch.no_grad():
        out = copy.deepcopy(module).eval()(split.x_train.to(next(module.parameters()).dtype))
    out = out["logits"] if isinstance(out, dict) else out[0] if isinstance(out, tuple) else out
    split = split._replace(y_train=out.argmax(1))
    radii = probes.basins(module, split, draws=1)
    assert radii["sample"] == pytest.approx(observe(module, split, ["basin_sample"])["basin_sample"], rel=1e-5)
    assert 0 < radii["weight"] <= 10
    assert_untouched(module, before)


def test_activations_in_place_or_called_as_functions_change_no_number():
    torch.manual_seed(0)
    x, y = torch.randn(40, 3), torch.arange(40) % 2
    first, last = nn.Linear(3, 4), nn.Linear(4, 2)
    plain = nn.Sequential(first, nn.ReLU(), last)
    split, start = Split(x, y, x, y), copy.deepcopy(plain)
    with torch.no_grad():
        last.weight += 0.1

    class Called(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = first, last

        def forward(self, x):
            return self.last(nn.functional.relu(self.first(x), inplace=True))

    class Threshold(nn.Module):  # in place, without saying so
        def forward(self, h):
            return h.clamp_(min=0)

    twins = nn.Sequential(first, nn.ReLU(inplace=True), last), nn.Sequential(first, Threshold(), last), Called()
    for name, probe in ALL.items():
        probe = partial(probe, reference=start) if name == "kernel_distance" else probe
        expected = values_of(probe(plain, split))
        for twin in twins[: 2 if name == "rank_gradients" else 3]:
            assert_allclose(values_of(probe(twin, split)), expected, rtol=1e-4, atol=2e-6, err_msg=name)
    untrained = nn.Sequential(start[0], nn.ReLU(inplace=True), start[2])
    assert probes.rank_gradients(untrained, split) == pytest.approx([0.15], abs=1e-9)


@given(st.integers(0, 1000), st.booleans(), st.sampled_from(["batch", "running"]))
def test_on_linear_chains_what_is_observed_is_exact(seed, batch_norm, statistics):
    network = used(MLP([8, 9, 7, 4], "linear", batch_norm, rng=torch.Generator().manual_seed(seed)), seed, 8).double()
    split = Split(*(part.double() if part.is_floating_point() else part for part in blobs()))
    options = {"statistics": statistics}
    exact, observed = (probes.rank_gradients(net, split, **options) for net in (network, Wrapped(network)))
    if batch_norm:  # a negative gain turns a field and its readout alike
        assert_allclose(np.abs(observed), np.abs(exact), rtol=0, atol=1e-8)
    assert_allclose(observed, exact, rtol=0, atol=1e-8)
    exact, observed = (values_of(probes.collapse(net, split, **options)) for net in (network, Wrapped(network)))
    assert_allclose(observed, exact, rtol=1e-6, atol=1e-9)
    exact, observed = (values_of(probes.information(net, split, **options)) for net in (network, Wrapped(network)))
    assert_allclose(observed, exact, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "layer", "place"),
    [
        ("residual", "last", 1),
        ("lstm", "head", 0),
        ("transformer", "blocks.layers.0.linear2", 2),
        ("transformer", "head", 6),
        ("2-d convolutions", "3", 0),
        ("2-d convolutions", "6", 1),
        ("tied", "last", 2),
    ],
)
def test_information_is_that_of_what_the_layers_take_in(name, layer, place):
    module, _, split = prepared(name, 30)
    took = []
    watched = copy.deepcopy(module).eval()
    watched.get_submodule(layer).register_forward_pre_hook(lambda _, args: took.append(args[0].numpy()))
    with torch.no_grad():
        watched(split.x_train)
    values = took[0].reshape(*took[0].shape[:2], -1).mean(2) if "conv" in name else took[0]
    values = values.mean(1) if values.ndim > 2 else values
    labels, edges = split.y_train.numpy(), np.linspace(values.min(), values.max(), 9)
    bits = probes.information(module, split, bins=8)
    assert bits["labels"][place] == pytest.approx(binned(values, labels, edges), abs=1e-9)
    each = [binned(column, labels, edges) for column in values.T]
    assert bits["neuron"][place] == pytest.approx(np.mean(each), abs=1e-9)


class Named(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 12), nn.GELU(), nn.Linear(12, 4))

    def forward(self, x):
        return {"scores": self.body(x)[:, :, None], "x": x}


@pytest.mark.parametrize("name", ALL)
def test_outputs_of_their_own_and_wrappers_are_seen_through(name):
    torch.manual_seed(0)
    inner, probe = Named(), ALL[name]
    if name == "kernel_distance":
        probe = partial(probe, reference=Wrapped(nn.Sequential(nn.Linear(8, 9), nn.Tanh(), nn.Linear(9, 4))))
        expected = values_of(probe(Wrapped(inner.body), blobs()))
        out = partial(ALL[name], reference=Named(), output=lambda out: out["scores"][..., 0])
        assert np.isfinite(out(inner, blobs()))
    else:
        expected = values_of(probe(Wrapped(inner.body), blobs()))
        if name == "condensation":
            return
        with pytest.raises(ValueError, match=r"must return \(n, K\) logits, or output must take them out of it"):
            probe(inner, blobs())
        taken = probe(inner, blobs(), output=lambda out: out["scores"][..., 0])
        assert_allclose(values_of(taken), expected, rtol=1e-5, atol=1e-6)
    for wrapper in (partial(torch.compile, backend="eager"), nn.DataParallel):
        assert_allclose(values_of(probe(wrapper(Wrapped(inner.body)), blobs())), expected, rtol=0, atol=0)


def test_what_looks_like_a_chain_and_is_none_is_not_taken_for_one():
    class Skip(nn.Sequential):
        def forward(self, x):
            return x + super().forward(x)

    class Doubled(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))
    network = nn.Sequential(Skip(*body), nn.Linear(8, 4))
    late, split = nn.Sequential(Doubled(8, 8), nn.Tanh(), nn.Linear(8, 4)), blobs()
    for module in (network, late):
        assert probes.linear_map_accuracy(module, split)[-1] == probes.accuracy(module, split.x_test, split.y_test)
        look = observe(module, split, ["nc1", "rank_gradient"])
        assert probes.collapse(module, split)["nc1"] == pytest.approx(look["nc1"])
        assert list(probes.rank_gradients(module, split)) == pytest.approx(list(look.of("rank_gradient").values()))


@pytest.mark.parametrize("name", ALL)
def test_images_before_a_flatten_are_the_rows_behind_it(name):
    torch.manual_seed(0)
    network, split = nn.Sequential(nn.Flatten(), nn.Linear(8, 12), nn.ReLU(), nn.Linear(12, 4)), blobs()
    images = Split(*(part.reshape(-1, 1, 2, 4) if part.ndim == 2 else part for part in split))
    probe = partial(ALL[name], reference=copy.deepcopy(network)) if name == "kernel_distance" else ALL[name]
    for method in ("linear_map", "perceptron") if name == "linear_map_accuracy" else ("",):
        options = {"method": method} if method else {}
        assert_allclose(values_of(probe(network, images, **options)), values_of(probe(network, split, **options)))


@pytest.mark.parametrize("name", [name for name in ALL if name != "rank_gradients"])
def test_a_part_in_two_places_runs_twice_and_counts_once(name):
    torch.manual_seed(0)
    tied, act = nn.Linear(8, 8), nn.Tanh()
    network, split = nn.Sequential(tied, act, tied, act, nn.Linear(8, 4)), blobs()
    start = copy.deepcopy(network)
    with torch.no_grad():
        tied.weight += 0.3 * torch.randn(8, 8)
    split = split._replace(y_train=network(split.x_train).argmax(1))  # so that basins are to be had
    before, results = touched(network), []
    for wrap in (lambda module: module, Wrapped):
        probe = partial(ALL[name], reference=wrap(start)) if name == "kernel_distance" else ALL[name]
        results.append(values_of(probe(wrap(network), split)))
    assert_allclose(*results, rtol=1e-5, atol=1e-6)
    assert_untouched(network, before)


@settings(max_examples=12)
@given(st.sampled_from(["functional", "residual", "layer norm", "batch norm before", "gru"]), st.sampled_from([*ALL]))
def test_a_probe_in_training_leaves_no_trace_and_says_the_same_twice(kind, name):
    module, start, split = prepared(kind)
    module.train()
    torch.nn.functional.dropout(torch.ones(3))
    before, numbers = touched(module), []
    for _ in range(2):
        probe = partial(ALL[name], reference=start) if name == "kernel_distance" else ALL[name]
        try:
            numbers.append(values_of(probe(module, split)))
        except ValueError as error:
            numbers.append(str(error))
    assert_untouched(module, before)
    assert np.array_equal(*numbers)


def test_inputs_that_are_written_into_are_left_alone():
    network, split = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(8, 9), nn.ReLU(), nn.Linear(9, 4)), blobs()
    before = split.x_train.clone(), split.x_test.clone()
    for name, probe in ALL.items():
        probe(network, split)
        assert torch.equal(split.x_train, before[0]), name
        assert torch.equal(split.x_test, before[1]), name


def test_layers_by_name():
    attention, _, split = prepared("transformer")
    weight = attention.blocks.layers[1].self_attn.in_proj_weight[16:32].detach()
    keys = probes.condensation(attention, split, layer="blocks.layers.1.self_attn/keys.2")
    assert keys["clusters"] <= 4 < len(weight)
    chain = prepared("chain")[0]
    assert probes.condensation(chain, split, layer="2") == pytest.approx(probes.condensation(chain, split, layer=3))
    assert probes.condensation(chain, split, layer="4")["clusters"] == 3
    tied, _, split = prepared("tied")
    again = probes.condensation(tied, split, layer="middle#2")
    assert again == probes.condensation(tied, split, layer="middle")
    for network, layer, words in (
        (chain, "1", r"layer must be one of 0, 2, 4, got '1'"),
        (attention, "blocks.layers.0.self_attn/keys", r"one of blocks.layers.0.self_attn/queries.0, .*, got"),
        (tied, 4, r"layer must be in 2\.\.3, got 4"),
        (attention, 0, "layer must be >= 1, got 0"),
    ):
        with pytest.raises(ValueError, match=words):
            probes.condensation(network, split if network is tied else prepared("transformer")[2], layer=layer)


def test_the_threshold_may_be_that_of_unrelated_neurons():
    generator = torch.Generator().manual_seed(0)
    network = MLP([8, 16, 4], rng=generator)
    with torch.no_grad():  # four directions, each of four neurons with 10 % of noise
        network.linears[0].weight[:] = network.linears[0].weight[:4].repeat(4, 1)
        network.linears[0].weight *= 1 + 0.1 * torch.randn(16, 8, generator=generator)
        network.linears[0].bias.zero_()
    rows = torch.cat([network.linears[0].weight, network.linears[0].bias[:, None]], dim=1).detach().numpy()
    for threshold in (0.5, 0.99, "null"):
        expected = clusters(rows, threshold=threshold).max() + 1
        assert probes.condensation(network, blobs(), threshold=threshold)["clusters"] == expected
    strict = probes.condensation(network, blobs(), threshold=0.9999)["clusters"]
    assert probes.condensation(network, blobs(), threshold="null")["clusters"] < strict
    with pytest.raises(ValueError, match="threshold must be"):
        probes.condensation(network, blobs(), threshold=1.5)


def test_a_single_logit_is_a_sign():
    network, (x, _, _, _) = nn.Linear(8, 1), blobs()
    y = (network(x)[:, 0] > 0).long()
    assert probes.accuracy(network, x, y) == probes.accuracy(Wrapped(network), x, y) == 1
    assert probes.accuracy(network, x, 1 - y) == 0
    for module in (network, Wrapped(network)):
        with pytest.raises(ValueError, match="needs two logits or more"):
            probes.elasticity(module, Split(x, y, x, y))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, s: probes.kernel_distance(m.requires_grad_(False), s), "needs a trainable parameter"),
        (lambda m, s: probes.rank_gradients(m, s._replace(y_train=s.y_train * 0)), "needs a sample of every class"),
        (lambda m, s: probes.rank_gradients(m, s._replace(x_train=s.x_train[:, :5])), "x must have a shape and dtype"),
        (lambda m, s: probes.rank_gradients(m, s, statistics="bacth"), "statistics must be one of running, batch"),
        (lambda m, s: probes.information(m, s._replace(y_train=s.x_train[:, 0])), "labels must be 12 integers"),
        (lambda m, s: probes.elasticity(m, s._replace(y_train=s.x_train[:, 0])), "labels must be 12 integers"),
        (lambda m, s: probes.elasticity(m, s._replace(y_train=s.y_train + 1)), r"labels must be in 0\.\.2, got 3"),
        (lambda m, s: probes.collapse(m, s._replace(y_train=s.y_train * 0)), "needs classes 0..K-1 that all have"),
        (lambda m, s: probes.linear_map_accuracy(m, s, method="perceptron"), "off chains method 'linear_map' may do"),
        (lambda m, s: probes.information(nn.Sequential(nn.LayerNorm(12), nn.Linear(12, 3)), s), "needs a hidden layer"),
        (lambda m, s: probes.condensation(nn.Sequential(nn.PReLU(), nn.Linear(12, 3)), s), "needs a hidden layer"),
    ],
)
def test_bad_input_is_refused_by_name(call, words):
    module, _, split = prepared("functional")
    with pytest.raises(ValueError, match=words):
        call(module, split)

"""Every quantity of every kind of module is a number that a slow oracle confirms, or a reason."""

import copy
import fnmatch

import numpy as np
import pytest
import torch
from torch import nn

from dnn import observe, probes, quantities
from dnn.data import Split
from dnn.extraction.fields import fields_of
from dnn.observing.batches import logits_of
from dnn.observing.tangents import plain_kernels
from tests.dnn.observing.kinds import CLASSES, LABELS, N, kinds
from toymodels.condensation.similarity import effective_rank
from toymodels.metrics import collapse
from toymodels.metrics.elasticity import contrast

KINDS = list(kinds())
LOOSE = {"bfloat16": 3e-2}


def prepared(name):
    module, x = kinds()[name]
    x = x.to(next(module.parameters()).dtype) if x.is_floating_point() else x
    return module, x


def logits_and_features(module, x):
    """By a hook of its own: outputs, and inputs of the last linear layer."""
    kept = []
    last = [part for part in module.modules() if isinstance(part, nn.Linear)][-1]
    handle = last.register_forward_pre_hook(lambda _, args: kept.append(args[0].detach()))
    with torch.no_grad():
        out = logits_of(copy.deepcopy(module).eval()(x)) if not kept else None
        kept.clear()
        mode = module.training
        out = logits_of(module.eval()(x))
        module.train(mode)
    handle.remove()
    return out.double().numpy(), kept[-1].double().numpy(), last


@pytest.mark.parametrize("name", KINDS)
def test_every_quantity_is_a_number_or_a_reason_and_nothing_is_touched(name):
    module, x = prepared(name)
    before = {key: value.clone() for key, value in module.state_dict().items()}
    flags, state = [part.training for part in module.modules()], torch.get_rng_state()
    seen = observe(module, (x, LABELS), reference=copy.deepcopy(module))
    assert {key.rpartition("/")[2] for key in seen} | seen.refused.keys() == set(quantities())
    assert all(np.isfinite(value) for value in seen.values())
    assert seen.refused.keys() <= ({"basin_sample"} if name == "transformer" else set()), seen.refused
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert [part.training for part in module.modules()] == flags
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not any(part._forward_hooks for part in module.modules())


@pytest.mark.parametrize("name", KINDS)
def test_numbers_of_the_whole_module_agree_with_an_oracle(name):
    module, x = prepared(name)
    seen = observe(module, (x, LABELS))
    logits, features, last = logits_and_features(module, x)
    labels = LABELS.numpy()
    tolerance = LOOSE.get(name, 1e-5)
    weight = last.weight.detach().double().numpy()
    oracle = {
        "accuracy": (logits.argmax(1) == labels).mean(),
        "loss": float(nn.functional.cross_entropy(torch.from_numpy(logits), LABELS)),
        "weight_norm": np.sqrt(sum(float((p.detach().double() ** 2).sum()) for p in module.parameters())),
        "nc1": collapse.nc1(features, labels),
        "within_between": collapse.within_between(features, labels),
        "nc2_norm": collapse.nc2(features, labels)[0],
        "nc2_angle": collapse.nc2(features, labels)[1],
        "nc3": collapse.nc3(features, labels, weight),
    }
    for quantity, value in oracle.items():
        assert seen[quantity] == pytest.approx(value, rel=10 * tolerance, abs=tolerance), quantity


@pytest.mark.parametrize("name", [name for name in KINDS if name != "bfloat16"])
def test_kernel_and_elasticity_agree_with_single_gradients_and_a_true_step(name):
    module, x = prepared(name)
    x, labels = x[:12], LABELS[:12]
    reference = copy.deepcopy(module)
    with torch.no_grad():
        for parameter in reference.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    seen = observe(module, (x, labels), ["kernel_distance", "elasticity"], reference=reference)

    def kernel(network):
        network = copy.deepcopy(network).eval().double()
        values = x.double() if x.is_floating_point() else x
        rows = []
        for k in range(CLASSES):
            for i in range(len(x)):
                grads = torch.autograd.grad(
                    logits_of(network(values[i : i + 1]))[0, k], list(network.parameters()), allow_unused=True
                )
                rows.append(
                    torch.cat(
                        [
                            torch.zeros(p.numel(), dtype=torch.double) if g is None else g.flatten()
                            for g, p in zip(grads, network.parameters(), strict=True)
                        ]
                    )
                )
        rows = torch.stack(rows).reshape(CLASSES, len(x), -1)
        return sum(row @ row.T for row in rows).numpy()

    first, second = kernel(module), kernel(reference)
    distance = 1 - (first * second).sum() / np.sqrt((first**2).sum() * (second**2).sum())
    assert seen["kernel_distance"] == pytest.approx(distance, abs=1e-5)

    def after_a_step(base, size=1e-5):
        network = copy.deepcopy(module).eval().double()
        values = x.double() if x.is_floating_point() else x
        before = logits_of(network(values)).detach().numpy()
        nn.functional.cross_entropy(logits_of(network(values[base : base + 1])), labels[base : base + 1]).backward()
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.grad is not None:
                    parameter -= size * parameter.grad
        return contrast(before, logits_of(network(values)).detach().numpy(), base, labels.numpy())

    assert seen["elasticity"] == pytest.approx(np.mean([after_a_step(base) for base in range(10)]), abs=2e-3)


@pytest.mark.parametrize("name", ["chain", "residual", "lstm", "2-d convolutions"])
def test_curvature_is_that_of_the_dense_hessian(name):
    module, x = prepared(name)
    x, labels = x[:9], LABELS[:9]
    network = copy.deepcopy(module).eval().double()
    values = {key: value.detach() for key, value in network.named_parameters()}
    sizes = [value.numel() for value in values.values()]
    flat = torch.cat([value.flatten() for value in values.values()])

    def loss(vector):
        parts = (part.view_as(v) for part, v in zip(vector.split(sizes), values.values(), strict=True))
        out = torch.func.functional_call(network, dict(zip(values, parts, strict=True)), (x.double(),))
        return nn.functional.cross_entropy(logits_of(out), labels)

    with plain_kernels():
        dense = torch.stack([hessian_row(loss, flat, k) for k in range(len(flat))])
    seen = observe(module.double(), (x, labels), ["sharpness", "hessian_trace"])
    assert seen["sharpness"] == pytest.approx(float(torch.linalg.eigvalsh(dense)[-1]), rel=1e-5)
    spread = float((2 / 20 * (dense - dense.diag().diag()).square().sum()).sqrt())  # of 20 draws of signs
    assert seen["hessian_trace"] == pytest.approx(float(dense.trace()), abs=4 * spread + 1e-5)


def hessian_row(loss, at, k):
    at = at.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(loss(at), at, create_graph=True)
    return torch.autograd.grad(gradient[k], at)[0]


def test_a_basin_is_that_of_the_library():
    from dnn import sample_basin

    module, x = prepared("chain")
    with torch.no_grad():
        labels = module(x).argmax(1)
    radius = sample_basin(module, x, labels, np.random.default_rng(0), draws=1).radius
    assert observe(module, (x, labels), ["basin_sample"])["basin_sample"] == pytest.approx(min(float(radius), 10.0))


def test_numbers_of_layers_are_those_of_their_rows():
    module, x = prepared("chain")
    seen = observe(module, (x, LABELS), ["effective_rank", "clusters", "cosine_excess"])
    rows = torch.cat([module[2].weight, module[2].bias[:, None]], dim=1).detach().double().numpy()
    assert seen["2/effective_rank"] == pytest.approx(effective_rank(rows))
    assert seen["2/clusters"] == 16
    assert abs(seen["2/cosine_excess"]) < 0.3


def test_a_chain_has_the_numbers_of_the_probes():
    module, x = prepared("chain")
    split = Split(x, LABELS, x, LABELS)
    seen = observe(module, split, reference=kinds()["chain"][0])
    assert seen["nc1"] == pytest.approx(probes.collapse(module, split)["nc1"], rel=1e-6)
    assert seen["elasticity"] == pytest.approx(probes.elasticity(module, split), rel=1e-3)
    assert seen["accuracy"] == probes.accuracy(module, x, LABELS)


def test_on_a_linear_chain_the_rank_gradient_is_the_exact_one():
    torch.manual_seed(1)
    module, x = (
        nn.Sequential(nn.Linear(12, 16), nn.Identity(), nn.Linear(16, 9), nn.Identity(), nn.Linear(9, 3)),
        torch.randn(N, 12),
    )
    exact = probes.rank_gradients(module, Split(x, LABELS, x, LABELS))
    seen = observe(module, (x, LABELS), ["rank_gradient"])
    assert list(seen.of("rank_gradient").values()) == pytest.approx(exact, abs=1e-8)


def test_the_activation_in_place_changes_nothing():
    torch.manual_seed(0)
    x, y = torch.randn(40, 3), torch.arange(40) % 2
    layers = nn.Linear(3, 4), nn.Linear(4, 2)
    twins = (nn.Sequential(layers[0], nn.ReLU(inplace=flag), layers[1]) for flag in (False, True))
    first, second = (observe(module, (x, y)) for module in twins)
    assert dict(first) == pytest.approx(dict(second))


def test_identical_neurons_on_sequences_are_one_and_random_ones_are_not():
    module = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Flatten(), nn.Linear(40, CLASSES))
    with torch.no_grad():
        module[0].weight[:] = module[0].weight[:1]
        module[0].bias[:] = module[0].bias[:1]
    seen = observe(module, (torch.randn(N, 5, 12), LABELS), ["clusters", "cosine_excess"])
    assert seen["0/clusters"] == 1
    assert seen["0/cosine_excess"] > 2


def test_units_that_move_no_logit_are_dead_and_so_are_logits_that_never_vary():
    module, x = prepared("chain")
    with torch.no_grad():
        module[2].bias[:4] = -100.0
        module[4].weight[0] = 0.0
    seen = observe(module, (x, LABELS), ["dead_units"])
    assert seen["2/dead_units"] >= 4 / 16
    assert seen["logits/dead_units"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    "data",
    [
        lambda x, y: (x, y),
        lambda x, y: Split(x, y, x, y),
        lambda x, y: torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 7),
        lambda x, y: [{"input": x[:20], "labels": y[:20]}, {"input": x[20:], "labels": y[20:]}],
        lambda x, y: ((x[i : i + 9], y[i : i + 9]) for i in range(0, N, 9)),
        lambda x, y: (x.double().requires_grad_(), y),
    ],
)
def test_data_come_in_any_form(data):
    module, x = prepared("chain")
    expected = observe(module, (x, LABELS), ["accuracy", "nc1", "rank_gradient"])
    assert dict(observe(module, data(x, LABELS), ["accuracy", "nc1", "rank_gradient"])) == pytest.approx(
        dict(expected), rel=1e-5
    )


def test_reasons_name_the_way_out():
    module, x = prepared("chain")
    refused = observe(module, (x, LABELS * 0)).refused
    assert "show more samples" in refused["rank_gradient"]
    assert "needs classes 0..K-1 that all have samples" in refused["nc1"]
    assert "reference=" in refused["kernel_distance"]
    real = observe(module, (x, torch.randn(N, CLASSES)))
    assert "integer class labels" in real.refused["accuracy"]
    assert real["loss"] > 0
    frozen = prepared("functional")[0].requires_grad_(False)
    assert "needs a trainable parameter" in observe(frozen, (x, LABELS)).refused["elasticity"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, x: observe(m, (x, LABELS), ["nc9"]), "quantities must be out of accuracy"),
        (lambda m, x: observe(m, []), "data must hold samples, got none"),
        (lambda m, x: observe(m, 3.0), "data must be a Split"),
        (lambda m, x: observe(m, [{"input": x}]), "must have labels under one of labels, label"),
        (lambda m, x: observe(m, (x, LABELS[:5])), "one label a sample, got 5"),
        (lambda m, x: observe(m, (x, LABELS), samples=0), "samples must be"),
        (lambda m, x: observe(nn.Sequential(m, nn.Unflatten(1, (3, 1))), (x, LABELS)), r"\(n, K\) logits, or output"),
    ],
)
def test_bad_input_is_named(call, words):
    module, x = prepared("chain")
    with pytest.raises(ValueError, match=words):
        call(module, x)


def test_an_output_of_its_own_and_a_table():
    module, x = prepared("chain")
    seen = observe(
        nn.Sequential(module, nn.Unflatten(1, (3, 1))), (x, LABELS), ["accuracy"], output=lambda out: out[..., 0]
    )
    assert seen["accuracy"] == observe(module, (x, LABELS), ["accuracy"])["accuracy"]
    table = observe(module, (x, LABELS)).to_dataframe()
    assert list(table.columns) == ["layer", "quantity", "value"]
    assert "refused: needs reference=" in repr(observe(module, (x, LABELS)))
    with pytest.raises(KeyError, match="kernel_distance: needs reference="):
        observe(module, (x, LABELS))["kernel_distance"]


def test_parameters_that_are_not_finite_are_refused():
    module, x = prepared("chain")
    with torch.no_grad():
        module[0].weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"module must have finite parameters, got 0\.weight"):
        observe(module, (x, LABELS))


def test_data_are_not_written_into_by_a_module_that_writes_into_its_inputs():
    x, y = torch.randn(12, 4), torch.arange(12) % 3
    before = x.clone()
    network = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 3))
    observe(network, (x, y))
    assert torch.equal(x, before)


def test_a_part_that_stands_in_two_places_is_left_as_it_was():
    part = nn.Linear(4, 4)
    network = nn.Sequential(part, nn.ReLU(), part, nn.Linear(4, 3))
    x, y = torch.randn(12, 4), torch.arange(12) % 3
    before = network(x).detach()
    observe(network, (x, y))
    assert torch.equal(network(x), before)
    assert isinstance(part.weight, nn.Parameter)


class PerPosition(nn.Module):
    """Reads every position of a sequence and averages what it says."""

    def __init__(self):
        super().__init__()
        self.hidden, self.readout = nn.Linear(4, 6), nn.Linear(6, CLASSES)

    def forward(self, x):
        return self.readout(torch.tanh(self.hidden(x))).mean(1)


def test_features_of_a_readout_at_every_position_are_their_mean():
    torch.manual_seed(0)
    module, x = PerPosition(), torch.randn(N, 5, 4)
    features = torch.tanh(module.hidden(x)).mean(1).detach().double().numpy()
    seen = observe(module, (x, LABELS))
    assert seen["nc1"] == pytest.approx(collapse.nc1(features, LABELS.numpy()), rel=1e-5)


def test_neurons_are_grouped_where_there_are_several_that_have_weights():
    module = nn.Sequential(
        nn.Linear(3, 1), nn.Tanh(), nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 2)
    )
    nn.init.zeros_(module[2].weight)
    nn.init.zeros_(module[2].bias)
    seen = observe(module, (torch.randn(6, 3), torch.arange(6) % 2), ["clusters", "effective_rank"])
    assert set(seen.keys()) == {"4/clusters", "4/effective_rank"}


@pytest.mark.parametrize("samples", [1000, None])
@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("chain", "0"),
        ("chain", "[24]"),
        ("residual", "middle"),
        ("tied", "middle"),
        ("lstm", "head"),
        ("transformer", "blocks.layers.0.*"),
        ("2-d convolutions", "3"),
        ("batch norm after", "1"),
    ],
)
def test_a_pattern_leaves_out_layers_and_changes_no_number(name, pattern, samples):
    module, x = prepared(name)
    slow = ("kernel", "basin", "sharp", "hessian", "elastic")  # and of no layer
    asked = [each for each in quantities() if not each.startswith(slow)]
    whole, part = (observe(module, (x, LABELS), asked, layers=each, samples=samples) for each in ("*", pattern))

    def fits(key):
        layer = key.rpartition("/")[0]
        owner = layer.partition("#")[0].partition("/")[0]
        return layer in ("", "logits") or fnmatch.fnmatchcase(owner, pattern)

    assert dict(part) == pytest.approx({key: value for key, value in whole.items() if fits(key)}, rel=1e-6)
    assert all(key in part.refused or any(each.endswith(key) for each in part) for key in asked)


def test_a_pattern_leaves_out_what_cannot_be_observed():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.cells, self.middle, self.head = nn.GRU(3, 4, batch_first=True), nn.Linear(4, 5), nn.Linear(5, 2)

        def forward(self, x):
            packed = nn.utils.rnn.pack_padded_sequence(x, [2] * len(x), batch_first=True)
            return self.head(torch.tanh(self.middle(self.cells(packed)[1][0])))

    torch.manual_seed(0)
    module, data = Packed(), (torch.randn(12, 2, 3), torch.arange(12) % 2)
    with pytest.raises(ValueError, match="cells must put out padded sequences"):
        observe(module, data, ["clusters"])
    seen = observe(module, data, ["clusters", "rank_gradient", "nc1"], layers="[mh]*")
    assert list(seen) == ["middle/clusters", "middle/rank_gradient", "nc1"]


@pytest.mark.parametrize("samples", [1000, None])
def test_a_module_without_hidden_layers_has_reasons(samples):
    torch.manual_seed(0)
    for module in (nn.Linear(3, 2), nn.Sequential(nn.LayerNorm(3), nn.Linear(3, 2))):
        seen = observe(module, (torch.randn(12, 3), torch.arange(12) % 2), samples=samples)
        assert {key.rpartition("/")[2] for key in seen} | set(seen.refused) == set(quantities())
        assert seen.refused["firing_overlap"] == "needs a hidden layer"
        if samples:
            assert seen.refused["information_input"] == seen.refused["information_labels"] == "needs a hidden layer"


@pytest.mark.parametrize("samples", [1000, None])
@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8, torch.int8, torch.uint16, torch.bool])
def test_classes_are_the_same_in_every_type_of_integer(dtype, samples):
    module, x = prepared("functional")
    labels = LABELS % 2 if dtype == torch.bool else LABELS
    seen, expected = (observe(module, (x, each), samples=samples) for each in (labels.to(dtype), labels))
    assert dict(seen) == dict(expected)
    assert seen.refused == expected.refused


@pytest.mark.parametrize("samples", [1000, None])
@pytest.mark.parametrize(("shift", "refused"), [(-1, {"accuracy", "loss", "nc1"}), (1, {"loss", "nc1"})])
def test_labels_without_a_class_are_reasons_and_never_errors(shift, refused, samples):
    module, x = prepared("chain")
    seen = observe(module, (x, LABELS + shift), samples=samples)
    assert {key.rpartition("/")[2] for key in seen} | seen.refused.keys() == set(quantities())
    assert refused <= seen.refused.keys()
    if samples:
        assert {"elasticity", "sharpness", "hessian_trace"} <= seen.refused.keys()


def test_of_attention_as_the_last_layer_the_output_is_not_hidden():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.attention = nn.Linear(3, 4), nn.MultiheadAttention(4, 2, batch_first=True)

        def forward(self, x):
            x = torch.tanh(self.first(x))
            return self.attention(x, x, x)[0].mean(1)

    torch.manual_seed(0)
    data = torch.randn(12, 5, 3), torch.arange(12) % 4
    seen = observe(Last(), data, ["rank_gradient", "dead_units", "information_input"])
    assert seen.of("rank_gradient").keys() == {"first"}
    assert seen.of("dead_units").keys() == {"first", "logits"}
    parts = {f"attention/{part}" for part in ("queries", "keys", "values")}
    assert seen.of("information_input").keys() == {"first"} | parts


def test_batch_norm_behind_attention_counts_as_part_of_it():
    class Normed(nn.Module):
        def __init__(self):
            super().__init__()
            self.attention, self.norm = nn.MultiheadAttention(4, 2, batch_first=True), nn.BatchNorm1d(4)
            self.last = nn.Linear(4, 2)

        def forward(self, x):
            out = self.norm(self.attention(x, x, x)[0].transpose(1, 2))
            return self.last(out.mean(2))

    torch.manual_seed(0)
    module, x = Normed().eval(), torch.randn(6, 5, 4)
    module.norm.running_mean += 3
    with torch.no_grad():
        expected = module.norm(module.attention(x, x, x)[0].transpose(1, 2)).mean(2)
    np.testing.assert_allclose(fields_of(module, x, "attention")["attention"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("samples", [1000, None])
@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.uint8, torch.uint16])
def test_samples_of_a_type_that_the_module_does_not_take_are_refused_by_name(kind, samples):
    x, y = torch.ones(9, 12).to(kind), torch.arange(9) % 3
    with pytest.raises(ValueError, match=r"samples must have a shape and dtype that module takes, got \(9, 12\) of"):
        observe(kinds()["chain"][0], (x, y), samples=samples)


@pytest.mark.parametrize("kind", [torch.int32, torch.uint8, torch.uint16, torch.int16])
def test_labels_may_be_integers_of_any_size_and_samples_arrays(kind):
    module, x = prepared("chain")
    plain = observe(module, (x, LABELS), ["loss", "accuracy", "rank_gradient"])
    assert dict(observe(module, (x, LABELS.to(kind)), ["loss", "accuracy", "rank_gradient"])) == dict(plain)
    assert dict(observe(module, (x.numpy(), LABELS.numpy()), ["loss", "accuracy", "rank_gradient"])) == dict(plain)


def test_masked_samples_are_refused():
    module, x = prepared("chain")
    masked = np.ma.array(x.numpy(), mask=x.numpy() > 0)
    with pytest.raises(ValueError, match="inputs of a batch must not be masked"):
        observe(module, (masked, LABELS))


def test_targets_that_fit_no_logits_are_refused():
    module, x = prepared("chain")
    seen = observe(module, (x, LABELS.float()), ["loss"])
    assert seen.refused["loss"].startswith("needs a real target for every logit")


@pytest.mark.parametrize("scale", [2.0**-120, 2.0**-80, 2.0**80, 2.0**120])
def test_what_no_unit_changes_is_the_same_in_any_unit(scale):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False))
    x, y = torch.randn(30, 4), torch.arange(30) % 3
    free = ["information_input", "information_labels", "rank_gradient", "nc1", "effective_rank"]
    plain, scaled = observe(module, (x, y), free), observe(module, (scale * x, y), free)
    assert dict(scaled) == pytest.approx(dict(plain), rel=1e-4)
    aligned = [observe(module, (factor * x, y), ["kernel_alignment"])["kernel_alignment"] for factor in (1, scale)]
    assert aligned[0] == pytest.approx(aligned[1], rel=1e-4)
    assert np.isfinite(list(observe(module, (scale * x, y)).values())).all()

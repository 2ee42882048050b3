"""Batch by batch or at once, in any order: the same numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from dnn import observe
from dnn.observing import streaming
from dnn.observing.batches import Batch
from dnn.observing.passes import Refused, View
from dnn.observing.streaming import accumulators, observe_stream
from tests.dnn.observing.kinds import LABELS, N, kinds

KINDS = list(kinds())
STREAMED = list(accumulators(streaming.QUANTITIES))
COUNTED = 5e-3  # what intervals may change in a rank gradient of 45 samples
LOOSE = {"bfloat16": 3e-2}


def prepared(name):
    module, x = kinds()[name]
    return module, x.to(next(module.parameters()).dtype) if x.is_floating_point() else x


def cut(x, y, sizes):
    return [(a, b) for a, b in zip(x.split(sizes), y.split(sizes), strict=True)]


@pytest.mark.parametrize("name", KINDS)
def test_batches_in_any_order_give_what_all_samples_at_once_do(name):
    module, x = prepared(name)
    order = torch.randperm(N, generator=torch.Generator().manual_seed(1))
    seen = observe_stream(module, cut(x[order], LABELS[order], [1, 2, 17, 25]), STREAMED)
    whole = observe(module, (x, LABELS), STREAMED)
    assert seen.keys() == whole.keys()
    assert seen.refused == whole.refused == {}
    tolerance = LOOSE.get(name, 1e-5)
    for key, value in whole.items():
        rounding = COUNTED if key.endswith("rank_gradient") else tolerance
        assert seen[key] == pytest.approx(value, rel=rounding, abs=rounding), key
    assert seen["accuracy"] == whole["accuracy"] or name == "bfloat16"


def test_nothing_in_the_module_is_touched():
    module, x = prepared("batch norm after")
    before = {key: value.clone() for key, value in module.state_dict().items()}
    flags, state = [part.training for part in module.modules()], torch.get_rng_state()
    observe_stream(module, cut(x, LABELS, 10))
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert [part.training for part in module.modules()] == flags
    assert torch.equal(torch.get_rng_state(), state)
    assert all(parameter.grad is None for parameter in module.parameters())
    assert not any(part._forward_hooks for part in module.modules())


def test_without_a_number_of_samples_observe_takes_all_of_them():
    module, x = prepared("chain")
    many = x.repeat(30, 1) + 0.1 * torch.randn(30 * N, 12, generator=torch.Generator().manual_seed(2))
    data = (many, LABELS.repeat(30))
    seen, first = observe(module, data, samples=None), observe(module, data)
    whole = observe(module, data, STREAMED, samples=len(many))
    assert dict(seen) == pytest.approx(dict(whole), rel=1e-3, abs=1e-4)
    assert seen["loss"] == pytest.approx(whole["loss"], rel=1e-9)
    assert seen["loss"] != first["loss"]
    assert seen.refused["nc4"] == seen.refused["kernel_alignment"] == streaming.NEEDS_ALL


def test_classes_absent_from_a_batch_are_counted_and_those_absent_from_all_refused():
    module, x = prepared("chain")
    by_class = [(x[k::3], LABELS[k::3]) for k in range(3)]
    whole = observe(module, (x, LABELS), STREAMED)
    assert dict(observe_stream(module, by_class, STREAMED)) == pytest.approx(dict(whole), rel=1e-5, abs=COUNTED)
    refused = observe_stream(module, [by_class[0], by_class[2]], STREAMED).refused
    assert refused.keys() == {"rank_gradient", "nc1", "within_between", "nc2_norm", "nc2_angle", "nc3"}
    assert "got no sample of class 1; show more samples" in refused["rank_gradient"]
    assert "classes 0..K-1 that all have samples, got [0, 2]; show more samples" in refused["nc1"]


def test_accumulators_add_up_what_they_are_given_and_forget_it():
    module, x = prepared("chain")
    running = accumulators(STREAMED)
    halves = [View(module, Batch((x[part],), LABELS[part])) for part in (slice(0, 20), slice(20, N))]
    for accumulator in running.values():
        for view in halves:
            accumulator.update(view)
    first = {name: accumulator.compute() for name, accumulator in running.items()}
    for accumulator in running.values():
        accumulator.reset()
    again = [View(module, Batch((x[part],), LABELS[part])) for part in (slice(10, N), slice(0, 10))]
    for accumulator in running.values():
        for view in again:
            accumulator.update(view)
    for name, accumulator in running.items():
        assert accumulator.compute() == pytest.approx(first[name], rel=1e-5, abs=1e-6), name
    assert set(running["rank_gradient"].errors) == {"0", "2"}
    assert max(running["rank_gradient"].errors.values()) < 0.05


def test_what_would_not_fit_is_refused_and_nothing_else(monkeypatch):
    module, x = prepared("chain")
    monkeypatch.setattr(streaming, "SCATTER", 100)
    monkeypatch.setattr(streaming, "PATTERNS", 10)
    monkeypatch.setattr("dnn.observing.ranks.COUNTS", 1000)
    refused = observe_stream(module, (x, LABELS), STREAMED).refused
    assert refused.keys() == {"nc1", "firing_overlap", "rank_gradient"}
    assert "use within_between" in refused["nc1"]


def test_reasons_are_those_of_observe():
    module, x = prepared("chain")
    targets = torch.randn(N, 3)
    real = observe_stream(module, cut(x, targets, 10))
    assert "integer class labels" in real.refused["accuracy"]
    assert real["loss"] == pytest.approx(observe(module, (x, targets), ["loss"])["loss"], rel=1e-6)
    single = observe_stream(nn.Sequential(nn.Linear(12, 4), nn.ReLU(), nn.Linear(4, 1)), (x, LABELS % 2))
    assert 0 <= single["accuracy"] <= 1
    assert "labels must be in 0..0" in single.refused["rank_gradient"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, x: observe_stream(m, (x, LABELS), ["nc9"]), "quantities must be out of accuracy"),
        (lambda m, x: observe_stream(m, []), "batches must hold samples, got none"),
        (lambda m, x: observe_stream(m, 3.0), "data must be a Split"),
        (lambda m, x: observe_stream(m, (x, LABELS), layers="head"), "layers must fit a weight-bearing layer"),
    ],
)
def test_bad_input_is_named(call, words):
    module, x = prepared("chain")
    with pytest.raises(ValueError, match=words):
        call(module, x)


def test_parameters_that_are_not_finite_are_refused():
    module, x = prepared("chain")
    with torch.no_grad():
        module[0].bias[0] = torch.inf
    with pytest.raises(ValueError, match=r"module must have finite parameters, got 0\.bias"):
        observe_stream(module, (x, LABELS))


def test_fields_that_are_not_finite_are_a_reason():
    module, x = prepared("chain")
    x = x.clone()
    x[3] = 3e38  # finite, but not times a weight of ten
    for parameter in module.parameters():
        parameter.data.mul_(100)
    seen = observe_stream(module, (x, LABELS), ["rank_gradient", "nc1", "weight_norm"])
    assert list(seen) == ["weight_norm"]
    assert all("must be finite" in why for why in seen.refused.values())
    with pytest.raises(Refused):
        accumulators(["nc1"])["nc1"].update(View(module, Batch((x,), LABELS)))
    x[3, 0] = np.inf
    for look in (observe, observe_stream):
        with pytest.raises(ValueError, match="samples must be finite, got inf among its entries"):
            look(module, (x, LABELS), ["weight_norm"])


def test_a_field_of_exactly_zero_does_not_fire():
    module = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 2))
    module[0].weight.data = torch.tensor([[1.0], [0.0]])
    x = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
    data = (x, torch.tensor([0, 0, 1, 1]))
    for look in (observe, observe_stream):
        assert list(look(module, data, ["firing_overlap"]).values()) == pytest.approx([0.5])


def test_logits_that_never_vary_are_a_share_of_all():
    module = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3))
    nn.init.zeros_(module[2].weight[0])
    data = (torch.randn(6, 2), torch.arange(6) % 3)
    for look in (observe, observe_stream):
        assert look(module, data, ["dead_units"])["logits/dead_units"] == pytest.approx(1 / 3)

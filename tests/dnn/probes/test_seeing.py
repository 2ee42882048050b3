"""What probes see of a network: the module inside, whether it is a chain, and samples as it takes them."""

import numpy as np
import pytest
import torch
from torch import nn

from dnn import probes
from dnn.data import Split
from dnn.networks.mlp import MLP
from dnn.probes.seeing import as_numpy, first, part_of, seen
from tests.dnn.embedding.kinds import normal, seeded


class Opaque(nn.Module):
    """A module that is no chain."""

    def __init__(self, inside, given=lambda out, x: out):
        super().__init__()
        self.inside, self.given = inside, given

    def forward(self, x):
        return self.given(self.inside(x), x)


def network():
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3))


X, Y = normal(6, 4), torch.arange(6) % 3


def test_a_chain_is_seen_as_one():
    module = seeded(network).train()
    with seen(module, X, Y) as look:
        assert look.module is module
        assert not module.training
        assert look.chain.widths == (4, 5, 3)
        assert (look.output, look.returns_logits) == (None, True)
        assert torch.equal(look.x, X)
        assert torch.equal(look.y, Y)
        assert look.classifier() is module
    assert module.training


def test_images_before_a_chain_reach_it_as_rows():
    images = X.reshape(6, 1, 2, 2)
    with seen(nn.Sequential(nn.Flatten(), seeded(network)), images, Y) as look:
        assert torch.equal(look.x, X)
        assert torch.equal(look.given, images)
    with seen(seeded(lambda: nn.Linear(2, 3)), X.reshape(6, 2, 2)[:, 0], Y) as look:
        assert look.chain is not None


def test_sequences_are_no_samples_of_a_chain():
    module = seeded(lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    with seen(module, X.reshape(6, 2, 2), Y, output=lambda out: out.mean(1)) as look:
        assert look.chain is None
        assert look.classifier()(look.given).shape == (6, 3)
    with pytest.raises(ValueError, match=r"the module must return \(n, K\) logits, or output must take them out of it"):
        seen(module, X.reshape(6, 2, 2), Y).__enter__()


@pytest.mark.parametrize(
    ("given_out", "output", "plain"),
    [
        (lambda out, x: out, None, True),
        (lambda out, x: out, lambda out: -out, False),
        (lambda out, x: {"logits": out}, None, False),
        (lambda out, x: (out, x), None, False),
        (lambda out, x: out[:, 0], None, False),
        (lambda out, x: [x, out], lambda out: out[1], False),
    ],
)
def test_logits_are_taken_out_of_what_is_returned(given_out, output, plain):
    inside = seeded(network)
    module = Opaque(inside, given_out)
    with seen(module, X, Y, output) as look:
        assert look.chain is None
        assert look.returns_logits is plain
        assert (look.classifier() is module) is plain
        with torch.no_grad():
            logits = look.classifier()(X)
            expected = output(module(X)) if output is not None else inside(X)
        torch.testing.assert_close(logits, expected if logits.shape[1] > 1 else expected[:, :1])


def test_half_precision_is_read_in_single_by_a_copy():
    module = seeded(network, dtype=torch.bfloat16)
    with seen(module, X, Y) as look:
        assert look.module is not module
        assert look.module[0].weight.dtype == look.x.dtype == look.given.dtype == torch.float32
        assert look.chain.linears[0] is look.module[0]
        assert torch.equal(look.module[0].weight, module[0].weight.float())
        assert torch.equal(look.x, X.bfloat16().float())  # as the network takes them
    assert module[0].weight.dtype == torch.bfloat16


def test_tied_weights_and_parts_in_two_places_are_told():
    shared, plain = nn.Linear(4, 4), MLP([4, 4, 4, 3])
    repeated = nn.Sequential(shared, nn.ReLU(), shared, nn.ReLU(), nn.Linear(4, 3))
    tied = MLP([4, 4, 4, 3])
    tied.linears[1].weight = tied.linears[0].weight
    for module, is_tied, repeats in (
        (plain, False, False),
        (repeated, True, True),
        (tied, True, False),
        (Opaque(repeated), False, True),
        (Opaque(plain), False, False),
    ):
        with seen(module.double(), X, Y) as look:
            assert (look.is_tied, look.repeats) == (is_tied, repeats)


def test_a_view_is_in_the_statistics_asked_for():
    module, x = seeded(lambda: Opaque(network())), 3 * X + 1
    with seen(module, x, Y) as look:
        with torch.no_grad():
            running = module(x)
        torch.testing.assert_close(look.view().logits, running)
        norm = module.inside[1]
        with torch.no_grad():
            field = module.inside[0](x)
            scaled = (field - field.mean(0)) / (field.var(0, correction=0) + norm.eps).sqrt()
            batch = module.inside[3](torch.relu(norm.weight * scaled + norm.bias))
        torch.testing.assert_close(look.view("batch").logits, batch, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(module(x), running)  # its own statistics are as before
        assert look.view().labels.tolist() == Y.tolist()
        with pytest.raises(ValueError, match="statistics must be one of running, batch, got 'mean'"):
            look.view("mean")
    with seen(module, x, Y, output=lambda out: 2 * out) as look:
        torch.testing.assert_close(look.view().logits, 2 * running)


@pytest.mark.parametrize("wrap", [lambda each: each, Opaque])
def test_what_no_network_takes_is_refused(wrap):
    module = wrap(seeded(network))
    with pytest.raises(ValueError, match="a batch must have one label a sample, got 5 and shape"):
        seen(module, X, Y[:5]).__enter__()
    with pytest.raises(ValueError, match="samples must be finite, got nan"):
        seen(module, X * torch.nan, Y).__enter__()
    with torch.no_grad():
        next(iter(module.parameters()))[0, 1] = torch.inf
    with pytest.raises(
        ValueError, match=r"must have finite parameters and buffers, got NaN or infinity in .*0\.weight"
    ):
        seen(module, X, Y).__enter__()
    with pytest.raises(ValueError, match="module must be a torch module, got None"):
        seen(None, X, Y).__enter__()


SPLIT = Split(X, Y, X[:4] + 1, Y[:4])


def test_the_first_samples_come_with_their_labels():
    for samples, count in ((1, 1), (4, 4), (6, 6), (9, 6)):
        x, y = first(SPLIT, samples)
        assert torch.equal(x, X[:count])
        assert torch.equal(y, Y[:count])
    for samples, words in ((0, "samples must be >= 1, got 0"), (1.5, "samples must be an integer")):
        with pytest.raises(ValueError, match=words):
            first(SPLIT, samples)
    with pytest.raises(ValueError, match="split must be a Split of"):
        first((X, Y), 3)


def test_parts_of_a_split_go_by_name():
    assert [torch.equal(*pair) for pair in zip(part_of(SPLIT, "train"), (X, Y), strict=True)] == [True, True]
    assert [torch.equal(*pair) for pair in zip(part_of(SPLIT, "test"), SPLIT[2:], strict=True)] == [True, True]
    with pytest.raises(ValueError, match="part must be one of train, test, got 'both'"):
        part_of(SPLIT, "both")
    with pytest.raises(ValueError, match="split must be a Split of"):
        part_of(None, "train")


def test_values_come_out_of_their_graph():
    values = torch.tensor([1.5, 2.0], requires_grad=True)
    assert np.array_equal(as_numpy(values * 2), [3.0, 4.0])


PROBES = (
    "rank_gradients",
    "basins",
    "collapse",
    "elasticity",
    "information",
    "kernel_distance",
    "linear_map_accuracy",
)


@pytest.mark.parametrize("wrap", [lambda each: each, Opaque])
@pytest.mark.parametrize("name", PROBES)
def test_samples_of_another_shape_or_kind_are_refused_by_every_probe(name, wrap):
    module, probe = wrap(seeded(network)), getattr(probes, name)
    for x, words in ((X[:, :3], r"x must have .*shape.*got \(6, 3\)"), ((9 * X).long(), "real|dtype .* torch.int64")):
        with pytest.raises(ValueError, match=words):
            probe(module, Split(x, Y, x, Y))


@pytest.mark.parametrize("wrap", [lambda each: each, Opaque])
@pytest.mark.parametrize("name", PROBES)
def test_classes_are_the_same_in_every_type_of_integer(name, wrap):
    probe = getattr(probes, name)
    module = wrap(seeded(lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))))
    with torch.no_grad():
        labels = module(X).argmax(1)  # so that basins are to be had
    labels[:2], labels[2:4] = 0, 1
    expected = probe(module, Split(X, labels, X, labels))
    for dtype in (torch.int32, torch.uint8, torch.uint16, torch.bool):
        found = probe(module, Split(X, labels.to(dtype), X, labels.to(dtype)))
        np.testing.assert_equal(found, expected)

import pytest
import torch
from torch import nn

from dnn import observe
from dnn.observing import passes
from dnn.observing.batches import Batch, logits_of
from dnn.observing.passes import View
from dnn.observing.resting import undisturbed
from dnn.observing.taps import tap
from tests.dnn.observing.kinds import LABELS, N, kinds


@pytest.mark.parametrize("room", [1, 2**24])  # one logit at a time, and all together
@pytest.mark.parametrize("name", [name for name in kinds() if name != "bfloat16"])
def test_slopes_are_means_of_single_gradients(name, room, monkeypatch):
    monkeypatch.setattr(passes, "AT_ONCE", room)
    monkeypatch.setattr(passes, "CHUNK", 20)
    module, x = kinds()[name]
    module = module.double()
    x = x.double() if x.is_floating_point() else x
    passed = View(module, Batch((x,), LABELS)).passed
    with undisturbed(module), tap(module, with_graph=True) as listening, torch.enable_grad():
        logits = logits_of(module(x))
        for layer in passed.slopes:
            for k in range(logits.shape[1]):
                raw = listening.raw[layer]
                (gradient,) = torch.autograd.grad(logits[:, k].sum(), raw, retain_graph=True)
                rows = listening.owners[layer].arranged(gradient)
                rows = rows if rows.ndim > 2 else rows[:, None]
                assert torch.allclose(passed.slopes[layer][k], rows.mean((0, 1)), rtol=1e-9, atol=1e-12)
                assert not (rows != 0).any(0).any(0)[~passed.alive[layer]].any()
    assert passed.slopes


def test_only_what_is_asked_for_is_computed():
    module, x = kinds()["chain"]
    view = View(module, Batch((x,), LABELS))
    whole = view.logits
    for asked, slopes in ((["nc1"], False), (["nc1", "dead_units"], True)):
        view = View(module, Batch((x,), LABELS))
        view.prepare(asked)
        assert bool(view.passed.slopes) == slopes
        assert torch.equal(view.logits, whole)
    for asked in (["accuracy", "loss"], sorted(passes.OF_LOGITS)):
        view = View(module, Batch((x,), LABELS))
        view.prepare(asked)
        assert torch.equal(view.logits, whole)
        assert "passed" not in vars(view)
    assert len(whole) == N


@pytest.mark.parametrize("chunk", [N, N - 1, 30, 7])
def test_all_samples_have_logits_however_they_are_cut(chunk, monkeypatch):
    module, x = kinds()["chain"]
    whole = View(module, Batch((x,), LABELS)).logits
    monkeypatch.setattr(passes, "CHUNK", chunk)
    for asked in (["accuracy"], ["nc1"]):
        view = View(module, Batch((x,), LABELS))
        view.prepare(asked)
        torch.testing.assert_close(view.logits, whole)


def seen(name, monkeypatch, sloped):
    monkeypatch.setattr(passes, "SLOPED", sloped)
    module, x = kinds()[name]
    state = torch.get_rng_state()
    passed = View(module, Batch((x,), LABELS).placed(module)).passed
    assert torch.equal(torch.get_rng_state(), state)
    return passed


@pytest.mark.parametrize("chunk", [7, 300])
@pytest.mark.parametrize("name", kinds())
def test_of_many_samples_only_the_slopes_are_of_a_few(name, chunk, monkeypatch):
    monkeypatch.setattr(passes, "CHUNK", chunk)
    whole, few = seen(name, monkeypatch, N), seen(name, monkeypatch, N - 1)
    assert set(whole.fields) == set(few.fields)
    assert all(torch.equal(whole.fields[layer], few.fields[layer]) for layer in whole.fields)
    assert torch.equal(whole.logits, few.logits)
    assert set(few.slopes) == set(whole.slopes)
    assert set(few.alive) == set(whole.alive)
    for layer in whole.alive:  # whether any logit depends on a neuron, by all samples and a single mixture
        assert torch.equal(whole.alive[layer], few.alive[layer]), layer


def test_slopes_of_many_samples_are_those_of_the_drawn_ones(monkeypatch):
    module, x = kinds()["residual"]
    few = seen("residual", monkeypatch, 20)
    drawn = torch.randperm(N, generator=torch.Generator().manual_seed(0))[:20].sort().values
    alone = View(module, Batch((x[drawn],), LABELS[drawn])).passed
    assert all(torch.equal(few.slopes[layer], alone.slopes[layer]) for layer in alone.slopes)


def test_a_dead_neuron_is_dead_by_a_mixture_too(monkeypatch):
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    with torch.no_grad():
        module[0].bias[2] = -100.0
        module[2].weight[:, 4] = 0
        module[2].weight[:2, 1] = 0  # one logit alone depends on it
        module[0].bias[1] = 100.0
    batch = Batch((torch.randn(40, 4),), torch.arange(40) % 3)
    for sloped in (40, 10):
        monkeypatch.setattr(passes, "SLOPED", sloped)
        assert View(module, batch).passed.alive["0"].tolist() == [True, True, False, True, False, True]


class Placed(nn.Module):
    """Adds to every token what its place is, which is the same for all samples."""

    def __init__(self):
        super().__init__()
        self.places, self.tokens = nn.Embedding(5, 8), nn.Embedding(10, 8)
        self.hidden, self.readout = nn.Linear(8, 8), nn.Linear(8, 3)

    def forward(self, tokens):
        read = self.tokens(tokens) + self.places(torch.arange(tokens.shape[1]))
        return self.readout(torch.relu(self.hidden(read)).mean(1))


@pytest.mark.parametrize(("n", "samples"), [(20, 1000), (305, 1000), (700, 1000), (20, None), (700, None)])
def test_what_is_the_same_for_all_samples_is_no_field(n, samples):
    torch.manual_seed(0)
    tokens, labels = torch.randint(0, 10, (n, 5)), torch.arange(n) % 3
    seen = observe(Placed(), (tokens, labels), samples=samples)
    assert set(seen.of("rank_gradient")) == set(seen.of("firing_overlap")) == {"tokens", "hidden"}

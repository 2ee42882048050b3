import pytest
import torch

from dnn.observing import passes
from dnn.observing.batches import Batch, logits_of
from dnn.observing.passes import View
from dnn.observing.taps import tap, undisturbed
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
    view = View(module, Batch((x,), LABELS))
    view.prepare(["accuracy", "loss"])
    assert torch.equal(view.logits, whole)
    assert "passed" not in vars(view)
    assert len(whole) == N

import numpy as np
import pytest
import torch

from dnn import MLP
from dnn.training.to_loss import half_squares, train_to_losses
from tests.dnn.blobs import blobs
from toymodels.trajectory import SimulationError

SPLIT = blobs()
X, TARGETS = SPLIT.x_train, torch.nn.functional.one_hot(SPLIT.y_train, 4).float()
LEVELS = [0.4, 0.2, 0.1]


def network(seed=0):
    return MLP([8, 12, 4], activation="tanh", rng=np.random.default_rng(seed))


def trained(net=None, levels=LEVELS, lr=0.1, batch_size=None, seed=0, **more):
    net = net or network()

    def look(network):
        return {"norm": sum(p.detach().square().sum().item() for p in network.parameters())}

    return train_to_losses(net, X, TARGETS, levels, lr, batch_size, np.random.default_rng(seed), look, **more)


def test_half_squares_sum_over_outputs():
    assert half_squares(torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.zeros(2, 2)).item() == 1.25


@pytest.mark.parametrize("batch_size", [None, 8, 64])
def test_every_level_is_looked_at_when_it_is_passed(batch_size):
    net = network()
    seen = trained(net, batch_size=batch_size)
    assert (seen["loss"] <= LEVELS).all()
    assert (seen["loss"] > np.array(LEVELS) * 0.7).all()
    assert (np.diff(seen["step"]) > 0).all()
    norm = sum(p.detach().square().sum().item() for p in net.parameters())
    assert seen["norm"][-1] == pytest.approx(norm)


def test_the_full_batch_is_gradient_descent():
    plain = network()
    steps = int(trained(levels=[0.4])["step"][0])
    losses = []
    for _ in range(steps + 1):
        loss = half_squares(plain(X), TARGETS)
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, list(plain.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(plain.parameters(), gradients, strict=True):
                parameter -= 0.1 * gradient
    assert losses[-1] <= 0.4 < losses[-2]


def test_levels_that_the_start_has_passed_are_looked_at_before_any_update():
    net = network()
    with torch.no_grad():
        loss = half_squares(net(X), TARGETS).item()
    seen = trained(net, levels=[2 * loss, loss, 0.5 * loss])
    assert seen["step"][0] == seen["step"][1] == 0
    assert seen["step"][2] > 0


def test_the_same_seed_is_the_same_run():
    first, again, other = (trained(batch_size=8, seed=seed) for seed in (1, 1, 2))
    assert (first["norm"] == again["norm"]).all()
    assert (first["norm"] != other["norm"]).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"levels": [0.1, 0.2]}, "levels must be strictly falling"),
        ({"levels": [0.1, 0.0]}, "levels must be > 0"),
        ({"lr": 0.0}, "lr must be > 0"),
        ({"batch_size": 65}, "batch_size must be at most the 64 samples, got 65"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        trained(**changes)


def test_what_is_not_reached_or_diverges_is_an_error():
    with pytest.raises(SimulationError, match="after 3 steps, 1e-09 was asked"):
        trained(levels=[1e-9], most_steps=3)
    with pytest.raises(SimulationError, match="training loss is not finite at step"):
        trained(MLP([8, 12, 4], activation="relu", rng=np.random.default_rng(0)), levels=[1e-9], lr=1e4)

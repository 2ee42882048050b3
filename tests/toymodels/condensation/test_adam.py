import numpy as np
import pytest
from numpy.testing import assert_allclose

from toymodels import SimulationError
from toymodels.condensation.adam import adam_with_decay
from toymodels.condensation.network import TwoLayerNetwork


def drawn(seed=0):
    rng = np.random.default_rng(seed)
    network = TwoLayerNetwork.random(5, 2, 0.7, "relu", rng)
    return network, rng.standard_normal((8, 2)), rng.standard_normal(8)


def test_steps_are_those_of_torch():
    torch = pytest.importorskip("torch")
    network, x, y = drawn()
    a, w = (torch.tensor(part.copy(), requires_grad=True) for part in (network.a, network.w))
    optimiser = torch.optim.Adam([a, w], lr=0.05, weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 30)
    x1, target = torch.tensor(np.column_stack([x, np.ones(8)])), torch.tensor(y)
    for _ in range(30):
        optimiser.zero_grad()
        (((torch.relu(x1 @ w.T) @ a - target) ** 2).mean() / 2).backward()
        optimiser.step()
        schedule.step()
    trained = adam_with_decay(network, x, y, 30, 0.05, decay=0.1)
    assert_allclose(trained.a, a.detach().numpy(), atol=1e-9)
    assert_allclose(trained.w, w.detach().numpy(), atol=1e-9)


def test_the_network_given_stays_as_it_is_and_decay_shrinks():
    network, x, y = drawn(1)
    before = network.a.copy(), network.w.copy()
    norms = [
        np.sum(trained.a**2) + np.sum(trained.w**2)
        for trained in (adam_with_decay(network, x, y, 400, 0.02, decay) for decay in (0.0, 0.1, 10.0))
    ]
    assert norms[0] > norms[1] > 100 * norms[2]
    assert_allclose(network.a, before[0])
    assert_allclose(network.w, before[1])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_steps": 0}, "n_steps must be >= 1"),
        ({"lr": 0.0}, "lr must be > 0"),
        ({"decay": -1.0}, "decay must be >= 0"),
        ({"y": np.ones(3)}, "y must"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    network, x, y = drawn()
    with pytest.raises(ValueError, match=message):
        adam_with_decay(**({"network": network, "x": x, "y": y, "n_steps": 5, "lr": 0.1} | changes))


@pytest.mark.parametrize(("activation", "outputs"), [("tanh", None), ("relu", 2)])
def test_other_networks_are_refused(activation, outputs):
    network = TwoLayerNetwork.random(3, 1, 1.0, activation, np.random.default_rng(0), n_outputs=outputs)
    with pytest.raises(ValueError, match="network must be a single one"):
        adam_with_decay(network, [[1.0]], [1.0], 5, 0.1)


def test_steps_are_those_of_the_published_recursion_on_the_penalised_loss():
    network, x, y = drawn(2)
    trained = adam_with_decay(network, x, y, 6, 0.05, decay=0.2)
    theta, first, second = np.r_[network.a, network.w.ravel()], 0.0, 0.0
    for step in range(6):
        now = TwoLayerNetwork(theta[:5], theta[5:].reshape(5, 3))
        slope = np.concatenate([part.ravel() for part in now.gradient(x, y)]) + 0.2 * theta
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        rate = 0.05 * (1 + np.cos(np.pi * step / 6)) / 2
        size = np.sqrt(second / (1 - 0.999 ** (step + 1))) + 1e-8
        theta = theta - rate * first / (1 - 0.9 ** (step + 1)) / size
    assert_allclose(np.r_[trained.a, trained.w.ravel()], theta, rtol=1e-10, atol=1e-12)


def test_one_step_has_the_full_learning_rate_and_none_is_refused():
    network, x, y = drawn(3)
    moved = adam_with_decay(network, x, y, 1, 0.05).a - network.a
    assert_allclose(moved, -0.05 * np.sign(network.gradient(x, y)[0]), rtol=1e-5)
    with pytest.raises(ValueError, match="network must be a single one"):
        adam_with_decay(TwoLayerNetwork(np.ones((1, 5)), np.ones((1, 5, 3))), x, y, 1, 0.05)
    with pytest.raises(ValueError, match=r"output bias 0\.0"):
        adam_with_decay(TwoLayerNetwork(network.a, network.w, "relu", 0.0), x, y, 1, 0.05)


def test_weights_that_overflow_are_an_error():
    network, x, y = drawn(4)
    with pytest.raises(SimulationError, match="weights are not finite at step 50"):
        adam_with_decay(network, x, y, 50, 0.1, decay=1e300)

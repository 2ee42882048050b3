"""The page on other code: every block runs as it stands, and its numbers are those of an integration of the flow."""

import doctest
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from tests.toymodels.layerwise.flows import integrate
from toymodels.layerwise import LinearNetwork, ScalarNetwork, kernel_distance, linear_network_ntk

PAGE = Path(__file__).parents[2] / "docs" / "peers.md"
TEXT = PAGE.read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


def test_every_block_prints_what_the_page_says():
    test = doctest.DocTestParser().get_doctest("\n".join(BLOCKS), {}, "peers", str(PAGE), 0)
    assert len(BLOCKS) == 3
    assert len(test.examples) >= 15
    assert doctest.DocTestRunner().run(test).failed == 0


def integrated(w1, w2, correlation, t):
    """Both layers at the times `t`, (n_t, h, d) and (n_t, c, h), by integration of the flow on white inputs."""

    def velocity(state):
        first, second = state[: w1.size].reshape(w1.shape), state[w1.size :].reshape(w2.shape)
        error = correlation - second @ first
        return np.concatenate([(second.T @ error).ravel(), (error @ first.T).ravel()])

    states = integrate(velocity, np.concatenate([w1.ravel(), w2.ravel()]), t)
    return states[:, : w1.size].reshape(-1, *w1.shape), states[:, w1.size :].reshape(-1, *w2.shape)


@pytest.mark.parametrize(
    ("shape", "hidden", "imbalance"), [((3, 3), 4, 0.0), ((2, 5), 3, 0.0), ((2, 5), 2, 0.7)], ids=str
)
def test_losses_are_those_of_the_flow(shape, hidden, imbalance):
    rng = np.random.default_rng(6)
    network = LinearNetwork.balanced(rng.standard_normal(shape), hidden, imbalance, scale=0.1, rng=rng)
    t = np.array([0.0, 1.0, 10.0])
    w1, w2 = integrated(network.w1, network.w2, network.correlation, t)
    expected = 0.5 * np.sum((network.correlation - w2 @ w1) ** 2, axis=(1, 2))
    assert_allclose(network.solve(t)["loss"], expected, rtol=1e-7, atol=1e-10)
    printed = f"[{', '.join(str(value) for value in [*expected.round(5).tolist(), 0.0])}]"
    assert printed in TEXT


def test_the_distance_is_that_of_the_kernels_of_all_gradients():
    x = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    w1, w2 = integrated(np.array([[0.5, 0.1]]), np.array([[2.0]]), np.array([[0.3, 1.0]]), np.array([0.0, 1.0]))

    def jacobian(first, second):
        def outputs(*weights):
            return (torch.tensor(x) @ weights[0].T @ weights[1].T)[:, 0]

        parts = torch.autograd.functional.jacobian(outputs, (torch.tensor(first), torch.tensor(second)))
        return torch.cat([part.flatten(1) for part in parts], dim=1).numpy()

    kernels = [(rows @ rows.T) for rows in map(jacobian, w1, w2)]
    cosine = np.vdot(*kernels) / np.prod([np.linalg.norm(kernel) for kernel in kernels])
    ours = kernel_distance(*(linear_network_ntk(x, *weights) for weights in zip(w1, w2, strict=True)))
    assert_allclose(ours, 1 - cosine, rtol=1e-9)
    assert f"\n{ours:.6f}\n" in TEXT


def test_the_narrow_net_is_the_flow_and_descent_tends_to_it_in_first_order():
    network = ScalarNetwork(a0=[0.3], b0=[2.1], target=2.0)
    flow = network.solve([0.2])
    expected = integrate(lambda s: s[::-1] * (2 - s[0] * s[1]), np.array([0.3, 2.1]), np.array([0.0, 0.2]))[-1]
    assert_allclose([flow["a"][0, 0], flow["b"][0, 0]], expected, rtol=1e-9)
    gaps = [abs(network.simulate(n, lr=0.2 / n)["a"][-1, 0] - expected[0]) for n in (20, 200, 2000)]
    assert_allclose(np.divide(gaps[:-1], gaps[1:]), 10, rtol=0.15)


def test_the_page_says_which_side_was_not_run():
    assert "**read, not run**" in TEXT
    for number in (".006277", ".004147", ".86500", "2.25860", ".86506", "2.25821"):
        assert number in TEXT

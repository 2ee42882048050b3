import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from dnn.embedding.responses import IDENTITY, RELU, Response, of_call, of_module, of_pooling, of_pooling_call, scaling

ELEMENTWISE = [
    *(nn.Identity(), nn.ReLU(), nn.LeakyReLU(0.2), nn.LeakyReLU(-3.0), nn.PReLU(), nn.Tanh(), nn.Softsign()),
    *(nn.Tanhshrink(), nn.Softshrink(), nn.Hardshrink(), nn.Hardtanh(), nn.Hardtanh(-1, 2), nn.ReLU6(), nn.Sigmoid()),
    *(nn.LogSigmoid(), nn.Hardsigmoid(), nn.Softplus(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Mish()),
    *(nn.Hardswish(), nn.ELU(2.5), nn.CELU(0.4), nn.CELU(3.0), nn.SELU(), nn.Dropout(0.5).eval()),
]
GRID = torch.linspace(-12, 12, 240_001, dtype=torch.float64)


def check(response, function):
    values = function(GRID).detach()
    if response.homogeneous:
        torch.testing.assert_close(function(2.5 * GRID), 2.5 * values)
    if response.parity:
        torch.testing.assert_close(function(-GRID), response.parity * values)
    steepest = (values.diff() / GRID.diff()).abs().max().item()
    assert steepest <= response.lipschitz * (1 + 1e-9)
    return steepest


def missed(response, function):
    """A response is as homogeneous, as even and as odd as its function is."""
    values, opposite, more = (function(x).detach() for x in (GRID, -GRID, 2.5 * GRID))
    assert response.homogeneous == torch.allclose(more, 2.5 * values)
    assert response.parity == (
        1 if torch.allclose(opposite, values) else -1 if torch.allclose(opposite, -values) else 0
    )


@pytest.mark.parametrize("module", ELEMENTWISE, ids=str)
def test_what_is_said_of_an_activation_holds_and_nothing_is_missed(module):
    response = of_module(module)
    steepest = check(response, module.double())
    missed(response, module.double())
    assert np.isinf(response.lipschitz) or response.lipschitz < 1.02 * steepest + 1e-9


@pytest.mark.parametrize(
    ("name", "args"),
    [("leaky_relu", (0.3,)), ("elu", (2.0,)), ("gelu", ()), ("hardtanh", (-2.0, 2.0)), ("silu", ()), ("selu", ())],
)
def test_functions_are_what_their_modules_are(name, args):
    check(of_call(name, args, {}), lambda x: getattr(functional, name)(x, *args))


@pytest.mark.parametrize("name", ["abs", "square", "cos", "sin", "exp", "neg", "tanh", "relu", "sigmoid"])
def test_what_is_said_of_a_function_holds_and_nothing_is_missed(name):
    check(of_call(name, (), {}), getattr(torch, name))
    missed(of_call(name, (), {}), getattr(torch, name))


@pytest.mark.parametrize(
    ("power", "function"),
    [(2, torch.square), (3, lambda x: x**3), (0.5, lambda x: x.abs())],
)
def test_powers_have_the_parity_of_their_exponent(power, function):
    assert of_call("pow", (power,), {}).parity == {2: 1, 3: -1, 0.5: 0}[power]


def test_responses_are_composed():
    odd, even, plain = Response(False, -1, 2.0), Response(False, 1, 3.0), Response(False, 0, 0.5)
    assert odd.after(odd) == Response(False, -1, 4.0)
    assert even.after(odd) == Response(False, 1, 6.0)
    assert plain.after(even) == Response(False, 1, 1.5)
    assert even.after(plain) == Response(False, 0, 1.5)
    assert RELU.after(scaling(-2)) == Response(True, 0, 2.0)
    assert RELU.after(odd) == Response(False, 0, 2.0)
    assert odd.after(RELU) == Response(False, 0, 2.0)
    assert RELU.plus(odd) == odd.plus(RELU) == Response(False, 0, 3.0)
    assert odd.plus(even) == Response(False, 0, 5.0)
    assert odd.times(odd).parity == 1
    assert odd.times(even).parity == -1
    assert scaling(0).after(Response(False, 0, np.inf)).lipschitz == 0
    assert IDENTITY.after(RELU) == RELU


def test_responses_that_are_exact_are_said_exactly():
    assert of_call("sin", (), {}) == Response(False, -1, 1.0)
    assert of_call("cos", (), {}) == of_call("abs", (), {}).after(of_call("cos", (), {})) == Response(False, 1, 1.0)
    assert [scaling(factor) for factor in (2, -0.5, 0)] == [Response(True, -1, size) for size in (2.0, 0.5, 0.0)]


def test_what_draws_or_mixes_is_not_known():
    assert of_module(nn.RReLU()) is of_module(nn.Softmax(1)) is of_module(nn.LayerNorm(3)) is None
    assert of_call("dropout", (0.5,), {}) is of_call("softmax", (), {}) is of_call("relu", ("a", "b", "c"), {}) is None
    assert of_call("dropout", (0.5, False), {}) == of_call("dropout", (), {"training": False}) == IDENTITY
    assert of_pooling(nn.MaxPool2d(2, return_indices=True)) is of_pooling(nn.LPPool2d(2, 2)) is None
    assert of_pooling(nn.AvgPool2d(2, divisor_override=1)) is None
    assert of_pooling_call("avg_pool2d", (2,), {"divisor_override": 1}) is None
    assert of_pooling_call("avg_pool2d", (2, 2, 0, False, True, 1), {}) is of_pooling_call("lp_pool2d", (), {}) is None
    assert of_pooling_call("max_pool2d", (2,), {"return_indices": True}) is None
    assert of_pooling_call("max_pool3d", (2,), {}) == of_pooling(nn.MaxPool1d(2)) == RELU
    assert of_pooling_call("adaptive_avg_pool1d", (2,), {}) == of_pooling(nn.ZeroPad2d(1)) == IDENTITY

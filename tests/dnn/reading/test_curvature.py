import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from torch import nn
from torch.func import functional_call
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from dnn.networks.mlp import MLP, batch_norm_mode
from dnn.observing.resting import slow_attention
from dnn.reading.curvature import hessian_trace, sharpness
from tests.tolerances import MONTE_CARLO

DENSE = {"rtol": 1e-6, "atol": 1e-12}


def rng(seed=0):
    return np.random.default_rng(seed)


def seeded(make, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make().double()


def images(n=20, shape=(1, 6, 6), classes=3, seed=0):
    x = torch.from_numpy(rng(seed).standard_normal((n, *shape)))
    return x, torch.arange(n) % classes


def dense_spectrum(module, x, y, loss, statistics="running"):
    """All Hessian eigenvalues, from a Hessian formed by autograd over one flat vector of parameters."""
    named = {name: value.detach().clone() for name, value in module.named_parameters() if value.requires_grad}
    sizes = [value.numel() for value in named.values()]

    def value(flat):
        parts = zip(flat.split(sizes), named.items(), strict=True)
        return loss(functional_call(module, {k: part.reshape(v.shape) for part, (k, v) in parts}, (x.clone(),)), y)

    flat = torch.cat([value.reshape(-1) for value in named.values()])
    with batch_norm_mode(module, statistics), slow_attention(), sdpa_kernel(SDPBackend.MATH):
        return torch.linalg.eigvalsh(torch.autograd.functional.hessian(value, flat)).numpy()


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = nn.TransformerEncoderLayer(6, 2, 8, dropout=0.5, batch_first=True)
        self.readout = nn.Linear(6, 3)

    def forward(self, x):
        return self.readout(self.block(x.flatten(1, 2)).mean(1))


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.readout = nn.LSTM(6, 4, batch_first=True), nn.Linear(4, 3)

    def forward(self, x):
        return self.readout(self.cell(x.flatten(1, 2))[0][:, -1])


class Tied(nn.Module):
    """A weight used twice, once transposed."""

    def __init__(self):
        super().__init__()
        self.first, self.readout = nn.Linear(36, 5), nn.Linear(36, 3)
        self.second = nn.Linear(36, 5, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x):
        x = x.flatten(1)
        return self.readout(torch.tanh(self.first(x)) @ self.second.weight)


def convolutional():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(12, 3)
    )


def frozen():
    network = nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.Tanh(), nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, 3))
    network[1].requires_grad_(False)
    return network


MODULES = {
    "tanh": lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 4), nn.Tanh(), nn.Linear(4, 3)),
    "in place from the input on": lambda: nn.Sequential(nn.Flatten(), nn.ELU(inplace=True), nn.Linear(36, 3)),
    "convolution": convolutional,
    "attention": Attention,
    "recurrent": Recurrent,
    "tied": Tied,
    "frozen": frozen,
    "few parameters": lambda: nn.Sequential(nn.AvgPool2d(3), nn.Flatten(), nn.Linear(4, 3)),
}
EVERY = pytest.mark.parametrize("make", MODULES.values(), ids=MODULES)


@EVERY
def test_sharpness_and_trace_are_those_of_the_dense_hessian(make):
    module, (x, y) = seeded(make).eval(), images()
    spectrum = dense_spectrum(module, x, y, functional.cross_entropy)
    assert_allclose(sharpness(module, x, y, "cross_entropy"), spectrum[-1], **DENSE)
    trace, error = hessian_trace(module, x, y, "cross_entropy", rng(), draws=100)
    assert abs(trace - spectrum.sum()) < MONTE_CARLO * error
    assert error < 0.2 * spectrum.sum()


@pytest.mark.parametrize("statistics", ["running", "batch"])
def test_batch_norm_is_read_in_the_mode_that_is_asked_for(statistics):
    module, (x, y) = seeded(convolutional), images()
    spectrum = dense_spectrum(module, x, y, functional.cross_entropy, statistics)
    assert_allclose(sharpness(module, x, y, "cross_entropy", statistics=statistics), spectrum[-1], **DENSE)
    trace, error = hessian_trace(module, x, y, "cross_entropy", rng(), draws=200, statistics=statistics)
    assert abs(trace - spectrum.sum()) < MONTE_CARLO * error
    other = {"running": "batch", "batch": "running"}[statistics]
    assert abs(sharpness(module, x, y, "cross_entropy", statistics=other) / spectrum[-1] - 1) > 0.1


@settings(max_examples=10)
@given(n=st.integers(1, 30), d=st.integers(1, 30), k=st.integers(1, 4), seed=st.integers(0, 1000))
def test_the_spectrum_of_a_linear_model_is_that_of_the_inputs(n, d, k, seed):
    """The mean of (W x + b - y)^2 over n samples and k outputs has the Hessian 2 A^T A / (n k), k times over."""
    x, y = torch.from_numpy(rng(seed).standard_normal((n, d))), torch.from_numpy(rng(seed).standard_normal((n, k)))
    module = seeded(lambda: nn.Linear(d, k))
    a = np.column_stack([x.numpy(), np.ones(n)])
    spectrum = np.linalg.eigvalsh(a.T @ a) * 2 / (n * k)
    assert_allclose(sharpness(module, x, y, "mse"), spectrum[-1], rtol=1e-9)
    trace, error = hessian_trace(module, x, y, "mse", rng(seed), draws=50)
    assert abs(trace - k * spectrum.sum()) <= 2 * MONTE_CARLO * error + 1e-9 * trace  # n = 1: few values only


@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e12])
@pytest.mark.parametrize("size", [5, 200])
@pytest.mark.parametrize(
    "values",
    [
        lambda t: 1 + t,
        lambda t: -1 - t,  # top eigenvalue is the one nearest to 0
        lambda t: -np.floor(4 * t),  # semidefinite: the top one is 0, many times over
        lambda t: 2 * t - 1,
        lambda t: 0 * t + 3,
        lambda t: 10.0 * (t == 1) + 9.9 * (t == 0),
    ],
    ids=["positive", "negative", "negative semidefinite", "indefinite", "all equal", "two on top"],
)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_any_known_spectrum(values, size, scale, dtype):
    spectrum = torch.from_numpy(scale * values(np.linspace(0, 1, size))).to(dtype)
    module = nn.Linear(1, size, bias=False).to(dtype)  # outputs at x = 1 are the parameters
    x, y = torch.ones(1, 1), torch.zeros(1)

    def loss(outputs, _):
        return (spectrum * outputs[0] ** 2).sum() / 2

    largest = float(spectrum.abs().max())
    assert_allclose(
        sharpness(module, x, y, loss), float(spectrum.max()), atol={8: 1e-9, 4: 1e-5}[dtype.itemsize] * largest
    )
    trace, error = hessian_trace(module, x, y, loss, rng(), draws=3)
    assert_allclose(trace, float(spectrum.double().sum()), atol=1e-5 * largest * size**0.5)
    assert error <= 1e-5 * largest * size**0.5  # signs square to 1 on a diagonal


def test_the_error_of_the_trace_falls_with_the_root_of_the_draws_and_covers_the_truth():
    module, (x, y) = seeded(MODULES["tanh"]), images()
    spectrum = dense_spectrum(module, x, y, functional.cross_entropy)
    estimates = [hessian_trace(module, x, y, "cross_entropy", rng(seed), draws=25) for seed in range(20)]
    scores = [(estimate.trace - spectrum.sum()) / estimate.error for estimate in estimates]
    assert 0.5 < np.std(scores) < 1.6
    many = hessian_trace(module, x, y, "cross_entropy", rng(), draws=400)
    assert_allclose(np.mean([estimate.error for estimate in estimates]) / many.error, 4, rtol=0.25)
    assert hessian_trace(module, x, y, "cross_entropy", rng(), draws=1).error == np.inf
    again = hessian_trace(module, x, y, "cross_entropy", rng(3), draws=5)
    assert again == hessian_trace(module, x, y, "cross_entropy", rng(3), draws=5)


def test_losses_by_name_are_those_of_training():
    module, (x, y) = seeded(MODULES["tanh"]), images()
    rows = functional.one_hot(y, 3).double()
    for loss, written, targets in (
        ("mse", lambda o, t: ((o - t) ** 2).mean(), rows),
        ("cross_entropy", lambda o, t: -torch.log_softmax(o, 1)[torch.arange(len(t)), t].mean(), y),
    ):
        expected = sharpness(module, x, targets, written)
        assert_allclose(sharpness(module, x, y, loss), expected, rtol=1e-9)
    assert_allclose(sharpness(module, x, rows, "mse"), sharpness(module, x, y, "mse"), rtol=1e-12)
    single = seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 1)))
    real = torch.from_numpy(rng().standard_normal(len(x)))
    assert sharpness(single, x, real, "mse") == sharpness(single, x, real[:, None], "mse")


def test_a_loss_over_positions_and_several_inputs():
    class Translator(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.readout = nn.Embedding(7, 4), nn.Linear(4, 7)

        def forward(self, tokens, gain):
            return {"logits": self.readout(self.table(tokens) * gain[:, None, None]).movedim(-1, 1)}

    module, tokens, gain = seeded(Translator), torch.arange(12).reshape(3, 4) % 7, torch.ones(3)

    def loss(outputs, y):
        return functional.cross_entropy(outputs["logits"], y)

    placed = sharpness(module, (tokens, gain), tokens, loss)
    assert placed == sharpness(module, {"gain": gain, "tokens": tokens}, tokens, loss) > 0
    pooled = nn.Sequential(nn.Flatten(), nn.Linear(36, 3)).double()

    class Returning(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = pooled

        def forward(self, x):
            return (self.inner(x), None)

    x, y = images()
    assert sharpness(Returning(), x, y, "cross_entropy") == sharpness(pooled, x, y, "cross_entropy")


def test_rescaling_layers_of_a_relu_network_changes_its_curvature():
    """The trace over the first layer goes as c^-2 and over the second as c^2, by the chain rule."""
    module = seeded(lambda: nn.Sequential(nn.Linear(6, 5, bias=False), nn.ReLU(), nn.Linear(5, 3, bias=False)))
    x, y = images(shape=(6,))
    rescaled = copy.deepcopy(module)
    rescaled[0].weight.data *= 10
    rescaled[2].weight.data /= 10
    torch.testing.assert_close(rescaled(x), module(x))
    assert sharpness(rescaled, x, y, "mse") > 20 * sharpness(module, x, y, "mse")


@EVERY
@pytest.mark.parametrize("training", [True, False])
def test_nothing_is_disturbed(make, training):
    module, (x, y) = seeded(make).train(training), images()
    module(x.clone()).sum().backward()
    before = copy.deepcopy(module.state_dict())
    gradients = {name: copy.deepcopy(value.grad) for name, value in module.named_parameters()}
    flags = {name: value.requires_grad for name, value in module.named_parameters()}
    x_before, state, fast = x.clone(), torch.get_rng_state(), torch.backends.mha.get_fastpath_enabled()
    with torch.no_grad():
        sharpness(module, x, y, "cross_entropy")
        hessian_trace(module, x, y, "cross_entropy", rng(), draws=2, statistics="batch")
    with pytest.raises(ZeroDivisionError):
        sharpness(module, x, y, lambda outputs, y: 1 / 0)
    torch.testing.assert_close(module.state_dict(), before, rtol=0, atol=0)
    after = {name: value.grad for name, value in module.named_parameters()}
    torch.testing.assert_close(after, gradients, rtol=0, atol=0)
    assert {name: value.requires_grad for name, value in module.named_parameters()} == flags
    assert all(part.training == training for part in module.modules())
    assert torch.equal(x, x_before)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.backends.mha.get_fastpath_enabled() == fast
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_read_in_float32(dtype):
    x, y = images()
    half = seeded(convolutional).to(dtype)
    single, x = copy.deepcopy(half).float(), x.to(dtype)
    value = sharpness(half, x, y, "cross_entropy")
    assert value == sharpness(single, x.float(), y, "cross_entropy")
    assert_allclose(value, sharpness(copy.deepcopy(half).double(), x.double(), y, "cross_entropy"), rtol=1e-5)
    trace = hessian_trace(half, x, y, "cross_entropy", rng(), draws=3)
    assert trace == hessian_trace(single, x.float(), y, "cross_entropy", rng(), draws=3)


def test_inputs_and_targets_may_require_gradients_and_come_from_inference_mode():
    module, (x, y) = seeded(MODULES["tanh"]), images()
    targets = functional.one_hot(y, 3).double()
    expected = sharpness(module, x, targets, "mse")
    assert sharpness(module, x.requires_grad_(), targets.requires_grad_(), "mse") == expected
    assert x.grad is None
    with torch.inference_mode():
        assert sharpness(module, x.detach() * 1.0, y, "mse") == expected


def test_wrappers_are_looked_through():
    module, (x, y) = seeded(MODULES["tanh"]), images()
    expected = sharpness(module, x, y, "mse")
    assert sharpness(torch.compile(module, backend="eager"), x, y, "mse") == expected
    assert sharpness(nn.DataParallel(module), x, y, "mse") == expected


def test_what_is_linear_in_the_parameters_has_no_curvature():
    module, (x, y) = nn.Sequential(nn.Flatten(), nn.Linear(36, 3)).double(), images()
    assert sharpness(module, x, y, lambda outputs, y: outputs.mean()) == 0
    assert hessian_trace(module, x, y, lambda outputs, y: outputs.mean(), rng()) == (0, 0)


def all_frozen():
    return nn.Linear(36, 3).requires_grad_(False)


def broken():
    module = nn.Linear(36, 3)
    module.bias.data[1] = torch.nan
    return module


class Nothing(nn.Linear):
    def forward(self, x):
        return {"hidden": super().forward(x)}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"module": nn.ReLU()}, "module must have a trainable parameter, got none"),
        ({"module": all_frozen()}, "module must have a trainable parameter, got none"),
        ({"module": broken()}, "got NaN or infinity in bias"),
        ({"module": nn.Linear(36, 3, dtype=torch.complex64)}, "module must have real parameters"),
        ({"x": torch.zeros(4, 35)}, r"x must have a shape and dtype that module takes, got \(4, 35\)"),
        ({"x": torch.full((4, 36), torch.inf)}, "x must be finite, got inf among its entries"),
        ({"x": torch.zeros(0, 36), "y": torch.arange(0)}, "loss must be finite, got nan"),
        ({"y": torch.tensor([0, 1, 2, 3])}, r"y must be classes in 0\.\.2, got 0 to 3"),
        ({"y": torch.tensor([0, 1])}, r"y must be classes of shape .* got \(2,\) of torch.int64"),
        (
            {"module": nn.Sequential(nn.Linear(36, 1), nn.Flatten(0))},
            r"y must be real targets where outputs \(4,\) have no classes, got torch\.int64",
        ),
        ({"y": torch.zeros(4, 2)}, r"got \(4, 2\) of torch.float32 for outputs \(4, 3\)"),
        ({"loss": "hinge"}, "loss must be one of cross_entropy, mse, got 'hinge'"),
        ({"loss": lambda outputs, y: outputs}, r"loss must return a scalar tensor, got shape \(4, 3\)"),
        ({"loss": lambda outputs, y: 1.0}, "loss must return a scalar tensor, got float"),
        ({"loss": lambda outputs, y: outputs.detach().sum()}, "loss must depend on the trainable parameters"),
        ({"loss": lambda outputs, y: (outputs - outputs.detach()).abs().sqrt().sum() ** 2}, "got NaN or infinity"),
        ({"module": Nothing(36, 3)}, "loss must be a callable where module returns no tensor of logits, got dict"),
        ({"statistics": "eval"}, "mode must be one of running, batch"),
    ],
)
def test_bad_input_is_refused_by_name(change, message):
    options = {"module": nn.Linear(36, 3), "x": torch.zeros(4, 36), "y": torch.arange(4) % 3, "loss": "mse"} | change
    with pytest.raises(ValueError, match=message):
        sharpness(**options)
    with pytest.raises(ValueError, match=message):
        hessian_trace(**options, rng=rng())


def test_bad_draws_and_generators_are_refused_by_name():
    module, (x, y) = seeded(MODULES["tanh"]), images()
    with pytest.raises(ValueError, match="draws must be >= 1, got 0"):
        hessian_trace(module, x, y, "mse", rng(), draws=0)
    with pytest.raises(ValueError, match=r"rng must be a numpy Generator, .*, got 0"):
        hessian_trace(module, x, y, "mse", 0)  # pyright: ignore


def test_operations_without_second_derivative_are_refused():
    class Once(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, gradient):
            return 2 * gradient

    module, (x, y) = seeded(MODULES["tanh"]), images()
    with pytest.raises(ValueError, match="must be differentiable twice"):
        sharpness(module, x, y, lambda outputs, y: (Once.apply(outputs) ** 2).sum())


def test_the_edge_of_stability_bounds_descent_on_a_quadratic():
    """Descent converges just below a rate of 2 / sharpness, and diverges just above it."""
    x, y = torch.from_numpy(rng().standard_normal((30, 5))), torch.from_numpy(rng(1).standard_normal((30, 1)))
    for factor, shrinks in ((0.98, True), (1.02, False)):
        module = seeded(lambda: nn.Linear(5, 1))
        rate = factor * 2 / sharpness(module, x, y, "mse")
        losses = []
        for _ in range(400):
            loss = functional.mse_loss(module(x), y)
            gradients = torch.autograd.grad(loss, list(module.parameters()))
            for parameter, gradient in zip(module.parameters(), gradients, strict=True):
                parameter.data -= rate * gradient
            losses.append(loss.item())
        assert (losses[-1] < losses[200]) == shrinks


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of what it imports
def test_agreement_with_another_library():
    curvlinops = pytest.importorskip("curvlinops")
    from scipy.sparse.linalg import eigsh

    module = seeded(lambda: MLP([36, 6, 3], "tanh"))
    x, y = images(shape=(36,))
    parameters = list(module.parameters())
    operator = curvlinops.HessianLinearOperator(module, nn.CrossEntropyLoss(), parameters, [(x, y)])
    expected = eigsh(operator.to_scipy(), k=1, which="LA", return_eigenvectors=False)[0]
    assert_allclose(sharpness(module, x, y, "cross_entropy"), expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [2.0**-58, 2.0**-40, 2.0**40, 2.0**58])
def test_the_curvature_of_a_loss_in_other_units_is_that_many_times_as_large(scale):
    torch.manual_seed(0)
    module, x, y = nn.Linear(12, 30), torch.randn(40, 12), torch.zeros(40, 30)
    expected = sharpness(module, x, y, "mse")
    measured = sharpness(module, x, y, lambda out, target: scale**2 * nn.functional.mse_loss(out, target))
    assert measured / scale**2 == pytest.approx(expected, rel=1e-4)

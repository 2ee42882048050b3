import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from torch import nn

from dnn.data import Split
from dnn.networks.mlp import MLP, ScaledOutput, batch_norm_mode
from dnn.reading.linear_maps import (
    _least_squares,
    linear_map,
    linear_map_logits,
    mean_jacobian,
    perceptron_logits,
    pruned_accuracy,
    sign_agreement,
    tails,
)
from dnn.reading.unfolding import unfold
from tests.dnn.reading.test_unfolding import sequence, used
from tests.tolerances import FLOAT32

seeds = st.integers(0, 1000)
WIDTHS = [6, 9, 9, 9, 9, 4]


def network(seed=0, activation="relu", batch_norm=True, residual=False):
    mlp = MLP(WIDTHS, activation, batch_norm, residual, rng=torch.Generator().manual_seed(seed))
    return used(mlp, seed).double()


def samples(seed=0, n=60):
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def random_split(seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(4, (60,), generator=generator)
    return Split(samples(seed), labels, samples(seed + 1), labels.flip(0))


class Module(nn.Module):
    """The same computation as an MLP, out of reach of unfolding."""

    def __init__(self, mlp):
        super().__init__()
        self.mlp = mlp
        self.activations = nn.ModuleList([nn.Tanh() for _ in mlp.widths[1:-1]])

    def forward(self, x):
        two_below = below = x
        for index, linear in enumerate(self.mlp.linears[:-1]):
            field = linear(below)
            field = self.mlp.norms[index](field) if self.mlp.norms else field
            outputs = self.activations[index](field)
            if self.mlp.residual and index >= 2 and index % 2 == 0:
                outputs = outputs + two_below
            two_below, below = below, outputs
        return self.mlp.linears[-1](below)


@given(seeds, st.booleans(), st.booleans(), st.sampled_from(["running", "batch"]))
def test_the_map_of_a_linear_network_is_the_network(seed, batch_norm, residual, statistics):
    mlp, x = network(seed, "linear", batch_norm, residual), samples(seed)
    with batch_norm_mode(mlp, statistics):
        expected = mlp(x).detach()
    for logits in linear_map_logits(mlp, x, statistics=statistics):
        torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)


@given(seeds, st.booleans(), st.booleans())
def test_the_map_above_the_last_hidden_layer_is_the_readout(seed, batch_norm, residual):
    mlp, x = network(seed, "relu", batch_norm, residual), samples(seed)
    matrix, offset = linear_map(mlp, 5)
    torch.testing.assert_close(matrix, mlp.linears[-1].weight.detach(), rtol=0, atol=0)
    torch.testing.assert_close(offset, mlp.linears[-1].bias.detach(), rtol=0, atol=0)
    torch.testing.assert_close(linear_map_logits(mlp, x)[-1], mlp(x).detach(), **FLOAT32)


def test_offsets_are_kept():
    mlp, x = network(activation="linear"), samples()
    matrix, offset = linear_map(mlp, 1)
    torch.testing.assert_close(x @ matrix.T + offset, mlp(x).detach(), **FLOAT32)
    assert (x @ matrix.T - mlp(x)).abs().max() > 0.1


def test_a_sequence_and_a_scaled_output_have_maps():
    chain, x = used(sequence()), torch.randn(5, 6)
    matrix, offset = linear_map(chain, 4)
    torch.testing.assert_close((matrix, offset), (chain[-1].weight.data, chain[-1].bias.data), rtol=0, atol=0)
    mlp = network()
    torch.testing.assert_close(linear_map(ScaledOutput(mlp, 2.0), 2)[0], 2 * linear_map(mlp, 2)[0])
    assert linear_map_logits(chain, x)[0].shape == (5, 3)


def test_the_perceptron_is_fitted_on_the_training_part():
    """On five samples it hardly knows the network's logits elsewhere; fitted on the test part it nearly would."""
    mlp, split = network(2, "tanh", batch_norm=False), random_split()
    for parameter in mlp.parameters():
        parameter.data.mul_(3)
    few = Split(split.x_train[:5], split.y_train[:5], split.x_test, mlp(split.x_test).argmax(1))
    expected = [logits.argmax(1) == few.y_test for logits in perceptron_logits(mlp, few.x_train, few.x_test)]
    found = pruned_accuracy(mlp, few, "perceptron")
    assert_allclose(found, [float(right.double().mean()) for right in expected])
    on_test = pruned_accuracy(mlp, few._replace(x_train=few.x_test, y_train=few.y_test), "perceptron")
    assert (found < on_test).all()


@given(seeds, st.booleans())
def test_a_perceptron_on_the_last_hidden_layer_is_the_network(seed, residual):
    mlp, x = network(seed, residual=residual), samples(seed)
    torch.testing.assert_close(perceptron_logits(mlp, x, x)[-1], mlp(x).detach(), rtol=1e-3, atol=1e-3)


@given(seeds)
def test_no_linear_readout_beats_the_perceptron_on_what_it_was_fitted_to(seed):
    mlp, x = network(seed), samples(seed)
    target = mlp(x).detach()
    for fitted, mapped in zip(perceptron_logits(mlp, x, x), linear_map_logits(mlp, x), strict=True):
        assert (fitted - target).square().mean() <= (mapped - target).square().mean() + 1e-4


def test_pruned_accuracy_has_an_entry_per_start_layer_and_ends_at_the_network():
    mlp, split = network(), random_split()
    expected = float((mlp(split.x_test).argmax(1) == split.y_test).double().mean())
    for method in ("linear_map", "perceptron"):
        result = pruned_accuracy(mlp, split, method)
        assert result.shape == (5,)
        assert_allclose(result[-1], expected, atol=1e-9)
    matrix, offset = linear_map(mlp, 1)
    first = float(((split.x_train @ matrix.T + offset).argmax(1) == split.y_train).double().mean())
    assert_allclose(pruned_accuracy(mlp, split, part="train")[0], first, atol=1e-9)


@given(seeds, st.booleans())
def test_mean_jacobian_is_that_of_finite_differences(seed, residual):
    mlp, x = network(seed, "tanh", residual=residual), samples(seed, 8)
    third = mlp.activations(x)[2].detach()

    def tail(shift):
        two_below, below = mlp.activations(x)[1], third + shift
        for index in (2, 3):
            outputs = mlp.activation(mlp.norms[index](mlp.linears[index](below)))
            outputs = outputs + two_below if residual and index == 2 else outputs
            two_below, below = below, outputs
        return mlp.linears[-1](below).mean(0)

    steps = 1e-5 * torch.eye(9, dtype=torch.float64)
    expected = torch.stack([(tail(step) - tail(-step)) / 2e-5 for step in steps], dim=1)
    torch.testing.assert_close(mean_jacobian(mlp, x)[1], expected.detach(), rtol=1e-6, atol=1e-8)


def test_a_linear_network_agrees_with_its_jacobian_in_sign_and_a_deep_one_only_partly():
    x = samples()
    assert_allclose(sign_agreement(network(activation="linear"), x), 1)
    agreement = sign_agreement(network(3, "gaussian"), x)
    assert agreement.shape == (4,)
    assert agreement[-1] == 1
    assert agreement[0] < 1


def test_maps_need_no_gradient_and_leave_no_trace():
    mlp = network()
    matrix, _ = linear_map(mlp, 2)
    assert not matrix.requires_grad
    mean_jacobian(mlp, samples())
    assert all(parameter.grad is None for parameter in mlp.parameters())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda mlp, x: linear_map(mlp, 0), "layer must be >= 1, got 0"),
        (lambda mlp, x: linear_map(mlp, 6), r"layer must be in 1\.\.5, got 6"),
        (lambda mlp, x: linear_map(mlp, 1.5), "layer must be an integer"),
        (lambda mlp, x: linear_map(mlp, 1, statistics="batch"), "x must be given"),
        (lambda mlp, x: linear_map(nn.LSTM(6, 4), 1), "LSTM as the network"),
        (lambda mlp, x: linear_map(mlp, 1, statistics="bacth"), "statistics must be one of running, batch"),
        (lambda mlp, x: linear_map(Module(mlp), 1, x=x, statistics="bacth"), "statistics must be one of"),
        (lambda mlp, x: linear_map(Module(mlp), 1, x=x, statistics="batch"), "statistics must be 'running' in a net"),
        (lambda mlp, x: tails(unfold(MLP([6, 4, 3])), statistics="bacth"), "statistics must be one of"),
        (lambda mlp, x: pruned_accuracy(mlp, random_split(), "svm"), "method must be one of"),
        (lambda mlp, x: pruned_accuracy(mlp, random_split()._replace(x_test=x[:, :5])), r"x must have shape \(n, 6\)"),
        (lambda mlp, x: pruned_accuracy(mlp, random_split(), part="all"), "part must be one of"),
        (
            lambda mlp, x: pruned_accuracy(mlp, random_split()._replace(y_test=torch.full((60,), 4))),
            r"in 0\.\.3, got 4",
        ),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call(network(), samples())


def test_one_input_that_is_not_finite_is_enough():
    x = samples()
    x[0, 0] = float("nan")
    with pytest.raises(ValueError, match="x must be finite"):
        sign_agreement(network(), x)


def test_the_ridge_is_relative_to_the_mean_square_of_the_inputs():
    rng = np.random.default_rng(0)
    inputs, target, at = (
        rng.standard_normal((30, 3)) * [1, 5, 0.1] + 2,
        rng.standard_normal((30, 2)),
        rng.standard_normal((4, 3)),
    )
    centred = inputs - inputs.mean(axis=0)
    gram = centred.T @ centred
    weights = np.linalg.solve(gram + 0.3 * np.trace(gram) / 3 * np.eye(3), centred.T @ (target - target.mean(axis=0)))
    got = _least_squares(*map(torch.from_numpy, (inputs, target)), 0.3, torch.from_numpy(at))
    assert_allclose(got, (at - inputs.mean(axis=0)) @ weights + target.mean(axis=0), rtol=1e-9)

"""The filter of slow gradients against its recursion, written out step by step, and its bounds."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from figures.layerwise.slow_gradients import amplify_slow_gradients

GRADIENTS = st.lists(st.lists(st.floats(-10, 10, width=32), min_size=3, max_size=3), min_size=1, max_size=8)


def filtered(gradients, memory, gain):
    """What the optimiser sees of these gradients, one after the other."""
    weight = torch.nn.Parameter(torch.zeros(3, dtype=torch.float64))
    amplify_slow_gradients([weight], memory, gain)
    seen = []
    for gradient in gradients:
        weight.grad = None
        (weight @ torch.tensor(gradient, dtype=torch.float64)).backward()
        seen.append(weight.grad.numpy().copy())
    return np.array(seen)


@given(GRADIENTS, st.floats(0, 0.99), st.floats(0, 5))
def test_a_gradient_is_added_its_exponential_mean_from_the_first_one_on(gradients, memory, gain):
    expected, mean = [], np.array(gradients[0], dtype=float)
    for gradient in np.array(gradients, dtype=float):
        mean = memory * mean + (1 - memory) * gradient
        expected.append(gradient + gain * mean)
    np.testing.assert_allclose(filtered(gradients, memory, gain), expected, rtol=1e-9, atol=1e-9)


def test_without_memory_a_gradient_is_only_larger_and_without_gain_it_stays():
    gradients = [[1.0, -2.0, 0.5], [-3.0, 4.0, 0.25]]
    np.testing.assert_allclose(filtered(gradients, 0.0, 1.5), 2.5 * np.array(gradients))
    np.testing.assert_array_equal(filtered(gradients, 0.9, 0.0), gradients)


def test_every_parameter_has_a_mean_of_its_own():
    weights = [torch.nn.Parameter(torch.zeros(1)) for _ in range(2)]
    handles = amplify_slow_gradients(iter(weights), memory=0.5, gain=4.0)
    assert len(handles) == 2
    for first, second in ((1.0, 10.0), (3.0, -10.0)):
        weights[0].grad = weights[1].grad = None
        (first * weights[0] + second * weights[1]).sum().backward()
    assert weights[0].grad.item() == 3 + 4 * 2
    assert weights[1].grad.item() == -10 + 4 * 0


@pytest.mark.parametrize(
    ("memory", "gain", "words"),
    [(1.0, 2.0, "memory must be < 1, got 1"), (1.5, 2.0, "memory must be"), (0.5, -0.1, "gain must be >= 0, got -0.1")],
)
def test_what_is_out_of_range_is_named(memory, gain, words):
    weight = torch.nn.Parameter(torch.zeros(1))
    with pytest.raises(ValueError, match=re.escape(words)):
        amplify_slow_gradients([weight], memory, gain)
    weight.sum().backward()
    assert weight.grad.item() == 1  # nothing is left behind

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from dnn.networks.skill_network import SkillNetwork
from dnn.tasks.skills import ReLUBatch, _strengths, batches
from toymodels.trajectory import SimulationError

CPU = torch.device("cpu")
widths = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@settings(max_examples=25)
@given(widths, st.integers(0, 2**31))
def test_each_network_is_one_of_its_own_width_and_its_padding_never_moves(hidden, seed):
    generator = torch.Generator().manual_seed(seed)
    networks = ReLUBatch(5, hidden, 0.5, generator, CPU)
    inputs = torch.randn(7, 5, generator=generator)
    outputs = networks(inputs)
    first, first_bias, last, last_bias = networks.parameters
    (outputs**2).sum().backward()
    for i, width in enumerate(hidden):
        alone = (inputs @ first[i, :width].T + first_bias[i, 0, :width]).relu() @ last[i, 0, :width] + last_bias[i, 0]
        assert_close(outputs[i], alone)
        assert not first.grad[i, width:].any()
        assert not last.grad[i, 0, width:].any()


@settings(max_examples=25)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(0, 2**31))
def test_training_sets_are_nested_and_closed(sizes, seed):
    task = SkillNetwork(n_skills=2, n_bits=40, batch_size=50)
    training = batches(task, torch.Generator().manual_seed(seed), sizes, CPU)
    seen = [set() for _ in sizes]
    for _ in range(20):
        inputs, labels = next(training)
        assert inputs.shape == (len(sizes), 50, 42)
        for rows, signs, known in zip(inputs.tolist(), labels.tolist(), seen, strict=True):
            known |= {(*row, sign) for row, sign in zip(rows, signs, strict=True)}
    for size, known in zip(sizes, seen, strict=True):
        assert len(known) == size  # 1000 draws miss none
        assert all(known <= more for other, more in zip(sizes, seen, strict=True) if other >= size)


@pytest.mark.parametrize("sizes", [None, [10, 30]])
def test_everything_a_step_touches_is_on_the_asked_device(sizes):
    meta, task = torch.device("meta"), SkillNetwork(n_skills=2)
    generator = torch.Generator().manual_seed(0)
    networks = ReLUBatch(11, [3, 5], 0.1, generator, meta)
    inputs, labels = next(batches(task, generator, sizes, meta))
    loss = ((networks(inputs) - labels) ** 2).mean()
    loss.backward()
    tensors = [inputs, labels, loss, *networks.parameters, *(tensors.grad for tensors in networks.parameters)]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_an_unknown_or_missing_device_is_refused():
    with pytest.raises(ValueError, match=r"device must be one of .*'tpu'"):
        SkillNetwork(device="tpu")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="device must be auto or cpu where PyTorch sees no GPU"):
            SkillNetwork(device="cuda").simulate(1, np.random.default_rng(0))


def test_one_strength_that_is_not_finite_ends_the_run():
    tests = [(torch.tensor([[1.0], [value]]), torch.ones(2, 1)) for value in (1.0, float("nan"))]
    assert _strengths(lambda inputs: inputs, tests[:1], 2.0, 7).tolist() == [[0.5], [0.5]]
    with pytest.raises(SimulationError, match="skill is not finite at step 7"):
        _strengths(lambda inputs: inputs, tests, 2.0, 7)

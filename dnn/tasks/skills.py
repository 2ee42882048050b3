"""Networks of different widths or training sets, trained on skills side by side by batched products."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from dnn.training.config import torch_device
from toymodels.trajectory import SimulationError


class ReLUBatch:
    """Two-layer ReLU networks of one output with Gaussian initial weights and biases, padded to the widest.

    Parameters
    ----------
    n_inputs : int
        Inputs of every network.
    widths : (n,) sequence of int
        Hidden units of each.
    init_scale : float
        Standard deviation of all initial weights and biases.
    generator : torch.Generator
        Draws them, on the CPU.
    device : torch.device
        Where they then live.

    Attributes
    ----------
    parameters : list of torch.Tensor
        Weights and biases of the hidden layer, then of the output, first axis the network. The outgoing weights of the
        padding are masked: it has no effect and no gradient.
    """

    def __init__(
        self,
        n_inputs: int,
        widths: Sequence[int],
        init_scale: float,
        generator: torch.Generator,
        device: torch.device,
    ):
        n, widest = len(widths), max(widths)
        shapes = (n, widest, n_inputs), (n, 1, widest), (n, 1, widest), (n, 1, 1)
        self.parameters = [
            torch.empty(shape).normal_(std=init_scale, generator=generator).to(device).requires_grad_()
            for shape in shapes
        ]
        self._used = (torch.arange(widest) < torch.as_tensor(widths)[:, None]).float()[:, None].to(device)

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        """Outputs (n, m) at inputs (m, n_inputs) shared by all networks, or (n, m, n_inputs)."""
        first, first_bias, last, last_bias = self.parameters
        hidden = torch.baddbmm(first_bias, inputs.expand(len(first), -1, -1), first.transpose(1, 2)).relu()
        return torch.baddbmm(last_bias, hidden, (last * self._used).transpose(1, 2))[..., 0]


def train(
    task: Any,
    n_steps: int,
    rng: np.random.Generator,
    every: int,
    widths: Sequence[int],
    n_samples: Sequence[int] | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Steps (n_t,) and strengths (n_t, n, n_skills) of n networks on the task of a `SkillNetwork`.

    Raises
    ------
    SimulationError
        If training diverges.
    """
    device = torch_device(task.device)
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    networks = ReLUBatch(task.n_skills + task.n_bits, widths, task.init_scale, generator, device)
    optimizer = torch.optim.SGD(networks.parameters, lr=task.lr, momentum=task.momentum)
    samples = (task.sample(torch.full((task.n_test,), k), generator) for k in range(task.n_skills))
    tests = [(inputs.to(device), labels.to(device)) for inputs, labels in samples]
    training = batches(task, generator, n_samples, device)
    steps, strengths = [], []
    for step in range(n_steps + 1):
        if step % every == 0:
            steps.append(step)
            strengths.append(_strengths(networks, tests, task.target, step))
        inputs, labels = next(training)
        optimizer.zero_grad()
        ((networks(inputs) - labels) ** 2).mean(dim=1).sum().backward()
        optimizer.step()
    return np.array(steps), np.array(strengths)


def batches(
    task: Any, generator: torch.Generator, n_samples: Sequence[int] | None, device: torch.device
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs and labels, endlessly, with skills at their frequencies.

    Fresh ones (m, n_inputs) and (m,) to be shared by all networks; or, given `n_samples` (n,), those of network i out
    of the first n_samples[i] of one set, with replacement, (n, m, n_inputs) and (n, m).
    """
    shares = torch.as_tensor(task.skill_model.frequencies)

    def fresh(n: int) -> tuple[torch.Tensor, torch.Tensor]:
        skills = torch.multinomial(shares, n, replacement=True, generator=generator)
        inputs, labels = task.sample(skills, generator)
        return inputs.to(device), labels.to(device)

    if n_samples is None:
        while True:
            yield fresh(task.batch_size)
    inputs, labels = fresh(max(n_samples))
    sizes = torch.as_tensor(n_samples, dtype=torch.float64)[:, None]
    while True:
        draws = torch.rand(len(n_samples), task.batch_size, generator=generator, dtype=torch.float64)
        rows = (draws * sizes).long().to(device)
        yield inputs[rows], labels[rows]


def _strengths(networks: ReLUBatch, tests, target: float, step: int) -> np.ndarray:
    with torch.no_grad():
        strengths = [
            (networks(inputs) * labels).mean(dim=1).double().cpu().numpy() / target for inputs, labels in tests
        ]
    if not np.isfinite(strengths).all():
        raise SimulationError(f"skill is not finite at step {step}")
    return np.stack(strengths, axis=1)

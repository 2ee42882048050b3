"""Gradient descent, Adam and dropout for many two-layer networks at once.

The loop works in buffers made once: at these sizes allocating costs more than arithmetic.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from toymodels.condensation.activations import get_activation
from toymodels.trajectory import Trajectory
from toymodels.validation import choice, positive, positive_int

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # Adam


def descend(
    a: np.ndarray,
    w: np.ndarray,
    bias: np.ndarray | None,
    activation: str,
    x1: np.ndarray,
    y: np.ndarray,
    n_steps: int,
    lr: float,
    every: int | Iterable[int],
    dropout: float,
    rng: np.random.Generator | None,
    optimizer: str,
    record: tuple[str, ...],
    shapes: tuple[tuple[int, ...], ...],
) -> Trajectory:
    """The work behind `TwoLayerNetwork.train`, which documents the arguments.

    `x1` has the constant input as well, `a` (..., m, K), `y` (..., n, K) and the output bias (..., 1, K), if there is
    one, an axis of outputs; `shapes` are those in which the parameters are recorded.
    """
    n_steps = positive_int("n_steps", n_steps)
    lr = float(positive("lr", lr))
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be in [0, 1), got {dropout:g}")
    if dropout > 0 and rng is None:
        raise ValueError("rng must be given when dropout > 0, got None")
    for name in record:
        choice("record", name, ("a", "w", "loss") if bias is None else ("a", "w", "loss", "output_bias"))
    steps = _record_steps(every, n_steps)
    state = _State(a, w, bias, activation, x1, y, shapes)
    update = {"gd": _GradientDescent, "adam": _Adam}[choice("optimizer", optimizer, ("gd", "adam"))](lr)
    rows = []
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow becomes a SimulationError below
        done = 0
        for target in steps:
            for _ in range(target - done):
                grads = state.gradient(dropout, rng)
                update(state.parameters, grads)
            done = target
            rows.append({name: state.snapshot(name) for name in record})
    data = {name: np.array([row[name] for row in rows]) for name in record}
    return Trajectory(np.array(steps), data, clock="step", meta={"lr": lr, "optimizer": optimizer, "dropout": dropout})


def _record_steps(every: int | Iterable[int], n_steps: int) -> list[int]:
    if isinstance(every, int | np.integer):
        wanted = range(0, n_steps, positive_int("every", every))
    else:
        wanted = [positive_int("every", step, minimum=0) for step in every]
        if any(step > n_steps for step in wanted):
            raise ValueError(f"every must hold steps up to n_steps = {n_steps}, got {max(wanted)}")
    return sorted({0, *wanted, n_steps})


def through_hidden(columns: np.ndarray, error: np.ndarray, slope: np.ndarray, x1: np.ndarray) -> np.ndarray:
    """Gradient (..., m, d + 1) by the input weights, of errors (..., n, K) with their 1/n and slopes (..., n, m)."""
    if columns.shape[-1] == 1:
        return columns * (slope.swapaxes(-1, -2) @ (error * x1))
    return (error @ columns.swapaxes(-1, -2) * slope).swapaxes(-1, -2) @ x1


class _State:
    """Parameters a (..., m, K), w transposed (..., d + 1, m), which suits the matrix products, and any output bias."""

    def __init__(
        self,
        a: np.ndarray,
        w: np.ndarray,
        bias: np.ndarray | None,
        activation: str,
        x1: np.ndarray,
        y: np.ndarray,
        recorded: tuple[tuple[int, ...], ...],
    ):
        self.fill = get_activation(activation).fill
        self.x1, self.y, self.recorded = x1, y, recorded
        self.a = a.copy()
        self.w = np.ascontiguousarray(w.swapaxes(-1, -2))
        self.bias = None if bias is None else bias.copy()
        shape = (*w.shape[:-2], len(x1), w.shape[-2])
        self.z, self.value, self.slope = np.empty(shape), np.empty(shape), np.empty(shape)
        self.error = np.empty((*shape[:-1], a.shape[-1]))
        self.grad_a, self.grad_w = np.empty_like(self.a), np.empty_like(self.w)

    @property
    def parameters(self) -> tuple[np.ndarray, ...]:
        return (self.a, self.w) if self.bias is None else (self.a, self.w, self.bias)

    def forward(self, dropout: float, rng: np.random.Generator | None) -> None:
        np.matmul(self.x1, self.w, out=self.z)
        self.fill(self.z, self.value, self.slope)
        if dropout > 0 and rng is not None:
            mask = (rng.random(self.z.shape, dtype=np.float32) >= dropout) / (1 - dropout)
            self.value *= mask
            self.slope *= mask
        np.matmul(self.value, self.a, out=self.error)
        self.error -= self.y
        if self.bias is not None:
            self.error += self.bias

    def gradient(self, dropout: float, rng: np.random.Generator | None) -> tuple[np.ndarray, ...]:
        self.forward(dropout, rng)
        self.error /= len(self.x1)
        np.matmul(self.value.swapaxes(-1, -2), self.error, out=self.grad_a)
        if self.a.shape[-1] == 1:
            np.matmul((self.error * self.x1).swapaxes(-1, -2), self.slope, out=self.grad_w)
            self.grad_w *= self.a.swapaxes(-1, -2)
        else:
            np.matmul(self.error, self.a.swapaxes(-1, -2), out=self.z)
            self.z *= self.slope
            np.matmul(self.x1.T, self.z, out=self.grad_w)
        if self.bias is None:
            return self.grad_a, self.grad_w
        return self.grad_a, self.grad_w, self.error.sum(axis=-2, keepdims=True)

    def snapshot(self, name: str) -> Any:
        if name == "a":
            return self.a.reshape(self.recorded[0]).copy()
        if name == "w":
            return self.w.swapaxes(-1, -2).copy()
        if name == "output_bias" and self.bias is not None:
            return self.bias.reshape(self.recorded[2]).copy()
        self.forward(0.0, None)
        return (self.error**2).sum(axis=-1).mean(axis=-1) / 2


class _GradientDescent:
    def __init__(self, lr: float):
        self.lr = lr

    def __call__(self, parameters: tuple[np.ndarray, ...], grads: tuple[np.ndarray, ...]) -> None:
        for parameter, grad in zip(parameters, grads, strict=True):
            grad *= self.lr
            parameter -= grad


class _Adam:
    def __init__(self, lr: float):
        self.lr, self.step = lr, 0
        self.moments: list[tuple[np.ndarray, np.ndarray]] = []

    def __call__(self, parameters: tuple[np.ndarray, ...], grads: tuple[np.ndarray, ...]) -> None:
        self.moments = self.moments or [(np.zeros_like(g), np.zeros_like(g)) for g in grads]
        self.step += 1
        for parameter, grad, (first, second) in zip(parameters, grads, self.moments, strict=True):
            first += (1 - BETA1) * (grad - first)
            second += (1 - BETA2) * (grad**2 - second)
            scale = np.sqrt(second / (1 - BETA2**self.step)) + EPSILON
            parameter -= self.lr / (1 - BETA1**self.step) * first / scale

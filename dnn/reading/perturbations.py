"""What a network predicts under noise on its inputs or weights, at any amplitude, with the noise drawn once.

Noise enters a linear layer first, so in a chain of layers W_1 z (or z_1 x) is computed once and each amplitude costs
only the layers above. The network itself is never written to.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from dnn.networks.mlp import batch_norms
from dnn.reading.unfolding import Unfolded, check_finite, unfold
from toymodels.trajectory import SimulationError

Evaluate = Callable[[np.ndarray], np.ndarray]  # amplitude of every sample (P,) -> predicted classes (draws, P)


def pixel_noise(
    network: nn.Module, x: Tensor, rng: np.random.Generator, draws: int, span: float, statistics: str
) -> Evaluate:
    """Noise on the inputs in units of `span`: every sample of every draw has its own.

    Samples that share their batch statistics are perturbed by one amplitude at a time.
    """
    together = any(statistics == "batch" or norm.running_mean is None for norm in batch_norms(network))
    evaluate = _pixel_noise(network, x, rng, draws, span, statistics)
    return _one_amplitude_at_a_time(evaluate) if together else evaluate


def _pixel_noise(
    network: nn.Module, x: Tensor, rng: np.random.Generator, draws: int, span: float, statistics: str
) -> Evaluate:
    noise = (_normal(rng, x.shape, x) * span for _ in range(draws))
    unfolded = _unfolded(network)
    if unfolded is None:
        noise = list(noise)
        return lambda s: np.stack([predictions(network(x + _column(s, x) * z), s) for z in noise])
    first = unfolded.linears[0]
    clean, moved = first(x), [z @ first.weight.T for z in noise]

    def evaluate(s):
        fields = (clean + _column(s, x) * shift for shift in moved)
        return np.stack([predictions(unfolded.logits(x, statistics, first=field), s) for field in fields])

    return evaluate


def weight_noise(network: nn.Module, x: Tensor, rng: np.random.Generator, draws: int, statistics: str) -> Evaluate:
    """Noise on the weight matrices in units of each one's standard deviation: all samples of a draw share it."""
    unfolded = _unfolded(network)
    logits = (
        _perturbed(network, x, rng, draws)
        if unfolded is None
        else _perturbed_chain(unfolded, x, rng, draws, statistics)
    )

    def evaluate(s):
        amplitude = float(s[0])
        return np.stack([predictions(logits(draw, amplitude), amplitude) for draw in range(draws)])

    return _one_amplitude_at_a_time(evaluate)  # all groups at an amplitude share the perturbed networks


def _one_amplitude_at_a_time(evaluate: Evaluate) -> Evaluate:
    """`evaluate` with all samples at each amplitude in turn, of which only those that asked for it are kept."""

    def evaluate_each(s):
        values, which = np.unique(s, return_inverse=True)
        correct = np.stack([evaluate(np.full_like(s, value)) for value in values])  # (amplitudes, draws, P)
        return correct[which, :, np.arange(len(s))].T

    return evaluate_each


def _perturbed_chain(unfolded: Unfolded, x: Tensor, rng: np.random.Generator, draws: int, statistics: str):
    weights = [linear.weight for linear in unfolded.linears]
    noise = [[_normal(rng, w.shape, w) * w.std() for w in weights] for _ in range(draws)]
    clean, moved = unfolded.linears[0](x), [x @ shifts[0].T for shifts in noise]

    def logits(draw: int, s: float) -> Tensor:
        shifted = [w + s * z for w, z in zip(weights, noise[draw], strict=True)]
        return unfolded.logits(x, statistics, first=clean + s * moved[draw], weights=shifted)

    return logits


def _perturbed(network: nn.Module, x: Tensor, rng: np.random.Generator, draws: int):
    weights = {name: value.detach() for name, value in network.named_parameters() if value.ndim > 1}
    noise = [{name: _normal(rng, w.shape, w) * w.std() for name, w in weights.items()} for _ in range(draws)]

    def logits(draw: int, s: float) -> Tensor:
        return functional_call(network, {name: w + s * noise[draw][name] for name, w in weights.items()}, (x,))

    return logits


def _unfolded(network: nn.Module) -> Unfolded | None:
    check_finite(network)
    try:
        return unfold(network)
    except ValueError:
        return None


def predictions(logits: Tensor, amplitude) -> np.ndarray:
    """Classes (n,) of `logits` (n, K); `SimulationError` if these are not finite."""
    if not torch.isfinite(logits).all():
        raise SimulationError(f"logits are not finite at noise amplitude {np.max(amplitude):g}")
    return logits.argmax(1).cpu().numpy()


def _normal(rng: np.random.Generator, shape, like: Tensor) -> Tensor:
    return torch.from_numpy(rng.standard_normal(tuple(shape), dtype=np.float32)).to(like)


def _column(s: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(s).to(like)[:, None]

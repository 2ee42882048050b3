r"""What a network predicts under noise on its inputs or weights, at any amplitude, with the noise drawn once.

Noise enters a linear layer first, so in a chain of layers W_1 z (or z_1 x) is computed once and each amplitude costs
only the layers above; so too where Flatten stands in front of the chain. The network itself is never written to.

Weights move by :math:`s\,u` at amplitude s, with :math:`z` standard normal and one of the units

==========  ==================================================================================================
normalise   :math:`u` of a weight tensor W
==========  ==================================================================================================
"std"       :math:`\mathrm{std}(W)\, z`
"layer"     :math:`z\, \|W\| / \|z\|`
"filter"    :math:`z_i\, \|W_i\| / \|z_i\|` for the incoming weights :math:`W_i` of every neuron or channel i [1]_
"none"      :math:`z`
==========  ==================================================================================================

All but the last grow with W, so that layers of a ReLU network rescaled by c and 1/c, which leave its function alone,
are perturbed as before. None is blind to a rescaling of single neurons.

References
----------
.. [1] Li, Xu, Taylor, Studer and Goldstein (2018). Visualizing the loss landscape of neural nets. arXiv:1712.09913.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd

from dnn.networks.mlp import batch_norms, classes_of
from dnn.observing.layers import NORMS
from dnn.observing.taps import in_full
from dnn.reading.replacing import called_with
from dnn.reading.unfolding import Unfolded, check_finite, unfold
from toymodels.trajectory import SimulationError
from toymodels.validation import choice

Evaluate = Callable[[np.ndarray], np.ndarray]  # amplitude of every sample (P,) -> predicted classes (draws, P)

NORMALISATIONS = ("std", "layer", "filter", "none")
_HALF = (torch.bfloat16, torch.float16)


def readable(network: nn.Module, x: Tensor) -> tuple[nn.Module, Tensor]:
    """`network` and `x` without gradients and in float32 or better: copies where there is half precision."""
    tensors = [*network.parameters(), *network.buffers()]
    half = any(tensor.dtype in _HALF for tensor in tensors)
    return (deepcopy(network).float() if half else network), in_full(x.detach())


def pixel_noise(
    network: nn.Module, x: Tensor, rng: np.random.Generator, draws: int, span: float, statistics: str
) -> Evaluate:
    """Noise on the inputs (P, ...) in units of `span`: every sample of every draw has its own.

    Samples that share their batch statistics are perturbed by one amplitude at a time.
    """
    together = any(statistics == "batch" or norm.running_mean is None for norm in batch_norms(network))
    evaluate = _pixel_noise(network, x, rng, draws, span, statistics)
    return _one_amplitude_at_a_time(evaluate) if together else evaluate


def _pixel_noise(
    network: nn.Module, x: Tensor, rng: np.random.Generator, draws: int, span: float, statistics: str
) -> Evaluate:
    noise = (_normal(rng, x.shape, x) * span for _ in range(draws))
    unfolded, flat = _chain(network, x)
    if unfolded is None:
        noise = list(noise)
        return lambda s: np.stack([predictions(network(x + _column(s, x) * z), s) for z in noise])
    first = unfolded.linears[0]
    clean, moved = first(flat), [z.reshape(flat.shape) @ first.weight.T for z in noise]

    def evaluate(s):
        fields = (clean + _column(s, flat) * shift for shift in moved)
        return np.stack([predictions(unfolded.logits(flat, statistics, first=field), s) for field in fields])

    return evaluate


def weight_noise(
    network: nn.Module,
    x: Tensor,
    rng: np.random.Generator,
    draws: int,
    statistics: str,
    normalise: str = "std",
) -> Evaluate:
    """Noise on all weight tensors but those of norms, in the units of `normalise`: all samples of a draw share it.

    `ValueError` for a network without weights, and under "std" for a weight tensor of a single entry.
    """
    units = _units(network, choice("normalise", normalise, NORMALISATIONS))
    unfolded, flat = _chain(network, x)
    parametrised = unfolded is not None and any(id(linear.weight) not in units for linear in unfolded.linears)
    logits = (
        _perturbed(network, x, rng, draws, units)
        if unfolded is None or parametrised
        else _perturbed_chain(unfolded, flat, rng, draws, statistics, units)
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


Unit = Callable[[Tensor], Tensor]  # standard normal noise of a weight's shape -> its shift at amplitude 1


def _units(network: nn.Module, normalise: str) -> dict[int, Unit]:
    """`id` of every weight tensor -> its unit of noise."""
    of_norms = {id(p) for part in network.modules() if isinstance(part, NORMS) for p in part.parameters(recurse=False)}
    groups = {id(part.weight): part.groups for part in network.modules() if isinstance(part, _ConvTransposeNd)}
    units: dict[int, Unit] = {}
    for name, weight in network.named_parameters():
        if weight.ndim > 1 and id(weight) not in of_norms:
            if normalise == "std" and weight.numel() < 2:
                shape = tuple(weight.shape)
                raise ValueError(f"normalise must not be 'std' where a weight is a single entry, got {name} {shape}")
            units[id(weight)] = _unit(weight.detach(), normalise, groups.get(id(weight)))
    if not units:
        raise ValueError(f"network must have weights to perturb, got {type(network).__name__} without any")
    return units


def _unit(weight: Tensor, normalise: str, transposed_groups: int | None) -> Unit:
    if normalise == "std":
        deviation = weight.std()
        return lambda z: z * deviation
    if normalise == "none":
        return lambda z: z

    def length(values: Tensor) -> Tensor:
        if normalise == "layer":
            return torch.linalg.vector_norm(values)
        return _filter_lengths(values, transposed_groups)

    target, tiny = length(weight), torch.finfo(weight.dtype).tiny
    return lambda z: z * (target / length(z).clamp_min(tiny))


def _filter_lengths(values: Tensor, transposed_groups: int | None) -> Tensor:
    """Norm of the incoming weights of each neuron, to be broadcast with `values`.

    Neurons are counted by axis 0, and by axis 1 within every group of inputs in a transposed convolution.
    """
    if transposed_groups is None:
        return torch.linalg.vector_norm(values, dim=tuple(range(1, values.ndim)), keepdim=True)
    blocks = values.unflatten(0, (transposed_groups, -1))  # (groups, inputs, outputs, ...)
    lengths = torch.linalg.vector_norm(blocks, dim=(1, *range(3, blocks.ndim)), keepdim=True)
    return lengths.expand_as(blocks).flatten(0, 1)


def _perturbed_chain(unfolded: Unfolded, x: Tensor, rng, draws: int, statistics: str, units: dict[int, Unit]):
    weights = [linear.weight for linear in unfolded.linears]
    noise = [[units[id(w)](_normal(rng, w.shape, w)) for w in weights] for _ in range(draws)]
    clean, moved = unfolded.linears[0](x), [x @ shifts[0].T for shifts in noise]

    def logits(draw: int, s: float) -> Tensor:
        shifted = [w + s * z for w, z in zip(weights, noise[draw], strict=True)]
        return unfolded.logits(x, statistics, first=clean + s * moved[draw], weights=shifted)

    return logits


def _perturbed(network: nn.Module, x: Tensor, rng, draws: int, units: dict[int, Unit]):
    named = {name: value for name, value in network.named_parameters() if id(value) in units}
    weights = {name: value.detach() for name, value in named.items()}
    noise = [{name: units[id(w)](_normal(rng, w.shape, w)) for name, w in named.items()} for _ in range(draws)]

    def logits(draw: int, s: float) -> Tensor:
        shifted = {name: w + s * noise[draw][name] for name, w in weights.items()}
        return called_with(network, shifted, (x.clone(),))  # some modules write into their inputs

    return logits


def _chain(network: nn.Module, x: Tensor) -> tuple[Unfolded | None, Tensor]:
    """`network` as a chain, None if it is none, with the inputs (P, d) of its first linear layer."""
    check_finite(network)
    chain, flat = _behind_flatten(network, x) if x.ndim > 2 else (network, x)
    try:
        unfolded = unfold(chain)
    except ValueError:
        return None, x
    tied = len({id(linear.weight) for linear in unfolded.linears}) < len(unfolded.linears)
    if flat.shape != (len(x), unfolded.widths[0]) or tied:
        return None, x
    return unfolded, flat


def _behind_flatten(network: nn.Module, x: Tensor) -> tuple[nn.Module, Tensor]:
    """What follows the Flatten in front of `network`, and the inputs of that; both as given if there is none."""
    rest, flat = network, x
    while isinstance(rest, nn.Sequential) and len(rest) and flat.ndim > 2:
        first, *others = rest
        if isinstance(first, nn.Sequential):
            others = [*first, *others]
        elif isinstance(first, nn.Flatten):
            flat = first(flat)
        elif not isinstance(first, nn.Identity | nn.Dropout):
            break
        rest = others[0] if len(others) == 1 else nn.Sequential(*others)
    return rest, flat


def predictions(logits: Tensor, amplitude) -> np.ndarray:
    """Classes (n,) of `logits` (n, K); `SimulationError` if these are not finite."""
    if not torch.isfinite(logits).all():
        raise SimulationError(f"logits are not finite at noise amplitude {np.max(amplitude):g}")
    return classes_of(logits).cpu().numpy()


def _normal(rng: np.random.Generator, shape, like: Tensor) -> Tensor:
    return torch.from_numpy(rng.standard_normal(tuple(shape), dtype=np.float32)).to(like)


def _column(s: np.ndarray, like: Tensor) -> Tensor:
    return torch.from_numpy(s).to(like).reshape(-1, *[1] * (like.ndim - 1))

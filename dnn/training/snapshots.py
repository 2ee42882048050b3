"""Snapshots of networks: what a multilayer perceptron, or any other classifier, is at one moment, as plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dnn.networks.mlp import batch_norm_mode, checked_logits
from dnn.observing.resting import at_rest, kept
from dnn.reading.kernels import tangent_kernel
from dnn.reading.linear_maps import tails
from dnn.reading.replacing import called_with
from dnn.reading.unfolding import Unfolded, check_finite, unfold
from toymodels.snapshot import BASES, Snapshot, update_direction
from toymodels.validation import detached

NO_CHAIN = "the network is no chain of affine layers and activations"
NO_HIDDEN = "the network has no hidden layer"
NO_LABELS = "no labels to update on were given"
NO_VECTORS = "its inputs are no real vectors"


@torch.no_grad()
@at_rest
def snapshot(network: nn.Module, x: Tensor, labels: Tensor | None = None) -> Snapshot:
    """A network at some inputs; batch norm uses its running statistics, and nothing in the network changes.

    Parameters
    ----------
    network : Module
        Any classifier. Kernel, features and all that is read layer by layer need a chain as in
        :func:`dnn.reading.unfolding.unfold`.
    x : (n, ...) tensor
        Inputs, on the network's device.
    labels : (n,) integer tensor, optional
        Classes in 0..K-1; the first `toymodels.snapshot.BASES` samples are updated on, by their cross-entropy.

    Returns
    -------
    Snapshot
        `firing` are the units of the last hidden layer whose output is above 0.

    Raises
    ------
    ValueError
        If weights are not finite, or the network does not take the samples.

    Examples
    --------
    >>> network = nn.Linear(2, 2, bias=False)
    >>> network.weight.data = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    >>> now = snapshot(network, torch.eye(2))
    >>> now.outputs.tolist(), now.kernel.tolist(), now.reason("features")
    ([[1.0, 0.0], [0.0, 2.0]], [[1.0, 0.0], [0.0, 1.0]], 'the network has no hidden layer')
    """
    check_finite(network)
    with batch_norm_mode(network, "running"):
        outputs = _numpy(checked_logits(network, x))
    parts: dict[str, Any] = {"outputs": outputs, "parameters": [_numpy(p) for p in network.parameters()]}
    silent: dict[str, str] = {}
    try:
        unfolded = unfold(network)
        x = x.flatten(1)  # what a Flatten in front of the chain would give
    except ValueError:
        unfolded = None
    if x.is_floating_point() and x.ndim == 2:
        parts |= {"inputs": _numpy(x), "predict": _function(network, x)}
    else:
        silent |= dict.fromkeys(("inputs", "predict"), NO_VECTORS)
    if unfolded is None:
        silent |= dict.fromkeys(CHAIN, NO_CHAIN)
        return Snapshot(**parts, silent=silent)
    parts |= {"kernel": _numpy(tangent_kernel(network, x, trace=True))}
    if labels is None:
        silent["changes"] = NO_LABELS
    else:
        parts["changes"] = _changes(network, x, outputs, _numpy(labels))
    if unfolded.depth < 3:
        silent |= dict.fromkeys(("features", "hidden", "readouts", "firing", "linear_outputs", "neurons"), NO_HIDDEN)
    else:
        parts |= _layers(unfolded, x)
    return Snapshot(**parts, silent=silent)


CHAIN = ("features", "kernel", "hidden", "readouts", "firing", "linear_outputs", "neurons", "changes")


def _layers(unfolded: Unfolded, x: Tensor) -> dict[str, Any]:
    """What is read off the hidden layers."""
    layers = list(unfolded.layers(x))[:-1]
    first, *maps = tails(unfolded)
    features = _numpy(layers[-1][1])
    linear = unfolded.linears[0]
    rows = linear.weight if linear.bias is None else torch.cat([linear.weight, linear.bias[:, None]], dim=1)
    return {
        "features": features,
        "hidden": [_numpy(field) for field, _ in layers],
        "readouts": [_numpy(tail.matrix) for tail in maps],
        "firing": features > 0,
        "linear_outputs": _numpy(x @ first.matrix.T + first.offset),
        "neurons": _numpy(rows),
    }


def _changes(network: nn.Module, x: Tensor, outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What a vanishing step on each base moves: (B, n, K)."""
    bases, n_outputs = min(BASES, len(x)), outputs.shape[1]
    kernel = _numpy(tangent_kernel(network, x, x[:bases])).reshape(n_outputs, len(x), n_outputs, bases)
    return np.einsum("knlb,bl->bnk", kernel, update_direction(outputs[:bases], labels[:bases]))


def _function(network: nn.Module, x: Tensor) -> Callable[[np.ndarray, Sequence[np.ndarray]], np.ndarray]:
    """The network as a function of inputs and of all its parameters."""
    like = {name: parameter.detach() for name, parameter in network.named_parameters()}
    buffers = {name: buffer.clone() for name, buffer in network.named_buffers()}

    @torch.no_grad()
    def predict(inputs: np.ndarray, parameters: Sequence[np.ndarray]) -> np.ndarray:
        pairs = zip(like.items(), parameters, strict=True)
        given = {name: torch.from_numpy(np.array(values)).to(old) for (name, old), values in pairs}
        with kept(network):
            return _numpy(called_with(network, {**given, **buffers}, (torch.from_numpy(np.array(inputs)).to(x),)))

    return predict


def _numpy(values: Tensor) -> np.ndarray:
    return np.asarray(detached(values))

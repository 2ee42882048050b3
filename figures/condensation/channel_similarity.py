"""Channels of a convolution against chance: kernels against Gaussian ones, outputs against those of Gaussian kernels.

Cosines of few entries are large by chance: their mean is .27 for two kernels of 9 weights and .03 for two of 576, and
outputs of any two kernels on the same smooth images are alike. The excess of the mean |cos| is measured over what
unrelated kernels have on the same inputs, and channels are near when their |cos| is one that some pair of that many
unrelated channels reaches in one layer out of a thousand. Outputs are taken without the bias, which neither the weights
nor their chance have: a bias of one sign makes channels alike, and one of both signs unlike, however the kernels lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from figures.condensation.similarity_maps import companions, off_diagonal, sorted_map
from toymodels.condensation import cosine_excess, cosine_similarity, flatten_kernels, null_cosine, output_similarity

if TYPE_CHECKING:
    from torch import Tensor, nn

PROBABILITY = 1e-3  # that some pair of unrelated channels is called near
DRAWS = 3000  # Gaussian kernels, of which all pairs are compared


def channel_measures(network: nn.Module, layer: nn.Conv2d, x: Tensor, rng: np.random.Generator) -> dict[str, Any]:
    """How alike the channels of `layer` are, in their weights and in their outputs for inputs `x` of `network`.

    Weights and outputs leave the bias out.

    Parameters
    ----------
    network : Module
    layer : Conv2d
        Part of it, with at least two channels and zero padding.
    x : (n, ...) tensor
    rng : numpy Generator
        Draws the kernels that chance is measured with.

    Returns
    -------
    dict
        For "weights" and "outputs" `map_` (c, c), sorted cosines, and numbers: `mean_` |cos|; `excess_`, the mean |cos|
        over that of unrelated channels, minus 1; `threshold_`, the |cos| from which two channels are near; `share_` of
        all channels near the best connected one, itself included, and `minority_`, the part of them that points the
        other way than most.
    """
    from dnn.networks.convolutional import layer_outputs

    kernels = flatten_kernels(layer.weight.detach().cpu().numpy())
    bias = np.zeros((1, 1, 1)) if layer.bias is None else layer.bias.detach().cpu().numpy()[:, None, None]
    outputs = layer_outputs(network, layer, x) - bias.astype(np.float32)
    similarity = {"weights": cosine_similarity(kernels), "outputs": output_similarity(outputs)}
    chance, nearest = output_chance(patch_gram(network, layer, x), len(kernels), rng)
    excess = {
        "weights": cosine_excess(kernels),
        "outputs": off_diagonal(similarity["outputs"]).mean() / chance - 1,
    }
    threshold = {"weights": null_cosine(len(kernels), kernels.shape[1], PROBABILITY, signed=False), "outputs": nearest}
    found: dict[str, Any] = {}
    for name, values in similarity.items():
        share, minority = companions(values, threshold[name])
        found |= {
            f"map_{name}": sorted_map(values),
            f"mean_{name}": off_diagonal(values).mean(),
            f"excess_{name}": excess[name],
            f"threshold_{name}": threshold[name],
            f"share_{name}": share,
            f"minority_{name}": minority,
        }
    return found


def above_chance(mean: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """How far a mean |cos|, of this excess over chance, has gone from chance (0) to parallel channels (1).

    >>> above_chance(np.array([0.2, 0.6, 1.0]), np.array([0.0, 2.0, 4.0])).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    chance = mean / (1 + excess)
    return (mean - chance) / (1 - chance)


def patch_gram(network: nn.Module, layer: nn.Conv2d, x: Tensor, chunk: int = 256) -> np.ndarray:
    """Sums of products (d, d) of the d entries under a kernel of `layer`, over all its places on all inputs `x`.

    The outputs of kernels k and l have the scalar product k G l, biases left out.
    """
    import torch
    from torch.nn import functional

    from dnn.networks.mlp import batch_norm_mode

    size = layer.weight[0].numel()
    gram = torch.zeros(size, size, dtype=torch.float64)

    def add(module: nn.Module, inputs: tuple[Tensor, ...], outputs: Tensor) -> None:
        how: Any = {"dilation": layer.dilation, "padding": layer.padding, "stride": layer.stride}
        patches = functional.unfold(inputs[0], layer.kernel_size, **how)  # pyright: ignore[reportArgumentType]
        rows = patches.transpose(1, 2).flatten(0, 1)
        gram.add_((rows.T @ rows).double().cpu())

    hook = layer.register_forward_hook(add)
    try:
        with torch.no_grad(), batch_norm_mode(network, "running"):
            for start in range(0, len(x), chunk):
                network(x[start : start + chunk])
    finally:
        hook.remove()
    return gram.numpy()


def output_chance(gram: np.ndarray, count: int, rng: np.random.Generator, draws: int = DRAWS) -> tuple[float, float]:
    """Cosines of the outputs of unrelated Gaussian kernels.

    Parameters
    ----------
    gram : (d, d) array
        As of :func:`patch_gram`; its scale does not matter, and the identity stands for the kernels themselves.
    count : int
        Channels of the layer, >= 2.
    rng : numpy Generator
    draws : int
        Kernels drawn.

    Returns
    -------
    mean : float
        Of |cos|.
    threshold : float
        |cos| that some of `count` channels exceed with probability 1e-3.

    Examples
    --------
    >>> mean, threshold = output_chance(np.eye(9), 8, np.random.default_rng(0))
    >>> round(mean, 2), round(threshold, 2), round(null_cosine(8, 9, signed=False), 2)
    (0.27, 0.95, 0.95)
    """
    values, vectors = np.linalg.eigh(gram)
    outputs = rng.standard_normal((draws, len(gram))) @ (vectors * np.sqrt(np.maximum(values, 0)))
    cosines = off_diagonal(cosine_similarity(outputs.astype(np.float32)))
    pairs = count * (count - 1) / 2
    tail = -np.expm1(np.log1p(-PROBABILITY) / pairs)  # of one pair
    return float(cosines.mean()), float(np.quantile(cosines, 1 - tail))

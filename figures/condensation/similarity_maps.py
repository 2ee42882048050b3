"""Heat maps of the similarity of neurons or channels: on which images, sorted how, how far in blocks, how drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from toymodels.condensation import heatmap_order

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from torch import Tensor

    from dnn.data import Split


def compared_images(split: Split, n: int) -> Tensor:
    """The first images of the training and of the test part, half of `n` each, on which outputs are compared."""
    import torch

    return torch.cat([split.x_train[: n // 2], split.x_test[: n // 2]])


def sorted_map(similarity: np.ndarray) -> np.ndarray:
    """A similarity matrix with groups as blocks."""
    order = heatmap_order(similarity)
    return similarity[np.ix_(order, order)]


def off_diagonal(similarity: np.ndarray) -> np.ndarray:
    """Absolute similarity of every pair, once."""
    return np.abs(similarity[np.triu_indices(len(similarity), 1)])


def companions(similarity: np.ndarray, threshold: float = 0.9) -> tuple[float, float]:
    """The best connected neuron: share of all neurons at |cos| > threshold with it, and the minor sign among them."""
    near = np.abs(similarity) > threshold
    best = int(near.sum(axis=1).argmax())
    opposite = float((similarity[best, near[best]] < 0).mean())
    return float(near[best].mean()), min(opposite, 1 - opposite)


def draw_map(axes: Axes, similarity: np.ndarray, title: str) -> Any:
    """Heat map of cosines; returns the image for a colour bar."""
    image = axes.imshow(similarity, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("neuron, sorted")
    axes.set_yticks([])
    return image

"""What the condensation figures share: features of one-input neurons, sorted heat maps, and how both are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.style import FAMILY, tidy
from toymodels.condensation import (
    clusters,
    count_clusters,
    heatmap_order,
    orientation,
    static_neurons,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOUR = FAMILY["condensation"]
GAP = 0.2  # radians without a neuron that part two orientations
NOT_FITTED = -1.0
SHARE = 0.02  # of the total mass |a||w| that an orientation must carry to count


def count_orientations(a: np.ndarray, w: np.ndarray) -> int:
    """Isolated orientations of one-input neurons: gaps of 0.2 rad, at least 2 % of the mass each.

    Parameters
    ----------
    a : (m,) array
    w : (m, 2) array
        Weight and bias.
    """
    options = {"threshold": float(np.cos(GAP)), "linkage": "single", "min_share": 1e-3, "cluster_share": SHARE}
    return count_clusters(a, w, **options)


def features(a: np.ndarray, w: np.ndarray, x: np.ndarray) -> dict[str, np.ndarray]:
    """Orientation, size |a||w| and whether it is inactive on all of `x`, for (..., m) neurons."""
    theta, size = orientation(w[..., 0], w[..., 1])
    static = np.array([static_neurons(one, x) for one in w.reshape(-1, *w.shape[-2:])]).reshape(a.shape)
    return {"theta": theta, "mass": np.abs(a) * size, "static": static}


def count_directions(w: np.ndarray, threshold: float) -> int:
    """Leader clusters at this cosine, of all neurons however small."""
    return int(clusters(w, threshold=threshold, min_share=0).max()) + 1


def sorted_map(similarity: np.ndarray) -> np.ndarray:
    """A similarity matrix with groups as blocks."""
    order = heatmap_order(similarity)
    return similarity[np.ix_(order, order)]


def off_diagonal(similarity: np.ndarray) -> np.ndarray:
    """Absolute similarity of every pair, once."""
    return np.abs(similarity[np.triu_indices(len(similarity), 1)])


def draw_features(axes: Axes, theta: np.ndarray, mass: np.ndarray, static: np.ndarray, title: str) -> None:
    """Size of every neuron against its orientation; inactive neurons in grey."""
    axes.scatter(theta[static], mass[static], s=9, color="#999999", label="inactive on all inputs", zorder=1)
    axes.scatter(theta[~static], mass[~static], s=14, color=COLOUR, alpha=0.7, label="active", zorder=2)
    axes.set_xlim(-np.pi, np.pi)
    axes.set_xticks([-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi], [r"$-\pi$", "", "0", "", r"$\pi$"])
    axes.set_title(title, fontsize=10)
    tidy(axes)


def draw_map(axes: Axes, similarity: np.ndarray, title: str) -> Any:
    """Heat map of cosines; returns the image for a colour bar."""
    image = axes.imshow(similarity, cmap="RdBu_r", vmin=-1, vmax=1, interpolation="nearest")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("neuron, sorted")
    axes.set_yticks([])
    return image


def companions(similarity: np.ndarray, threshold: float = 0.9) -> tuple[float, float]:
    """The best connected neuron: share of all neurons at |cos| > threshold with it, and the minor sign among them."""
    near = np.abs(similarity) > threshold
    best = int(near.sum(axis=1).argmax())
    opposite = float((similarity[best, near[best]] < 0).mean())
    return float(near[best].mean()), min(opposite, 1 - opposite)


def when_fitted(values: np.ndarray, accuracy: np.ndarray, level: float) -> np.ndarray:
    """`values` of the runs whose accuracy has reached `level`, -1 for the others, which are too short to judge."""
    return np.where(accuracy >= level, values, NOT_FITTED)

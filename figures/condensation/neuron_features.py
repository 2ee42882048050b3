"""Features of one-input neurons, orientation and size: how they are found and drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from comparisons.harness.style import FAMILY, tidy
from toymodels.condensation import DirectionCounts, direction_counts, orientation, static_neurons

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def features(a: np.ndarray, w: np.ndarray, x: np.ndarray) -> dict[str, np.ndarray]:
    """Orientation, size |a||w| and whether it is inactive on all of `x`, for (..., m) neurons."""
    theta, size = orientation(w[..., 0], w[..., 1])
    static = np.array([static_neurons(weights, x) for weights in w.reshape(-1, *w.shape[-2:])]).reshape(a.shape)
    return {"theta": theta, "mass": np.abs(a) * size, "static": static}


def network_directions(a: np.ndarray, w: np.ndarray, **how: Any) -> DirectionCounts:
    """Directions of a two-layer network `a` (m,), `w` (m, d): those with 2 % of its mass |a||w| or more, and all.

    `how` is that of :func:`toymodels.condensation.direction_counts`.
    """
    return direction_counts(w, np.abs(a) * np.linalg.norm(w, axis=1), **how)


def active_directions(a: np.ndarray, w: np.ndarray, x: np.ndarray) -> DirectionCounts:
    """:func:`network_directions` at cos > 0.99 of the ReLU neurons that are active on some of the inputs `x` (n, d)."""
    active = ~static_neurons(w, x)
    return network_directions(a[active], w[active])


def draw_features(
    axes: Axes, theta: np.ndarray, mass: np.ndarray, static: np.ndarray, title: str, logarithmic: bool = False
) -> None:
    """Size of every neuron against its orientation; inactive neurons in grey. On request sizes are logarithmic."""
    colour = FAMILY["condensation"]
    axes.scatter(theta[static], mass[static], s=9, color="#999999", label="inactive on all inputs", zorder=1)
    axes.scatter(theta[~static], mass[~static], s=14, color=colour, alpha=0.7, label="active", zorder=2)
    axes.set_xlim(-np.pi - 0.15, np.pi + 0.15)  # neurons at the ends are seen whole
    axes.set_xticks([-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi], [r"$-\pi$", "", "0", "", r"$\pi$"])
    axes.set_title(title, fontsize=10)
    axes.set(xlabel=r"orientation $\theta$ (rad)", ylabel=r"$|a|\,A$", yscale="log" if logarithmic else "linear")
    tidy(axes)

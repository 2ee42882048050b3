"""Kernel distance of linear networks over imbalance and scale, shared by figures 6a and 10 of Nam et al. (2025)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from toymodels.layerwise import LinearNetwork, gram_kernel_distance

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FLOOR = 1e-6  # added before the logarithm, as in the published figure


def random_correlation(n_out: int, n_in: int, n_samples: int, rng: np.random.Generator) -> np.ndarray:
    """Correlation (n_out, n_in) of Gaussian labels with whitened Gaussian inputs."""
    inputs = np.linalg.qr(rng.standard_normal((n_samples, n_in)))[0]  # columns of norm 1, X'X = I
    return rng.standard_normal((n_out, n_samples)) @ inputs / np.sqrt(n_samples)


def distance_and_loss(
    correlation: np.ndarray, imbalance: float, scale: float, t: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Kernel distance from the start and loss over its start, both (n_t,), of a lambda-balanced network.

    As in the published code, all singular values of the initial map are the root of `scale`, and the target is divided
    by `scale`; the hidden layer is as wide as the smaller of input and output.
    """
    target = correlation / scale
    net = LinearNetwork.balanced(target, min(correlation.shape), imbalance, np.sqrt(scale), rng)
    run = net.solve(np.append(0.0, t))
    ins, outs = run["gram_in"], run["gram_out"]
    return gram_kernel_distance(ins[0], outs[0], ins[1:], outs[1:]), run["loss"][1:] / run["loss"][0]


def distance_map(
    correlation: np.ndarray, imbalances: np.ndarray, scales: np.ndarray, time: float, rng: np.random.Generator
) -> np.ndarray:
    """Kernel distance at one time, (imbalances, scales), all from the same singular vectors."""
    seed = int(rng.integers(2**63))
    t = np.array([time])
    return np.array(
        [
            [distance_and_loss(correlation, lam, scale, t, np.random.default_rng(seed))[0][0] for scale in scales]
            for lam in imbalances
        ]
    )


def draw_map(axes: Axes, imbalances: np.ndarray, scales: np.ndarray, distance: np.ndarray):
    """Heat map of log10 of a distance (imbalances, scales); returns what a colour bar needs."""
    image = axes.pcolormesh(
        scales, imbalances, np.log10(distance + FLOOR), cmap="viridis", vmin=-6, vmax=0, rasterized=True
    )
    axes.set_ylabel(r"imbalance $\lambda$")
    return image

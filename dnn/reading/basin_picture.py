"""Basins of single digits as cones in three dimensions: noisy copies of each, and where the network puts them.

Samples may have any shape; principal components are those of their entries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dnn.networks.mlp import batch_norm_mode, checked_logits, classes_of
from dnn.observing.resting import at_rest
from dnn.reading.basins import sample_basin
from dnn.reading.perturbations import readable
from dnn.reading.rank_densities import check_labels
from toymodels.validation import positive, positive_int


@dataclass(frozen=True, eq=False)
class BasinPicture:
    """Noisy copies of n digits at n_s amplitudes, in the three leading principal components of all of them.

    Attributes
    ----------
    labels : (n,) array
    apex : (n, 3) array
        The clean digits.
    amplitudes : (n_s,) array
    points : (n_s, draws, n, 3) array
    predicted : (n_s, draws, n) array
        Classes; the basin of a digit is where they equal its label.
    radius : (n,) array
        Basin radius of each digit, 0 if it is misclassified without noise.
    """

    labels: np.ndarray
    apex: np.ndarray
    amplitudes: np.ndarray
    points: np.ndarray
    predicted: np.ndarray
    radius: np.ndarray

    @property
    def foreign_share(self) -> np.ndarray:
        """Share (n_s,) of noisy copies that are given another class."""
        return (self.predicted != self.labels).mean(axis=(1, 2))


@torch.no_grad()
@at_rest
def basin_picture(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    *,
    per_class: int = 2,
    amplitudes=(0.05, 0.1, 0.2, 0.4, 0.8, 1.6),
    draws: int = 20,
) -> BasinPicture:
    """The first `per_class` digits of each class, with noise.

    Parameters
    ----------
    network : Module
        A classifier; read in eval mode.
    x, y : (P, ...) and (P,) tensors
        Samples of any shape, of three entries or more, and their labels.
    rng : numpy Generator
    per_class : int
    amplitudes : positive numbers
        In units of the range of `x`.
    draws : int
        Copies of each digit at each amplitude; the same noise at all of them.

    Returns
    -------
    BasinPicture

    Raises
    ------
    ValueError
        For labels that do not fit, a class of fewer than `per_class` samples, or as :func:`sample_basin`.
    """
    amplitudes, draws = np.atleast_1d(positive("amplitudes", amplitudes)), positive_int("draws", draws)
    network, x = readable(network, x)
    if not x.is_floating_point() or x[:1].numel() < 3:
        raise ValueError(f"x must be real numbers, three or more a sample, got {tuple(x.shape)} of {x.dtype}")
    labels, counts = check_labels(y, len(x), int(y.max()) + 1)
    if counts.min() < positive_int("per_class", per_class):
        raise ValueError(f"per_class must be at most {counts.min()}, the size of the smallest class, got {per_class}")
    chosen = np.concatenate([np.flatnonzero(labels == k)[:per_class] for k in range(len(counts))])
    digits, span = x[chosen], float(x.max() - x.min())
    noise = torch.from_numpy(rng.standard_normal((draws, *digits.shape), dtype=np.float32)).to(x) * span
    noisy = torch.stack([digits + s * noise for s in amplitudes])  # (n_s, draws, n, ...)
    with batch_norm_mode(network, "running"):
        logits = checked_logits(network, noisy.flatten(0, 2).clone())  # some modules write into their inputs
    predicted = classes_of(logits).reshape(noisy.shape[:3])
    apex, points = digits.flatten(1), noisy.flatten(3)
    mean, axes = _principal_axes(points.flatten(0, 2))
    basin = sample_basin(network, digits, y[chosen], rng, by="sample", draws=draws, span=span)
    return BasinPicture(
        labels=labels[chosen],
        apex=((apex - mean) @ axes).cpu().numpy(),
        amplitudes=amplitudes,
        points=((points - mean) @ axes).cpu().numpy(),
        predicted=predicted.cpu().numpy(),
        radius=np.asarray(basin.radius),
    )


def _principal_axes(points: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and the three leading principal axes (d, 3) of `points` (n, d)."""
    mean = points.mean(0)
    centered = points - mean
    if points.shape[1] <= len(points):
        return mean, torch.linalg.eigh(centered.T @ centered).eigenvectors[:, -3:].flip(1)
    mixtures = torch.linalg.eigh(centered @ centered.T).eigenvectors[:, -3:].flip(1)  # (n, 3): images with many pixels
    return mean, torch.linalg.qr(centered.T @ mixtures).Q

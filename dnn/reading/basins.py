r"""Basins of attraction: how much noise on the pixels, or on the weights, a trained network survives.

In sample space :math:`x' = x + s\,(x_{max} - x_{min})\,z`, in weight space
:math:`W' = W + s\,\mathrm{std}(W_l)\,z` for every layer, with :math:`z` standard normal; :math:`A(s)` is the share of
samples that still get their own label and the radius is where :math:`A(s) = 1/2` [1]_. Pixels are not clipped, biases
and batch norm are not perturbed.

The same :math:`z` serves every amplitude, so curves are smooth and radii comparable. Amplitudes lie on a geometric
grid; bisection finds the interval of the grid in which the curve crosses one half and interpolates there, so that it
gives the radius of the full grid after log2 as many evaluations.

References
----------
.. [1] Order-preserving and non-order-preserving transformations in deep networks, 2025, section on basins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.special import stdtrit
from torch import Tensor, nn

from dnn.networks.mlp import batch_norm_mode, checked_logits
from dnn.reading.perturbations import Evaluate, pixel_noise, predictions, weight_noise
from dnn.reading.rank_densities import check_every_class, check_labels
from dnn.reading.unfolding import check_finite
from toymodels.validation import choice, positive, positive_int, times

AMPLITUDES = np.geomspace(1e-3, 10, 25)
_DROWNED = 1e3  # amplitude at which nothing of the sample is left
_UPPER = 0.975  # quantile at which a 95 % interval ends


@dataclass(frozen=True, eq=False)
class Basin:
    """Size of a basin; G groups of samples (`by`), the group axis is left out when there is one.

    Attributes
    ----------
    radius : float or (G,) array
        Amplitude at which accuracy falls to one half. 0 for a class or sample that is already at or below one
        half, `inf` where accuracy stays above it at every amplitude.
    interval : (2,) or (2, G) array
        Approximate 95 % confidence interval of the radius, by Student's t over the samples of the group (pixel noise)
        or the draws (weight noise, or `by="sample"`); [0, inf] where there is a single one.
    amplitudes, curve : (n,) or (n, G) arrays
        Amplitudes evaluated, increasing, and the accuracy there.
    clean : float or (G,) array
        Accuracy without noise.
    noise_share : (K,) array or None
        Share of pure pixel noise that the network puts into each class. A class with a share of one half or more
        has an infinite basin that says nothing about its samples. None for weight noise.
    evaluations : int
        Amplitudes at which each group was evaluated.
    """

    radius: float | np.ndarray
    interval: np.ndarray
    amplitudes: np.ndarray
    curve: np.ndarray
    clean: float | np.ndarray
    noise_share: np.ndarray | None
    evaluations: int


@torch.no_grad()
def sample_basin(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    *,
    by: str = "all",
    method: str = "bisection",
    amplitudes=AMPLITUDES,
    draws: int = 4,
    span: float | None = None,
    statistics: str = "running",
) -> Basin:
    """Basin of attraction in sample space.

    Parameters
    ----------
    network : Module
        Any classifier; chains as in :func:`dnn.reading.unfolding.unfold` are several times faster.
    x, y : (P, d) and (P,) tensors
        Samples and their labels.
    rng : numpy Generator
        Source of the noise.
    by : {"all", "class", "sample"}
        One radius, one per class, or one per sample (then use 20 draws or more).
    method : {"bisection", "grid"}
        "grid" evaluates every amplitude; the radius is the same when accuracy falls monotonically.
    amplitudes : increasing positive numbers
        Grid of amplitudes, in units of `span`.
    draws : int
        Noise draws per sample.
    span : float, optional
        Range of the data; that of `x` if None.
    statistics : {"running", "batch"}
        Of batch norm; "batch" are those of all samples with the noise of one draw and one amplitude.

    Returns
    -------
    Basin

    Raises
    ------
    ValueError
        If half of the samples or fewer are classified correctly without noise, labels do not fit, a class is
        empty under `by="class"`, weights are not finite, or an option is unknown.
    SimulationError
        If logits are not finite at some amplitude.
    """
    reach = float(positive("span", x.max().item() - x.min().item() if span is None else span))
    with batch_norm_mode(network, statistics):
        search = _Search.start(network, x, y, by, amplitudes)
        evaluate = pixel_noise(network, x, rng, positive_int("draws", draws), reach, statistics)
        drowned = evaluate(np.full(len(x), _DROWNED))
        share = np.bincount(drowned.ravel(), minlength=search.n_classes) / drowned.size
        return search.run(evaluate, method, cluster="sample", noise_share=share)


@torch.no_grad()
def weight_basin(
    network: nn.Module,
    x: Tensor,
    y: Tensor,
    rng: np.random.Generator,
    *,
    by: str = "all",
    method: str = "bisection",
    amplitudes=AMPLITUDES,
    draws: int = 4,
    statistics: str = "running",
) -> Basin:
    """Basin of attraction in weight space; the network itself is never written to.

    Every layer's weights move by their own standard deviation times the amplitude, together.

    Parameters
    ----------
    network, x, y, by, method
        As in :func:`sample_basin`.
    rng : numpy Generator
        Source of the noise on the weights.
    amplitudes : increasing positive numbers
        Grid of amplitudes, in units of each layer's weight standard deviation.
    draws : int
        Perturbed networks per amplitude, shared by all samples; the interval is over them.
    statistics : {"running", "batch"}
        Of batch norm; "batch" are those of the samples in each perturbed network.

    Returns
    -------
    Basin

    Raises
    ------
    ValueError, SimulationError
        As in :func:`sample_basin`.
    """
    with batch_norm_mode(network, statistics):
        search = _Search.start(network, x, y, by, amplitudes)
        evaluate = weight_noise(network, x, rng, positive_int("draws", draws), statistics)
        return search.run(evaluate, method, cluster="draw", noise_share=None)


@dataclass(frozen=True, eq=False)
class _Search:
    """Where the accuracy of each group of samples falls to one half."""

    labels: np.ndarray  # (P,)
    groups: np.ndarray  # (P,) in 0..G-1
    clean: np.ndarray  # (G,)
    amplitudes: np.ndarray  # (n,)
    n_classes: int

    @staticmethod
    def start(network: nn.Module, x: Tensor, y: Tensor, by: str, amplitudes) -> _Search:
        check_finite(network)
        grid = times(positive("amplitudes", amplitudes), name="amplitudes")
        logits = checked_logits(network, x)
        predicted, n_classes = predictions(logits, 0.0), logits.shape[1]
        labels, counts = check_labels(y, len(x), n_classes)
        if choice("by", by, ("all", "class", "sample")) == "class":
            check_every_class(counts)
        if (accuracy := float((predicted == labels).mean())) <= 0.5:
            raise ValueError(f"network must classify more than half of the samples without noise, got {accuracy:g}")
        groups = {"all": np.zeros_like(labels), "class": labels, "sample": np.arange(len(labels))}[by]
        clean = np.bincount(groups, weights=predicted == labels) / np.bincount(groups)
        return _Search(labels, groups, clean, grid, n_classes)

    def run(self, evaluate: Evaluate, method: str, cluster: str, noise_share: np.ndarray | None) -> Basin:
        n, n_groups = len(self.amplitudes), len(self.clean)
        if choice("method", method, ("bisection", "grid")) == "grid":
            visited = np.tile(np.arange(n), (n_groups, 1)).T  # (evaluations, G)
            measured = [self._accuracy(evaluate, row, cluster) for row in visited]
        else:
            visited, measured = self._bisect(evaluate, cluster)
        curve, margin = (np.stack(values) for values in zip(*measured, strict=True))
        order = np.argsort(visited, axis=0, kind="stable")
        curve, margin = np.take_along_axis(curve, order, 0), np.take_along_axis(margin, order, 0)
        amplitudes = self.amplitudes[np.take_along_axis(visited, order, 0)]
        radius = _crossing(amplitudes, curve, self.clean, np.full(n_groups, 0.5))
        margin = _margin_at(radius, amplitudes, margin)
        interval = np.stack([_crossing(amplitudes, curve, self.clean, 0.5 + side * margin) for side in (1, -1)])
        parts = [radius, interval, amplitudes, curve, self.clean]
        return Basin(*map(_squeezed, parts), noise_share=noise_share, evaluations=len(visited))

    def _bisect(self, evaluate: Evaluate, cluster: str):
        """Grid points visited (evaluations, G), and accuracy with its margin at each."""
        low, high = np.full(len(self.clean), -1), np.full(len(self.clean), len(self.amplitudes))
        visited, measured = [], []
        while (high - low).max() > 1:
            middle = np.clip((low + high) // 2, 0, len(self.amplitudes) - 1)
            visited.append(middle)
            measured.append(self._accuracy(evaluate, middle, cluster))
            right = measured[-1][0] > 0.5
            low, high = np.where(right, np.maximum(low, middle), low), np.where(right, high, np.minimum(high, middle))
        return np.stack(visited), measured

    def _accuracy(self, evaluate: Evaluate, index: np.ndarray, cluster: str) -> tuple[np.ndarray, np.ndarray]:
        """Accuracy (G,) at grid points `index` (G,), and half of its 95 % interval over samples or draws."""
        right = evaluate(self.amplitudes[index][self.groups]) == self.labels  # (draws, P)
        sizes = np.bincount(self.groups)
        if cluster == "sample" and len(sizes) < len(self.groups):
            share = right.mean(axis=0)
            mean = np.bincount(self.groups, weights=share) / sizes
            square = np.bincount(self.groups, weights=(share - mean[self.groups]) ** 2) / sizes
            return mean, _margin(np.sqrt(square / sizes), sizes)
        per_draw = np.stack([np.bincount(self.groups, weights=row) / sizes for row in right])  # (draws, G)
        error = per_draw.std(axis=0) / np.sqrt(max(len(right) - 1, 1))
        return per_draw.mean(axis=0), _margin(error, np.full(len(sizes), len(right)))


def _crossing(amplitudes: np.ndarray, curve: np.ndarray, clean: np.ndarray, level: np.ndarray) -> np.ndarray:
    """First amplitude (G,) at which `curve` (n, G) falls to `level` (G,): log-linear between points, `inf` if never."""
    groups = np.arange(len(clean))
    reached = curve <= level
    first = np.argmax(reached, axis=0)
    right, right_curve = amplitudes[first, groups], curve[first, groups]
    left = np.where(first > 0, amplitudes[first - 1, groups], 0.0)
    left_curve = np.where(first > 0, curve[first - 1, groups], clean)
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (left_curve - level) / (left_curve - right_curve)
        inside = np.where(first > 0, left * (right / left) ** part, part * right)  # linear below the first point
    return np.select([clean <= level, ~reached.any(axis=0)], [0.0, np.inf], inside)


def _margin(error: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Half the 95 % interval (G,) of a mean with standard error `error` over `n` values, `inf` for a single one."""
    return np.where(n > 1, stdtrit(np.maximum(n - 1, 1), _UPPER) * error, np.inf)


def _margin_at(radius: np.ndarray, amplitudes: np.ndarray, margin: np.ndarray) -> np.ndarray:
    """Margin (G,) at the evaluated point next to the radius."""
    nearest = np.argmin(np.abs(amplitudes - np.minimum(radius, amplitudes[-1])), axis=0)
    return margin[nearest, np.arange(len(radius))]


def _squeezed(values: np.ndarray) -> Any:  # float or array
    if values.shape[-1] > 1:
        return values
    return float(values[0]) if values.ndim == 1 else values[..., 0]

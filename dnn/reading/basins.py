r"""Basins of attraction: how much noise on the pixels, or on the weights, a trained network survives.

In sample space :math:`x' = x + s\,(x_{max} - x_{min})\,z`, in weight space
:math:`W' = W + s\,\mathrm{std}(W_l)\,z` for every layer, with :math:`z` standard normal; :math:`A(s)` is the share of
samples that still get their own label and the radius is where :math:`A(s) = 1/2` [1]_. Pixels are not clipped, biases
and norms are not perturbed. Samples may have any shape, and weights other units
(:mod:`dnn.reading.perturbations`). Half precision is read in float32.

The same :math:`z` serves every amplitude, so curves are smooth and radii comparable. Amplitudes lie on a geometric
grid; bisection finds the interval of the grid in which the curve crosses one half and interpolates there, so that it
gives the radius of the full grid after log2 as many evaluations. Where no amplitude evaluated so far closes the
confidence interval, more are, above the radius, until one does or none is left.

References
----------
.. [1] Order-preserving and non-order-preserving transformations in deep networks, 2025, section on basins.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import stdtrit
from torch import Tensor, nn

from dnn.checks import draws_of, network_of, tensor_of
from dnn.networks.mlp import batch_norm_mode, checked_logits
from dnn.observing.resting import at_rest
from dnn.reading.perturbations import Evaluate, pixel_noise, predictions, readable, weight_noise
from dnn.reading.rank_densities import check_every_class, check_labels
from dnn.reading.unfolding import check_finite
from toymodels.trajectory import SimulationError
from toymodels.validation import choice, described, finite, generator, positive, times

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
        or the draws (weight noise, or `by="sample"`); [0, inf] where there is a single one. It ends where the curve
        crosses one half plus or minus its uncertainty at the radius: beside a finite radius the upper end is `inf`
        only where accuracy falls that far at no amplitude up to the largest. Bisection interpolates between the
        amplitudes it has evaluated, the grid between neighbours.
    amplitudes, curve : (n,) or (n, G) arrays
        Amplitudes evaluated, increasing, and the accuracy there.
    clean : float or (G,) array
        Accuracy without noise.
    noise_share : (K,) array or None
        Share of pure pixel noise that the network puts into each class. A class with a share of one half or more
        has an infinite basin that says nothing about its samples. None for weight noise.
    evaluations : int
        Amplitudes at which each group was evaluated, repetitions counted.
    """

    radius: float | np.ndarray
    interval: np.ndarray
    amplitudes: np.ndarray
    curve: np.ndarray
    clean: float | np.ndarray
    noise_share: np.ndarray | None
    evaluations: int


@torch.no_grad()
@at_rest
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
    x, y : (P, ...) and (P,) tensors
        Samples of any shape, real numbers, and their labels.
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
        If half of the samples or fewer are classified correctly without noise, samples are no real numbers, labels do
        not fit, a class is empty under `by="class"`, weights are not finite, or an option is unknown.
    SimulationError
        If logits are not finite at some amplitude that the radius needs.

    Examples
    --------
    Two points at -1 and 1, classified by their sign: more than half of the noisy copies keep it at any amplitude, so
    that accuracy falls to 1/2 only in the limit.

    >>> network = nn.Linear(1, 2, bias=False)
    >>> network.weight.data = torch.tensor([[-1.0], [1.0]])
    >>> x, y = torch.tensor([[-1.0], [1.0]]).repeat(500, 1), torch.arange(2).repeat(500)
    >>> basin = sample_basin(network, x, y, np.random.default_rng(0), amplitudes=[0.1, 0.5, 1.0], method="grid")
    >>> basin.radius, basin.curve.round(1).tolist()
    (inf, [1.0, 0.8, 0.7])
    """
    network, x = readable(network, _require(network, x, rng))
    if not x.is_floating_point():
        raise ValueError(f"x must be real numbers, for noise to be added, got {x.dtype}")
    reach = float(positive("span", x.max().item() - x.min().item() if span is None else finite("span", span, ndim=0)))
    with batch_norm_mode(network, statistics):
        search = _Search.start(network, x, y, by, amplitudes)
        evaluate = pixel_noise(network, x, rng, draws_of("draws", draws), reach, statistics)
        drowned = evaluate(np.full(len(x), _DROWNED))
        share = np.bincount(drowned.ravel(), minlength=search.n_classes) / drowned.size
        return search.run(evaluate, method, cluster="sample", noise_share=share)


@torch.no_grad()
@at_rest
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
    normalise: str = "std",
) -> Basin:
    """Basin of attraction in weight space; the network itself is never written to.

    The weights of all layers (every parameter of two axes or more but those of norms: Linear, convolutions, embeddings,
    attention, recurrent layers) move together, frozen ones too and tied ones as a single tensor.

    Parameters
    ----------
    network, by, method
        As in :func:`sample_basin`.
    x, y : (P, ...) and (P,) tensors
        Samples of any shape, integers such as tokens among them, and their labels.
    rng : numpy Generator
        Source of the noise on the weights.
    amplitudes : increasing positive numbers
        Grid of amplitudes, in units of each layer's weight standard deviation, or of `normalise`.
    draws : int
        Perturbed networks per amplitude, shared by all samples; the interval is over them.
    statistics : {"running", "batch"}
        Of batch norm; "batch" are those of the samples in each perturbed network.
    normalise : {"std", "layer", "filter", "none"}
        Noise on a weight tensor is its standard deviation times z; z with the norm of the tensor; z with, for every
        neuron or channel, the norm of its incoming weights; or z itself. With all but "none", whose amplitudes are in
        units of the weights, the radius of a ReLU network survives a rescaling of whole layers that leaves its
        function alone.

    Returns
    -------
    Basin

    Raises
    ------
    ValueError
        As in :func:`sample_basin`; also for a network without weights, and under "std" for a weight tensor of a single
        entry, which has no standard deviation.
    SimulationError
        As in :func:`sample_basin`.

    Examples
    --------
    The identity with noise s z on each weight takes 1 + s z for larger than s z' in a share Phi(1 / (s sqrt(2))):

    >>> network = nn.Linear(2, 2, bias=False)
    >>> network.weight.data = torch.eye(2)
    >>> options = {"normalise": "none", "draws": 1000, "amplitudes": [0.5], "method": "grid"}
    >>> basin = weight_basin(network, torch.eye(2), torch.arange(2), np.random.default_rng(0), **options)
    >>> basin.curve.round(2).tolist()
    [0.92]
    """
    network, x = readable(network, _require(network, x, rng))
    with batch_norm_mode(network, statistics):
        search = _Search.start(network, x, y, by, amplitudes)
        evaluate = weight_noise(network, x, rng, draws_of("draws", draws), statistics, normalise)
        return search.run(evaluate, method, cluster="draw", noise_share=None)


class _Row(NamedTuple):
    """An evaluation: grid points (G,), accuracy there, and half of its 95 % interval."""

    index: np.ndarray
    accuracy: np.ndarray
    margin: np.ndarray


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
        logits = checked_logits(network, x.clone())  # some modules write into their inputs
        if len(logits) != len(x):
            raise ValueError(f"network must put out logits of every sample, got {len(logits)} for {len(x)} samples")
        predicted, n_classes = predictions(logits, 0.0), max(logits.shape[1], 2)
        labels, counts = check_labels(y, len(x), n_classes)
        if choice("by", by, ("all", "class", "sample")) == "class":
            check_every_class(counts)
        if (accuracy := float((predicted == labels).mean())) <= 0.5:
            raise ValueError(f"network must classify more than half of the samples without noise, got {accuracy:g}")
        groups = {"all": np.zeros_like(labels), "class": labels, "sample": np.arange(len(labels))}[by]
        clean = np.bincount(groups, weights=predicted == labels) / np.bincount(groups)
        return _Search(labels, groups, clean, grid, n_classes)

    def run(self, evaluate: Evaluate, method: str, cluster: str, noise_share: np.ndarray | None) -> Basin:
        if choice("method", method, ("bisection", "grid")) == "grid":
            index = np.ones_like(self.clean, dtype=np.int64)
            rows = [_Row(k * index, *self._accuracy(evaluate, k * index, cluster)) for k in range(len(self.amplitudes))]
        else:
            rows = self._bisect(evaluate, cluster)
            with suppress(SimulationError):  # of logits that overflow: the interval stays open
                self._close(evaluate, cluster, rows)
        radius, interval, _, amplitudes, curve = self._read(rows)
        parts = [radius, interval, amplitudes, curve, self.clean]
        return Basin(*map(_squeezed, parts), noise_share=noise_share, evaluations=len(rows))

    def _read(self, rows: list[_Row]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Radius (G,), interval (2, G) and the levels (2, G) at its ends, amplitudes and curve (evaluations, G)."""
        index, curve, margin = (np.stack(values) for values in zip(*rows, strict=True))
        order = np.argsort(index, axis=0, kind="stable")
        curve, margin = np.take_along_axis(curve, order, 0), np.take_along_axis(margin, order, 0)
        amplitudes = self.amplitudes[np.take_along_axis(index, order, 0)]
        radius = _crossing(amplitudes, curve, self.clean, np.full(len(self.clean), 0.5))
        levels = 0.5 + np.array([[1], [-1]]) * _margin_at(radius, amplitudes, margin)
        interval = np.stack([_crossing(amplitudes, curve, self.clean, level) for level in levels])
        return radius, interval, levels, amplitudes, curve

    def _bisect(self, evaluate: Evaluate, cluster: str) -> list[_Row]:
        low, high = np.full(len(self.clean), -1), np.full(len(self.clean), len(self.amplitudes))
        rows = []
        while (high - low).max() > 1:
            middle = np.clip((low + high) // 2, 0, len(self.amplitudes) - 1)
            rows.append(_Row(middle, *self._accuracy(evaluate, middle, cluster)))
            right = rows[-1].accuracy > 0.5
            low, high = np.where(right, np.maximum(low, middle), low), np.where(right, high, np.minimum(high, middle))
        return rows

    def _close(self, evaluate: Evaluate, cluster: str, rows: list[_Row]) -> None:
        """Add rows above the radius of groups with an open interval: by bisection, then wherever none was looked."""
        radius, interval, (_, level), _, _ = self._read(rows)
        n, index = len(self.amplitudes), np.stack([row.index for row in rows])
        is_open = np.isfinite(radius) & np.isinf(interval[1]) & (level >= 0)

        def falls(at: np.ndarray, groups: np.ndarray) -> np.ndarray:
            """Whether `groups` are at or below their level at grid points `at`; the others repeat their last row."""
            at = np.where(groups, at, at[groups][0])  # costs nothing where amplitudes are evaluated one by one
            measured = _Row(at, *self._accuracy(evaluate, at, cluster))
            rows.append(_Row(*(np.where(groups, new, old) for new, old in zip(measured, rows[-1], strict=True))))
            return groups & (measured.accuracy <= level)

        low, high = np.where(is_open, index.max(axis=0), n), np.full(len(radius), n)
        while (active := high - low > 1).any():
            middle = (low + high) // 2
            below = falls(middle, active)
            low, high = np.where(active & ~below, middle, low), np.where(below, middle, high)
        is_open &= high == n
        for k in range(n - 2, -1, -1):
            seen = np.any(np.stack([row.index for row in rows]) == k, axis=0)
            groups = is_open & ~seen & (self.amplitudes[k] > radius)
            if groups.any():
                is_open &= ~falls(np.full(len(radius), k), groups)

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


def _require(network: Any, x: Any, rng: Any) -> Tensor:
    """`x` as samples."""
    network_of("network", network)
    if isinstance(x, Tensor):
        x = tensor_of("x", x)
    if not isinstance(x, Tensor) or not x.numel():
        raise ValueError(f"x must be a tensor of at least one sample, got {described(x)}")
    generator("rng", rng)
    return x


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

r"""Narrower networks that say the same, and the sample size that a target really needs.

Neurons of one cluster are replaced by one. For ReLU a cluster is a direction, since
:math:`\mathrm{relu}` is homogeneous: :math:`a=\sum_k a_k|w_k|` on the mean direction. Other activations need equal
norms as well; there, odd or even ones also merge opposite weights.

**Optimistic sample size**: the smallest rank of the tangent space :math:`\mathrm{span}\{\partial
f/\partial\theta_i\}` over all parameters that represent the target, reached at condensed parameters; for a two-layer
network it depends on the width the target needs, not on the width of the network that is trained.

References
----------
Zhang et al. (2021), arXiv:2105.14573; Zhang et al. (2023), arXiv:2307.08921; overview, sections 7.1 and 7.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.grouping import check_threshold, leaders
from toymodels.condensation.network import TwoLayerNetwork, require_single
from toymodels.condensation.similarity import static_neurons, unit_rows
from toymodels.validation import counts, finite, generator, positive, positive_int, require_room, row_norms

PARITY = {"tanh": -1, "x2tanh": -1, "xtanh": 1}  # s(-z) = parity * s(z)
RANK_TOLERANCE = 1e-10  # relative to the largest singular value


def merge(network: TwoLayerNetwork, threshold: float = 0.99, *, x: ArrayLike | None = None) -> TwoLayerNetwork:
    """One neuron per cluster of similar neurons.

    Parameters
    ----------
    network : TwoLayerNetwork
        Without replicate axes.
    threshold : float
        Neurons merge from this similarity upwards, in (0, 1]: the cosine for ReLU, for other activations
        1 - |w - w'|^2 / (2 max(|w|, |w'|)^2), which is the cosine when the norms agree. Below .99 the output suffers.
    x : (n, d) array, optional
        If given, ReLU neurons inactive on all of it are dropped: the output stays the same there, not elsewhere.

    Returns
    -------
    TwoLayerNetwork
        Exactly the same function if the network is perfectly condensed. Where there is an output bias, neurons without
        input weights go into it.

    Raises
    ------
    ValueError
        If `threshold` is outside (0, 1], the network has replicate axes, weights beyond 1e75, or nothing is left.

    Examples
    --------
    The first two neurons point the same way; their sum 1 |2| + 3 |1| = 5 goes on the unit vector:

    >>> wide = TwoLayerNetwork([1.0, 3.0, 1.0], [[2.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> small = merge(wide)
    >>> small.a.tolist(), small.w.tolist(), wide([[2.0]]).tolist() == small([[2.0]]).tolist()
    ([5.0, 1.0], [[1.0, 0.0], [0.0, 1.0]], True)
    """
    require_single(network)
    require_room(a=network.a, w=network.w)
    threshold = check_threshold(threshold)
    kept, shift = _speaking(network, x), None
    if network.output_bias is not None:
        constant = kept & ~network.w[:, :-1].any(axis=1)
        shift = network.shift + network.hidden(np.zeros((1, network.dim)))[:, constant] @ network.columns[constant]
        kept = kept & ~constant
    if not kept.any():
        raise ValueError("network must have a neuron that contributes, got none")
    a, w, strength = network.columns[kept], network.w[kept], network.strength[kept]
    order = np.argsort(-strength * row_norms(w), kind="stable")
    group = _merge_directions if network.activation == "relu" else _merge_vectors
    a, w = group(a[order], w[order], strength[order], threshold, PARITY.get(network.activation, 0))
    return network.with_weights(a, w, shift)


@dataclass(frozen=True, eq=False)
class Reduction:
    """What merging does at each threshold; arrays of shape (n_thresholds,).

    Parameters
    ----------
    thresholds : array
    neurons : integer array
        Width of the merged network.
    error : array
        Norm of the change of the output, relative to the output's norm.
    loss, retrained : arrays
        Loss of the merged network, before and after training it further.

    Examples
    --------
    >>> network = TwoLayerNetwork([1.0, 3.0, 1.0], [[2.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    >>> x = np.linspace(-1, 1, 9)[:, None]
    >>> found = reduction_curve(network, x, network(x), [0.5, 0.99], n_steps=10)
    >>> found.neurons.tolist(), found.error.round(9).tolist()  # the perfectly condensed pair costs nothing
    ([2, 2], [0.0, 0.0])
    """

    thresholds: np.ndarray
    neurons: np.ndarray
    error: np.ndarray
    loss: np.ndarray
    retrained: np.ndarray


def reduction_curve(
    network: TwoLayerNetwork,
    x: ArrayLike,
    y: ArrayLike,
    thresholds: Sequence[float] = (0.9, 0.95, 0.99, 0.999, 0.9999),
    *,
    n_steps: int = 2000,
    lr: float = 0.1,
) -> Reduction:
    """Merge at several thresholds, and train each reduced network a little further.

    Parameters
    ----------
    network : TwoLayerNetwork
        Trained, without replicate axes.
    x : (n, d) array
    y : (n,) or (n, K) array
    thresholds : sequence of floats
        In (0, 1].
    n_steps, lr
        Retraining by gradient descent.

    Raises
    ------
    ValueError
        As :func:`merge`.
    SimulationError
        If retraining diverges.

    Examples
    --------
    Neurons 0.1 rad apart merge at 0.99, cos(0.1) = 0.995, but not at 0.999:

    >>> angles = np.array([0.0, 0.1, 1.5])
    >>> network = TwoLayerNetwork([1.0, 1.0, 1.0], np.stack([np.cos(angles), np.sin(angles)], axis=1))
    >>> x = np.linspace(-1, 1, 9)[:, None]
    >>> found = reduction_curve(network, x, network(x), [0.99, 0.999], n_steps=200)
    >>> found.neurons.tolist(), found.error.round(3).tolist(), bool(found.retrained[0] < found.loss[0])
    ([2, 3], [0.001, 0.0], True)
    """
    output = network(x)
    rows = []
    for threshold in finite("thresholds", thresholds, ndim=1).tolist():
        small = merge(network, threshold, x=x if network.activation == "relu" else None)
        error = np.linalg.norm(small(x) - output) / np.linalg.norm(output)
        loss = small.train(x, y, n_steps, lr, n_steps, record=("loss",))["loss"]
        rows.append((small.width, error, loss[0], loss[-1]))
    neurons, error, loss, retrained = np.array(rows).T
    return Reduction(np.array(thresholds), neurons.astype(int), error, loss, retrained)


def tangent_rank(network: TwoLayerNetwork, points: ArrayLike) -> int:
    """Rank of the functions df/dtheta_i, on many points (at least as many as parameters).

    Parameters
    ----------
    network : TwoLayerNetwork
        Without replicate axes.
    points : (n, d) array
        Generic inputs, n >= number of parameters.

    Raises
    ------
    ValueError
        If there are too few points.

    Examples
    --------
    Two neurons have 2 (1 + 1 + 1) parameters; of two that are equal, the second adds no direction of its own:

    >>> points = np.random.default_rng(0).standard_normal((20, 1))
    >>> different = TwoLayerNetwork([1.0, 1.0], [[1.0, 0.0], [0.5, 1.0]], "tanh")
    >>> equal = TwoLayerNetwork([1.0, 1.0], [[1.0, 0.5], [1.0, 0.5]], "tanh")
    >>> tangent_rank(different, points), tangent_rank(equal, points)
    (6, 3)
    """
    return _rank(_tangents(network, points))


def optimistic_sample_size(target: TwoLayerNetwork, points: ArrayLike) -> int:
    """Smallest number of samples from which a network of any width may recover `target`.

    The target is merged to its smallest width m*; a generic one needs m* (d + 2) samples: one output weight, d input
    weights and a bias per neuron, and one sample more for an output bias. With K outputs it is the smallest number of
    samples on which the tangent functions keep their full rank, the points taken in the order in which they add most.
    That is m* + d + 1 if m* <= K, where each neuron can be seen alone: a sample gives K numbers, yet a single neuron
    needs no fewer samples than with one output. Output biases need one sample more, however many they are.

    Parameters
    ----------
    target : TwoLayerNetwork
        Without replicate axes.
    points : (n, d) array
        Generic inputs on which the rank is taken, at least as many as m* neurons have parameters.

    Raises
    ------
    ValueError
        If there are too few points.

    Examples
    --------
    A target of 100 neurons that all say the same needs the 3 samples of one neuron:

    >>> points = np.random.default_rng(0).standard_normal((20, 1))
    >>> optimistic_sample_size(TwoLayerNetwork(np.full(100, 0.01), np.full((100, 2), 0.5), "tanh"), points)
    3
    """
    tangents = _tangents(merge(target, 1.0), points)  # (n, K, p)
    rank, n_outputs = _rank(tangents), tangents.shape[1]
    if n_outputs == 1:
        return rank
    ordered = tangents[_most_telling(tangents)]
    return next(n for n in range(-(-rank // n_outputs), len(tangents) + 1) if _rank(ordered[:n]) == rank)


def _tangents(network: TwoLayerNetwork, points: ArrayLike) -> np.ndarray:
    """Derivatives (n, K, p) of the outputs at `points`, K = 1 if the output is a number."""
    jacobian = network.jacobian(points)
    if network.w.ndim != 2 or len(jacobian) < jacobian.shape[-1]:
        raise ValueError(f"points must be at least {jacobian.shape[-1]} for a single network, got {jacobian.shape}")
    return jacobian.reshape(len(jacobian), -1, jacobian.shape[-1])


def _most_telling(tangents: np.ndarray) -> np.ndarray:
    """Order (n,) of the points by what each adds to the span of those before: generic points may be nearly alike."""
    left = tangents / np.linalg.norm(tangents, axis=(0, 1))
    order = np.zeros(len(tangents), dtype=int)
    for step in range(len(order)):
        sizes = (left**2).sum(axis=(1, 2))
        sizes[order[:step]] = -1
        order[step] = np.argmax(sizes)
        _, size, basis = np.linalg.svd(left[order[step]], full_matrices=False)
        basis = basis[size > RANK_TOLERANCE * size[0]]
        left = left - left @ basis.T @ basis
    return order


def _rank(tangents: np.ndarray) -> int:
    sizes = np.linalg.svd(tangents.reshape(-1, tangents.shape[-1]), compute_uv=False)
    return int((sizes > RANK_TOLERANCE * sizes.max()).sum())


def low_rank_sample_size(rank: int, rows: int, columns: int) -> int:
    """Optimistic sample size of a rows x columns matrix of that rank, trained as a product: r (rows + columns - r).

    This is the dimension of the manifold of such matrices.

    Parameters
    ----------
    rank, rows, columns : int
        Of the target matrix, 1 <= rank <= min(rows, columns).

    Raises
    ------
    ValueError
        If a size is not a positive integer, or `rank` is above min(rows, columns).

    Examples
    --------
    A 3 x 4 matrix of rank 1 is a column times a row up to a factor: 3 + 4 - 1 numbers, where a full one has 12.

    >>> low_rank_sample_size(1, 3, 4), low_rank_sample_size(3, 3, 4)
    (6, 12)
    """
    rank, rows, columns = (
        positive_int(name, value) for name, value in (("rank", rank), ("rows", rows), ("columns", columns))
    )
    if rank > min(rows, columns):
        raise ValueError(f"rank must be <= {min(rows, columns)}, got {rank}")
    return rank * (rows + columns - rank)


def recovery_error(
    sizes: Sequence[int],
    rng: np.random.Generator,
    *,
    dim: int = 1,
    teacher_width: int = 1,
    width: int = 30,
    std: float = 1e-4,
    lr: float = 0.3,
    n_steps: int = 20_000,
    replicates: int = 20,
) -> np.ndarray:
    """Test error of wide tanh networks fitted to n samples of a narrow teacher, for several n.

    Random teachers, normal inputs (one set per n, shared by the replicates), gradient descent. A small `std` lets the
    student condense; from `std` = 1 it fits and does not recover.

    Parameters
    ----------
    sizes : sequence of ints
        Sample sizes n.
    rng : numpy Generator
    dim, teacher_width, width, std, lr, n_steps, replicates
        Inputs, neurons of teacher and student, initial standard deviation of the student, learning rate, steps, and
        teachers per sample size.

    Returns
    -------
    (n_sizes, replicates) array
        Mean squared error on 1000 fresh inputs relative to the teacher's variance; 0 is recovery, 1 is the mean.

    Raises
    ------
    ValueError
        If an argument is out of range.
    SimulationError
        If training diverges.

    Examples
    --------
    One tanh neuron has three parameters: what thirty neurons make of a single sample is worse than the mean, from ten
    samples they find it.

    >>> errors = recovery_error([1, 10], np.random.default_rng(0), replicates=5, n_steps=10_000)
    >>> one, ten = np.median(errors, axis=1)
    >>> bool(one > 1), bool(ten < 0.1)
    (True, True)
    """
    positive("std", std, ndim=0)
    generator("rng", rng)
    x_test = rng.standard_normal((1000, dim))
    errors = []
    for n in counts("sizes", sizes):
        teacher = TwoLayerNetwork.random(teacher_width, dim, 1.0, "tanh", rng, replicates=replicates)
        x = rng.standard_normal((n, dim))
        student = TwoLayerNetwork.random(width, dim, std, "tanh", rng, replicates=replicates)
        run = student.train(x, teacher(x), n_steps, lr, n_steps)
        wanted = teacher(x_test)
        off = TwoLayerNetwork(run["a"][-1], run["w"][-1], "tanh")(x_test) - wanted
        errors.append((off**2).mean(axis=-1) / wanted.var(axis=-1))
    return np.array(errors)


def _speaking(network: TwoLayerNetwork, x: ArrayLike | None) -> np.ndarray:
    """Neurons that contribute to the output."""
    speaks = network.w.any(axis=1) | (network.activation in ("sigmoid", "softplus"))
    kept = (network.strength > 0) & speaks
    if x is None:
        return kept
    if network.activation != "relu":
        raise ValueError(f"x must be None unless the activation is relu, got activation {network.activation}")
    return kept & ~static_neurons(network.w, finite("x", x, ndim=2))


def _merge_directions(
    a: np.ndarray, w: np.ndarray, strength: np.ndarray, threshold: float, _: int
) -> tuple[np.ndarray, np.ndarray]:
    """ReLU: weighted mean direction per cluster, with the summed outputs (m, K) on it."""
    units, norms = unit_rows(w), row_norms(w)
    labels = leaders(units @ units.T, threshold)
    mass = strength * norms
    means = _sums(labels, mass[:, None] * units)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    return _sums(labels, a * norms[:, None]), means


def _merge_vectors(
    a: np.ndarray, w: np.ndarray, strength: np.ndarray, threshold: float, parity: int
) -> tuple[np.ndarray, np.ndarray]:
    """Any activation: weighted mean weight vector per cluster, with the summed output weights (m, K)."""
    norms = np.linalg.norm(w, axis=1)
    largest = np.maximum(norms[:, None], norms)
    dot, squares = w @ w.T, norms[:, None] ** 2 + norms**2
    safe = 2 * np.where(largest > 0, largest, 1.0) ** 2
    similarity = 1 - (squares - 2 * (np.abs(dot) if parity else dot)) / safe
    labels = leaders(similarity, threshold)
    if parity:
        first = np.unique(labels, return_index=True)[1][labels]
        flip = np.where(dot[np.arange(len(a)), first] < 0, -1.0, 1.0)[:, None]
        w = flip * w
        a = np.where(flip < 0, parity * a, a)
    means = _sums(labels, strength[:, None] * w) / _sums(labels, strength)[:, None]
    return _sums(labels, a), means


def _sums(labels: np.ndarray, values: np.ndarray) -> np.ndarray:
    total = np.zeros((labels.max() + 1, *values.shape[1:]))
    np.add.at(total, labels, values)
    return total

r"""Embedding principle: the critical points of a narrow network live on in every wider one.

Two embeddings keep the output and the criticality: **split** a neuron (same input weights, output weights
:math:`\delta a_k` and :math:`(1-\delta) a_k`, any real :math:`\delta`) and **null** (a neuron with a = 0, w = 0,
which needs s(0) = 0 or an output bias, whose own criticality makes the errors sum to 0; a = 0 with w != 0 is not
critical). The numbers of positive, zero and negative Hessian
eigenvalues do not decrease. For a split the law is exact when :math:`a_k\ne0`, derived here by a change of basis:

.. math:: \mathrm{in}(H_{wide}) = \mathrm{in}(H_{narrow}) + (0,1,0) + \mathrm{in}(\delta(1-\delta)\,a_k B),\qquad
          B = \tfrac1n\sum_i e_i\, s''(w_k\cdot x_i)\, x_i x_i^T.

A minimum becomes a saddle when :math:`\delta(1-\delta) a_k B` has a negative eigenvalue.

With several outputs :math:`a_k` and :math:`e_i` are vectors, :math:`a_k B` has :math:`a_k\cdot e_i` in place of
:math:`a_k e_i`, and the two new neurons may also exchange output weights across :math:`a_k`, in K - 1 directions. These
are coupled to the exchange of input weights by :math:`C=\frac1n\sum_i e_i s'(w_k\cdot x_i) x_i^T`, of which criticality
makes only the part along :math:`a_k` vanish. With :math:`C_\perp` (K - 1, d + 1) for the rest the law becomes

.. math:: \mathrm{in}(H_{wide}) = \mathrm{in}(H_{narrow}) + (0,1,0) + \mathrm{in}
          \begin{pmatrix}0 & C_\perp\\ C_\perp^T & \delta(1-\delta)\,a_k B\end{pmatrix},

so each rank of :math:`C_\perp` gives a negative eigenvalue, for every :math:`\delta`: splits of a minimum that does not
fit are saddles.

References
----------
Zhang et al. (2021), arXiv:2105.14573; overview, section 6.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.activations import get_activation
from toymodels.condensation.network import TwoLayerNetwork, n_outputs_of, require_single
from toymodels.trajectory import SimulationError
from toymodels.validation import counts, finite, positive, positive_int, require_room

ZERO = 1e-8  # an eigenvalue counts as zero below this part of the largest one
SILENT = 1e-6  # an output weight below this is zero: its Hessian block would drown in rounding
FRACTIONS = (-0.5, 0.3, 1.7)  # of the output weight, for splits of each kind: beyond zero, between, beyond one
AT_INFINITY = 20.0  # parameters beyond this belong to critical points at infinity


def split(network: TwoLayerNetwork, k: int, fraction: float) -> TwoLayerNetwork:
    """Replace neuron k by two with the same input weights; the second one comes last.

    Parameters
    ----------
    network : TwoLayerNetwork
        Leading axes are kept.
    k : int
        Neuron, 0 <= k < width.
    fraction : float
        Share of the output weight that neuron k keeps; any real number.

    Raises
    ------
    ValueError
        If there is no neuron k, or `fraction` is not finite or beyond 1e75.

    Examples
    --------
    Two neurons share an output weight of 2, and the network says what it said:

    >>> narrow = TwoLayerNetwork([2.0], [[1.0, 0.5]])
    >>> wide = split(narrow, 0, 0.25)
    >>> wide.a.tolist(), float(narrow([[3.0]])[0]), float(wide([[3.0]])[0])
    ([0.5, 1.5], 7.0, 7.0)
    """
    k = _neuron(network, k)
    fraction = float(finite("fraction", fraction, ndim=0))
    require_room(fraction=np.array(fraction))
    share = network.columns[..., k : k + 1, :]
    a = np.concatenate([network.columns, (1 - fraction) * share], axis=-2)
    a[..., k : k + 1, :] = fraction * share
    return network.with_weights(a, np.concatenate([network.w, network.w[..., k : k + 1, :]], axis=-2))


def add_null(network: TwoLayerNetwork) -> TwoLayerNetwork:
    """Append a neuron with zero output weight, input weights and bias.

    Parameters
    ----------
    network : TwoLayerNetwork
        Its activation must vanish at 0, or it must have an output bias.

    Raises
    ------
    ValueError
        If s(0) != 0 and there is no output bias: the new point would not be critical.

    Examples
    --------
    >>> wide = add_null(TwoLayerNetwork([2.0], [[1.0, 0.5]]))
    >>> wide.a.tolist(), wide.w.tolist(), wide([[3.0]]).tolist()
    ([2.0, 0.0], [[1.0, 0.5], [0.0, 0.0]], [7.0])
    """
    value, slope = np.empty(1), np.empty(1)
    get_activation(network.activation).fill(np.zeros(1), value, slope)
    if value[0] != 0 and network.output_bias is None:
        raise ValueError(
            f"activation must vanish at 0 for a null neuron without an output bias, got {network.activation}"
        )
    a, w = (np.concatenate([part, np.zeros_like(part[..., :1, :])], axis=-2) for part in (network.columns, network.w))
    return network.with_weights(a, w)


def embeddings(
    network: TwoLayerNetwork, fractions: Sequence[float] = FRACTIONS
) -> list[tuple[TwoLayerNetwork, tuple[int, float] | None]]:
    """All networks wider by one neuron that come of adding a null neuron, or of splitting a neuron.

    Parameters
    ----------
    network : TwoLayerNetwork
        As in :func:`add_null`.
    fractions : sequence of floats
        Shares of the output weight that a split neuron keeps.

    Returns
    -------
    list of (network, option)
        The option is the neuron and the fraction of a :func:`split`, None for :func:`add_null`, which comes first.
    """
    options = [(k, fraction) for k in range(network.width) for fraction in fractions]
    return [(add_null(network), None), *((split(network, *option), option) for option in options)]


def inertia(matrix: ArrayLike, scale: float | None = None) -> tuple[int, int, int]:
    """Numbers of positive, zero and negative eigenvalues of a symmetric matrix.

    Parameters
    ----------
    matrix : (p, p) array
    scale : float, optional
        Eigenvalues below 1e-8 of it count as zero; the largest one in absolute value if None.

    Returns
    -------
    (positive, zero, negative) : ints

    Raises
    ------
    ValueError
        If the matrix is not finite and square.

    Examples
    --------
    >>> inertia([[2.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 0.0, 0.0]])
    (1, 1, 1)
    """
    matrix = finite("matrix", matrix, ndim=2)
    if matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"matrix must be square, got shape {matrix.shape}")
    values = np.linalg.eigvalsh(matrix)
    cut = ZERO * (np.abs(values).max() if scale is None else scale)
    above, below = int((values > cut).sum()), int((values < -cut).sum())
    return above, len(values) - above - below, below


def split_inertia(
    network: TwoLayerNetwork, x: ArrayLike, y: ArrayLike, k: int, fraction: float
) -> tuple[int, int, int]:
    """Inertia of the Hessian after `split(network, k, fraction)`, predicted from the narrow network alone.

    Parameters
    ----------
    network : TwoLayerNetwork
        At a critical point, without replicate axes.
    x : (n, d) array
    y : (n,) or (n, K) array
    k : int
        Neuron with a non-zero output weight.
    fraction : float
        As in :func:`split`.

    Returns
    -------
    (positive, zero, negative) : ints

    Raises
    ------
    ValueError
        If there is no neuron k, its output weights are 0 (the law fails there), or the network has replicate axes.

    Examples
    --------
    A neuron that says the mean of the targets is at a minimum; two that share its output weight still are, two of
    opposite signs are at a saddle:

    >>> x, y = np.array([[-1.0], [0.0], [1.0], [2.0]]), np.array([1.0, 0.0, 0.0, 1.0])
    >>> narrow = critical_point(TwoLayerNetwork([0.7], [[0.0, 0.9]], "tanh"), x, y)
    >>> inertia(narrow.hessian(x, y))
    (2, 1, 0)
    >>> split_inertia(narrow, x, y, 0, 0.5), split_inertia(narrow, x, y, 0, -0.5)
    ((3, 3, 0), (2, 3, 1))
    >>> inertia(split(narrow, 0, -0.5).hessian(x, y))
    (2, 3, 1)
    """
    k = _neuron(network, k)
    require_single(network)
    fraction = float(finite("fraction", fraction, ndim=0))
    require_room(fraction=np.array(fraction))
    if network.strength[k] < SILENT:
        raise ValueError(f"network must have a non-zero output weight at neuron {k}, got {network.strength[k]:g}")
    hessian = network.hessian(x, y)
    block = _split_block(network, x, y, k, fraction)
    scale = float(np.abs(np.linalg.eigvalsh(hessian)).max())
    (above, zero, below), (more_above, more_zero, more_below) = inertia(hessian, scale), inertia(block, scale)
    return above + more_above, zero + more_zero + 1, below + more_below


def _split_block(network: TwoLayerNetwork, x: ArrayLike, y: ArrayLike, k: int, fraction: float) -> np.ndarray:
    """The block (K + d, K + d) that the law of splits adds: exchange of output weights across a_k, of input weights."""
    x = np.asarray(x, dtype=float)
    x1, n = np.concatenate([x, np.ones((len(x), 1))], axis=1), len(x)
    z, weights = x1 @ network.w[k], network.columns[k]
    error = (network(x) - np.asarray(y, dtype=float)).reshape(n, -1)
    bend = error @ weights * get_activation(network.activation).curvature(z) / n
    value, slope = np.empty_like(z), np.empty_like(z)
    get_activation(network.activation).fill(z, value, slope)
    across = np.linalg.qr(weights[:, None], mode="complete")[0][:, 1:]  # (K, K - 1)
    coupling = across.T @ error.T @ (slope[:, None] * x1) / n
    own = fraction * (1 - fraction) * (x1.T * bend) @ x1
    return np.block([[np.zeros((len(coupling),) * 2), coupling], [coupling.T, own]])


def critical_point(
    network: TwoLayerNetwork, x: ArrayLike, y: ArrayLike, *, tolerance: float = 1e-11
) -> TwoLayerNetwork:
    """Nearest critical point, of any kind, by Newton's method on the gradient.

    Levenberg-Marquardt on the squared gradient (scipy), then full Newton steps.

    Parameters
    ----------
    network : TwoLayerNetwork
        Start, without replicate axes.
    x : (n, d) array
    y : (n,) or (n, K) array
    tolerance : float
        Largest norm of the gradient that is accepted, > 0.

    Raises
    ------
    ValueError
        If the network has replicate axes or the data do not fit.
    SimulationError
        If no critical point is reached or it lies at infinity (a weight above 20).

    Examples
    --------
    A single neuron cannot follow these targets; near a constant it says their mean, and the loss is (1/2) (1/2)^2:

    >>> x, y = np.array([[-1.0], [0.0], [1.0], [2.0]]), np.array([1.0, 0.0, 0.0, 1.0])
    >>> found = critical_point(TwoLayerNetwork([0.7], [[0.0, 0.9]], "tanh"), x, y)
    >>> found(x).round(9).tolist(), round(float(found.loss(x, y)), 9)
    ([0.5, 0.5, 0.5, 0.5], 0.125)
    """
    from scipy.optimize import least_squares

    require_single(network)
    positive("tolerance", tolerance)

    cuts = np.cumsum([network.a.size, network.w.size])

    def unpack(theta):
        a, w, shift = np.split(theta, cuts)
        return network.with_weights(
            a.reshape(network.columns.shape), w.reshape(network.w.shape), shift if shift.size else None
        )

    def gradient(theta):
        return np.concatenate([part.ravel() for part in unpack(theta).gradient(x, y)])

    def hessian(theta):
        return unpack(theta).hessian(x, y)

    start = np.concatenate([part.ravel() for part in network.parameters])
    options = {"jac": hessian, "method": "lm", "xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15}
    theta = least_squares(gradient, start, **options).x
    for _ in range(10):
        if np.linalg.norm(gradient(theta)) < tolerance or np.abs(theta).max() > AT_INFINITY:
            break
        theta = theta - np.linalg.lstsq(hessian(theta), gradient(theta), rcond=None)[0]
    size = float(np.linalg.norm(gradient(theta)))
    if np.abs(theta).max() > AT_INFINITY or not size < tolerance:
        raise SimulationError(f"gradient is {size:.1e} after Newton steps, largest weight {np.abs(theta).max():.3g}")
    return unpack(theta)


def critical_points(
    width: int,
    x: ArrayLike,
    y: ArrayLike,
    activation: str,
    rng: np.random.Generator,
    starts: int = 20,
    *,
    output_bias: bool = False,
) -> list[TwoLayerNetwork]:
    """Critical points found from random normal starts; starts that lead to none, or to infinity, are left out.

    Parameters
    ----------
    width : int
    x : (n, d) array
    y : (n,) or (n, K) array
        Targets of networks with one output, or with K.
    activation : str
    rng : numpy Generator
    starts : int
    output_bias : bool
        Whether the networks have one.

    Returns
    -------
    list of TwoLayerNetwork
        At most `starts`, all with a gradient below 1e-11.

    Examples
    --------
    Among the critical points is the network that says nothing, whose loss is (1^2 + 0.5^2 + 0.3^2)/6:

    >>> x, y = np.array([[-1.0], [0.5], [1.0]]), np.array([1.0, -0.5, 0.3])
    >>> points = critical_points(1, x, y, "tanh", np.random.default_rng(0), starts=10)
    >>> sorted({round(float(point.loss(x, y)), 4) for point in points})
    [0.1878, 0.2233]
    """
    dim, n_outputs = finite("x", x, ndim=2).shape[1], n_outputs_of(y)
    points = []
    for _ in range(positive_int("starts", starts)):
        start = TwoLayerNetwork.random(width, dim, 1.0, activation, rng, n_outputs=n_outputs, output_bias=output_bias)
        try:
            points.append(critical_point(start, x, y))
        except SimulationError:
            continue  # a start without a critical point nearby says nothing about those that have one
    return points


def plateau_histogram(
    x: ArrayLike,
    y: ArrayLike,
    widths: Sequence[int],
    edges: ArrayLike,
    rng: np.random.Generator,
    *,
    replicates: int = 50,
    n_steps: int = 20_000,
    lr: float = 0.05,
    std: float = 0.05,
    every: int = 20,
) -> tuple[np.ndarray, np.ndarray]:
    """Where training spends its time: histogram of the loss over all replicates, a row per width (overview, figure 7).

    Parameters
    ----------
    x : (n, d) array
    y : (n,) or (n, K) array
    widths : sequence of ints
        Widths of ReLU networks.
    edges : (n_bins + 1,) array
        Increasing bin edges of log10 of the mean squared error (without the 1/2; summed over outputs).
    rng : numpy Generator
    replicates, n_steps, lr, std, every
        Networks per width, gradient steps, learning rate, initial standard deviation, steps between two records.

    Returns
    -------
    frequency : (n_widths, n_bins) array
        Part of the time spent in each bin. Rows sum to at most 1: what lies outside the edges is not counted.
    final : (n_widths, replicates) array
        log10 of the last mean squared error, -inf where it is 0.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    One neuron cannot follow a valley and spends all time above an error of 0.01, twenty spend most of it below:

    >>> x, rng = np.linspace(-1, 1, 5)[:, None], np.random.default_rng(0)
    >>> edges = [-9.0, -2.0, 1.0]
    >>> time, last = plateau_histogram(x, x[:, 0] ** 2, [1, 20], edges, rng, replicates=5, n_steps=4000)
    >>> time[0].tolist(), bool(time[1, 0] > 0.5)
    ([0.0, 1.0], True)
    """
    edges = finite("edges", edges, ndim=1)
    if len(edges) < 2 or not (np.diff(edges) > 0).all():
        raise ValueError(f"edges must be increasing and at least two, got {edges}")
    dim, n_outputs = finite("x", x, ndim=2).shape[1], n_outputs_of(y)
    frequency, final = [], []
    for width in counts("widths", widths):
        network = TwoLayerNetwork.random(width, dim, std, "relu", rng, replicates=replicates, n_outputs=n_outputs)
        loss = network.train(x, y, n_steps, lr, every, record=("loss",))["loss"]
        with np.errstate(divide="ignore"):
            level = np.log10(2 * loss)
        frequency.append(np.histogram(level, edges)[0] / level.size)
        final.append(level[-1])
    return np.array(frequency), np.array(final)


def _neuron(network: TwoLayerNetwork, k: int) -> int:
    if positive_int("k", k, minimum=0) >= network.width:
        raise ValueError(f"k must be a neuron, 0 to {network.width - 1}, got {k}")
    return int(k)

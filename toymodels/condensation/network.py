r"""Two-layer networks, many at once, with exact gradient, Hessian and training.

:math:`f(x) = \sum_k a_k\, s(w_k\cdot(x, 1))`, loss :math:`\frac{1}{2n}\sum_i |f(x_i)-y_i|^2`. The output is a number
when `a` has one axis less than `w`, and a vector of K numbers, :math:`a_k\in R^K`, when it has as many. Leading axes of
the parameters are independent replicates: `a` of shape (T, m) with `w` of shape (T, m, d + 1) is T networks on the same
inputs, `a` (m, K) with `w` (m, d + 1) a single one with K outputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.activations import get_activation
from toymodels.condensation.training import descend, through_hidden
from toymodels.trajectory import Trajectory
from toymodels.validation import finite, generator, non_negative, positive_int, require_room


@dataclass(frozen=True, eq=False)
class TwoLayerNetwork:
    """One hidden layer, one or several outputs, no output bias.

    Parameters
    ----------
    a : (..., m) or (..., m, K) array
        Output weights; K outputs in the second case. Below, shapes with K hold there and go without it in the first.
    w : (..., m, d + 1) array
        Input weights, the bias as the last column.
    activation : str
        "relu", "tanh", "xtanh" (x tanh x), "x2tanh" (x^2 tanh x), "sigmoid" or "softplus".

    Raises
    ------
    ValueError
        If the shapes do not fit, a weight is not finite, or the activation is unknown.

    Examples
    --------
    >>> network = TwoLayerNetwork([1.0, -1.0], [[1.0, 0.0], [1.0, -1.0]])
    >>> network([[0.5], [3.0]]).tolist()
    [0.5, 1.0]
    >>> TwoLayerNetwork([[1.0, 2.0], [-1.0, 0.0]], [[1.0, 0.0], [1.0, -1.0]])([[0.5], [3.0]]).tolist()
    [[0.5, 1.0], [1.0, 6.0]]
    """

    a: np.ndarray
    w: np.ndarray
    activation: str = "relu"

    def __post_init__(self):
        a, w = finite("a", self.a), finite("w", self.w)
        neurons = a.shape[:-1] if w.ndim == a.ndim else a.shape
        if w.ndim < 2 or w.shape[:-1] != neurons:
            raise ValueError(f"w must have shape (*a.shape, d + 1), or a (..., m, K), got a {a.shape} and w {w.shape}")
        if w.shape[-1] < 2:
            raise ValueError(f"w must have at least 2 columns (an input and the bias), got {w.shape[-1]}")
        get_activation(self.activation)
        object.__setattr__(self, "a", a)
        object.__setattr__(self, "w", w)

    @classmethod
    def random(
        cls,
        width: int,
        dim: int,
        std: float | tuple[float, float],
        activation: str,
        rng: np.random.Generator,
        *,
        replicates: int | None = None,
        n_outputs: int | None = None,
    ) -> TwoLayerNetwork:
        """Independent normal weights.

        Parameters
        ----------
        width, dim : int
            Neurons and inputs.
        std : float or (float, float)
            Standard deviation of all weights, or of `a` and of `w` (bias included).
        activation : str
            As in the class.
        rng : numpy Generator
            Source of the draws.
        replicates : int, optional
            Number of networks; None gives one without a replicate axis.
        n_outputs : int, optional
            Number K of outputs; None gives a number as output.

        Raises
        ------
        ValueError
            If a size is not a positive integer, a std is negative, or `rng` is no generator.
        """
        generator("rng", rng)
        lead = () if replicates is None else (positive_int("replicates", replicates),)
        shape = (*lead, positive_int("width", width))
        std_a, std_w = np.broadcast_to(non_negative("std", std), 2)
        outputs = () if n_outputs is None else (positive_int("n_outputs", n_outputs),)
        a = std_a * rng.standard_normal((*shape, *outputs))
        return cls(a, std_w * rng.standard_normal((*shape, positive_int("dim", dim) + 1)), activation)

    @property
    def width(self) -> int:
        """Number of hidden neurons m."""
        return self.w.shape[-2]

    @property
    def n_outputs(self) -> int | None:
        """Number K of outputs, None when the output is a number."""
        return self.a.shape[-1] if self.a.ndim == self.w.ndim else None

    @property
    def columns(self) -> np.ndarray:
        """Output weights (..., m, K), with K = 1 when the output is a number."""
        return self.a[..., None] if self.n_outputs is None else self.a

    @property
    def strength(self) -> np.ndarray:
        """Size of the output weights of each neuron, (..., m): |a|, or its norm over the outputs."""
        return np.abs(self.a) if self.n_outputs is None else np.linalg.norm(self.a, axis=-1)

    def with_weights(self, columns: np.ndarray, w: np.ndarray) -> TwoLayerNetwork:
        """A network of the same kind.

        Parameters
        ----------
        columns : (..., m, K) array
            Output weights, as in `columns`.
        w : (..., m, d + 1) array
            Input weights, the bias as the last column.
        """
        return TwoLayerNetwork(columns[..., 0] if self.n_outputs is None else columns, w, self.activation)

    @property
    def dim(self) -> int:
        """Number of inputs d."""
        return self.w.shape[-1] - 1

    def hidden(self, x: ArrayLike) -> np.ndarray:
        """Outputs of the hidden neurons, (..., n, m), for inputs `x` (n, d).

        Raises
        ------
        ValueError
            If `x` is not a finite (n, d) array.
        """
        return self._layer(self._with_bias(x))[0]

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """Network outputs (..., n, K) for inputs `x` (n, d).

        Raises
        ------
        ValueError
            If `x` is not a finite (n, d) array.
        """
        return self._outputs(self.hidden(x) @ self.columns)

    def loss(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """1/(2n) sum of squared errors over samples and outputs, one per replicate.

        Parameters
        ----------
        x : (n, d) array
        y : (n, K) or (..., n, K) array

        Raises
        ------
        ValueError
            If the data have the wrong shape or are not finite.
        """
        return (self._error(self.hidden(x), x, y) ** 2).sum(axis=-1).mean(axis=-1) / 2

    def jacobian(self, x: ArrayLike) -> np.ndarray:
        """Derivative of the outputs at inputs `x` (n, d) by the p = m (K + d + 1) parameters, (..., n, K, p).

        The columns are a row by row, then w row by row.

        Raises
        ------
        ValueError
            If `x` is not a finite (n, d) array.
        """
        jacobian = self._jacobian(self._with_bias(x))
        return jacobian[..., 0, :] if self.n_outputs is None else jacobian

    def gradient(self, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Exact gradient of the loss.

        Parameters
        ----------
        x : (n, d) array
        y : (n, K) or (..., n, K) array

        Returns
        -------
        grad_a, grad_w : arrays of the shapes of `a` and `w`

        Raises
        ------
        ValueError
            If the data have the wrong shape or are not finite.
        """
        x1 = self._with_bias(x)
        value, slope, _ = self._layer(x1)
        error = self._error(value, x, y) / len(x1)
        grad_a = (error.swapaxes(-1, -2) @ value).swapaxes(-1, -2)
        return grad_a.reshape(self.a.shape), through_hidden(self.columns, error, slope, x1)

    def hessian(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Exact Hessian of the loss, (..., p, p), over a row by row, then w row by row.

        ReLU has no curvature: its Hessian is the one almost everywhere.

        Parameters
        ----------
        x : (n, d) array
        y : (n, K) or (..., n, K) array

        Raises
        ------
        ValueError
            If the data have the wrong shape or are not finite.
        """
        x1 = self._with_bias(x)
        value, slope, z = self._layer(x1)
        error = self._error(value, x, y) / len(x1)
        jacobian = self._jacobian(x1)
        jacobian = jacobian.reshape(*jacobian.shape[:-3], -1, jacobian.shape[-1])
        hessian = jacobian.swapaxes(-1, -2) @ jacobian / len(x1)
        m, k, q = self.width, error.shape[-1], self.dim + 1
        pushes = (error[..., None] * x1[:, None, :]).reshape(*error.shape[:-1], -1)
        cross = (slope.swapaxes(-1, -2) @ pushes).reshape(*slope.shape[:-2], m, k, q)  # d2 f / da_j dw_j
        curvature = get_activation(self.activation).curvature(z)
        bend = sum(error[..., c, None] * curvature * self.columns[..., None, :, c] for c in range(k))
        own = np.einsum("...nk,ni,nj->...kij", bend, x1, x1)
        for j in range(m):
            outer, inner = slice(j * k, j * k + k), slice(m * k + j * q, m * k + j * q + q)
            hessian[..., outer, inner] += cross[..., j, :, :]
            hessian[..., inner, outer] += cross[..., j, :, :].swapaxes(-1, -2)
            hessian[..., inner, inner] += own[..., j, :, :]
        return hessian

    def sharpness(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Top eigenvalue of the Hessian of the loss, one per replicate.

        Parameters
        ----------
        x : (n, d) array
        y : (n, K) or (..., n, K) array

        Raises
        ------
        ValueError
            If the data have the wrong shape or are not finite.
        """
        return np.linalg.eigvalsh(self.hessian(x, y))[..., -1]

    def train(
        self,
        x: ArrayLike,
        y: ArrayLike,
        n_steps: int,
        lr: float,
        every: int | Iterable[int] = 100,
        dropout: float = 0.0,
        rng: np.random.Generator | None = None,
        *,
        optimizer: str = "gd",
        record: tuple[str, ...] = ("a", "w", "loss"),
    ) -> Trajectory:
        """Full-batch training of all replicates at once.

        Parameters
        ----------
        x : (n, d) array
        y : (n, K) or (..., n, K) array
        n_steps : int
            Number of updates.
        lr : float
            Learning rate, > 0.
        every : int or iterable of ints
            Record every so many steps, or at these steps. The first and the last state are always recorded.
        dropout : float
            Probability in [0, 1) that a hidden neuron is silent for a sample; the others are scaled up by 1/(1 -
            dropout).
        rng : numpy Generator
            Needed when `dropout` > 0.
        optimizer : str
            "gd", or "adam" (b1 .9, b2 .999, eps 1e-8).
        record : tuple of str
            What to keep: any of "a", "w", "loss".

        Returns
        -------
        Trajectory
            On the clock "step": `a` (n_t, ..., m, K), `w` (n_t, ..., m, d + 1), `loss` (n_t, ...) without dropout.

        Raises
        ------
        ValueError
            If an argument is out of range, or dropout is asked for without `rng`.
        SimulationError
            If the weights overflow.
        """
        data = self._with_bias(x), self._targets(x, y)
        schedule = (every, dropout, rng, optimizer, record)
        return descend(self.columns, self.w, self.activation, *data, n_steps, lr, *schedule, self.a.shape)

    def _with_bias(self, x: ArrayLike) -> np.ndarray:
        x = finite("x", x, ndim=2)
        if x.shape[1] != self.dim:
            raise ValueError(f"x must have {self.dim} columns, got shape {x.shape}")
        require_room(x=x)
        return np.concatenate([x, np.ones((len(x), 1))], axis=1)

    def _targets(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Targets with an axis of outputs, (n, K) or (..., n, K)."""
        y, n = finite("y", y), len(np.asarray(x))
        shape = (n,) if self.n_outputs is None else (n, self.n_outputs)
        every = (*self.w.shape[:-2], *shape)
        if y.shape not in (shape, every):
            raise ValueError(f"y must have shape {shape} or {every}, got {y.shape}")
        require_room(y=y)
        return y[..., None] if self.n_outputs is None else y

    def _error(self, value: np.ndarray, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Outputs less targets, (..., n, K), from the hidden values."""
        return value @ self.columns - self._targets(x, y)

    def _outputs(self, columns: np.ndarray) -> np.ndarray:
        return columns[..., 0] if self.n_outputs is None else columns

    def _jacobian(self, x1: np.ndarray) -> np.ndarray:
        """(..., n, K, p), with K = 1 when the output is a number."""
        value, slope, _ = self._layer(x1)
        columns = self.columns.swapaxes(-1, -2)  # (..., K, m)
        k = columns.shape[-2]
        by_a = value[..., :, None, :, None] * np.eye(k)[:, None, :]  # (..., n, K, m, K)
        by_w = (columns[..., None, :, :] * slope[..., None, :])[..., None] * x1[:, None, None, :]
        shape = (*value.shape[:-1], k, -1)
        return np.concatenate([by_a.reshape(shape), by_w.reshape(shape)], axis=-1)

    def _layer(self, x1: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values, slopes and pre-activations of the hidden layer, each (..., n, m)."""
        z = x1 @ self.w.swapaxes(-1, -2)
        value, slope = np.empty_like(z), np.empty_like(z)
        get_activation(self.activation).fill(z, value, slope)
        return value, slope, z


def n_outputs_of(y: ArrayLike) -> int | None:
    """Number of outputs that a single network needs for targets `y`: K for (n, K), None for (n,).

    Raises
    ------
    ValueError
        If `y` has another number of axes.
    """
    y = finite("y", y)
    if y.ndim not in (1, 2):
        raise ValueError(f"y must have shape (n,) or (n, K), got {y.shape}")
    return y.shape[1] if y.ndim == 2 else None


def require_single(network: TwoLayerNetwork) -> None:
    """Refuse a network with replicate axes by a `ValueError`."""
    if network.w.ndim != 2:
        raise ValueError(f"network must be a single network, got leading axes {network.w.shape[:-2]}")

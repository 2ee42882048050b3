r"""Two-layer networks, many at once, with exact gradient, Hessian and training.

:math:`f(x) = \sum_k a_k\, s(w_k\cdot(x, 1))`, loss :math:`\frac{1}{2n}\sum_i (f(x_i)-y_i)^2`. Leading axes of the
parameters are independent replicates: a network with `a` of shape (T, m) is T networks on the same inputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.activations import get_activation
from toymodels.condensation.training import descend
from toymodels.trajectory import Trajectory
from toymodels.validation import finite, non_negative, positive_int


@dataclass(frozen=True, eq=False)
class TwoLayerNetwork:
    """One hidden layer, scalar output, no output bias.

    Parameters
    ----------
    a : (..., m) array
        Output weights.
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
    """

    a: np.ndarray
    w: np.ndarray
    activation: str = "relu"

    def __post_init__(self):
        a, w = finite("a", self.a), finite("w", self.w)
        if a.ndim < 1 or w.ndim != a.ndim + 1 or w.shape[:-1] != a.shape:
            raise ValueError(f"w must have shape (*a.shape, d + 1), got a {a.shape} and w {w.shape}")
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

        Raises
        ------
        ValueError
            If a size is not a positive integer or a std is negative.
        """
        lead = () if replicates is None else (positive_int("replicates", replicates),)
        shape = (*lead, positive_int("width", width))
        std_a, std_w = np.broadcast_to(non_negative("std", std), 2)
        a = std_a * rng.standard_normal(shape)
        return cls(a, std_w * rng.standard_normal((*shape, positive_int("dim", dim) + 1)), activation)

    @property
    def width(self) -> int:
        """Number of hidden neurons m."""
        return self.a.shape[-1]

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
        """Network outputs (..., n) for inputs `x` (n, d).

        Raises
        ------
        ValueError
            If `x` is not a finite (n, d) array.
        """
        return (self.hidden(x) @ self.a[..., None])[..., 0]

    def loss(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """1/(2n) sum of squared errors, one per replicate.

        Parameters
        ----------
        x : (n, d) array
        y : (n,) or (..., n) array

        Raises
        ------
        ValueError
            If the data have the wrong shape or are not finite.
        """
        return ((self(x) - self._targets(x, y)) ** 2).mean(axis=-1) / 2

    def jacobian(self, x: ArrayLike) -> np.ndarray:
        """Derivative of the outputs at inputs `x` (n, d) by the p = m (d + 2) parameters, (..., n, p).

        The columns are a first, then w row by row.

        Raises
        ------
        ValueError
            If `x` is not a finite (n, d) array.
        """
        x1 = self._with_bias(x)
        value, slope, _ = self._layer(x1)
        by_w = (self.a[..., None, :] * slope)[..., None] * x1[:, None, :]
        return np.concatenate([value, by_w.reshape(*value.shape[:-1], -1)], axis=-1)

    def gradient(self, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Exact gradient of the loss.

        Parameters
        ----------
        x : (n, d) array
        y : (n,) or (..., n) array

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
        error = ((value @ self.a[..., None])[..., 0] - self._targets(x, y)) / len(x1)
        grad_a = (error[..., None, :] @ value)[..., 0, :]
        by_input = slope.swapaxes(-1, -2) @ (error[..., None] * x1)
        return grad_a, self.a[..., None] * by_input

    def hessian(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Exact Hessian of the loss, (..., p, p), over a, then w row by row.

        ReLU has no curvature: its Hessian is the one almost everywhere.

        Parameters
        ----------
        x : (n, d) array
        y : (n,) or (..., n) array

        Raises
        ------
        ValueError
            If the data have the wrong shape or are not finite.
        """
        x1 = self._with_bias(x)
        _, slope, z = self._layer(x1)
        error = (self(x) - self._targets(x, y)) / len(x1)
        jacobian = self.jacobian(x)
        hessian = jacobian.swapaxes(-1, -2) @ jacobian / len(x1)
        cross = slope.swapaxes(-1, -2) @ (error[..., None] * x1)  # (..., m, d + 1): d2 f / da_k dw_k
        bend = error[..., None] * get_activation(self.activation).curvature(z) * self.a[..., None, :]
        own = np.einsum("...nk,ni,nj->...kij", bend, x1, x1)
        m, q = self.width, self.dim + 1
        for k in range(m):
            block = slice(m + k * q, m + (k + 1) * q)
            hessian[..., k, block] += cross[..., k, :]
            hessian[..., block, k] += cross[..., k, :]
            hessian[..., block, block] += own[..., k, :, :]
        return hessian

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
        y : (n,) or (..., n) array
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
            On the clock "step": `a` (n_t, ..., m), `w` (n_t, ..., m, d + 1), `loss` (n_t, ...) without dropout.

        Raises
        ------
        ValueError
            If an argument is out of range, or dropout is asked for without `rng`.
        SimulationError
            If the weights overflow.
        """
        data = self._with_bias(x), self._targets(x, y)
        schedule = (every, dropout, rng, optimizer, record)
        return descend(self.a, self.w, self.activation, *data, n_steps, lr, *schedule)

    def _with_bias(self, x: ArrayLike) -> np.ndarray:
        x = finite("x", x, ndim=2)
        if x.shape[1] != self.dim:
            raise ValueError(f"x must have {self.dim} columns, got shape {x.shape}")
        return np.concatenate([x, np.ones((len(x), 1))], axis=1)

    def _targets(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        y, n = finite("y", y), len(np.asarray(x))
        if y.shape not in ((n,), (*self.a.shape[:-1], n)):
            raise ValueError(f"y must have shape ({n},) or {(*self.a.shape[:-1], n)}, got {y.shape}")
        return y

    def _layer(self, x1: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Values, slopes and pre-activations of the hidden layer, each (..., n, m)."""
        z = x1 @ self.w.swapaxes(-1, -2)
        value, slope = np.empty_like(z), np.empty_like(z)
        get_activation(self.activation).fill(z, value, slope)
        return value, slope, z


def require_single(network: TwoLayerNetwork) -> None:
    """Refuse a network with replicate axes by a `ValueError`."""
    if network.a.ndim != 1:
        raise ValueError(f"network must be a single network, got leading axes {network.a.shape[:-1]}")

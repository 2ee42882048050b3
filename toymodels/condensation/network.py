r"""Two-layer networks, many at once, with exact gradient, Hessian and training.

:math:`f(x) = c + \sum_k a_k\, s(w_k\cdot(x, 1))`, loss :math:`\frac{1}{2n}\sum_i |f(x_i)-y_i|^2`. The output is a
number when `a` has one axis less than `w`, and a vector of K numbers, :math:`a_k\in R^K`, when it has as many. Leading
axes of the parameters are independent replicates: `a` of shape (T, m) with `w` of shape (T, m, d + 1) is T networks on
the same inputs, `a` (m, K) with `w` (m, d + 1) a single one with K outputs. The output bias c is a parameter where it
is given, and absent where it is None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from math import prod
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike

from toymodels.condensation.activations import get_activation
from toymodels.condensation.derivatives import Layer, hidden_layer, loss_hessian, output_jacobian
from toymodels.condensation.training import descend, through_hidden
from toymodels.trajectory import Trajectory
from toymodels.validation import finite, generator, non_negative, positive_int, require_room

Method = TypeVar("Method", bound=Callable[..., Any])
MOST_WEIGHTS = 10**9  # drawn at once


def _in_floats(method: Method) -> Method:
    """A method of a network that refuses what overflows on the way."""

    @wraps(method)
    def checked(self, *args, **kwargs):
        with np.errstate(over="ignore", invalid="ignore"):
            result = method(self, *args, **kwargs)
        if not all(np.isfinite(part).all() for part in (result if isinstance(result, tuple) else (result,))):
            largest = max(float(np.abs(part).max()) for part in (self.a, self.w))
            name = "output" if method.__name__ == "__call__" else method.__name__
            raise ValueError(f"a and w must not be so large that the {name} overflows, got up to {largest:g}")
        return result

    return cast(Method, checked)


@dataclass(frozen=True, eq=False)
class TwoLayerNetwork:
    """One hidden layer, one or several outputs, with an output bias or without.

    Parameters
    ----------
    a : (..., m) or (..., m, K) array
        Output weights; K outputs in the second case. Below, shapes with K hold there and go without it in the first.
    w : (..., m, d + 1) array
        Input weights, the bias as the last column.
    activation : str
        "relu", "tanh", "xtanh" (x tanh x), "x2tanh" (x^2 tanh x), "sigmoid" or "softplus".
    output_bias : (...) or (..., K) array, optional
        Added to the outputs, and trained.

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
    >>> TwoLayerNetwork([1.0], [[1.0, 0.0]], output_bias=-2.0)([[0.5], [3.0]]).tolist()
    [-1.5, 1.0]
    """

    a: np.ndarray
    w: np.ndarray
    activation: str = "relu"
    output_bias: np.ndarray | None = None

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
        if self.output_bias is not None:
            bias = finite("output_bias", self.output_bias)
            if bias.shape != (wanted := self.columns.shape[:-2] + (() if self.n_outputs is None else a.shape[-1:])):
                raise ValueError(f"output_bias must have shape {wanted}, one entry per output, got {bias.shape}")
            object.__setattr__(self, "output_bias", bias)

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
        output_bias: bool = False,
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
        output_bias : bool
            Whether there is one; it starts at 0.

        Raises
        ------
        ValueError
            If a size is not a positive integer, the weights are more than 10^9, a std is negative, or `rng` is no
            generator.
        """
        generator("rng", rng)
        lead = () if replicates is None else (positive_int("replicates", replicates),)
        width, dim = positive_int("width", width), positive_int("dim", dim)
        outputs = () if n_outputs is None else (positive_int("n_outputs", n_outputs),)
        weights = prod(lead) * width * (dim + 1 + prod(outputs))
        if weights > MOST_WEIGHTS:
            raise ValueError(f"width must leave at most {MOST_WEIGHTS} weights, got {weights} of {width} neurons")
        shape = (*lead, width)
        std_a, std_w = np.broadcast_to(non_negative("std", std), 2)
        a = std_a * rng.standard_normal((*shape, *outputs))
        w = std_w * rng.standard_normal((*shape, dim + 1))
        return cls(a, w, activation, np.zeros((*lead, *outputs)) if output_bias else None)

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

    @property
    def shift(self) -> np.ndarray:
        """What is added to the outputs of every sample, (..., 1, K): the output bias, or 0."""
        bias = np.zeros(self.columns.shape[:-2]) if self.output_bias is None else self.output_bias
        return bias.reshape(*self.columns.shape[:-2], 1, -1)

    @property
    def parameters(self) -> tuple[np.ndarray, ...]:
        """`a`, `w` and, where there is one, the output bias."""
        return (self.a, self.w) if self.output_bias is None else (self.a, self.w, self.output_bias)

    def with_weights(self, columns: np.ndarray, w: np.ndarray, shift: np.ndarray | None = None) -> TwoLayerNetwork:
        """A network of the same kind.

        Parameters
        ----------
        columns : (..., m, K) array
            Output weights, as in `columns`.
        w : (..., m, d + 1) array
            Input weights, the bias as the last column.
        shift : (..., 1, K) array, optional
            As in `shift`, where there is an output bias; that of this network if None.
        """
        bias = self.output_bias
        if bias is not None and shift is not None:
            bias = shift.reshape(bias.shape)
        return TwoLayerNetwork(columns[..., 0] if self.n_outputs is None else columns, w, self.activation, bias)

    @property
    def dim(self) -> int:
        """Number of inputs d."""
        return self.w.shape[-1] - 1

    @_in_floats
    def hidden(self, x: ArrayLike) -> np.ndarray:
        """Outputs of the hidden neurons, (..., n, m), for inputs `x` (n, d).

        Raises
        ------
        ValueError
            If `x` is not a finite (n, d) array.
        """
        return self._layer(self._with_bias(x))[0]

    @_in_floats
    def __call__(self, x: ArrayLike) -> np.ndarray:
        """Network outputs (..., n, K) for inputs `x` (n, d).

        Raises
        ------
        ValueError
            If `x` is not a finite (n, d) array.
        """
        return self._outputs(self._output(self.hidden(x)))

    @_in_floats
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

    @_in_floats
    def jacobian(self, x: ArrayLike) -> np.ndarray:
        """Derivative of the outputs at inputs `x` (n, d) by the p = m (K + d + 1) parameters, (..., n, K, p).

        The columns are a row by row, then w row by row, then the K output biases if there are any.

        Raises
        ------
        ValueError
            If `x` is not a finite (n, d) array.
        """
        x1 = self._with_bias(x)
        jacobian = output_jacobian(self._layer(x1), self.columns, x1, self.output_bias is not None)
        return jacobian[..., 0, :] if self.n_outputs is None else jacobian

    @_in_floats
    def gradient(self, x: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, ...]:
        """Exact gradient of the loss.

        Parameters
        ----------
        x : (n, d) array
        y : (n, K) or (..., n, K) array

        Returns
        -------
        grad_a, grad_w : arrays of the shapes of `a` and `w`
        grad_bias : array of the shape of `output_bias`
            Only if there is one.

        Raises
        ------
        ValueError
            If the data have the wrong shape or are not finite.
        """
        x1 = self._with_bias(x)
        value, slope, _ = self._layer(x1)
        error = self._error(value, x, y) / len(x1)
        grad_a = (error.swapaxes(-1, -2) @ value).swapaxes(-1, -2).reshape(self.a.shape)
        grad_w = through_hidden(self.columns, error, slope, x1)
        if self.output_bias is None:
            return grad_a, grad_w
        return grad_a, grad_w, error.sum(axis=-2).reshape(self.output_bias.shape)

    @_in_floats
    def hessian(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Exact Hessian of the loss, (..., p, p), over a row by row, then w row by row, then any output biases.

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
        layer = self._layer(x1)
        error = self._error(layer.value, x, y) / len(x1)
        return loss_hessian(layer, self.columns, error, x1, self.activation, self.output_bias is not None)

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
        record: tuple[str, ...] | None = None,
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
            What to keep: any of "a", "w", "loss", and "output_bias", which is kept by default where there is one.

        Returns
        -------
        Trajectory
            On the clock "step": `a` (n_t, ..., m, K), `w` (n_t, ..., m, d + 1), `loss` (n_t, ...) without dropout,
            and `output_bias` (n_t, ..., K).

        Raises
        ------
        ValueError
            If an argument is out of range, or dropout is asked for without `rng`.
        SimulationError
            If the weights overflow.
        """
        data = self._with_bias(x), self._targets(x, y)
        bias = None if self.output_bias is None else self.shift
        kept = ("a", "w", "loss") + (() if bias is None else ("output_bias",)) if record is None else record
        schedule = (every, dropout, rng, optimizer, kept)
        shapes = tuple(part.shape for part in self.parameters)
        return descend(self.columns, self.w, bias, self.activation, *data, n_steps, lr, *schedule, shapes)

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

    def _output(self, value: np.ndarray) -> np.ndarray:
        output = value @ self.columns
        return output if self.output_bias is None else output + self.shift

    def _error(self, value: np.ndarray, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Outputs less targets, (..., n, K), from the hidden values."""
        return self._output(value) - self._targets(x, y)

    def _outputs(self, columns: np.ndarray) -> np.ndarray:
        return columns[..., 0] if self.n_outputs is None else columns

    def _layer(self, x1: np.ndarray) -> Layer:
        return hidden_layer(self.w, self.activation, x1)


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

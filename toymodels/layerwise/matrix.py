r"""The two-layer linear network with white inputs and lambda-balanced weights, at any alignment and shape.

For :math:`f(x) = W_2 W_1 x`, :math:`E\,x x^\top = I`, correlation :math:`\Sigma_{yx}` and loss :math:`\tfrac12 E |y -
f|^2` the flow

.. math:: \dot W_1 = W_2^\top (\Sigma_{yx} - W_2 W_1), \qquad \dot W_2 = (\Sigma_{yx} - W_2 W_1) W_1^\top

conserves :math:`W_2^\top W_2 - W_1 W_1^\top` (Eq. 40-48 of Nam et al. (2025), arXiv:2502.21009; Eq. 14 for its value
:math:`\lambda I`, with their row convention transposed). Positive lambda means a heavy later layer. The weights have
no closed form beyond one hidden unit, but everything that does not depend on the basis of the hidden layer has: the
map :math:`W_2 W_1`, :math:`W_1^\top W_1` and :math:`W_2 W_2^\top` (:mod:`toymodels.layerwise.gram_flow`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.gram_flow import GramFlow
from toymodels.layerwise.gram_spectrum import Spectrum
from toymodels.trajectory import Trajectory
from toymodels.validation import finite, non_negative, positive_int, times

_BALANCE = 1e-8  # largest deviation from lambda I, relative to the squared weights


@dataclass(frozen=True, eq=False)
class LinearNetwork(GradientDescent):
    r"""Two-layer linear network under gradient flow.

    Parameters
    ----------
    w1 : (h, d) array
        First layer.
    w2 : (c, h) array
        Second layer, with :math:`W_2^\top W_2 - W_1 W_1^\top = \lambda I`.
    correlation : (c, d) array
        :math:`\Sigma_{yx}`; inputs are white.
    weight_decay : float
        :math:`\mu \ge 0`, added to the flow as :math:`-\mu W`; only with lambda = 0.

    Raises
    ------
    ValueError
        If shapes do not match, the weights are not lambda-balanced, or there is weight decay with lambda not 0.

    Notes
    -----
    A start whose limit is a saddle (for instance a square balanced one whose determinant has not the sign of the
    target's) goes there and stays: what only rounding would make grow does not.

    Examples
    --------
    >>> network = LinearNetwork.aligned(np.diag([3.0, 1.0]), initial=[0.01, 0.01], hidden=2)
    >>> run = network.solve([0, 1, np.inf])
    >>> np.diagonal(run["map"], axis1=1, axis2=2).round(3).tolist()
    [[0.01, 0.01], [1.723, 0.069], [3.0, 1.0]]
    """

    w1: np.ndarray
    w2: np.ndarray
    correlation: np.ndarray
    weight_decay: float = 0.0

    def __post_init__(self):
        for name in ("w1", "w2", "correlation"):
            object.__setattr__(self, name, finite(name, getattr(self, name), ndim=2))
        (h, d), c = self.w1.shape, len(self.w2)
        if self.w2.shape[1] != h:
            raise ValueError(f"w2 must have {h} columns, one per row of w1, got shape {self.w2.shape}")
        if self.correlation.shape != (c, d):
            raise ValueError(f"correlation must have shape ({c}, {d}), got {self.correlation.shape}")
        decay = float(non_negative("weight_decay", finite("weight_decay", self.weight_decay, ndim=0)))
        scale = np.sum(self.w1**2) + np.sum(self.w2**2)
        deviation = np.linalg.norm(self._conserved() - self.imbalance * np.eye(h))
        if deviation > _BALANCE * scale:
            raise ValueError(
                f"w1 and w2 must be balanced, w2'w2 - w1w1' = lambda I, got a deviation of {deviation:g} "
                f"from lambda = {self.imbalance:g}"
            )
        if decay > 0 and abs(self.imbalance) > _BALANCE * scale:
            raise ValueError(
                f"weight_decay must be 0 unless lambda = 0, got {decay:g} with lambda = {self.imbalance:g}"
            )

    def _conserved(self) -> np.ndarray:
        return self.w2.T @ self.w2 - self.w1 @ self.w1.T

    @property
    def imbalance(self) -> float:
        r""":math:`\lambda`, the mean of the diagonal of :math:`W_2^\top W_2 - W_1 W_1^\top`; 0 up to rounding is 0."""
        first, second = np.sum(self.w1**2), np.sum(self.w2**2)
        # at long times a spurious lambda of 1e-17 would act
        rounding = 4 * self.w1.size * np.finfo(float).eps * (first + second)
        return 0.0 if abs(second - first) <= rounding else float(second - first) / len(self.w1)

    def solve(self, t: ArrayLike) -> Trajectory:
        r"""Exact flow at the times `t`.

        Returns
        -------
        Trajectory
            `map` :math:`W_2 W_1` (n_t, c, d), `gram_in` :math:`W_1^\top W_1` (n_t, d, d), `gram_out`
            :math:`W_2 W_2^\top` (n_t, c, c), and `loss` :math:`\tfrac12 |\Sigma_{yx} - W_2 W_1|^2` (n_t,), the part
            above the best linear map.
        """
        t = times(t)
        lam = 0.0 if self.weight_decay > 0 else self.imbalance
        flow = GramFlow(Spectrum.of(self.correlation, lam, self.weight_decay), self.w1, self.w2)
        (c, d), n = self.correlation.shape, t.size
        product, gram_in, gram_out, loss = np.empty((n, c, d)), np.empty((n, d, d)), np.empty((n, c, c)), np.empty(n)
        for k, now in enumerate(t):  # one time at once stays in the processor's cache
            inputs, outputs = flow.at(now)
            np.matmul(outputs, inputs.T, out=product[k])
            np.matmul(inputs, inputs.T, out=gram_in[k])
            np.matmul(outputs, outputs.T, out=gram_out[k])
            loss[k] = 0.5 * np.sum((self.correlation - product[k]) ** 2)
        data = {"map": product, "gram_in": gram_in, "gram_out": gram_out, "loss": loss}
        return Trajectory(t, data, clock="flow time")

    def _descend(self, n_steps: int, lr: float) -> dict[str, np.ndarray]:
        w1, w2 = np.empty((n_steps + 1, *self.w1.shape)), np.empty((n_steps + 1, *self.w2.shape))
        w1[0], w2[0] = self.w1, self.w2
        kept = 1 - lr * self.weight_decay
        for k in range(n_steps):
            error = lr * (self.correlation - w2[k] @ w1[k])
            w1[k + 1], w2[k + 1] = kept * w1[k] + w2[k].T @ error, kept * w2[k] + error @ w1[k].T
        return {"w1": w1, "w2": w2, **self._data(w1, w2)}

    def _data(self, w1: np.ndarray, w2: np.ndarray) -> dict[str, np.ndarray]:
        product = w2 @ w1
        return {
            "map": product,
            "gram_in": w1.swapaxes(1, 2) @ w1,
            "gram_out": w2 @ w2.swapaxes(1, 2),
            "loss": 0.5 * np.sum((self.correlation - product) ** 2, axis=(1, 2)),
        }

    @staticmethod
    def from_data(w1: ArrayLike, w2: ArrayLike, x: ArrayLike, y: ArrayLike, weight_decay: float = 0.0) -> LinearNetwork:
        """The network on a batch of data, whose correlation is y'x/n.

        Parameters
        ----------
        w1, w2, weight_decay
            As for the class.
        x : (n, d) array
            White inputs, x'x/n = I.
        y : (n, c) array
            Labels.

        Raises
        ------
        ValueError
            If the inputs are not white, since only then is there a closed form, `y` does not have a row for each of
            `x`, and as for the class.
        """
        x, y = finite("x", x, ndim=2), finite("y", y, ndim=2)
        if len(y) != len(x):
            raise ValueError(f"y must have {len(x)} rows, one per row of x, got {len(y)}")
        deviation = np.abs(x.T @ x / len(x) - np.eye(x.shape[1])).max()
        if deviation > 1e-8:
            raise ValueError(f"x must be white, x'x/n = I, got a deviation of {deviation:g}")
        return LinearNetwork(np.asarray(w1), np.asarray(w2), y.T @ x / len(x), weight_decay)

    @staticmethod
    def balanced(
        correlation: ArrayLike, hidden: int, imbalance: float, scale: float, rng: np.random.Generator
    ) -> LinearNetwork:
        """A lambda-balanced network with random singular vectors.

        Parameters
        ----------
        correlation : (c, d) array
        hidden : int
            h; at most c if `imbalance` > 0 and at most d if it is < 0, else no such weights exist.
        imbalance : float
            lambda.
        scale : float
            Every one of the min(h, c, d) singular values of the initial map, >= 0.
        rng : numpy.random.Generator
            Draws the singular vectors and the basis of the hidden layer, all uniformly.

        Raises
        ------
        ValueError
            If the shape does not allow the imbalance.
        """
        correlation = finite("correlation", correlation, ndim=2)
        c, d = correlation.shape
        hidden = positive_int("hidden", hidden)
        scale = float(non_negative("scale", finite("scale", scale, ndim=0)))
        values = np.full(min(hidden, c, d), scale)
        left, middle, right = (_random_orthogonal(size, rng) for size in (c, hidden, d))
        return _from_modes(correlation, left, middle, right, values, imbalance)

    @staticmethod
    def aligned(
        correlation: ArrayLike,
        initial: ArrayLike,
        hidden: int,
        imbalance: float = 0.0,
        rotation: ArrayLike | None = None,
    ) -> LinearNetwork:
        """A lambda-balanced network whose singular vectors are those of the correlation (Eq. 12, Theorem G.2).

        Its modes are independent, each following :func:`toymodels.layerwise.transition`.

        Parameters
        ----------
        correlation : (c, d) array
        initial : (k,) array
            Initial product of each mode, largest singular value of the correlation first; any sign; the others are 0.
        hidden : int
            h >= k, bounded as in :meth:`balanced`.
        imbalance : float
            lambda.
        rotation : (h, h) array, optional
            Orthogonal basis of the hidden layer; the identity if left out.

        Raises
        ------
        ValueError
            If there are too many modes, the shape does not allow the imbalance, or `rotation` is not orthogonal.
        """
        correlation = finite("correlation", correlation, ndim=2)
        hidden, initial = positive_int("hidden", hidden), finite("initial", np.atleast_1d(initial), ndim=1)
        most = min(hidden, *correlation.shape)
        if initial.size > most:
            raise ValueError(f"initial must have at most {most} entries, got {initial.size}")
        rotation = np.eye(hidden) if rotation is None else _orthogonal("rotation", rotation, hidden)
        left, _, right = np.linalg.svd(correlation)
        values = np.append(initial, np.zeros(most - initial.size))
        return _from_modes(correlation, left, rotation, right.T, values, imbalance)


def _from_modes(correlation, left, middle, right, values, imbalance) -> LinearNetwork:
    """Weights with the given singular vectors and products, every hidden direction carrying the imbalance."""
    lam = float(finite("imbalance", imbalance, ndim=0))
    (c, d), h = correlation.shape, len(middle)
    if (lam > 0 and c < h) or (lam < 0 and d < h):
        side, size = ("outputs", c) if lam > 0 else ("inputs", d)
        raise ValueError(
            f"imbalance must be {'<=' if lam > 0 else '>='} 0 with {h} hidden units and {size} {side}, got {lam:g}"
        )
    product = np.append(values, np.zeros(h - values.size))
    large = np.sqrt((np.hypot(lam, 2 * product) + abs(lam)) / 2)
    small = np.divide(product, large, out=np.zeros(h), where=large > 0)
    first, second = (small, large) if lam >= 0 else (large, small)
    n1, n2 = min(h, d), min(h, c)
    w1 = (middle[:, :n1] * first[:n1]) @ right[:, :n1].T
    w2 = (left[:, :n2] * second[:n2]) @ middle[:, :n2].T
    return LinearNetwork(w1, w2, correlation)


def _random_orthogonal(size: int, rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return q * np.sign(np.diag(r))  # without the signs it would not be uniform


def _orthogonal(name: str, value: ArrayLike, size: int) -> np.ndarray:
    matrix = finite(name, value, ndim=2)
    if matrix.shape != (size, size):
        raise ValueError(f"{name} must have shape ({size}, {size}), got {matrix.shape}")
    deviation = np.abs(matrix @ matrix.T - np.eye(size)).max()
    if deviation > 1e-10:
        raise ValueError(f"{name} must be orthogonal, got a deviation of {deviation:g} from the identity")
    return matrix

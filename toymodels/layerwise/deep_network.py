r"""The deep linear network whose layers share their singular vectors: one balanced mode per singular value.

For :math:`f(x) = W_L \cdots W_1 x`, white inputs and :math:`\Sigma_{yx} = U \rho V^\top`, layers that start as
:math:`W_1 = a V^\top`, :math:`W_l = a` and :math:`W_L = U a` stay so, and each product :math:`u = a^L` obeys
:math:`\dot u = L u^{2-2/L} (\rho - u)` (:class:`toymodels.layerwise.DeepMode`; Saxe et al. (2014), arXiv:1312.6120).
The tangent kernel :math:`\sum_l (W_L \cdots W_{l+1}) (\cdot)^\top \otimes X (W_{l-1} \cdots W_1)^\top (\cdot) X^\top`
has on white inputs the eigenvectors :math:`u_i \otimes v_j` at all times, and the eigenvalues
:math:`\sum_l a_i^{2(L-l)} a_j^{2(l-1)}`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.checks import covariance as checked_covariance
from toymodels.layerwise.deep import DeepMode
from toymodels.layerwise.descent import GradientDescent
from toymodels.layerwise.held import held
from toymodels.trajectory import Trajectory
from toymodels.validation import finite, non_negative, plain_fields, positive_int, times


@dataclass(frozen=True, eq=False)
class DeepLinearNetwork(GradientDescent):
    r"""Linear network of any depth with aligned and balanced layers, on white inputs, under gradient flow.

    Parameters
    ----------
    correlation : (c, d) array
        :math:`\Sigma_{yx}`.
    initial : (k,) array
        Initial product >= 0 of each mode, largest singular value of the correlation first; the others are 0 and, from
        depth 2 on, stay so.
    depth : int
        Number of layers L >= 1.
    hidden : int
        Width >= k of every hidden layer.

    Raises
    ------
    ValueError
        If a shape or sign is wrong, or there are more modes than the widths allow.

    Examples
    --------
    >>> network = DeepLinearNetwork.aligned(np.diag([2.0, 1.0]), initial=[0.01, 0.01], depth=3, hidden=2)
    >>> t = [0, 3, np.inf]
    >>> np.diagonal(network.solve(t)["map"], axis1=1, axis2=2).round(3).tolist()
    [[0.01, 0.01], [1.999, 0.175], [2.0, 1.0]]
    >>> network.kernel_alignment(t).round(3).tolist()
    [0.5, 0.698, 0.611]
    """

    correlation: np.ndarray
    initial: np.ndarray
    depth: int
    hidden: int

    def __post_init__(self):
        plain_fields(self)
        object.__setattr__(self, "correlation", held("correlation", self.correlation, ndim=2))
        initial = held("initial", np.atleast_1d(self.initial), ndim=1)
        object.__setattr__(self, "initial", initial)
        non_negative("initial", initial)
        depth, hidden = positive_int("depth", self.depth), positive_int("hidden", self.hidden)
        most = min(*self.correlation.shape, *([hidden] if depth > 1 else []))
        if initial.size > most:
            raise ValueError(f"initial must have at most {most} entries, got {initial.size}")

    @staticmethod
    def aligned(correlation: ArrayLike, initial: ArrayLike, depth: int, hidden: int) -> DeepLinearNetwork:
        """The network.

        Parameters
        ----------
        correlation, initial, depth, hidden
            As for the class.
        """
        return DeepLinearNetwork(
            held("correlation", correlation), np.atleast_1d(held("initial", initial)), depth, hidden
        )

    @cached_property
    def _vectors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        left, singular, right = np.linalg.svd(self.correlation)
        return left, np.where(singular > 1e-14 * singular.max(initial=0), singular, 0.0), right.T

    @property
    def layers(self) -> list[np.ndarray]:
        """The initial weights, first layer (hidden, d), last (c, hidden)."""
        left, _, right = self._vectors
        k = self.initial.size
        if self.depth == 1:
            return [(left[:, :k] * self.initial) @ right[:, :k].T]
        factor = self.initial ** (1 / self.depth)
        first, last = np.zeros((self.hidden, len(right))), np.zeros((len(left), self.hidden))
        first[:k], last[:, :k] = factor[:, None] * right[:, :k].T, left[:, :k] * factor
        middle = np.diag(np.append(factor, np.zeros(self.hidden - k)))
        return [first, *[middle] * (self.depth - 2), last]

    def products(self, t: ArrayLike) -> np.ndarray:
        """The product u of each mode of `initial` at the times `t`, (n_t, k); with one layer, of every mode."""
        t, singular = times(t), self._vectors[1]
        start = self.initial
        if self.depth == 1:  # a mode needs no start to move
            start = np.append(start, np.zeros(singular.size - start.size))
            return start * np.exp(-t)[:, None] - np.multiply.outer(np.expm1(-t), singular)
        return np.stack([self._mode(t, u0, rho) for u0, rho in zip(start, singular, strict=False)], axis=1)

    def _mode(self, t: np.ndarray, u0: float, rho: float) -> np.ndarray:
        if u0 == 0:
            return np.zeros(t.size)
        if rho > 0:
            return DeepMode(self.depth, float(rho), float(u0)).solve(t)["product"]
        power = 2 - 2 / self.depth
        with np.errstate(over="ignore"):  # t = inf: the mode has died out
            return u0 * (1 + self.depth * power * np.minimum(t, 1e280) * u0**power) ** (-1 / power)

    def solve(self, t: ArrayLike) -> Trajectory:
        """Exact flow at the times `t`.

        Returns
        -------
        Trajectory
            `map` (n_t, c, d), `product` u of each mode (n_t, k) and `loss` (n_t,), half the squared distance of the
            map from the correlation.
        """
        t, (left, singular, right) = times(t), self._vectors
        products = self.products(t)
        k = products.shape[1]
        rest = 0.5 * np.sum(singular[k:] ** 2)
        data = {
            "map": (left[:, :k] * products[:, None]) @ right[:, :k].T,
            "product": products,
            "loss": 0.5 * np.sum((singular[:k] - products) ** 2, axis=1) + rest,
        }
        return Trajectory(t, data, clock="flow time", meta={"method": "closed form"})

    def _eigenvalues(self, products: np.ndarray) -> np.ndarray:
        """Of the tangent kernel over the number of samples, (n_t, c, d) by left and right singular vectors."""
        (c, d), n, k = self.correlation.shape, *products.shape
        if self.depth == 1:
            return np.ones((n, c, d))
        squares = np.zeros((n, max(c, d)))
        squares[:, :k] = products ** (2 / self.depth)
        powers = squares[..., None] ** np.arange(self.depth)  # 0^0 = 1: the layer itself
        return np.einsum("til,tjl->tij", powers[:, :c, ::-1], powers[:, :d])

    def kernel_alignment(self, t: ArrayLike) -> np.ndarray:
        """Alignment of the tangent kernel on white inputs with the target at the times `t`, (n_t,).

        As :func:`toymodels.layerwise.kernel_alignment`. From a small start it rises before the loss falls.

        Raises
        ------
        ValueError
            If the correlation is 0, to which nothing is aligned, or the kernel vanishes.
        """
        power, eigenvalues = self._vectors[1] ** 2, self._eigenvalues(self.products(t))
        norms = np.linalg.norm(eigenvalues, axis=(1, 2))
        for name, size in (("correlation", power.sum()), ("initial", norms.min())):
            if size == 0:
                raise ValueError(f"{name} must not be 0 for the kernel to be aligned, got norm 0")
        along = np.diagonal(eigenvalues, axis1=1, axis2=2) @ power
        return np.clip(along / (norms * power.sum()), 0.0, 1.0)

    def kernel_distance(self, t: ArrayLike, covariance: ArrayLike | None = None) -> np.ndarray:
        """Distance of the tangent kernel at the times `t` from that at the start, (n_t,).

        Parameters
        ----------
        t : (n_t,) array
            Flow times.
        covariance : float, (d,) or (d, d) array, optional
            Of the inputs on which the kernels are compared; white, as those of the training, if None.

        Returns
        -------
        (n_t,) array
            As :func:`toymodels.layerwise.kernel_distance`.

        Raises
        ------
        ValueError
            If the kernel vanishes on these inputs.
        """
        t, right = times(t), self._vectors[2]
        moments = np.eye(len(right)) if covariance is None else checked_covariance("covariance", covariance, len(right))
        weights = (right.T @ moments @ right) ** 2
        start = self.products([0.0])
        eigenvalues = self._eigenvalues(np.concatenate([start, self.products(t)]))
        norms = np.sqrt(np.einsum("tij,jk,tik->t", eigenvalues, weights, eigenvalues))
        if not (norms > 0).all():
            raise ValueError("covariance must not make the kernel vanish, got a kernel of norm 0")
        unit = eigenvalues / norms[:, None, None]
        change = unit[1:] - unit[0]
        # at most 1 for kernels, but for rounding
        return np.clip(0.5 * np.einsum("tij,jk,tik->t", change, weights, change), 0.0, 1.0)

    def kernel(self, t: ArrayLike, x: ArrayLike) -> np.ndarray:
        """Tangent kernel on inputs `x` (n, d) at the times `t`, (n_t, c n, c n) with the output index slow.

        Nothing is divided by n.
        """
        x, (left, _, right) = finite("x", x, ndim=2), self._vectors
        if x.shape[1] != len(right):
            raise ValueError(f"x must have {len(right)} columns, one per input, got shape {x.shape}")
        eigenvalues = self._eigenvalues(self.products(t))
        along = x @ right
        inner = np.einsum("nj,tij,mj->tinm", along, eigenvalues, along, optimize=True)
        kernel = np.einsum("ai,tinm,bi->tanbm", left, inner, left, optimize=True)
        size = len(left) * len(x)
        return kernel.reshape(-1, size, size)

    def _descend(self, n_steps: int, lr: float) -> dict[str, np.ndarray]:
        layers, maps = self.layers, []
        for step in range(n_steps + 1):
            below, above = [np.eye(self.correlation.shape[1])], [np.eye(len(self.correlation))]
            for layer, last in zip(layers, reversed(layers), strict=True):
                below.append(layer @ below[-1])
                above.append(above[-1] @ last)
            maps.append(below[-1])
            if step < n_steps:
                error = lr * (self.correlation - below[-1])
                layers = [layer + above[self.depth - 1 - k].T @ error @ below[k].T for k, layer in enumerate(layers)]
        product = np.array(maps)
        left, singular, right = self._vectors
        modes = np.einsum("ik,tij,jk->tk", left[:, : singular.size], product, right[:, : singular.size], optimize=True)
        loss = 0.5 * np.sum((self.correlation - product) ** 2, axis=(1, 2))
        k = singular.size if self.depth == 1 else self.initial.size
        return {"map": product, "product": modes[:, :k], "loss": loss}

r"""Random ReLU features with a readout in closed form: ridge regression, or the fit of least norm.

The hidden layer :math:`\phi(x) = \max(0, W x + b)/\sqrt m` stays as it is drawn, the readout minimises
:math:`|\Phi a - y|^2 + \mu |a|^2`. It is the lazy end of the two-layer network, without condensation. Without a ridge
the readout is the one of least norm, to which gradient descent from 0 comes; m features fit n samples from m = n on,
where the smallest singular value of :math:`\Phi` is the smallest and noise is blown up the most.

Rahimi, Recht (2007); Mei, Montanari (2022), arXiv:1908.05355 for the peak at m = n.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.validation import finite, non_negative, positive_int

_RANK = 1e-12  # a singular value below this share of the largest is 0


def ridge_weights(features: ArrayLike, y: ArrayLike, ridge: float = 0.0) -> np.ndarray:
    r"""The minimum of :math:`|\Phi a - y|^2 + \mu |a|^2`, for :math:`\mu = 0` the one of least norm.

    A singular value below 1e-12 of the largest is taken for a rounding error, whatever the ridge: its direction gets no
    weight.

    Parameters
    ----------
    features : (n, m) array
        :math:`\Phi`, of any rank.
    y : (n,) or (n, K) array
    ridge : float
        :math:`\mu \ge 0`.

    Returns
    -------
    (m,) or (m, K) array

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, the ridge is negative, or the weights overflow.

    Examples
    --------
    >>> ridge_weights([[1.0, 1.0]], [2.0]).round(12).tolist(), ridge_weights([[2.0]], [1.0], ridge=4.0).tolist()
    ([1.0, 1.0], [0.25])
    """
    features, y = finite("features", features, ndim=2), finite("y", y)
    if y.ndim not in (1, 2) or len(y) != len(features):
        raise ValueError(f"y must have {len(features)} rows, one per row of features, got shape {y.shape}")
    ridge = float(non_negative("ridge", finite("ridge", ridge, ndim=0)))
    exponent = int(np.frexp(np.abs(features).max())[1])  # features in units of their largest have squares
    left, singular, right = np.linalg.svd(np.ldexp(features, -exponent), full_matrices=False)
    kept = singular > _RANK * singular.max()
    with np.errstate(over="ignore"):
        filters = singular[kept] / (singular[kept] ** 2 + np.ldexp(ridge, -2 * exponent))
        along = left[:, kept].T @ y
        weights = np.ldexp(right[kept].T @ (filters * along.T).T, -exponent)
    if not np.isfinite(weights).all():
        raise ValueError(f"features must not be so small beside y that weights overflow, got {2.0**exponent:g} at most")
    return weights


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    """A hidden ReLU layer that is not trained.

    Parameters
    ----------
    w : (m, d) array
        Input weights.
    b : (m,) array
        Biases.

    Raises
    ------
    ValueError
        If the shapes do not fit or a weight is not finite.

    Examples
    --------
    >>> features = RandomFeatures([[1.0], [-1.0]], [0.0, 0.0])
    >>> features([[2.0]]).round(3).tolist()
    [[1.414, 0.0]]
    """

    w: np.ndarray
    b: np.ndarray

    def __post_init__(self):
        w, b = finite("w", self.w, ndim=2), finite("b", self.b, ndim=1)
        if len(b) != len(w):
            raise ValueError(f"b must have {len(w)} entries, one per row of w, got {len(b)}")
        object.__setattr__(self, "w", w)
        object.__setattr__(self, "b", b)

    @classmethod
    def draw(cls, width: int, dim: int, rng: np.random.Generator) -> RandomFeatures:
        """Normal input weights and biases of variance 1/d, so that a field has about the size of an input's entry.

        Parameters
        ----------
        width, dim : int
            Features m and inputs d.
        rng : numpy.random.Generator
        """
        width, dim = positive_int("width", width), positive_int("dim", dim)
        w = rng.standard_normal((width, dim + 1)) / np.sqrt(dim)
        return cls(w[:, :-1], w[:, -1])

    def __call__(self, x: ArrayLike) -> np.ndarray:
        r"""Features :math:`\max(0, W x + b)/\sqrt m` of inputs `x` (n, d), (n, m).

        Raises
        ------
        ValueError
            If `x` does not have d columns, or an entry is not finite.
        """
        x = finite("x", x, ndim=2)
        if x.shape[1] != self.w.shape[1]:
            raise ValueError(f"x must have {self.w.shape[1]} columns, got shape {x.shape}")
        features = x @ self.w.T
        features += self.b
        np.maximum(features, 0, out=features)
        features /= np.sqrt(len(self.w))
        return features

    def fit(self, x: ArrayLike, y: ArrayLike, ridge: float = 0.0) -> np.ndarray:
        """The readout for data `x` (n, d), `y` (n,) or (n, K), (m,) or (m, K): :func:`ridge_weights` of the features.

        Parameters
        ----------
        x, y : arrays
        ridge : float
            Penalty >= 0 on the squared readout; 0 gives the fit of least norm.
        """
        return ridge_weights(self(x), y, ridge)

r"""Two-layer linear networks that fall apart into scalar modes.

Where the covariance of the inputs, the correlation and both layers share their singular vectors,
:math:`\Sigma_{xx} = V \xi V^\top`, :math:`\Sigma_{yx} = U \rho V^\top`, :math:`W_1 = R a V^\top` and
:math:`W_2 = U b R^\top`, each mode is a coordinate of a diagonal network with target :math:`\rho/\xi` and variance
:math:`\xi`, of any imbalance :math:`a^2 - b^2` (Saxe et al. (2014), arXiv:1312.6120; Lampinen and Ganguli (2019),
arXiv:1809.10374).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toymodels.layerwise.diagonal import DiagonalNetwork


@dataclass(frozen=True, eq=False)
class AlignedModes:
    """The modes of one network and the directions (d, m), (h, m), (c, m) they join; a missing direction is 0."""

    modes: DiagonalNetwork
    inputs: np.ndarray
    hidden: np.ndarray
    outputs: np.ndarray

    @staticmethod
    def of(w1, w2, correlation, covariance, decay: float, tolerance: float) -> AlignedModes | None:
        """The modes of layers (h, d) and (c, h), None if they do not decouple or have no closed form.

        `tolerance` is relative to the norm of each matrix.
        """
        right = _common_basis(w1, w2, correlation, covariance)
        hidden, a = _directions(w1 @ right, _norm(w1) * tolerance)
        outputs, rho = _directions(correlation @ right, _norm(correlation) * tolerance)
        small = _norm(w2) * tolerance
        outputs = np.where(rho > 0, outputs, _directions(w2 @ hidden, small)[0])
        hidden = np.where(a > 0, hidden, _directions(w2.T @ outputs, small)[0])
        # hidden units that no input reaches
        left, sizes, units = np.linalg.svd(w2 - (w2 @ hidden) @ hidden.T, full_matrices=False)
        lone = sizes > small
        hidden, outputs = np.hstack([hidden, units[lone].T]), np.hstack([outputs, left[:, lone]])
        right = np.hstack([right, np.zeros((len(right), int(lone.sum())))])
        a, rho = np.append(a, np.zeros(lone.sum())), np.append(rho, np.zeros(lone.sum()))
        b, xi = (np.einsum("ik,ij,jk->k", *three) for three in ((outputs, w2, hidden), (right, covariance, right)))
        parts = (w1, hidden, a, right), (w2, outputs, b, hidden), (correlation, outputs, rho, right)
        if not all(
            np.linalg.norm(matrix - (first * values) @ last.T) <= tolerance * np.linalg.norm(matrix)
            for matrix, first, values, last in (*parts, (covariance, right, xi, right))
        ):
            return None
        if not all(_orthonormal(directions) for directions in (hidden, outputs)):
            return None
        xi = np.where(xi > tolerance * np.abs(xi).max(), xi, 0.0)
        target = np.divide(rho, xi, out=np.zeros_like(rho), where=xi > 0)
        try:
            modes = DiagonalNetwork(target, *_equalised(a, b, tolerance), xi, decay)
        except ValueError:  # weight decay that has no closed form
            return None
        return AlignedModes(modes, right, hidden, outputs)

    def layers(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """W1 (n_t, h, d) and W2 (n_t, c, h) at increasing times."""
        run = self.modes.solve(t)
        return (self.hidden * run["a"][:, None]) @ self.inputs.T, (self.outputs * run["b"][:, None]) @ self.hidden.T


def _norm(matrix: np.ndarray) -> float:
    return float(np.linalg.norm(matrix))


def _common_basis(w1, w2, correlation, covariance) -> np.ndarray:
    """Orthonormal columns (d, d) that diagonalise every quadratic form of the inputs, if anything does."""
    product = w2 @ w1
    crossed = correlation.T @ product
    forms = covariance, correlation.T @ correlation, w1.T @ w1, product.T @ product, crossed + crossed.T
    target, first, both = _norm(correlation), _norm(w1), _norm(w1) * _norm(w2)
    # by the sizes of the factors: a product may be nothing but rounding
    sizes = _norm(covariance), target**2, first**2, both**2, target * both
    total = np.zeros_like(covariance)
    # weights without a common measure, so that no two directions agree in the sum unless they do in each form
    for weight, form, size in zip(np.sqrt([2, 3, 5, 7, 11]), forms, sizes, strict=True):
        total = total + (weight / size if size > 0 else 0.0) * form
    return np.linalg.eigh(total)[1]


def _directions(columns: np.ndarray, small: float) -> tuple[np.ndarray, np.ndarray]:
    """Columns of norm 1 and their norms; those up to `small` are 0."""
    norms = np.linalg.norm(columns, axis=0)
    norms = np.where(norms > small, norms, 0.0)
    return np.divide(columns, norms, out=np.zeros_like(columns), where=norms > 0), norms


def _orthonormal(directions: np.ndarray) -> bool:
    """Whether the columns that are not 0 are orthonormal."""
    gram = directions.T @ directions
    return bool(np.abs(gram - np.diag(np.round(np.diagonal(gram)))).max() < 1e-8)


def _equalised(a: np.ndarray, b: np.ndarray, tolerance: float) -> tuple[np.ndarray, np.ndarray]:
    """`a` and `b`, of exactly the same size where they are up to the tolerance: else rounding would grow."""
    mean = (np.abs(a) + np.abs(b)) / 2
    same = np.abs(np.abs(a) - np.abs(b)) <= tolerance * mean
    return np.where(same, np.copysign(mean, a), a), np.where(same, np.copysign(mean, b), b)

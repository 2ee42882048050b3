r"""The matrix master solution: the Gram matrix of both layers of a two-layer linear network.

With :math:`Q = (W_1^\top; W_2)`, white inputs and :math:`W_2^\top W_2 - W_1 W_1^\top = \lambda I` the gradient flow
is :math:`\dot Q = F Q - \tfrac12 Q Q^\top Q` with :math:`F = (-\tfrac\lambda2 I, \Sigma_{yx}^\top; \Sigma_{yx},
\tfrac\lambda2 I)`. In the eigenbasis of F, with eigenvalues mu and rows B of Q,

.. math:: Q Q^\top(t) = G\, O O^\top G, \qquad \binom{\sqrt\Phi B}{I} = \binom{O}{O'} R, \qquad
   \Phi = \frac{e^{2\mu t} - 1}{2\mu}, \quad G^2 = \frac{2\mu}{1 - e^{-2\mu t}},

O being the upper part of an orthonormal basis of the columns on the left. All the growth is in Phi, which only enters
through that basis and through logarithms, so any time can be reached in one step.

The Riccati solution is due to Fukumizu (1998); Braun et al. (2022) and Domine et al. (2024), arXiv:2409.14623, use it
in a form that inverts blocks. The form above, which inverts nothing, is ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_ROUNDING = np.finfo(float).eps
# largest condition number for which the normal equations are used: they cost it in digits
_MILD = 1e3


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigendecomposition of F from the singular values of the correlation.

    `rates` are the eigenvalues less `decay`, written as `base + excess` where `base` is the part that all growing
    directions share; `basis` (d + c, d + c) has the eigenvectors as columns, inputs first.
    """

    base: np.ndarray
    excess: np.ndarray
    basis: np.ndarray

    @property
    def rates(self) -> np.ndarray:
        """Rates (d + c,) at which the rows of Q grow while they are small: eigenvalues of F less the decay."""
        return self.base + self.excess

    @staticmethod
    def of(correlation: np.ndarray, imbalance: float, decay: float) -> Spectrum:
        """Spectrum of F for a correlation (c, d), lambda = `imbalance` and weight decay mu = `decay`."""
        c, d = correlation.shape
        left, singular, right = np.linalg.svd(correlation)
        singular, k, half = _merge_equal(singular), min(c, d), abs(imbalance) / 2
        size = np.hypot(singular, half) + half
        excess = np.divide(singular**2, size, out=np.zeros(k), where=size > 0)
        # where F has a null space any basis of it does
        length = np.where(size > 0, size, 1.0)
        breadth = np.where(size > 0, singular, 1.0)
        norm = np.hypot(length, breadth)
        large, small = length / norm, breadth / norm
        growing_in, growing_out = (small, large) if imbalance >= 0 else (large, small)
        basis = np.zeros((d + c, d + c))
        basis[:d, :k], basis[d:, :k] = growing_in * right[:k].T, growing_out * left[:, :k]
        basis[:d, k : 2 * k], basis[d:, k : 2 * k] = growing_out * right[:k].T, -growing_in * left[:, :k]
        basis[:d, 2 * k : k + d], basis[d:, k + d :] = right[k:].T, left[:, k:]
        side = float(np.sign(imbalance))
        sign = np.repeat([1.0, -1.0, -side, side], [k, k, d - k, c - k])
        shared = sign * half
        own = np.concatenate([excess, -excess, np.zeros(d + c - 2 * k)]) - decay
        return Spectrum(shared, own, basis)


def _merge_equal(singular: np.ndarray) -> np.ndarray:
    """Singular values that agree up to rounding, made equal: long times would tell them apart."""
    if singular.size == 0:
        return singular
    gaps = singular[:-1] - singular[1:] > 16 * singular.size * _ROUNDING * singular[0]
    if gaps.all():
        return singular
    group = np.concatenate([[0], np.cumsum(gaps)])
    return (np.bincount(group, singular) / np.bincount(group))[group]


def initial_rows(spectrum: Spectrum, w1: np.ndarray, w2: np.ndarray) -> np.ndarray:
    """Q in the eigenbasis, with its columns rotated to at most d + c of them."""
    rows = spectrum.basis.T @ np.concatenate([w1.T, w2])
    n, h = rows.shape
    return rows if h <= n else _lower(rows)


def advance(spectrum: Spectrum, rows: np.ndarray, dt: float) -> np.ndarray:
    """Rows of Q after `dt`, exact up to a rotation of the columns.

    The normal equations are used while they cost at most three digits; beyond, an orthonormal basis in logarithmic
    scale.
    """
    from scipy.linalg.lapack import dtrtrs  # pyright: ignore[reportAttributeAccessIssue]

    rates = spectrum.rates
    if rates.max() * dt < 50:
        product = rates * dt
        growth = np.divide(np.expm1(2 * product), 2 * product, out=np.ones_like(product), where=product != 0) * dt
        grown = growth[:, None] * rows
        if np.vdot(grown, rows) < _MILD:
            factor = np.linalg.cholesky(np.eye(rows.shape[1]) + grown.T @ rows)
            return np.exp(product)[:, None] * dtrtrs(factor, rows.T, lower=1)[0].T
    return _advance_far(spectrum, rows, dt)


def _advance_far(spectrum: Spectrum, rows: np.ndarray, dt: float) -> np.ndarray:
    from scipy.linalg.lapack import dgeqrf, dorgqr  # pyright: ignore[reportAttributeAccessIssue]

    rates = spectrum.rates
    x = 2 * np.abs(rates) * dt
    span = np.divide(-np.expm1(-x), 2 * np.abs(rates), out=np.full_like(x, dt), where=x > 1e-200)
    # log sqrt(Phi) is common + level; growing directions differ by their excess alone
    common = max(spectrum.base.max(), 0.0) * dt
    growth = np.where(spectrum.base > 0, spectrum.excess * dt, np.maximum(rates, 0) * dt - common)
    level = growth + 0.5 * np.log(span)
    norms = np.linalg.norm(rows, axis=1)
    with np.errstate(divide="ignore"):  # the logarithm of a zero entry is -inf, and stays so
        logs, signs, scale = _ordered_directions(rows, norms, level, common) or _greedy_directions(
            rows, norms, level, common
        )
    upper = signs * np.exp(logs)
    reflectors, factors, _, _ = dgeqrf(np.concatenate([upper, np.diag(np.exp(-common - scale))]))
    orthonormal = dorgqr(reflectors, factors)[0]
    return np.exp(np.where(rates < 0, -x / 2, 0.0) - 0.5 * np.log(span))[:, None] * orthonormal[: len(rows)]


def _lower(rows: np.ndarray) -> np.ndarray:
    """`rows` with the columns rotated so that nothing is right of the diagonal, (n, min(n, r))."""
    from scipy.linalg.lapack import dgeqrf  # pyright: ignore[reportAttributeAccessIssue]

    reflectors = dgeqrf(rows.T)[0]
    return np.tril(reflectors.T[:, : len(rows)])


def _ordered_directions(rows, norms, level, common):
    """Scaled components of `rows` along the directions that appear in order of their size, e^level times norm.

    Returns their logarithms and signs, both (n, r), and the logarithmic scale (r,) of each direction; None if
    the order does not do, since a leading row adds next to nothing to those before it.
    """
    order = np.argsort(-(level + np.log(norms)))
    lower = _lower(rows[order])
    lead = np.abs(np.diagonal(lower))
    first = order[: len(lead)]
    if np.any(lead <= _floor(rows, norms)[first]):
        return None
    scale = np.maximum(level[first] + np.log(lead), -common)
    logs = np.empty_like(lower)
    logs[order] = level[order, None] + np.log(np.abs(lower)) - scale
    signs = np.empty_like(lower)
    signs[order] = np.sign(lower)
    return (logs, signs, scale) if logs.max() < np.log(100) else None


def _greedy_directions(rows, norms, level, common):
    """The same, each direction taken where e^level times what remains of a row is largest.

    Remainders below the rounding of their row are no direction.
    """
    rest, floor = rows.copy(), _floor(rows, norms)
    directions, components, top = np.zeros((0, rows.shape[1])), [], []
    for _ in range(min(rows.shape)):
        sizes = np.linalg.norm(rest, axis=1)
        rest[sizes <= floor] = 0
        score = level + np.log(np.where(sizes > floor, sizes, 0.0))
        leader = int(np.argmax(score))
        if score[leader] == -np.inf:
            break
        direction = rest[leader] / sizes[leader]
        for _ in range(2):  # a small remainder has lost its orthogonality to earlier directions
            direction = direction - (directions @ direction) @ directions
            direction /= np.linalg.norm(direction)
        along = rest @ direction
        rest -= np.outer(along, direction)
        rest[leader] = 0
        directions = np.concatenate([directions, direction[None]])
        components.append(along)
        top.append(score[leader])
    lower, scale = np.array(components).reshape(-1, len(rows)).T, np.maximum(top, -common)
    return level[:, None] + np.log(np.abs(lower)) - scale, np.sign(lower), scale


def _floor(rows: np.ndarray, norms: np.ndarray) -> np.ndarray:
    return 8 * len(rows) * _ROUNDING * norms

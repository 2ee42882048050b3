r"""The matrix master solution: the Gram matrix of both layers of a two-layer linear network.

With :math:`Q = (W_1^\top; W_2)`, white inputs and :math:`W_2^\top W_2 - W_1 W_1^\top = \lambda I` the gradient flow
is :math:`\dot Q = F Q - \tfrac12 Q Q^\top Q` with :math:`F = (-\tfrac\lambda2 I, \Sigma_{yx}^\top; \Sigma_{yx},
\tfrac\lambda2 I)`. In the eigenbasis of F, with eigenvalues mu and rows B of Q,

.. math:: Q Q^\top(t) = e^{\mu t} B \,[I + B^\top \Phi B]^{-1} B^\top e^{\mu t}, \qquad
   \Phi = \frac{e^{2\mu t} - 1}{2\mu} .

Every time is reached from the start in one step, in one of three ways that agree to rounding. Early, the inverse is
taken as it stands. Later the columns of B are combined so that its leading rows, the fastest that are independent,
are diagonal; divided by their growth, what is inverted has no large entries left (:class:`_LeadingRows`). Where the
leading rows are not the largest ones the same is done by an orthonormal basis in logarithmic scale.

The Riccati solution is due to Fukumizu (1998); Braun et al. (2022) and Domine et al. (2024), arXiv:2409.14623, use it
in a form that inverts blocks of the start. The forms above are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from toymodels.layerwise.gram_spectrum import ROUNDING, Spectrum
from toymodels.layerwise.gram_start import Start

# largest trace of B' Phi B for which the inverse is taken as it stands: it costs its digits
_MILD = 1e3
# the smallest reciprocal condition number of what is inverted later, and the largest scaled entry
_SOUND, _LARGE = 1e-5, 100.0


@dataclass(frozen=True, eq=False)
class GramFlow:
    """Both layers, up to a rotation of the hidden one, at any time.

    Parameters
    ----------
    spectrum : Spectrum
    w1, w2 : (h, d) and (c, h) arrays
        Balanced with the lambda of the spectrum.
    precision : float
        Relative error of the weights; growth that only such an error would start is no growth.
    """

    spectrum: Spectrum
    w1: np.ndarray
    w2: np.ndarray
    precision: float = ROUNDING

    def at(self, t: float) -> tuple[np.ndarray, np.ndarray]:
        r"""W1' (d, r) and W2 (c, r) at the time `t`, r <= min(h, d + c); `inf` is a time.

        Up to a rotation of the hidden layer, but with one hidden unit its own: no row of a column of Q ever turns its
        sign, since :math:`q(t) = e^{\mu t} b / \sqrt{1 + b^\top \Phi b}`.
        """
        rows = self._rows(min(t, 1e280))  # 1e280 stands for inf
        if len(self.w1) == 1 and np.vdot(rows, self._given) < 0:
            rows = -rows
        return self.spectrum.layers(rows)

    @property
    def width(self) -> int:
        """The number r of columns."""
        return min(len(self.w1), len(self.spectrum.rates))

    def _rows(self, t: float) -> np.ndarray:
        rows = self._early(t)
        if rows is None and self._leading is not None:
            rows = self._leading.at(t)
        return _logarithmic(self.spectrum, self._settled.rows, t) if rows is None else rows

    @cached_property
    def _given(self) -> np.ndarray:
        return self.spectrum.rows(self.w1, self.w2)

    @cached_property
    def _start(self) -> np.ndarray:
        return self._given if self._given.shape[1] <= len(self._given) else _lower(self._given)

    @cached_property
    def _settled(self) -> Start:
        return Start.settled(self.spectrum, self._given, self.precision, lambda: self.spectrum.sizes(self.w1, self.w2))

    @cached_property
    def _leading(self) -> _LeadingRows | None:
        return _LeadingRows.of(self.spectrum, self._settled)

    def _early(self, t: float) -> np.ndarray | None:
        """Rows from the Cholesky factor of I + B' Phi B while that is mild, else None."""
        rates = self.spectrum.rates
        if rates.max() * t >= 50:
            return None
        # what is only rounding has not grown yet
        rows = self._start if rates.max() * t < 2 else self._settled.rows
        product = rates * t
        growth = np.divide(np.expm1(2 * product), 2 * product, out=np.ones_like(product), where=product != 0) * t
        grown = growth[:, None] * rows
        if np.vdot(grown, rows) >= _MILD:
            return None
        factor = np.linalg.cholesky(np.eye(rows.shape[1]) + grown.T @ rows)
        return _over(factor, np.exp(product)[:, None] * rows)[1]


@dataclass(frozen=True, eq=False)
class _LeadingRows:
    """The flow in columns for which the leading rows are diagonal.

    With B = (B_p; B_r, B_x) by leading rows p and others r, the columns right of the p only reaching the others, and
    the rows of B_p of size n and B_p = n U, the columns times (U^-1, I) are (n, 0; B_r U^-1, B_x), and I + B' Phi B
    becomes ((U U')^-1, I) + n^2 Phi_p + Y' Phi_r Y with Y = (B_r U^-1, B_x).
    """

    spectrum: Spectrum
    start: Start
    others: np.ndarray
    constant: np.ndarray
    rest: np.ndarray
    reach: np.ndarray

    @staticmethod
    def of(spectrum: Spectrum, start: Start) -> _LeadingRows | None:
        """None if the leading rows are too close to dependent for their inverse."""
        rows, leading, inverse, count = start.rows, start.leading, start.inverse, len(start.leading)
        if np.linalg.norm(inverse) > 1 / _SOUND:
            return None
        others = np.setdiff1d(np.arange(len(rows)), leading)
        constant = np.eye(rows.shape[1])
        constant[:count, :count] = inverse.T @ inverse
        rest = np.concatenate([rows[others, :count] @ inverse, rows[others, count:]], axis=1)
        with np.errstate(divide="ignore"):  # the logarithm of 0
            reach = np.log(np.abs(rest[:, count:]))
        return _LeadingRows(spectrum, start, others, constant, rest, reach)

    def at(self, t: float) -> np.ndarray | None:
        """Rows at the time `t`, None where the leading rows are not the largest, so that digits would be lost."""
        from scipy.linalg.lapack import dpocon, dpotrf  # pyright: ignore[reportAttributeAccessIssue]

        leading, count = self.start.leading, len(self.start.leading)
        level, common, fade = _levels(self.spectrum, t)
        own = level[leading] + np.log(self.start.sizes)
        scale = 0.5 * np.log(np.diagonal(self.constant)) - common
        scale[:count] = np.logaddexp(2 * scale[:count], 2 * own) / 2
        scale[count:] = np.maximum(
            scale[count:], np.max(level[self.others, None] + self.reach, axis=0, initial=-np.inf)
        )
        rest = _rescaled(self.rest, level[self.others], scale)
        matrix = rest.T @ rest
        matrix += _rescaled(self.constant, -common - scale, scale + common)
        # at late times the logarithm of a size is below the rounding of the level, in `scale` but not here
        lead = np.exp(level[leading] - scale[:count]) * self.start.sizes
        diagonal = np.einsum("ii->i", matrix)
        diagonal[:count] += lead**2
        if diagonal.max() > _LARGE**2:
            return None
        norm = np.linalg.norm(matrix)
        factor, failed = dpotrf(matrix.T, lower=1, overwrite_a=1)
        if failed or dpocon(factor, norm, uplo="L")[0] < _SOUND:
            return None
        rest *= fade[self.others, None]
        upper, below = _over(factor, rest)
        upper[:count] *= (fade[leading] * lead)[:, None]
        rows = np.empty((len(level), len(matrix)))
        rows[leading], rows[self.others] = upper[:count], below
        return rows


def _over(factor: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The inverse L'^-1 of a lower triangle L, and `rows` L'^-1 in their place: faster than by substitution."""
    from scipy.linalg.blas import dtrmm  # pyright: ignore[reportAttributeAccessIssue]

    inverse = _triangle_inverse(factor)
    return inverse.T, dtrmm(1.0, inverse, rows.T, lower=1, overwrite_b=1).T


def _triangle_inverse(lower: np.ndarray) -> np.ndarray:
    """The inverse of a lower triangle, in Fortran order; large ones by blocks, which LAPACK's is slow at."""
    from scipy.linalg.lapack import dtrtri  # pyright: ignore[reportAttributeAccessIssue]

    half = len(lower) // 2
    if half < 64:
        return dtrtri(lower, lower=1)[0]
    inverse = np.zeros(lower.shape, order="F")
    first = inverse[:half, :half] = _triangle_inverse(lower[:half, :half])
    last = inverse[half:, half:] = _triangle_inverse(lower[half:, half:])
    inverse[half:, :half] = -last @ (lower[half:, :half] @ first)
    return inverse


def _levels(spectrum: Spectrum, t: float) -> tuple[np.ndarray, float, np.ndarray]:
    """(log sqrt Phi) - common, common, and e^{mu t} / sqrt Phi, of every direction."""
    rates = spectrum.rates
    x = 2 * np.abs(rates) * t
    span = np.divide(-np.expm1(-x), 2 * np.abs(rates), out=np.full_like(x, t), where=x > 1e-200)
    common = max(spectrum.base.max(), 0.0) * t
    # growing directions differ by their excess alone
    growth = np.where(spectrum.base > 0, spectrum.excess * t, np.maximum(rates, 0) * t - common)
    log_span = 0.5 * np.log(span)
    return growth + log_span, common, np.exp(np.where(rates < 0, -x / 2, 0.0) - log_span)


def _rescaled(matrix: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Entries times e^(rows - columns); zeros stay 0."""
    if max(np.abs(rows).max(initial=0), np.abs(columns).max(initial=0)) < 300:
        scaled = matrix * np.exp(rows)[:, None]
        scaled *= np.exp(-columns)
        return scaled
    return matrix * np.exp(np.minimum(rows[:, None] - columns, 700))


def _logarithmic(spectrum: Spectrum, rows: np.ndarray, t: float) -> np.ndarray:
    """Rows at the time `t` from an orthonormal basis of the columns of (sqrt Phi B; I), in logarithmic scale."""
    level, common, fade = _levels(spectrum, t)
    norms = np.linalg.norm(rows, axis=1)
    with np.errstate(divide="ignore"):  # the logarithm of a zero entry is -inf, and stays so
        logs, signs, scale = _ordered_directions(rows, norms, level, common) or _greedy_directions(
            rows, norms, level, common
        )
    upper = signs * np.exp(logs)
    orthonormal = np.linalg.qr(np.concatenate([upper, np.diag(np.exp(-common - scale))]))[0]
    return fade[:, None] * orthonormal[: len(rows)]


def _lower(rows: np.ndarray) -> np.ndarray:
    """`rows` with the columns rotated so that nothing is right of the diagonal, (n, min(n, r))."""
    return np.asarray(np.linalg.qr(rows.T, mode="r")).T


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
    return (logs, signs, scale) if logs.max() < np.log(_LARGE) else None


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
    return 8 * len(rows) * ROUNDING * norms

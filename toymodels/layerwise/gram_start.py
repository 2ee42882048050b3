r"""Which directions of a start can grow, told apart from what is only rounding.

The flow multiplies the rows of Q by :math:`e^{\mu t}` and its columns by an invertible matrix, so the rank of every
set of rows is conserved: the rank of the growing rows (for a square balanced network it says whether the determinant
has the sign of the target's), and the rank of the fastest ones among them (for an aligned start, which modes are
there at all). A rank that is short keeps the flow at a saddle for ever. Rounding of 1e-16 restores it, and grows. So
it is decided once, at the start, by comparing each row with its own rounding, and written down as exact zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from toymodels.layerwise.gram_spectrum import ROUNDING, Spectrum


class Start(NamedTuple):
    """Rows of Q at the start with their ranks settled.

    `rows` (d + c, r) have at most d + c columns. `leading` (at most r,) are indices of growing rows in order of falling
    rate, as many as can grow independently, the j-th being the first to reach into column j; a growing row is exactly
    0 right of the leading rows that grow no slower. `sizes` are the norms of the leading rows and `inverse` the inverse
    of their first columns divided by these.
    """

    rows: np.ndarray
    leading: np.ndarray
    sizes: np.ndarray
    inverse: np.ndarray

    @staticmethod
    def settled(spectrum: Spectrum, rows: np.ndarray, precision: float, sizes: Callable[[], np.ndarray]) -> Start:
        """The start for rows (d + c, h) from weights of a relative error `precision`, rounding at least.

        `sizes` gives the sums of absolute values of the terms that the rows are sums of.
        """
        growing = np.argsort(-spectrum.rates, kind="stable")
        growing = growing[spectrum.rates[growing] > 0]
        if rows.shape[1] <= growing.size:
            start = Start._of(rows, growing[: rows.shape[1]])
            if start is not None and start._plainly_independent(spectrum, precision):
                return start
        errors = _errors(spectrum, rows, sizes(), precision)
        rows, leading = _staircase(rows, _groups(spectrum.rates, growing), errors)
        return Start._of(rows, leading) or Start(rows, leading[:0], np.zeros(0), np.zeros((0, 0)))

    @staticmethod
    def _of(rows: np.ndarray, leading: np.ndarray) -> Start | None:
        block = rows[leading, : len(leading)]
        sizes = np.linalg.norm(block, axis=1)
        if np.any(sizes == 0):
            return None
        inverse = _inverse(block / sizes[:, None])
        return None if inverse is None else Start(rows, leading, sizes, inverse)

    def _plainly_independent(self, spectrum: Spectrum, precision: float) -> bool:
        """Whether the leading rows are so far from dependent that no closer look at their errors is needed."""
        rates = np.unique(spectrum.rates)
        gap = np.diff(rates).min(initial=rates[-1])
        error = 8 * precision * np.sqrt(sum(self.rows.shape)) + 32 * ROUNDING * np.abs(rates).max() / gap
        return bool(self.sizes.min() > 100 * error * np.linalg.norm(self.rows) * np.linalg.norm(self.inverse))


def _inverse(matrix: np.ndarray) -> np.ndarray | None:
    """The inverse, None of a singular matrix; that of a lower triangle is one, to the last zero."""
    from scipy.linalg.lapack import dtrtri  # pyright: ignore[reportAttributeAccessIssue]

    if len(matrix) and not np.count_nonzero(np.triu(matrix, 1)):
        inverse, singular = dtrtri(matrix, lower=1)
        return None if singular else np.tril(inverse)
    try:
        return np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return None


def _errors(spectrum: Spectrum, rows: np.ndarray, sizes: np.ndarray, precision: float) -> np.ndarray:
    """Bound on the error of every entry of `rows`, (d + c, h): of the weights, of the sum, of the directions."""
    return 8 * (precision * sizes + spectrum.mixing() @ np.abs(rows))


def _groups(rates: np.ndarray, growing: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    """`growing` cut into rows of one rate, with True, and stretches of rows that all differ, with False."""
    _, start, sizes = np.unique(-rates[growing], return_index=True, return_counts=True)
    cuts = np.unique(np.concatenate([start[sizes > 1], (start + sizes)[sizes > 1]]))
    parts = [part for part in np.split(growing, cuts) if part.size]
    return [(part, part.size > 1 and rates[part[0]] == rates[part[1]]) for part in parts]


def _staircase(
    rows: np.ndarray, groups: list[tuple[np.ndarray, bool]], errors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.linalg.lapack import dgeqp3  # pyright: ignore[reportAttributeAccessIssue]

    rows = np.where(np.abs(rows) <= errors, 0.0, rows)
    noise = np.linalg.norm(errors, axis=1)
    leading, doubts = [], np.zeros(0)
    for group, same_rate in groups:
        pending = group[np.any(rows[group, len(leading) :] != 0, axis=1)]
        if same_rate and pending.size:
            # rows of one rate have no order of their own: the largest remainder first
            pending = pending[dgeqp3(rows[pending, len(leading) :].T)[1] - 1]
        while pending.size and len(leading) < rows.shape[1]:
            top = len(leading)
            rotation = np.linalg.qr(rows[pending, top:].T, mode="complete")[0]
            rows[:, top:] = rows[:, top:] @ rotation
            rows[pending, top:] = np.tril(rows[pending, top:])
            count = min(pending.size, rows.shape[1] - top)
            first = pending[:count]
            square, leads = rows[first, top : top + count], np.abs(np.diagonal(rows[first, top:]))
            # a direction taken from a small remainder is itself uncertain by the ratio
            doubt = np.divide(noise[first], leads, out=np.zeros(count), where=leads > 0)
            earlier = rows[first, :top] ** 2 @ doubts**2
            short = np.flatnonzero(leads**2 <= noise[first] ** 2 + earlier + np.tril(square, -1) ** 2 @ doubt**2)
            sound = short[0] if short.size else count
            leading.extend(first[:sound])
            doubts = np.append(doubts, doubt[:sound])
            if short.size:
                rows[first[sound], top + sound :] = 0
            pending = pending[sound + 1 :]
    return _compressed(rows, len(leading)), np.array(leading, dtype=int)


def _compressed(rows: np.ndarray, leading: int) -> np.ndarray:
    """`rows` with the columns right of the leading ones rotated so that at most d + c are left."""
    if rows.shape[1] <= len(rows):
        return rows
    used = np.any(rows[:, leading:] != 0, axis=1)
    rotated = np.asarray(np.linalg.qr(rows[used, leading:].T, mode="r")).T
    rest = np.zeros((len(rows), max(rotated.shape[1], 1 - leading)))  # one column at least is left
    rest[used, : rotated.shape[1]] = rotated
    return np.concatenate([rows[:, :leading], rest], axis=1)

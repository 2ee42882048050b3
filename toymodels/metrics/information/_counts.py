"""The two counts that estimators of information are made of: rows that are equal, and rows that are near.

Both are exact, and both are taken in memory that grows with the number of rows only.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from toymodels.metrics._samples import LARGEST_INTEGER

LARGEST_CODE = 2**62
CELL = 64  # rows that are looked up together
BLOCK = 2**18  # distances held at once: what a cache holds


def codes(columns: Iterable[np.ndarray], n: int) -> np.ndarray:
    """An integer per row (n,), equal where and only where rows are: the `columns` (n,) are digits of one number.

    Before the number outgrows 64 bits, the numbers so far are replaced by their ranks. From then on a column that tells
    no two rows apart that have been alike so far is passed over.
    """
    total, size = np.zeros(n, dtype=np.int64), 1
    for column in columns:
        digits, base = _digits(np.ascontiguousarray(column))
        if size * base > LARGEST_CODE:
            total, size = (total, size) if size <= n else _ranks(total)
            if _constant_within(total, size, digits):
                continue
            digits, base = _ranks(digits)
        total, size = total * base + digits, size * base
    return total


def multiplicities(symbols: np.ndarray) -> np.ndarray:
    """How often each of the different integers in `symbols` (n,) occurs, in increasing order of the integers."""
    low, high = int(symbols.min()), int(symbols.max())
    if high - low > 4 * len(symbols):
        return np.unique(symbols, return_counts=True)[1]
    counts = np.bincount(symbols - low)
    return counts[counts > 0]


def within(rows: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """For each of the `rows` (n, d), how many, itself included, differ from it by at most its `radius` in every entry.

    `radius` (n,) is not negative. Differences are compared as they are rounded, so that a row at the very distance
    `radius` counts whatever way it is found.
    """
    return _within_on_a_line(rows[:, 0], radius) if rows.shape[1] == 1 else _within_in_space(rows, radius)


def _digits(column: np.ndarray) -> tuple[np.ndarray, int]:
    """Integers from 0 to below the returned base; a `column` (n,) of other numbers as it is, its base too large."""
    low, high = column.min().item(), column.max().item()
    if high - low < LARGEST_INTEGER and (column.dtype.kind in "iu" or (column == np.floor(column)).all()):
        return (column - low).astype(np.int64), int(high - low) + 1
    return column, LARGEST_CODE + 1


def _constant_within(groups: np.ndarray, size: int, values: np.ndarray) -> bool:
    """Whether rows of the same group, one of 0..size-1, have the same value."""
    one_of_each = np.empty(size, dtype=values.dtype)
    one_of_each[groups] = values
    return bool((one_of_each[groups] == values).all())


def _ranks(values: np.ndarray) -> tuple[np.ndarray, int]:
    different, ranks = np.unique(values, return_inverse=True)
    return ranks, len(different)


def _within_on_a_line(values: np.ndarray, radius: np.ndarray) -> np.ndarray:
    order = np.argsort(values)
    ordered, radius = values[order], radius[order]
    up, down = _reached(ordered, radius), _reached(-ordered[::-1], radius[::-1])[::-1]
    counts = np.empty_like(order)
    counts[order] = up + down - len(values)
    return counts


def _reached(ordered: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """How many of the `ordered` values (n,) exceed each by at most its `radius`, smaller ones included.

    A difference and a sum are rounded differently: the sum says between which places to look with the difference.
    """
    end, slack = ordered + radius, 4 * np.finfo(float).eps * (np.abs(ordered) + radius)
    least, most = (np.searchsorted(ordered, edge, side="right") for edge in (end - slack, end + slack))
    while (open_ := np.flatnonzero(least < most)).size:
        middle = (least[open_] + most[open_]) // 2
        near = ordered[middle] - ordered[open_] <= radius[open_]
        least[open_[near]], most[open_[~near]] = middle[near] + 1, middle[~near]
    return least


def _within_in_space(rows: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Compares cells with cells, then rows with cells, and row with row only where neither decides."""
    from scipy.spatial.distance import cdist

    dim, cells = rows.shape[1], _cells(rows)
    sizes = np.array([len(cell) for cell in cells])
    packed = np.full((dim, len(cells), sizes.max()), np.inf)  # infinity: no row, and never near
    low, high = np.empty((2, dim, len(cells)))
    for i, cell in enumerate(cells):
        packed[:, i, : len(cell)] = rows[cell].T
        low[:, i], high[:, i] = rows[cell].min(axis=0), rows[cell].max(axis=0)
    at_once = max(1, BLOCK // sizes.max() ** 2)
    counts = np.empty(len(rows), dtype=np.int64)
    for i, cell in enumerate(cells):
        left, right, reach = low[:, i : i + 1], high[:, i : i + 1], radius[cell].max()
        inside = np.maximum(high - left, right - low).max(axis=0) <= radius[cell].min()
        unsure = np.flatnonzero((np.maximum(low - right, left - high).max(axis=0) <= reach) & ~inside)
        count = sizes[inside].sum()
        for start in range(0, len(unsure), at_once):
            others = packed[:, unsure[start : start + at_once]].reshape(dim, -1)
            others = others[:, (np.maximum(others - right, left - others) <= reach).all(axis=0)]
            near = cdist(rows[cell], others.T, "chebyshev") <= radius[cell, None]
            count = count + np.count_nonzero(near, axis=1)
        counts[cell] = count
    return counts


def _cells(rows: np.ndarray) -> list[np.ndarray]:
    """Indices of at most CELL rows each that stand together: halves of halves, cut across the longest side."""
    cells, pending = [], [np.arange(len(rows))]
    while pending:
        cell = pending.pop()
        if len(cell) <= CELL:
            cells.append(cell)
            continue
        here = rows[cell]
        order = np.argpartition(here[:, np.ptp(here, axis=0).argmax()], len(cell) // 2)
        pending += [cell[order[: len(cell) // 2]], cell[order[len(cell) // 2 :]]]
    return cells

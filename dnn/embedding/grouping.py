"""Which units of a layer become one, and the unit that stands for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from toymodels.condensation.grouping import check_threshold, leaders
from toymodels.condensation.similarity import unit_rows

_EQUAL = 0.5  # between the similarities 0 and 1 of what is only told equal or different
CANCELLED = 1e-10  # part of a square that a difference of products may lose to rounding
CHUNK = 4096  # pairs compared at once


@dataclass(frozen=True)
class Grouping:
    """Units that become one, in the order of the new units.

    Parameters
    ----------
    members : tuple of tuples of int
        Their numbers in the old layer, rising; sorted by the first.
    leaders : tuple of int
        The largest unit of every group.
    signs : (units,) tensor
        -1 for units whose row points against that of their leader.
    """

    members: tuple[tuple[int, ...], ...]
    leaders: tuple[int, ...]
    signs: Tensor


def similarity_of_directions(rows: Tensor, signed: bool) -> np.ndarray:
    """Cosines (units, units) of rows (units, inputs); zero rows are like each other alone.

    Parameters
    ----------
    rows : tensor
    signed : bool
        If False, opposite directions are alike.
    """
    units = unit_rows(rows.numpy())
    similarity = units @ units.T
    zero = ~units.any(axis=1)
    similarity[np.ix_(zero, zero)] = 1.0
    return similarity if signed else np.abs(similarity)


def similarity_of_vectors(rows: Tensor, tolerance: float, signed: bool) -> np.ndarray:
    """1 for rows that differ by at most `tolerance` times the larger of their norms, 0 for others.

    Parameters
    ----------
    rows : (units, inputs) tensor
    tolerance : float
    signed : bool
        If False, opposite rows are alike.
    """
    near = _near(rows, rows, tolerance)
    return (near if signed else near | _near(rows, -rows, tolerance)).double().numpy()


def _near(rows: Tensor, others: Tensor, tolerance: float) -> Tensor:
    """Which pairs of rows differ by at most `tolerance` times the larger of their norms."""
    norms = rows.norm(dim=1)
    largest = torch.maximum(norms[:, None], norms)
    squares = norms.square()[:, None] + norms.square() - 2 * rows @ others.T  # of the distances, up to rounding
    first, second = torch.nonzero(squares <= (tolerance**2 + CANCELLED) * largest.square(), as_tuple=True)
    near = torch.zeros(largest.shape, dtype=torch.bool)
    for a, b in zip(first.split(CHUNK), second.split(CHUNK), strict=True):
        near[a, b] = (rows[a] - others[b]).norm(dim=1) <= tolerance * largest[a, b]
    return near


def group(rows: Tensor, mass: Tensor, similarity: np.ndarray, threshold: float | None = None) -> Grouping:
    """Groups of similar units, each around its largest one.

    Parameters
    ----------
    rows : (units, inputs) tensor
    mass : (units,) tensor
        Sizes of the units; larger ones lead.
    similarity : (units, units) array
    threshold : float, optional
        Least similarity to the leader, in (0, 1]; None for similarities that are 0 or 1.
    """
    order = np.argsort(-mass.numpy(), kind="stable")
    least = _EQUAL if threshold is None else check_threshold(threshold)
    labels = leaders(similarity[np.ix_(order, order)], least)
    groups = [
        (tuple(sorted(map(int, order[labels == label]))), int(order[labels == label][0])) for label in set(labels)
    ]
    groups.sort()
    signs = torch.ones(len(rows), dtype=torch.float64)
    for members, leader in groups:
        against = rows[list(members)] @ rows[leader] < 0
        signs[list(members)] = torch.where(against, -1.0, 1.0).double()
    return Grouping(tuple(members for members, _ in groups), tuple(leader for _, leader in groups), signs)


def mean_direction(rows: Tensor, mass: Tensor, leader: Tensor) -> Tensor:
    """The row (inputs,) that stands for rows of about one direction: their mean direction, as long as the leader.

    Parameters
    ----------
    rows : (members, inputs) tensor
        Turned to the side of the leader.
    mass : (members,) tensor
        Weights of the mean; equal ones if all are 0.
    leader : (inputs,) tensor
    """
    if bool((rows == leader).all()):
        return leader
    units = torch.from_numpy(unit_rows(rows.numpy()))
    mean = (mass if bool(mass.any()) else torch.ones_like(mass)) @ units
    return mean * (leader.norm() / mean.norm())

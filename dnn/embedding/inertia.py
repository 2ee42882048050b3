r"""How many directions of a loss curve up, down, and not at all.

A Lanczos iteration with full reorthogonalisation, started again in what is left whenever the space it spans is closed,
turns the Hessian into a tridiagonal matrix with the same non-zero eigenvalues, multiple ones too. It ends when a random
vector of what is left has no curvature, after about as many products as the Hessian has rank; the rest is null.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigvalsh_tridiagonal
from torch import Tensor, nn

from dnn.embedding.tracing import silent
from dnn.embedding.units import copied
from dnn.observing.layers import unwrapped
from dnn.reading.curvature import Hessian, Inputs, Loss, hessian_of
from toymodels.validation import fraction

LARGEST = 5000  # parameters; all basis vectors are held
CLOSED = 1e-12  # of the largest coefficient so far: what a product adds below it is rounding


class Inertia(NamedTuple):
    """Numbers of Hessian eigenvalues by sign.

    Attributes
    ----------
    positive, zero, negative : int
    """

    positive: int
    zero: int
    negative: int


def inertia(
    module: nn.Module, x: Inputs, y: Tensor, loss: Loss, *, statistics: str = "running", cut: float = 1e-8
) -> Inertia:
    """Numbers of positive, zero and negative Hessian eigenvalues of a loss over all trainable parameters.

    Splitting a unit (:func:`dnn.split_unit`) lowers neither the positive nor the negative number, at any point; at a
    critical one, where the unit says something, it adds at least one zero: the twins may share in any way.

    Parameters
    ----------
    module, x, y, loss, statistics
        As in :func:`dnn.sharpness`; the module is read in float64, without its hooks, and is not touched.
    cut : float
        Eigenvalues below this part of the largest one in absolute value count as zero, in (0, 1).

    Returns
    -------
    Inertia
        Three numbers `positive, zero, negative`, whose sum is the number of trainable parameters.

    Raises
    ------
    ValueError
        As :func:`dnn.sharpness`; also for more than 5000 trainable parameters, or a `cut` outside (0, 1).

    Examples
    --------
    The loss (a b - 1)^2 at a = b = 0 is a saddle:

    >>> import torch
    >>> module = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False))
    >>> for parameter in module.parameters():
    ...     _ = nn.init.zeros_(parameter)
    >>> inertia(module, torch.ones(1, 1), torch.ones(1, 1), "mse")
    Inertia(positive=1, zero=0, negative=1)
    """
    cut = fraction("cut", cut)
    count = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    if count > LARGEST:
        raise ValueError(f"module must have at most {LARGEST} trainable parameters, got {count}")
    twin = copied(unwrapped(module)).double()
    with silent(twin), hessian_of(twin, x, y, loss, statistics) as hessian:
        diagonal, beside = _tridiagonal(hessian, cut)
    if not len(diagonal):
        return Inertia(0, hessian.size, 0)
    values = eigvalsh_tridiagonal(diagonal, beside[: len(diagonal) - 1])
    least = cut * np.abs(values).max()
    above, below = int((values > least).sum()), int((values < -least).sum())
    return Inertia(above, hessian.size - above - below, below)


def _tridiagonal(hessian: Hessian, cut: float) -> tuple[np.ndarray, np.ndarray]:
    """Diagonal (k,) and off-diagonal (k,) of the Hessian in a basis of all that it does not annul."""
    rng = np.random.default_rng(0)
    basis = np.empty((hessian.size, hessian.size))  # rows are filled as they are needed
    diagonal: list[float] = []
    beside: list[float] = []
    largest = 0.0
    while len(diagonal) < hessian.size:
        vector = _orthogonal(rng.standard_normal(hessian.size), basis[: len(diagonal)])
        vector /= np.linalg.norm(vector)
        started, size = True, 1.0
        while size > CLOSED * largest and len(diagonal) < hessian.size:
            product = hessian.product(vector)
            largest = max(largest, float(np.linalg.norm(product)))
            if started and np.linalg.norm(product) <= cut * largest * 1e-2:
                return np.array(diagonal), np.array(beside)
            basis[len(diagonal)] = vector
            diagonal.append(float(vector @ product))
            known = basis[: len(diagonal)]
            rest = _orthogonal(product, known)
            size = float(np.linalg.norm(rest))
            beside.append(size)
            vector, started = _orthogonal(rest / size if size else rest, known), False
        beside[-1] = 0.0
    return np.array(diagonal), np.array(beside)


def _orthogonal(vector: np.ndarray, basis: np.ndarray) -> np.ndarray:
    """What of a vector is orthogonal to the rows of a basis; twice is enough."""
    for _ in range(2):
        vector = vector - basis.T @ (basis @ vector)
    return vector

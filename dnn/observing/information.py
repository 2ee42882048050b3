"""Information in a noisy layer about the sample and about its class, from one table of densities."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dnn.observing.products import product

NOISE = 0.2  # per unit, of a representation of root mean square length 1
DRAWS = 2  # of the noise, for every sample


class Bits(NamedTuple):
    """What a layer tells, in bits.

    Parameters
    ----------
    sample : float
        About which sample it is.
    label : float or None
        About its class.
    """

    sample: float
    label: float | None


def information(features: np.ndarray, labels: np.ndarray | None) -> Bits:
    """:func:`toymodels.metrics.information.gaussian_mixture` of a layer scaled to rms length 1, noise NOISE per unit.

    Every call draws the same noise, and both numbers come from the same draws.

    Parameters
    ----------
    features : (n, d) array
        Whose precision is that of the densities; what they give is averaged in double precision.
    labels : (n,) integers >= 0, optional
    """
    largest = max(features.max(initial=0), -features.min(initial=0))
    if largest and not 1e-15 < largest < 1e15:  # whose squares single precision may lack
        features = np.ldexp(features, -np.frexp(largest)[1])
    size = np.sqrt((features**2).sum(axis=1, dtype=float).mean())
    if not size:
        return Bits(0.0, None if labels is None else 0.0)
    centers = features / features.dtype.type(size * NOISE)
    n, every = len(centers), np.arange(len(centers))
    gram = product(centers, centers.T)
    half = gram.diagonal() / 2
    gram -= half  # log density without noise, up to a part of the sample alone
    densities = product(_noise(*centers.shape, centers.dtype), centers.T).reshape(n, DRAWS, n)
    densities += gram[:, None]
    largest = densities.max(axis=-1, keepdims=True)
    own = densities[every, :, every] - largest[:, :, 0]
    densities -= largest
    shares = np.exp(densities, out=densities)
    total = np.log(shares.sum(axis=-1, dtype=float))
    sample = np.log(n) + (own - total).mean()
    if labels is None:
        return Bits(float(sample / np.log(2)), None)
    _, code, counts = np.unique(labels, return_inverse=True, return_counts=True)
    one_hot = np.eye(len(counts), dtype=shares.dtype)[code]
    same = np.log(product(shares.reshape(n * DRAWS, n), one_hot).reshape(n, DRAWS, -1)[every, :, code], dtype=float)
    prior = np.log(n) - np.log(counts[code]).mean()
    return Bits(float(sample / np.log(2)), float(((same - total).mean() + prior) / np.log(2)))


@lru_cache(maxsize=4)
def _noise(n: int, d: int, dtype: np.dtype) -> Tensor:
    """(n DRAWS, d) numbers of the standard normal distribution, always the same."""
    return torch.from_numpy(np.random.default_rng(0).standard_normal((n * DRAWS, d)).astype(dtype))

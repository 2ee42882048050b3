r"""Batch size and sparsity (Su 2024, figures 3 and 4): small batches learn sparse feature pathways.

One class, types of input that share some features and own others. A type is absent from a batch of B with probability
:math:`(1-1/M)^B`; then its own nodes shrink while the shared ones grow. For multiplicative rules, exactly in the
mean,

.. math:: E \ln\frac{\lambda_\mathrm{own}}{\lambda_\mathrm{shared}} = -T\,(1 - 1/M)^B \ln\frac{a}{b}.

Additive rules without decay only reach the ratio :math:`1 - (1-1/M)^B` and never become sparse. The law is our
derivation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed.graphs import batch_size as batch_size_graph
from toymodels.neurashed.rules import Additive, Multiplicative
from toymodels.trajectory import Trajectory
from toymodels.validation import non_negative, positive_int


def effective_number(values: ArrayLike) -> np.ndarray:
    """exp of the entropy of values (..., n) divided by their sum: n when all are equal, 1 when one is alone."""
    share = _shares(values)
    logs = np.log(share, where=share > 0, out=np.zeros_like(share))
    return np.exp(-(share * logs).sum(axis=-1))


def participation_ratio(values: ArrayLike) -> np.ndarray:
    """(sum)^2 / sum of squares of values (..., n): between 1 and n."""
    return 1 / (_shares(values) ** 2).sum(axis=-1)


def hoyer(values: ArrayLike) -> np.ndarray:
    """Hoyer's sparsity of values (..., n >= 2): 0 when all are equal, 1 when one is alone (Hoyer 2004)."""
    share = _shares(values)
    root = np.sqrt(share.shape[-1])
    if root == 1:
        raise ValueError("values must have at least two entries along the last axis, got one")
    return (root - 1 / np.sqrt((share**2).sum(axis=-1))) / (root - 1)


def _shares(values: ArrayLike) -> np.ndarray:
    values = np.atleast_1d(non_negative("values", values))
    top = values.max(axis=-1, keepdims=True)
    if (top == 0).any():
        raise ValueError("values must not all be 0")
    scaled = values / top  # the sum of large values may overflow
    return scaled / scaled.sum(axis=-1, keepdims=True)


def predicted_log_ratio(n_steps: ArrayLike, batch_size: int, rule: Multiplicative, n_types: int = 2) -> np.ndarray:
    """Mean of ln(own / shared amplification) after `n_steps` updates of a multiplicative rule, exact."""
    absent = (1 - 1 / positive_int("n_types", n_types)) ** positive_int("batch_size", batch_size)
    up, _, down = rule.coefficients(1)
    return -non_negative("n_steps", n_steps) * absent * (up - down)


def additive_ratio(batch_size: int, n_types: int = 2) -> float:
    """Limit of own / shared amplification for an additive rule without decay: the chance that a type is in a batch."""
    return 1 - (1 - 1 / positive_int("n_types", n_types)) ** positive_int("batch_size", batch_size)


def train_with_batch_size(
    batch_size: int,
    rule: Multiplicative | Additive,
    rng: np.random.Generator,
    *,
    n_steps: int = 300,
    initial: float = 0.1,
    replicates: int = 20,
    n_shared: int = 3,
    n_own: int = 3,
    n_types: int = 2,
) -> Trajectory:
    """Train the graph of figures 3 and 4.

    Parameters
    ----------
    batch_size : int
        Samples per update, types drawn uniformly with replacement.
    rule : Multiplicative or Additive
    rng : numpy.random.Generator
    n_steps, initial, replicates : int, float, int
        As in `train`.
    n_shared, n_own, n_types : int
        Shared nodes per level, own nodes per type, and number of types.

    Returns
    -------
    Trajectory
        Clock "step"; `log_ratio` (n_t, replicates): mean over own nodes of the last hidden level of ln(own / shared);
        `effective_number` (n_t, replicates) of that level's amplification. A multiplicative run also has `predicted`
        (n_t,), the law for `log_ratio`.
    """
    task = batch_size_graph(n_shared, n_own, n_types)
    log = task.model.train(
        task.inputs,
        task.labels,
        rule,
        n_steps=n_steps,
        rng=rng,
        initial=initial,
        batch_size=batch_size,
        edge_training=False,
        replicates=replicates,
        scale="log",
    )
    level = log["log_amplification"][..., task.model.offsets[1] :]  # (n_t, replicates, n_level)
    log_ratio = level[..., n_shared:].mean(axis=-1) - level[..., 0]
    top = level.max(axis=-1, keepdims=True)
    data = {"log_ratio": log_ratio, "effective_number": effective_number(np.exp(level - top))}
    if isinstance(rule, Multiplicative):
        data["predicted"] = predicted_log_ratio(log.t, batch_size, rule, n_types)
    return Trajectory(log.t, data, clock=log.clock)

"""Dominant sub-networks: after training few nodes carry the prediction (the lottery-ticket view of Su 2024, section 4).

A pruned node sends nothing (amplification 0). Updates of different nodes do not interact, so a sub-network trained
alone, from its original initial values and on the same batches, ends with exactly the amplification it has inside the
whole: every sub-network is its own ticket, and the winning ones are those that fire often.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed.graph import Neurashed
from toymodels.validation import array_of, fraction, non_negative


def dominant_nodes(model: Neurashed, strength: ArrayLike, share: float) -> np.ndarray:
    """The strongest nodes of every hidden level.

    Parameters
    ----------
    model : Neurashed
    strength : (n_hidden,) array
        Non-negative: amplification, or how often each node fires, whose order predicts that of multiplicative
        training.
    share : float
        In (0, 1]: part of each level that is kept, rounded up.

    Returns
    -------
    (n_hidden,) bool array
        Ties at the boundary go to the node that comes first.
    """
    strength = non_negative("strength", strength)
    if strength.shape != (len(model.nodes),):
        raise ValueError(f"strength must have {len(model.nodes)} entries, got shape {strength.shape}")
    if fraction("share", share, closed=True) == 0:
        raise ValueError("share must be > 0, got 0")
    kept = np.zeros(len(strength), dtype=bool)
    for start, end in zip(model.offsets[:-1], model.offsets[1:], strict=True):
        n_kept = int(np.ceil(share * (end - start)))
        kept[start + np.argsort(-strength[start:end], kind="stable")[:n_kept]] = True
    return kept


def accuracy(
    model: Neurashed,
    amplification: ArrayLike,
    edge_weights: ArrayLike,
    inputs: ArrayLike,
    labels: ArrayLike,
    *,
    kept: ArrayLike | None = None,
) -> float:
    """Share of inputs whose true logit is strictly the largest.

    Parameters
    ----------
    model : Neurashed
    amplification, edge_weights : (n_hidden,) and (n_edges,) arrays
    inputs, labels : (n, n_0) and (n,) arrays
    kept : (n_hidden,) bool array, optional
        Nodes outside of it are pruned.
    """
    kept = np.ones(len(model.nodes), dtype=bool) if kept is None else array_of("kept", kept).astype(bool)
    firing = model.fire(inputs)
    labels = model.check_labels(labels, len(firing[0]))
    logits = model.logits(np.where(kept, amplification, 0.0), edge_weights, firing)
    own = np.take_along_axis(logits, labels[:, None], axis=1)
    rivals = np.where(labels[:, None] == np.arange(model.n_classes), -np.inf, logits)
    return float((own[:, 0] > rivals.max(axis=1)).mean())

"""How well a module fits its samples: accuracy and loss, as sums that batches can be added to."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from dnn.networks.mlp import classes_of
from dnn.observing.passes import Refused, View


def n_correct(view: View) -> int:
    """Number of the samples whose largest logit is that of their class; sign of a single logit for two classes.

    Parameters
    ----------
    view : View
    """
    labels, logits = view.labels, view.logits
    return int((classes_of(logits).numpy() == labels).sum())


def total_loss(view: View) -> float:
    """Sum over the samples of the cross-entropy in nats; for real targets of half the squared error.

    Parameters
    ----------
    view : View
    """
    logits, targets = view.logits.double(), view.batch.labels.cpu()
    if targets.is_floating_point():
        if targets.numel() != logits.numel():
            raise Refused(f"needs a real target for every logit, got {tuple(targets.shape)} for {tuple(logits.shape)}")
        return float((logits - targets.reshape(logits.shape)).square().sum() / 2)
    if targets.ndim != 1:
        raise Refused("needs integer class labels or real targets, got structured targets")
    labels = torch.from_numpy(check_known(view))
    if logits.shape[1] == 1:
        return float(nn.functional.binary_cross_entropy_with_logits(logits[:, 0], labels.double(), reduction="sum"))
    return float(nn.functional.cross_entropy(logits, labels, reduction="sum"))


def check_known(view: View) -> np.ndarray:
    """The labels (n,), if there is a logit for each; of a single logit 0 and 1.

    Parameters
    ----------
    view : View
    """
    labels, n_classes = view.labels, max(view.logits.shape[1], 2)
    if labels.max(initial=0) >= n_classes:
        raise Refused(f"needs class labels in 0..{n_classes - 1}, one for each logit, got {labels.max()}")
    return labels


def accuracy(view: View) -> float:
    """Share of the samples that :func:`n_correct` counts.

    Parameters
    ----------
    view : View
    """
    return n_correct(view) / len(view.batch)


def loss(view: View) -> float:
    """Mean of the samples that :func:`total_loss` sums.

    Parameters
    ----------
    view : View
    """
    return total_loss(view) / len(view.batch)

"""How well a module fits its samples: accuracy and loss, as sums that batches can be added to."""

from __future__ import annotations

from torch import Tensor, nn

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
    logits, labels = view.logits.double(), view.batch.labels.cpu()
    if labels.is_floating_point():
        return float((logits - labels.reshape(logits.shape)).square().sum() / 2)
    if logits.shape[1] == 1:
        return float(nn.functional.binary_cross_entropy_with_logits(logits[:, 0], labels.double(), reduction="sum"))
    return float(_cross_entropy(logits, labels))


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    if labels.ndim != 1:
        raise Refused("needs integer class labels or real targets, got structured targets")
    return nn.functional.cross_entropy(logits, labels.long(), reduction="sum")


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

"""What is minimised, and how well a network does at it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from dnn.data import Split
from dnn.networks.mlp import batch_norm_mode, checked_logits
from dnn.training.config import TrainConfig

LOSS_FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": functional.cross_entropy,
    "mse": functional.mse_loss,
}


@torch.no_grad()
def evaluate(
    network: nn.Module, x: Tensor, y: Tensor, loss: str = "cross_entropy", target_scale: float = 1.0, chunk: int = 4096
) -> tuple[float, float]:
    """Mean loss and accuracy, in the mode the network is in, `chunk` samples at a time.

    With batch statistics each chunk has its own. Losses as in :class:`TrainConfig`.
    """
    total_loss = torch.zeros((), dtype=torch.float64, device=x.device)
    correct = torch.zeros((), dtype=torch.int64, device=x.device)
    for start in range(0, len(x), chunk):
        logits, labels = network(x[start : start + chunk]), y[start : start + chunk]
        targets = make_targets(labels, logits.shape[1], loss, target_scale, logits.dtype)
        total_loss += LOSS_FUNCTIONS[loss](logits, targets).double() * len(labels)
        correct += (logits.argmax(1) == labels).sum()
    return total_loss.item() / len(x), correct.item() / len(x)


def make_targets(labels: Tensor, n_classes: int, loss: str, scale: float, dtype: torch.dtype) -> Tensor:
    """What the loss compares logits with: the labels themselves, or scaled one-hot rows (n, K) for "mse"."""
    if loss == "cross_entropy":
        return labels
    return scale * functional.one_hot(labels, n_classes).to(dtype)


def prepare(split: Split, config: TrainConfig) -> Split:
    """`split` on the device and in the dtype of `config`, checked.

    Raises
    ------
    ValueError
        For parts that are empty or of unequal length, inputs that are not finite, labels that are no integers,
        or a batch larger than the training set.
    """
    for part in ("train", "test"):
        x, y = getattr(split, f"x_{part}"), getattr(split, f"y_{part}")
        if len(x) != len(y) or len(x) == 0:
            raise ValueError(f"x_{part} and y_{part} must be non-empty and of equal length, got {len(x)} and {len(y)}")
        if y.ndim != 1 or y.is_floating_point() or y.min() < 0:
            raise ValueError(f"y_{part} must be integers >= 0 of shape (n,), got {y.dtype} of shape {tuple(y.shape)}")
        if not torch.isfinite(x).all():
            raise ValueError(f"x_{part} must be finite")
    if config.batch_size is not None and config.batch_size > len(split.x_train):
        raise ValueError(f"batch_size must be <= {len(split.x_train)}, got {config.batch_size}")
    tensors = (t.to(config.torch_device, config.torch_dtype if t.is_floating_point() else torch.int64) for t in split)
    return Split(*tensors)


@torch.no_grad()
def count_classes(network: nn.Module, split: Split) -> int:
    """Number of outputs of `network`; `ValueError` if it does not take the samples of `split`, or has too few."""
    with batch_norm_mode(network, "running"):
        n_classes = checked_logits(network, split.x_train[:1], "x_train").shape[1]
        checked_logits(network, split.x_test[:1], "x_test")
    largest = int(max(split.y_train.max(), split.y_test.max()))
    if largest >= n_classes:
        raise ValueError(f"labels must be in 0..{n_classes - 1}, the outputs of the network, got {largest}")
    return n_classes

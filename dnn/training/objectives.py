"""What is minimised, and how well a network does at it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from dnn.checks import split_of
from dnn.data import Split
from dnn.networks.mlp import batch_norm_mode, batch_norms, checked_logits
from dnn.observing.resting import at_rest
from dnn.training.config import TrainConfig

LOSS_FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": functional.cross_entropy,
    "mse": functional.mse_loss,
}


@torch.no_grad()
def evaluate(
    network: nn.Module, x: Tensor, y: Tensor, loss: str = "cross_entropy", target_scale: float = 1.0, chunk: int = 4096
) -> tuple[float, float]:
    r"""Mean loss, and accuracy or for real targets :math:`R^2`, in the mode the network is in.

    The samples pass `chunk` at a time; with batch statistics each chunk has its own. Losses as in :class:`TrainConfig`.
    :math:`R^2` is one minus the loss over the variance of `y` about its own mean, averaged over samples and columns;
    negative for what is worse than the mean.

    Raises
    ------
    ValueError
        For real `y` with another loss than "mse", that do not vary, or that are not of the network's shape.
    """
    total_loss = torch.zeros((), dtype=torch.float64, device=x.device)
    correct = torch.zeros((), dtype=torch.int64, device=x.device)
    for start, stop in _chunks(network, len(x), chunk):
        logits, labels = network(x[start:stop]), y[start:stop]
        targets = make_targets(labels, logits.shape[1], loss, target_scale, logits.dtype)
        total_loss += LOSS_FUNCTIONS[loss](logits, targets).double() * len(labels)
        if not is_real(y):
            correct += (logits.argmax(1) == labels).sum()
    mean_loss = total_loss.item() / len(x)
    return mean_loss, 1 - mean_loss / target_variance(y) if is_real(y) else correct.item() / len(x)


def _chunks(network: nn.Module, n: int, chunk: int) -> list[tuple[int, int]]:
    """Bounds of the chunks; a single sample left over has no statistics of its own and goes with those before it."""
    bounds = [(start, min(start + chunk, n)) for start in range(0, n, chunk)]
    if n > chunk > 1 and n % chunk == 1 and any(norm.training for norm in batch_norms(network)):
        bounds[-2:] = [(bounds[-2][0], n)]
    return bounds


def is_real(y: Tensor) -> bool:
    """Whether these are real targets of a regression, not classes."""
    return y.is_floating_point()


def score_name(y: Tensor) -> str:
    """What :func:`evaluate` puts beside the loss: "accuracy" for classes, "r2" for real targets."""
    return "r2" if is_real(y) else "accuracy"


def target_variance(y: Tensor, name: str = "y") -> float:
    """Variance of real targets (n,) or (n, k) about their mean, averaged over columns; `ValueError` if it is 0."""
    rows = y.double().reshape(len(y), -1)
    if (rows == rows[0]).all():
        raise ValueError(f"{name} must vary, or R2 is not defined, got the same target for all {len(y)} samples")
    return (rows - rows.mean(0)).square().mean().item()


def make_targets(labels: Tensor, n_classes: int, loss: str, scale: float, dtype: torch.dtype) -> Tensor:
    """What the loss compares logits with: the labels themselves, or for "mse" rows (n, K).

    These are scaled one-hot rows of classes, and real targets as they are.
    """
    if loss == "cross_entropy" and not is_real(labels):
        return labels
    if is_real(labels):
        rows = labels.reshape(len(labels), -1).to(dtype)
        if loss != "mse" or rows.shape[1] != n_classes:
            got = f"loss {loss!r}, targets {tuple(labels.shape)} and {n_classes} outputs"
            raise ValueError(f"real targets must have loss 'mse' and one column for every output, got {got}")
        if scale != 1:
            raise ValueError(f"target_scale must be 1 for real targets, got {scale:g}")
        return rows
    return scale * functional.one_hot(labels, n_classes).to(dtype)


def prepare(split: Split, config: TrainConfig) -> Split:
    """`split` on the device and in the dtype of `config`, without gradients, checked.

    Raises
    ------
    ValueError
        For what is no split, parts that are empty or of unequal length, inputs or real targets that are not finite,
        labels that are neither integers nor, under "mse", real targets that vary, parts of different kind or number of
        columns, or a batch larger than the training set.
    """
    given = split_of(split)
    split = Split(given.x_train, given.y_train, given.x_test, given.y_test)
    split = Split(*(part.detach() for part in split))
    for part in ("train", "test"):
        y = getattr(split, f"y_{part}")
        if config.loss == "mse" and is_real(y):
            _check_real(y, f"y_{part}", config)
        elif y.ndim != 1 or is_real(y) or y.min() < 0:
            hint = "" if config.loss == "mse" else " (real targets take loss='mse')" if is_real(y) else ""
            got = f"{y.dtype} of shape {tuple(y.shape)}{hint}"
            raise ValueError(f"y_{part} must be integers >= 0 of shape (n,), got {got}")
    if is_real(split.y_train) != is_real(split.y_test) or split.y_train.shape[1:] != split.y_test.shape[1:]:
        kinds = " and ".join(f"{y.dtype} of shape {tuple(y.shape)}" for y in (split.y_train, split.y_test))
        raise ValueError(f"y_train and y_test must be of one kind and number of columns, got {kinds}")
    if config.batch_size is not None and config.batch_size > len(split.x_train):
        raise ValueError(f"batch_size must be <= {len(split.x_train)}, got {config.batch_size}")
    tensors = (t.to(config.torch_device, config.torch_dtype if t.is_floating_point() else torch.int64) for t in split)
    return Split(*tensors)


def _check_real(y: Tensor, name: str, config: TrainConfig) -> None:
    if y.ndim not in (1, 2) or not y.shape[-1]:
        raise ValueError(f"{name} must be real targets of shape (n,) or (n, k), got {tuple(y.shape)}")
    target_variance(y[: config.record_samples], name)


@torch.no_grad()
@at_rest
def count_classes(network: nn.Module, split: Split) -> int:
    """Number of outputs of `network`; `ValueError` if it does not take the samples of `split`, or has too few.

    For real targets the number of outputs must be that of their columns.
    """
    with batch_norm_mode(network, "running"):
        n_classes = checked_logits(network, split.x_train[:1], "x_train").shape[1]
        checked_logits(network, split.x_test[:1], "x_test")
    if is_real(split.y_train):
        columns = split.y_train[:1].numel()
        if columns != n_classes:
            raise ValueError(
                f"y_train must have a column for every output of the network, got {columns} for {n_classes}"
            )
        return n_classes
    largest = int(max(split.y_train.max(), split.y_test.max()))
    if largest >= n_classes:
        raise ValueError(f"labels must be in 0..{n_classes - 1}, the outputs of the network, got {largest}")
    return n_classes


@torch.no_grad()
@at_rest
def refuse_lone_samples(network: nn.Module, split: Split, config: TrainConfig) -> None:
    """`ValueError` if a batch will hold a single sample, which batch norm has no statistics of.

    Asked before training: a last batch of that kind would stop the run at the end of the first epoch. Batch norm over
    the positions of an image has statistics even then, and norms that stay in eval mode need none.
    """
    n = len(split.x_train)
    size = config.batch_size or n
    steps_until_last = -(-n // size)
    if not (size == 1 or (n % size == 1 and config.n_steps >= steps_until_last)) or not batch_norms(network):
        return
    lone: list[bool] = []

    def look(norm, inputs):
        lone.append(inputs[0].numel() <= inputs[0].shape[1])  # a single value in every channel

    hooks = [norm.register_forward_pre_hook(look) for norm in _norms_in_training(network)]
    try:
        with batch_norm_mode(network, "running"):
            network(split.x_train[:1])
    finally:
        for hook in hooks:
            hook.remove()
    if any(lone):
        got = f"{n} training samples with batch_size {config.batch_size}"
        raise ValueError(
            f"batch_size must leave no batch of a single sample to batch norm, got {got}: "
            "take another batch_size, or a sample less or more"
        )


def _norms_in_training(network: nn.Module) -> list[nn.Module]:
    """Batch-norm layers that `network.train()` puts into training mode; all modes are as before."""
    modes = [(module, module.training) for module in network.modules()]
    network.train()
    norms: list[nn.Module] = [norm for norm in batch_norms(network) if norm.training]
    for module, mode in modes:
        module.training = mode
    return norms

"""How to train: one frozen record, shared by single networks and ensembles."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch

from toymodels.validation import choice, described, finite, fraction, non_negative, positive, positive_int

OPTIMISERS = ("sgd", "adam", "adamw")
LOSSES = ("cross_entropy", "mse")


def torch_device(name: str) -> torch.device:
    """The device called "auto" (a GPU if there is one), "cpu" or "cuda".

    Raises
    ------
    ValueError
        For another name, or a GPU that is not there.
    """
    choice("device", name, ("auto", "cpu", "cuda"))
    if name == "cuda" and not torch.cuda.is_available():
        raise ValueError("device must be auto or cpu where PyTorch sees no GPU, got 'cuda'")
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


@dataclass(frozen=True)
class TrainConfig:
    """Settings of :func:`dnn.train`.

    Parameters
    ----------
    n_steps : int
        Updates, not epochs.
    optimiser : {"sgd", "adam", "adamw"}
    lr : float
        Peak learning rate.
    weight_decay : float
        Added to the gradient for sgd and adam (coupled L2), decoupled for adamw.
    momentum : float in [0, 1)
        Of sgd; ignored by the others.
    betas : pair of floats
        Of adam and adamw.
    loss : {"cross_entropy", "mse"}
        "mse" is against one-hot targets times `target_scale`, averaged over samples and classes, without 1/2. If the
        labels are floats, (n,) or (n, k), they are the targets themselves.
    target_scale : float
        Target > 0 of the true class under "mse"; without effect on the cross-entropy, and 1 for real targets.
    batch_size : int or None
        Samples per step, drawn without replacement and reshuffled each epoch (the last batch of an epoch may be
        smaller, but with batch norm not a single sample); None is the whole training set in its order.
    schedule : {"constant", "cosine"}
        "cosine" falls to 0 at `n_steps`.
    warmup_steps : int
        Steps of linear rise to `lr`.
    clip_norm : float or None
        Largest gradient norm.
    records : int or sequence of int
        Number of log-spaced records besides step 0, or the steps themselves.
    record_samples : int or None
        Losses and scores of a record are those of the first so many samples of each part; None takes all.
    patience : int or None
        Stop after that many records without a better test accuracy (R2 for real targets), and return to the weights of
        the best record.
    dtype : {"float32", "float64"}
    device : {"auto", "cpu", "cuda"}
        "auto" takes a GPU if there is one.

    Raises
    ------
    ValueError
        For a setting out of range, or a GPU that is not there.

    Examples
    --------
    >>> config = TrainConfig(n_steps=1000, lr=1.0, warmup_steps=10, records=4)
    >>> config.record_steps
    (0, 1, 10, 100, 1000)
    >>> config.lr_at(0), config.lr_at(4), config.lr_at(500)  # a tenth, half and all of it
    (0.1, 0.5, 1.0)
    """

    n_steps: int
    optimiser: str = "adam"
    lr: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    loss: str = "cross_entropy"
    target_scale: float = 1.0
    batch_size: int | None = None
    schedule: str = "constant"
    warmup_steps: int = 0
    clip_norm: float | None = None
    records: int | tuple[int, ...] = 40
    record_samples: int | None = None
    patience: int | None = None
    dtype: str = "float32"
    device: str = "auto"

    def __post_init__(self):
        positive_int("n_steps", self.n_steps)
        choice("optimiser", self.optimiser, OPTIMISERS)
        positive("lr", self.lr)
        non_negative("weight_decay", self.weight_decay)
        if finite("betas", self.betas, ndim=1).shape != (2,):
            raise ValueError(f"betas must be a pair, got {described(self.betas)}")
        for name, value in (("momentum", self.momentum), *(("betas", beta) for beta in self.betas)):
            if fraction(name, value, closed=True) == 1:
                raise ValueError(f"{name} must be < 1, got 1")
        choice("loss", self.loss, LOSSES)
        positive("target_scale", self.target_scale)
        for name in ("batch_size", "record_samples", "patience"):
            if getattr(self, name) is not None:
                positive_int(name, getattr(self, name))
        choice("schedule", self.schedule, ("constant", "cosine"))
        positive_int("warmup_steps", self.warmup_steps, minimum=0)
        if self.clip_norm is not None:
            positive("clip_norm", self.clip_norm)
        log_spaced_steps(self.n_steps, self.records)
        choice("dtype", self.dtype, ("float32", "float64"))
        torch_device(self.device)

    @property
    def torch_dtype(self) -> torch.dtype:
        """`dtype` as PyTorch's own."""
        return getattr(torch, self.dtype)

    @property
    def torch_device(self) -> torch.device:
        """Where training runs, "auto" resolved."""
        return torch_device(self.device)

    @property
    def record_steps(self) -> tuple[int, ...]:
        """Sorted steps in 0..n_steps at which records are taken."""
        return log_spaced_steps(self.n_steps, self.records)

    @property
    def constant_lr(self) -> bool:
        """Whether every update has the same learning rate: no schedule and no warm-up."""
        return self.schedule == "constant" and self.warmup_steps == 0

    def lr_at(self, step: int) -> float:
        """Learning rate of the update after `step` updates."""
        positive_int("step", step, minimum=0)
        rise = min(1.0, (step + 1) / self.warmup_steps) if self.warmup_steps else 1.0
        if self.schedule == "constant":
            return self.lr * rise
        done = max(0, step - self.warmup_steps) / max(1, self.n_steps - self.warmup_steps)
        return self.lr * rise * 0.5 * (1 + math.cos(math.pi * done))


def log_spaced_steps(n_steps: int, records: int | Iterable[int]) -> tuple[int, ...]:
    """Sorted steps in 0 .. n_steps: `records` log-spaced ones and 0, or the given ones.

    Raises
    ------
    ValueError
        If `records` is no positive integer and no non-empty collection of steps in 0 .. n_steps.
    """
    if isinstance(records, int | np.integer):
        spaced = np.geomspace(1, n_steps, positive_int("records", records))
        return (0, *sorted({int(step) for step in np.rint(spaced)}))
    if not isinstance(records, Iterable):
        raise ValueError(f"records must be an integer or a collection of steps, got {described(records)}")
    steps = sorted({positive_int("records", step, minimum=0) for step in records})
    if not steps or steps[-1] > n_steps:
        raise ValueError(f"records must be steps in 0..{n_steps}, got {steps[-1] if steps else 'none'}")
    return tuple(steps)

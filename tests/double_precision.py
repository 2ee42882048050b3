"""Networks and digits in double precision, in which a few steps make no differences out of rounding."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache

import pytest
import torch

from dnn.data import Split, load
from dnn.training.config import TrainConfig


@contextmanager
def in_double_precision(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """While this lasts, networks are made and trained, and digits come, in double precision."""
    usual = torch.get_default_dtype()
    patch.setattr(TrainConfig, "torch_dtype", torch.float64)
    patch.setattr(torch.Tensor, "float", torch.Tensor.double)
    patch.setattr("dnn.data.load", first_digits())
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(usual)


@lru_cache
def _loaded(name: str) -> Split:
    return load(name)


def first_digits(n_train: int | None = None, n_test: int | None = None) -> Callable:
    """Stands in for :func:`dnn.data.load`: so many samples, in double precision."""

    def first(name="mnist", root=None):
        x_train, y_train, x_test, y_test = _loaded(name)
        parts = x_train[:n_train].double(), y_train[:n_train].clone(), x_test[:n_test].double(), y_test[:n_test].clone()
        return Split(*parts)

    return first

"""Checks of networks, samples and what is drawn from them; beside :mod:`toymodels.validation`, which checks numbers.

Each names the parameter, the constraint and the value got.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from toymodels.validation import described, generator, positive_int, unmasked

MOST_DRAWS = 10_000  # of noise, or of shuffled copies: the mean is then known to a hundredth of what one draw scatters
_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)  # for which torch lacks most operations
_NO_NUMBERS = (TypeError, ValueError, RuntimeError, OverflowError)  # what torch raises for them


def network_of(name: str, value: Any) -> nn.Module:
    """`value` if it is a torch module.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value
    """
    if not isinstance(value, nn.Module):
        raise ValueError(f"{name} must be a torch module, got {described(value)}")
    return value


def tensor_of(name: str, value: Any) -> Tensor:
    """`value` as a tensor (n, ...) of real numbers or bools; arrays and lists become one.

    Numbers of 8 bits with a point are read as float32, unsigned integers of 16 bits and more as int64, which torch
    knows better.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value : tensor, array or list
    """
    if isinstance(value, Tensor):
        tensor = value
    else:
        unmasked(name, value)
        try:
            tensor = torch.as_tensor(shareable(value))
        except _NO_NUMBERS:
            raise ValueError(f"{name} must be a tensor, got {described(value)}") from None
    if tensor.is_meta or tensor.is_nested or tensor.is_quantized or tensor.layout != torch.strided:
        words = ("meta", "nested", "quantized")
        kind = next((word for word in words if getattr(tensor, f"is_{word}")), "sparse")
        raise ValueError(f"{name} must be a dense tensor of numbers, got a {kind} one of {tensor.dtype}")
    if tensor.is_complex():
        raise ValueError(f"{name} must be real, got {described(tensor)}")
    tensor = _of_known_type(name, tensor)
    if not tensor.ndim:
        raise ValueError(f"{name} must be a tensor of samples, got {described(tensor)}")
    return tensor


def _of_known_type(name: str, tensor: Tensor) -> Tensor:
    if tensor.is_floating_point():
        return tensor.float() if tensor.element_size() == 1 else tensor
    if tensor.dtype not in _UNSIGNED:
        return tensor
    known = tensor.long()
    if known.numel() and tensor.dtype == torch.uint64 and known.min() < 0:
        raise ValueError(f"{name} must be < 2^63, got larger integers of {tensor.dtype}")
    return known


def shareable(value: Any) -> Any:
    """An array, or a list of arrays, as one array that torch reads: writable, without steps back, in native bytes.

    Parameters
    ----------
    value : Any
        What is no array comes back as it is.
    """
    if isinstance(value, list | tuple) and any(isinstance(part, np.ndarray) for part in value):
        value = np.array(value)
    if not isinstance(value, np.ndarray):
        return value
    value = value.astype(value.dtype.newbyteorder("="), copy=False)
    return value if value.flags.writeable and min(value.strides, default=0) >= 0 else value.copy()


def check_finite_values(name: str, values: Tensor) -> Tensor:
    """`values` if none is NaN or infinite; all are looked at only where their sum is not finite.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    values : tensor
    """
    if values.is_floating_point() and not torch.isfinite(values.sum()):
        inside = values[~torch.isfinite(values)]
        if inside.numel():
            raise ValueError(f"{name} must be finite, got {inside.flatten()[0].item()} among its entries")
    return values


def samples_for(network: nn.Module, x: Any, name: str = "x") -> Tensor:
    """Samples (n, ...), n > 0, finite, in the precision of a network if they are real.

    Parameters
    ----------
    network : Module
    x : tensor, array or list
    name : str
        Of the parameter, for the message.
    """
    tensor = tensor_of(name, x)
    if not tensor.numel():
        raise ValueError(f"{name} must hold at least one sample, got {described(tensor)}")
    own = next((p.dtype for p in network_of("network", network).parameters() if p.is_floating_point()), tensor.dtype)
    return check_finite_values(name, tensor.to(own) if tensor.is_floating_point() else tensor)


def bools(name: str, value: Any) -> np.ndarray:
    """`value` as an array of bools, none of them masked.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value : array or list
    """
    return np.asarray(unmasked(name, value), dtype=bool)


def draws_of(name: str, value: Any) -> int:
    """`value` as a number of draws, at most `MOST_DRAWS`.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value : int
    """
    if positive_int(name, value) > MOST_DRAWS:
        raise ValueError(f"{name} must be <= {MOST_DRAWS}, got {value}")
    return int(value)


def split_of(value: Any) -> Any:
    """`value` if it has the four parts of a :class:`dnn.data.Split`.

    Parameters
    ----------
    value : Split
    """
    if not all(hasattr(value, name) for name in ("x_train", "y_train", "x_test", "y_test")):
        raise ValueError(f"split must be a Split of x_train, y_train, x_test, y_test, got {described(value)}")
    return value


def random_of(name: str, value: np.random.Generator | None) -> np.random.Generator:
    """`value`, or a generator that always draws the same if it is None.

    Parameters
    ----------
    name : str
        Of the parameter, for the message.
    value : numpy Generator or None
    """
    return np.random.default_rng(0) if value is None else generator(name, value)

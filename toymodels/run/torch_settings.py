"""Settings of PyTorch that decide numbers in a whole process: they go to workers, and count for identities."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module

USUAL = {"default_dtype": "float32", "float32_matmul_precision": "highest"}


def torch_settings() -> dict[str, str]:
    """What is not as usual here, in words; nothing where PyTorch is not loaded, which loads with the usual.

    Examples
    --------
    >>> torch_settings()
    {}
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_float32_matmul_precision"):  # not there, or not yet
        return {}
    here = {
        "default_dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
    }
    return {name: value for name, value in here.items() if value != USUAL[name]}


def use_torch_settings(asked: Mapping[str, str]) -> None:
    """Compute as a process does whose :func:`torch_settings` these are."""
    if asked == torch_settings():
        return
    torch = import_module("torch")  # only where a process that has it asks, or it is loaded here
    wanted = {**USUAL, **asked}
    torch.set_default_dtype(getattr(torch, wanted["default_dtype"]))
    torch.set_float32_matmul_precision(wanted["float32_matmul_precision"])

"""Default precision of torch, which decides numbers in a whole process: it goes to workers and into identities."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

USUAL = {"default_dtype": "float32"}
_BEFORE: dict[str, Any] = {}  # what a worker had before it was asked for another


def torch_settings() -> dict[str, str]:
    """What is not as usual here, in words; nothing where PyTorch is not loaded, which loads with the usual.

    Examples
    --------
    >>> torch_settings()
    {}
    """
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_default_dtype"):  # not there, or not yet
        return {}
    here = {"default_dtype": str(torch.get_default_dtype()).removeprefix("torch.")}
    return {name: value for name, value in here.items() if value != USUAL[name]}


def use_torch_settings(asked: Mapping[str, str]) -> None:
    """Compute as a process does whose :func:`torch_settings` these are.

    Where nothing is asked, what was there before anything was comes back, and what the modules of this process
    have set themselves stays.
    """
    if not asked and not _BEFORE:
        return
    torch = import_module("torch")  # only where a process that has it asks, or has asked
    if not asked:
        torch.set_default_dtype(_BEFORE.pop("default_dtype"))
        return
    _BEFORE.setdefault("default_dtype", torch.get_default_dtype())
    torch.set_default_dtype(getattr(torch, asked["default_dtype"]))

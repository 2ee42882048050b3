"""Graphs of what modules do, by symbolic tracing; layers and their norms stay whole."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn

from dnn.observing.taps import undisturbed

_HOOKS = [
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
]


@dataclass
class Graph:
    """Operations of a module, and who called its parts.

    Parameters
    ----------
    root : Module
    graph : torch.fx.Graph
    calls : list of (module, tuple of modules)
        Every call of a part, with the modules it was made in, the outermost first.
    """

    root: nn.Module
    graph: fx.Graph
    calls: list[tuple[nn.Module, tuple[nn.Module, ...]]] = field(default_factory=list)


class TracingError(Exception):
    """A module does not show its operations."""


def keeps_forward(module: nn.Module) -> bool:
    """Whether a module computes what PyTorch's class of it does.

    Parameters
    ----------
    module : Module
    """
    owner = next(kind for kind in type(module).__mro__ if "forward" in vars(kind))
    return owner.__module__.startswith("torch.nn.") and "forward" not in vars(module)


def trace(root: nn.Module, unit_layer: nn.Module) -> Graph:
    """The operations of `root`, with as much of its inside as can be seen.

    Optional arguments of `forward` are taken at their defaults. Where the whole cannot be traced, parts that do not
    hold `unit_layer` are taken as single operations.

    Parameters
    ----------
    root : Module
        Without hooks.
    unit_layer : Module
        Whose ancestors are always looked into.

    Raises
    ------
    TracingError
        If operations depend on values, or for whatever else stops the tracing.
    """
    around = {id(part) for part in root.modules() if any(inner is unit_layer for inner in part.modules())}

    def coarse(part: nn.Module) -> bool:
        return _is_whole(part) or id(part) not in around

    reason: Exception | None = None
    for is_whole in (_is_whole, coarse):
        for defaults in (_defaults(root), None):
            tracer = _Tracer(is_whole)
            try:
                with undisturbed(root), torch.no_grad():
                    graph = tracer.trace(root, concrete_args=defaults)
            except Exception as error:  # whatever the user's forward does with a symbolic input
                reason = reason or error
            else:
                return Graph(root, graph, tracer.calls)
    raise TracingError(f"{type(root).__name__} cannot be traced: {reason}") from reason


@contextmanager
def silent(*modules: nn.Module) -> Iterator[None]:
    """Without the hooks of any part of these modules, which are theirs again afterwards.

    Parameters
    ----------
    *modules : Module
    """
    before: list[tuple[dict, Any]] = []
    for part in {part for module in modules for part in module.modules()}:
        before += [(vars(part)[name], vars(part)[name].copy()) for name in _HOOKS if name in vars(part)]
    try:
        for hooks, _ in before:
            hooks.clear()
        yield
    finally:
        for hooks, kept in before:
            hooks.update(kept)


class _Tracer(fx.Tracer):
    def __init__(self, is_whole: Callable[[nn.Module], bool]):
        super().__init__()
        self.is_whole = is_whole
        self.calls: list[tuple[nn.Module, tuple[nn.Module, ...]]] = []
        self.open: list[nn.Module] = []

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return self.is_whole(m)

    def call_module(self, m, forward, args, kwargs):
        self.calls.append((m, (self.root, *self.open)))
        self.open.append(m)
        try:
            return super().call_module(m, forward, args, kwargs)
        finally:
            self.open.pop()


def _is_whole(part: nn.Module) -> bool:
    """Whether a part is one operation: attention, or a module of PyTorch without parts of its own."""
    return isinstance(part, nn.MultiheadAttention) or (keeps_forward(part) and not list(part.children()))


def _defaults(root: nn.Module) -> dict[str, Any] | None:
    parameters = inspect.signature(root.forward).parameters.values()
    return {each.name: each.default for each in parameters if each.default is not inspect.Parameter.empty} or None

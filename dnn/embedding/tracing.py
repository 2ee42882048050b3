"""Graphs of what modules do, by symbolic tracing; layers and their norms stay whole."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import fx, nn

from dnn.observing.resting import undisturbed

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

    Optional arguments of `forward` are taken at their defaults. Parts that cannot be traced are taken as single
    operations, but for those that hold `unit_layer`.

    Parameters
    ----------
    root : Module
        Without hooks.
    unit_layer : Module

    Raises
    ------
    TracingError
        If operations depend on values, or for whatever else stops the tracing.
    """
    reason: Exception | None = None
    if "forward" in vars(root):
        raise TracingError(f"{type(root).__name__} has a forward of its own, beside that of its class")
    for optional in (False, True):
        tracer = _Tracer(unit_layer, optional)
        try:
            with undisturbed(root), torch.no_grad():
                graph = tracer.trace(root)
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
    """Symbolic tracer that notes who calls whom, with optional arguments at their defaults or symbolic too."""

    def __init__(self, unit_layer: nn.Module, optional: bool):
        super().__init__()
        self.unit_layer, self.optional = unit_layer, optional
        self.calls: list[tuple[nn.Module, tuple[nn.Module, ...]]] = []
        self.open: list[nn.Module] = []

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return _is_whole(m)

    def create_args_for_root(self, root_fn, is_module, concrete_args=None):
        if self.optional:
            return super().create_args_for_root(root_fn, is_module, concrete_args)
        needed = [each.name for each in _parameters(self.root) if each.default is inspect.Parameter.empty]
        given = {name: self.create_proxy("placeholder", name, (), {}) for name in needed}
        return (lambda root: root_fn(root, **given)), [self.root]

    def call_module(self, m, forward, args, kwargs):
        self.calls.append((m, (self.root, *self.open)))
        self.open.append(m)
        before, noted, depth = set(self.graph.nodes), len(self.calls), len(self.module_stack)
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            while len(self.module_stack) > depth:  # which torch leaves on it when a part fails
                self.module_stack.popitem()
            if any(part is self.unit_layer for part in m.modules()):
                raise
            del self.calls[noted:]
            self._forget(before)
            return self.create_proxy("call_module", self.path_of_module(m), args, kwargs)
        finally:
            self.open.pop()

    def _forget(self, kept: set[fx.Node]) -> None:
        """Take back the operations of a part that failed; weights that were read stay known to the tracer."""
        for node in reversed(list(self.graph.nodes)):
            if node not in kept and node.op != "get_attr":
                self.graph.erase_node(node)


def _is_whole(part: nn.Module) -> bool:
    """Whether a part is one operation: attention, or a module of PyTorch without parts of its own."""
    return isinstance(part, nn.MultiheadAttention) or (keeps_forward(part) and not list(part.children()))


def _parameters(root: nn.Module) -> list[inspect.Parameter]:
    """What `forward` takes by name."""
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [each for each in inspect.signature(root.forward).parameters.values() if each.kind in named]

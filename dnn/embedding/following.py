"""Who consumes the units of a layer: the smallest part of a module that they do not leave, and who else uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import torch
from torch import nn

from dnn.embedding.tracing import TracingError, trace
from dnn.embedding.walking import LeavesError, LostError, Route, Walk


def follow(module: nn.Module, layer: nn.Module, name: str) -> Route:
    """The way of a layer's units, seen in the smallest part of `module` that they do not leave.

    Parameters
    ----------
    module : Module
        Without hooks.
    layer : Linear or convolution
        One of its parts.
    name : str
        Of the layer, for error messages.

    Raises
    ------
    ValueError
        If units leave the module, meet other values, or pass an operation that is not known; with the reason.
    """
    reason = "it is no part of a module that consumes its units"
    for scope in _scopes(module, layer):
        try:
            graph = trace(scope, layer)
        except TracingError as error:
            reason = str(error)
            continue
        try:
            route = Walk(graph, layer).route()
        except LeavesError as error:
            reason = str(error)
            continue
        except LostError as error:
            _refuse(name, str(error))
        if all(_is_inside(module, scope, part) for part in route.touched):
            _check_outside(module, scope, route, name)
            return route
        reason = f"it or its consumer is also used outside of {type(scope).__name__}"
    _refuse(name, reason)


def _places(module: nn.Module, part: nn.Module) -> list[str]:
    """All names of a part, which may have several."""
    return [name for name, other in module.named_modules(remove_duplicate=False) if other is part]


def _scopes(module: nn.Module, layer: nn.Module) -> Iterator[nn.Module]:
    """Modules that hold the layer and can be called, the smallest first, the whole last."""
    name = _places(module, layer)[0]
    while name:
        name = name.rpartition(".")[0]
        scope = module.get_submodule(name)
        if not isinstance(scope, nn.ModuleList | nn.ModuleDict):
            yield scope


def _is_inside(module: nn.Module, scope: nn.Module, part: nn.Module) -> bool:
    inside = [name for name, other in scope.named_modules(remove_duplicate=False) if other is part]
    return len(_places(module, part)) == len(inside) * len(_places(module, scope))


def _check_outside(module: nn.Module, scope: nn.Module, route: Route, name: str) -> None:
    """Refuse parts that others reach into: by a call from outside, or by reading their parameters."""
    _check_tied(module, route, name)
    for root in {id(scope): scope, id(module): module}.values():
        try:
            graph = trace(root, route.layer)
        except TracingError:
            return  # what is called from outside cannot be seen
        touched = {id(part): part for part in route.touched}
        for part, within in graph.calls:
            if id(part) in touched and not any(outer is scope for outer in within):
                _refuse(name, f"{type(part).__name__} is also used outside of {type(scope).__name__} (tied)")
        held = {id(parameter) for part in route.touched for parameter in part.parameters()}
        for node in graph.graph.nodes:
            if node.op == "get_attr" and node.users and id(_attribute(root, str(node.target))) in held:
                _refuse(name, f"{node.target} is also read by itself (tied)")


def _check_tied(module: nn.Module, route: Route, name: str) -> None:
    """Refuse parameters that several modules hold."""
    held: dict[int, int] = {}
    for part in module.modules():
        for parameter in part._parameters.values():
            held[id(parameter)] = held.get(id(parameter), 0) + (parameter is not None)
    for part in route.touched:
        for key, parameter in part._parameters.items():
            if parameter is not None and held[id(parameter)] > 1:
                _refuse(name, f"{key} of {type(part).__name__} is also that of another module (tied)")


def _attribute(root: nn.Module, path: str) -> torch.Tensor | None:
    owner, _, key = path.rpartition(".")
    return getattr(root.get_submodule(owner), key, None)


def _refuse(name: str, reason: str) -> NoReturn:
    raise ValueError(f"layer must have units that can be followed to their consumer, got {name!r}: {reason}")

"""The way of every unit of a layer through the operations of a traced module."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch import fx, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from dnn.embedding import responses
from dnn.embedding.responses import IDENTITY, PLAIN, Response
from dnn.embedding.tracing import Graph, keeps_forward

_ARITHMETIC = {"add", "sub", "mul", "truediv", "div"}


@dataclass(frozen=True)
class Consumer:
    """A layer that takes the units in.

    Parameters
    ----------
    module : Linear or convolution
    layout : {"last", "channels", "blocks", "interleaved"}
        Where the units are in what it is given: on the last axis, on axis 1, in blocks of one unit's positions (a
        flattened convolution), or in blocks of one position's units.
    response : Response
        How a unit's field reaches it.
    """

    module: nn.Module
    layout: str
    response: Response


@dataclass(frozen=True)
class Route:
    """Everything that belongs to the units of a layer.

    Parameters
    ----------
    layer : Linear or convolution
    folded : Module or None
        Batch norm with running statistics that alone reads the layer's fields: an affine map of each.
    attached : tuple of Module
        All others on the way that have parameters for every unit.
    consumers : tuple of Consumer
    """

    layer: nn.Module
    folded: _BatchNorm | None
    attached: tuple[nn.Module, ...]
    consumers: tuple[Consumer, ...]

    @property
    def touched(self) -> tuple[nn.Module, ...]:
        """All modules whose parameters change with the number of units."""
        folded = () if self.folded is None else (self.folded,)
        return (self.layer, *folded, *self.attached, *(consumer.module for consumer in self.consumers))


@dataclass(frozen=True)
class _Reached:
    """Units in the result of an operation."""

    layout: str
    response: Response


def units_of(layer: nn.Module) -> int:
    """Number of units of a linear layer or a convolution.

    Parameters
    ----------
    layer : Linear or convolution
    """
    return int(layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels)  # pyright: ignore


class LeavesError(Exception):
    """Units are part of what the scope returns."""


class LostError(Exception):
    """Units pass an operation that cannot be followed."""


class Walk:
    """Units of a layer through a graph, operation by operation.

    Parameters
    ----------
    graph : Graph
    layer : Linear or convolution
    """

    def __init__(self, graph: Graph, layer: nn.Module):
        self.graph, self.layer = graph, layer
        self.parts = dict(graph.root.named_modules(remove_duplicate=False))
        self.units = units_of(layer)
        self.start: fx.Node | None = None
        self.reached: dict[fx.Node, _Reached] = {}
        self.sizes: set[fx.Node] = set()  # shapes of tensors that hold units
        self.samples: set[fx.Node] = set()  # numbers of samples
        self.folded: _BatchNorm | None = None
        self.attached: list[nn.Module] = []
        self.consumers: list[Consumer] = []

    def route(self) -> Route:
        """All that belongs to the units.

        Raises
        ------
        LeavesError
            If they are part of what the traced module returns.
        LostError
            If an operation on the way cannot be followed, with the reason.
        """
        for node in self.graph.graph.nodes:
            self._visit(node)
        if self.start is None:
            raise LeavesError(f"{type(self.graph.root).__name__} does not call it")
        if not self.consumers:
            raise LostError("no layer consumes its units")
        self._check_single_use()
        attached = tuple(part for part in self.attached if part is not self.folded)
        return Route(self.layer, self.folded, attached, tuple(self.consumers))

    def _visit(self, node: fx.Node) -> None:
        sources = [source for source in node.all_input_nodes if source in self.reached]
        if node.op == "call_module" and self.parts[str(node.target)] is self.layer:
            self._begin(node, bool(sources))
        elif any(source in self.sizes for source in node.all_input_nodes):
            self._read_shape(node)
        elif not sources:
            return
        elif node.op == "output":
            raise LeavesError(f"its units are part of what {type(self.graph.root).__name__} puts out")
        elif node.op == "call_module":
            self._pass_module(node, self.parts[str(node.target)])
        else:
            self._pass_call(node, sources)

    def _begin(self, node: fx.Node, again: bool) -> None:
        if self.start is not None or again:
            raise LostError("it is used more than once (tied)")
        self.start = node
        self.reached[node] = _Reached("last" if isinstance(self.layer, nn.Linear) else "channels", IDENTITY)

    def _read_shape(self, node: fx.Node) -> None:
        if _name(node) == "getitem" and node.args[1] == 0:
            self.samples.add(node)
        else:
            raise LostError("the shape of its units is read, beyond the number of samples")

    def _pass_module(self, node: fx.Node, part: nn.Module) -> None:
        name = type(part).__name__
        if len(node.all_input_nodes) > 1 or node.args[:1] != tuple(node.all_input_nodes):
            raise LostError(f"units go into {name} together with other values")
        units = self.reached[node.all_input_nodes[0]]
        if not keeps_forward(part):
            raise LostError(f"units go into {name}, which is not followed")
        if isinstance(part, nn.Linear | _ConvNd):
            self._consume(part, units)
            return
        if isinstance(part, nn.Flatten):
            self.reached[node] = self._flattened(units, part.start_dim, part.end_dim)
            return
        response = self._norm(node, part) if isinstance(part, _BatchNorm | nn.PReLU) else None
        response = response or responses.of_module(part)
        if response is None and units.layout == "channels":
            response = responses.of_pooling(part)
        if response is None:
            raise LostError(f"units go into {name}, which mixes them or is not known")
        self.reached[node] = _Reached(units.layout, response.after(units.response))

    def _norm(self, node: fx.Node, part: _BatchNorm | nn.PReLU) -> Response | None:
        """Of a module with parameters for every unit, which it must have in the axis of units."""
        size = part.num_parameters if isinstance(part, nn.PReLU) else part.num_features
        if isinstance(part, nn.PReLU) and size == 1:
            return None
        if size != self.units:
            raise LostError(f"units go into {type(part).__name__} of {size} for {self.units} units")
        self.attached.append(part)
        if isinstance(part, nn.PReLU):
            return None
        if self._is_only_reader(node) and part.running_var is not None:
            self.folded = part
            return IDENTITY
        return Response(False, 0, _steepest(part))

    def _consume(self, part: nn.Module, units: _Reached) -> None:
        name = type(part).__name__
        if isinstance(part, _ConvTransposeNd) or (isinstance(part, _ConvNd) and part.groups != 1):
            raise LostError(f"units go into a transposed or grouped {name}")
        taken = int(part.in_features if isinstance(part, nn.Linear) else part.in_channels)  # pyright: ignore
        flat = units.layout in ("blocks", "interleaved")
        if isinstance(part, nn.Linear) == (units.layout == "channels") or taken % self.units:
            raise LostError(f"{name} reads another axis than that of units")
        if not flat and taken != self.units:
            raise LostError(f"{name} reads {taken} values for {self.units} units")
        self.consumers.append(Consumer(part, units.layout, units.response))

    def _flattened(self, units: _Reached, start: Any, end: Any) -> _Reached:
        if start != 1 or end != -1:
            raise LostError(f"units are flattened from axis {start} to {end}; only 1 to -1 is followed")
        layout = {"channels": "blocks", "last": "interleaved"}.get(units.layout, units.layout)
        return _Reached(layout, units.response)

    def _pass_call(self, node: fx.Node, sources: list[fx.Node]) -> None:
        name, units = _name(node), self.reached[sources[0]]
        rest = node.args[1:]
        if name == "size" and rest == (0,):
            self.samples.add(node)
        elif (name == "size" and not rest) or (name == "getattr" and rest == ("shape",)):
            self.sizes.add(node)
        elif name in _ARITHMETIC:
            self.reached[node] = self._combined(node, name)
        elif name in ("view", "reshape"):
            self.reached[node] = self._viewed(units, rest)
        elif any(source is not sources[0] for source in node.all_input_nodes):
            raise LostError(f"units meet other values in {name}")
        elif name == "flatten":
            ends = (*rest, *node.kwargs.values())
            self.reached[node] = self._flattened(units, *(ends or (0,)), *((-1,) if len(ends) < 2 else ()))
        elif name == "mean" and units.layout == "channels":
            self.reached[node] = self._averaged(node, units)
        else:
            self.reached[node] = self._responded(node, name, units)

    def _responded(self, node: fx.Node, name: str, units: _Reached) -> _Reached:
        rest, options = node.args[1:], dict(node.kwargs)
        response = responses.of_call(name, rest, options)
        if response is None and units.layout == "channels":
            response = responses.of_pooling_call(name, rest, options)
        if response is None:
            raise LostError(f"units go into {name}, which mixes them or is not known")
        return _Reached(units.layout, response.after(units.response))

    def _viewed(self, units: _Reached, shape: tuple) -> _Reached:
        if len(shape) == 1 and isinstance(shape[0], tuple | list):
            shape = tuple(shape[0])
        if len(shape) != 2 or shape[0] not in self.samples or shape[1] != -1:
            raise LostError("units are given a shape other than (samples, -1): it would not hold another number")
        return self._flattened(units, 1, -1)

    def _averaged(self, node: fx.Node, units: _Reached) -> _Reached:
        """The mean of every channel over all its positions."""
        options = dict(zip(("dim", "keepdim"), node.args[1:], strict=False)) | node.kwargs
        ndim = 2 + len(self.layer.kernel_size)  # pyright: ignore
        given = options.get("dim")
        axes = given if isinstance(given, tuple | list) else (given,)
        if {axis % ndim if isinstance(axis, int) else None for axis in axes} != set(range(2, ndim)):
            raise LostError(f"units are averaged over axes {axes}; only all positions are followed")
        return _Reached("channels" if options.get("keepdim") else "blocks", units.response)

    def _combined(self, node: fx.Node, name: str) -> _Reached:
        """Sum or product of two results of the same units, or with a number."""
        first, second = node.args[:2]
        if node.kwargs:
            raise LostError(f"units go into {name} with options")
        if isinstance(first, fx.Node) and isinstance(second, fx.Node):
            if first not in self.reached or second not in self.reached:
                joined = "joined by a residual connection" if name in ("add", "sub") else "gated by other values"
                raise LostError(f"its units are {joined} ({name})")
            one, two = self.reached[first], self.reached[second]
            if one.layout != two.layout:
                raise LostError(f"units meet themselves in another order in {name}")
            joined = one.response.plus if name in ("add", "sub") else one.response.times
            return _Reached(one.layout, joined(two.response))
        units = self.reached[first if isinstance(first, fx.Node) else second]  # pyright: ignore
        number = second if isinstance(first, fx.Node) else first
        if not isinstance(number, int | float):
            raise LostError(f"units meet other values in {name}")
        return _Reached(units.layout, _with_number(name, number, isinstance(first, fx.Node)).after(units.response))

    def _check_single_use(self) -> None:
        touched = [*self.attached, *(consumer.module for consumer in self.consumers)]
        called = [self.parts[str(node.target)] for node in self.graph.graph.nodes if node.op == "call_module"]
        for part in touched:
            if sum(part in other.modules() for other in called) > 1:
                raise LostError(f"the {type(part).__name__} that its units go into is used more than once (tied)")

    def _is_only_reader(self, node: fx.Node) -> bool:
        """Whether an operation alone reads the fields of the layer; others may read their shape."""
        assert self.start is not None
        return all(user is node or _name(user) in ("size", "getattr") for user in self.start.users)


def _with_number(name: str, number: float, units_first: bool) -> Response:
    if name == "mul":
        return responses.scaling(number)
    if name in ("truediv", "div"):
        return responses.scaling(1 / number) if units_first and number else PLAIN
    shifted = Response(False, 0, 1.0)
    return IDENTITY if number == 0 else shifted


def _steepest(norm: _BatchNorm) -> float:
    """Largest gain of a batch norm with running statistics; `inf` for one that has none."""
    if norm.running_var is None:
        return math.inf
    gain = (norm.running_var.double() + norm.eps).rsqrt()
    gain = gain if norm.weight is None else gain * norm.weight.detach().double().abs()
    return float(gain.max())


def _name(node: fx.Node) -> str:
    target: Any = node.target
    name = target if isinstance(target, str) else getattr(target, "__name__", str(target))
    return name.rstrip("_")

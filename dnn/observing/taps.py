"""Taps: what every layer of a module puts out in a forward pass, kept safe from what happens to it afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from dnn.observing.layers import Layer, layers_of, unwrapped
from dnn.observing.resting import slow_attention


@dataclass
class Tap:
    """What the layers of a module put out in the forward passes since it was opened, or since :meth:`clear`.

    Parameters
    ----------
    layers : list of Layer
        That are tapped.
    with_graph : bool
        Whether fields keep their place in the graph, so that the output can be differentiated by them.
    """

    layers: list[Layer]
    with_graph: bool = False
    raw: dict[str, Tensor] = field(default_factory=dict)
    owners: dict[str, Layer] = field(default_factory=dict)
    inputs: dict[str, Tensor] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, Tensor]:
        """Name -> (n, neurons) or (n, positions, neurons) in float32 or better, one a layer and call.

        A layer that is called again in the same pass (tied weights) gives "name#2".
        """
        return {name: in_full(self.owners[name].arranged(raw)) for name, raw in self.raw.items()}

    def clear(self) -> None:
        """Forget all fields, before the next forward pass."""
        self.raw.clear()
        self.owners.clear()
        self.inputs.clear()


def in_full(values: Tensor) -> Tensor:
    """Half precision as float32; all else as it is.

    Parameters
    ----------
    values : tensor
    """
    return values.float() if values.dtype in (torch.bfloat16, torch.float16) else values


@contextlib.contextmanager
def tap(module: nn.Module, layers: str = "*", *, with_graph: bool = False, others: bool = False) -> Iterator[Tap]:
    """Listen to the layers of any module; nothing in it is changed, and all hooks are gone afterwards.

    Parameters
    ----------
    module : Module
        Any; wrappers (`torch.compile`, DataParallel) are looked through, so call the inner module or the wrapper.
    layers : str
        Which weight-bearing layers, as of a shell: "*", "blocks.*".
    with_graph : bool
        Keep the fields in the graph instead of detached copies.
    others : bool
        Whether `.owners` and `.inputs` have the layers that do not fit as well, in their places.

    Yields
    ------
    Tap
        After a forward pass, `.fields["name"]` is (n, neurons) or (n, positions, neurons): a copy, before the
        activation, also if that is done in place.

    Raises
    ------
    ValueError
        If no weight-bearing layer fits.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    >>> with tap(network) as listening:
    ...     _ = network(torch.zeros(5, 3))
    >>> {name: tuple(values.shape) for name, values in listening.fields.items()}
    {'0': (5, 4), '2': (5, 2)}
    """
    tapped = Tap(layers_of(unwrapped(module), layers), with_graph)
    fitting = {layer.module for layer in tapped.layers}
    rest = [layer for layer in layers_of(unwrapped(module)) if layer.module not in fitting] if others else []
    with contextlib.ExitStack() as stack:
        stack.enter_context(slow_attention())
        for layer, make in (*((layer, _hook) for layer in tapped.layers), *((layer, _note) for layer in rest)):
            handle = layer.module.register_forward_hook(make(tapped, layer), with_kwargs=True)
            stack.callback(handle.remove)
        yield tapped


def _note(tapped: Tap, layer: Layer):
    """Only that a layer ran, and what it took in."""

    def hook(module, args, kwargs, output):
        count = sum(owner is layer for owner in tapped.owners.values())
        _keep_call(tapped, layer, f"{layer.name}#{count + 1}" if count else layer.name, args)

    return hook


def _keep_call(tapped: Tap, layer: Layer, name: str, args: tuple) -> None:
    tapped.owners[name] = layer
    if args and isinstance(args[0], Tensor):
        tapped.inputs[name] = args[0] if tapped.with_graph else args[0].detach().clone()


def _hook(tapped: Tap, layer: Layer):
    def hook(module, args, kwargs, output):
        count = sum(owner is layer for owner in tapped.owners.values())
        parts = layer.fields(args, kwargs, output)
        call = count // len(parts)
        for part, values in parts.items():
            name = f"{layer.name}{part}" + (f"#{call + 1}" if call else "")
            tapped.raw[name] = values if tapped.with_graph else values.detach().clone()
            _keep_call(tapped, layer, name, args if part == "" else ())
        # what goes on is a copy, so that an activation done in place leaves the field alone
        if isinstance(output, tuple):
            return (output[0].clone(), *output[1:]) if isinstance(output[0], Tensor) else output
        return output.clone() if isinstance(output, Tensor) else output

    return hook

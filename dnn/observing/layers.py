"""What every weight-bearing module is to an observer: where its neurons are, and what their weights are.

A *field* is what a weight-bearing module puts out, before any activation. Its neurons lie on the last axis of a linear
layer (also on sequences), on axis 1 of a convolution, on the columns of an embedding; recurrent layers have their
hidden units, attention its queries, keys, values and output.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from dnn.checks import network_of
from toymodels.validation import text

NORMS = (nn.LayerNorm, nn.GroupNorm, _BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.RMSNorm)
WEIGHTED = (nn.Linear, nn.Bilinear, _ConvNd, nn.Embedding, nn.EmbeddingBag, nn.MultiheadAttention, nn.RNNBase)
GATES = {"LSTM": ("input", "forget", "cell", "output"), "GRU": ("reset", "update", "new")}


@dataclass(frozen=True)
class Layer:
    """A weight-bearing module at its place.

    Parameters
    ----------
    name : str
        As in `named_modules`; the class name, for a module that is one layer.
    module : Module
    """

    name: str
    module: nn.Module

    @property
    def is_norm(self) -> bool:
        """Whether it rescales neurons and has none of its own."""
        return isinstance(self.module, NORMS)

    def fields(self, args: tuple, kwargs: dict, output) -> dict[str, Tensor]:
        """What the neurons of a call put out, by part ("" or "/queries"), in the module's own shape.

        Parameters
        ----------
        args, kwargs, output
            Of the call.
        """
        module = self.module
        if isinstance(module, nn.MultiheadAttention):
            return _projections(module, args, kwargs) | {"": output[0]}
        field = output[0] if isinstance(module, nn.RNNBase) else output
        if isinstance(field, nn.utils.rnn.PackedSequence):
            raise ValueError(f"{self.name} must put out padded sequences to be observed, got packed ones")
        return {"": field}

    def arranged(self, field: Tensor) -> Tensor:
        """A field, or its gradient, as (n, neurons) or (n, positions, neurons).

        Parameters
        ----------
        field : tensor
            In the module's own shape.
        """
        module = self.module
        if isinstance(module, nn.MultiheadAttention | nn.RNNBase) and not module.batch_first and field.ndim == 3:
            field = field.transpose(0, 1)
        channels = isinstance(module, _ConvNd | nn.GroupNorm | _BatchNorm | nn.modules.instancenorm._InstanceNorm)
        if channels and field.ndim > 2:
            field = field.movedim(1, -1)
        return field.flatten(1, -2) if field.ndim > 2 else field

    def weights(self) -> dict[str, Tensor]:
        """Incoming weights of every neuron with its bias as last entry, by part: rows (neurons, inputs).

        Empty for norms, whose neurons have no incoming weights, and for embeddings, whose rows are samples.
        """
        module = self.module
        if self.is_norm or isinstance(module, nn.Embedding | nn.EmbeddingBag):
            return {}
        if isinstance(module, nn.MultiheadAttention):
            return _attention_rows(module)
        if isinstance(module, nn.RNNBase):
            return dict(_recurrent_rows(module))
        weight = module.get_parameter("weight") if "weight" in dict(module.named_parameters()) else module.weight
        assert isinstance(weight, Tensor)
        if isinstance(module, _ConvTransposeNd):  # (inputs, outputs of a group, ...)
            weight = weight.unflatten(0, (module.groups, -1)).transpose(1, 2).flatten(0, 1)
        return {"": _with_bias(weight.flatten(1), getattr(module, "bias", None))}


def layers_of(module: nn.Module, pattern: str = "*") -> list[Layer]:
    """Every weight-bearing layer of a module whose name fits, once, in the order in which they were made.

    Parameters
    ----------
    module : Module
    pattern : str
        As of a shell: "*", "blocks.*", "head".

    Raises
    ------
    ValueError
        If none fits.
    """
    text("layers", pattern)
    listed = list(_walk(module, ""))
    layers: dict[nn.Module, Layer] = {}
    for layer in listed:
        if fnmatch.fnmatchcase(layer.name, pattern):
            layers.setdefault(layer.module, layer)
    if not layers:
        known = ", ".join(layer.name for layer in listed) or "none at all"
        raise ValueError(f"layers must fit a weight-bearing layer ({known}), got {pattern!r}")
    return list(layers.values())


def _walk(module: nn.Module, name: str) -> Iterator[Layer]:
    if isinstance(module, WEIGHTED + NORMS):
        if next(module.parameters(), None) is not None:
            yield Layer(name or type(module).__name__, module)
        return  # the parts of an attention layer are never called
    for key, child in module.named_children():
        yield from _walk(child, f"{name}.{key}" if name else key)


def unwrapped(module: nn.Module) -> nn.Module:
    """The module inside `torch.compile`, DataParallel and DistributedDataParallel, whose names are its own.

    Parameters
    ----------
    module : Module

    Raises
    ------
    ValueError
        For what is no module.
    """
    network_of("module", module)
    while True:
        inner = getattr(module, "_orig_mod", None)
        if inner is None and isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel):
            inner = module.module
        if not isinstance(inner, nn.Module):
            return module
        module = inner


def _with_bias(rows: Tensor, bias: Tensor | None) -> Tensor:
    return rows if bias is None else torch.cat([rows, bias[:, None].to(rows.dtype)], dim=1)


def _attention_parts(module: nn.MultiheadAttention) -> list[tuple[str, Tensor, Tensor | None]]:
    """Name, weight and bias of the projections onto queries, keys and values."""
    biases = [None] * 3 if module.in_proj_bias is None else list(module.in_proj_bias.chunk(3))
    if module.in_proj_weight is not None:
        weights = list(module.in_proj_weight.chunk(3))
    else:
        weights = [module.q_proj_weight, module.k_proj_weight, module.v_proj_weight]
    return list(zip(("queries", "keys", "values"), weights, biases, strict=True))


def _projections(module: nn.MultiheadAttention, args: tuple, kwargs: dict) -> dict[str, Tensor]:
    given = dict(zip(("query", "key", "value"), args, strict=False)) | kwargs
    inputs = (given["query"], given["key"], given["value"])
    parts = zip(_attention_parts(module), inputs, strict=True)
    return {f"/{name}": nn.functional.linear(x, weight, bias) for (name, weight, bias), x in parts}


def _attention_rows(module: nn.MultiheadAttention) -> dict[str, Tensor]:
    """Rows of every head's queries, keys and values, and of the output."""
    rows: dict[str, Tensor] = {}
    for name, weight, bias in _attention_parts(module):
        for head, part in enumerate(_with_bias(weight, bias).chunk(module.num_heads)):
            rows[f"/{name}.{head}"] = part
    return rows | {"": _with_bias(module.out_proj.weight, module.out_proj.bias)}


def _recurrent_rows(module: nn.RNNBase) -> Iterator[tuple[str, Tensor]]:
    """Rows of every gate of every layer and direction: weights from the input, from the state, and both biases."""
    gates = GATES.get(module.mode, ("hidden",))
    for layer in range(module.num_layers):
        for end in ("", "_reverse") if module.bidirectional else ("",):
            names = [f"weight_ih_l{layer}{end}", f"weight_hh_l{layer}{end}"]
            names += [f"bias_ih_l{layer}{end}", f"bias_hh_l{layer}{end}"] if module.bias else []
            parts = [getattr(module, name) for name in names]
            rows = torch.cat([part if part.ndim == 2 else part[:, None] for part in parts], dim=1)
            for gate, chunk in zip(gates, rows.chunk(len(gates)), strict=True):
                yield f"/{gate}.{layer}{end}", chunk

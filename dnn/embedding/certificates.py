r"""How far merging moves what the consumer of a layer puts out: a proven bound, and what is measured.

A unit k reads :math:`\tilde x = (x, 1)` with its row :math:`w_k` (bias last, batch norm folded in) and adds
:math:`a_k\,\varphi(w_k\cdot\tilde x)`. Units of a group get the row v, and :math:`\varphi(c\,v\cdot\tilde x) =
c\,\varphi(v\cdot\tilde x)` for the c at hand: any :math:`c\ge0` if :math:`\varphi` is homogeneous, else 1; a sign for
odd or even ones. So with the column :math:`\sum_k c_k a_k` on v the consumer's field moves by

.. math:: \Big|\sum_k a_k [\varphi(w_k\cdot\tilde x) - \varphi(c_k v\cdot\tilde x)]\Big|
          \le L \sum_k |a_k|\,|w_k - c_k v|\;|\tilde x|

with the Lipschitz constant L of :math:`\varphi`, and by at most :math:`L\,\|A\|_2 \|D\|_2 |\tilde x|`, A with columns
:math:`a_k` and D with rows :math:`w_k - c_k v`. With kernels, or after pooling, :math:`|a_k|` is summed over their
places, :math:`|\tilde x|` is the largest of a patch, and only the first bound holds.

A head of attention reads tokens of norm r (with the 1). With :math:`\|softmax(s)-softmax(t)\|_1 \le \max|s-t|`, since
:math:`\sum_i p_i |u_i - \bar u| \le \max|u|`, merging head k into h moves the output by at most

.. math:: \|W_o^k\|_2 \big(\min(2, \max|\Delta s|) \max|v_k| + \max|\Delta v|\big),\qquad
          \max|\Delta s| \le (|\Delta q|\,|k_k| + |q_h|\,|\Delta k|)/\sqrt d,

each norm at most that of its matrix times r. Attention has no bound for tokens of any size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from dnn.embedding.grouping import Grouping
from dnn.embedding.heads import head_columns, head_parts, head_tokens
from dnn.embedding.tracing import silent
from dnn.embedding.units import doubled
from dnn.observing.resting import undisturbed
from dnn.reading.curvature import Inputs, Loss, hessian_of, outputs_with


@dataclass(frozen=True)
class Measured:
    """What merging does on given data, in evaluation mode.

    Parameters
    ----------
    certified : float
        Bound of `change` at these inputs, up to the rounding of the module's own precision.
    change : float
        Largest change of what a consumer puts out: Euclidean norm over its neurons, at any sample and position.
    output_change : float
        Largest change of the module's output (its logits, or first tensor), as a Euclidean norm per entry of its first
        axis.
    gradient_norm_before, gradient_norm_after : float or None
        Norm of the loss gradient over all trainable parameters; None without targets. 0 stays 0 when equal units merge.
    """

    certified: float
    change: float
    output_change: float
    gradient_norm_before: float | None = None
    gradient_norm_after: float | None = None


def unit_bound(columns: Tensor, deviations: Tensor, lipschitz: float, direct: bool) -> float:
    """Largest change of a consumer's field per unit norm of (x, 1).

    Parameters
    ----------
    columns : (units, places, neurons) tensor
        Outgoing weights.
    deviations : (units, inputs) tensor
        Rows minus those that stand for them, scaled.
    lipschitz : float
        Of the way between.
    direct : bool
        Whether every position of the layer is read by itself: no kernel, no pooling.
    """
    lengths = deviations.norm(dim=1)
    moved = lengths > 0
    if not bool(moved.any()):
        return 0.0
    columns, deviations = columns[moved], deviations[moved]
    bound = float((columns.norm(dim=2).sum(1) * lengths[moved]).sum())
    if direct and columns.shape[1] == 1:
        spectral = torch.linalg.matrix_norm(columns[:, 0], 2) * torch.linalg.matrix_norm(deviations, 2)
        bound = min(bound, float(spectral))
    return lipschitz * bound if bound else 0.0


def head_bound(module: nn.MultiheadAttention, grouping: Grouping, radii: Sequence[float]) -> float:
    """Largest change of what attention puts out when heads merge.

    Parameters
    ----------
    module : MultiheadAttention
        Before merging.
    grouping : Grouping
    radii : sequence of 3 floats
        Largest norms of (token, 1) for queries, keys and values; `inf` for tokens of any size.
    """
    parts, tokens, columns = head_parts(module), head_tokens(module), head_columns(module)
    total = 0.0
    for members, leader in zip(grouping.members, grouping.leaders, strict=True):
        for head in members:
            moves = [_size(part[head] - part[leader], r) for part, r in zip(parts, radii, strict=True)]
            for at, token in zip((1, 2), tokens, strict=True):
                moves[at] = max(moves[at], float((token[head] - token[leader]).norm()))
            if not any(moves):
                continue
            query, key, value = _size(parts[0][leader], radii[0]), _size(parts[1][head], radii[1]), 0.0
            key = max(key, float(tokens[0][head].norm()))
            value = max(_size(parts[2][head], radii[2]), float(tokens[1][head].norm()))
            scores = (_times(moves[0], key) + _times(query, moves[1])) / math.sqrt(module.head_dim)
            spread = _times(min(2.0, scores), value) + moves[2]
            total += _times(float(torch.linalg.matrix_norm(columns[head], 2)), spread)
    return total


def measure(
    before: nn.Module,
    after: nn.Module,
    layer: str,
    consumers: Sequence[str],
    certify: Any,
    x: Inputs,
    y: Tensor | None,
    loss: Loss | None,
) -> Measured:
    """Run both modules on the same inputs.

    Parameters
    ----------
    before, after : Module
        Copies; the modules in the mode of evaluation, without their hooks.
    layer : str
        Path of the layer.
    consumers : sequence of str
        Paths of its consumers.
    certify : callable
        From the largest norms of the layer's inputs, of (x, 1), to the bound of the change.
    x : tensor, or a tuple or mapping of them
    y : tensor, optional
    loss : as in :func:`dnn.reading.curvature.sharpness`, optional
        By default cross entropy for integer `y`, mean squared error for real ones.

    Raises
    ------
    ValueError
        If the modules do not take the inputs, or do not call the layer.
    """
    with silent(before, after):
        old, radii, old_fields = _run(before, layer, consumers, x)
        new, _, new_fields = _run(after, layer, consumers, x)
        changes = [
            float(_over_neurons(part, doubled(b) - doubled(a)).max())
            for part, a, b in zip(map(before.get_submodule, consumers), old_fields, new_fields, strict=True)
        ]
        moved = float((doubled(new) - doubled(old)).reshape(len(old) if old.ndim else 1, -1).norm(dim=1).max())
        gradients = (None, None)
        if y is not None:
            loss = loss or ("mse" if y.is_floating_point() else "cross_entropy")
            gradients = (_gradient_norm(before, x, y, loss), _gradient_norm(after, x, y, loss))
    return Measured(certify(radii), max(changes), moved, *gradients)


@torch.no_grad()
def _run(
    module: nn.Module, layer: str, consumers: Sequence[str], x: Inputs
) -> tuple[Tensor, list[float], list[Tensor]]:
    """Output, largest norms of the inputs of the layer, and fields of the consumers, at their first calls."""
    radii: list[float] = []
    fields: dict[str, Tensor] = {}

    def read_input(part, args, kwargs):
        given = [*args, *(kwargs[name] for name in ("input", "query", "key", "value") if name in kwargs)]
        needed = 3 if isinstance(part, nn.MultiheadAttention) else 1
        if not radii:
            radii.extend(_radius(part, values) for values in given[:needed])

    def keep(name):
        def hook(part, args, output):
            fields.setdefault(name, (output[0] if isinstance(output, tuple) else output).detach().clone())

        return hook

    handles = [module.get_submodule(layer).register_forward_pre_hook(read_input, with_kwargs=True)]
    handles += [module.get_submodule(name).register_forward_hook(keep(name)) for name in consumers]
    try:
        with undisturbed(module):
            output = outputs_with(module, {}, x, _precision(module))
    finally:
        for handle in handles:
            handle.remove()
    if not radii or len(fields) < len(consumers):
        raise ValueError("x must lead through the layer and its consumers, got inputs that pass them by")
    return _tensor(output), radii, [fields[name] for name in consumers]


def _tensor(returned: Any) -> Tensor:
    """What a module returned, its logits, or the first tensor of it."""
    if isinstance(returned, Mapping):
        returned = returned["logits"] if "logits" in returned else tuple(returned.values())
    returned = getattr(returned, "logits", returned)
    parts = returned if isinstance(returned, tuple | list) else (returned,)
    found = next((part for part in parts if isinstance(part, Tensor)), None)
    if found is None:
        raise ValueError(f"module must return a tensor, or a tuple or mapping of them, got {type(returned).__name__}")
    return found


def _radius(part: nn.Module, values: Tensor) -> float:
    """Largest norm of (x, 1) that a unit reads: of a row, or of the patch under a kernel."""
    squares = doubled(values).square()
    if not isinstance(part, _ConvNd):
        return float((squares.sum(-1).max() + 1).sqrt())
    kernel = torch.ones_like(part.weight[:1], dtype=torch.float64, device="cpu")
    return float((part._conv_forward(squares, kernel, None).max() + 1).sqrt())  # pyright: ignore


def _over_neurons(part: nn.Module, values: Tensor) -> Tensor:
    axis = -1 - len(part.kernel_size) if isinstance(part, _ConvNd) else -1
    return values.norm(dim=axis)


def _gradient_norm(module: nn.Module, x: Inputs, y: Tensor, loss: Loss) -> float:
    with hessian_of(module, x, y, loss, "running") as hessian:
        return math.sqrt(sum(float(doubled(part).square().sum()) for part in hessian.gradients))


def _precision(module: nn.Module) -> torch.dtype:
    return next(parameter.dtype for parameter in module.parameters() if parameter.is_floating_point())


def _size(matrix: Tensor, radius: float) -> float:
    """Largest norm of what a matrix makes of vectors of that norm."""
    return _times(float(torch.linalg.matrix_norm(matrix, 2)), radius)


def _times(a: float, b: float) -> float:
    return 0.0 if 0.0 in (a, b) else a * b

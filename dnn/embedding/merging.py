r"""Units that say the same become one: what condensation leaves of a layer.

Units whose rows are aligned merge as those of a two-layer network (:func:`toymodels.condensation.merge`): behind
positively homogeneous activations a group gets the mean direction of its rows, weighted by their part in the output,
at the norm :math:`|v|` of its largest unit, and the column :math:`\sum_k a_k |w_k| / |v|`. Behind others only equal
rows merge, and opposite ones if the activation is odd or even (its sign goes into the column). Heads of attention
merge if their queries, keys and values are equal. The mathematics of the bound is in
:mod:`dnn.embedding.certificates`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from dnn.embedding.certificates import Measured, head_bound, measure, unit_bound
from dnn.embedding.following import follow
from dnn.embedding.grouping import (
    Grouping,
    group,
    mean_direction,
    similarity_of_directions,
    similarity_of_vectors,
)
from dnn.embedding.heads import check_heads, head_columns, head_parts, head_tokens, select_heads
from dnn.embedding.tracing import silent
from dnn.embedding.units import affine, check_plain, columns, copied, find_layer, put, rows, select, write_columns
from dnn.embedding.walking import Route, units_of
from dnn.observing.layers import unwrapped
from dnn.reading.curvature import Inputs, Loss
from toymodels.condensation.grouping import check_threshold
from toymodels.validation import finite


@dataclass(frozen=True)
class MergeReport:
    """What became of the units of a layer.

    Parameters
    ----------
    before, after : int
        Number of units.
    groups : tuple of tuples of int
        For every new unit, the old ones that it stands for, also where it is one alone.
    certified_change : float
        Bound of the change of what a consumer of the layer puts out (Euclidean norm over its neurons), per unit norm
        of what a unit reads with the 1 of its bias, |(x, 1)|. 0 for equal units, whose function stays up to rounding;
        `inf` where there is no such bound (attention, and activations without a Lipschitz constant).
    measured : Measured or None
        On data, if any were given.
    """

    before: int
    after: int
    groups: tuple[tuple[int, ...], ...]
    certified_change: float
    measured: Measured | None = None


def merge_units(
    module: nn.Module,
    layer: str,
    threshold: float,
    *,
    tolerance: float = 1e-6,
    x: Inputs | None = None,
    y: Tensor | None = None,
    loss: Loss | None = None,
) -> tuple[nn.Module, MergeReport]:
    """One unit per group of units of a layer that say the same.

    The layer is linear (units are neurons), a convolution (channels) or `nn.MultiheadAttention` (heads). Batch norm
    that reads it directly counts as part of its weights, at its running statistics: the function is that of evaluation
    mode. Later batch norms and channelwise PReLU must be equal to the bit within a group.

    Parameters
    ----------
    module : Module
        Any; it is not touched. Wrappers (`torch.compile`, DataParallel) are looked through.
    layer : str
        Name of one of its layers, as in `named_modules`; the class name for a module that is one layer.
    threshold : float
        Behind positively homogeneous activations (none, ReLU, leaky ReLU, max pooling) units merge from this cosine of
        their rows with that of the largest unit upwards, in (0, 1].
    tolerance : float
        Behind all others, and for heads, rows merge that differ by at most this part of the larger norm, in
        [0, 1).
    x : (n, ...) tensor, or a tuple or mapping of them, optional
        Inputs of the module on which the change is measured.
    y : (n, ...) tensor, optional
        Classes or targets, for the gradient of the loss.
    loss : {"mse", "cross_entropy"} or callable, optional
        As in :func:`dnn.sharpness`; by default cross entropy for integer `y`, "mse" for real ones.

    Returns
    -------
    module : Module
        A deep copy with at most as many units, without gradients. Its hooks are copies. Attention becomes a
        :class:`dnn.embedding.heads.HeadedAttention`, whose number of heads is free, if heads merge.
    report : MergeReport

    Raises
    ------
    ValueError
        For an unknown layer, a threshold outside (0, 1], a tolerance outside [0, 1), targets without inputs, a loss
        without targets, or units that cannot be followed to their consumers: those of a residual stream, tied or
        computed weights, units that are mixed or put out on the way; with the reason.

    Examples
    --------
    Two ReLU neurons of one direction are one, with the sum of what they say:

    >>> network = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False))
    >>> network[0].weight.data = torch.tensor([[1.0], [2.0]])
    >>> network[2].weight.data = torch.tensor([[3.0, 4.0]])
    >>> merged, report = merge_units(network, "0", threshold=0.99)
    >>> report.groups, report.certified_change
    (((0, 1),), 0.0)
    >>> merged(torch.ones(1, 1)).item() == network(torch.ones(1, 1)).item() == 11
    True
    """
    threshold, limit = float(finite("threshold", threshold, ndim=0)), float(finite("tolerance", tolerance, ndim=0))
    check_threshold(threshold)
    if not 0 <= limit < 1:
        raise ValueError(f"tolerance must be in [0, 1), got {limit:g}")
    if x is None and (y is not None or loss is not None):
        raise ValueError("x must be given where y or loss is, got None")
    if y is None and loss is not None:
        raise ValueError("y must be given where loss is, got None")
    if x is not None and not isinstance(x, Tensor | tuple | Mapping):
        raise ValueError(f"x must be a tensor, or a tuple or mapping of them, got {type(x).__name__}")
    module = unwrapped(module)
    find_layer(module, layer)
    result = copied(module)
    target = find_layer(result, layer)
    with silent(result):
        attention = isinstance(target, nn.MultiheadAttention)
        merged = _merge_heads(target, limit) if attention else _merge(result, target, layer, threshold, limit)
    report = MergeReport(
        len(merged.grouping.signs), len(merged.grouping.members), merged.grouping.members, merged.bound
    )
    if x is None:
        return result, report
    paths = [_path(result, part) for part in (target, *merged.consumers)]
    measured = measure(copied(module), result, paths[0], paths[1:], merged.certify, x, y, loss)
    return result, MergeReport(report.before, report.after, report.groups, report.certified_change, measured)


@dataclass(frozen=True)
class _Merged:
    """What was done to a layer: its groups, the bound per unit norm, and that for given norms of inputs."""

    grouping: Grouping
    bound: float
    certify: Callable[[Sequence[float]], float]
    consumers: tuple[nn.Module, ...]


def _merge(module: nn.Module, layer: nn.Module, name: str, threshold: float, tolerance: float) -> _Merged:
    route = follow(module, layer, name)
    for part in route.touched:
        check_plain(part)
    units, old = units_of(layer), rows(route)
    outgoing = [columns(consumer, units) for consumer in route.consumers]
    grouping = _grouped(route, old, outgoing, threshold, tolerance)
    select(route, grouping.leaders)
    if _is_homogeneous(route):
        _turn(route, old, sum((_lengths(each) for each in outgoing), torch.zeros(units).double()), grouping)
    new = rows(route)
    scales, stand_in = _stand_ins(route, old, new, grouping)
    bounds = []
    for consumer, before in zip(route.consumers, outgoing, strict=True):
        flip = torch.where(grouping.signs < 0, float(consumer.response.parity), 1.0)
        after = _summed(before * (scales * flip)[:, None, None], grouping)
        write_columns(consumer, after)
        direct = consumer.layout == "last"
        bounds.append(unit_bound(before, grouping.signs[:, None] * old - stand_in, consumer.response.lipschitz, direct))
    bound = max(bounds)
    consumers = tuple(consumer.module for consumer in route.consumers)
    return _Merged(grouping, bound, lambda radii: bound * radii[0] if bound else 0.0, consumers)


def _merge_heads(module: nn.MultiheadAttention, tolerance: float) -> _Merged:
    check_heads(module)
    vectors = torch.cat([part.flatten(1) for part in (*head_parts(module), *head_tokens(module))], dim=1)
    similar = np.ones((len(vectors),) * 2)
    for part in (*head_parts(module), *head_tokens(module)):
        similar *= similarity_of_vectors(part.flatten(1), tolerance, signed=True)
    before = head_columns(module)
    grouping = group(vectors, before.flatten(1).norm(dim=1), similar)
    unbounded = head_bound(module, grouping, [torch.inf] * 3)
    known = copied(module)
    if len(grouping.members) < len(vectors):
        select_heads(module, grouping.leaders, _summed(before, grouping))

    def certify(radii: Sequence[float]) -> float:
        assert isinstance(known, nn.MultiheadAttention)
        return head_bound(known, grouping, radii)

    return _Merged(grouping, unbounded, certify, (module,))


def _grouped(route: Route, old: Tensor, outgoing: list[Tensor], threshold: float, tolerance: float) -> Grouping:
    """Groups of units with aligned or equal rows and equal parameters of their own further on."""
    signed = not all(consumer.response.parity for consumer in route.consumers)
    homogeneous = _is_homogeneous(route)
    alike = similarity_of_directions(old, signed) if homogeneous else similarity_of_vectors(old, tolerance, signed)
    for part in route.attached:
        for values in (*part.parameters(recurse=False), *part.buffers(recurse=False)):
            if values.ndim and len(values) == len(old):
                own = values.detach().cpu().double()
                alike = np.where((own[:, None] == own).numpy(), alike, 0.0)
    mass = old.norm(dim=1) * sum((_lengths(each) for each in outgoing), torch.zeros(len(old)).double())
    return group(old, mass, alike, threshold if homogeneous else None)


def _turn(route: Route, old: Tensor, sizes: Tensor, grouping: Grouping) -> None:
    """Give every group of several directions the mean one."""
    norm = None if route.folded is None else affine(route.folded)
    for unit, (members, leader) in enumerate(zip(grouping.members, grouping.leaders, strict=True)):
        own = list(members)
        turned = grouping.signs[own, None] * old[own]
        row = mean_direction(turned, sizes[own] * turned.norm(dim=1), old[leader])
        if not torch.equal(row, old[leader]):
            _write_row(route, unit, row, None if norm is None else [part[unit] for part in norm])


@torch.no_grad()
def _write_row(route: Route, unit: int, row: Tensor, norm: list[Tensor] | None) -> None:
    """Give a unit another row (inputs + 1,), behind batch norm by its weight and the norm's shift or mean."""
    layer = route.layer
    weight = layer.get_parameter("weight").detach().clone()
    bias = layer.bias.detach().clone() if layer.bias is not None else None  # pyright: ignore
    gain, mean = (torch.ones(()).double(), torch.zeros(()).double()) if norm is None else norm[:2]
    weight[unit] = (row[:-1] / gain).reshape(weight[unit].shape).to(weight)
    put(layer, "weight", weight)
    if route.folded is None:
        if bias is not None:
            bias[unit] = row[-1].to(bias)
            put(layer, "bias", bias)
        return
    field = torch.zeros(()).double() if bias is None else bias[unit].double().cpu()
    if route.folded.bias is not None:
        name, value = "bias", row[-1] - gain * (field - mean)
    else:
        name, value = "running_mean", field - row[-1] / gain
    values = getattr(route.folded, name).detach().clone()
    values[unit] = value.to(values)
    put(route.folded, name, values)


def _stand_ins(route: Route, old: Tensor, new: Tensor, grouping: Grouping) -> tuple[Tensor, Tensor]:
    """For every old unit, the scale of its new one in its place, and that one's row times the scale."""
    owner = torch.zeros(len(old), dtype=torch.long)
    for unit, members in enumerate(grouping.members):
        owner[list(members)] = unit
    rows_of = new[owner]
    scales = torch.ones(len(old), dtype=torch.float64)
    if _is_homogeneous(route):
        lengths, others = old.norm(dim=1), rows_of.norm(dim=1)
        scales = torch.where((others > 0) & (lengths != others), lengths / others, 1.0)
    return scales, scales[:, None] * rows_of


def _summed(values: Tensor, grouping: Grouping) -> Tensor:
    """Sums of the entries of each group."""
    return torch.stack([values[list(members)].sum(0) for members in grouping.members])


def _is_homogeneous(route: Route) -> bool:
    return all(consumer.response.homogeneous for consumer in route.consumers)


def _lengths(outgoing: Tensor) -> Tensor:
    """Norm of the columns of every unit, summed over places."""
    return outgoing.norm(dim=2).sum(1)


def _path(module: nn.Module, part: nn.Module) -> str:
    return next(name for name, other in module.named_modules() if other is part)

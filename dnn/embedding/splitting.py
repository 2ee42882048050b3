r"""One unit becomes two that share its outgoing weights: the embedding principle for layers of real networks.

A unit k with outgoing weights a becomes two with its incoming weights, of outgoing weights :math:`\alpha a` and
:math:`(1 - \alpha) a`. The function is the same for every :math:`\alpha`, a critical point stays one (the gradients of
the twins are parts of the old one), and the wide Hessian restricted to the embedded narrow space is the narrow one, so
that the numbers of its positive and of its negative eigenvalues never fall [1]_.

References
----------
.. [1] Zhang, Zhang, Luo and Xu (2021). Embedding principle of loss landscape of deep neural networks. arXiv:2105.14573.
"""

from __future__ import annotations

import torch
from torch import nn

from dnn.embedding.following import follow
from dnn.embedding.heads import split_head
from dnn.embedding.tracing import silent
from dnn.embedding.units import check_plain, columns, copied, find_layer, select, write_columns
from dnn.embedding.walking import Route, units_of
from dnn.observing.layers import unwrapped
from toymodels.validation import finite, positive_int


def split_unit(module: nn.Module, layer: str, unit: int, fraction: float) -> nn.Module:
    """Replace one unit of a layer by two with its incoming weights; the second one comes last.

    The layer is linear (units are neurons), a convolution (channels) or `nn.MultiheadAttention` (heads, of which the
    twins share the columns of the output projection). Batch norm on the way gets a channel more. The result computes
    the same in evaluation mode, and in training mode without dropout, for every fraction.

    Parameters
    ----------
    module : Module
        Any; it is not touched. Wrappers (`torch.compile`, DataParallel) are looked through.
    layer : str
        Name of one of its layers, as in `named_modules`; the class name for a module that is one layer.
    unit : int
        0 to the number of units - 1.
    fraction : float
        Share of the outgoing weights that the unit keeps; any real number.

    Returns
    -------
    Module
        A deep copy with one unit more, without gradients. Its hooks are copies. Attention becomes a
        :class:`dnn.embedding.heads.HeadedAttention`, whose number of heads is free.

    Raises
    ------
    ValueError
        For an unknown layer or unit, a fraction that is not finite, or units that cannot be followed to their
        consumers: those of a residual stream, tied or computed weights, units that are mixed or put out on the way;
        with the reason.

    Examples
    --------
    >>> network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    >>> wide = split_unit(network, "0", unit=1, fraction=0.3)
    >>> wide
    Sequential(
      (0): Linear(in_features=3, out_features=5, bias=True)
      (1): ReLU()
      (2): Linear(in_features=5, out_features=2, bias=True)
    )
    >>> x = torch.ones(1, 3)
    >>> torch.allclose(wide(x), network(x))
    True
    """
    module = unwrapped(module)
    find_layer(module, layer)
    share = float(finite("fraction", fraction, ndim=0))
    result = copied(module)
    target = find_layer(result, layer)
    with silent(result):
        if isinstance(target, nn.MultiheadAttention):
            split_head(target, _checked(unit, target.num_heads), share)
        else:
            unit = _checked(unit, units_of(target))
            route = follow(result, target, layer)
            for part in route.touched:
                check_plain(part)
            _split(route, unit, share)
    return result


def _split(route: Route, unit: int, share: float) -> None:
    units = units_of(route.layer)
    for consumer in route.consumers:
        before = columns(consumer, units)
        after = torch.cat([before, (1 - share) * before[unit : unit + 1]])
        after[unit] *= share
        write_columns(consumer, after)
    select(route, [*range(units), unit])


def _checked(unit: int, units: int) -> int:
    if positive_int("unit", unit, minimum=0) >= units:
        raise ValueError(f"unit must be in 0..{units - 1}, got {unit}")
    return int(unit)

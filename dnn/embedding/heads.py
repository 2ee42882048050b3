r"""Heads of attention as units, and attention with any number of heads.

PyTorch's attention splits the width of its input among its heads, so their number and their dimension d are tied.
Here d stays and the number is free; with as many heads as that width holds both are the same module. A head puts out

.. math:: W_o^h\, \mathrm{softmax}(q_h k_h^T / \sqrt d)\, v_h,

which adds to what the others put out: heads with the same queries, keys and values are one head, with the sum of their
:math:`W_o^h`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from dnn.embedding.units import doubled, put
from toymodels.validation import positive_int

_ROWS = ("q_proj_weight", "k_proj_weight", "v_proj_weight")
_FUSED = ("in_proj_weight", "in_proj_bias")
_TOKENS = ("bias_k", "bias_v")


class HeadedAttention(nn.MultiheadAttention):
    """`nn.MultiheadAttention` whose number of heads is not bound to the width of its input.

    Parameters
    ----------
    embed_dim : int
        Width of queries and outputs.
    num_heads, head_dim : int
    **options
        As of `nn.MultiheadAttention`: `dropout`, `bias`, `add_bias_kv`, `add_zero_attn`, `kdim`, `vdim`,
        `batch_first`, `device`, `dtype`.

    Raises
    ------
    ValueError
        For a size below 1.

    Examples
    --------
    >>> attention = HeadedAttention(8, num_heads=3, head_dim=4)
    >>> tuple(attention(*[torch.zeros(5, 2, 8)] * 3)[0].shape), tuple(attention.out_proj.weight.shape)
    ((5, 2, 8), (8, 12))
    """

    def __init__(self, embed_dim: int, num_heads: int, head_dim: int, **options):
        for name, size in (("embed_dim", embed_dim), ("num_heads", num_heads), ("head_dim", head_dim)):
            positive_int(name, size)
        super().__init__(embed_dim, 1, **options)
        whole = num_heads * head_dim
        for name in (*_FUSED, *_ROWS):
            old = getattr(self, name)
            if old is not None:
                size = whole * (3 if name in _FUSED else 1)
                setattr(self, name, nn.Parameter(old.new_empty(size, *old.shape[1:])))
        for name in _TOKENS:
            if getattr(self, name) is not None:
                setattr(self, name, nn.Parameter(self.out_proj.weight.new_empty(1, 1, whole)))
        self.out_proj.weight = nn.Parameter(self.out_proj.weight.new_empty(embed_dim, whole))
        self.out_proj.in_features = whole
        self.num_heads, self.head_dim = num_heads, head_dim
        self._qkv_same_embed_dim = False  # keeps encoder layers from the fused kernel, which would misread the sizes
        self._reset()

    def _reset(self) -> None:
        """Fresh weights, as PyTorch draws them."""
        self.out_proj.reset_parameters()
        for name in ("in_proj_weight", *_ROWS):
            if getattr(self, name) is not None:
                nn.init.xavier_uniform_(getattr(self, name))
        for bias in (self.in_proj_bias, self.out_proj.bias):
            if bias is not None:
                nn.init.zeros_(bias)
        for name in _TOKENS:
            if getattr(self, name) is not None:
                nn.init.xavier_normal_(getattr(self, name))

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        if is_causal and attn_mask is None:
            raise ValueError("attn_mask must be given with is_causal, got None")
        batched = query.ndim == 3
        inputs = [x if batched else x[None] for x in (query, key, value)]
        if batched and not self.batch_first:
            inputs = [x.transpose(0, 1) for x in inputs]
        if key_padding_mask is not None and not batched:
            key_padding_mask = key_padding_mask[None]
        queries, keys, values = self._projected(inputs)
        mask = self._mask(queries, keys, attn_mask, key_padding_mask)
        mixed, weights = self._attended(queries, keys, values, mask, need_weights)
        output = self.out_proj(mixed.transpose(1, 2).flatten(2))
        if batched and not self.batch_first:
            output = output.transpose(0, 1)
        if weights is not None and average_attn_weights:
            weights = weights.mean(1)
        return (output, weights) if batched else (output[0], None if weights is None else weights[0])

    def _projected(self, inputs: Sequence[Tensor]) -> list[Tensor]:
        """Queries, keys and values (n, heads, positions, d), with the keys and values that were learned or are 0."""
        fields = [functional.linear(x, w, b) for x, (w, b) in zip(inputs, _projections(self), strict=True)]
        for at, name in ((1, "bias_k"), (2, "bias_v")):
            token = getattr(self, name)
            if token is not None:
                fields[at] = torch.cat([fields[at], token.expand(len(fields[at]), 1, -1)], dim=1)
            if self.add_zero_attn:
                fields[at] = functional.pad(fields[at], (0, 0, 0, 1))
        return [field.unflatten(2, (self.num_heads, self.head_dim)).transpose(1, 2) for field in fields]

    def _mask(self, queries: Tensor, keys: Tensor, mask: Tensor | None, padding: Tensor | None) -> Tensor | None:
        """What is added to the scores (n or 1, heads or 1, queries or 1, keys)."""
        parts = []
        if mask is not None:
            if mask.ndim == 3 and len(mask) != len(queries) * self.num_heads:
                raise ValueError(f"attn_mask must have {len(queries) * self.num_heads} entries, got {len(mask)}")
            parts.append(mask.unflatten(0, (-1, self.num_heads)) if mask.ndim == 3 else mask[None, None])
        if padding is not None:
            parts.append(padding[:, None, None])
        if not parts:
            return None
        total = sum((_additive(part, queries.dtype) for part in parts), queries.new_zeros(()))
        return functional.pad(total, (0, keys.shape[2] - total.shape[3]))

    def _attended(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, with_weights: bool):
        """What the heads read (n, heads, queries, d), and their weights (n, heads, queries, keys) if wanted."""
        dropout = self.dropout if self.training else 0.0
        if not with_weights:
            return functional.scaled_dot_product_attention(queries, keys, values, mask, dropout), None
        scores = queries @ keys.transpose(2, 3) / self.head_dim**0.5
        weights = (scores if mask is None else scores + mask).softmax(3)
        weights = functional.dropout(weights, dropout) if dropout else weights
        return weights @ values, weights


def check_heads(module: nn.MultiheadAttention) -> None:
    """Refuse attention whose number of heads cannot be changed.

    Parameters
    ----------
    module : MultiheadAttention

    Raises
    ------
    ValueError
        For a subclass, which may compute something else, and for weights that are no plain parameters.
    """
    if type(module) not in (nn.MultiheadAttention, HeadedAttention) or "forward" in vars(module):
        raise ValueError(
            "layer must be nn.MultiheadAttention itself, since its class changes with the number of heads, "
            f"got a {type(module).__name__}"
        )
    if "in_proj_weight" not in module._parameters or "weight" not in module.out_proj._parameters:
        raise ValueError("layer must have plain parameters, got attention with weights made from others")


@torch.no_grad()
def split_head(module: nn.MultiheadAttention, head: int, share: float) -> None:
    """Replace a head by two, the second one last.

    Parameters
    ----------
    module : MultiheadAttention
        Changed in place.
    head : int
    share : float
        Of the columns of the output projection that the head keeps.

    Raises
    ------
    ValueError
        As :func:`check_heads`.
    """
    check_heads(module)
    before = head_columns(module)
    after = torch.cat([before, (1 - share) * before[head : head + 1]])
    after[head] *= share
    select_heads(module, [*range(module.num_heads), head], after)


@torch.no_grad()
def head_parts(module: nn.MultiheadAttention) -> list[Tensor]:
    """Of queries, keys and values: weights with the bias as last entry (heads, d, inputs + 1), in float64.

    Parameters
    ----------
    module : MultiheadAttention
    """
    parts = []
    for weight, bias in _projections(module):
        weight = doubled(weight)
        offset = weight.new_zeros(len(weight)) if bias is None else doubled(bias)
        rows = torch.cat([weight, offset[:, None]], dim=1)
        parts.append(rows.unflatten(0, (module.num_heads, -1)))
    return parts


@torch.no_grad()
def head_tokens(module: nn.MultiheadAttention) -> list[Tensor]:
    """Learned key and value (heads, d) in float64, zero where there are none.

    Parameters
    ----------
    module : MultiheadAttention
    """
    empty = torch.zeros(module.num_heads, module.head_dim, dtype=torch.float64)
    tokens = [getattr(module, name) for name in _TOKENS]
    return [empty if token is None else doubled(token).reshape(empty.shape) for token in tokens]


@torch.no_grad()
def head_columns(module: nn.MultiheadAttention) -> Tensor:
    """Columns (heads, d, outputs) of the output projection, in float64.

    Parameters
    ----------
    module : MultiheadAttention
    """
    return doubled(module.out_proj.weight).T.unflatten(0, (module.num_heads, -1))


@torch.no_grad()
def select_heads(module: nn.MultiheadAttention, index: Sequence[int], columns: Tensor) -> None:
    """Let the heads be those named, with these columns (heads, d, outputs).

    Parameters
    ----------
    module : MultiheadAttention
        Changed in place, its class too.
    index : sequence of int
    columns : tensor
    """
    chosen, heads = list(index), module.num_heads
    for name, values in _own(module):
        groups = 3 if name in _FUSED else 1
        axis = 2 if name in _TOKENS else 0
        split = values.unflatten(axis, (groups, heads, module.head_dim))
        put(
            module,
            name,
            split.index_select(axis + 1, torch.tensor(chosen, device=values.device)).flatten(axis, axis + 2),
        )
    put(module.out_proj, "weight", columns.flatten(0, 1).T)
    module.out_proj.in_features = len(chosen) * module.head_dim
    module.num_heads = len(chosen)
    stock = module.num_heads * module.head_dim == module.embed_dim
    module.__class__ = nn.MultiheadAttention if stock else HeadedAttention
    module._qkv_same_embed_dim = stock and module.in_proj_weight is not None


def _own(module: nn.MultiheadAttention) -> Iterable[tuple[str, Tensor]]:
    """Parameters with an entry for every head, but those of the output projection."""
    named = [(name, module._parameters.get(name)) for name in (*_FUSED, *_ROWS, *_TOKENS)]
    return [(name, values) for name, values in named if values is not None]


def _projections(module: nn.MultiheadAttention) -> list[tuple[Tensor, Tensor | None]]:
    """Weight and bias of queries, keys and values."""
    fused, bias = module.in_proj_weight, module.in_proj_bias
    weights = [getattr(module, name) for name in _ROWS] if fused is None else fused.chunk(3)
    return list(zip(weights, [None] * 3 if bias is None else bias.chunk(3), strict=True))


def _additive(mask: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask as what is added to scores; true entries of a boolean one hide."""
    if mask.dtype != torch.bool:
        return mask.to(dtype)
    return torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(mask, -torch.inf)

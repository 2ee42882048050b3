"""A small transformer that reads a sequence of tokens and answers at its last position.

Every block is attention and a feed-forward layer, each with a skip connection and, for `norm="post"`, a layer norm
after it. Position i attends to positions <= i. The last block computes the last position only.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dnn.networks.mlp import ACTIVATIONS, Rng, init_power_
from toymodels.validation import choice, positive_int


class Attention(nn.Module):
    """Causal attention with `n_heads` heads of `d_key` query and key and `d_value` value dimensions, without biases."""

    def __init__(self, d_model: int, d_key: int, d_value: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.query = nn.Linear(d_model, n_heads * d_key, bias=False)
        self.key = nn.Linear(d_model, n_heads * d_key, bias=False)
        self.value = nn.Linear(d_model, n_heads * d_value, bias=False)
        self.output = nn.Linear(n_heads * d_value, d_model, bias=False)

    def extra_repr(self) -> str:
        """What tells two such modules apart beside their parts; a checkpoint is held against it."""
        return f"n_heads={self.n_heads}"

    def forward(self, queries: Tensor, x: Tensor) -> Tensor:
        """Attend from `queries` (n, q, d), the last q positions of `x` (n, length, d)."""
        query, key, value = (
            layer(source).unflatten(2, (self.n_heads, -1)).transpose(1, 2)
            for layer, source in ((self.query, queries), (self.key, x), (self.value, x))
        )  # (n, heads, positions, d)
        scores = query @ key.transpose(2, 3) / key.shape[3] ** 0.5
        last, length = scores.shape[2:]
        hidden = torch.ones(last, length, dtype=torch.bool, device=x.device).triu(length - last + 1)
        mixed = scores.masked_fill(hidden, -torch.inf).softmax(3) @ value
        return self.output(mixed.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """Attention, then a feed-forward layer, each added to its input."""

    def __init__(self, d_model: int, d_key: int, d_value: int, n_heads: int, d_hidden: int, activation: str, norm: str):
        super().__init__()
        self.attention = Attention(d_model, d_key, d_value, n_heads)
        self.hidden = nn.Linear(d_model, d_hidden)
        self.output = nn.Linear(d_hidden, d_model)
        self.activation_name = activation
        self.activation = ACTIVATIONS[activation]
        post = norm == "post"
        self.attention_norm = nn.LayerNorm(d_model) if post else nn.Identity()
        self.output_norm = nn.LayerNorm(d_model) if post else nn.Identity()

    def extra_repr(self) -> str:
        """What tells two such modules apart beside their parts; a checkpoint is held against it."""
        return f"activation={self.activation_name!r}"

    def forward(self, x: Tensor, n_last: int) -> Tensor:
        """New states of the last `n_last` positions of `x` (n, length, d)."""
        last = x[:, -n_last:]
        last = self.attention_norm(last + self.attention(last, x))
        return self.output_norm(last + self.output(self.activation(self.hidden(last))))


class Transformer(nn.Module):
    """Tokens (n, length) to logits (n, n_outputs) of what comes after the last one.

    Parameters
    ----------
    vocabulary, length : int
        Number of tokens and positions.
    d_model, d_key, d_value, d_hidden : int
        Widths of the residual stream, of one head's queries and keys, of its values, and of the feed-forward layer.
    n_layers, n_heads : int
    n_outputs : int, optional
        Default the vocabulary.
    activation : str
        A key of `dnn.networks.mlp.ACTIVATIONS`.
    norm : {"post", "none"}
    gamma : float
        Matrices start as N(0, d_in^(-2 gamma)), embeddings with d_in = d_model, biases at zero.
    rng : numpy or torch Generator, optional

    Attributes
    ----------
    tokens, positions : Embedding
    blocks : ModuleList of Block
    readout : Linear without bias
    """

    def __init__(
        self,
        vocabulary: int,
        length: int,
        *,
        d_model: int = 64,
        d_key: int = 32,
        d_value: int = 32,
        d_hidden: int = 192,
        n_layers: int = 2,
        n_heads: int = 1,
        n_outputs: int | None = None,
        activation: str = "relu",
        norm: str = "post",
        gamma: float = 0.5,
        rng: Rng = None,
    ):
        super().__init__()
        sizes = {"vocabulary": vocabulary, "length": length, "d_model": d_model, "d_key": d_key, "d_value": d_value}
        for name, size in {**sizes, "d_hidden": d_hidden, "n_layers": n_layers, "n_heads": n_heads}.items():
            positive_int(name, size)
        n_outputs = positive_int("n_outputs", vocabulary if n_outputs is None else n_outputs)
        choice("activation", activation, ACTIVATIONS)
        choice("norm", norm, ("post", "none"))
        self.tokens = nn.Embedding(vocabulary, d_model)
        self.positions = nn.Embedding(length, d_model)
        block = (d_model, d_key, d_value, n_heads, d_hidden, activation, norm)
        self.blocks = nn.ModuleList(Block(*block) for _ in range(n_layers))
        self.readout = nn.Linear(d_model, n_outputs, bias=False)
        init_power_(self, gamma, rng)

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        if length > self.positions.num_embeddings:
            raise ValueError(f"tokens must have at most {self.positions.num_embeddings} positions, got {length}")
        x = self.tokens(tokens) + self.positions.weight[:length]
        for block in self.blocks[:-1]:
            x = block(x, length)
        return self.readout(self.blocks[-1](x, 1)[:, 0])

    def query_weight(self, block: int = 0) -> Tensor:
        """Query matrix (n_heads d_key, d_model) of a block."""
        module = self.blocks[block]
        assert isinstance(module, Block)
        return module.attention.query.weight

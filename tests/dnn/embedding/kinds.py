"""Small modules of every kind whose layers have units, each with a layer to change and inputs."""

import numpy as np
import torch
from torch import nn

from dnn.networks.convolutional import ResNet18, SmallCNN
from dnn.networks.mlp import MLP
from dnn.networks.transformer import Transformer


def seeded(make, seed=0, dtype=torch.float64):
    """A module with seeded weights and uneven batch norms, in evaluation mode; the global generator is left alone."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = make().to(dtype)
        for part in module.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm):
                for values, low in (
                    (part.weight, -1.5),
                    (part.bias, -1),
                    (part.running_mean, -1),
                    (part.running_var, 0.5),
                ):
                    if values is not None:
                        nn.init.uniform_(values, low, 2)
            elif isinstance(part, nn.PReLU) and part.num_parameters > 1:
                nn.init.uniform_(part.weight, 0.1, 0.9)
            elif isinstance(part, nn.MultiheadAttention) and part.in_proj_bias is not None:
                nn.init.uniform_(part.in_proj_bias, -1, 1)
    return module.eval()


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape)).to(dtype)


class Chain(nn.Sequential):
    """A subclass that computes what its base does."""


class MyLinear(nn.Linear):
    """A subclass that computes what its base does."""

    def extra(self):
        return "mine"


class ScaledLinear(nn.Linear):
    """A subclass that computes something else."""

    def forward(self, x):
        return super().forward(2 * x)


class FeedForward(nn.Module):
    """A block with operations that depend on values, which do not reach into the part that has neurons."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.norm = nn.LayerNorm(6)
        self.mlp = nn.Sequential(MyLinear(6, 5), nn.GELU(), nn.Linear(5, 6))

    def forward(self, x):
        if x.sum() > 1e9:  # not to be traced
            return x
        x = x + self.attention(x, x, x, need_weights=False)[0]
        return x + self.mlp(self.norm(x))


class Branches(nn.Module):
    """Units with two consumers, and views that depend on the number of samples alone."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(2, 4, 3, padding=1, padding_mode="reflect")
        self.first, self.second = nn.Conv2d(4, 3, 1), nn.Linear(4, 3)

    def forward(self, x):
        hidden = torch.relu(self.convolution(x))
        pooled = nn.functional.adaptive_avg_pool2d(hidden, 1).view((hidden.size(0), -1))
        return self.first(hidden).mean((2, 3)) + self.second(pooled.view(hidden.size(0), -1))


def convolutional(dimension, norm=True):
    kind, batch = (getattr(nn, f"{name}{dimension}d") for name in ("Conv", "BatchNorm"))
    pool, mean = (getattr(nn, f"{name}{dimension}d") for name in ("MaxPool", "AdaptiveAvgPool"))
    return Chain(
        kind(2, 4, 3, padding=1, bias=not norm),
        batch(4) if norm else nn.Identity(),
        nn.ReLU(inplace=True),
        pool(2),
        kind(4, 3, 2),
        nn.PReLU(3),
        nn.Dropout(0.3),
        mean(2),
        nn.Flatten(),
        nn.Linear(3 * 2**dimension, 2),
    )


def encoder(**options):
    block = nn.TransformerEncoderLayer(6, 2, 7, dropout=0.1, batch_first=True, **options)
    return nn.TransformerEncoder(block, 2, enable_nested_tensor=False)


NEURONS = {
    "relu": (lambda: MLP([3, 4, 5, 2]), "linears.1", normal(6, 3)),
    "norm": (lambda: MLP([3, 4, 5, 2], batch_norm=True), "linears.0", normal(6, 3)),
    "tanh": (lambda: MLP([3, 4, 2], "tanh", batch_norm=True), "linears.0", normal(6, 3)),
    "xtanh": (lambda: MLP([3, 4, 2], "xtanh"), "linears.0", normal(6, 3)),
    "linear": (lambda: MLP([3, 4, 2], "linear"), "linears.0", normal(6, 3)),
    "residual": (lambda: MLP([3, 4, 4, 4, 2], residual=True), "linears.1", normal(6, 3)),
    "late norm": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.SiLU(), nn.BatchNorm1d(4), nn.Linear(4, 2)),
        "0",
        normal(6, 3),
    ),
    "positions": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.Flatten(), nn.Linear(20, 2)),
        "0",
        normal(6, 5, 3),
    ),
    "first convolution 1d": (lambda: convolutional(1), "0", normal(6, 2, 6)),
    "second convolution 1d": (lambda: convolutional(1), "4", normal(6, 2, 6)),
    "first convolution 2d": (lambda: convolutional(2), "0", normal(6, 2, 6, 6)),
    "second convolution 2d": (lambda: convolutional(2, norm=False), "4", normal(6, 2, 6, 6)),
    "first convolution 3d": (lambda: convolutional(3, norm=False), "0", normal(3, 2, 6, 6, 6)),
    "second convolution 3d": (lambda: convolutional(3), "4", normal(3, 2, 6, 6, 6)),
    "small cnn": (lambda: SmallCNN(3, 4, (1, 8, 8)), "second", normal(3, 64)),
    "residual block": (lambda: ResNet18(2, 3, (1, 4, 4)), "blocks.3.first", normal(3, 16)),
    "branches": (Branches, "convolution", normal(4, 2, 5, 5)),
    "feed forward": (FeedForward, "mlp.0", normal(3, 4, 6)),
    "encoder": (encoder, "layers.1.linear1", normal(3, 4, 6)),
    "transformer": (
        lambda: Transformer(5, 4, d_model=8, d_key=4, d_value=4, d_hidden=6),
        "blocks.0.hidden",
        torch.arange(12).reshape(3, 4) % 5,
    ),
}
HEADS = {
    "attention of encoder": (encoder, "layers.0.self_attn", normal(3, 4, 6)),
    "attention of block": (FeedForward, "attention", normal(3, 4, 6)),
    "attention of norm-first encoder": (lambda: encoder(norm_first=True), "layers.1.self_attn", normal(3, 4, 6)),
}
KINDS = NEURONS | HEADS


def read(module, x):
    with torch.no_grad():
        return module(x.clone())

"""A small transformer learns addition modulo a prime, recorded while it groks.

python docs/observing/modular_addition.py [--steps 6000] [--out modular_addition.html]

Two numbers and "=" go in, their sum modulo 53 is asked at "="; AdamW with strong decay, after Power et al. (2022),
arXiv:2201.02177. About twenty minutes on one core; the page that it writes needs no network.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dnn import Recorder

PRIME = 53
QUANTITIES = ["rank_gradient", "within_between", "effective_rank", "dead_units", "firing_overlap"]
QUANTITIES += ["weight_norm", "accuracy", "loss"]


class Transformer(nn.Module):
    """One layer of attention and one of ReLUs over three tokens, read at the last.

    Parameters
    ----------
    width, heads : int
    """

    def __init__(self, width: int = 64, heads: int = 4):
        super().__init__()
        self.embed = nn.Embedding(PRIME + 1, width)
        self.place = nn.Parameter(0.1 * torch.randn(3, width))
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.first, self.second = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.readout = nn.Linear(width, PRIME)

    def forward(self, tokens: Tensor) -> Tensor:
        """(n, 3) tokens -> (n, PRIME) logits."""
        x = self.embed(tokens) + self.place
        x = x + self.attention(x, x, x, need_weights=False)[0]
        x = x + self.second(F.relu(self.first(x)))
        return self.readout(x[:, -1])


def sums() -> tuple[Tensor, Tensor]:
    """All pairs of numbers with "=", (PRIME^2, 3), and their sums."""
    first, second = torch.cartesian_prod(torch.arange(PRIME), torch.arange(PRIME)).T
    return torch.stack([first, second, torch.full_like(first, PRIME)], dim=1), (first + second) % PRIME


def record(steps: int, seed: int = 0) -> Recorder:
    """Train on half of all sums and look at about ten steps a decade.

    Parameters
    ----------
    steps, seed : int
    """
    torch.manual_seed(seed)
    x, y = sums()
    order = torch.randperm(len(y))
    train, test = order[: len(y) // 2], order[len(y) // 2 :]
    network = Transformer()
    recorder = Recorder((x[train], y[train]), QUANTITIES, samples=700, test=(x[test], y[test]))
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1.0, betas=(0.9, 0.98))
    for step in range(1, steps + 1):
        optimiser.zero_grad()
        F.cross_entropy(network(x[train]), y[train]).backward()
        optimiser.step()
        recorder(network, step)
    return recorder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--out", type=Path, default=Path("modular_addition.html"))
    options = parser.parse_args()
    recorder = record(options.steps)
    print(recorder.diagnosis())
    print(recorder.report(options.out))

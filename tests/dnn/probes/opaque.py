"""A module that the probes cannot unfold."""

from torch import nn


class Opaque(nn.Module):
    """A module that is no chain."""

    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, x):
        return self.inside(x)

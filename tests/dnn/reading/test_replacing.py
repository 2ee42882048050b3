import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from dnn.reading.replacing import called_with


class Tied(nn.Module):
    """One tensor in two parts, and one part under two names."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.norm = nn.Linear(3, 3), nn.Linear(3, 3), nn.BatchNorm1d(3)
        self.second.weight, self.again = self.first.weight, self.norm

    def forward(self, x, scale=1.0):
        return scale * self.again(self.second(torch.tanh(self.norm(self.first(x)))))


@given(st.integers(0, 100))
def test_other_values_stand_in_every_place_and_the_own_ones_afterwards(seed):
    torch.manual_seed(seed)
    module, other, x = Tied().eval(), Tied().eval(), torch.randn(5, 3)
    with torch.no_grad():
        other.norm.running_mean.normal_()
        other.norm.running_var.uniform_(0.5, 2)
    places, before = [id(p) for p in module.parameters()], module(x)
    values = dict(other.named_parameters()) | dict(other.named_buffers())
    torch.testing.assert_close(called_with(module, values, (x,), {"scale": 2.0}), other(x, 2.0), rtol=0, atol=0)
    torch.testing.assert_close(module(x), before, rtol=0, atol=0)
    assert [id(p) for p in module.parameters()] == places
    assert module.second.weight is module.first.weight


def test_a_name_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"values must be of parameters or buffers of the module, got second\.weight"):
        called_with(Tied(), {"second.weight": torch.ones(3, 3)}, (torch.ones(1, 3),))

import pytest
import torch
from torch import nn

from dnn import observe, sharpness


class Product(nn.Module):
    """Logits from two inputs."""

    def __init__(self):
        super().__init__()
        self.bilinear = nn.Bilinear(2, 3, 2)

    def forward(self, left, right):
        return self.bilinear(left, right)


def test_curvature_of_a_module_with_several_inputs_is_that_of_all_of_them():
    torch.manual_seed(0)
    module, x, y = Product().double(), (torch.randn(6, 2).double(), torch.randn(6, 3).double()), torch.arange(6) % 2
    seen = observe(module, (*x, y), ["sharpness"])
    assert seen["sharpness"] == pytest.approx(sharpness(module, x, y, "cross_entropy"), rel=1e-9)
    named = observe(module, {"left": x[0], "right": x[1], "labels": y}, ["sharpness"])
    assert named["sharpness"] == pytest.approx(seen["sharpness"], rel=1e-9)


@pytest.mark.parametrize("name", ["basin_sample", "basin_weight"])
def test_there_is_a_basin_wherever_more_than_half_is_right(name):
    module, x = nn.Linear(1, 2, bias=False), torch.tensor([[1.0], [2.0], [3.0], [4.0]])
    module.weight.data = torch.tensor([[1.0], [-1.0]])
    assert observe(module, (x, torch.tensor([0, 0, 0, 1])), [name])[name] > 0.1
    assert observe(module, (x, torch.tensor([0, 0, 0, 1])), [name])[name] < 100
    assert observe(module, (x, torch.tensor([0, 0, 1, 1])), [name])[name] == 0


def test_elasticity_of_one_sample_is_refused_in_words():
    module = nn.Linear(2, 2)
    assert (
        "needs another sample"
        in observe(module, (torch.ones(1, 2), torch.tensor([0])), ["elasticity"]).refused["elasticity"]
    )

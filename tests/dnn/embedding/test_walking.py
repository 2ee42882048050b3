import pytest
import torch
from torch import nn

from dnn.embedding.responses import IDENTITY, PLAIN, Response, scaling
from dnn.embedding.walking import _steepest, _with_number


@pytest.mark.parametrize(
    ("name", "number", "units_first", "response"),
    [
        ("mul", 4.0, True, scaling(4)),
        ("mul", -0.5, False, scaling(-0.5)),
        ("truediv", 4.0, True, scaling(0.25)),
        ("div", -0.5, True, scaling(-2)),
        ("div", 4.0, False, PLAIN),  # 4 / z
        ("div", 0.0, True, PLAIN),
        ("add", 0.0, True, IDENTITY),
        ("sub", 2.0, True, Response(False, 0, 1.0)),
    ],
)
def test_what_a_number_does_to_a_field(name, number, units_first, response):
    assert _with_number(name, number, units_first) == response


def test_the_largest_gain_of_a_batch_norm_counts_its_eps():
    norm = nn.BatchNorm1d(2, eps=0.25)
    norm.running_var.copy_(torch.tensor([2.0, 0.75]))
    assert _steepest(norm) == 1.0
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([-3.0, 1.0]))
    assert _steepest(norm) == 2.0

import pytest
import torch
from torch import nn

from dnn.embedding.certificates import _over_neurons, _radius, unit_bound


@pytest.mark.parametrize(
    ("direct", "places", "bound"), [(True, 1, 1.0), (False, 1, 2.0), (True, 2, 2.0), (False, 2, 2.0)]
)
def test_spectral_norms_bound_the_change_only_where_a_place_is_read_alone(direct, places, bound):
    columns = torch.zeros(2, places, 2, dtype=torch.float64)
    columns[0, 0, 0] = columns[1, 0, 1] = 1  # two units that go into two neurons: no sum of their changes
    assert unit_bound(columns, torch.eye(2).double(), 1.0, direct) == pytest.approx(bound)
    assert unit_bound(columns, torch.eye(2).double(), 3.0, direct) == pytest.approx(3 * bound)
    assert unit_bound(columns, torch.zeros(2, 2).double(), 3.0, direct) == 0


def test_norms_count_the_bias_and_are_those_of_a_row_or_of_a_patch():
    x = torch.arange(1.0, 5.0).reshape(1, 1, 4)
    assert _radius(nn.Linear(4, 2), x) == pytest.approx((1 + 4 + 9 + 16 + 1) ** 0.5)
    assert _radius(nn.Conv1d(1, 2, 2), x) == pytest.approx((9 + 16 + 1) ** 0.5)


def test_changes_are_measured_over_the_neurons_of_a_place():
    values = torch.zeros(2, 3, 4, 5)
    values[1, :, 2, 3] = torch.tensor([2.0, 3.0, 6.0])
    assert _over_neurons(nn.Conv2d(1, 3, 1), values).shape == (2, 4, 5)
    assert _over_neurons(nn.Conv2d(1, 3, 1), values)[1, 2, 3] == 7
    assert _over_neurons(nn.Linear(1, 5), values).shape == (2, 3, 4)

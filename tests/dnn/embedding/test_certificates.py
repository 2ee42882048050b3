import pytest
import torch

from dnn.embedding.certificates import unit_bound


@pytest.mark.parametrize(
    ("direct", "places", "bound"), [(True, 1, 1.0), (False, 1, 2.0), (True, 2, 2.0), (False, 2, 2.0)]
)
def test_spectral_norms_bound_the_change_only_where_a_place_is_read_alone(direct, places, bound):
    columns = torch.zeros(2, places, 2, dtype=torch.float64)
    columns[0, 0, 0] = columns[1, 0, 1] = 1  # two units that go into two neurons: no sum of their changes
    assert unit_bound(columns, torch.eye(2).double(), 1.0, direct) == pytest.approx(bound)
    assert unit_bound(columns, torch.eye(2).double(), 3.0, direct) == pytest.approx(3 * bound)
    assert unit_bound(columns, torch.zeros(2, 2).double(), 3.0, direct) == 0

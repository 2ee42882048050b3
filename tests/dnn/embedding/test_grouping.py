import pytest
import torch
from numpy.testing import assert_allclose

from dnn.embedding.grouping import mean_direction, similarity_of_directions, similarity_of_vectors

ROWS = torch.tensor([[2.0, 0.0], [0.0, 0.0], [-1.0, 0.0], [0.0, 0.0], [0.0, 3.0]]).double()


def test_directions_are_compared_by_their_cosines_and_zero_rows_with_zero_rows():
    signed = [[1, 0, -1, 0, 0], [0, 1, 0, 1, 0], [-1, 0, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 0, 0, 1]]
    assert_allclose(similarity_of_directions(ROWS, signed=True), signed)
    assert_allclose(similarity_of_directions(ROWS, signed=False), abs(torch.tensor(signed)))


@pytest.mark.parametrize(("tolerance", "alike"), [(0.1, 1), (0.09, 0)])
def test_vectors_are_compared_by_their_distance_over_the_longer_one(tolerance, alike):
    rows = torch.tensor([[1.0, 0.0], [1.1, 0.0]]).double()  # .1 apart: .0909 of the longer, .1 of the shorter
    assert similarity_of_vectors(rows, 0.095, True)[0, 1] == 1
    assert similarity_of_vectors(rows, tolerance, True)[0, 1] == alike
    assert similarity_of_vectors(rows * torch.tensor([[1.0], [-1.0]]), tolerance, True)[0, 1] == 0
    assert similarity_of_vectors(rows * torch.tensor([[1.0], [-1.0]]), tolerance, False)[0, 1] == alike


def test_rows_without_weight_do_not_count_in_the_mean_direction():
    rows, leader = torch.tensor([[1.0, 0.0], [0.0, 2.0]]).double(), torch.tensor([3.0, 4.0]).double()
    for mass, mean in (([0.0, 1.0], [0.0, 5.0]), ([2.0, 0.0], [5.0, 0.0]), ([0.0, 0.0], [12.5**0.5, 12.5**0.5])):
        assert_allclose(mean_direction(rows, torch.tensor(mass).double(), leader), mean)

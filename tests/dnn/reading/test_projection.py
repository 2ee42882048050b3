import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from torch import nn

from dnn.data import Split
from dnn.networks.mlp import MLP
from dnn.reading.projection import (
    center_cosines,
    class_cosines,
    class_means,
    energy_distance,
    leading_directions,
    overlap,
    project,
)
from tests.dnn.blobs import blobs
from tests.dnn.reading.test_unfolding import used
from tests.tolerances import FLOAT32

seeds = st.integers(0, 1000)


def reader(weight):
    """A network whose only layer has this weight, so that its last hidden layer is the input."""
    network = nn.Sequential(nn.Linear(weight.shape[1], weight.shape[0]))
    network[0].weight.data, network[0].bias.data = weight, torch.zeros(len(weight))
    return network


@given(seeds)
def test_the_plane_of_a_readout_of_rank_two_holds_all_its_logits(seed):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(5, 2, generator=generator) @ torch.randn(2, 9, generator=generator)
    x = torch.randn(20, 9, generator=generator)
    plane = leading_directions(weight)
    points = project(reader(weight), x)
    assert points.shape == (20, 2)
    torch.testing.assert_close(points @ (weight @ plane).T, x @ weight.T, **FLOAT32)


@given(seeds)
def test_directions_are_orthonormal_with_their_largest_entry_positive(seed):
    weight = torch.randn(6, 9, generator=torch.Generator().manual_seed(seed))
    for matrix in (weight, -weight):
        plane = leading_directions(matrix)
        torch.testing.assert_close(plane.T @ plane, torch.eye(2), **FLOAT32)
        assert (plane.gather(0, plane.abs().argmax(0, keepdim=True)) > 0).all()
    torch.testing.assert_close(leading_directions(weight), leading_directions(-weight))


def test_the_last_hidden_layer_is_what_is_projected():
    network, x = used(MLP([6, 8, 5, 4], batch_norm=True)), torch.randn(10, 6)
    expected = network.activations(x)[-1] @ leading_directions(network.linears[-1].weight)
    torch.testing.assert_close(project(network, x), expected.detach(), **FLOAT32)
    assert (project(network, x) - project(network, x, statistics="batch")).abs().max() > 0.01


def test_equal_clouds_overlap_and_a_shift_is_measured_in_standard_deviations():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(2).repeat(500)
    centers = torch.tensor([[10.0, 0.0], [-10.0, 0.0]])
    x = centers[labels] + torch.randn(1000, 2, generator=generator)
    network = reader(torch.eye(2))
    same = overlap(network, Split(x, labels, x, labels))
    assert (same.plane_accuracy, same.full_accuracy) == (1, 1)
    assert_allclose([same.energy_distance, same.mean_shift, same.spread], [0, 0, 1], atol=1e-6)
    moved = overlap(network, Split(x, labels, x + torch.tensor([0.0, 3.0]), labels))
    assert_allclose(moved.mean_shift, 3, rtol=0.05)
    assert moved.energy_distance > 0.01
    collapsed = overlap(network, Split(x, labels, 0.01 * x, labels))
    assert_allclose(collapsed.spread, 0.01, rtol=1e-4)


def test_clouds_without_spread_within_classes_have_no_shift_or_an_infinite_one():
    labels = torch.arange(2).repeat(8)
    x = torch.tensor([[10.0, 0.0], [-10.0, 0.0]])[labels]
    network = reader(torch.eye(2))
    same = overlap(network, Split(x, labels, x, labels))
    assert (same.mean_shift, same.spread, same.energy_distance) == (0, 1, 0)
    assert overlap(network, Split(x, labels, x + 1, labels)).mean_shift == np.inf
    points = overlap(network, Split(0 * x, labels, 0 * x + 1, labels))
    assert (points.mean_shift, points.spread) == (np.inf, 0)
    assert overlap(network, Split(0 * x, labels, x, labels)).spread == np.inf


def test_energy_distance_is_the_hand_worked_one_and_largest_for_far_points():
    points, other = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [1.0]])
    assert energy_distance(points, other) == pytest.approx(1 - (1 + 0) / (2 * 1))
    assert energy_distance(points, points + 1e9) == pytest.approx(1)
    assert energy_distance(points, points) == 0


@given(seeds)
def test_cosines_of_orthogonal_classes_and_their_centred_simplex(seed):
    labels = torch.randint(4, (40,), generator=torch.Generator().manual_seed(seed)).sort().values
    labels[:4] = torch.arange(4)
    features = torch.eye(4, 6)[labels] * (1 + torch.rand(40, 1))
    cosines, gram = center_cosines(features, labels)
    assert_allclose(cosines, torch.eye(4)[labels], atol=1e-6)
    assert_allclose(gram, torch.eye(4), atol=1e-6)


def test_centred_centres_of_a_balanced_simplex_have_cosine_minus_one_over_k_minus_one():
    labels = torch.arange(4).repeat(5)
    result = class_cosines(reader(torch.eye(4)), torch.eye(4)[labels], labels, centered=True)
    assert_allclose(result.between, [-1 / 3], atol=1e-6)
    assert_allclose(result.own, np.ones((1, 4)), atol=1e-6)


def test_positive_activations_are_never_orthogonal_before_centring():
    split = blobs()
    network = MLP([8, 32, 32, 4], rng=torch.Generator().manual_seed(0))
    raw, centred = (class_cosines(network, split.x_train, split.y_train, centered=c) for c in (False, True))
    assert raw.own.shape == (3, 4)
    assert (raw.between[1:] > 0.3).all()
    assert (centred.between < 0).all()


def test_class_means_are_means():
    features, labels = torch.tensor([[1.0], [3.0], [5.0]]), torch.tensor([0, 0, 1])
    assert class_means(features, labels).tolist() == [[2.0], [5.0]]


def test_bad_input_is_refused_by_name():
    split = blobs()
    network = MLP([8, 16, 4])
    with pytest.raises(ValueError, match=r"weight must have at least 2 rows and columns, got shape \(4, 1\)"):
        project(MLP([8, 1, 4]), split.x_train)
    with pytest.raises(ValueError, match="y_test must contain every class, got no sample of class 1"):
        overlap(network, split._replace(y_test=torch.zeros_like(split.y_test)))
    with pytest.raises(ValueError, match="labels must be 64 integers"):
        class_cosines(network, split.x_train, split.y_test)
    with pytest.raises(ValueError, match="y must contain every class, got no sample of class 1"):
        class_cosines(network, split.x_train, torch.zeros_like(split.y_train))
    for function in (class_means, center_cosines):
        with pytest.raises(ValueError, match="labels must contain every class, got no sample of class 1"):
            function(torch.ones(3, 2), torch.tensor([0, 0, 2]))
    with pytest.raises(ValueError, match="must not all coincide"):
        energy_distance(torch.zeros(3, 2), torch.zeros(3, 2))


def test_one_feature_that_is_not_finite_is_enough_to_refuse():
    with pytest.raises(ValueError, match="features must be finite"):
        class_means(torch.tensor([[1.0, float("inf")], [3.0, 0.0]]), torch.tensor([0, 1]))


def test_each_part_is_read_with_the_statistics_given_for_it():
    split, network = blobs(), MLP([8, 16, 4], batch_norm=True)
    network.train()
    network(2 * split.x_test + 1)
    network.eval()
    distances = set()
    for train in ("running", "batch"):
        for test in ("running", "batch"):
            clouds = project(network, split.x_train, statistics=train), project(network, split.x_test, statistics=test)
            found = overlap(network, split, statistics=(train, test)).energy_distance
            assert found == pytest.approx(energy_distance(*clouds))
            distances.add(found)
    assert len(distances) == 4


def test_labels_may_be_arrays_that_torch_cannot_share():
    features, labels = torch.tensor([[1.0], [5.0], [3.0]]), np.array([0, 1, 0])
    frozen = labels.copy()
    frozen.flags.writeable = False
    for same in (labels[::-1], frozen):
        assert class_means(features, same).tolist() == [[2.0], [5.0]]

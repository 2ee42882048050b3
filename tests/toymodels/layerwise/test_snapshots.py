import numpy as np
import pytest

from tests.toymodels.snapshot_oracle import kernel_and_changes
from toymodels.layerwise import LinearNetwork, SparseRegression, UnconstrainedFeatures
from toymodels.layerwise.kernels import kernel_distance, linear_network_ntk
from toymodels.layerwise.snapshots import (
    diagonal_snapshot,
    difference_snapshot,
    free_features_snapshot,
    linear_snapshot,
    sparse_regression_snapshots,
)
from toymodels.snapshot import BASES, update_direction

LABELS = np.arange(12) % 3


def made(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((12, 4))
    return {
        "diagonal": diagonal_snapshot(*rng.standard_normal((2, 4)), x),
        "difference": difference_snapshot(*rng.standard_normal((2, 4)), x),
        "linear": linear_snapshot(rng.standard_normal((5, 4)), rng.standard_normal((3, 5)), x, LABELS),
    }


@pytest.mark.parametrize("name", ["diagonal", "difference", "linear"])
def test_kernel_and_updates_are_those_of_the_function(name):
    now = made()[name]
    kernel, changes = kernel_and_changes(now, update_direction(now.outputs, LABELS)[:BASES])
    np.testing.assert_allclose(now.kernel, kernel, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(now.changes, changes, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("name", ["diagonal", "difference", "linear"])
def test_the_outputs_are_read_off_the_hidden_layer(name):
    now = made()[name]
    if name == "difference":
        u, v = now.parameters
        readout = np.concatenate([u, -v])[None]
        assert now.reason("hidden") == now.reason("readouts") != ""
        assert "opposite signs" in now.reason("hidden")
    else:
        readout = now.readouts[0]
    np.testing.assert_allclose(now.features @ readout.T, now.outputs, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(now.predict(now.inputs, now.parameters), now.outputs, rtol=1e-12)
    assert now.reason("firing") == "linear units are always on"
    assert "its own linear map" in now.reason("linear_outputs")


def test_the_linear_kernel_is_the_average_of_the_whole_one():
    rng = np.random.default_rng(2)
    w1, w2, x = rng.standard_normal((5, 4)), rng.standard_normal((3, 5)), rng.standard_normal((6, 4))
    whole = linear_network_ntk(x, w1, w2).reshape(3, 6, 3, 6)
    np.testing.assert_allclose(linear_snapshot(w1, w2, x).kernel, np.einsum("knkm->nm", whole) / 3, rtol=1e-12)
    assert linear_snapshot(w1, w2, x).reason("changes") == "no labels to update on were given"


def test_a_balanced_network_keeps_its_neurons():
    network = LinearNetwork.balanced(np.eye(2, 4), 2, 0.0, 0.1, np.random.default_rng(0))
    now = linear_snapshot(network.w1, network.w2, np.eye(4))
    np.testing.assert_array_equal(now.neurons, network.w1)
    np.testing.assert_allclose(now.outputs, (network.w2 @ network.w1).T, rtol=1e-12)


def test_free_features_move_with_the_classifier_and_by_themselves():
    model = UnconstrainedFeatures(3, 4, 5, 0.5)
    run = model.solve([0.0, 1.0], np.random.default_rng(0))
    w, h, labels = run["weights"][1], run["features"][1], model.labels
    now = free_features_snapshot(w, h, labels)
    step, direction = 1e-6, update_direction(now.outputs, labels)
    for base in range(3):
        grad_w, grad_h = np.outer(direction[base], h[:, base]), np.zeros_like(h)
        grad_h[:, base] = w.T @ direction[base]
        moved = ((w + step * grad_w) @ (h + step * grad_h) - (w - step * grad_w) @ (h - step * grad_h)) / (2 * step)
        np.testing.assert_allclose(now.changes[base], moved.T, rtol=1e-6, atol=1e-8)
    expected = h.T @ h + np.sum(w**2) / 3 * np.eye(12)
    np.testing.assert_allclose(now.kernel, expected, rtol=1e-12)
    assert now.reason("inputs") == now.reason("neurons") == "features are free parameters, not functions of inputs"


def test_snapshots_of_a_sparse_regression_are_its_run():
    model, t = SparseRegression(dim=20, n_samples=10, n_active=2), np.geomspace(0.01, 400, 9)
    run = model.solve(t, np.random.default_rng(3))
    held_out = np.random.default_rng(4).standard_normal((5, 20))
    (start, *snapshots), targets = sparse_regression_snapshots(model, t, np.random.default_rng(3), held_out)
    assert targets.shape == (15,)
    np.testing.assert_array_equal(start.outputs, 0)
    assert len(snapshots) == len(t)
    for k, now in enumerate(snapshots):
        norm = np.sqrt(sum((values**2).sum() for values in now.parameters))
        assert norm == pytest.approx(run["weight_norm"][k], rel=1e-12)
        train = 1 - np.sum((now.outputs[:10, 0] - targets[:10]) ** 2) / np.sum(targets[:10] ** 2)
        assert train == pytest.approx(run["train"][k], rel=1e-9)
        distance = kernel_distance(start.kernel[:10, :10], now.kernel[:10, :10])
        assert distance == pytest.approx(run["kernel_distance"][k], rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: linear_snapshot(np.eye(2), np.eye(3), np.eye(2)), r"w2 must have 2 columns, got shape \(3, 3\)"),
        (lambda: linear_snapshot(np.eye(2), np.eye(2), np.eye(3)), r"x must have 2 columns, got shape \(3, 3\)"),
        (lambda: free_features_snapshot(np.eye(2), np.eye(3)), r"weights must have 3 columns, got shape \(2, 2\)"),
        (lambda: diagonal_snapshot([1.0, 2.0], [1.0], np.eye(2)), "b must have shape"),
        (lambda: linear_snapshot(np.eye(2), np.eye(2), np.eye(2), [0, 2]), r"labels must be in 0..1, got 2"),
        (
            lambda: sparse_regression_snapshots(SparseRegression(), [0.0, 1.0], np.random.default_rng(0)),
            "t must be > 0 and finite, got 0",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call()

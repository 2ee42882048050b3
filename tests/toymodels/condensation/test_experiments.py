"""What the experiments of the family measure at seed 0, so that a number read from another place is noticed."""

from types import SimpleNamespace

import numpy as np
import pytest

from toymodels.condensation import experiments

MEASURED = {
    "orientations": {
        "early": [[1] * 5] * 2,
        "late": [5] * 5,
        "falls": [0, 1, 1, 0, 0],
        "loss": [0.0002, 0.0002, 0.0002, 0.0001, 0.0001],
        "merged_width": [5, 5, 6, 5, 5],
        "merged_error": [0] * 5,
    },
    "initial_scale": {
        "rank": [[1.954, 1.990, 1.962], [1.534, 1.671, 1.485], [1.021, 1.008, 1.011]],
        "directions": [2] * 3,
        "axes": [1] * 3,
    },
    "initial_directions": {"reached": [0] * 18, "near": [1] * 18},
    "linear_flow": {"gap": 0, "cosine": 1},
    "loss_plateaus": {"shared": [0.591, 0.794, 0.826, 0.593], "low": [0, 0.013, 0.086, 0.305, 0.725]},
    "embedding_principle": {"gradient": 0},
    "dropout": {"clusters": [-2, -2, -4, -2], "penalty": [0.214, 0.149, 0.185, 0.145]},
    "tangent_ranks": {"condensed": [0] * 3, "loose": [2] * 3},
    "three_layers": {"gap": [0.063, 0.016, 0.013], "outer": [0.202, 0.133]},
}


@pytest.mark.parametrize("name", MEASURED)
def test_an_experiment_measures_what_it_did(name):
    found = getattr(experiments, name)(np.random.default_rng(0))
    for quantity, values in MEASURED[name].items():
        np.testing.assert_allclose(found[quantity], values, rtol=0.02, atol=0.002, err_msg=quantity)


def test_the_law_of_splits_holds_at_all_points_found():
    found = experiments.embedding_principle(np.random.default_rng(0))
    assert len(found["gain"]) > len(found["law"]) > 20
    assert min(found["gain"]) >= 0 == max(found["law"])


def test_the_gradient_after_an_embedding_is_its_largest_entry_of_any_layer(monkeypatch):
    wide = SimpleNamespace(gradient=lambda x, y: (np.array([0.1]), np.array([0.3, -0.7]), np.zeros(2)))
    narrow = SimpleNamespace(hessian=lambda x, y: np.eye(2))
    monkeypatch.setattr(experiments, "critical_points", lambda width, *_: [narrow] if width == 2 else [])
    monkeypatch.setattr(experiments, "embeddings", lambda _: [(wide, ())])
    monkeypatch.setattr(experiments, "_zeros_are_told", lambda _: False)
    assert experiments.embedding_principle(np.random.default_rng(0)) == {"gradient": 0.7, "gain": [], "law": []}


def test_directions_are_counted_when_a_hundredth_of_the_loss_is_gone(monkeypatch):
    spread, alike = np.eye(3), np.tile([[1.0, 0.0, 0.0]], (3, 1))
    for loss, directions in (([1, 0.995, 0.98, 0.5], 1), ([1, 0.98, 0.97, 0.5], 3), ([1, 1, 1, 1], 2)):
        run = {"loss": np.array(loss), "w": np.stack([spread, spread, alike, np.eye(3)[[0, 0, 1]]])}
        network = SimpleNamespace(train=lambda *_, run=run: run)
        monkeypatch.setattr(experiments.TwoLayerNetwork, "random", lambda *_, network=network: network)
        assert experiments.plain_descent(np.random.default_rng(0)) == {"directions": directions}

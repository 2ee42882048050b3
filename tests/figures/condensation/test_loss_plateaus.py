import numpy as np

from figures.condensation import loss_plateaus
from figures.condensation.loss_plateaus import (
    EDGES,
    FIGURE,
    LossPlateaus,
    embedded,
    embedding_data,
    plateaus,
    turned,
)
from toymodels.condensation import TwoLayerNetwork


def test_time_in_bins_adds_up_to_the_time_spent_inside_the_edges():
    arrays = plateaus(LossPlateaus(replicates=3, n_steps=200), np.random.default_rng(0), 2)
    assert arrays["frequency"].shape == (len(EDGES) - 1,)
    assert abs(arrays["frequency"].sum() - 1) < 0.05
    assert arrays["low"] == 0


def test_embedded_critical_points_stay_critical():
    arrays = embedded(LossPlateaus(starts=3), np.random.default_rng(0), 1)
    assert arrays["gradient"] < 1e-9
    assert arrays["smallest_gain"] >= 0
    assert 0 <= arrays["turned"] <= arrays["minima"] <= arrays["embeddings"]


def test_a_batch_without_a_minimum_is_left_out_and_none_at_all_leaves_the_claim_open():
    claim = next(claim for claim in FIGURE.claims if claim.key.endswith("minimum-turns-saddle"))
    data = {"minima": np.array([[2, 0, 1], [6, 0, 0]]), "turned": np.array([[1, 0, 0], [1, 0, 0]])}
    np.testing.assert_allclose(turned(data), [0.25, 0])
    assert claim.judge(data).verdict == "reproduced"  # a minimum may turn, not every one does
    assert claim.judge({**data, "turned": 0 * data["turned"]}).verdict == "contradicted"
    assert claim.judge({name: 0 * values for name, values in data.items()}).verdict == "open"


def test_the_gradient_is_the_largest_entry_of_both_layers(monkeypatch):
    network = TwoLayerNetwork.random(3, 1, 1.0, "tanh", np.random.default_rng(0))
    monkeypatch.setattr(loss_plateaus, "critical_points", lambda *args: [network])  # not critical
    monkeypatch.setattr(loss_plateaus, "embeddings", lambda narrow: [(narrow, "as it is")])
    measured = embedded(LossPlateaus(), np.random.default_rng(0), 3)
    x, y = embedding_data()
    assert measured["gradient"] == max(np.abs(part).max() for part in network.gradient(x, y)) > 1e-3
    assert (measured["smallest_gain"], measured["embeddings"]) == (0, 1)

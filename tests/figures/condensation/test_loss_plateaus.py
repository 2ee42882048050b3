import numpy as np

from figures.condensation.loss_plateaus import EDGES, LossPlateaus, embedded, plateaus


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

"""Curves at recorded times, and which sides of the two shapes are lazy."""

import numpy as np
import pytest

from figures.layerwise.funnel_networks import (
    ANTI_FUNNEL,
    CLAIMS,
    FUNNEL,
    TIME,
    FunnelNetworks,
    curve_at,
    lazy_side,
    lazy_side_of_map,
    network,
    rich_side,
)
from toymodels.claims import CONTRADICTED, REPRODUCED


def test_a_curve_is_read_at_a_recorded_time():
    data = {"t": np.array([1.0, 5.0, TIME]), "loss_negative": np.arange(12.0).reshape(2, 2, 3)}
    assert curve_at("loss_negative", FUNNEL, 5.0)(data).tolist() == [1, 4]
    assert curve_at("loss_negative", ANTI_FUNNEL, TIME)(data).tolist() == [8, 11]


def test_the_two_shapes_are_lazy_on_opposite_sides():
    ones = np.ones((2, 1, 1))
    data = {
        "t": np.array([TIME]),
        "distance_positive": ones * [[[1]], [[2]]],
        "distance_negative": ones * [[[3]], [[4]]],
    }
    assert lazy_side(data).tolist() == [1, 4]
    assert rich_side(data).tolist() == [3, 2]
    maps = np.zeros((2, 1, 3, 2))
    maps[FUNNEL, 0, -1], maps[ANTI_FUNNEL, 0, 0] = (5, 6), (8, 7)
    assert lazy_side_of_map({"map": maps}).tolist() == [6, 8]


@pytest.mark.parametrize(
    ("funnels", "anti_funnels", "verdict"),
    [(0.5, 0.0, CONTRADICTED), (0.0, 0.5, CONTRADICTED), (0.11, 0.11, REPRODUCED), (0.9, 0.09, CONTRADICTED)],
)
def test_each_of_the_shapes_must_change_its_kernel(funnels, anti_funnels, verdict):
    (claim,) = (claim for claim in CLAIMS if claim.key == "funnel_networks.rich")
    data = {"t": np.array([TIME]), "distance_negative": np.zeros((2, 5, 1)), "distance_positive": np.zeros((2, 5, 1))}
    data["distance_negative"][FUNNEL], data["distance_positive"][ANTI_FUNNEL] = funnels, anti_funnels
    assert claim.judge(data).verdict == verdict


def test_a_funnel_fits_and_moves_its_kernel_late():
    run = network(FunnelNetworks(side=2, n_times=3), np.random.default_rng(0), "funnel", 0)
    t = run["t"]
    assert (np.diff(t) > 0).all()
    assert {1.0, 5.0, TIME, 2000.0} <= set(t)
    assert run["loss_negative"][-1] < 0.01
    assert run["distance_negative"][t <= 1].max() < 0.1 * run["distance_negative"][-1]
    assert run["map"].shape == (2, 2)

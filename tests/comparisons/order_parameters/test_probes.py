import numpy as np
import pytest

from comparisons.order_parameters.models import ON_DIGITS, ON_PARITY
from comparisons.order_parameters.probes import THEORY, order_parameters
from toymodels.metrics.separation import activation_overlap


def network_and_data(widths):
    import torch

    from dnn.data import Split
    from dnn.networks.mlp import MLP

    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.standard_normal((40, widths[0])).astype(np.float32))
    y = torch.arange(40) % widths[-1]
    return MLP(widths, rng=rng), Split(x, y, x + 0.1, y)


def test_every_order_parameter_is_a_finite_number():
    network, data = network_and_data((5, 8, 8, 3))
    values = order_parameters(network, data, network)
    assert values.keys() == THEORY.keys()
    assert np.isfinite(list(values.values())).all()
    assert values["kernel_distance"] == pytest.approx(0, abs=1e-6)


def test_only_what_is_asked_for_is_measured():
    network, data = network_and_data((5, 8, 8, 3))
    assert tuple(order_parameters(network, data, network, ON_PARITY)) == ON_PARITY
    assert set(ON_DIGITS) < set(THEORY)


def test_one_hidden_layer_has_one_rank_gradient():
    network, data = network_and_data((5, 8, 3))
    names = ("rank_gradient_first", "rank_gradient_last")
    assert tuple(order_parameters(network, data, network, names)) == names[1:]


def test_pathways_overlap_fully_where_a_class_has_units_of_its_own():
    firing = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], dtype=bool)
    assert activation_overlap(firing, np.array([0, 0, 1, 1])) == pytest.approx(1)
    assert activation_overlap(np.ones((4, 4), dtype=bool), np.array([0, 0, 1, 1])) == pytest.approx(0)

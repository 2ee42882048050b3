import numpy as np
import pytest

from comparisons.order_parameters.basins import AMPLITUDES, _radius, basin_radii, classes, is_matrix
from toymodels.snapshot import Snapshot


def linear(x, matrix):
    def predict(inputs, parameters):
        return inputs @ parameters[0].T

    return Snapshot(predict(x, [matrix]), inputs=x, parameters=(matrix,), predict=predict)


def test_radii_are_those_of_the_torch_reading():
    import torch

    from dnn import probes
    from dnn.data import Split
    from dnn.networks.mlp import MLP
    from dnn.training.snapshots import snapshot

    rng = np.random.default_rng(0)
    centres = 3 * rng.standard_normal((3, 5))
    labels = np.arange(60) % 3
    x = torch.from_numpy((centres[labels] + rng.standard_normal((60, 5))).astype(np.float32))
    network = MLP((5, 12, 3), rng=rng)
    with torch.no_grad():  # a classifier by construction, of the first layer's own features
        features = network.activations(x)[-1].numpy()
        weight = np.linalg.lstsq(features, np.eye(3)[labels], rcond=None)[0].T
        network.linears[-1].weight.copy_(torch.from_numpy(weight.astype(np.float32)))
        network.linears[-1].bias.zero_()
    y = torch.from_numpy(labels)
    expected = probes.basins(network, Split(x, y, x, y), draws=1)
    radii = basin_radii(snapshot(network, x), labels)
    assert 0.001 < radii["sample"] < 10
    assert radii == pytest.approx(expected, rel=1e-6)


def test_a_matrix_scaled_by_a_factor_keeps_both_radii():
    rng = np.random.default_rng(1)
    x, matrix = rng.standard_normal((200, 4)), rng.standard_normal((3, 4))
    labels = (x @ matrix.T).argmax(axis=1)
    radii = basin_radii(linear(x, matrix), labels)
    assert min(radii.values()) > 0.01
    assert basin_radii(linear(x, 7 * matrix), labels) == pytest.approx(radii)
    assert basin_radii(linear(7 * x, matrix), labels) == pytest.approx(radii)


def test_what_is_lost_without_noise_has_no_basin_and_what_is_never_lost_has_the_largest():
    x, matrix = np.array([[1.0], [-1.0]]), np.array([[-1.0], [1.0]])
    assert basin_radii(linear(x, matrix), np.array([0, 1])) == {"sample": 0.0, "weight": 0.0}
    same = np.array([[0.0], [0.0]]), np.array([[1.0], [-1.0]])
    assert basin_radii(linear(*same), np.array([0, 0]))["sample"] == AMPLITUDES[-1]


def test_weights_without_a_matrix_have_no_radius():
    x = np.linspace(-1, 1, 20)[:, None]
    now = Snapshot(x, inputs=x, parameters=([2.0],), predict=lambda inputs, parameters: inputs * parameters[0])
    assert basin_radii(now, (x[:, 0] > 0).astype(int)).keys() == {"sample"}


def test_a_single_output_counts_by_its_sign():
    np.testing.assert_array_equal(classes(np.array([[-1.0], [0.0], [2.0]])), [0, 0, 1])
    np.testing.assert_array_equal(classes(np.array([[0.0, 0.0], [1.0, 2.0]])), [0, 1])


@pytest.mark.parametrize(
    ("above", "below", "decade"),
    [(1.0, 0.0, -1.25), (0.8, 0.2, -1.25), (0.9, 0.3, -4 / 3 + 1 / 9), (0.6, 0.5, -7 / 6)],
)
def test_a_radius_lies_log_linear_between_two_amplitudes_a_sixth_of_a_decade_apart(above, below, decade):
    """Accuracy falls between the amplitudes 10^(-8/6) and 10^(-7/6)."""
    assert _radius(lambda s: above if s < 0.05 else below, 1.0) == pytest.approx(10**decade)


def test_a_radius_below_all_amplitudes_is_a_share_of_the_first_and_one_beyond_them_the_last():
    assert _radius(lambda s: 0.0, 0.9) == pytest.approx(1e-3 * 0.4 / 0.9)
    assert _radius(lambda s: 0.6, 0.6) == 10
    assert _radius(lambda s: 0.6 if s < 10 else 0.4, 0.7) == pytest.approx(10 ** (1 - 1 / 12))
    assert _radius(lambda s: 0.6, 0.5) == 0


def test_a_matrix_has_two_axes_and_more_than_one_entry():
    assert [is_matrix(np.ones(shape)) for shape in ((1, 2), (2, 2, 1), (1, 1), (5,))] == [True, True, False, False]

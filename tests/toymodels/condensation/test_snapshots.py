import numpy as np
import pytest

from tests.toymodels.snapshot_oracle import kernel_and_changes
from toymodels.condensation.network import TwoLayerNetwork
from toymodels.condensation.snapshots import two_layer_snapshot
from toymodels.snapshot import BASES


@pytest.mark.parametrize("activation", ["relu", "tanh", "xtanh", "softplus"])
def test_a_snapshot_is_the_network_with_its_bias(activation):
    rng = np.random.default_rng(0)
    network, x = TwoLayerNetwork.random(7, 3, 1.0, activation, rng), rng.standard_normal((12, 3))
    now = two_layer_snapshot(network.a, network.w, x, activation)
    slopes = network.jacobian(x)
    np.testing.assert_allclose(now.outputs[:, 0], network(x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(now.features, network.hidden(x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(now.kernel, slopes @ slopes.T, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(now.changes[:, :, 0], now.kernel[:BASES])
    np.testing.assert_array_equal(now.predict(x, now.parameters), now.outputs)
    x1 = np.hstack([x, np.ones((12, 1))])
    np.testing.assert_allclose(now.linear_outputs[:, 0], x1 @ network.w.T @ network.a, rtol=1e-12, atol=1e-13)
    assert now.has("firing") == (activation == "relu")
    assert bool(now.reason("firing")) == (activation != "relu")


def test_without_a_bias_and_in_single_precision():
    rng = np.random.default_rng(1)
    a, w, x = (rng.standard_normal(shape).astype(np.float32) for shape in (5, (5, 3), (8, 3)))
    now, exact = two_layer_snapshot(a, w, x), two_layer_snapshot(*(each.astype(float) for each in (a, w, x)))
    for name in ("outputs", "features", "kernel", "linear_outputs", "changes"):
        assert getattr(now, name).dtype == np.float32
        np.testing.assert_allclose(getattr(now, name), getattr(exact, name), rtol=1e-4, atol=1e-5)
    kernel, changes = kernel_and_changes(exact, np.ones((8, 1)))
    np.testing.assert_allclose(exact.kernel, kernel, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(exact.changes, changes, rtol=1e-7, atol=1e-8)
    np.testing.assert_array_equal(now.firing, now.features > 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], [[1.0]], [[1.0]]), r"a must have shape \(1,\), one entry per row of w, got \(2,\)"),
        (([1.0], [[1.0, 2.0, 3.0]], [[1.0]]), r"w must have 1 columns, or one more for the bias, got shape \(1, 3\)"),
        (([np.nan], [[1.0]], [[1.0]]), "a must be finite"),
        (([1.0], [[1.0]], [[1.0]], "step"), "activation must be one of"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(ValueError, match=message):
        two_layer_snapshot(*arguments)

import numpy as np
from matplotlib.figure import Figure

from figures.condensation.neuron_features import draw_features, features


def test_features_of_leading_axes_are_those_of_every_network():
    rng = np.random.default_rng(0)
    a, w, x = rng.standard_normal((3, 5)), rng.standard_normal((3, 5, 2)), np.array([[-0.5], [0.5]])
    together = features(a, w, x)
    for k in range(3):
        for name, values in features(a[k], w[k], x).items():
            np.testing.assert_array_equal(values, together[name][k])
    np.testing.assert_array_equal(together["static"], (np.einsum("tmd,nd->tnm", w, np.c_[x, [1, 1]]) <= 0).all(axis=1))


def test_inactive_neurons_are_drawn_apart():
    axes = Figure().subplots()
    draw_features(axes, np.array([0.0, 1.0, 2.0]), np.ones(3), np.array([True, False, False]), "epoch 1")
    assert [len(points.get_offsets()) for points in axes.collections] == [1, 2]
    assert "orientation" in axes.get_xlabel()

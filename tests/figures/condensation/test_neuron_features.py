import numpy as np
from matplotlib.figure import Figure

from figures.condensation.neuron_features import active_directions, draw_features, features, network_directions


def test_features_of_leading_axes_are_those_of_every_network():
    rng = np.random.default_rng(0)
    a, w, x = rng.standard_normal((3, 5)), rng.standard_normal((3, 5, 2)), np.array([[-0.5], [0.5]])
    together = features(a, w, x)
    for k in range(3):
        for name, values in features(a[k], w[k], x).items():
            np.testing.assert_array_equal(values, together[name][k])
    np.testing.assert_array_equal(together["static"], (np.einsum("tmd,nd->tnm", w, np.c_[x, [1, 1]]) <= 0).all(axis=1))


def test_orientation_and_size_are_of_weight_and_bias_in_this_order():
    found = features(np.array([1.0, -2.0, 0.5]), np.array([[0.0, 2.0], [3.0, 0.0], [0.0, -4.0]]), np.array([[0.5]]))
    np.testing.assert_allclose(found["theta"], [np.pi / 2, 0, -np.pi / 2])
    np.testing.assert_allclose(found["mass"], [2, 6, 2])


def test_directions_count_by_mass_and_silent_neurons_not_at_all():
    a, w = np.array([1.0, 1.0, 0.01, 3.0]), np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 1.0], [0.0, -1.0]])
    assert network_directions(a, w) == (3, 4)
    assert network_directions(a, w, signed=False) == (2, 3)
    assert active_directions(a, w, np.array([[0.5], [1.0]])) == (2, 3)  # the last neuron is silent
    assert network_directions(100 * a, 0.1 * w) == (3, 4)


def test_sizes_are_logarithmic_on_request():
    axes = Figure().subplots()
    draw_features(axes, np.zeros(2), np.array([1e-4, 1.0]), np.zeros(2, bool), "end", logarithmic=True)
    assert axes.get_yscale() == "log"


def test_inactive_neurons_are_drawn_apart():
    axes = Figure().subplots()
    draw_features(axes, np.array([0.0, 1.0, 2.0]), np.ones(3), np.array([True, False, False]), "epoch 1")
    assert [len(points.get_offsets()) for points in axes.collections] == [1, 2]
    assert "orientation" in axes.get_xlabel()

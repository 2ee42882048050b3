import numpy as np

from figures.condensation.phase_diagram import FIGURE, PhaseDiagram, deep_distances, distances, margins, slopes


def test_distances_are_one_per_cell_and_repeat():
    cells = ((0.5, 0), (1.5, 0))
    first, again = (distances(np.random.default_rng(3), 20, cells)["distance"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (2,)
    assert 0 < first[0] < first[1]


def test_three_layer_distances_are_one_per_layer_and_repeat():
    first, again = (deep_distances(np.random.default_rng(3), 1.0, 20)["distance"] for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert len(first) == 3
    assert min(first) > 0


def test_a_power_law_has_its_exponent_as_slope():
    widths = np.array([10, 20, 80])
    np.testing.assert_allclose(slopes(widths, np.stack([widths**0.5, 3.0 / widths], axis=1)), [0.5, -1])


def test_margins_are_positive_where_the_linear_exponents_are_negative():
    data = {"deep_slope": np.array([[[-1.0, -2.0, -3.0]], [[4.0, 5.0, 6.0]]])}
    assert margins(data, 0, 1, [0, 2]).tolist() == [1, 3, 4, 6]


def test_every_preset_has_the_settings_of_its_class():
    assert all(isinstance(preset, PhaseDiagram) for preset in FIGURE.presets.values())

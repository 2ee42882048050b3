import numpy as np
import pytest

from toymodels.condensation.presets import figure_one_data, figure_six, figure_two


def test_the_target_of_figure_one_at_points_computed_by_hand():
    x, y = figure_one_data(5)  # -1, -.5, 0, .5, 1
    assert x.shape == (5, 1)
    assert y == pytest.approx([0, 0, 0.6, -0.5 + 1.6 - 0.15, -1 + 2.6 - 0.9 + 0.1])


@pytest.mark.parametrize("activation", ["tanh", "xtanh"])
def test_figure_six_starts_small_and_grows(activation):
    run = figure_six(np.random.default_rng(0), activation)
    assert run["w"].shape == (2, 50, 6)
    assert run["w"][0].std() == pytest.approx(50.0**-4, rel=0.2)
    assert np.abs(run["w"][-1]).max() > 100 * np.abs(run["w"][0]).max()


@pytest.mark.slow
def test_figure_two_fits_better_from_a_smaller_start():
    loss = [figure_two(np.random.default_rng(0), power)["loss"][-1].max() for power in (0.5, 2.0)]
    assert loss[1] < loss[0]

"""Numbers of the 23-layer network and of the linear tails."""

import numpy as np
import pytest

from figures.opt_npt.gradient_phases_23_layers_claims import loss_over_gradient, phase_three, pruned_gain, pruned_loss


def test_phase_three_leaves_out_the_last_three_layers():
    gradient = np.array([[[9.0, 9, 9, 9, 9], [1, 3, 50, 60, 70]]])
    assert phase_three({"g_gradient": gradient}) == pytest.approx([0.5])


def test_pruned_accuracies_of_both_networks_are_judged_together():
    data = {"d_pruned": np.array([[0.5, 0.7, 0.8]]), "g_pruned": np.array([[0.9, 0.7, 0.6, 0.5]])}
    assert pruned_gain(data) == pytest.approx([1, -1])
    assert pruned_loss(data, 0) == pytest.approx([30, -40])


def test_the_rise_of_the_loss_is_timed_by_that_of_the_late_gradients():
    step = np.array([[0.0, 2, 4, 6]])
    gradient = np.zeros((1, 4, 4))
    gradient[0, 1:, 1:] = 1  # the last three layers rise between steps 0 and 2, the first never
    data = {"g_step": step, "g_loss": np.array([[2.3, 2.3, 2.9, 3.0]]), "g_gradient": gradient}
    assert loss_over_gradient(data) == pytest.approx([3])

"""Where modes move fastest, and how the delay grows."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from figures.layerwise.sigmoidal_modes_claims import delay_error, fastest_at, from_start, late_and_abrupt


def test_a_sigmoid_is_fastest_in_its_middle_and_an_exponential_at_its_start():
    t = np.linspace(-10, 10, 2001)
    data = {"t": t - t[0], "network": (1 / (1 + np.exp(-t)))[:, None], "linear": -np.expm1(-(t - t[0]))[:, None]}
    assert_allclose(fastest_at("network")(data), 0.5, atol=0.01)
    assert_allclose(fastest_at("linear")(data), 0)
    assert_allclose(from_start(data), 0)
    assert_allclose(late_and_abrupt(data), min(0.5 / 0.4, (10 - np.log(9)) / np.log(81)), rtol=0.02)


@pytest.mark.parametrize(
    ("mode", "from_the_start", "abruptly"),
    [
        ([0, 0.45, 0.9, 1, 1, 1, 1], True, False),  # at once
        ([0, 0, 0, 0, 0.9, 1, 1], False, False),  # late, in one step that hides where it is fastest
        ([0, 0, 0, 0.45, 0.92, 1, 1], False, True),  # after a wait, in two steps
        ([0, 0.1, 0.2, 0.4, 0.45, 0.9, 1], False, False),  # fastest late, but a slope before it
    ],
)
def test_a_wait_is_told_from_a_slope_by_its_time(mode, from_the_start, abruptly):
    modes = {"t": np.arange(7.0), "linear": np.array(mode)[:, None], "network": np.array(mode)[:, None]}
    assert (from_start(modes)[0] < 0.05) == from_the_start
    assert (late_and_abrupt(modes)[0] > 1) == abruptly


def test_modes_that_are_never_learned_tell_nothing():
    modes = np.linspace(0, 0.4, 5)[:, None]
    for measure, share in ((from_start, 50), (late_and_abrupt, 90)):
        with pytest.raises(ValueError, match=f"data must reach {share}%"):
            measure({"t": np.arange(5.0), "linear": modes, "network": modes})


def test_the_delay_is_compared_with_half_the_inverse_strength():
    starts, strengths = np.array([1e-2, 1e-4, 1e-6]), np.array([4.0, 1.0])
    delays = np.log(1 / starts)[:, None] / (2 * strengths) * [1, 1.1] + 3
    assert_allclose(delay_error({"starts": starts, "strengths": strengths, "delays": delays}), [0, 0.1], atol=1e-12)
    bent = delays + np.array([0, 0.2, 0])[:, None]
    slower = 0.2 * 2 * strengths / np.log(100)
    expected = np.maximum(slower, [slower[0], 0.1 + slower[1]])
    assert_allclose(delay_error({"starts": starts, "strengths": strengths, "delays": bent}), expected, atol=1e-12)


def test_one_mode_that_is_never_learned_is_enough_to_tell_nothing():
    modes = np.stack([np.linspace(0, 1, 5), np.linspace(0, 0.4, 5)], axis=1)
    for measure in (from_start, late_and_abrupt):
        with pytest.raises(ValueError, match="of every mode"):
            measure({"t": np.arange(5.0), "linear": modes, "network": modes})

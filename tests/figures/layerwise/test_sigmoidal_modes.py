"""Where modes move fastest, and how the delay grows."""

import numpy as np
from numpy.testing import assert_allclose

from figures.layerwise.sigmoidal_modes_claims import delay_error, fastest_at


def test_a_sigmoid_is_fastest_in_its_middle_and_an_exponential_at_its_start():
    t = np.linspace(-10, 10, 2001)
    data = {"network": (1 / (1 + np.exp(-t)))[:, None], "linear": -np.expm1(-(t - t[0]))[:, None]}
    assert_allclose(fastest_at("network")(data), 0.5, atol=0.01)
    assert_allclose(fastest_at("linear")(data), 0)


def test_the_delay_is_compared_with_half_the_inverse_strength():
    starts, strengths = np.array([1e-2, 1e-4, 1e-6]), np.array([4.0, 1.0])
    delays = np.log(1 / starts)[:, None] / (2 * strengths) * [1, 1.1] + 3
    assert_allclose(delay_error({"starts": starts, "strengths": strengths, "delays": delays}), [0, 0.1], atol=1e-12)

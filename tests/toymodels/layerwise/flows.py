"""The independent side of the comparison: the raw gradient flow, integrated."""

import numpy as np
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from tests.tolerances import FLOW


def integrate(velocity, start, t):
    """(n_t, size) states of d(state)/dt = velocity(state) at increasing times t from 0."""
    run = solve_ivp(lambda _, state: velocity(state), (0, t[-1]), start, "DOP853", t_eval=t, rtol=1e-12, atol=1e-16)
    assert run.success, run.message
    return run.y.T


def assert_same_flow(got, expected, tolerance=FLOW):
    """Equal within `tolerance` of the largest entry, or of 1e-4 where an absolute error of the solver would show."""
    assert_allclose(got, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-4))

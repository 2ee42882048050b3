"""The independent side of the comparison: the raw gradient flow, integrated."""

import numpy as np
from numpy.testing import assert_allclose
from scipy.integrate import solve_ivp

from tests.tolerances import FLOW


def integrate(velocity, start, t):
    """(n_t, size) states of d(state)/dt = velocity(state) at increasing times t from 0.

    From time to time at the least tolerance there is: interpolated, 1e-7 is all a stiff flow gives.
    """
    state, states = np.asarray(start, float), []
    for duration in np.diff(t, prepend=0.0):
        if duration:
            run = solve_ivp(lambda _, y: velocity(y), (0, duration), state, "DOP853", rtol=2.3e-14, atol=1e-17)
            assert run.success, run.message
            state = run.y[:, -1]
        states.append(state)
    return np.array(states)


def raw_flow(model, t):
    """Layers (n_t, h, d) and (n_t, c, h) of a two-layer linear network, by its plain gradient flow."""
    (h, d), c = model.w1.shape, len(model.w2)
    covariance = np.eye(d) if model.covariance is None else model.covariance
    rates = np.repeat(model.rates, [h * d, c * h])

    def split(state):
        lead = state.shape[:-1]
        return state[..., : h * d].reshape(*lead, h, d), state[..., h * d :].reshape(*lead, c, h)

    def velocity(state):
        w1, w2 = split(state)
        error = model.correlation - w2 @ w1 @ covariance
        slopes = np.concatenate([(w2.T @ error).ravel(), (error @ w1.T).ravel()])
        return rates * (slopes - model.weight_decay * state)

    return split(integrate(velocity, np.concatenate([model.w1.ravel(), model.w2.ravel()]), t))


def assert_same_flow(got, expected, tolerance=FLOW):
    """Equal within `tolerance` of the largest entry, or of 1e-4 where an absolute error of the solver would show."""
    assert_allclose(got, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-4))

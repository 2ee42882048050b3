"""Mean elasticities at 4s, 9s and 0s of five networks, which fall by known decades from one digit to the next."""

import numpy as np

from tests.figures.claims import Case

LEVELS = np.array([0.9, 0.5, 0.7, 0.8, 0.6])  # at 4s
INPUTS = np.array([0.9, 0.2, 0.9 * 10**-0.3])  # the inputs fall by .3 decades from 4s to 0s


def falling(name: str, to_nines: list[float], to_zeros: list[float]) -> dict[str, np.ndarray]:
    """Five networks that fall by these decades, first from 4s to 9s and then from 9s to 0s."""
    nines = LEVELS * 10.0 ** -np.array(to_nines)
    return {f"mean_{name}": np.stack([LEVELS, nines, nines * 10.0 ** -np.array(to_zeros)], axis=1)}


def order(name: str) -> Case:
    """Smaller falls of .06, .055, -.3, -.2 and .07 decades, mean below 0; .045, .04, .03, .4 and .6, mean .223."""
    return Case(
        falling(name, [0.06, 0.3, -0.3, 0.2, 0.07], [0.2, 0.055, 0.1, -0.2, 0.08]),
        falling(name, [0.045, 0.3, 0.03, 0.5, 0.6], [0.2, 0.04, 0.1, 0.4, 0.7]),
        (0.055, 0.045),
    )


def excess(name: str) -> Case:
    """Falls from 4s to 0s of .3 decades and these more: .21, .4, .25, .3 and .22, but in `fails` .19 in the second."""
    to_nines = [0.1, 0.2, -0.1, 0.3, 0.15]
    return Case(
        falling(name, to_nines, [0.41, 0.5, 0.65, 0.3, 0.37]) | {"mean_inputs": INPUTS},
        falling(name, to_nines, [0.41, 0.29, 0.65, 0.3, 0.37]) | {"mean_inputs": INPUTS},
        (0.25, 0.22),
    )


CASES = {
    "order": order("mse_trained"),
    "excess": excess("mse_trained"),
    "order-cross-entropy": order("cross_entropy_trained"),
    "excess-cross-entropy": excess("cross_entropy_trained"),
    "order-momentum": order("momentum_trained"),
    "excess-momentum": excess("momentum_trained"),
    # steps of .04 and .2, and of .2 and .06
    "order-of-inputs": Case(
        {"mean_inputs": np.array([0.8, 0.8 * 10**-0.04, 0.8 * 10**-0.24])},
        {"mean_inputs": np.array([0.8, 0.8 * 10**-0.2, 0.8 * 10**-0.26])},
        (0.04, 0.06),
    ),
    # means .14 and .085
    "linear": Case(
        {"linear_falls": np.array([[0.09, 0.05], [0.5, 0.05], [0.06, 0.09]])},
        {"linear_falls": np.array([[0.12, 0.12], [0.01, 0.12], [0.02, 0.12]])},
        (0.075, 0.12),
    ),
}

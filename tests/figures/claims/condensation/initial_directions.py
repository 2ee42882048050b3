"""Numbers of directions written by hand: of Adam for two activations, of each neuron's descent for three.

Of the eight runs of Adam and the five data sets a middle one decides, and means lie elsewhere; 2p is 2, 4 and 6.
"""

import numpy as np

from tests.figures.claims import Case

TANH, XTANH = [2, 2, 2, 3, 2, 1, 2, 7], [4, 4, 2, 4, 5, 7, 3, 4]


def adam(tanh: list[int] = TANH, xtanh: list[int] = XTANH) -> dict[str, np.ndarray]:
    """Directions of eight networks of each activation."""
    return {"adam_directions": np.array([tanh, xtanh])}


CASES = {
    "tanh": Case(adam(), adam(tanh=[3, 3, 2, 2, 3, 4, 3, 1]), (2, 3)),
    "xtanh": Case(adam(), adam(xtanh=[3, 3, 2, 3, 7, 7, 4, 3]), (4, 3)),
    # four of eight have four directions, though their median is (3 + 4) / 2; then three of eight, though it is 4
    "xtanh-usually": Case(adam(xtanh=[4, 2, 4, 3, 4, 2, 3, 4]), adam(xtanh=[4, 2, 4, 3, 4, 5, 6, 5]), (3.5, 4)),
    # less 2p: six times 0 and seven times -1, then -2 and -3. In `fails` one of tanh has three directions,
    # one too many, beside eight times 0, five times -1 and -3
    "bound": Case(
        {"reached": np.array([[2, 1, 2, 1, 1], [4, 3, 2, 4, 3], [6, 6, 5, 3, 5]])},
        {"reached": np.array([[2, 1, 3, 2, 2], [4, 3, 4, 4, 3], [6, 6, 5, 3, 5]])},
        (-1, 0),
    ),
    # eight of fifteen above .95, the least of them .96; then seven, and the next is .94
    "extrema": Case(
        {"near": np.array([[1.00, 0.99, 0.98, 0.97, 0.5], [0.96, 0.97, 0.98, 0.2, 0.3], [0.99, 0.93, 0.92, 0.4, 0.1]])},
        {"near": np.array([[1.00, 0.99, 0.98, 0.97, 0.5], [0.94, 0.97, 0.98, 0.2, 0.3], [0.99, 0.93, 0.92, 0.4, 0.1]])},
        (0.96, 0.94),
    ),
    "plain-descent": Case({"plain": np.array([4, 3, 5, 4, 6])}, {"plain": np.array([5, 3, 5, 2, 6])}, (4, 5)),
    "plain-descent-every-neuron": Case(
        {"all_plain": np.array([4, 4, 2, 9, 3])}, {"all_plain": np.array([5, 6, 3, 4, 9])}, (4, 5)
    ),
}

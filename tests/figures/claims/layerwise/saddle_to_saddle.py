"""Staircases of the loss on a clock that doubles, and spectra just above and just below half of their targets.

Strengths 4, 2, 1, 0.5: half the sum of their squares is 10.625, of those after the first 2.625, then 0.625, 0.125.
"""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED

STRENGTHS = np.array([4.0, 2, 1, 0.5])
REMAINING = np.array([2.625, 0.625, 0.125])
IN_ORDER = np.tile([1, 2, 3], (5, 1))  # modes that are learned on the three plateaus, five networks
NOT_IN_ORDER = np.array([[1, 2, 3], [1, 1, 3], [1, 3, 3], [1, 0, 3], [1, 1, 3]])  # off by 0, 1, 1, 2, 1


def staircase(*levels: float) -> np.ndarray:
    """A loss that stays at every level for three times."""
    return np.repeat(levels, 3)


def doubling(loss: np.ndarray) -> np.ndarray:
    """Times 1, 2, 4, ... of a loss."""
    return 2.0 ** np.arange(len(loss))


def fall(name: str, loss: np.ndarray, **others: np.ndarray) -> dict[str, np.ndarray]:
    """One loss with its times."""
    return {f"loss_{name}": loss, "t": doubling(loss), **others}


def spectra(balanced: np.ndarray, gaussian: np.ndarray) -> dict[str, np.ndarray]:
    """Singular values (kinds, networks, plateaus, modes): the learned at 55 % of their target, the others at 45 %."""
    learned = np.arange(4) < np.stack([balanced, gaussian])[..., None]
    return {"strengths": STRENGTHS, "matrix_spectrum_between": np.where(learned, 0.55, 0.45) * STRENGTHS}


# drops of 8, 2, 0.6085 and 0.009, four; that of 0.0075 is below a thousandth of the largest
FOUR = staircase(10.625, 2.625, 0.625, 0.0165, 0.0075, 0)
THREE = staircase(10.625, 2.625, 0.0165, 0.0075, 0)  # the second and the third in one

# falls by 0.5, 0.9, 1.6, 2.5, 1.3, 0.2 in doublings of time: fastest in the middle, but in plain time at the start
ONCE = np.array([7, 6.5, 5.6, 4, 1.5, 0.2, 0, 0, 0, 0])
TWICE = np.array([7, 6.5, 5.6, 4, 1.5, 0.2, 0.2, 0.2, 0, 0])  # the 0.2 on its own

CASES = {
    "drops": Case(fall("small", FOUR, strengths=STRENGTHS), fall("small", THREE, strengths=STRENGTHS), (0, 1)),
    "plateaus": Case(
        {"strengths": STRENGTHS, "plateaus": REMAINING * [1.019, 1.01, 0.981]},
        {"strengths": STRENGTHS, "plateaus": REMAINING * [1.019, 1.021, 0.981]},
        (1.01, 1.019),
        also=[({"strengths": STRENGTHS, "plateaus": REMAINING * [1.019, 1.01, 0.979]}, CONTRADICTED)],
    ),
    "linear-model": Case(fall("linear", ONCE), fall("linear", TWICE), (0, 1)),
    "rank": Case(spectra(IN_ORDER, NOT_IN_ORDER), spectra(NOT_IN_ORDER, IN_ORDER), (0, 1)),
    "rank-from-gaussian-weights": Case(spectra(NOT_IN_ORDER, IN_ORDER), spectra(IN_ORDER, NOT_IN_ORDER), (0, 1)),
}

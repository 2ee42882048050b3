"""Accuracies of five runs at three scales that step up from .94 to .95 at a step that is told.

Runs of a scale that is not named neither fit nor generalise.
"""

import numpy as np

from tests.figures.claims import Case

STEPS = np.array([1, 10, 30, 40, 100, 300, 350, 400, 1000, 3000, 4000])
NEVER = np.inf  # counts as the last step, 4000
USUAL, LIGHT = 0, 2
FITS = (1000, 100, 40, 100, 10)


def steps_up(at: tuple[float, ...]) -> np.ndarray:
    """Curves (runs, records)."""
    return np.where(np.array(at)[:, None] <= STEPS, 0.95, 0.94)


def late(at: dict[int, tuple[float, ...]]) -> dict[str, np.ndarray]:
    """When the runs of these scales generalise; they fit at FITS."""
    train = np.array([steps_up(FITS if scale in at else (NEVER,) * 5) for scale in range(3)])
    test = np.array([steps_up(at.get(scale, (NEVER,) * 5)) for scale in range(3)])
    return {"steps": STEPS, "train": train, "test": test}


CASES = {
    # 4, 1, 100, 4, 3 times FITS and 3, 1, 100, 4, 3 times; the means of their decades are .74 and .71
    "delay": Case(
        late({USUAL: (NEVER, 100, NEVER, 400, 30)}),
        late({USUAL: (3000, 100, NEVER, 400, 30)}),
        (np.log10(4), np.log10(3)),
    ),
    # medians 300 and 350 over 400
    "light-embeddings": Case(
        late({USUAL: (400, 100, NEVER, 1000, 300), LIGHT: (300, 1000, 100, NEVER, 30)}),
        late({USUAL: (400, 100, NEVER, 1000, 300), LIGHT: (350, 1000, 100, NEVER, 30)}),
        (0.75, 0.875),
    ),
}

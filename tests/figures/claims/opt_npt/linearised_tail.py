"""Five runs with a record every four steps, whose accuracies pass .5 at the jump and .95 of .8 at the convergence."""

import numpy as np

from tests.figures.claims import Case
from toymodels.claims import CONTRADICTED

STEPS = np.arange(0, 49, 4.0)
TAIL = 3
JUMPS = (20, 16, 24, 20, 16)


def runs(mode: str, *converged: int) -> dict[str, np.ndarray]:
    """Accuracies (5, 13, 7) with a tail made linear from seven layers; the last is the network itself.

    With statistics of the batch the network is at .8 from step 8 on, and so 95 % of it are .76; before, at .45, it has
    not converged, however near the tail is. The tail that is judged is at .77 from a step of each run on, and for a
    moment, two records before that. In evaluation mode the network passes .5 at `JUMPS`. Other tails never learn.
    """
    accuracy = {"running": np.full((5, 13, 7), 0.1), "batch": np.full((5, 13, 7), 0.1)}
    accuracy["batch"][:, :, -1] = np.where(STEPS >= 8, 0.8, 0.45)
    for run, (jump, step) in enumerate(zip(JUMPS, converged, strict=True)):
        accuracy["running"][run, :, -1] = np.where(jump <= STEPS, 0.52, 0.48)
        tail = np.where(step <= STEPS, 0.77, 0.75)
        tail[(step - 8 == STEPS) | (STEPS < 8)] = 0.77
        accuracy[mode][run, :, -1 - TAIL] = tail
    return {"steps": STEPS, "tail": np.array(TAIL), "samples": np.array(10_000), **accuracy}


CASES = {
    # 24/20, 24/16, 24/24, 36/20, 12/16; 32/20, 28/16, 40/24, 24/20, never
    "converges-after-jump": Case(
        runs("running", 24, 24, 24, 36, 12),
        runs("running", 32, 28, 40, 24, 99),
        (1.2, 40 / 24),
        # the lower bound: 16/20, 12/16, 20/24, 28/20, 8/16
        also=[(runs("running", 16, 12, 20, 28, 8), CONTRADICTED)],
    ),
    # 16/20, 12/16, 20/24, 8/20, 16/16; 12/20, 8/16, 16/24, 20/20, 8/16
    "noise-of-weights": Case(runs("batch", 16, 12, 20, 8, 16), runs("batch", 12, 8, 16, 20, 8), (0.8, 0.6)),
}

"""Three runs with a record every four steps, whose accuracies pass .5 at the jump and .95 of .8 at the convergence."""

import numpy as np

from tests.figures.claims import Case

STEPS = np.arange(0, 49, 4.0)
TAIL = 3
JUMPS = np.array([20, 16, 24])


def runs(mode: str, *converged: int) -> dict[str, np.ndarray]:
    """Accuracies (3, 13, 6) with a tail made linear from six layers; the last is the network itself.

    With statistics of the batch the network is at .8, and so 95 % of it are .76. The tail that is judged is at .77 from
    a step of each run on, and for a moment, at step 4, before it. In evaluation mode the network passes .5 at the steps
    20, 16 and 24. Other tails never learn.
    """
    accuracy = {"running": np.full((3, 13, 6), 0.1), "batch": np.full((3, 13, 6), 0.1)}
    accuracy["running"][:, :, -1] = np.where(JUMPS[:, None] <= STEPS, 0.52, 0.48)
    accuracy["batch"][:, :, -1] = 0.8
    accuracy[mode][:, :, -1 - TAIL] = np.where(np.array(converged)[:, None] <= STEPS, 0.77, 0.75)
    accuracy[mode][:, 1, -1 - TAIL] = 0.77
    return {"steps": STEPS, "tail": np.array(TAIL), "samples": np.array(10_000), **accuracy}


CASES = {
    # 24/20, 24/16, 24/24; 32/20, 28/16, 40/24
    "converges-after-jump": Case(runs("running", 24, 24, 24), runs("running", 32, 28, 40), (1.2, 40 / 24)),
    # 16/20, 12/16, 20/24; 12/20, 8/16, 16/24
    "noise-of-weights": Case(runs("batch", 16, 12, 20), runs("batch", 12, 8, 16), (0.8, 0.6)),
}

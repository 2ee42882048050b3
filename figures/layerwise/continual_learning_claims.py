"""What Appendix G.1 says of task sequences, and what the works it names found: forgetting, transfer and reversal."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from figures.harness.figure import Data
from toymodels.claims import AFTER, CONTROL, READING, Claim, Quantity, every_run, value

SEQUENCES = ("forgetting", "transfer", "reversal")
FORGETTING, TRANSFER, REVERSAL = range(3)
RICH, LAZY = 0, -1  # of the imbalances
LEARNED = 0.01  # loss over that of the zero map


def reached(t: np.ndarray, loss: np.ndarray, level: float = LEARNED) -> float:
    """First time at which a loss (n_t,) is at `level` or below; `inf` if never."""
    below = loss <= level
    return float(t[below.argmax()]) if below.any() else np.inf


def time_saved(imbalance: int, kind: int) -> Callable[[Data], np.ndarray]:
    """Time to learn the second task after the first, over that from the start, per run."""

    def measure(data: Data) -> np.ndarray:
        after, alone = (data[name][imbalance, kind] for name in ("learned", "learned_alone"))
        if np.isinf(alone).any():
            raise ValueError("data must reach the second task from the start")
        return after / alone

    return measure


def forgotten(data: Data) -> np.ndarray:
    """Loss on the first task at the end over half the squared distance of the tasks, forgetting, every run."""
    return (data["kept"][:, FORGETTING] / data["apart"][:, FORGETTING]).ravel()


def last_distance(imbalance: int, kind: int) -> Callable[[Data], np.ndarray]:
    """Kernel distance over the second task, per run."""
    return lambda data: data["turned"][imbalance, kind]


SPEED = f"time to a loss of {LEARNED:g} on task B after A, over that from the start"
CLAIMS = (
    Claim(
        "continual_learning.conserved",
        "Appendix G.1",
        "The imbalance is conserved for any initial value, through a change of task too.",
        Quantity(
            "integrated flow, both tasks: largest drift of W2'W2 - W1W1' over the largest change of W2'W2",
            lambda data: data["raw_drift"].ravel(),
        ),
        every_run < 1e-6,
    ),
    Claim(
        "continual_learning.closed-form",
        "Appendix G.1",
        "The closed form goes on from task to task.",
        Quantity(
            "largest distance of its map from that of integrated flow on task B, over that of the tasks",
            lambda data: data["raw_error"].ravel(),
        ),
        every_run < 1e-6,
        source=CONTROL,
    ),
    Claim(
        "continual_learning.forgotten-in-the-end",
        "Appendix G.1",
        "What is forgotten in the end is set by the two tasks, not by the imbalance.",
        Quantity("loss on task A at the end of B, over half the squared distance of the two, every lambda", forgotten),
        every_run.between(0.99, 1.01),
        source=READING,
    ),
    Claim(
        "continual_learning.lazy-is-exponential",
        "Appendix G.1",
        "With a large imbalance the passage from one task to the next is exponential, of rate lambda.",
        Quantity(
            "lambda = 20: largest distance of the map from the exponential, over that of the tasks",
            lambda data: data["exponential"][LAZY, FORGETTING],
        ),
        every_run < 0.05,
        source=READING,
    ),
    Claim(
        "continual_learning.lazy-kernel",
        "Appendix G.1",
        "A lazy network learns the next task with the kernel it has.",
        Quantity("lambda = 20, forgetting: kernel distance over task B", last_distance(LAZY, FORGETTING)),
        every_run < 1e-3,
        source=READING,
    ),
    Claim(
        "continual_learning.rich-kernel",
        "Appendix G.1",
        "A balanced network relearns its features, although its weights are large by then.",
        Quantity("lambda = 0, forgetting: kernel distance over task B", last_distance(RICH, FORGETTING)),
        every_run > 0.05,
        source=READING,
        why="on the way it goes further, but strengths from 1 to 2 leave the kernels of any two learned tasks alike",
        defence="the bound is ours and absolute; the change is a thousand times that of the lazy network (next claim)",
    ),
    Claim(
        "continual_learning.rich-against-lazy",
        "Appendix G.1",
        "Its kernel changes far more than that of a lazy one.",
        Quantity(
            "forgetting: smallest kernel distance over task B at lambda = 0, over the largest at lambda = 20",
            lambda data: last_distance(RICH, FORGETTING)(data).min() / last_distance(LAZY, FORGETTING)(data).max(),
        ),
        value > 100,
        source=READING,
        fixed=AFTER,
    ),
    Claim(
        "continual_learning.rich-transfer",
        "Appendix G.1",
        "Features that fit the next task save time in a balanced network.",
        Quantity(f"lambda = 0, the same directions: {SPEED}", time_saved(RICH, TRANSFER)),
        every_run < 0.5,
        source=READING,
    ),
    Claim(
        "continual_learning.lazy-transfer",
        "Appendix G.1",
        "They save little in a lazy one, which only has less far to go.",
        Quantity(f"lambda = 20, the same directions: {SPEED}", time_saved(LAZY, TRANSFER)),
        every_run.between(0.5, 1),
        source=READING,
    ),
    Claim(
        "continual_learning.rich-reversal",
        "Appendix G.1",
        "A reversed task holds a balanced network up: on the way lies the saddle at 0.",
        Quantity(f"lambda = 0, B = -A (inf if not within flow time 50): {SPEED}", time_saved(RICH, REVERSAL)),
        every_run > 3,
        source=READING,
        fixed=AFTER,  # the time on task A, to which the wait is proportional, was shortened after a look
    ),
    Claim(
        "continual_learning.lazy-reversal",
        "Appendix G.1",
        "It does not hold up a lazy one.",
        Quantity(f"lambda = 20, B = -A: {SPEED}", time_saved(LAZY, REVERSAL)),
        every_run < 2,
        source=READING,
    ),
)

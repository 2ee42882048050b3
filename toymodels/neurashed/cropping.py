r"""Data augmentation by cropping: learning `cat head` and `cat tail` separately (Su 2024, section 4).

Two animals, each with a head and a tail, on a background that always agrees with the class during training. A second
level has a node for each part, one for the *whole* animal (both parts), and one per background; background nodes lead
to both classes. Crops show a part alone. The graph and the law are ours: each training image comes with k crops to
the head and k to the tail, so per step the head fires with probability (1+k)/(2(1+2k)), the whole and the background
with 1/(2(1+2k)), and with multiplicative rules at batches of one

.. math:: E \ln\frac{\lambda_\mathrm{whole}}{\lambda_\mathrm{part}} = -\frac{k}{2(1+2k)}\, T \ln\frac{a}{b}.

Without crops nothing separates part, whole and background. A part on the wrong background is then a coin toss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed.graphs import Task, build
from toymodels.neurashed.rules import Multiplicative
from toymodels.trajectory import Trajectory
from toymodels.validation import non_negative, positive_int

HEADS, TAILS, BACKGROUNDS = (0, 2), (1, 3), (4, 5)  # nodes of level 0 for cat and dog
PART, WHOLE = (1, 0), (1, 2)  # cat head and whole cat on the second level


def cropped_animals(crops: int) -> Task:
    """Training images of two animals, `crops` copies of every crop beside each whole image."""
    crops = positive_int("crops", crops, minimum=0)
    hidden = {}
    for label, (head, tail) in enumerate(zip(HEADS, TAILS, strict=True)):
        hidden |= {
            3 * label: ([head], "any"),
            3 * label + 1: ([tail], "any"),
            3 * label + 2: ([head, tail], "all"),
            6 + label: ([BACKGROUNDS[label]], "any"),
        }
    model = build(6, [hidden], [[0, 1, 2, 6, 7], [3, 4, 5, 6, 7]])
    views = [(view, label) for label in (0, 1) for view in _views(label, crops)]
    inputs = np.zeros((len(views), 6), dtype=bool)
    for row, (view, _) in zip(inputs, views, strict=True):
        row[list(view)] = True
    labels = np.array([label for _, label in views])
    return Task(model, inputs, labels, tuple(f"{('cat', 'dog')[label]} {view}" for view, label in views))


def _views(label: int, crops: int) -> list[tuple[int, ...]]:
    whole = (HEADS[label], TAILS[label], BACKGROUNDS[label])
    return [whole, *[(HEADS[label],)] * crops, *[(TAILS[label],)] * crops]


def predicted_log_whole(n_steps: ArrayLike, crops: int, rule: Multiplicative) -> np.ndarray:
    """Mean of ln(whole / part amplification) after `n_steps` updates, exact."""
    up, _, down = rule.coefficients(1)
    crops = positive_int("crops", crops, minimum=0)
    return -non_negative("n_steps", n_steps) * crops / (2 * (1 + 2 * crops)) * (up - down)


def train_with_crops(
    crops: int,
    rule: Multiplicative,
    rng: np.random.Generator,
    *,
    n_steps: int = 400,
    initial: float = 0.1,
    replicates: int = 20,
    every: int = 10,
) -> Trajectory:
    """Train on whole images and crops; test on single parts before the other class's background.

    Parameters
    ----------
    crops : int
        Crops to each part per image, 0 for none.
    rule : Multiplicative
    rng : numpy.random.Generator
    n_steps, initial, replicates, every
        As in `train`.

    Returns
    -------
    Trajectory
        Clock "step". `part_accuracy` (n_t, replicates): share of the four part-on-wrong-background images that are
        recognised. `log_whole` (n_t, replicates): ln(whole / part amplification) of the cat; `predicted` (n_t,) is its
        mean.
    """
    task = cropped_animals(crops)
    run = task.model.train(
        task.inputs,
        task.labels,
        rule,
        n_steps=n_steps,
        rng=rng,
        initial=initial,
        replicates=replicates,
        every=every,
        scale="log",
    )
    logs, edges = run["log_amplification"], run["log_edge_weights"]
    whole, part = (task.model.nodes.index(node) for node in (WHOLE, PART))
    data = {
        "part_accuracy": np.array([_part_accuracy(task, *state) for state in zip(logs, edges, strict=True)]),
        "log_whole": logs[..., whole] - logs[..., part],
        "predicted": predicted_log_whole(run.t, crops, rule),
    }
    return Trajectory(run.t, data, clock=run.clock)


def _part_accuracy(task: Task, log_amplification: np.ndarray, log_edges: np.ndarray) -> np.ndarray:
    """Accuracy of every replicate on parts before the wrong background, (replicates,)."""
    inputs = np.zeros((4, 6), dtype=bool)
    for row, (label, part) in enumerate((label, part) for label in (0, 1) for part in (HEADS, TAILS)):
        inputs[row, [part[label], BACKGROUNDS[1 - label]]] = True
    firing = task.model.fire(inputs)
    logits = [task.model.log_logits(*state, firing) for state in zip(log_amplification, log_edges, strict=True)]
    labels = np.array([0, 0, 1, 1])
    own = np.array([logit[np.arange(4), labels] > logit[np.arange(4), 1 - labels] for logit in logits])
    return own.mean(axis=1)

r"""Neural collapse on disjoint classes: a law for within-class variability, and additive rules that do not collapse.

Su (2024) links sparse pathways to neural collapse in words; this graph and law are ours. K classes with `n_shared`
nodes that fire for both types of the class and `n_own` nodes for each type; features are
:math:`h(x) = (\lambda_F [F \text{ fires}])_F`. With :math:`\rho = \lambda_\mathrm{own}/\lambda_\mathrm{shared}`,

.. math:: \frac{\mathrm{tr}\,S_W}{\mathrm{tr}\,S_B} = \frac{n_o \rho^2 / 2}{(1 - 1/K)(n_s + n_o \rho^2/2)}.

When every epoch shows each type once, multiplicative rules give :math:`\rho = (b/a)^{T/(2K)}` at the end of an epoch:
the ratio vanishes geometrically, also without fading (b = 1), and the class means form a simplex at once. It takes that
types come alone: in a batch of all of them every node fires, and :math:`\rho` stays what it is. Additive rules bring it
to :math:`\rho = 1/2`. With independent draws the classes drift apart, so the ratio vanishes but the simplex is lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from toymodels.metrics.collapse import nc2, within_between
from toymodels.neurashed.graphs import Task, build
from toymodels.neurashed.rules import AnyRule
from toymodels.trajectory import Trajectory
from toymodels.validation import finite, non_negative, positive, positive_int


def disjoint_classes(n_classes: int = 3, n_shared: int = 4, n_own: int = 4) -> Task:
    """Classes without common nodes, each of two types that share `n_shared` and own `n_own` nodes."""
    n_classes, n_shared, n_own = _sizes(n_classes, n_shared, n_own)
    size = n_shared + 2 * n_own
    starts = [size * label for label in range(n_classes)]
    model = build(size * n_classes, [], [range(start, start + size) for start in starts])
    inputs = np.zeros((2 * n_classes, size * n_classes), dtype=bool)
    for row, start in enumerate(np.repeat(starts, 2)):
        own = start + n_shared + n_own * (row % 2)
        inputs[row, start : start + n_shared] = True
        inputs[row, own : own + n_own] = True
    labels = np.repeat(np.arange(n_classes), 2)
    return Task(model, inputs, labels, tuple(f"{label + 1}{kind}" for label in range(n_classes) for kind in "ab"))


def _sizes(n_classes: int, n_shared: int, n_own: int) -> tuple[int, int, int]:
    checked = positive_int("n_classes", n_classes, minimum=2), positive_int("n_shared", n_shared)
    return *checked, positive_int("n_own", n_own)


def predicted_within_between(ratio: ArrayLike, n_classes: int = 3, n_shared: int = 4, n_own: int = 4) -> np.ndarray:
    """tr S_W / tr S_B for a ratio rho of own to shared amplification (same for all classes)."""
    n_classes, n_shared, n_own = _sizes(n_classes, n_shared, n_own)
    own = n_own * non_negative("ratio", ratio) ** 2 / 2
    return own / ((1 - 1 / n_classes) * (n_shared + own))


def multiplicative_ratio(n_steps: ArrayLike, a: float, b: float, n_classes: int = 3) -> np.ndarray:
    """rho after `n_steps` single-sample updates, whole epochs: (b/a)^(T / 2K)."""
    a, b = (float(positive(name, finite(name, value, ndim=0))) for name, value in (("a", a), ("b", b)))
    return (b / a) ** (non_negative("n_steps", n_steps) / (2 * positive_int("n_classes", n_classes)))


def train_to_collapse(
    rule: AnyRule,
    n_epochs: int,
    rng: np.random.Generator,
    *,
    initial: float = 1.0,
    sampling: str = "epoch",
    batch_size: int = 1,
    n_classes: int = 3,
    n_shared: int = 4,
    n_own: int = 4,
) -> Trajectory:
    """Measure collapse while training the disjoint classes.

    Parameters
    ----------
    rule : rule
        As in `train`.
    n_epochs : int
        Every type is drawn once per epoch (with `sampling="iid"`: on average).
    rng : numpy.random.Generator
    initial, sampling, batch_size
        As in `train`; the number of types 2 `n_classes` must be a multiple of `batch_size`.
    n_classes, n_shared, n_own : int
        As in :func:`disjoint_classes`.

    Returns
    -------
    Trajectory
        Clock "epoch", from 1. `within_between`: tr S_W / tr S_B. `equiangular`: mean distance of the cosines between
        centred class means from -1/(K-1).
    """
    task = disjoint_classes(n_classes, n_shared, n_own)
    n_epochs, batch_size = positive_int("n_epochs", n_epochs), positive_int("batch_size", batch_size)
    per_epoch, rest = divmod(len(task.inputs), batch_size)
    if rest:
        raise ValueError(f"batch_size must divide {len(task.inputs)} (the types), got {batch_size}")
    run = task.model.train(
        task.inputs,
        task.labels,
        rule,
        n_steps=n_epochs * per_epoch,
        rng=rng,
        initial=initial,
        batch_size=batch_size,
        edge_training=False,
        sampling=sampling,
        every=per_epoch,
        scale="log",
    )
    logs = run["log_amplification"][1:]
    amplification = np.exp(logs - logs.max(axis=1, keepdims=True))  # both measures ignore the scale
    features = amplification[:, None, :] * task.inputs  # (n_t, n_types, n_nodes)
    data = {
        "within_between": np.array([within_between(h, task.labels) for h in features]),
        "equiangular": np.array([nc2(h, task.labels)[1] for h in features]),
    }
    return Trajectory(np.arange(1, n_epochs + 1), data, clock="epoch")

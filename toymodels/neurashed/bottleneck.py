r"""The information bottleneck of figure 5: a hidden level first learns which input it saw, then forgets all but the
class.

Su (2024), figure 5 and appendix: 8 equally likely types of input; :math:`\lambda` grows by :math:`q^{11/4}` when its
node fires, q = 1.022, except the 7th node of the first level (:math:`q^{3/4}`), and shrinks by :math:`q^{-1/4}`
otherwise; initial values uniform in (0, 0.01). Batch size, noise and representation are not stated. We take batches
of one input, the representation :math:`T = (\lambda_F [F\text{ fires}])_F + N(0, s^2 I)` per level and, found by a
scan, :math:`s = s_a + s_r \max_F \lambda_F` with both terms needed: without the relative one nothing is forgotten,
without the absolute one nothing is learned.
"""

from __future__ import annotations

import numpy as np

from toymodels.metrics.information import gaussian_mixture
from toymodels.neurashed.graphs import Task, information_bottleneck
from toymodels.neurashed.rules import Multiplicative, mean_log_rate
from toymodels.trajectory import Trajectory
from toymodels.validation import non_negative

Q = 1.022  # the appendix
RULE = Multiplicative(Q**2.75, Q**-0.25)
RULE_OF_SEVENTH = Multiplicative(Q**0.75, Q**-0.25)
INITIAL = (0.0, 0.01)
QUANTITIES = ("level1_input", "level1_label", "level2_input", "level2_label")


def rules(shared: bool = True) -> dict:
    """The rules of the appendix, for the 13-node or (`shared` False) the 14-node graph."""
    sevenths = [(0, 6)] if shared else [(0, 6), (0, 7)]
    return {"default": RULE} | dict.fromkeys(sevenths, RULE_OF_SEVENTH)


def predicted_rates(shared: bool = True) -> np.ndarray:
    """Mean growth of ln(amplification) per step of every hidden node, (n_hidden,), at batches of one input."""
    task = information_bottleneck(shared)
    frequency = task.model.firing_table(task.inputs).mean(axis=0)
    of_node = rules(shared)
    chosen = [of_node.get(node, RULE) for node in task.model.nodes]
    return np.array([mean_log_rate(rule, share) for rule, share in zip(chosen, frequency, strict=True)])


def train_bottleneck(
    rng: np.random.Generator,
    *,
    n_steps: int = 600,
    batch_size: int = 1,
    replicates: int = 10,
    shared: bool = True,
    absolute_noise: float = 0.006,
    relative_noise: float = 0.003,
    initial: tuple[float, float] = INITIAL,
    every: int = 20,
    n_draws: int = 300,
) -> Trajectory:
    """Train figure 5 and measure the information its two hidden levels hold.

    Parameters
    ----------
    rng : numpy.random.Generator
    n_steps, batch_size, replicates, initial, every
        As in `train`.
    shared : bool
        13 nodes with a common 7th one, or 14 with one per class.
    absolute_noise, relative_noise : float
        s_a and s_r, non-negative and not both 0.
    n_draws : int
        Monte Carlo draws of the noise, the same at every time.

    Returns
    -------
    Trajectory
        Clock "step". `level1_input`, `level1_label`, `level2_input`, `level2_label`, each (n_t, replicates), in bits:
        information between a hidden level (counted from 1 as in the paper) and the 8 types or the 2 classes.
    """
    non_negative("absolute_noise", absolute_noise)
    if non_negative("relative_noise", relative_noise) + absolute_noise == 0:
        raise ValueError("absolute_noise and relative_noise must not both be 0")
    task = information_bottleneck(shared)
    run = task.model.train(
        task.inputs,
        task.labels,
        rules(shared),
        n_steps=n_steps,
        rng=rng,
        initial=initial,
        batch_size=batch_size,
        edge_training=False,
        replicates=replicates,
        every=every,
    )
    seed = int(rng.integers(2**63))  # common random numbers: every record sees the same noise
    bits = np.array(
        [
            [_information(task, values, absolute_noise, relative_noise, seed, n_draws) for values in record]
            for record in run["amplification"]
        ]
    )
    return Trajectory(run.t, {name: bits[..., k] for k, name in enumerate(QUANTITIES)}, clock="step")


def _information(task: Task, amplification, absolute: float, relative: float, seed: int, n: int) -> list[float]:
    """The four quantities of one state."""
    bits = []
    levels = np.split(amplification, task.model.offsets[1:-1])
    for values, fires in zip(levels, task.model.fire(task.inputs), strict=True):
        noise = absolute + relative * values.max()
        for labels in (None, task.labels):
            bits.append(gaussian_mixture(values * fires, noise, np.random.default_rng(seed), n, labels))
    return bits

"""Generalisations that Su (2024), section 4, names as open. What is made of them here is ours, not the paper's.

Stochastic rules are :class:`toymodels.neurashed.Stochastic`. Here are edges that fire instead of nodes, and pathways
that adapt to the amplification learned so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed.graph import Neurashed, require_model
from toymodels.neurashed.rules import RuleTable
from toymodels.neurashed.training import draw_batches, evolve, initial_values
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import fraction, generator, non_negative


class FiringEdges:
    """A neurashed model in which edges, not nodes, are amplified: an edge fires when both of its ends do.

    Scores are :math:`S_F = [F fires]` at level 0, and where a node fires though none of its parents does, and
    :math:`S_F = [F fires] sum_f weight_fF S_f` above; logits are the same sum at a class node.

    Parameters
    ----------
    model : Neurashed
        Gives graph and firing rules.

    Attributes
    ----------
    edges : tuple of (node, node)
        All edges, sorted: the order of `weights`.

    Examples
    --------
    >>> from toymodels.neurashed import Additive, from_names
    >>> model = from_names({"eye": None, "wheel": None}, {"cat": ["eye"], "car": ["wheel"]})
    >>> edges = FiringEdges(model)
    >>> cats = dict(n_steps=3, rng=np.random.default_rng(0), initial=1.0)
    >>> run = edges.train(model.inputs(["eye"]), [0], Additive(1.0, 0.5), **cats)  # three cats, no car
    >>> run["weights"][-1].tolist()
    [4.0, 0.125]
    >>> edges.logits(run["weights"][-1], model.inputs(["eye"], ["wheel"])).tolist()
    [[4.0, 0.0], [0.0, 0.125]]
    """

    def __init__(self, model: Neurashed):
        self.model = require_model(model)
        nodes = [node for level in model.compiled.nodes for node in level]
        position = {node: k for k, node in enumerate(nodes)}
        self.edges = tuple(sorted(model.graph.edges))
        self._ends = np.array([[position[end] for end in edge] for edge in self.edges])
        self._level = np.array([source[0] for source, _ in self.edges])

    def train(
        self,
        inputs: ArrayLike,
        labels: ArrayLike,
        rule: Any,
        *,
        n_steps: int,
        rng: np.random.Generator,
        initial: Any,
        batch_size: int = 1,
        order: Sequence[ArrayLike] | None = None,
        every: int = 1,
    ) -> Trajectory:
        """Algorithm 1 on edges; an edge is strengthened when a sample of the batch fires both of its ends.

        `inputs`, `labels`, `rule`, `n_steps`, `rng`, `initial`, `batch_size`, `order` and `every` are those of
        `Neurashed.train`, with edges as units; the result holds `weights` (n_t, n_edges).
        """
        generator("rng", rng)
        inputs = self.model.check_inputs(inputs)
        table = self._firing(inputs, self.model.check_labels(labels, len(inputs)))
        rules = RuleTable(self.model.by_node(rule), self.edges)
        state = rules.encode(initial_values(initial, len(self.edges), [rng]))
        batches = draw_batches(len(inputs), n_steps, batch_size, "iid", order, [rng])
        steps, states = evolve(state, rules, lambda k, _: np.any(table[batches[k]], axis=1), n_steps, every, [rng])
        return Trajectory(steps, {"weights": rules.decode(states)[:, 0]}, clock="step")

    def logits(self, weights: ArrayLike, inputs: ArrayLike) -> np.ndarray:
        """Logits (n, K) of `inputs` (n, n_0) for `weights` (n_edges,)."""
        weights = non_negative("weights", weights)
        if weights.shape != (len(self.edges),):
            raise ValueError(f"weights must have {len(self.edges)} entries, got shape {weights.shape}")
        fires = self.model.firing_table(inputs)
        n_hidden = fires.shape[1]
        score = np.zeros((n_hidden + self.model.n_classes, len(fires)))  # one row per node
        score[:n_hidden] = (fires & ~self._driven(fires)).T
        with np.errstate(over="ignore", invalid="ignore"):
            for level in range(self._level.max() + 1):
                source, target = self._ends[self._level == level].T
                np.add.at(score, target, weights[self._level == level, None] * score[source])
                hidden = np.unique(target[target < n_hidden])
                score[hidden] *= fires[:, hidden].T
        if not np.isfinite(score).all():
            raise SimulationError("logits overflow float64")
        return score[n_hidden:].T

    def _driven(self, fires: np.ndarray) -> np.ndarray:
        """Which hidden nodes (n, n_hidden) have a firing parent."""
        driven = np.zeros_like(fires)
        source, target = self._ends[self._ends[:, 1] < fires.shape[1]].T
        np.logical_or.at(driven.T, target, fires.T[source])
        return driven

    def _firing(self, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Which edges each sample fires, (n, n_edges) bool."""
        classes = labels[:, None] == np.arange(self.model.n_classes)
        nodes = np.hstack([self.model.firing_table(inputs), classes])
        return nodes[:, self._ends[:, 0]] & nodes[:, self._ends[:, 1]]


def adaptive_firing(model: Neurashed, amplification: np.ndarray, inputs: np.ndarray, threshold: float) -> np.ndarray:
    """States (n, n_hidden) when weak nodes are silenced, level by level.

    A node that its rule lets fire stays silent if its amplification is below `threshold` times the largest among the
    firing nodes of its level for that input; levels above see the silenced states.

    Parameters
    ----------
    model : Neurashed
    amplification : (n_hidden,) array
    inputs : (n, n_0) bool array
    threshold : float
        In [0, 1]: 0 silences nothing, 1 all but the strongest.
    """
    factors = np.split(non_negative("amplification", amplification), model.offsets[1:-1])
    states = [_silence(model.check_inputs(inputs), factors[0], threshold)]
    for level, factor in zip(model.compiled.levels, factors[1:], strict=True):
        below = np.hstack(states) if model.skip else states[-1]
        states.append(_silence(level.fire(np.ascontiguousarray(below.T)).T, factor, threshold))
    return np.hstack(states)


def _silence(fires: np.ndarray, factor: np.ndarray, threshold: float) -> np.ndarray:
    strongest = (fires * factor).max(axis=1, keepdims=True)
    return fires & (factor >= threshold * strongest)


def train_adaptive(
    model: Neurashed,
    inputs: ArrayLike,
    labels: ArrayLike,
    rule: Any,
    *,
    threshold: float,
    n_steps: int,
    rng: np.random.Generator,
    initial: Any,
    batch_size: int = 1,
    order: Sequence[ArrayLike] | None = None,
    every: int = 1,
) -> Trajectory:
    """Algorithm 1 with the pathways of :func:`adaptive_firing`; `threshold` 0 is `Neurashed.train`, bit for bit.

    Parameters
    ----------
    model : Neurashed
    threshold : float
        In [0, 1], as in :func:`adaptive_firing`.
    inputs, labels, rule, n_steps, rng, initial, batch_size, order, every
        As in `Neurashed.train`.

    Returns
    -------
    Trajectory
        As `Neurashed.train`, with trained edges and its default edge rule.

    Examples
    --------
    Of two features that fire together the weaker one is silenced, and stays as it is:

    >>> from toymodels.neurashed import Additive, from_names
    >>> model = from_names({"strong": None, "weak": None}, {"class": ["strong", "weak"]})
    >>> how = dict(n_steps=3, rng=np.random.default_rng(0), initial=np.array([2.0, 1.0, 1.0, 1.0]))
    >>> inputs = model.inputs(["strong", "weak"])
    >>> run = train_adaptive(model, inputs, [0], Additive(1.0), threshold=0.9, **how)
    >>> run["amplification"][-1].tolist()
    [5.0, 1.0]
    >>> run = train_adaptive(model, inputs, [0], Additive(1.0), threshold=0.5, **how)
    >>> run["amplification"][-1].tolist()
    [5.0, 4.0]
    """
    inputs = require_model(model).check_inputs(inputs)
    labels = model.check_labels(labels, len(inputs))
    generator("rng", rng)
    fraction("threshold", threshold, closed=True)
    n_hidden = len(model.nodes)
    rules = RuleTable(model.by_node(rule), [*model.nodes, *model.edges])
    state = rules.encode(initial_values(initial, n_hidden + len(model.edges), [rng]))
    batches = draw_batches(len(inputs), n_steps, batch_size, "iid", order, [rng])
    last, top = model.edge_origin, model.compiled.edge_class

    def fires(k: int, state: np.ndarray) -> np.ndarray:
        batch = batches[k][0]
        nodes = adaptive_firing(model, rules.decode(state)[0, :n_hidden], inputs[batch], threshold)
        edges = nodes[:, last] & (labels[batch][:, None] == top)
        return np.atleast_2d(np.any(np.hstack([nodes, edges]), axis=0))

    steps, states = evolve(state, rules, fires, n_steps, every, [rng])
    values = rules.decode(states)[:, 0]
    return Trajectory(
        steps, {"amplification": values[:, :n_hidden], "edge_weights": values[:, n_hidden:]}, clock="step"
    )

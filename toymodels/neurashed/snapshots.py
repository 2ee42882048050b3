r"""Snapshots of neurashed models: the scores of the last hidden level are the features, the edges read them.

A graph has neither weights in a vector space nor a loss whose gradient it follows, so a snapshot of it has no kernel,
no parameters and no neurons. What an update moves is known from the rule itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed.delayed import EDGE_INIT, DelayedGeneralisation, _cumulative_counts, _record_steps
from toymodels.neurashed.graph import Neurashed
from toymodels.neurashed.sums import apply_rows
from toymodels.snapshot import BASES, Snapshot
from toymodels.validation import positive_int

FACTORS = "amplifications and edges are factors of a graph, no weights in a vector space"
REASONS = {
    "kernel": "its updates follow a rule of firing, not the gradient of a loss",
    "linear_outputs": "a node fires or does not: there is no activation to make linear",
    "neurons": "a node has one amplification, no vector of incoming weights",
    "parameters": FACTORS,
    "inputs": "its inputs are on or off, to which noise of an amplitude cannot be added",
    "predict": FACTORS,
}
NO_RULE = "no labels and rule to update by were given"


def graph_snapshot(
    model: Neurashed,
    amplification: ArrayLike,
    edge_weights: ArrayLike,
    inputs: ArrayLike,
    labels: ArrayLike | None = None,
    rule: Any = None,
) -> Snapshot:
    """A graph in one state at some inputs.

    Parameters
    ----------
    model : Neurashed
    amplification, edge_weights : (n_hidden,) and (n_edges,) arrays
        Non-negative, such as the last rows of a training run.
    inputs : (n, n_0) array of booleans
    labels : (n,) array of integers, optional
        Classes of the inputs, for updates; edges are trained with the nodes.
    rule : rule or mapping, optional
        What updates the state, as in `model.train`.

    Returns
    -------
    Snapshot
        `outputs`, `features`, `hidden`, `readouts` and `firing` of the last hidden level; `changes` with labels and
        rule.

    Raises
    ------
    ValueError
        If a value is negative or not finite, or a shape does not fit.
    SimulationError
        If a score overflows.

    Examples
    --------
    >>> from toymodels.neurashed.collapse import disjoint_classes
    >>> task = disjoint_classes(2, 1, 1)
    >>> state = np.ones(len(task.model.nodes)), np.ones(len(task.model.edges))
    >>> graph_snapshot(task.model, *state, task.inputs).outputs.tolist()
    [[2.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 2.0]]
    """
    firing = model.fire(inputs)
    outputs = model.logits(amplification, edge_weights, firing)
    amplification, edges = np.asarray(amplification, dtype=float), np.asarray(edge_weights, dtype=float)
    score = _last_scores(model, amplification, firing)
    readout = np.zeros((model.n_classes, score.shape[1]))
    readout[model.compiled.edge_class, model.compiled.edge_source] = edges
    changes, silent = None, REASONS | {"changes": NO_RULE}
    if labels is not None and rule is not None:
        changes, silent = _changes(model, amplification, edges, inputs, labels, rule, firing), REASONS
    return Snapshot(
        outputs=outputs,
        features=score,
        hidden=(score,),
        readouts=(readout,),
        firing=firing[-1],
        changes=changes,
        silent=silent,
    )


def _last_scores(model: Neurashed, amplification: np.ndarray, firing) -> np.ndarray:
    per_level = np.split(amplification, model.offsets[1:-1])
    score = per_level[0] * firing[0]
    for level, factor, fires in zip(model.compiled.levels, per_level[1:], firing[1:], strict=True):
        score = factor * fires * apply_rows(level.parents, score)
    return score


def _changes(model, amplification, edges, inputs, labels, rule, firing) -> np.ndarray:
    """What one update on each base input alone, from this state, does to all logits: (B, n, K)."""
    inputs = model.check_inputs(inputs)
    labels = model.check_labels(labels, len(inputs))
    before = model.logits(amplification, edges, firing)
    changes = []
    for base, label in zip(inputs[:BASES], labels, strict=False):
        run = model.train(
            base[None],
            np.array([label]),
            rule,
            n_steps=1,
            rng=np.random.default_rng(0),  # draws the only sample there is
            initial=np.concatenate([amplification, edges]),
        )
        changes.append(model.logits(run["amplification"][-1], run["edge_weights"][-1], firing) - before)
    return np.stack(changes)


def delayed_snapshots(
    model: DelayedGeneralisation, n_steps: int, rng: np.random.Generator, *, every: int | None = None
) -> tuple[Iterator[Snapshot], np.ndarray]:
    """The run that `model.simulate` makes with a generator in the same state: the training samples at each record.

    Scores are in units of the largest class route once that exceeds 1, so that no growth overflows.

    Parameters
    ----------
    model : DelayedGeneralisation
    n_steps : int
        Number of updates.
    rng : numpy.random.Generator
        As in :meth:`DelayedGeneralisation.simulate`.
    every : int, optional
        Steps between records.

    Returns
    -------
    snapshots : iterator of Snapshot
        The start, then one for each record. The features are the votes and the ends of the chains.
    labels : (n_train,) array
        Classes of the samples.

    Raises
    ------
    ValueError
        If a number is not a positive integer.

    Examples
    --------
    >>> model = DelayedGeneralisation(n_train=8, n_votes=50)
    >>> snapshots, labels = delayed_snapshots(model, 100, np.random.default_rng(0), every=100)
    >>> [float((now.outputs.argmax(axis=1) == labels).mean()) for now in snapshots][-1]
    1.0
    """
    steps = np.r_[0, _record_steps(positive_int("n_steps", n_steps), every)]
    rng = deepcopy(rng)
    votes = model._draw_votes(model.n_train, rng)
    model._draw_votes(model.n_test, rng)
    edges = rng.uniform(0, EDGE_INIT, (model.n_votes, model.n_classes))
    counts = _cumulative_counts(rng.integers(model.n_train, size=n_steps), steps[1:], model.n_train)
    counts = np.vstack([np.zeros_like(counts[:1]), counts])
    labels = np.arange(model.n_train) % model.n_classes
    routes = model._log_route(counts, labels, steps)
    cast = np.zeros((model.n_train, model.n_votes))
    np.put_along_axis(cast, votes, 1.0, axis=1)
    seen = (count[:, None] * (labels[:, None] == np.arange(model.n_classes)) for count in counts)
    states = zip(routes, seen, strict=True)
    return (_delayed(model, route, edges + cast.T @ each, cast, labels) for route, each in states), labels


def _delayed(model, log_route, edges, cast, labels) -> Snapshot:
    own = labels[:, None] == np.arange(model.n_classes)  # which chain fires
    log_unit = max(float(log_route.max()), 0.0)
    route, unit = np.exp(log_route - log_unit), np.exp(-log_unit)
    score = np.hstack([cast * unit, own * route])
    readout = np.hstack([edges.T, np.eye(model.n_classes)])
    outputs = score @ readout.T
    up, down = (np.expm1(model.depth * np.log(rate)) for rate in (model.up, model.down))
    base = own[:BASES]
    grown = np.where(base, up, down)[:, None] * (own * route)  # the chain of the base's class grows, all others shrink
    voted = (cast[:BASES] @ cast.T)[:, :, None] * base[:, None] * unit
    return Snapshot(
        outputs=outputs,
        features=score,
        hidden=(score,),
        readouts=(readout,),
        firing=np.hstack([cast > 0, own]),
        changes=grown + voted,
        silent=REASONS,
    )

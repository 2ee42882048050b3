"""Algorithm 1 of Su (2024): mini-batches, the union of their pathways, and g+ or g- for every unit.

A *unit* is a hidden node or a trained edge into a class. Which units an input makes fire is computed once per sample;
one update is then a gather, an `any` over the batch, and an affine map of the state, for all replicates at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed.firing import FeatureGraph
from toymodels.neurashed.rules import RuleTable
from toymodels.trajectory import Trajectory
from toymodels.validation import array_of, choice, generator, non_negative, positive_int

Batches = np.ndarray | list[np.ndarray]  # one (n_replicates or 1, batch) array of sample indices per step


def train(
    model: FeatureGraph,
    inputs: ArrayLike,
    labels: ArrayLike,
    rule: Any,
    *,
    n_steps: int,
    rng: np.random.Generator,
    initial: Any,
    batch_size: int = 1,
    edge_rule: str = "cofire",
    edge_training: bool = True,
    order: Sequence[ArrayLike] | None = None,
    sampling: str = "iid",
    every: int = 1,
    replicates: int | None = None,
    scale: str = "linear",
) -> Trajectory:
    """Train amplification factors and edge weights (Algorithm 1).

    Parameters
    ----------
    model : FeatureGraph
    inputs : (n, n_0) array of booleans
        Training inputs, states of level 0.
    labels : (n,) array of integers
        Classes 0 ... K-1.
    rule : rule, or mapping to rules
        `Multiplicative`, `Additive`, `Rule`, `Stochastic` or `Frozen`. Keys of a mapping, most specific first: a node
        `(level, index)` or its name, or an edge `(node, class node)`; a level (int) or `"edges"`; `"default"`.
    n_steps : int
        Number of updates.
    rng : numpy.random.Generator
        Initial values, then batches, then the coins of stochastic rules. With `replicates`, replicate k uses the k-th
        of `rng.spawn(replicates)` and equals a single run with that generator.
    initial : float, (low, high) or array
        Initial value of amplification and trained edges: a number, bounds of a uniform law (a tuple), or an array
        of `n_hidden` (plus `n_edges` if edges are trained) entries, with a leading replicate axis if wanted.
    batch_size : int
        Samples per update.
    edge_rule : {"cofire", "union"}
        An edge is strengthened when one sample of the batch fires both its ends, or when both ends are in the union
        of the pathways (the literal reading; the two differ only for batches of several samples).
    edge_training : bool
        If False, edge weights stay 1.
    order : sequence of n_steps integer arrays, optional
        Sample indices of every batch, of any sizes >= 1; replaces sampling and `batch_size`.
    sampling : {"iid", "epoch"}
        Draws with replacement, or random permutations of the samples one after another.
    every : int
        Steps between records; step 0 and the last step are always recorded.
    replicates : int, optional
        Number of models trained at once, with draws of their own (the same `order` if that is given).
    scale : {"linear", "log"}
        Whether to record values or their natural logs; multiplicative rules soon leave the range of float64
        (values below 1e-308 are recorded as 0, values above 1e308 are an error).

    Returns
    -------
    Trajectory
        Clock "step". `amplification` (n_t, n_hidden) in the order of `model.nodes` and `edge_weights`
        (n_t, n_edges) in that of `model.edges`; with `replicates` (n_t, replicates, ...); with `scale="log"` they are
        called `log_amplification` and `log_edge_weights`.

    Raises
    ------
    ValueError
        For a bad argument, an empty batch, a label outside the classes, a zero initial value under a multiplicative
        rule, or rates that break g+(x) > x or 0 <= g-(x) <= x.
    SimulationError
        If a recorded value is not finite.
    """
    inputs = model.check_inputs(inputs)
    labels = model.check_labels(labels, len(inputs))
    choice("edge_rule", edge_rule, ("cofire", "union"))
    choice("scale", scale, ("linear", "log"))
    generator("rng", rng)
    generators = [rng] if replicates is None else rng.spawn(positive_int("replicates", replicates))
    trained_edges = model.edges if edge_training else ()
    rules = RuleTable(model.by_node(rule), [*model.nodes, *trained_edges])

    state = rules.encode(initial_values(initial, len(model.nodes) + len(trained_edges), generators))
    batches = draw_batches(len(inputs), n_steps, batch_size, sampling, order, generators)
    fires = _firing(model, inputs, labels, batches, edge_rule if edge_training else None)
    steps, states = evolve(state, rules, fires, n_steps, every, generators)

    values = rules.decode(states, logs=scale == "log")
    if replicates is None:
        values = values[:, 0]
    prefix = "log_" if scale == "log" else ""
    nodes, edges = np.split(values, [len(model.nodes)], axis=-1)
    if not edge_training:
        untrained = 0.0 if scale == "log" else 1.0
        edges = np.broadcast_to(untrained, (*values.shape[:-1], len(model.edges)))
    data = {f"{prefix}amplification": nodes, f"{prefix}edge_weights": edges}
    return Trajectory(steps, data, clock="step")


def evolve(
    state: np.ndarray,
    rules: RuleTable,
    fires: Callable[[int, np.ndarray], np.ndarray],
    n_steps: int,
    every: int,
    generators: Sequence[np.random.Generator],
) -> tuple[np.ndarray, np.ndarray]:
    """Steps recorded (n_t,) and states (n_t, n_replicates, n_units); `fires(k, state)` is step k + 1."""
    n_steps = positive_int("n_steps", n_steps)
    steps = np.unique(np.r_[np.arange(0, n_steps, positive_int("every", every)), n_steps])
    states = np.empty((len(steps), *state.shape))
    states[0] = state
    row = 1
    for step in range(1, n_steps + 1):
        state = rules.update(state, fires(step - 1, state), step, generators)
        if step == steps[row]:
            states[row] = state
            row += 1
    return steps, states


def initial_values(initial: Any, n_units: int, generators: Sequence[np.random.Generator]) -> np.ndarray:
    """Initial values (n_replicates, n_units) from a number, a tuple (low, high) or an array."""
    if isinstance(initial, tuple):
        low, high = non_negative("initial", initial).tolist() if len(initial) == 2 else (1.0, 0.0)
        if low > high:
            raise ValueError(f"initial must be (low, high) with low <= high, got {initial}")
        return np.stack([rng.uniform(low, high, n_units) for rng in generators])
    values = non_negative("initial", initial)
    if values.shape not in ((), (n_units,), (len(generators), n_units)):
        raise ValueError(
            f"initial must be a number, (low, high) or {n_units} entries (nodes, then trained edges), "
            f"got shape {values.shape}"
        )
    return np.broadcast_to(values, (len(generators), n_units)).copy()


def draw_batches(
    n: int,
    n_steps: int,
    batch_size: int,
    sampling: str,
    order: Sequence[ArrayLike] | None,
    generators: Sequence[np.random.Generator],
) -> Batches:
    """Sample indices of every step; the arguments are those of :func:`train`."""
    n_steps = positive_int("n_steps", n_steps)
    if order is not None:
        return _given_batches(n, n_steps, order)
    size = (n_steps, positive_int("batch_size", batch_size))
    if choice("sampling", sampling, ("iid", "epoch")) == "iid":
        drawn = [rng.integers(n, size=size) for rng in generators]
    else:
        epochs = np.tile(np.arange(n), (-(-size[0] * size[1] // n), 1))
        drawn = [rng.permuted(epochs, axis=1).ravel()[: size[0] * size[1]].reshape(size) for rng in generators]
    return np.stack(drawn, axis=1)  # (n_steps, n_replicates, batch)


def _given_batches(n: int, n_steps: int, order: Sequence[ArrayLike]) -> Batches:
    if len(order) != n_steps:
        raise ValueError(f"order must have n_steps = {n_steps} batches, got {len(order)}")
    batches = []
    for step, batch in enumerate(order, start=1):
        indices = np.atleast_1d(array_of("order", batch))
        if indices.ndim != 1 or indices.size == 0:
            raise ValueError(f"order must have batches of at least one sample, got {batch!r} at step {step}")
        if indices.dtype.kind not in "iu" or indices.min() < 0 or indices.max() >= n:
            raise ValueError(f"order must hold sample indices 0 ... {n - 1}, got {batch!r} at step {step}")
        batches.append(indices[None])
    return batches


def _firing(model, inputs, labels, batches: Batches, edge_rule: str | None):
    """Function of step and state giving the firing units, (n_replicates or 1, n_units) bool."""
    drawn = np.zeros(len(inputs), dtype=bool)  # samples that are never drawn need not be fired
    for batch in batches:
        drawn[batch] = True
    position = np.cumsum(drawn) - 1
    table, labels = model.firing_table(inputs[drawn]), labels[drawn]
    last = model.edge_origin  # columns of the edges' lower ends
    top = model.compiled.edge_class
    if edge_rule == "cofire":
        table = np.hstack([table, table[:, last] & (labels[:, None] == top)])
    elif edge_rule == "union":
        table = np.hstack([table, labels[:, None] == np.arange(model.n_classes)])

    def fires(k: int, _: np.ndarray) -> np.ndarray:
        union = np.any(table[position[batches[k]]], axis=1)
        if edge_rule != "union":
            return union
        n_hidden = len(model.nodes)
        return np.hstack([union[:, :n_hidden], union[:, last] & union[:, n_hidden + top]])

    return fires

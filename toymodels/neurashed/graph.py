r"""The neurashed graph: which features fire for an input, how strongly, and what is predicted.

Su (2024), section 2. Nodes are features in levels; an edge leads from a feature to one of the next level
that depends on it; the top level is the classes. Whether a node fires is decided by the input at level 0
and by its firing rule above. With an amplification :math:`\lambda_F \ge 0` per hidden node and a weight
:math:`\eta_{fF} \ge 0` per edge into a class,

.. math:: S_F = \lambda_F [F \text{ fires}] \sum_{f \to F} S_f, \qquad Z_j = \sum_{f \to F_j} \eta_{fF_j} S_f,

where the sum is 1 at level 0, and the prediction is the softmax of the logits :math:`Z` (eq. 2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed.compilation import Compiled, Node, compile_graph
from toymodels.neurashed.sums import apply_rows, log_sums
from toymodels.neurashed.training import train
from toymodels.trajectory import SimulationError
from toymodels.validation import finite, non_negative

if TYPE_CHECKING:
    from scipy.sparse import csr_array

CHUNK = 128  # samples fired at once, so that the states of a level stay in cache
MAX_CELLS = 4_000_000  # entries of the largest temporary array of log_logits


@dataclass(frozen=True, eq=False)
class Neurashed:
    """A neurashed model on a graph.

    Parameters
    ----------
    graph : networkx.DiGraph
        Nodes `(level, index)`, edges one level up, class nodes 0 ... K-1 on top. Hidden nodes above
        level 0 carry `rule`: `"any"`, `"all"`, `("atleast", k)`, or a truth table, a dict from tuples of
        booleans over the sorted parents to booleans, in which patterns not listed do not fire. The graph
        is read once: later changes to it have no effect.

    Attributes
    ----------
    compiled : Compiled
        The sparse matrices behind the model.

    Raises
    ------
    ValueError
        If the graph breaks one of these rules; the message names the node or edge.
    """

    graph: Any
    compiled: Compiled = field(init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "compiled", compile_graph(self.graph))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Hidden nodes, sorted: the order of `amplification`."""
        return tuple(node for level in self.compiled.nodes[:-1] for node in level)

    @cached_property
    def edges(self) -> tuple[tuple[Node, Node], ...]:
        """Edges into the classes, sorted: the order of `edge_weights`."""
        last, top = self.compiled.nodes[-2:]
        ends = zip(self.compiled.edge_source, self.compiled.edge_class, strict=True)
        return tuple((last[source], top[target]) for source, target in ends)

    @cached_property
    def offsets(self) -> np.ndarray:
        """Position in `nodes` of the first node of every hidden level, and the end; (n_levels + 1,)."""
        return np.cumsum([0, *map(len, self.compiled.nodes[:-1])])

    @property
    def n_classes(self) -> int:
        """Number K of classes."""
        return len(self.compiled.nodes[-1])

    def firing_table(self, inputs: ArrayLike) -> np.ndarray:
        """States of all hidden nodes, (n, n_hidden) bool, for `inputs` (n, n_0)."""
        inputs = self.check_inputs(inputs)
        table = np.empty((len(inputs), len(self.nodes)), dtype=bool)
        for start in range(0, len(inputs), CHUNK):
            rows = slice(start, start + CHUNK)
            state = np.ascontiguousarray(inputs[rows].T)  # (n_level, chunk)
            table[rows, : self.offsets[1]] = state.T
            for k, level in enumerate(self.compiled.levels, start=1):
                state = level.fire(state)
                table[rows, self.offsets[k] : self.offsets[k + 1]] = state.T
        return table

    def fire(self, inputs: ArrayLike) -> list[np.ndarray]:
        """States of the hidden nodes for each input.

        Parameters
        ----------
        inputs : (n, n_0) array of booleans
            States of level 0, in the sorted order of its nodes.

        Returns
        -------
        list of (n, n_l) bool arrays
            One per hidden level, level 0 first.

        Raises
        ------
        ValueError
            If `inputs` is empty, has another width, or holds anything but booleans (or 0 and 1).
        """
        return np.split(self.firing_table(inputs), self.offsets[1:-1], axis=1)

    def pathway(self, inputs: ArrayLike, label: int | None = None) -> set[Node]:
        """Firing nodes of one input, `inputs` (n_0,), with the class node of `label` if that is given."""
        states = self.firing_table(np.asarray(inputs)[None])[0]
        nodes = {node for node, fires in zip(self.nodes, states, strict=True) if fires}
        if label is not None:
            self.check_labels([label], 1)
            nodes.add(self.compiled.nodes[-1][label])
        return nodes

    def check(self, firing: Sequence[ArrayLike]) -> None:
        """Refuse states that no input can produce (the consistency of feature pathways, section 2).

        Parameters
        ----------
        firing : sequence of (n, n_l) bool arrays
            One per hidden level, level 0 first, and optionally the class level (n, K) last.

        Raises
        ------
        ValueError
            If a hidden node's state differs from what its rule gives, if a sample does not have exactly one class, or
            if no firing node leads to that class; the message names the sample and the node.
        """
        n_hidden = len(self.compiled.nodes) - 1
        if len(firing) not in (n_hidden, n_hidden + 1):
            raise ValueError(
                f"firing must have {n_hidden} levels, or {n_hidden + 1} with the classes, got {len(firing)}"
            )
        states = [np.asarray(level, dtype=bool) for level in firing]
        expected = self.fire(states[0])
        for nodes, got, wanted in zip(self.compiled.nodes, states, expected, strict=False):
            if got.shape != wanted.shape:
                raise ValueError(f"firing of level {nodes[0][0]} must have shape {wanted.shape}, got {got.shape}")
            if (got != wanted).any():
                sample, node = np.argwhere(got != wanted)[0]
                verb = "fire" if wanted[sample, node] else "not fire"
                raise ValueError(f"sample {sample}: node {nodes[node]} must {verb} by its rule")
        if len(states) > n_hidden:
            self._check_classes(states[-2], states[-1])

    def _check_classes(self, last: np.ndarray, classes: np.ndarray) -> None:
        if classes.shape != (len(last), self.n_classes):
            raise ValueError(f"class states must have shape {(len(last), self.n_classes)}, got {classes.shape}")
        wrong = np.flatnonzero(classes.sum(axis=1) != 1)
        if wrong.size:
            raise ValueError(f"sample {wrong[0]}: exactly one class node must fire, got {classes[wrong[0]].sum()}")
        reached = last[:, self.compiled.edge_source] & classes[:, self.compiled.edge_class]
        lost = np.flatnonzero(~reached.any(axis=1))
        if lost.size:
            node = self.compiled.nodes[-1][classes[lost[0]].argmax()]
            raise ValueError(f"sample {lost[0]}: class node {node} must have a firing parent")

    def logits(self, amplification: ArrayLike, edge_weights: ArrayLike, firing: Sequence[np.ndarray]) -> np.ndarray:
        """Logits of eq. (2.1).

        Parameters
        ----------
        amplification : (..., n_hidden) array
            Non-negative, in the order of `nodes`; leading axes (replicas, times) are kept.
        edge_weights : (..., n_edges) array
            Non-negative, in the order of `edges`.
        firing : list of (n, n_l) bool arrays
            As :meth:`fire` returns it.

        Returns
        -------
        (..., n, K) array

        Raises
        ------
        ValueError
            If a value is negative or not finite, or a shape does not fit.
        SimulationError
            If a score overflows; :meth:`log_logits` does not.
        """
        amplification = self._values("amplification", amplification, len(self.nodes))
        weights = self._values("edge_weights", edge_weights, len(self.edges))
        per_level = np.split(amplification, self.offsets[1:-1], axis=-1)
        with np.errstate(over="ignore", invalid="ignore"):
            score = per_level[0][..., None, :] * firing[0]  # (..., n, n_level)
            for level, factor, fires in zip(self.compiled.levels, per_level[1:], firing[1:], strict=True):
                score = factor[..., None, :] * fires * apply_rows(level.parents, score)
            sent = score[..., self.compiled.edge_source] * weights[..., None, :]
            logits = apply_rows(self._class_sums, sent)
        if not np.isfinite(logits).all():
            raise SimulationError("logits overflow float64; use log_logits on the logs of the state")
        return logits

    def log_logits(
        self, log_amplification: ArrayLike, log_edge_weights: ArrayLike, firing: Sequence[np.ndarray]
    ) -> np.ndarray:
        """ln of the logits from the logs of the state, for any range of amplification.

        Parameters
        ----------
        log_amplification, log_edge_weights : (n_hidden,) and (n_edges,) arrays
            Natural logs, finite.
        firing : list of (n, n_l) bool arrays
            As :meth:`fire` returns it.

        Returns
        -------
        (n, K) array
            `-inf` where no firing node leads to the class (logit 0).

        Raises
        ------
        ValueError
            If a log is not finite or a shape does not fit.
        """
        factors = np.split(_sized("log_amplification", log_amplification, len(self.nodes)), self.offsets[1:-1])
        weights = _sized("log_edge_weights", log_edge_weights, len(self.edges))
        rows = max(1, MAX_CELLS // max(self._class_sums.nnz, *(level.parents.nnz for level in self.compiled.levels), 1))
        chunks = [
            self._log_logits_of(factors, weights, [level[start : start + rows] for level in firing])
            for start in range(0, len(firing[0]), rows)
        ]
        return np.concatenate(chunks)

    def _log_logits_of(self, factors, weights, firing) -> np.ndarray:
        score = np.where(firing[0], factors[0], -np.inf)
        for level, factor, fires in zip(self.compiled.levels, factors[1:], firing[1:], strict=True):
            incoming = log_sums(score[:, level.parents.indices], level.parents.indptr)
            score = np.where(fires, factor + incoming, -np.inf)
        sent = score[:, self.compiled.edge_source] + weights
        return log_sums(sent[:, self._class_sums.indices], self._class_sums.indptr)

    def predict(self, amplification: ArrayLike, edge_weights: ArrayLike, firing: Sequence[np.ndarray]) -> np.ndarray:
        """Class probabilities (..., n, K), the softmax of the logits.

        `amplification`, `edge_weights`, `firing` and the errors are those of :meth:`logits`.
        """
        logits = self.logits(amplification, edge_weights, firing)
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return weights / weights.sum(axis=-1, keepdims=True)

    train = train

    @cached_property
    def _class_sums(self) -> csr_array:
        """(K, n_edges) indicator of the edges into each class."""
        from scipy.sparse import csr_array

        n_edges = len(self.compiled.edge_class)
        where = (self.compiled.edge_class, np.arange(n_edges))
        return csr_array((np.ones(n_edges), where), shape=(self.n_classes, n_edges))

    def _values(self, name: str, values: ArrayLike, n: int) -> np.ndarray:
        values = np.atleast_1d(non_negative(name, values))
        if values.shape[-1] != n:
            raise ValueError(f"{name} must have {n} entries along its last axis, got shape {values.shape}")
        return values

    def check_inputs(self, inputs: ArrayLike) -> np.ndarray:
        """`inputs` as an (n, n_0) bool array, or `ValueError`."""
        array = np.asarray(inputs)
        if array.ndim != 2 or len(array) == 0 or array.shape[1] != self.offsets[1]:
            raise ValueError(f"inputs must have shape (n >= 1, {self.offsets[1]}), got {array.shape}")
        if array.dtype != bool:
            if not np.isin(array, (0, 1)).all():
                raise ValueError("inputs must be booleans, or 0 and 1")
            array = array.astype(bool)
        return array

    def check_labels(self, labels: ArrayLike, n: int) -> np.ndarray:
        """`labels` as an integer array of `n` classes, or `ValueError`."""
        array = np.asarray(labels)
        if array.shape != (n,) or array.dtype.kind not in "iu":
            raise ValueError(f"labels must be {n} integers, got shape {array.shape} of {array.dtype}")
        if array.min() < 0 or array.max() >= self.n_classes:
            raise ValueError(f"labels must be in 0 ... {self.n_classes - 1}, got {array.min()} ... {array.max()}")
        return array


def _sized(name: str, values: ArrayLike, n: int) -> np.ndarray:
    array = finite(name, values, ndim=1)
    if len(array) != n:
        raise ValueError(f"{name} must have {n} entries, got {len(array)}")
    return array

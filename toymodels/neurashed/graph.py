r"""The neurashed model: how strongly the features of a graph fire, and what is predicted.

Su (2024), section 2. Which features fire is decided by the graph (:mod:`toymodels.neurashed.firing`). With an
amplification :math:`\lambda_F \ge 0` per hidden node and a weight :math:`\eta_{fF} \ge 0` per edge into a class,

.. math:: S_F = \lambda_F [F \text{ fires}] \sum_{f \to F} S_f, \qquad Z_j = \sum_{f \to F_j} \eta_{fF_j} S_f,

where the sum is 1 at level 0, and the prediction is the softmax of the logits :math:`Z` (eq. 2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.neurashed.firing import FeatureGraph
from toymodels.neurashed.sums import apply_rows, log_sums
from toymodels.neurashed.training import train
from toymodels.trajectory import SimulationError
from toymodels.validation import array_of, described, finite, non_negative

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MAX_CELLS = 4_000_000  # entries of the largest temporary array of log_logits
LARGEST_LOG = 700.0  # of a float64


@dataclass(frozen=True, eq=False)
class Neurashed(FeatureGraph):
    """A neurashed model on a graph.

    Parameters
    ----------
    graph : networkx.DiGraph
        Nodes `(level, index)`, edges one level up, class nodes 0 ... K-1 on top. Hidden nodes above
        level 0 carry `rule`: `"any"`, `"all"`, `("atleast", k)`, or a truth table, a dict from tuples of
        booleans over the sorted parents to booleans, in which patterns not listed do not fire, or a callable of
        the sorted parents' states, (n, parents) -> (n,) bool arrays, such as those of
        :mod:`toymodels.neurashed.logic`. A node that fires though no parent does has the sum 1, as at level 0.
        Nodes may carry a `name`. The graph is read once: later changes to it have no effect.
    skip : bool
        Whether edges may skip levels.

    Attributes
    ----------
    compiled : Compiled
        The sparse matrices behind the model.

    Raises
    ------
    ValueError
        If the graph breaks one of these rules; the message names the node or edge.

    Examples
    --------
    One feature below another; the score doubles at the first and triples at the second:

    >>> import networkx as nx
    >>> graph = nx.DiGraph([((0, 0), (1, 0)), ((1, 0), (2, 0)), ((1, 0), (2, 1))])
    >>> graph.nodes[(1, 0)]["rule"] = "any"
    >>> model = Neurashed(graph)
    >>> firing = model.fire([[True], [False]])
    >>> model.logits([2.0, 3.0], [1.0, 0.5], firing).tolist()
    [[6.0, 3.0], [0.0, 0.0]]
    >>> model.predict([2.0, 3.0], [1.0, 0.5], firing).round(3).tolist()  # nothing fires: no class is preferred
    [[0.953, 0.047], [0.5, 0.5]]

    In :meth:`train` what fires in all of 10 steps gains 0.1 in each; the edge into the other class is silent, and
    halved in each:

    >>> from toymodels.neurashed import Additive
    >>> rng = np.random.default_rng(0)
    >>> run = model.train([[True]], [0], Additive(0.1, 0.5), n_steps=10, rng=rng, initial=1.0)
    >>> run["amplification"][-1].round(12).tolist(), run["edge_weights"][-1].round(3).tolist()
    ([2.0, 2.0], [2.0, 0.001])
    """

    def logits(self, amplification: ArrayLike, edge_weights: ArrayLike, firing: Sequence[np.ndarray]) -> np.ndarray:
        """Logits of eq. (2.1).

        Parameters
        ----------
        amplification : (..., n_hidden) array
            Non-negative, in the order of `nodes`; leading axes (replicates, times) are kept.
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
        weights = self._values("edge_weights", edge_weights, len(self.edges))
        with np.errstate(over="ignore", invalid="ignore"):
            scores = self._scores(amplification, firing)
            score = np.concatenate(scores, axis=-1) if self.skip else scores[-1]
            sent = score[..., self.compiled.edge_source] * weights[..., None, :]
            logits = apply_rows(self._class_sums, sent)
        if not np.isfinite(logits).all():
            raise SimulationError("logits overflow float64; use log_logits on the logs of the state")
        return logits

    def scores(self, amplification: ArrayLike, firing: Sequence[np.ndarray]) -> np.ndarray:
        """Scores S_F of all hidden nodes, (..., n, n_hidden); `inf` where they overflow.

        `amplification`, `firing` and the errors are those of :meth:`logits`.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            return np.concatenate(self._scores(amplification, firing), axis=-1)

    def _scores(self, amplification: ArrayLike, firing: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Scores by level, (..., n, n_level)."""
        self._require_states(firing)
        amplification = self._values("amplification", amplification, len(self.nodes))
        per_level = np.split(amplification, self.offsets[1:-1], axis=-1)
        scores = [per_level[0][..., None, :] * firing[0]]
        for k, (level, factor) in enumerate(zip(self.compiled.levels, per_level[1:], strict=True), start=1):
            below = slice(0, k) if self.skip else slice(k - 1, k)
            incoming = apply_rows(level.parents, np.concatenate(scores[below], axis=-1))
            if level.may_start:
                started = level.starting(np.hstack(firing[below]).T, firing[k].T)
                incoming = np.where(started.T, 1.0, incoming)
            scores.append(factor[..., None, :] * firing[k] * incoming)
        return scores

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
        self._require_states(firing)
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
        below = firing[0]
        for level, factor, fires in zip(self.compiled.levels, factors[1:], firing[1:], strict=True):
            incoming = log_sums(score[:, level.parents.indices], level.parents.indptr)
            if level.may_start:
                incoming = np.where(level.starting(below.T, fires.T).T, 0.0, incoming)
            own = np.where(fires, factor + incoming, -np.inf)
            score = np.hstack([score, own]) if self.skip else own
            below = np.hstack([below, fires]) if self.skip else fires
        sent = score[:, self.compiled.edge_source] + weights
        return log_sums(sent[:, self._class_sums.indices], self._class_sums.indptr)

    def predict(self, amplification: ArrayLike, edge_weights: ArrayLike, firing: Sequence[np.ndarray]) -> np.ndarray:
        """Class probabilities (..., n, K), the softmax of the logits.

        `amplification`, `edge_weights`, `firing` and the errors are those of :meth:`logits`.
        """
        logits = self.logits(amplification, edge_weights, firing)
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return weights / weights.sum(axis=-1, keepdims=True)

    def predict_from_logs(
        self, log_amplification: ArrayLike, log_edge_weights: ArrayLike, firing: Sequence[np.ndarray]
    ) -> np.ndarray:
        """Class probabilities (n, K) from the logs of the state, for any range of amplification.

        `log_amplification`, `log_edge_weights`, `firing` and the errors are those of :meth:`log_logits`. Logits whose
        difference overflows give 0 and 1.
        """
        logs = self.log_logits(log_amplification, log_edge_weights, firing)
        top = np.maximum(logs.max(axis=1, keepdims=True), -LARGEST_LOG)
        weights = np.exp(np.exp(np.minimum(top, LARGEST_LOG)) * np.expm1(logs - top))
        return weights / weights.sum(axis=1, keepdims=True)

    train = train

    @cached_property
    def _class_sums(self) -> csr_array:
        """(K, n_edges) indicator of the edges into each class."""
        from scipy.sparse import csr_array

        n_edges = len(self.compiled.edge_class)
        where = (self.compiled.edge_class, np.arange(n_edges))
        return csr_array((np.ones(n_edges), where), shape=(self.n_classes, n_edges))

    def _require_states(self, firing: Any) -> None:
        sizes = [len(level) for level in self.compiled.nodes[:-1]]
        fits = isinstance(firing, Sequence) and len(firing) == len(sizes)
        if not fits or any(np.shape(states)[1:] != (size,) for states, size in zip(firing, sizes, strict=True)):
            raise ValueError(
                f"firing must be a list of states (n, n_l) of {len(sizes)} levels, got {described(firing)}"
            )
        if any(array_of("firing", states).dtype.kind != "b" for states in firing):
            raise ValueError("firing must hold booleans, as `fire` returns them")

    def _values(self, name: str, values: ArrayLike, n: int) -> np.ndarray:
        values = np.atleast_1d(non_negative(name, values))
        if values.shape[-1] != n:
            raise ValueError(f"{name} must have {n} entries along its last axis, got shape {values.shape}")
        return values


def require_model(model: Any) -> Neurashed:
    """`model` if it is one, else a `ValueError`."""
    if not isinstance(model, Neurashed):
        raise ValueError(f"model must be a Neurashed, got {described(model)}")
    return model


def _sized(name: str, values: ArrayLike, n: int) -> np.ndarray:
    array = finite(name, values, ndim=1)
    if len(array) != n:
        raise ValueError(f"{name} must have {n} entries, got {len(array)}")
    return array

r"""What an extracted graph says of its network, from the graph and its firing alone; nothing here sees a network.

The other half, what the network does, is in :mod:`dnn.extraction.measurements`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from dnn.extraction.extracting import Extracted
from toymodels.metrics._samples import integer_labels
from toymodels.neurashed import Additive, Multiplicative, Neurashed
from toymodels.neurashed.graphs import build
from toymodels.neurashed.sparsity import participation_ratio
from toymodels.validation import finite, fraction, positive_int

Kept = dict[str, np.ndarray]  # layer -> which units are kept, (n_units,) bool


def predict_elasticity(extracted: Extracted, bases: ArrayLike, tests: ArrayLike) -> np.ndarray | None:
    r"""Change of the logits at test samples relative to that at the base (Su 2024, eq. 3.1), of the graph.

    One update of Algorithm 1 on the base alone, with :math:`g^+(x) = (1+\epsilon) x`, :math:`g^-(x) = x` and
    :math:`\epsilon \to 0`: amplification of the nodes that fire at the base, and edges from them into its class, rise
    by the same share. The scores are those of :class:`toymodels.neurashed.Neurashed` with the firing of the data,
    whether or not a rule explains it, and an edge into a class starts from the strength of its path.

    Parameters
    ----------
    extracted : Extracted
    bases, tests : (n_bases,) and (n_tests,) integers
        Samples, by their rows.

    Returns
    -------
    (n_bases, n_tests) array or None
        NaN in the row of a base whose own logits do not move. None if no path leads into any class: then the graph has
        nothing to say.

    Raises
    ------
    ValueError
        For rows that are none.
    """
    n = len(extracted.labels)
    bases, tests = _rows("bases", bases, n), _rows("tests", tests, n)
    if not extracted.paths[-1].any():
        return None
    scores = _scores(extracted)
    change = np.empty((len(bases), len(tests)))
    for k, base in enumerate(bases):
        moved = np.linalg.norm(_moves(extracted, scores, base, np.append(tests, base)), axis=1)
        change[k] = moved[:-1] / moved[-1] if moved[-1] > 0 else np.nan
    return change


def _rows(name: str, rows: ArrayLike, n: int) -> np.ndarray:
    array = integer_labels(finite(name, rows, ndim=1), len(np.atleast_1d(rows)))
    if array.max() >= n:
        raise ValueError(f"{name} must be rows 0..{n - 1}, got {array.max()}")
    return array


def _scores(extracted: Extracted) -> list[tuple[np.ndarray, np.ndarray]]:
    """Scores of the nodes of every layer, (n, n_nodes), and the sums over their parents; of none that fires, 1."""
    scores: list[tuple[np.ndarray, np.ndarray]] = []
    for k, nodes in enumerate(extracted.layers):
        sums = np.ones(nodes.firing.shape)
        if k:
            joined = extracted.paths[k - 1] > 0
            started = extracted.layers[k - 1].firing.astype(float) @ joined == 0
            sums = np.where(started, 1.0, scores[-1][0] @ joined)
        scores.append((nodes.amplification * nodes.firing * sums, sums))
    return scores


def _moves(extracted: Extracted, scores: list, base: int, rows: np.ndarray) -> np.ndarray:
    """Derivative of the logits (n_rows, K) along an update on the base."""
    moved = np.zeros((len(rows), 0))
    for k, (nodes, (score, _)) in enumerate(zip(extracted.layers, scores, strict=True)):
        own = score[rows] * nodes.firing[base]
        if k:
            own += nodes.amplification * nodes.firing[rows] * (moved @ (extracted.paths[k - 1] > 0))
        moved = own
    edges = extracted.paths[-1]
    logits = moved @ edges
    label = extracted.labels[base]
    logits[:, label] += scores[-1][0][rows] @ (edges[:, label] * extracted.layers[-1].firing[base])
    return logits


def predict_dominant(extracted: Extracted, share: float = 1 / 3) -> Kept:
    r"""The dominant units of every layer: those of the nodes with the largest
    :math:`\lambda_F\, p_F \sum_G \Delta_{FG}`, amplification times firing rate times strength of the paths upwards.

    Parameters
    ----------
    extracted : Extracted
    share : float in (0, 1]
        Part of each layer that is kept, rounded up; the units of one node come by their own mean activity.

    Returns
    -------
    dict of str to (n_units,) bool array
    """
    kept = {}
    for nodes, strengths in zip(extracted.layers, extracted.paths, strict=True):
        worth = np.append(nodes.amplification * nodes.rate * strengths.sum(axis=1), -1.0)  # of dead units, the last
        kept[nodes.layer] = _largest([nodes.activity, worth[nodes.node_of]], share)
    return kept


def predict_active(extracted: Extracted, share: float = 1 / 3) -> Kept:
    """The plain baseline without a graph: the units of every layer with the largest mean activity.

    Parameters
    ----------
    extracted, share
        As in :func:`predict_dominant`.
    """
    return {nodes.layer: _largest([nodes.activity], share) for nodes in extracted.layers}


def random_units(extracted: Extracted, rng: np.random.Generator, share: float = 1 / 3) -> Kept:
    """As many units of every layer, drawn without looking.

    Parameters
    ----------
    extracted, share
        As in :func:`predict_dominant`.
    rng : numpy.random.Generator
    """
    return {nodes.layer: _largest([rng.random(len(nodes.activity))], share) for nodes in extracted.layers}


def _largest(keys: list[np.ndarray], share: float) -> np.ndarray:
    """The units that come first by the last key, then by those before it."""
    if fraction("share", share, closed=True) == 0:
        raise ValueError("share must be > 0, got 0")
    order = np.lexsort([-key for key in keys])
    kept = np.zeros(len(order), dtype=bool)
    kept[order[: int(np.ceil(share * len(order) - 1e-9))]] = True
    return kept


def predict_participation(
    extracted: Extracted,
    batch_size: int,
    n_steps: int,
    rng: np.random.Generator,
    rule: Multiplicative | Additive = Multiplicative(1.05, 0.98),  # noqa: B008  # frozen
) -> np.ndarray:
    """Participation ratio of the amplification of every layer after training the graph further at a batch size.

    Algorithm 1 on the samples of the graph, drawn anew each epoch, from the extracted amplification. Nodes are
    amplified by whether they fire, which is known from the data, and updates of different nodes do not interact.

    Parameters
    ----------
    extracted : Extracted
    batch_size, n_steps : int
    rng : numpy.random.Generator
        Draws the batches.
    rule : Multiplicative or Additive
        g+ and g-.

    Returns
    -------
    (n_layers,) array
        Between 1, one node alone, and the number of nodes.

    Raises
    ------
    ValueError
        If a layer has no node, or a bad argument.
    """
    positive_int("batch_size", batch_size)
    empty = [nodes.layer for nodes in extracted.layers if not len(nodes)]
    if empty:
        raise ValueError(f"every layer must have a node, got none in {empty[0]}")
    start = np.concatenate(extracted.amplification)
    run = _flat(len(start)).train(
        np.hstack(extracted.firing),
        np.zeros(len(extracted.labels), int),
        rule,
        n_steps=n_steps,
        rng=rng,
        initial=np.maximum(start, np.finfo(float).tiny),
        batch_size=batch_size,
        edge_training=False,
        sampling="epoch",
        every=n_steps,
        scale="log",
    )
    ends = np.cumsum([len(nodes) for nodes in extracted.layers])[:-1]
    logs = np.split(run["log_amplification"][-1], ends)
    return np.array([participation_ratio(np.exp(level - level.max())) for level in logs])


def _flat(n_nodes: int) -> Neurashed:
    """A model in which all nodes are features of the input, so that they fire as the data say."""
    return build(n_nodes, [], [list(range(n_nodes))])

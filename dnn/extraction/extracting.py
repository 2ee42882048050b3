"""The neurashed graph of a trained network: nodes, paths, amplification, and a model where its rules fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor, nn

from dnn.checks import random_of, samples_for
from dnn.extraction.fields import Fields, fields_of
from dnn.extraction.nodes import Nodes, find_nodes
from dnn.extraction.paths import Rules, find_paths, find_rules
from toymodels.metrics._samples import integer_labels
from toymodels.neurashed import Neurashed, from_names

MOST_CLASSES = 2**16
Place = tuple[str, int]  # a layer and the number of a node in it


@dataclass(frozen=True, eq=False)
class Extracted:
    """A graph read out of a network on samples.

    Attributes
    ----------
    layers : tuple of Nodes
        Hidden layers, the lowest first.
    labels : (n,) integer array
        Classes of the samples.
    paths : tuple of arrays
        From every layer to the next, (n_nodes, n_nodes above), and from the last to the classes, (n_nodes, K):
        strengths P(F|f) - P(F|not f), 0 where there is no path.
    rules : tuple of Rules
        Of every layer above the first.
    similarity : float
        phi from which a rule fits, that of units of one node.
    model : Neurashed or None
        Nodes of the first layer, and those above that no rule explains, are features of the input; all others fire by
        their rule. Names are "layer/node" and "class k". None if a class has no path into it.
    """

    layers: tuple[Nodes, ...]
    labels: np.ndarray
    paths: tuple[np.ndarray, ...]
    rules: tuple[Rules, ...]
    similarity: float
    model: Neurashed | None = field(init=False, repr=False)

    def __post_init__(self):
        object.__setattr__(self, "model", _model(self) if self.paths[-1].any(axis=0).all() else None)

    @property
    def n_classes(self) -> int:
        """Number K of classes."""
        return self.paths[-1].shape[1]

    @property
    def firing(self) -> tuple[np.ndarray, ...]:
        """Which nodes fire on every sample, (n, n_nodes) bool for each layer."""
        return tuple(nodes.firing for nodes in self.layers)

    @property
    def amplification(self) -> tuple[np.ndarray, ...]:
        """Of the nodes of every layer, (n_nodes,)."""
        return tuple(nodes.amplification for nodes in self.layers)

    @property
    def edges(self) -> dict[tuple[Place, Place], float]:
        """Strength of every path between two nodes; the last ends in ("class", k)."""
        names = [*(nodes.layer for nodes in self.layers), "class"]
        return {
            ((names[k], int(f)), (names[k + 1], int(g))): float(strengths[f, g])
            for k, strengths in enumerate(self.paths)
            for f, g in np.argwhere(strengths)
        }

    @property
    def unexplained(self) -> tuple[Place, ...]:
        """Nodes above the first layer whose firing no number of parents explains."""
        return tuple(
            (nodes.layer, int(k))
            for nodes, rules in zip(self.layers[1:], self.rules, strict=True)
            for k in np.flatnonzero(rules.phi < self.similarity)
        )

    @property
    def explained(self) -> float | None:
        """Share of the nodes above the first layer that a rule explains; None where there is no such node."""
        above = sum(len(nodes) for nodes in self.layers[1:])
        return 1 - len(self.unexplained) / above if above else None

    @cached_property
    def inputs(self) -> np.ndarray:
        """States of level 0 of the model on the samples, (n, n_0) bool.

        Raises
        ------
        ValueError
            If there is no model.
        """
        return self._ordered(self.firing, level=0).astype(bool)

    @cached_property
    def state(self) -> tuple[np.ndarray, np.ndarray]:
        """Amplification (n_hidden,) and edge weights (n_edges,) in the order of the model, for its methods.

        Raises
        ------
        ValueError
            If there is no model.
        """
        amplification = self._ordered([values[None] for values in self.amplification])[0]
        model, places = self._model(), self._places()
        layer, node = np.array([places[name] for name in self._names()]).T
        last = layer == len(self.layers) - 1
        strengths = np.zeros((len(node), self.n_classes))
        strengths[last] = self.paths[-1][node[last]]
        return amplification, strengths[model.edge_origin, model.compiled.edge_class]

    @cached_property
    def agreement(self) -> float:
        """Share of samples and of nodes that fire by a rule on which the model, fed with level 0, is right.

        1 if no node does.

        Raises
        ------
        ValueError
            If there is no model.
        """
        model = self._model()
        said, wanted = model.firing_table(self.inputs), self._ordered(self.firing).astype(bool)
        derived = slice(model.offsets[1], None)
        return float((said == wanted)[:, derived].mean()) if said[:, derived].size else 1.0

    def _model(self) -> Neurashed:
        if self.model is None:
            lost = np.flatnonzero(~self.paths[-1].any(axis=0)).tolist()
            raise ValueError(f"every class must have a path into it for a model, got none for {lost}")
        return self.model

    def _names(self, level: int | None = None) -> list[str]:
        model = self._model()
        return [model.graph.nodes[node]["name"] for node in model.nodes if level is None or node[0] == level]

    def _places(self) -> dict[str, tuple[int, int]]:
        return {_name(nodes, k): (layer, k) for layer, nodes in enumerate(self.layers) for k in range(len(nodes))}

    def _ordered(self, values: Sequence[np.ndarray], level: int | None = None) -> np.ndarray:
        """Values (m, n_nodes) of every layer as columns in the order of the model."""
        places = self._places()
        return np.stack([values[layer][:, k] for layer, k in map(places.__getitem__, self._names(level))], axis=1)

    def __repr__(self) -> str:
        lines = [
            f"{nodes.layer:16} {len(nodes.activity)} units, {len(nodes.dead)} dead: {len(nodes)} nodes, "
            f"{nodes.grouped:.0%} of the units fire with others (phi >= {nodes.cut:.2f}, shuffled {nodes.null:.2f})"
            for nodes in self.layers
        ]
        lines.append(f"{len(self.edges)} paths, {len(self.unexplained)} nodes above the first layer unexplained")
        return "\n".join(lines)


def extract(
    network: nn.Module,
    x: Tensor,
    y: ArrayLike | Tensor,
    *,
    layers: str = "*",
    similarity: float = 0.5,
    rare: float = 0.01,
    shuffles: int = 10,
    rng: np.random.Generator | None = None,
) -> Extracted:
    """Read a neurashed graph (Su 2024) out of a network: its answer to which units are a node, made exact.

    Units of a layer that fire together on the samples are one node (:func:`dnn.extraction.nodes.find_nodes`), a node
    whose firing raises that of a node above has a path to it (:func:`dnn.extraction.paths.find_paths`), and a node
    fires by the number of its firing parents that agrees best (:func:`dnn.extraction.paths.find_rules`).

    Parameters
    ----------
    network : Module
        Any that :func:`dnn.tap` takes; nothing in it is changed.
    x, y : (n, ...) tensor and (n,) integers
        Samples with their classes.
    layers : str
        Which hidden layers, as of a shell: "*", "blocks.*".
    similarity : float in (0, 1)
        Mean phi of firing from which units are one node, and from which a rule fits.
    rare : float in [0, 1/2)
        Share of samples up to which firing, or silence, is too rare to count.
    shuffles : int
        Shuffled copies behind every threshold.
    rng : numpy.random.Generator, optional
        Shuffles; if None, every call shuffles alike.

    Returns
    -------
    Extracted

    Raises
    ------
    ValueError
        For samples that the network does not take, labels that are no integers, or arguments out of range.

    Examples
    --------
    >>> import torch
    >>> network = nn.Sequential(nn.Linear(2, 4, bias=False), nn.ReLU(), nn.Linear(4, 2))
    >>> _ = network[0].weight.data.copy_(torch.tensor([[1.0, -1], [2, -2], [-1, 1], [-1, 1]]))
    >>> y = torch.arange(40) % 2
    >>> found = extract(network, torch.eye(2)[y], y)
    >>> [units.tolist() for units in found.layers[0].units], len(found.edges)
    ([[0, 1], [2, 3]], 2)
    """
    fields = fields_of(network, samples_for(network, x), layers)
    options = {"similarity": similarity, "rare": rare, "shuffles": shuffles, "rng": rng}
    return extract_fields(fields, y.cpu().numpy() if isinstance(y, Tensor) else y, **options)


def extract_fields(
    fields: Fields,
    labels: ArrayLike,
    *,
    similarity: float = 0.5,
    rare: float = 0.01,
    shuffles: int = 10,
    rng: np.random.Generator | None = None,
) -> Extracted:
    """The graph of fields that are known, such as shuffled ones.

    Parameters
    ----------
    fields : mapping of str to (n, units) array
        Of every layer, the lowest first.
    labels : (n,) integers
    similarity, rare, shuffles, rng
        As in :func:`extract`.
    """
    if not fields:
        raise ValueError("fields must hold a layer, got none")
    rng = random_of("rng", rng)
    n = len(next(iter(fields.values())))
    classes = integer_labels(labels, n)
    if classes.max() >= MOST_CLASSES:
        raise ValueError(f"labels must be < {MOST_CLASSES}, got {classes.max()}")
    options = {"similarity": similarity, "rare": rare, "shuffles": shuffles}
    layers = tuple(find_nodes(name, values, rng, **options) for name, values in fields.items())
    levels = [*(nodes.firing for nodes in layers), classes[:, None] == np.arange(classes.max() + 1)]
    paths = tuple(find_paths(below, above, rng, shuffles) for below, above in pairwise(levels))
    rules = tuple(
        find_rules(below, above, strengths > 0)
        for below, above, strengths in zip(levels[:-2], levels[1:-1], paths[:-1], strict=True)
    )
    return Extracted(layers, classes, paths, rules, similarity)


def _name(nodes: Nodes, node: int | np.intp) -> str:
    return f"{nodes.layer}/{node}"


def _model(extracted: Extracted) -> Neurashed:
    layers, unexplained = extracted.layers, set(extracted.unexplained)
    features = {}
    for place, nodes in enumerate(layers):
        for k in range(len(nodes)):
            features[_name(nodes, k)] = None
            if place and (nodes.layer, k) not in unexplained:
                parents = [_name(layers[place - 1], f) for f in np.flatnonzero(extracted.paths[place - 1][:, k])]
                features[_name(nodes, k)] = (("atleast", int(extracted.rules[place - 1].least[k])), parents)
    classes = {
        f"class {k}": [_name(layers[-1], f) for f in np.flatnonzero(extracted.paths[-1][:, k])]
        for k in range(extracted.n_classes)
    }
    return from_names(features, classes)

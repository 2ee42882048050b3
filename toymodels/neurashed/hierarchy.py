"""Random hierarchical tasks with classes, shared features and features of single samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from toymodels.neurashed.graph import Neurashed
from toymodels.neurashed.graphs import build
from toymodels.validation import generator, plain_fields, positive_int


@dataclass(frozen=True)
class HierarchicalTask:
    """Distribution of graphs and samples with three kinds of features; ours, in the spirit of Su (2024), section 2.

    Level 0 holds `n_shared` nodes that fire for every sample, `n_class` nodes per class and `n_specific` nodes, in
    this order; a sample fires all shared nodes, `class_per_sample` random ones of its class and
    `specific_per_sample` random specific ones. Every other level repeats this layout, the last hidden one without the
    shared nodes: pathways are common below and distinct above. Shared nodes depend on the shared nodes below. A
    class's nodes depend on these too, and on nodes of the class: the first on all and fires with any of them, each
    other on two random ones and fires with any or with both. A specific node repeats the one below it, and leads to
    every class; a class's nodes lead to the class.

    Parameters
    ----------
    n_classes, n_shared, n_class, n_specific : int
        Numbers of classes and of nodes per level.
    class_per_sample, specific_per_sample : int
        At most `n_class` and `n_specific`.
    depth : int
        Number of hidden levels, at least 2.

    Examples
    --------
    >>> task, rng = HierarchicalTask(n_classes=2, n_shared=1, n_class=2, n_specific=3), np.random.default_rng(0)
    >>> task.n_nodes, list(task.nodes_of(1))  # 1 + 2 * 2 + 3 nodes; those of class 1 after the shared one and class 0
    (8, [3, 4])
    >>> inputs, labels = task.sample(4, rng)
    >>> labels.tolist(), inputs.sum(axis=1).tolist()  # each fires the shared node, 2 of its class and 3 of its own
    ([0, 1, 0, 1], [6, 6, 6, 6])
    >>> task.build(rng).n_classes
    2
    """

    n_classes: int = 4
    n_shared: int = 3
    n_class: int = 4
    n_specific: int = 40
    class_per_sample: int = 2
    specific_per_sample: int = 3
    depth: int = 3

    def __post_init__(self):
        plain_fields(self)
        for name in self.__dataclass_fields__:
            positive_int(name, getattr(self, name), minimum=2 if name in ("depth", "n_class") else 1)
        for few, many in (("class_per_sample", "n_class"), ("specific_per_sample", "n_specific")):
            if getattr(self, few) > getattr(self, many):
                raise ValueError(f"{few} must be <= {many} = {getattr(self, many)}, got {getattr(self, few)}")

    @property
    def n_nodes(self) -> int:
        """Nodes of level 0."""
        return self.n_shared + self.n_classes * self.n_class + self.n_specific

    def nodes_of(self, label: int) -> range:
        """Indices, in every level, of the nodes of class `label`."""
        label = positive_int("label", label, minimum=0)
        if label >= self.n_classes:
            raise ValueError(f"label must be in 0 ... {self.n_classes - 1}, got {label}")
        start = self.n_shared + label * self.n_class
        return range(start, start + self.n_class)

    def build(self, rng: np.random.Generator) -> Neurashed:
        """A random graph, drawn from `rng`."""
        generator("rng", rng)
        hidden = [self._level(rng, last=level == self.depth - 1) for level in range(1, self.depth)]
        classes = [[*self.nodes_of(label), *self._specific] for label in range(self.n_classes)]
        return build(self.n_nodes, hidden, classes)

    @property
    def _specific(self) -> range:
        return range(self.n_nodes - self.n_specific, self.n_nodes)

    def _level(self, rng: np.random.Generator, *, last: bool) -> dict[int, tuple[list[int], Any]]:
        shared = list(range(self.n_shared))
        level: dict[int, tuple[list[int], Any]] = {} if last else dict.fromkeys(shared, (shared, "any"))
        for label in range(self.n_classes):
            first, *others = own = list(self.nodes_of(label))
            level[first] = (shared + own, ("atleast", self.n_shared + 1))
            for node in others:
                pair = rng.choice(own, 2, replace=False).tolist()
                level[node] = (shared + pair, ("atleast", self.n_shared + int(rng.integers(1, 3))))
        return level | {node: ([node], "any") for node in self._specific}

    def sample(self, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """`n` samples drawn from `rng`: inputs (n, n_nodes) bool and labels (n,), classes in turn."""
        generator("rng", rng)
        n = positive_int("n", n)
        labels = np.arange(n) % self.n_classes
        inputs = np.zeros((n, self.n_nodes), dtype=bool)
        inputs[:, : self.n_shared] = True
        rows = np.arange(n)[:, None]
        own = _subsets(n, self.n_class, self.class_per_sample, rng)
        inputs[rows, self.n_shared + labels[:, None] * self.n_class + own] = True
        extra = _subsets(n, self.n_specific, self.specific_per_sample, rng)
        inputs[rows, self._specific.start + extra] = True
        return inputs, labels


def _subsets(n: int, size: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """`n` random subsets of `k` out of `size`, (n, k)."""
    return rng.random((n, size)).argsort(axis=1)[:, :k]

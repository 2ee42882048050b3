r"""Classes that share nothing: one chain of two hidden nodes and an edge each, seen more or less often.

Only what its own samples fire moves a class, and the other classes' edges do not know of it. With
:math:`z = \lambda_1 \lambda_2 \eta` of its chain, a sample of class k among K has the probability
:math:`p = e^z / (e^z + K - 1)`, which starts at 1/K; its progress is :math:`(p - 1/K) / (1 - 1/K)`.

Under the multiplicative rule z grows by :math:`a^3` whenever the class is seen, so that a level is reached when
:math:`\ln z` has gone its way; one additive unit makes z grow evenly. Both rules make every class take the same course,
as many times faster as it is seen more often. With :math:`z_{10}, z_{90}` at 10 and 90 % progress it takes
:math:`\log_{10}[\ln(z_{90}/z_0) / \ln(z_{10}/z_0)]` decades from one to the other, or :math:`\log_{10}[(z_{90}-z_0) /
(z_{10}-z_0)]`.

The rules, the score and the logits are those of Su (2024), eq. (2.1)-(2.3); graph and times are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toymodels.neurashed.graph import Neurashed
from toymodels.neurashed.graphs import build
from toymodels.neurashed.rules import Additive, Frozen, Multiplicative
from toymodels.neurashed.training import train
from toymodels.trajectory import Trajectory
from toymodels.validation import choice, fraction, plain_fields, positive, positive_int

RULES = ("multiplicative", "one additive unit")
EVERY = 5  # steps between looks, of which the records are taken
LARGEST_INTEGER = 2**63 - 1  # of an array
MOST_CLASSES = 10_000
MOST_ENTRIES = 10**9  # of the samples by classes that are trained on


@dataclass(frozen=True)
class SeparateClasses:
    """Disjoint chains, one a class, of which class k is seen `ratio` times as often as class k + 1.

    Parameters
    ----------
    n_classes : int
        From 2 to 10,000.
    ratio : int
        How many times as often a class is seen as the next, >= 1.
    initial : float
        Amplification of nodes and edges at the start, > 0. Under the additive rule that of the edge alone: the nodes
        are frozen at 1.
    rule : {"multiplicative", "one additive unit"}
        Whether all three units of a chain grow by a factor, or the edge alone by a constant.
    grow : float
        Factor > 1 of one firing; under the additive rule `grow` - 1 is the constant.

    Raises
    ------
    ValueError
        If a parameter is outside its range, or a class is past 10 % at the start.

    Examples
    --------
    >>> classes = SeparateClasses()
    >>> round(classes.predicted_rise, 4), classes.shares.round(3).tolist()
    (0.0712, [0.675, 0.225, 0.075, 0.025])
    """

    n_classes: int = 4
    ratio: int = 3
    initial: float = 1e-2
    rule: str = "multiplicative"
    grow: float = 1.01

    def __post_init__(self):
        plain_fields(self)
        if positive_int("n_classes", self.n_classes, minimum=2) > MOST_CLASSES:
            raise ValueError(f"n_classes must be <= {MOST_CLASSES}, got {self.n_classes}")
        positive_int("ratio", self.ratio)
        positive("initial", self.initial)
        choice("rule", self.rule, RULES)
        if positive("grow", self.grow) <= 1:
            raise ValueError(f"grow must be > 1, got {self.grow:g}")
        if self._start >= self._logit(0.1):
            raise ValueError(f"initial must leave every class below 10 % of its progress, got {self.initial:g}")

    @property
    def counts(self) -> np.ndarray:
        """Samples of every class, (n_classes,); the last has one.

        Raises
        ------
        ValueError
            If the first has 2^63 or more.
        """
        counts = self._counts
        if counts[0] > LARGEST_INTEGER:
            raise ValueError(
                f"ratio must leave each class < 2^63 samples, got {self.ratio} of {self.n_classes} classes"
            )
        return np.array(counts)

    @property
    def _counts(self) -> list[int]:
        """Exact, however large."""
        return [self.ratio**k for k in reversed(range(self.n_classes))]

    @property
    def shares(self) -> np.ndarray:
        """How often every class is seen, (n_classes,), of sum 1."""
        counts = self._counts
        total = sum(counts)
        return np.array([count / total for count in counts])

    @property
    def graph(self) -> Neurashed:
        """Two levels of nodes, one node of each level a class."""
        nodes = range(self.n_classes)
        level = {k: ([k], "all") for k in nodes}
        return build(self.n_classes, [level], [[k] for k in nodes])

    @property
    def predicted_rise(self) -> float:
        """Decades from 10 to 90 % of the progress of a class, in the mean over the draws of the samples."""
        start, first, last = self._start, self._logit(0.1), self._logit(0.9)
        if self.rule == RULES[0]:
            return float(np.log10(np.log(last / start) / np.log(first / start)))
        return float(np.log10((last - start) / (first - start)))

    def log_growth(self, progress: float) -> float:
        """By how much ln z grows until a class has made so much progress: 3 ln `grow` a firing, if multiplicative.

        Parameters
        ----------
        progress : float
            In (0, 1).

        Examples
        --------
        >>> round(SeparateClasses(n_classes=2, initial=0.1).log_growth(0.9), 3)
        7.988
        """
        return float(np.log(self._logit(fraction("progress", progress)) / self._start))

    @property
    def _start(self) -> float:
        return float(self.initial**3 if self.rule == RULES[0] else self.initial)

    def _logit(self, progress: float) -> float:
        """z of a class that has made so much progress."""
        others = self.n_classes - 1
        return float(np.log1p(others * progress) - np.log1p(-progress))

    def train(self, n_steps: int, rng: np.random.Generator, n_records: int = 600) -> Trajectory:
        """Show samples one at a time, drawn with replacement.

        Parameters
        ----------
        n_steps : int
        rng : numpy.random.Generator
            Draws the order of the samples.
        n_records : int
            At most so many records, evenly spaced in the log of the step, besides the first.

        Returns
        -------
        Trajectory
            On the clock "step": `skills` (n_t, n_classes), the progress of every class.

        Raises
        ------
        ValueError
            If an argument is out of range, or the samples are so many that they fit into no memory.
        """
        n, counts = self.n_classes, self._counts
        if sum(counts) * n > MOST_ENTRIES:
            raise ValueError(
                f"ratio must leave at most {MOST_ENTRIES // n} samples of {n} classes to train on, got {self.ratio}"
            )
        model = self.graph
        inputs, labels = np.repeat(np.eye(n, dtype=bool), counts, axis=0), np.repeat(np.arange(n), counts)
        rule, initial = self._rules(model)
        run = train(model, inputs, labels, rule, n_steps=n_steps, rng=rng, initial=initial, every=EVERY, scale="log")
        rows = np.geomspace(1, len(run.t) - 1, positive_int("n_records", n_records))
        rows = np.r_[0, np.unique(np.rint(rows).astype(int))]
        log_logit = np.minimum(run["log_amplification"].reshape(len(run.t), 2, n).sum(axis=1)[rows], 50.0)
        log_logit = np.minimum(log_logit + run["log_edge_weights"][rows], 6.0)  # e^(e^6): the probability is 1
        odds = np.exp(-np.exp(log_logit))  # of another class against the own one
        probability = 1 / (1 + (n - 1) * odds)
        return Trajectory(run.t[rows], {"skills": (probability - 1 / n) / (1 - 1 / n)}, clock="step")

    def _rules(self, model: Neurashed):
        """The rule of every unit, and the start of all."""
        if self.rule == RULES[0]:
            return Multiplicative(self.grow), self.initial
        start = np.r_[np.ones(len(model.nodes)), np.full(len(model.edges), self.initial)]
        return {"edges": Additive(self.grow - 1), "default": Frozen()}, start

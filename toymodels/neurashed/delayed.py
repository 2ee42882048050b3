r"""Delayed generalisation (a grokking analogue) on the smallest neurashed graph that can show it.

Two routes lead to a class. The *class route* is a chain of `depth` hidden nodes per class, each
with amplification :math:`\lambda`, starting at `epsilon` and updated multiplicatively (:math:`g^+ =
a\lambda` when a sample of the class is drawn, :math:`g^- = b\lambda` otherwise), so its score is
:math:`S_k = \lambda_k^L`. The *memorising route* has `n_votes` level-0 nodes with amplification 1,
of which every sample fires its own random few; their edges :math:`\eta_{mk}` to the classes start
uniform in (0, 0.1) and gain 1 whenever sample and class fire together. Batches hold one sample
drawn with replacement. Test samples fire random votes of their own and the chain of their class.

The rules, the score and the logits are those of Su (2024), *Envisioning future deep learning
theories*, eq. (2.1)-(2.3); the graph and the predicted times are ours and do not appear in that
paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toymodels.trajectory import Trajectory
from toymodels.validation import fraction, generator, plain_fields, positive, positive_int

EDGE_INIT = 0.1  # edges of the memorising route start uniform in (0, EDGE_INIT)
RECORDS_PER_DECADE = 40
MOST_DRAWN = 10**9  # numbers at once


@dataclass(frozen=True)
class DelayedGeneralisation:
    """A neurashed model that memorises at once and generalises when its class route has grown.

    Parameters
    ----------
    n_classes : int
        Number K >= 2 of classes, equally frequent.
    n_train : int
        Number N of training samples, a multiple of `n_classes`.
    n_votes : int
        Number M of memorising nodes.
    votes_per_sample : int
        Number q <= M of memorising nodes that fire for one sample.
    depth : int
        Number L of nodes in the chain of a class.
    epsilon : float
        Initial amplification of the chain nodes, > 0. At 1, that of the memorising nodes, there is
        no handicap: the control. Test accuracy then starts near 1 and dips for a while (with the
        default sizes to 0.65) as training accuracy does, while the votes are few and uneven; from 2
        it does not.
    up, down : float
        Multiplicative rates of the chain nodes, `up` > 1 and 0 < `down` <= 1.
    n_test : int
        Number of held-out samples, a multiple of `n_classes`.

    Raises
    ------
    ValueError
        If a parameter is outside its range.

    Examples
    --------
    The chain of a class, weak at first, overtakes the votes of single samples late; without that handicap it never is
    behind:

    >>> delayed, control = DelayedGeneralisation(epsilon=1e-4), DelayedGeneralisation(epsilon=1.0)
    >>> round(delayed.predicted_train_time), round(delayed.predicted_test_time), round(control.predicted_test_time)
    (186, 2537, 0)
    >>> run = delayed.simulate(5000, np.random.default_rng(0))
    >>> int(run.t[run["train"] > 0.95][0]), int(run.t[run["test"] > 0.95][0])  # steps at which they are first
    (119, 2655)
    """

    n_classes: int = 4
    n_train: int = 48
    n_votes: int = 600
    votes_per_sample: int = 6
    depth: int = 3
    epsilon: float = 1e-4
    up: float = 1.02
    down: float = 0.999
    n_test: int = 400

    def __post_init__(self):
        plain_fields(self)
        positive_int("n_classes", self.n_classes, minimum=2)
        for name in ("n_train", "n_test"):
            if positive_int(name, getattr(self, name)) % self.n_classes:
                raise ValueError(f"{name} must be a multiple of n_classes, got {getattr(self, name)}")
        positive_int("n_votes", self.n_votes)
        if positive_int("votes_per_sample", self.votes_per_sample) > self.n_votes:
            raise ValueError(f"votes_per_sample must be <= n_votes, got {self.votes_per_sample}")
        positive_int("depth", self.depth)
        positive("epsilon", self.epsilon)
        if positive("up", self.up) <= 1:
            raise ValueError(f"up must be > 1, got {self.up}")
        if self.down != 1:
            fraction("down", self.down)

    @property
    def rate(self) -> float:
        """Mean growth per step of ln(amplification) of a chain node: ln(a)/K + (1 - 1/K) ln(b)."""
        frequency = 1 / self.n_classes
        return float(frequency * np.log(self.up) + (1 - frequency) * np.log(self.down))

    @property
    def predicted_train_time(self) -> float:
        """Steps until every training sample has been drawn about once, N ln N (coupon collector): a scale, no more.

        With the default sizes 95 % training accuracy comes at 0.4 to 2.1 times this (100 runs). A class route that is
        ahead sooner fits the training samples too: then its time, :attr:`predicted_test_time`.
        """
        return min(float(self.n_train * np.log(self.n_train)), self.predicted_test_time)

    @property
    def predicted_test_time(self) -> float:
        """Steps until the class route exceeds the spurious votes for good.

        The largest root of L ln(epsilon) + L r t = ln(q^2 t / (2 M)), r being `rate`: the right side
        is the typical lead, on an unseen sample, of the votes for a wrong class. 0 if by this formula
        the route is ahead at every time, `inf` if it does not grow.
        """
        growth = self.depth * self.rate
        if growth <= 0:
            return float("inf")

        def lead(t: float) -> float:
            votes = np.log(self.votes_per_sample**2 * t / (2 * self.n_votes))
            return self.depth * np.log(self.epsilon) + growth * t - votes

        lowest = 1 / growth  # the lead is convex in t with its minimum here
        if lead(lowest) >= 0:
            return 0.0
        upper = 2 * lowest
        while lead(upper) < 0:
            upper *= 2
        from scipy.optimize import root_scalar

        return float(root_scalar(lead, bracket=(lowest, upper)).root)

    def simulate(self, n_steps: int, rng: np.random.Generator, *, every: int | None = None) -> Trajectory:
        """Train on `n_steps` batches of one sample.

        Between records nothing is iterated: amplification in logs and edge weights are both linear
        in how often each sample has been drawn, so the state follows from cumulative counts.

        Parameters
        ----------
        n_steps : int
            Number of updates.
        rng : numpy.random.Generator
            Draws the votes, the initial edges and the order of samples, in this order.
        every : int, optional
            Steps between records; by default records are spaced evenly in log(step), from step 1.

        Returns
        -------
        Trajectory
            Clock "step". `train`, `test`: accuracy in [0, 1]. `log_class_route`: mean over classes of
            ln S. `log_spurious_votes`: ln of the mean, over test samples, of the votes for their
            strongest wrong class. `route_share`: the class route's share of the true logit, in [0, 1],
            mean over training samples. `meta` holds `predicted_test_time`, `predicted_train_time` and
            `rate`.
        """
        generator("rng", rng)
        n_steps = positive_int("n_steps", n_steps)
        steps = _record_steps(n_steps, every)
        train_votes = self._draw_votes(self.n_train, rng)
        test_votes = self._draw_votes(self.n_test, rng)
        initial = rng.uniform(0, EDGE_INIT, (self.n_votes, self.n_classes))
        counts = _cumulative_counts(rng.integers(self.n_train, size=n_steps), steps, self.n_train)

        labels = np.arange(self.n_train) % self.n_classes
        route = self._log_route(counts, labels, steps)
        columns = np.array(
            [self._observe(*state, train_votes, test_votes, initial) for state in zip(counts, route, strict=True)]
        )
        names = ("train", "test", "log_spurious_votes", "route_share")
        data = dict(zip(names, columns.T, strict=True)) | {"log_class_route": route.mean(axis=1)}
        meta = {name: getattr(self, name) for name in ("predicted_test_time", "predicted_train_time", "rate")}
        return Trajectory(steps, data, clock="step", meta=meta)

    def _draw_votes(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Distinct random votes of n samples, (n, votes_per_sample)."""
        if n * self.n_votes > MOST_DRAWN:
            raise ValueError(f"n_votes must be at most {MOST_DRAWN // n} for {n} samples, got {self.n_votes}")
        return rng.random((n, self.n_votes)).argpartition(self.votes_per_sample - 1)[:, : self.votes_per_sample]

    def _log_route(self, counts: np.ndarray, labels: np.ndarray, steps: np.ndarray) -> np.ndarray:
        """ln S of every class, (n_t, n_classes)."""
        fired = counts @ (labels[:, None] == np.arange(self.n_classes))
        growth = fired * np.log(self.up) + (steps[:, None] - fired) * np.log(self.down)
        return self.depth * (np.log(self.epsilon) + growth)

    def _observe(self, counts, log_route, train_votes, test_votes, initial) -> tuple[float, float, float, float]:
        """Accuracies, ln(spurious votes) and route share in the state reached after `counts`."""
        edges = initial.copy()
        owner = np.repeat(np.arange(self.n_train) % self.n_classes, self.votes_per_sample)
        np.add.at(edges, (train_votes.ravel(), owner), np.repeat(counts, self.votes_per_sample))
        train_own, train_wrong, train_route = self._compare(edges, train_votes, log_route)
        test_own, test_wrong, test_route = self._compare(edges, test_votes, log_route)
        train_logit = np.logaddexp(train_route, np.log(train_own))
        train = np.mean(train_logit > np.log(train_wrong))
        test = np.mean(np.logaddexp(test_route, np.log(test_own)) > np.log(test_wrong))
        return train, test, np.log(test_wrong.mean()), np.exp(train_route - train_logit).mean()

    def _compare(self, edges, votes, log_route):
        """Votes for the true class, for the strongest wrong one, and ln S of the true class, each (n,)."""
        labels = np.arange(len(votes)) % self.n_classes
        totals = edges[votes].sum(axis=1)  # (n, n_classes)
        own = totals[np.arange(len(votes)), labels]
        totals[np.arange(len(votes)), labels] = -np.inf
        return own, totals.max(axis=1), log_route[labels]


def _record_steps(n_steps: int, every: int | None) -> np.ndarray:
    """Increasing steps from 1 to `n_steps` at which the state is recorded."""
    if every is None:
        n_records = int(np.ceil(RECORDS_PER_DECADE * np.log10(n_steps))) + 1
        return np.unique(np.geomspace(1, n_steps, n_records).round().astype(int))
    every = positive_int("every", every)
    return np.unique(np.r_[1, np.arange(every, n_steps + 1, every), n_steps])


def _cumulative_counts(draws: np.ndarray, steps: np.ndarray, n: int) -> np.ndarray:
    """How often each of n samples is among the first `steps` draws, (n_t, n)."""
    segment = np.searchsorted(steps, np.arange(1, len(draws) + 1))
    counts = np.bincount(segment * n + draws, minlength=len(steps) * n)
    return counts.reshape(len(steps), n).cumsum(axis=0)

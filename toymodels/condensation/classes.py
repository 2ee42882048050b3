r"""A two-layer ReLU network on several classes: a large start, weight decay, and features that condense.

:math:`f(x) = \sum_j a_j\,\mathrm{relu}(w_j\cdot x)` with :math:`a_j\in\mathbb R^K` and without bias follows the
gradient flow of :math:`\frac{1}{2n}\sum_i |f(x_i)-y_i|^2 + \frac{\mu}{2}(|A|^2+|W|^2)`, as the network with one output
does in :mod:`toymodels.condensation.delayed`. The target of class c is the one-hot vector of c, centred and scaled to
length 1: the K targets are the vertices of a simplex. For K = 2 they are :math:`\pm(1,-1)/\sqrt2`, and the network is
that with one output in the direction :math:`(1,-1)/\sqrt2`.

Inputs are uniform on :math:`\{-1,1\}^d`, and the class is a number of `n_bits` binary digits:

- `signs`: the signs of the first coordinates, one a digit. With two digits a neuron along
  :math:`(s_1,s_2,0,\dots,0)` responds to the class with these signs alone, so four groups of neurons fit the task and
  make the hidden features of each class one point: they can collapse.
- `parities`: the products :math:`x_1x_2, x_3x_4, \dots`, one a digit; for one digit the task `parity` of `delayed`. The
  class of x is that of -x, and no neuron without bias responds to both, so their features are orthogonal whatever the
  weights. Their variability within a class is therefore at least half of the mean :math:`|h|^2`, and as the class means
  share no more than the rest of it, :math:`\mathrm{tr}\,S_W/\mathrm{tr}\,S_B \ge 1` on all inputs: no collapse.

The tasks, the targets and the bound are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from toymodels.condensation.grouping import clusters
from toymodels.condensation.similarity import effective_rank
from toymodels.condensation.stepping import MAX_STEP, Observer, Replicates
from toymodels.run import progress
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import choice, described, generator, plain_fields, positive, positive_int


@dataclass(frozen=True)
class ClassTask:
    r"""A two-layer ReLU network with one output a class, from a large start whose function is zero.

    Parameters
    ----------
    task : {"signs", "parities"}
        See the module.
    n_bits : int
        Binary digits of the class, 1 to 4: there are :math:`K = 2^{n_\mathrm{bits}}` classes.
    dim, n_samples, width, n_test : int
        Inputs (at least those which the class looks at), training samples, neurons (even), fresh test points. Every
        class must be drawn among the training samples.
    init_scale : float
        :math:`\alpha`: neurons start in pairs of equal w, Gaussian of variance :math:`\alpha^2/(m d)`, and opposite a,
        uniform among the centred vectors of length :math:`\alpha/\sqrt m`.
    weight_decay : float
        :math:`\mu > 0`.
    horizon : float
        Length of the run in units of 1/weight_decay.

    Raises
    ------
    ValueError
        If a number is out of range or `width` is odd.

    Examples
    --------
    >>> task = ClassTask(dim=5, n_samples=40, width=20, n_test=100, horizon=0.1)
    >>> task.n_classes, task.targets.shape
    (4, (4, 4))
    >>> run = task.train([np.random.default_rng(0)], n_records=5)[0]
    >>> run["weight_norm"].shape
    (5,)
    """

    task: str = "signs"
    n_bits: int = 2
    dim: int = 30
    n_samples: int = 150
    width: int = 200
    init_scale: float = 4.0
    weight_decay: float = 0.02
    n_test: int = 2000
    horizon: float = 8.0

    def __post_init__(self):
        plain_fields(self)
        choice("task", self.task, ("signs", "parities"))
        if positive_int("n_bits", self.n_bits) > 4:
            raise ValueError(f"n_bits must be at most 4, got {self.n_bits}")
        positive_int("dim", self.dim, minimum=self.n_bits * (2 if self.task == "parities" else 1))
        positive_int("n_samples", self.n_samples, minimum=self.n_classes)
        positive_int("n_test", self.n_test)
        if positive_int("width", self.width, minimum=2) % 2:
            raise ValueError(f"width must be even (neurons start in pairs), got {self.width}")
        positive("init_scale", self.init_scale)
        positive("weight_decay", self.weight_decay)
        positive("horizon", self.horizon)

    @property
    def n_classes(self) -> int:
        """K."""
        return 2**self.n_bits

    @property
    def targets(self) -> np.ndarray:
        """(K, K) unit vectors of a simplex, the target of each class a row."""
        k = self.n_classes
        return np.sqrt(k / (k - 1)) * (np.eye(k) - 1 / k)

    def labels(self, x: np.ndarray) -> np.ndarray:
        """Class 0..K-1 of each input in `x` (n, dim); the first digit is the highest, a positive sign a 1."""
        digits = x[:, : self.n_bits]
        if self.task == "parities":
            digits = x[:, 0 : 2 * self.n_bits : 2] * x[:, 1 : 2 * self.n_bits : 2]
        return (digits > 0) @ (1 << np.arange(self.n_bits)[::-1])

    def record_times(self, n_records: int = 100) -> np.ndarray:
        """(n_records,) log-spaced times from before the fit to the horizon, in flow time; `n_records` >= 2."""
        positive_int("n_records", n_records, minimum=2)
        end = self.horizon / self.weight_decay
        return np.geomspace(min(0.05 / max(self.init_scale**2, 1.0), end / 10), end, n_records)

    def train(
        self, rngs: Sequence[np.random.Generator], n_records: int = 100, observe: Observer | None = None
    ) -> list[Trajectory]:
        """Train one network per generator, all at once; each has its own data, start and step sizes.

        A replicate's numbers do not depend on those beside it. Euler steps in single precision, of at most 0.8 over a
        bound on the top eigenvalue of the tangent kernel.

        Parameters
        ----------
        rngs : sequence of numpy Generators
            One per replicate.
        n_records : int
            As in :meth:`record_times`.
        observe : callable, optional
            `observe(x, labels, x_test, labels_test, a, w) -> dict of float` for one replicate at one record, with
            a (K, width) and w (width, dim); recorded as well.

        Returns
        -------
        list of Trajectory
            On the clock "flow time". `train`, `test` (accuracy), `loss` (of the training set, without the penalty),
            `n_clusters` (leaders, cosine > .95 between the w, over 99 % of the mass |a||w|), `effective_rank` (of W),
            `weight_norm` (squared, all weights), `path_norm` (sum of |a||w|).

        Raises
        ------
        ValueError
            If `rngs` is empty, or a training set lacks a class.
        SimulationError
            If the weights overflow.
        """
        if not isinstance(rngs, Sequence) or isinstance(rngs, str) or not len(rngs):
            raise ValueError(f"rngs must hold at least one generator, got {described(rngs)}")
        for rng in rngs:
            generator("rngs", rng)
        replicates = _Replicates(self, rngs)
        t = self.record_times(n_records)
        rows = []
        for done, (start, end) in enumerate(zip(np.append(0.0, t[:-1]), t, strict=True)):
            progress.step(done, t.size)
            replicates.advance(end - start)
            rows.append(replicates.measure(end) | replicates.observed(observe))
        names = rows[0].keys()
        return [
            Trajectory(t, {name: np.array([row[name][k] for row in rows]) for name in names}, clock="flow time")
            for k in range(len(rngs))
        ]


class _Replicates(Replicates):
    """All replicates: data x (T, n, d), y (T, n, K); weights a (T, K, m), w (T, m, d); in single precision."""

    def __init__(self, task: ClassTask, rngs: Sequence[np.random.Generator]):
        self.task = task
        draws = [_draw(task, rng) for rng in rngs]
        self.x, self.x_test, self.a, self.w = (np.stack(parts).astype(np.float32) for parts in zip(*draws, strict=True))
        self.labels, self.labels_test = (np.stack([task.labels(x) for x in inputs]) for inputs in (self.x, self.x_test))
        for labels in self.labels:
            present = np.unique(labels).size
            if present < task.n_classes:
                raise ValueError(f"n_samples must bring every class, got {present} of {task.n_classes} classes drawn")
        self.y = task.targets.astype(np.float32)[self.labels]

    def step_limit(self) -> np.ndarray:
        """The tangent kernel is at most that of one output with slopes |a|, since a a^T <= |a|^2 for every neuron."""
        z = np.maximum(self.x @ self.w.swapaxes(1, 2), 0)
        slope = (z > 0) * np.linalg.norm(self.a, axis=1)[:, None, :]
        kernel = z @ z.swapaxes(1, 2) + (slope @ slope.swapaxes(1, 2)) * (self.x @ self.x.swapaxes(1, 2))
        top = np.linalg.eigvalsh(kernel)[:, -1] / self.task.n_samples
        return np.minimum(0.8 / top, min(MAX_STEP, 0.05 / self.task.weight_decay))

    def step(self, h: np.ndarray) -> None:
        h = h[:, None, None]
        grad_a, grad_w = _gradients(self.x, self.y, self.a, self.w)
        decay = 1 - h * np.float32(self.task.weight_decay)
        self.a = decay * self.a - h * grad_a
        self.w = decay * self.w - h * grad_w

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.maximum(x @ self.w.swapaxes(1, 2), 0) @ self.a.swapaxes(1, 2)

    def parts(self) -> Iterable[tuple]:
        return zip(self.x, self.labels, self.x_test, self.labels_test, self.a, self.w, strict=True)

    def measure(self, t: float) -> dict[str, np.ndarray]:
        if not (np.isfinite(self.a).all() and np.isfinite(self.w).all()):
            raise SimulationError(f"weights are not finite at flow time {t:g}")
        f, f_test = self.predict(self.x), self.predict(self.x_test)
        norms_a, norms_w = np.linalg.norm(self.a, axis=1), np.linalg.norm(self.w, axis=2)  # both (T, m)
        neurons = list(zip(self.w, norms_w, norms_a * norms_w, strict=True))
        return {
            "train": (f.argmax(axis=2) == self.labels).mean(axis=1),
            "test": (f_test.argmax(axis=2) == self.labels_test).mean(axis=1),
            "loss": ((f - self.y) ** 2).sum(axis=2).mean(axis=1) / 2,
            "n_clusters": np.array([_count_clusters(w, mass) for w, _, mass in neurons]),
            "effective_rank": np.array([effective_rank(w, norm**2) for w, norm, _ in neurons]),
            "weight_norm": (norms_a**2).sum(axis=1) + (norms_w**2).sum(axis=1),
            "path_norm": (norms_a * norms_w).sum(axis=1),
        }


def _gradients(x: np.ndarray, y: np.ndarray, a: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of half the mean squared error, by a (T, K, m) and by w (T, m, d)."""
    z = np.maximum(x @ w.swapaxes(1, 2), 0)  # (T, n, m)
    residual = (z @ a.swapaxes(1, 2) - y) / x.dtype.type(x.shape[1])  # (T, n, K)
    back = (z > 0) * (residual @ a)
    return residual.swapaxes(1, 2) @ z, back.swapaxes(1, 2) @ x


def _draw(task: ClassTask, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    x, x_test = (2.0 * rng.integers(0, 2, (n, task.dim)) - 1 for n in (task.n_samples, task.n_test))
    half = task.width // 2
    w = rng.standard_normal((half, task.dim)) / np.sqrt(task.dim)
    a = rng.standard_normal((task.n_classes, half))
    a -= a.mean(axis=0)
    a /= np.linalg.norm(a, axis=0)
    scale = task.init_scale / np.sqrt(task.width)
    return x, x_test, scale * np.concatenate([a, -a], axis=1), scale * np.concatenate([w, w])


def _count_clusters(w: np.ndarray, mass: np.ndarray) -> int:
    order = np.argsort(-mass)
    kept = order[np.cumsum(mass[order]) <= 0.99 * mass.sum()]
    return int(clusters(w[kept], mass[kept], threshold=0.95, min_share=0.0).max() + 1) if kept.size else 1

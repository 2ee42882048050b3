r"""Teacher and student: the average train and test loss of a linear student with noisy labels.

A teacher of norm 1 in a random direction labels n Gaussian inputs, :math:`y = w^* \cdot x + \sigma \epsilon`, and a
student learns them by gradient flow. For one layer, started at distance :math:`e_0^2 = 1 + |w_0|^2` of the teacher,

.. math::

   2 L_{test} &= e_0^2 \left[\int m(l)\, e^{-2lt} + m_0\right]
                + \sigma^2 q \int m(l)\, \frac{(1 - e^{-lt})^2}{l}, \\
   2 L_{train} &= e_0^2 \int m(l)\, l\, e^{-2lt} + \sigma^2 q \int m(l)\, e^{-2lt} + \sigma^2 (1 - q)_+ ,

with q = d/n and the law m of the eigenvalues of the sample covariance, :math:`m_0` its mass at 0. The test loss is
that on labels without noise; noise in them adds :math:`\sigma^2/2` at all times. It falls, then rises as the noise is
fitted, most of all near n = d: over samples and at late times that is the double descent.

For white inputs m is the law of Marchenko and Pastur, exact for large d at fixed q; at finite d the average differs by
O(1/d), and at late times with noise has no limit for n within one of d. For other inputs, and for two layers, whose
flow is not linear, there is no closed form of the average: it is taken over draws, each of which is exact.

Advani, Saxe, Sompolinsky (2020), High-dimensional dynamics of generalization error in neural networks,
arXiv:1710.03667; the train loss is derived here in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.checks import covariance as checked_covariance
from toymodels.layerwise.held import held, held_number, plain
from toymodels.layerwise.spectrum import marchenko_pastur
from toymodels.layerwise.student import Student, lowest, lowest_of_all, start_weights
from toymodels.trajectory import Trajectory
from toymodels.validation import choice, generator, non_negative, plain_fields, positive_int, times

_BLOCK = 1_000_000  # entries of a (times, eigenvalues) array
_SMALL_START = 0.03
_RANK = 1e-12  # an eigenvalue below this share of the largest is 0


@dataclass(frozen=True, eq=False)
class _Law:
    """What the averages are taken with: eigenvalues > 0 and their masses in the train and in the test loss.

    `signal` sums to the mean input variance, less `null`, its part in directions that no sample has; `count` sums to
    the share of directions that some have.
    """

    eigenvalues: np.ndarray
    count: np.ndarray
    signal: np.ndarray
    null: float


@dataclass(frozen=True, eq=False)
class TeacherStudent:
    r"""A linear student of a linear teacher, on average over inputs, teachers and noise.

    Parameters
    ----------
    dim : int
        Number of inputs d.
    n_samples : int
        Training examples n, Gaussian.
    noise : float
        Standard deviation :math:`\sigma \ge 0` of the labels' noise; the teacher has norm 1.
    layers : int
        1, a vector of weights; or 2, a diagonal network in the eigenbasis of the sample covariance.
    initial : float or pair, optional
        One layer: the norm of the start, of random direction, 0 by default. Two: the start of both weights of every
        direction, or the pair (a, b); 0.03 by default.
    covariance : float, (d,) or (d, d) array, optional
        Covariance of the inputs, the identity by default.

    Raises
    ------
    ValueError
        If a shape or sign is wrong, an array is masked or carries a gradient, or two layers start at 0.

    Examples
    --------
    >>> model = TeacherStudent(dim=200, n_samples=240, noise=0.5)
    >>> model.solve([0.1, 4.0, 1000.0])["test_loss"].round(3).tolist()
    [0.417, 0.17, 0.625]
    >>> t, loss = model.optimal_stopping()
    >>> round(t, 2), round(loss, 3)
    (2.91, 0.167)
    >>> model.draw(np.random.default_rng(0)).solve([0.1, 4.0, 1000.0])["test_loss"].round(2).tolist()
    [0.42, 0.17, 0.54]
    """

    dim: int
    n_samples: int
    noise: float
    layers: int = 1
    initial: float | tuple[float, float] | np.ndarray | None = None
    covariance: np.ndarray | float | None = None

    def __post_init__(self):
        plain_fields(self)
        d = positive_int("dim", self.dim)
        positive_int("n_samples", self.n_samples)
        object.__setattr__(self, "noise", float(non_negative("noise", held_number("noise", self.noise))))
        choice("layers", self.layers, (1, 2))
        object.__setattr__(self, "initial", self._start())
        given = held("covariance", 1.0 if self.covariance is None else self.covariance)
        object.__setattr__(self, "covariance", held("covariance", checked_covariance("covariance", given, d)))

    def _start(self) -> Any:
        if self.layers == 2:
            start = _SMALL_START if self.initial is None else self.initial
            return held("initial", start_weights(start, 2, self.dim))
        start = 0.0 if self.initial is None else self.initial
        return float(non_negative("initial", held_number("initial", start)))

    @property
    def in_closed_form(self) -> bool:
        """Whether the average is: one layer, and inputs whose covariance is a multiple of the identity."""
        spread = np.asarray(self.covariance)
        return self.layers == 1 and np.array_equal(spread, spread[0, 0] * np.eye(self.dim))

    def draw(self, rng: np.random.Generator) -> Student:
        """One data set, drawn from `rng`: inputs, teacher, noise, and for one layer the start."""
        spread, start = np.asarray(self.covariance), np.asarray(self.initial)
        rates, basis = np.linalg.eigh(spread)
        root = basis * np.sqrt(np.maximum(rates, 0)) @ basis.T
        generator("rng", rng)
        x = rng.standard_normal((self.n_samples, self.dim)) @ root
        teacher = _direction(self.dim, rng)
        y = x @ teacher + self.noise * rng.standard_normal(self.n_samples)
        start = start * _direction(self.dim, rng) if self.layers == 1 else start
        return Student(x, y, teacher, self.layers, start, spread)

    def solve(self, t: ArrayLike, n_draws: int = 100, rng: np.random.Generator | None = None) -> Trajectory:
        r"""The average losses at the times `t`.

        Parameters
        ----------
        t : (n_t,) array
            Flow times, increasing, >= 0; `inf` allowed last.
        n_draws : int
            Data sets that an average without closed form is taken over, at least 2; with one layer only the inputs
            are drawn, and teachers and noise averaged over exactly.
        rng : numpy.random.Generator, optional
            Draws them; the same ones each time if left out.

        Returns
        -------
        Trajectory
            `train_loss` and `test_loss` (n_t,), the latter on labels without noise; `meta` has the `method` and the
            `noise_floor` :math:`\sigma^2/2` of noisy ones. If the method is draws, `train_loss_error` and
            `test_loss_error` (n_t,) are the standard errors of the means.

        Raises
        ------
        ValueError
            If a time is infinite where the average is: with noise, n = d; with draws, n within 1 of d.
        """
        t = times(plain("t", t))
        self._check_last(t[-1])
        floor = {"noise_floor": 0.5 * self.noise**2}
        if self.in_closed_form:
            train, test = self._averages(t, self._white_law())
            data = {"train_loss": train, "test_loss": test}
            return Trajectory(t, data, clock="flow time", meta={"method": "closed form, large d", **floor})
        runs = [self._losses(source, t) for source in self._sources(n_draws, rng)]
        mean, error = np.mean(runs, axis=0), np.std(runs, axis=0, ddof=1) / np.sqrt(len(runs))
        data = {"train_loss": mean[0], "test_loss": mean[1], "train_loss_error": error[0], "test_loss_error": error[1]}
        return Trajectory(t, data, clock="flow time", meta={"method": f"mean of {len(runs)} draws", **floor})

    def optimal_stopping(self, n_draws: int = 100, rng: np.random.Generator | None = None) -> tuple[float, float]:
        """When the average test loss is lowest, and how low.

        Parameters
        ----------
        n_draws, rng
            As for :meth:`solve`.

        Returns
        -------
        t, test_loss : float
            The flow time to stop at, `inf` without noise, and the loss then.
        """
        if self.in_closed_form:
            return self._stopping([self._white_law()])
        sources = self._sources(n_draws, rng)
        if self.layers == 1:
            return self._stopping(sources)
        spans = [source.span() for source in sources]
        first, last = min(low for low, _ in spans), max(high for _, high in spans)
        return lowest_of_all(lambda t: np.mean([self._losses(source, t)[1] for source in sources], axis=0), first, last)

    def _check_last(self, last: float) -> None:
        distance = abs(self.n_samples - self.dim)
        if np.isinf(last) and self.noise > 0 and distance <= (0 if self.in_closed_form else 1):
            raise ValueError(
                f"t must be finite: with noise {self.noise:g}, {self.n_samples} samples and {self.dim} dimensions the "
                "average test loss grows without bound, got inf"
            )

    def _white_law(self) -> _Law:
        law, variance = marchenko_pastur(self.dim / self.n_samples), np.asarray(self.covariance)[0, 0]
        return _Law(variance * law.eigenvalues, law.masses, variance * law.masses, variance * law.null)

    def _sources(self, n_draws: int, rng: np.random.Generator | None) -> list[Any]:
        """What one draw is, `n_draws` times: a law of eigenvalues for one layer, a student for two."""
        n_draws = positive_int("n_draws", n_draws, minimum=2)
        rng = np.random.default_rng(0) if rng is None else rng
        students = (self.draw(rng) for _ in range(n_draws))
        return list(students) if self.layers == 2 else [_sample_law(student) for student in students]

    def _losses(self, source: _Law | Student, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if isinstance(source, _Law):
            return self._averages(t, source)
        run = source.solve(t)
        return run["train_loss"], run["test_loss"]

    def _averages(self, t: np.ndarray, law: _Law) -> tuple[np.ndarray, np.ndarray]:
        """Train and test loss, averaged over teachers, starts and noise for given eigenvalues."""
        l, ratio, distance = law.eigenvalues, self.dim / self.n_samples, 1 + float(np.asarray(self.initial)) ** 2
        train, test = np.empty((2, t.size))
        block = max(1, _BLOCK // l.size)
        for first in range(0, t.size, block):
            rows = slice(first, first + block)
            exponent = -np.multiply.outer(np.minimum(t[rows], 1e280), l)  # 1e280 stands for inf
            decay = np.exp(2 * exponent)
            train[rows] = decay @ (law.count * (distance * l + self.noise**2 * ratio))
            test[rows] = decay @ law.signal * distance
            test[rows] += self.noise**2 * ratio * (np.expm1(exponent) ** 2 @ (law.signal / l))
        unfitted = self.noise**2 * max(0.0, 1 - ratio * law.count.sum())
        return 0.5 * (train + unfitted), 0.5 * (test + distance * law.null)

    def _stopping(self, laws: Sequence[_Law]) -> tuple[float, float]:
        """The best time for one layer; each eigenvalue alone asks for one, and between those it lies."""
        distance, noise = 1 + float(np.asarray(self.initial)) ** 2, self.noise**2 * self.dim / self.n_samples
        if noise == 0:
            return np.inf, 0.5 * distance * float(np.mean([law.null for law in laws]))
        l = np.concatenate([law.eigenvalues for law in laws])
        alone = np.log1p(distance * l / noise) / l

        def loss(t):
            return np.mean([self._averages(t, law)[1] for law in laws], axis=0)

        return lowest(loss, alone.min(), alone.max())


def _direction(size: int, rng: np.random.Generator) -> np.ndarray:
    """A random unit vector."""
    vector = rng.standard_normal(size)
    return vector / np.linalg.norm(vector)


def _sample_law(student: Student) -> _Law:
    """The eigenvalues of one sample covariance, each with the input variance along its vector."""
    (n, d), x, spread = student.x.shape, student.x, student.covariance
    eigenvalues, basis = np.linalg.eigh(x.T @ x / n)
    signal = np.sum(basis * (np.asarray(spread) @ basis), axis=0) / d
    kept = eigenvalues > _RANK * eigenvalues.max()
    return _Law(eigenvalues[kept], np.full(kept.sum(), 1 / d), signal[kept], float(signal[~kept].sum()))

r"""The one-layer linear estimator: a delay between train and test with no feature learning at all.

Gradient flow on :math:`|X(w - w^*)|^2/2n` from a random unit error. With eigenvalues l of :math:`X^\top
X/n` and the error's components c, the training loss is :math:`\tfrac12\sum l c^2 e^{-2lt}` and the test
loss :math:`\tfrac12\sum c^2 e^{-2lt}`: the training loss is blind to small l, so near n = d it falls
long before the test loss. The kernel never moves.

The setting is that of Levi, Beck, Bar-Sinai (2023), Grokking in linear estimators, arXiv:2310.16441; the
eigenvalues follow the density of Marchenko and Pastur (1967). Not modelled: noise in the labels
(:class:`toymodels.layerwise.TeacherStudent`), weight decay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.held import plain
from toymodels.layerwise.spectrum import marchenko_pastur
from toymodels.trajectory import Trajectory
from toymodels.validation import fraction, generator, plain_fields, positive_int, times


@dataclass(frozen=True)
class LinearEstimator:
    """Linear regression by gradient flow on Gaussian inputs.

    Parameters
    ----------
    dim : int
        Number of inputs d, standard normal and independent.
    n_samples : int
        Training examples n; the delay opens as n comes down to d.

    Examples
    --------
    >>> run = LinearEstimator(dim=50, n_samples=52).solve([1.0, 100.0, np.inf], np.random.default_rng(0))
    >>> run["train"].round(2).tolist(), run["test"].round(2).tolist()
    ([0.86, 1.0, 1.0], [0.64, 0.99, 1.0])
    """

    dim: int = 1000
    n_samples: int = 1050

    def __post_init__(self):
        plain_fields(self)
        positive_int("dim", self.dim)
        positive_int("n_samples", self.n_samples)

    def solve(self, t: ArrayLike, rng: np.random.Generator) -> Trajectory:
        """Exact flow for a freshly drawn training set and initial error.

        Parameters
        ----------
        t : (n_t,) array
            Flow times, increasing, >= 0; `inf` allowed last.
        rng : numpy.random.Generator
            Draws the inputs and the error. The error is drawn in the eigenbasis: it is isotropic, so
            this is the same.

        Returns
        -------
        Trajectory
            `train_loss`, `test_loss` and the shares explained `train`, `test`, one minus the loss over
            its initial value, all (n_t,).
        """
        t = times(plain("t", t))
        generator("rng", rng)
        x = rng.standard_normal((self.n_samples, self.dim))
        l = _covariance_spectrum(x)
        power = rng.standard_normal(self.dim) ** 2
        power /= power.sum()
        # a cut-off instead of inf, so that a zero eigenvalue stays put there too
        decay = np.exp(-2 * np.multiply.outer(np.minimum(t, 1e300), l))  # (n_t, d)
        train, test = 0.5 * decay @ (l * power), 0.5 * decay @ power
        data = {
            "train_loss": train,
            "test_loss": test,
            "train": 1 - train / (0.5 * l @ power),
            "test": 1 - test / 0.5,
        }
        return Trajectory(t, data, clock="flow time")

    def predicted_times(self, eps: float) -> tuple[float, float]:
        """When train and test loss fall to `eps` of their initial values, on average for large d at fixed n/d.

        Parameters
        ----------
        eps : float
            Remaining share of the loss, in (0, 1).

        Returns
        -------
        train, test : float
            Flow times. `inf` for test when n < d and the null space, a share 1 - n/d, is more than `eps`.
        """
        eps = fraction("eps", plain("eps", eps))
        l, mass, null = marchenko_pastur(self.dim / self.n_samples)
        train = _decay_time(l, l * mass / (l @ mass), eps)
        test = np.inf if null >= eps else _decay_time(l, mass, eps - null)
        return train, test


def _covariance_spectrum(x: np.ndarray) -> np.ndarray:
    """The d eigenvalues of x'x/n; exact zeros for the null space when n < d."""
    n, d = x.shape
    small = x @ x.T if n < d else x.T @ x
    l = np.zeros(d)
    l[d - len(small) :] = np.maximum(np.linalg.eigvalsh(small / n), 0)
    return l


def _decay_time(l: np.ndarray, mass: np.ndarray, level: float) -> float:
    """When sum of mass e^{-2lt} comes down to `level`."""
    from scipy.optimize import root_scalar

    def excess(log_t: float) -> float:
        return mass @ np.exp(-2 * l * np.exp(log_t)) - level

    bracket = np.log(1e-9 / l.max()), np.log(1e3 / l.min())
    return float(np.exp(root_scalar(excess, bracket=bracket, xtol=1e-12).root))

r"""An under-determined sparse regression where weight decay makes a diagonal network generalise late.

The model is :math:`f(x) = \sum_i (u_i^2 - v_i^2) x_i` with all weights started at ``init_scale``, so f = 0, trained on
:math:`|Xw - y|^2/2n + (\mu/2)(|u|^2 + |v|^2)` with :math:`w = u^2 - v^2`. Writing
:math:`u = \beta e^{-\theta}`, :math:`v = \beta e^{\theta}` gives, with no approximation,

.. math:: \beta = \alpha e^{-\mu t}, \qquad \dot\theta = 2 X^\top (Xw - y) / n, \qquad w = -2 \beta^2 \sinh 2\theta .

Along the flow w is therefore always a point that the hyperbolic entropy with parameter beta selects, and
weight decay only slides beta down: from the smallest L2 norm (kernel regime) to the smallest L1 norm
(sparse, hence the truth). Generalisation waits until beta has fallen to the value ``beta_c`` at which
the interpolator is good enough.

That :math:`4uv = 4\beta^2`, the imbalance of the layers u + v and u - v, falls as :math:`e^{-2 \mu t}` holds for any
data; the predicted time is the one at which it reaches :math:`4\beta_c^2`. With one input this is
:class:`toymodels.layerwise.ScalarNetwork` with weight decay.

The selection by hyperbolic entropy is due to Woodworth et al. (2020), Kernel and rich regimes in overparametrized
models, arXiv:2002.09277. Not modelled: noise in the labels, discrete steps, minibatches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.layerwise.held import held_number, plain
from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import generator, non_negative, plain_fields, positive, positive_int, times

LEVEL = 0.95  # share of the variance explained that counts as learned, on both sets
EARLIEST, LATEST = 1e-100, 1e6  # what can be integrated: a time, and a time in units of the decay
N_RECORDS = 400


@dataclass(frozen=True)
class SparseRegression:
    r"""Diagonal network on a sparse linear task, with weight decay.

    Parameters
    ----------
    dim : int
        Number of inputs, standard normal and independent.
    n_samples : int
        Training examples; below `dim` the task is under-determined.
    n_active : int
        Non-zero entries of the true map, all :math:`\pm 1/\sqrt{k}`, so that its norm is 1.
    init_scale : float
        Common initial value :math:`\alpha > 0` of all weights.
    weight_decay : float
        :math:`\mu \ge 0`, the same on both factors.

    Examples
    --------
    >>> model = SparseRegression(dim=20, n_samples=10, n_active=2)
    >>> run = model.solve([0.01, 1, 400], np.random.default_rng(0))
    >>> run["train"].round(2).tolist(), run["test"].round(2).tolist()
    ([0.81, 1.0, 1.0], [0.15, 0.38, 0.99])
    """

    dim: int = 100
    n_samples: int = 50
    n_active: int = 3
    init_scale: float = 3.0
    weight_decay: float = 0.02

    def __post_init__(self):
        plain_fields(self)
        positive_int("dim", self.dim)
        positive_int("n_samples", self.n_samples)
        positive_int("n_active", self.n_active)
        if self.n_active > self.dim:
            raise ValueError(f"n_active must be <= dim = {self.dim}, got {self.n_active}")
        positive("init_scale", held_number("init_scale", self.init_scale))
        non_negative("weight_decay", held_number("weight_decay", self.weight_decay))

    def sample(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Task drawn from `rng`: inputs x (n_samples, dim), noiseless labels y (n_samples,), true map (dim,)."""
        generator("rng", rng)
        x = rng.standard_normal((self.n_samples, self.dim))
        truth = np.zeros(self.dim)
        active = rng.choice(self.dim, self.n_active, replace=False)
        truth[active] = rng.choice([-1.0, 1.0], self.n_active) / np.sqrt(self.n_active)
        return x, x @ truth, truth

    def default_times(self, horizon: float | None = None) -> np.ndarray:
        r"""400 log-spaced flow times that show the fit and, with weight decay, all that comes after it.

        Parameters
        ----------
        horizon : float, optional
            Last time; by default :math:`(\max(\ln\alpha, 0) + 6)/\mu`, where beta is at most :math:`e^{-6}`.

        Returns
        -------
        (400,) array

        Raises
        ------
        ValueError
            If `horizon` is not positive, or is missing while `weight_decay` is 0.
        """
        horizon = self._horizon(horizon)
        return np.geomspace(min(1e-3 / max(self.init_scale**2, 1), horizon / 10), horizon, N_RECORDS)

    def solve(self, t: ArrayLike, rng: np.random.Generator) -> Trajectory:
        r"""The flow on a freshly drawn task, at the times `t`.

        The stiff equation for theta is integrated by LSODA with its Jacobian at relative tolerance 1e-10;
        the conserved products :math:`u_i v_i = \beta^2` hold exactly.

        Parameters
        ----------
        t : (n_t,) array
            Increasing finite flow times > 0: at 0 all sums over w vanish, and ratios of them mean nothing.
        rng : numpy.random.Generator
            Draws the task.

        Returns
        -------
        Trajectory
            All (n_t,): `train` and `test` (share of variance explained; the
            population value :math:`1 - |w - w^*|^2` for test), `weight_norm` of (u, v), `l1` of w,
            `participation` :math:`|w|_1^2/|w|_2^2` (number of inputs in use), `effective_features`
            :math:`(\sum D)^2/\sum D^2` with :math:`D = u^2 + v^2` and `kernel_distance` of the training
            kernel from the initial one. `meta` has `beta_c`, `predicted_test_time` :math:`=
            \ln(\alpha/\beta_c)/\mu` (None if the start is already below `beta_c`, if there is no
            `beta_c`, or without decay) and `predicted_train_time`, the fit with the initial kernel (None
            if the start is below `beta_c`, where the kernel does not stay put).

        Raises
        ------
        ValueError
            If a time is not positive and finite, or times do not increase.
        SimulationError
            If the integrator gives up.
        """
        t = times(plain("t", t))
        if t[0] == 0 or np.isinf(t[-1]):
            raise ValueError(f"t must be > 0 and finite, got {t[0] if t[0] == 0 else t[-1]:g}")
        if t[-1] < EARLIEST or t[-1] * self.weight_decay > LATEST:
            raise ValueError(f"t must end between {EARLIEST:g} and {LATEST:g} over the weight decay, got {t[-1]:g}")
        x, y, truth = self.sample(rng)
        u, v = self._flow(x, y, t)
        return Trajectory(t, _observe(x, y, truth, u, v), clock="flow time", meta=self._predict(x, y, truth))

    def _horizon(self, horizon: float | None) -> float:
        if horizon is not None:
            return float(positive("horizon", held_number("horizon", horizon)))
        if self.weight_decay == 0:
            raise ValueError("horizon must be given when weight_decay is 0, got None")
        return (max(np.log(self.init_scale), 0.0) + 6) / self.weight_decay

    def _factors(self, t: np.ndarray | float, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        log_beta = np.log(self.init_scale) - self.weight_decay * t
        return np.exp(log_beta - theta), np.exp(log_beta + theta)

    def _flow(self, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from scipy.integrate import solve_ivp

        covariance, correlation = x.T @ x / len(x), x.T @ y / len(x)

        def velocity(time, theta):
            u, v = self._factors(time, theta)
            return 2 * (covariance @ (u**2 - v**2) - correlation)

        def jacobian(time, theta):
            u, v = self._factors(time, theta)
            return -4 * covariance * (u**2 + v**2)

        run = solve_ivp(
            velocity, (0, t[-1]), np.zeros(self.dim), "LSODA", t_eval=t, jac=jacobian, rtol=1e-10, atol=1e-10
        )
        if not run.success:
            raise SimulationError(f"theta could not be integrated to flow time {t[-1]:g}: {run.message}")
        return self._factors(t[:, None], run.y.T)

    def _predict(self, x: np.ndarray, y: np.ndarray, truth: np.ndarray) -> dict[str, float | None]:
        beta_c = critical_beta(x, y, truth)
        meta: dict[str, float | None] = {
            "beta_c": beta_c,
            "predicted_test_time": None,
            "predicted_train_time": None,
        }
        if beta_c is None or self.init_scale > beta_c:
            meta["predicted_train_time"] = _lazy_fit_time(x, y, self.init_scale)
        if beta_c is not None and self.init_scale > beta_c and self.weight_decay > 0:
            meta["predicted_test_time"] = float(np.log(self.init_scale / beta_c) / self.weight_decay)
        return meta


def critical_beta(x: np.ndarray, y: np.ndarray, truth: np.ndarray) -> float | None:
    r"""The beta below which the interpolator of least hyperbolic entropy explains 95 % of the variance.

    The interpolator is :math:`w = 2\beta^2 \sinh(X^\top\nu)` with :math:`Xw = y`, found by Newton's method and
    continued down from large beta.

    Parameters
    ----------
    x, y, truth : (n, d), (n,), (d,) arrays
        Inputs, labels and the map behind them.

    Returns
    -------
    float or None
        None if there is no such beta in [1e-4, 1e4]: the task is not under-determined, or even the sparsest
        interpolator is not good enough.
    """
    if len(x) >= x.shape[1]:
        return None
    scale = float(np.sum(truth**2))
    nu, upper = np.zeros(len(x)), None
    for beta in np.geomspace(1e4, 1e-4, 161) * np.sqrt(np.abs(truth).max()):
        nu, w = _interpolate(x, y, beta, nu if upper is None else nu + _tangent(x, beta, upper, nu))
        if 1 - np.sum((w - truth) ** 2) / scale >= LEVEL:
            return None if upper is None else _bisect(x, y, truth, nu, beta, upper)
        upper = beta
    return None


def _bisect(x, y, truth, nu, lower: float, upper: float) -> float:
    """Narrow log beta between a good `lower` and a bad `upper` to 1e-9."""
    while upper / lower > 1 + 1e-9:
        middle = np.sqrt(lower * upper)
        nu, w = _interpolate(x, y, middle, nu)
        if 1 - np.sum((w - truth) ** 2) / np.sum(truth**2) >= LEVEL:
            lower = middle
        else:
            upper = middle
    return float(lower)


def _tangent(x: np.ndarray, beta: float, previous: float, nu: np.ndarray) -> np.ndarray:
    """First-order change of nu when beta moves from `previous` and the fit is kept."""
    z = x.T @ nu
    hessian = (x * np.cosh(z)) @ x.T
    return -2 * np.log(beta / previous) * np.linalg.solve(hessian, x @ np.sinh(z))


def _interpolate(x: np.ndarray, y: np.ndarray, beta: float, nu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Minimise the convex dual, sum of cosh(x' nu) - y nu / 2 beta^2, by damped Newton steps from `nu`."""
    target = y / (2 * beta**2)
    for _ in range(200):
        z = x.T @ nu
        gradient = x @ np.sinh(z) - target
        step = np.linalg.solve((x * np.cosh(z)) @ x.T, gradient)
        # |x' step| <= 1 keeps cosh within a factor e of its quadratic model
        nu = nu - step / max(1.0, np.abs(x.T @ step).max())
        if np.abs(x.T @ step).max() < 1e-10:
            return nu, 2 * beta**2 * np.sinh(x.T @ nu)
    raise SimulationError(f"interpolator of least hyperbolic entropy did not converge at beta {beta:g}")


def _lazy_fit_time(x: np.ndarray, y: np.ndarray, alpha: float) -> float:
    r"""When the kernel :math:`8\alpha^2 XX^\top/n` explains 95 % of the training labels."""
    from scipy.optimize import root_scalar

    eigenvalues, vectors = np.linalg.eigh(x @ x.T / len(x))
    rates, power = 16 * alpha**2 * np.maximum(eigenvalues, 0), (vectors.T @ y) ** 2

    def excess(log_t: float) -> float:
        return power @ np.exp(-rates * np.exp(log_t)) / power.sum() - (1 - LEVEL)

    slow = rates[power > 1e-12 * power.sum()].min()
    bracket = np.log(1e-6 / rates.max()), np.log(1e2 / slow)
    return float(np.exp(root_scalar(excess, bracket=bracket, xtol=1e-12).root))


def _observe(x, y, truth, u, v) -> dict[str, np.ndarray]:
    w, kernel_weights = u**2 - v**2, u**2 + v**2  # both (n_t, d)
    power = np.sum(w**2, axis=1)
    l1 = np.abs(w).sum(axis=1)
    return {
        "train": 1 - np.sum((w @ x.T - y) ** 2, axis=1) / np.sum(y**2),
        "test": 1 - np.sum((w - truth) ** 2, axis=1) / np.sum(truth**2),
        "weight_norm": np.sqrt(kernel_weights.sum(axis=1)),
        "l1": l1,
        "participation": l1**2 / power,
        "effective_features": kernel_weights.sum(axis=1) ** 2 / np.sum(kernel_weights**2, axis=1),
        "kernel_distance": _distance_from_flat(x, kernel_weights),
    }


def _distance_from_flat(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """1 - cosine between x diag(weights) x' and x x', from d x d sums, as half a squared difference."""
    overlap = (x.T @ x) ** 2

    def unit(d):
        return d / np.sqrt(np.sum((d @ overlap) * d, axis=-1, keepdims=True))

    change = unit(weights) - unit(np.ones(x.shape[1]))
    return 0.5 * np.sum((change @ overlap) * change, axis=1)

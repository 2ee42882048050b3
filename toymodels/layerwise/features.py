r"""The unconstrained feature model: a linear layer on features that are free parameters.

The loss is :math:`\tfrac12 |W H - Y|^2`, W (K, width) and H (width, K n), Y one-hot by classes of n examples each,
less 1/K when centred. Gradient flow conserves :math:`W^\top W - H H^\top` and takes W H to Y: within each class the
features obey :math:`\dot H_w = -W^\top W H_w`, so they collapse in the row space of W and stay where they were
outside it. Without weight decay the within-class spread over the between-class spread therefore falls only as the
square of the initial scale.

Eq. 13 and 61-68 of Nam et al. (2025), arXiv:2502.21009; unconstrained features: Mixon, Parshall, Pi (2020),
arXiv:2011.11619. A balanced start, :math:`W^\top W = H H^\top`, is a :class:`toymodels.layerwise.LinearNetwork` with
H as first layer and has a closed form. A Gaussian start is not balanced and is integrated.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from toymodels.trajectory import SimulationError, Trajectory
from toymodels.validation import finite, generator, non_negative, plain_fields, positive, positive_int, times

MOST_EVALUATIONS = 100_000  # of the velocity; collapse is over after some thousands


@dataclass(frozen=True)
class UnconstrainedFeatures:
    r"""Free features with a linear classifier under gradient flow.

    Parameters
    ----------
    n_classes : int
        K >= 2.
    n_per_class : int
        Examples of each class.
    width : int
        Dimension of a feature.
    init_scale : float
        Standard deviation > 0 of the initial features and weights, Gaussian.
    weight_decay : float
        :math:`\mu \ge 0` on both, lowering each singular value of the fit from :math:`\sqrt n` to
        :math:`\max(\sqrt n - \mu, 0)`.
    centered : bool
        Subtract 1/K from the one-hot targets. Without it a model with no bias learns an orthogonal frame rather than a
        simplex, and the simplex only shows once the global mean is removed.

    Examples
    --------
    >>> model = UnconstrainedFeatures(n_classes=3, n_per_class=4, width=5, init_scale=0.1)
    >>> model.solve([0, 2, 20], np.random.default_rng(0))["loss"].round(3).tolist()
    [4.065, 0.059, 0.0]
    """

    n_classes: int
    n_per_class: int
    width: int
    init_scale: float
    weight_decay: float = 0.0
    centered: bool = True

    def __post_init__(self):
        plain_fields(self)
        positive_int("n_classes", self.n_classes, minimum=2)
        positive_int("n_per_class", self.n_per_class)
        positive_int("width", self.width)
        positive("init_scale", finite("init_scale", self.init_scale, ndim=0))
        non_negative("weight_decay", finite("weight_decay", self.weight_decay, ndim=0))

    @property
    def labels(self) -> np.ndarray:
        """Class of each example (K n,), sorted."""
        return np.repeat(np.arange(self.n_classes), self.n_per_class)

    @property
    def targets(self) -> np.ndarray:
        """Y (K, K n)."""
        one_hot = np.repeat(np.eye(self.n_classes), self.n_per_class, axis=1)
        return one_hot - 1 / self.n_classes if self.centered else one_hot

    def final_within_between(self) -> float:
        r"""The ratio tr(within) / tr(between) that is left at the end, to leading order in a small Gaussian start.

        Of the K (n-1) directions within classes only the parts in the row space of W, of dimension r, vanish, and the
        K-1 centred class means have singular value :math:`n^{1/4}` each, so the ratio goes to
        :math:`\sigma^2 (d - r) K (n-1) / ((K-1) \sqrt n)`, with r = K-1 for centred targets, K for others.

        Returns
        -------
        float
            Expectation over starts; one start differs by a relative :math:`\sqrt{2 / ((d - r) K (n-1))}`.

        Raises
        ------
        ValueError
            With weight decay (nothing is left) or a width <= r (the row space of W is everything).
        """
        k, n, sigma = self.n_classes, self.n_per_class, float(self.init_scale)
        rank = k - 1 if self.centered else k
        if self.weight_decay > 0:
            raise ValueError(f"weight_decay must be 0 for spread to be left at the end, got {self.weight_decay}")
        if self.width <= rank:
            raise ValueError(f"width must exceed {rank} for spread to be left at the end, got {self.width}")
        return sigma**2 * (self.width - rank) * k * (n - 1) / ((k - 1) * np.sqrt(n))

    def solve(self, t: ArrayLike, rng: np.random.Generator) -> Trajectory:
        """The flow from a Gaussian start drawn from `rng`, at the times `t`; returns and raises as :meth:`flow`."""
        generator("rng", rng)
        weights = self.init_scale * rng.standard_normal((self.n_classes, self.width))
        features = self.init_scale * rng.standard_normal((self.width, self.labels.size))
        return self.flow(t, weights, features)

    def flow(self, t: ArrayLike, weights: ArrayLike, features: ArrayLike) -> Trajectory:
        """The flow from any start, by DOP853 at relative tolerance 1e-10.

        Parameters
        ----------
        t : (n_t,) array
            Increasing finite flow times >= 0.
        weights : (K, width) array
        features : (width, K n) array

        Returns
        -------
        Trajectory
            `features` (n_t, width, K n), `weights` (n_t, K, width) and `loss` (n_t,), the sum over examples of half
            the squared error, without the penalty.

        Raises
        ------
        ValueError
            If a shape is wrong, or a time is infinite: there is no closed form to take the limit of.
        SimulationError
            If the integrator gives up.
        """
        t = times(t)
        if np.isinf(t[-1]):
            raise ValueError("t must be finite, got inf")
        shapes = (self.n_classes, self.width), (self.width, self.labels.size)
        start = [finite(name, value) for name, value in (("weights", weights), ("features", features))]
        for name, value, shape in zip(("weights", "features"), start, shapes, strict=True):
            if value.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
        w, h = self._integrate(t, *start)
        loss = 0.5 * np.sum((w @ h - self.targets) ** 2, axis=(1, 2))
        return Trajectory(t, {"features": h, "weights": w, "loss": loss}, clock="flow time")

    def _integrate(self, t: np.ndarray, w0: np.ndarray, h0: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        from scipy.integrate import solve_ivp

        targets, evaluations = self.targets, itertools.count()

        def velocity(_, state):
            if next(evaluations) == MOST_EVALUATIONS:
                raise SimulationError(f"features need more than {MOST_EVALUATIONS} evaluations to flow time {t[-1]:g}")
            w, h = state[: w0.size].reshape(w0.shape), state[w0.size :].reshape(h0.shape)
            error = targets - w @ h
            return np.concatenate([(error @ h.T).ravel(), (w.T @ error).ravel()]) - self.weight_decay * state

        start = np.concatenate([w0.ravel(), h0.ravel()])
        if t[-1] == 0:
            return w0[None], h0[None]
        scale = np.abs(start).max()
        run = solve_ivp(velocity, (0, t[-1]), start, "DOP853", t_eval=t, rtol=1e-10, atol=1e-12 * scale)
        if not run.success:
            raise SimulationError(f"features could not be integrated to flow time {t[-1]:g}: {run.message}")
        w, h = np.split(run.y.T, [w0.size], axis=1)
        return w.reshape(-1, *w0.shape), h.reshape(-1, *h0.shape)
